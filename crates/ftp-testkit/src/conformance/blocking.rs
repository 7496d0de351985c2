//! `ftp-blocking`, as the suite wants an adapter.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ftp_adapter::{Error, SessionEvent, SessionInfo, SharedGuard};
use ftp_blocking::{Client, Connecting, Connector, Handler, Server, Shutdown, Transport};
use ftp_proto::client::{Challenge, CommandId, Event, Login};
use ftp_proto::server::{Attempt, Request, Verdict};
use ftp_proto::wire::{Class, Reply};
use ftp_proto::{Account, Password};

use super::awkward::AwkwardStream;
use super::futures::{finish, tell};
use super::under_load::listener;
use super::{Act, Adapter, Clerk, Guest, House, Serving, Talk, Tls, Way};
use crate::liar::{
    ACCOUNT, ClientUnderTest, Outcome, PASSWORD, Record, ServerSetup, ServerUnderTest, Setup, Then,
    USER,
};

/// The adapter for blocking sockets.
pub struct Blocking;

/// How long a call waits that is to be given up.
const MOMENT: Duration = Duration::from_millis(1);

impl Adapter for Blocking {
    fn name(&self) -> &'static str {
        "blocking"
    }

    fn talk(&self, way: Way, address: &str, guest: &Guest) -> Talk {
        match way {
            Way::Plain => converse(guest, || connector(guest).dial(address)),
            Way::InBytes => converse(guest, || awkwardly(address, guest, false)),
            Way::Stuck => converse(guest, || awkwardly(address, guest, true)),
            Way::GivingUp => {
                let [talk] = in_turns(address, guest);
                talk
            }
            Way::Retrying => {
                let mut talk = Talk::ended(Outcome::Other("nothing happened".to_owned()));
                let client = connector(guest).connect_with_retry(address, Way::retry());
                let outcome = client.and_then(|client| act(client, guest, &mut talk));
                finish(talk, outcome)
            }
            Way::Moving => thread::scope(|scope| {
                let login = scope.spawn(|| connector(guest).dial(address));
                let connecting = login.join().expect("no panic");
                let rest = scope.spawn(move || converse(guest, || connecting));
                rest.join().expect("no panic")
            }),
        }
    }

    fn talk_at_once(&self, count: usize, address: &str, guest: &Guest) -> Vec<Talk> {
        thread::scope(|scope| {
            let talk = || self.talk(Way::Plain, address, guest);
            let all: Vec<_> = (0..count).map(|_| scope.spawn(talk)).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Talk>| thread.join();
            all.into_iter().map(join).map(Result::unwrap).collect()
        })
    }

    fn talk_twice(&self, address: &str, guest: &Guest) -> [Talk; 2] {
        in_turns(address, guest)
    }

    fn serve(&self, house: &House) -> Serving {
        let listener = listener().expect("a free port");
        let address = listener.local_addr().expect("an address");
        let clerk = Arc::new(Clerk::new(house));
        let shutdown = Shutdown::new();
        let thread = thread::spawn({
            let (house, clerk, shutdown) = (house.clone(), Arc::clone(&clerk), shutdown.clone());
            move || {
                let server = Server::new(Arc::clone(&house.config), house.tls.clone());
                let server = server.expect("TLS where it is wanted");
                let mut server = server
                    .max_sessions(house.max_sessions)
                    .drain_time(house.drain_time());
                if let Some(guard) = house.guard() {
                    server = server.guard(SharedGuard::new(guard));
                }
                if house.in_bytes {
                    serve_in_bytes(&server, &listener, &clerk, &shutdown);
                } else {
                    let served = server.serve(listener, clerk, &shutdown);
                    served.expect("the listener has an address");
                }
            }
        });
        Serving {
            address,
            clerk,
            stop: Some(Box::new(move || shutdown.stop())),
            thread: Some(thread),
        }
    }
}

/// One connection after the other, over an awkward stream.
fn serve_in_bytes(
    server: &Server,
    listener: &TcpListener,
    clerk: &Arc<Clerk>,
    shutdown: &Shutdown,
) {
    listener.set_nonblocking(true).expect("a listener");
    while !shutdown.is_stopped() {
        let Ok((stream, peer)) = listener.accept() else {
            thread::sleep(MOMENT);
            continue;
        };
        stream.set_nonblocking(false).expect("a stream");
        let stream = AwkwardStream {
            stream,
            stuck: false,
        };
        server.run_session(stream, peer, &**clerk, shutdown);
    }
}

fn connector(guest: &Guest) -> Connector {
    let connector = Connector::new(guest.config.clone());
    match &guest.tls {
        Some(tls) => connector.tls(Arc::clone(tls)),
        None => connector,
    }
}

fn awkwardly(
    address: &str,
    guest: &Guest,
    stuck: bool,
) -> Result<Connecting<AwkwardStream<TcpStream>>, Error> {
    let stream = TcpStream::connect(address).expect("a server");
    let (host, _) = address.rsplit_once(':').expect("a port");
    connector(guest).start(AwkwardStream { stream, stuck }, host)
}

fn converse<T: Transport>(
    guest: &Guest,
    connect: impl FnOnce() -> Result<Connecting<T>, Error>,
) -> Talk {
    let mut talk = Talk::ended(Outcome::Other("nothing happened".to_owned()));
    let login = || {
        let connecting = connect()?;
        match guest.answer {
            None => connecting.wait(),
            Some(password) => {
                let password = Password::new(password)?;
                let ask = |challenge: Challenge| challenge.password(password.clone());
                connecting.answered_by(ask)
            }
        }
    };
    let outcome = login().and_then(|client| act(client, guest, &mut talk));
    finish(talk, outcome)
}

