//! A scripted server for the client machine: bytes in, and everything that comes out kept.
#![allow(unreachable_pub)]

pub mod table;
pub mod transfer;

use std::time::Duration;

use ftp_proto::client::{Challenge, Config, Connection, Error, Event, Login, Security, Session};
use ftp_proto::{Account, Instant, Machine, Password, Securable, TlsSession, TlsVersion, Username};
use ftp_testkit::{Pause, drive_to_rest};

pub const NAME: &str = "developer";
pub const PASSWORD: &str = "correct horse";
pub const ACCOUNT: &str = "research";

/// A client and everything that came out of it.
pub struct Dialogue {
    pub client: Connection,
    pub now: Instant,
    /// Everything written and not yet taken.
    pub sent: Vec<u8>,
    pub events: Vec<Event>,
    pub end: Option<Result<(), Error>>,
    /// The deadline of the last action.
    pub deadline: Option<Instant>,
    pub waits: bool,
}

impl Dialogue {
    pub fn new(config: Config) -> Self {
        let now = Instant::START;
        let mut dialogue = Self {
            client: Connection::new(config, now),
            now,
            sent: Vec::new(),
            events: Vec::new(),
            end: None,
            deadline: None,
            waits: false,
        };
        dialogue.drive();
        dialogue
    }

    /// In clear by choice, greeted, nothing known but what `login` says.
    pub fn plain(login: Login) -> Self {
        let mut dialogue = Self::new(Config::new(login).security(Security::DangerousPlaintext));
        dialogue.hear("220 Ready.\r\n");
        dialogue
    }

    /// In clear by choice, logged in, nothing unread.
    pub fn ready() -> Self {
        let mut dialogue = Self::plain(known());
        dialogue.hear("331 Password.\r\n");
        dialogue.hear("230 Welcome.\r\n");
        dialogue.forget();
        dialogue
    }

    /// Under explicit TLS, before the first reply there.
    pub fn secured(config: Config) -> Self {
        let mut dialogue = Self::new(config.security(Security::ExplicitTls));
        dialogue.hear("220 Ready.\r\n");
        dialogue.hear("234 Go ahead.\r\n");
        dialogue.start_tls();
        dialogue.forget();
        dialogue
    }

    /// Does what the machine wants until it needs the outside.
    pub fn drive(&mut self) {
        let (sent, events) = (&mut self.sent, &mut self.events);
        let pause = drive_to_rest(&mut self.client, self.now, sent, events);
        match pause {
            Pause::Closed => self.end = Some(Ok(())),
            Pause::Failed(error) => self.end = Some(Err(error)),
            Pause::Shutdown(_) => panic!("no control connection asks for it"),
            pause => {
                self.deadline = pause.deadline();
                self.waits = matches!(pause, Pause::Wait(_));
            }
        }
    }

    /// The server says something, in one piece.
    pub fn hear(&mut self, bytes: impl AsRef<[u8]>) {
        self.store(bytes);
        self.drive();
    }

    /// The same, one byte at a time.
    pub fn hear_bytewise(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.hear([*byte]);
        }
    }

    /// The bytes arrive, and the machine is not polled.
    pub fn store(&mut self, bytes: impl AsRef<[u8]>) {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let taken = self.client.received(self.now, rest);
            rest = &rest[taken..];
            if taken == 0 {
                self.drive();
            }
        }
    }

    pub fn hear_end(&mut self) {
        self.client.received_eof(self.now);
        self.drive();
    }

    pub fn start_tls(&mut self) {
        self.client.tls_started(self.now, tls());
        self.drive();
    }

    pub fn stop_tls(&mut self) {
        self.client.tls_stopped(self.now);
        self.drive();
    }

    pub fn send(&mut self, line: &str) {
        self.client
            .send(self.now, line.try_into().unwrap())
            .unwrap();
        self.drive();
    }

    pub fn quit(&mut self) {
        self.client.quit(self.now).unwrap();
        self.drive();
    }

    /// Time passes, and the driver's timer fires.
    pub fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.client.timed_out(self.now);
        self.drive();
    }

    /// Time passes, and nothing is noticed.
    pub fn sleep(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    /// What was sent since it was last asked.
    pub fn take_sent(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.sent)).unwrap()
    }

    /// The same, as bytes: Telnet is not text.
    pub fn take_sent_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.sent)
    }

    pub fn take_challenge(&mut self) -> Challenge {
        let position = self
            .events
            .iter()
            .position(|event| matches!(event, Event::Challenge(_)));
        let Event::Challenge(challenge) =
            self.events.remove(position.expect("no challenge is open"))
        else {
            unreachable!()
        };
        challenge
    }

    /// Drops what came out so far.
    pub fn forget(&mut self) {
        self.sent.clear();
        self.events.clear();
    }

    pub fn event_names(&self) -> Vec<String> {
        self.events.iter().map(event_name).collect()
    }

    pub fn error(&self) -> &Error {
        match &self.end {
            Some(Err(error)) => error,
            other => panic!("no error but {other:?}"),
        }
    }

    pub fn is_closed(&self) -> bool {
        self.end == Some(Ok(()))
    }

    pub fn session(&self) -> &Session {
        self.client.session().expect("not logged in")
    }

    /// Seconds from now to the present deadline.
    pub fn seconds_left(&self) -> Option<u64> {
        self.deadline
            .map(|deadline| (deadline - self.now).as_secs())
    }
}

/// The variant of an event, by name.
pub fn event_name(event: &Event) -> String {
    let debug = format!("{event:?}");
    let end = debug
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(debug.len());
    debug[..end].to_owned()
}

pub fn tls() -> TlsSession {
    TlsSession::new(TlsVersion::Tls13, "TLS13_AES_256_GCM_SHA384")
}

pub fn username() -> Username {
    Username::new(NAME).unwrap()
}

pub fn password() -> Password {
    Password::new(PASSWORD).unwrap()
}

pub fn account() -> Account {
    Account::new(ACCOUNT).unwrap()
}

/// Name, password and account.
pub fn known() -> Login {
    Login::user(username())
        .password(password())
        .account(account())
}
