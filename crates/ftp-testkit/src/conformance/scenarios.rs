//! What is played, and what must come of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{self, LoggedInBy, Login, Phase, Timeout};
use ftp_proto::server::{self, NameRule};
use ftp_proto::{Account, Username};
use ftp_rustls::TlsPhase;
use socket2::{Domain, Socket, Type};

use super::{Act, Adapter, Guest, House, Talk, Tls, Way, many_at_once};
use crate::liar::{ACCOUNT, Certificates, Outcome, PASSWORD, USER};

/// A scene for two adapters, or three where it is played under each kind of security.
pub struct Scenario {
    /// What is shown.
    pub name: &'static str,
    play: fn(&Stage<'_>) -> Result<(), String>,
    /// In clear, under explicit TLS and under implicit TLS; else under explicit TLS only.
    thrice: bool,
    /// Whether it takes a crowd.
    pub is_heavy: bool,
}

/// How a connection is protected, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protected {
    Plain,
    Explicit,
    Implicit,
}

impl Scenario {
    /// Under how many kinds of security it is played.
    pub fn securities(&self) -> &'static str {
        if self.thrice {
            "plain, explicit, implicit"
        } else {
            "explicit"
        }
    }

    /// Plays it.
    ///
    /// # Errors
    /// What came of it that should not.
    pub fn play(&self, client: &dyn Adapter, server: &dyn Adapter) -> Result<(), String> {
        let certificates = Certificates::made();
        let all = [Protected::Explicit, Protected::Plain, Protected::Implicit];
        let count = if self.thrice { 3 } else { 1 };
        for protected in all.into_iter().take(count) {
            let stage = Stage {
                client,
                server,
                certificates: &certificates,
                protected,
            };
            (self.play)(&stage).map_err(|what| format!("{protected:?}: {what}"))?;
        }
        Ok(())
    }
}