fn act<T: Transport>(
    mut client: Client<T>,
    guest: &Guest,
    talk: &mut Talk,
) -> Result<Outcome, Error> {
    let outcome = logged_in(&client, talk);
    for &act in &guest.acts {
        match act {
            Act::Command(line) => talk.replies.push(client.command(line)?.code().get()),
            Act::Pipeline(lines) => {
                let mut sent = Vec::new();
                for &line in lines {
                    sent.push(client.send(line)?);
                }
                for command in sent {
                    talk.replies.push(client.next_reply(command)?.code().get());
                }
            }
            Act::Account => {
                let reply = client.account(Account::new(ACCOUNT)?)?;
                talk.replies.push(reply.code().get());
            }
            Act::Reinitialize => client.reinitialize(Login::new(USER, PASSWORD)?)?,
            Act::ClearCommandChannel => client.clear_command_channel()?,
            Act::Listen => while client.next_event()?.is_some() {},
            Act::Quit => {
                client.quit()?;
                break;
            }
        }
    }
    Ok(outcome)
}

/// A talk that is driven a moment at a time, by one who has other things to do. Only commands, as in
/// the async adapters.
struct Hesitant<'a> {
    connecting: Option<Connecting>,
    client: Option<Client>,
    open: Option<CommandId>,
    acts: std::slice::Iter<'a, Act>,
    talk: Talk,
}

impl<'a> Hesitant<'a> {
    fn new(address: &str, guest: &'a Guest) -> Result<Self, Error> {
        Ok(Self {
            connecting: Some(connector(guest).dial(address)?),
            client: None,
            open: None,
            acts: guest.acts.iter(),
            talk: Talk::ended(Outcome::Other("nothing happened".to_owned())),
        })
    }

    /// For a moment. Says whether all is done.
    fn go_on(&mut self) -> Result<bool, Error> {
        if let Some(connecting) = &mut self.connecting {
            if let Poll::Ready(Event::LoggedIn(_)) = connecting.next_event_within(MOMENT)? {
                let connecting = self.connecting.take().ok_or(Error::Closed)?;
                self.client = Some(connecting.wait()?);
            }
            return Ok(false);
        }
        let client = self.client.as_mut().ok_or(Error::Closed)?;
        if self.open.is_none() {
            self.open = match self.acts.next() {
                None => {
                    self.talk.outcome = logged_in(client, &mut self.talk);
                    return Ok(true);
                }
                Some(Act::Command(line)) => Some(client.send(*line)?),
                Some(act) => panic!("{act:?} cannot be given up"),
            };
        }
        if let Poll::Ready(Some(Event::Reply { command, reply })) =
            client.next_event_within(MOMENT)?
            && Some(command) == self.open
            && reply.code().class() != Class::Preliminary
        {
            self.talk.replies.push(reply.code().get());
            self.open = None;
        }
        Ok(false)
    }
}

/// Talks by turns, a moment each, until all are done.
fn in_turns<const N: usize>(address: &str, guest: &Guest) -> [Talk; N] {
    let mut talks = [(); N].map(|()| Hesitant::new(address, guest));
    let mut done = [false; N];
    while !done.iter().all(|done| *done) {
        for (talk, done) in talks.iter_mut().zip(&mut done) {
            if let (Ok(hesitant), false) = (&mut *talk, *done) {
                match hesitant.go_on() {
                    Ok(over) => *done = over,
                    Err(error) => *talk = Err(error),
                }
            } else {
                *done = true;
            }
        }
    }
    talks.map(|talk| match talk {
        Ok(hesitant) => hesitant.talk,
        Err(error) => Talk::ended(Outcome::of_adapter(&error)),
    })
}

fn logged_in<T: Transport>(client: &Client<T>, talk: &mut Talk) -> Outcome {
    let session = client.session().expect("logged in");
    talk.tls = session.tls.as_ref().map(|tls| Tls {
        resumed: tls.resumed,
    });
    Outcome::LoggedIn {
        by: session.logged_in_by,
        then: None,
    }
}

impl ClientUnderTest for Blocking {
    fn log_in(&self, server: SocketAddr, setup: &Setup) -> Outcome {
        let guest = Guest {
            config: setup.config.clone(),
            tls: setup.tls.clone(),
            answer: None,
            acts: Vec::new(),
        };
        let log_in = || {
            let mut client = connector(&guest).connect(&server.to_string())?;
            let by = client.session().expect("logged in").logged_in_by;
            let mut then = None;
            match setup.then {
                Then::Command(command) => then = Some(client.command(command)?.code().get()),
                Then::ClearCommandChannel => client.clear_command_channel()?,
                Then::Reinitialize => client.reinitialize(Login::new(USER, PASSWORD)?)?,
                Then::Quit => client.quit()?,
                Then::Leave => {}
            }
            Ok(Outcome::LoggedIn { by, then })
        };
        log_in().unwrap_or_else(|error: Error| Outcome::of_adapter(&error))
    }
}

struct Witness(Arc<Record>);

impl Handler for Witness {
    fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        self.0.check(attempt)
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        tell(&self.0, event);
    }
}

impl ServerUnderTest for Blocking {
    fn serve_one(&self, listener: TcpListener, setup: &ServerSetup, record: &Arc<Record>) {
        let server = Server::new(Arc::clone(&setup.config), setup.tls.clone());
        let server = server.expect("TLS where it is wanted");
        let (stream, peer) = listener.accept().expect("a connection");
        let witness = Witness(Arc::clone(record));
        server.run_session(stream, peer, &witness, &Shutdown::new());
    }
}
