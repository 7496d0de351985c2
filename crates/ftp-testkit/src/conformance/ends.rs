//! Scenes of how it ends: time, room, and the server's own end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ftp_proto::client::{self, Phase, Timeout};
use ftp_proto::server;
use ftp_proto::wire::Verb;
use ftp_proto::{Dialogue, Instant};
use ftp_rustls::TlsPhase;
use socket2::{Domain, Socket, Type};

use super::fixture::{Fixture, PWD_AND_QUIT, Protected, by_password};
use super::{ClientRun, ClientStep, DriveMode};
use crate::misbehaving::Outcome;

const GONE: Outcome = Outcome::Unavailable {
    phase: Phase::Ready,
};

pub(super) fn idle(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut timeouts = server::Timeouts::default();
    timeouts.idle = Duration::from_millis(200);
    let settings = fixture.server_settings_with(fixture.policy().timeouts(timeouts));
    let plan = fixture.client_plan(&[ClientStep::Listen]);
    fixture.meet(&settings, &plan, DriveMode::Plain, &ClientRun::ended(GONE))
}

/// The server is told to stop when it was asked for a sign of life; the client says nothing else.
pub(super) fn kept_alive(fixture: &Fixture<'_>) -> Result<(), String> {
    let asked = Arc::new(AtomicBool::new(false));
    let observer = {
        let asked = Arc::clone(&asked);
        move |_: Instant, dialogue: Dialogue<'_>| {
            if let Dialogue::Command(command) = dialogue
                && command.verb() == Verb::Noop
            {
                asked.store(true, Ordering::Release);
            }
        }
    };
    let policy = fixture.policy().observer(Arc::new(observer));
    let mut serving = fixture.server.serve(&fixture.server_settings_with(policy));
    let address = serving.address.to_string();
    let config = client::Config::new(fixture.login()).keep_alive(Some(Duration::from_secs(1)));
    let plan = fixture.client_plan_with(config, &[ClientStep::Listen]);
    let run = std::thread::scope(|scope| {
        let talking = scope.spawn(|| fixture.client.run(DriveMode::Plain, &address, &plan));
        // Without a NOOP the server ends it after its idle time.
        while !talking.is_finished() && !asked.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(5));
        }
        serving.stop();
        talking.join().expect("no panic")
    });
    drop(serving.end());
    fixture.compare(&run, &ClientRun::ended(GONE))?;
    if asked.load(Ordering::Acquire) {
        Ok(())
    } else {
        Err("no NOOP came".to_owned())
    }
}

pub(super) fn one_too_many(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut settings = fixture.server_settings();
    settings.max_sessions = 1;
    let serving = fixture.server.serve(&settings);
    // Connected first, so accepted first.
    let first = std::net::TcpStream::connect(serving.address).map_err(|e| e.to_string())?;
    let address = serving.address.to_string();
    let run = fixture
        .client
        .run(DriveMode::Plain, &address, &fixture.client_plan(&[]));
    drop(first);
    drop(serving.end());
    let wanted = match fixture.protected {
        // A handshake would cost the server what is to be saved.
        Protected::Implicit => Outcome::TlsFailed {
            during: TlsPhase::Handshake,
        },
        _ => Outcome::Unavailable {
            phase: Phase::Greeting,
        },
    };
    fixture.compare(&run, &ClientRun::ended(wanted))
}