/// All of them.
pub fn scenarios() -> Vec<Scenario> {
    let thrice = |name, play| Scenario {
        name,
        play,
        thrice: true,
        is_heavy: false,
    };
    let once = |name, play| Scenario {
        name,
        play,
        thrice: false,
        is_heavy: false,
    };
    let heavy = |name, play| Scenario {
        name,
        play,
        thrice: true,
        is_heavy: true,
    };
    vec![
        thrice("log in, `PWD`, `QUIT`", |stage| {
            stage.expect(Way::Plain, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("an unknown command: 502, and on", |stage| {
            let acts = [Act::Command("MLST"), Act::Command("PWD"), Act::Quit];
            stage.expect(Way::Plain, &acts, &by_password(&[502, 257]))
        }),
        thrice("three commands before the first reply", |stage| {
            let acts = [Act::Pipeline(&["PWD", "NOOP", "MLST"]), Act::Quit];
            stage.expect(Way::Plain, &acts, &by_password(&[257, 200, 502]))
        }),
        thrice("a wrong password", wrong_password),
        thrice("an account, given", account_given),
        thrice("an account, asked for and not there", account_missing),
        thrice("`ACCT` after login", account_after_login),
        thrice("a password that is asked for", asked),
        thrice("a name that needs no password", open_name),
        thrice("a greeting of twenty lines", long_greeting),
        thrice("`REIN`", |stage| {
            let acts = [Act::Reinitialize, Act::Command("PWD"), Act::Quit];
            stage.expect(Way::Plain, &acts, &by_password(&[257]))
        }),
        once("`CCC`", clear_command_channel),
        thrice("byte by byte, the client", |stage| {
            stage.expect(Way::InBytes, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("byte by byte, the server", |stage| {
            let mut house = stage.house();
            house.in_bytes = true;
            let guest = stage.guest(&PWD_AND_QUIT);
            stage.meet(&house, &guest, Way::Plain, &by_password(&[257]))
        }),
        thrice("given up at every wait, and gone on with", |stage| {
            let acts = [Act::Command("PWD"), Act::Command("NOOP")];
            stage.expect(Way::GivingUp, &acts, &by_password(&[257, 200]))
        }),
        thrice("moved between tasks or threads", |stage| {
            stage.expect(Way::Moving, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("two in one task or thread", two_in_one),
        heavy("five hundred at once", |stage| {
            let mut patient = server::Timeouts::default();
            patient.first_command = Duration::from_secs(300);
            patient.login = Duration::from_secs(300);
            patient.handshake = Duration::from_secs(300);
            let house = stage.house_with(stage.policy().timeouts(patient));
            let serving = stage.server.serve(&house);
            let address = serving.address.to_string();
            // A busy machine may take its time: this is about all coming in, not about how soon.
            let timeouts = client::Timeouts::uniform(Duration::from_secs(300));
            let config = client::Config::new(stage.login()).timeouts(timeouts);
            let guest = stage.guest_with(config, &PWD_AND_QUIT);
            many_at_once(stage.client, 500, &address, &guest)?;
            drop(serving.end());
            Ok(())
        }),
        once("TLS resumed", resumed),
        once("a certificate that is not trusted", untrusted),
        once("clear text where TLS is demanded", clear_text),
        once("`AUTH TLS` where there is none", no_tls),
        thrice("idle for too long: 421", idle),
        thrice("one too many: 421, or nothing before TLS", one_too_many),
        once(
            "one too many, and tried again until there is room",
            tried_again,
        ),
        once("a name with an address that does not work", localhost),
        thrice("the server stops: 421", shut_down),
        thrice("a write that is not taken", stuck),
        once("a connection refused", connection_refused),
        once("a connection that does not come about", connect_timed_out),
    ]
}

const PWD_AND_QUIT: [Act; 2] = [Act::Command("PWD"), Act::Quit];

fn by_password(replies: &[u16]) -> Talk {
    Talk::done(LoggedInBy::Password, replies)
}

struct Stage<'a> {
    client: &'a dyn Adapter,
    server: &'a dyn Adapter,
    certificates: &'a Certificates,
    protected: Protected,
}

impl Stage<'_> {
    fn policy(&self) -> server::Config {
        server::Config::new()
            .security(match self.protected {
                Protected::Plain => server::Security::DangerousPlaintext,
                Protected::Explicit => server::Security::ExplicitTls,
                Protected::Implicit => server::Security::ImplicitTls,
            })
            // Nobody guesses here.
            .failure_delay(Duration::ZERO, Duration::ZERO)
            .failure_step(Duration::ZERO)
    }

    fn house(&self) -> House {
        self.house_with(self.policy())
    }

    fn house_with(&self, policy: server::Config) -> House {
        let tls = self.protected != Protected::Plain;
        House {
            config: Arc::new(policy),
            tls: tls.then(|| Arc::clone(&self.certificates.server)),
            max_sessions: 900,
            wants_account: false,
            in_bytes: false,
        }
    }

    fn login(&self) -> Login {
        Login::new(USER, PASSWORD).expect("a login")
    }

    fn guest(&self, acts: &[Act]) -> Guest {
        self.guest_with(client::Config::new(self.login()), acts)
    }

    fn guest_with(&self, config: client::Config, acts: &[Act]) -> Guest {
        let tls = self.protected != Protected::Plain;
        Guest {
            config: config.security(match self.protected {
                Protected::Plain => client::Security::DangerousPlaintext,
                Protected::Explicit => client::Security::ExplicitTls,
                Protected::Implicit => client::Security::ImplicitTls,
            }),
            tls: tls.then(|| Arc::clone(&self.certificates.client)),
            answer: None,
            acts: acts.to_vec(),
        }
    }

    fn expect(&self, way: Way, acts: &[Act], wanted: &Talk) -> Result<(), String> {
        self.meet(&self.house(), &self.guest(acts), way, wanted)
    }

    /// They meet, and this must come of it.
    fn meet(&self, house: &House, guest: &Guest, way: Way, wanted: &Talk) -> Result<(), String> {
        let serving = self.server.serve(house);
        let address = serving.address.to_string();
        let talk = self.client.talk(way, &address, guest);
        let log = serving.end().log();
        self.compare(&talk, wanted)
            .map_err(|what| format!("{what}; the server: {log:?}"))
    }

    fn compare(&self, talk: &Talk, wanted: &Talk) -> Result<(), String> {
        if (&talk.replies, &talk.outcome) != (&wanted.replies, &wanted.outcome) {
            return Err(format!("came to {talk:?}, not {wanted:?}"));
        }
        let is_in = matches!(talk.outcome, Outcome::LoggedIn { .. });
        if is_in && talk.tls.is_some() != (self.protected != Protected::Plain) {
            return Err(format!("logged in under {:?}", talk.tls));
        }
        Ok(())
    }
}

fn wrong_password(stage: &Stage<'_>) -> Result<(), String> {
    let login = Login::new(USER, "wrong").expect("a login");
    let guest = stage.guest_with(client::Config::new(login), &PWD_AND_QUIT);
    let wanted = Talk::ended(Outcome::Refused {
        phase: Phase::Password,
        code: 530,
    });
    stage.meet(&stage.house(), &guest, Way::Plain, &wanted)
}

fn account_given(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.wants_account = true;
    let login = stage.login().account(Account::new(ACCOUNT).expect("one"));
    let guest = stage.guest_with(client::Config::new(login), &PWD_AND_QUIT);
    let wanted = Talk::done(LoggedInBy::Account, &[257]);
    stage.meet(&house, &guest, Way::Plain, &wanted)
}

fn account_missing(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.wants_account = true;
    let wanted = Talk::ended(Outcome::Wanting {
        phase: Phase::Password,
    });
    stage.meet(&house, &stage.guest(&[]), Way::Plain, &wanted)
}

fn account_after_login(stage: &Stage<'_>) -> Result<(), String> {
    let house = stage.house_with(stage.policy().takes_accounts(true));
    let guest = stage.guest(&[Act::Account, Act::Quit]);
    stage.meet(&house, &guest, Way::Plain, &by_password(&[230]))
}

fn asked(stage: &Stage<'_>) -> Result<(), String> {
    let user = Username::new(USER).expect("a name");
    let login = Login::user(user).ask();
    let mut guest = stage.guest_with(client::Config::new(login), &PWD_AND_QUIT);
    guest.answer = Some(PASSWORD);
    stage.meet(&stage.house(), &guest, Way::Plain, &by_password(&[257]))
}

fn open_name(stage: &Stage<'_>) -> Result<(), String> {
    let policy = stage.policy().name_rule(|_| NameRule::Open);
    let wanted = Talk::done(LoggedInBy::User, &[257]);
    let guest = stage.guest(&PWD_AND_QUIT);
    stage.meet(&stage.house_with(policy), &guest, Way::Plain, &wanted)
}

fn long_greeting(stage: &Stage<'_>) -> Result<(), String> {
    let lines: Vec<String> = (1..=20).map(|line| format!("220 line {line}")).collect();
    let policy = stage.policy().greeting(lines).map_err(|e| e.to_string())?;
    let guest = stage.guest(&PWD_AND_QUIT);
    stage.meet(
        &stage.house_with(policy),
        &guest,
        Way::Plain,
        &by_password(&[257]),
    )
}

fn clear_command_channel(stage: &Stage<'_>) -> Result<(), String> {
    let policy = stage.policy().clear_command_channel(true);
    let config = client::Config::new(stage.login()).clear_command_channel(true);
    let acts = [Act::ClearCommandChannel, Act::Command("PWD"), Act::Quit];
    let guest = stage.guest_with(config, &acts);
    let wanted = by_password(&[257]);
    stage.meet(&stage.house_with(policy), &guest, Way::Plain, &wanted)
}

fn two_in_one(stage: &Stage<'_>) -> Result<(), String> {
    let serving = stage.server.serve(&stage.house());
    let address = serving.address.to_string();
    let guest = stage.guest(&[Act::Command("PWD"), Act::Command("NOOP")]);
    for talk in stage.client.talk_twice(&address, &guest) {
        stage.compare(&talk, &by_password(&[257, 200]))?;
    }
    drop(serving.end());
    Ok(())
}

fn resumed(stage: &Stage<'_>) -> Result<(), String> {
    let serving = stage.server.serve(&stage.house());
    let address = serving.address.to_string();
    let guest = stage.guest(&PWD_AND_QUIT);
    let first = stage.client.talk(Way::Plain, &address, &guest);
    let second = stage.client.talk(Way::Plain, &address, &guest);
    drop(serving.end());
    let tls = |resumed| Some(Tls { resumed });
    if (first.tls, second.tls) == (tls(false), tls(true)) {
        Ok(())
    } else {
        Err(format!("{first:?}, then {second:?}"))
    }
}

fn untrusted(stage: &Stage<'_>) -> Result<(), String> {
    let mut guest = stage.guest(&PWD_AND_QUIT);
    guest.tls = Some(Arc::clone(&stage.certificates.mistrustful));
    let wanted = Talk::ended(Outcome::TlsFailed {
        during: TlsPhase::Handshake,
    });
    stage.meet(&stage.house(), &guest, Way::Plain, &wanted)
}

fn clear_text(stage: &Stage<'_>) -> Result<(), String> {
    let mut guest = stage.guest(&PWD_AND_QUIT);
    guest.config = guest.config.security(client::Security::DangerousPlaintext);
    guest.tls = None;
    let wanted = Talk::ended(Outcome::Refused {
        phase: Phase::User,
        code: 530,
    });
    stage.meet(&stage.house(), &guest, Way::Plain, &wanted)
}

fn no_tls(stage: &Stage<'_>) -> Result<(), String> {
    let policy = stage.policy();
    let mut house = stage.house_with(policy.security(server::Security::DangerousPlaintext));
    house.tls = None;
    let wanted = Talk::ended(Outcome::Refused {
        phase: Phase::Security,
        code: 502,
    });
    stage.meet(&house, &stage.guest(&PWD_AND_QUIT), Way::Plain, &wanted)
}

const GONE: Outcome = Outcome::Unavailable {
    phase: Phase::Ready,
};

fn idle(stage: &Stage<'_>) -> Result<(), String> {
    let mut timeouts = server::Timeouts::default();
    timeouts.idle = Duration::from_millis(200);
    let house = stage.house_with(stage.policy().timeouts(timeouts));
    let guest = stage.guest(&[Act::Listen]);
    stage.meet(&house, &guest, Way::Plain, &Talk::ended(GONE))
}

fn one_too_many(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.max_sessions = 1;
    let serving = stage.server.serve(&house);
    // Connected first, so accepted first.
    let first = std::net::TcpStream::connect(serving.address).map_err(|e| e.to_string())?;
    let address = serving.address.to_string();
    let talk = stage.client.talk(Way::Plain, &address, &stage.guest(&[]));
    drop(first);
    drop(serving.end());
    let wanted = match stage.protected {
        // A handshake would cost the server what is to be saved.
        Protected::Implicit => Outcome::TlsFailed {
            during: TlsPhase::Handshake,
        },
        _ => Outcome::Unavailable {
            phase: Phase::Greeting,
        },
    };
    stage.compare(&talk, &Talk::ended(wanted))
}

fn tried_again(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.max_sessions = 1;
    let serving = stage.server.serve(&house);
    let first = std::net::TcpStream::connect(serving.address).map_err(|e| e.to_string())?;
    let address = serving.address.to_string();
    let guest = stage.guest(&PWD_AND_QUIT);
    let talk = std::thread::scope(|scope| {
        let talking = scope.spawn(|| stage.client.talk(Way::Retrying, &address, &guest));
        // The first one stays until somebody was sent away.
        let was_sent_away = || serving.clerk.log().len() > 2;
        while !talking.is_finished() && !was_sent_away() {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(first);
        talking.join().expect("no panic")
    });
    drop(serving.end());
    stage.compare(&talk, &by_password(&[257]))
}

/// The server listens on 127.0.0.1; `localhost` is `::1`, too, on most systems.
fn localhost(stage: &Stage<'_>) -> Result<(), String> {
    let serving = stage.server.serve(&stage.house());
    let address = format!("localhost:{}", serving.address.port());
    let guest = stage.guest(&PWD_AND_QUIT);
    let talk = stage.client.talk(Way::Plain, &address, &guest);
    drop(serving.end());
    stage.compare(&talk, &by_password(&[257]))
}

fn shut_down(stage: &Stage<'_>) -> Result<(), String> {
    let mut serving = stage.server.serve(&stage.house());
    let address = serving.address.to_string();
    let guest = stage.guest(&[Act::Listen]);
    let talk = std::thread::scope(|scope| {
        let talking = scope.spawn(|| stage.client.talk(Way::Plain, &address, &guest));
        // Its deadlines end this if nobody logs in.
        while !talking.is_finished() && !serving.clerk.log().contains(&"logged in".to_owned()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        serving.stop();
        talking.join().expect("no panic")
    });
    drop(serving.end());
    stage.compare(&talk, &Talk::ended(GONE))
}

/// The first thing that a client writes: in clear `USER`, and else `AUTH` or a ClientHello.
fn stuck(stage: &Stage<'_>) -> Result<(), String> {
    let mut timeouts = client::Timeouts::default();
    timeouts.write = Duration::from_millis(200);
    timeouts.handshake = Duration::from_millis(200);
    let config = client::Config::new(stage.login()).timeouts(timeouts);
    let guest = stage.guest_with(config, &PWD_AND_QUIT);
    let (phase, what) = match stage.protected {
        Protected::Plain => (Phase::User, Timeout::Write),
        Protected::Explicit => (Phase::Security, Timeout::Write),
        Protected::Implicit => (Phase::Security, Timeout::Handshake),
    };
    let wanted = Talk::ended(Outcome::TimedOut { phase, what });
    stage.meet(&stage.house(), &guest, Way::Stuck, &wanted)
}

fn connection_refused(stage: &Stage<'_>) -> Result<(), String> {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = free.and_then(|listener| listener.local_addr());
    let address = address.map_err(|e| e.to_string())?.to_string();
    let talk = stage.client.talk(Way::Plain, &address, &stage.guest(&[]));
    stage.compare(&talk, &Talk::ended(Outcome::NotConnected))
}

/// A listener whose queue is full does not answer.
fn connect_timed_out(stage: &Stage<'_>) -> Result<(), String> {
    let (_full, address) = full_listener().map_err(|e| e.to_string())?;
    let mut timeouts = client::Timeouts::default();
    timeouts.connect = Duration::from_millis(300);
    let config = client::Config::new(stage.login()).timeouts(timeouts);
    let guest = stage.guest_with(config, &[]);
    let talk = stage.client.talk(Way::Plain, &address.to_string(), &guest);
    stage.compare(&talk, &Talk::ended(Outcome::ConnectTimedOut))
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
        // Under way, and for ever.
        drop(waiting.connect(&address));
        sockets.push(waiting);
    }
    let address = address.as_socket().expect("an address of IPv4");
    Ok((sockets, address))
}