pub(super) fn tried_again(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut settings = fixture.server_settings();
    settings.max_sessions = 1;
    let serving = fixture.server.serve(&settings);
    let first = std::net::TcpStream::connect(serving.address).map_err(|e| e.to_string())?;
    let address = serving.address.to_string();
    let plan = fixture.client_plan(&PWD_AND_QUIT);
    let run = std::thread::scope(|scope| {
        let talking = scope.spawn(|| fixture.client.run(DriveMode::Retrying, &address, &plan));
        // The first one stays until somebody was sent away.
        let was_sent_away = || serving.handler.log().len() > 2;
        while !talking.is_finished() && !was_sent_away() {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(first);
        talking.join().expect("no panic")
    });
    drop(serving.end());
    fixture.compare(&run, &by_password(&[257]))
}

/// The server listens on 127.0.0.1; `localhost` is `::1`, too, on most systems.
pub(super) fn localhost(fixture: &Fixture<'_>) -> Result<(), String> {
    let serving = fixture.server.serve(&fixture.server_settings());
    let address = format!("localhost:{}", serving.address.port());
    let plan = fixture.client_plan(&PWD_AND_QUIT);
    let run = fixture.client.run(DriveMode::Plain, &address, &plan);
    drop(serving.end());
    fixture.compare(&run, &by_password(&[257]))
}

pub(super) fn shut_down(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut serving = fixture.server.serve(&fixture.server_settings());
    let address = serving.address.to_string();
    let plan = fixture.client_plan(&[ClientStep::Listen]);
    let run = std::thread::scope(|scope| {
        let talking = scope.spawn(|| fixture.client.run(DriveMode::Plain, &address, &plan));
        // Its deadlines end this if nobody logs in.
        while !talking.is_finished() && !serving.handler.log().contains(&"logged in".to_owned()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        serving.stop();
        talking.join().expect("no panic")
    });
    drop(serving.end());
    fixture.compare(&run, &ClientRun::ended(GONE))
}

/// The first thing that a client writes: in clear `USER`, and else `AUTH` or a ClientHello.
pub(super) fn stuck(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut timeouts = client::Timeouts::default();
    timeouts.write = Duration::from_millis(200);
    timeouts.handshake = Duration::from_millis(200);
    let config = client::Config::new(fixture.login()).timeouts(timeouts);
    let plan = fixture.client_plan_with(config, &PWD_AND_QUIT);
    let (phase, what) = match fixture.protected {
        Protected::Plain => (Phase::User, Timeout::Write),
        Protected::Explicit => (Phase::Security, Timeout::Write),
        Protected::Implicit => (Phase::Security, Timeout::Handshake),
    };
    let wanted = ClientRun::ended(Outcome::TimedOut { phase, what });
    fixture.meet(&fixture.server_settings(), &plan, DriveMode::Stuck, &wanted)
}

pub(super) fn connection_refused(fixture: &Fixture<'_>) -> Result<(), String> {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = free.and_then(|listener| listener.local_addr());
    let address = address.map_err(|e| e.to_string())?.to_string();
    let run = fixture
        .client
        .run(DriveMode::Plain, &address, &fixture.client_plan(&[]));
    fixture.compare(&run, &ClientRun::ended(Outcome::NotConnected))
}

/// A listener whose queue is full does not answer.
pub(super) fn connect_timed_out(fixture: &Fixture<'_>) -> Result<(), String> {
    let (_full, address) = full_listener().map_err(|e| e.to_string())?;
    let mut timeouts = client::Timeouts::default();
    timeouts.connect = Duration::from_millis(300);
    let config = client::Config::new(fixture.login()).timeouts(timeouts);
    let plan = fixture.client_plan_with(config, &[]);
    let run = fixture
        .client
        .run(DriveMode::Plain, &address.to_string(), &plan);
    fixture.compare(&run, &ClientRun::ended(Outcome::ConnectTimedOut))
}

/// A listener that accepts nobody, and those who wait in its queue.
fn full_listener() -> std::io::Result<(Vec<Socket>, SocketAddr)> {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None);
    let listener = socket()?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(0)?;
    let address = listener.local_addr()?;
    let mut sockets = vec![listener];
    for _ in 0..8 {
        let waiting = socket()?;
        waiting.set_nonblocking(true)?;
        // In progress for ever.
        drop(waiting.connect(&address));
        sockets.push(waiting);
    }
    let address = address.as_socket().expect("an address of IPv4");
    Ok((sockets, address))
}
