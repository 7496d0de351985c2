//! A server connection with a driver around it that answers by a fixed rule.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::data::{self, Open, Ticket};
use ftp_proto::server::{
    AccountAttempt, Attempt, CommitRequest, Config, Connection, Error, Event, FileRequest,
    ListenRequest, Request, TransferId, TransferRequest,
};
use ftp_proto::wire::{Code, Reply};
use ftp_proto::{Instant, Machine, Securable, TlsSession, TlsVersion};
use ftp_testkit::drive;

/// What the driver was left with.
pub(crate) type Pause = ftp_testkit::Pause<Error>;

/// What waits for the application.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) attempt: Option<Attempt>,
    pub(crate) account: Option<AccountAttempt>,
    pub(crate) request: Option<Request>,
    pub(crate) file: Option<FileRequest>,
    pub(crate) transfer: Option<TransferRequest>,
    pub(crate) commit: Option<CommitRequest>,
    pub(crate) listen: Option<ListenRequest>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) data: Option<data::Connection>,
    /// Somebody listens.
    pub(crate) listener: bool,
}

pub(crate) struct Server {
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
    /// Every event, as text.
    pub(crate) events: Vec<String>,
    /// Everything written.
    pub(crate) output: Vec<u8>,
    /// Held back where the rule says so.
    pub(crate) held: Held,
    /// The last transfer that was asked for.
    pub(crate) transfer: Option<TransferId>,
    /// Do the handshakes at once.
    pub(crate) handshakes: bool,
    /// Answer attempts, accounts and commands at once.
    pub(crate) answers: bool,
    read: usize,
}

pub(crate) fn tls_session() -> TlsSession {
    TlsSession::new(TlsVersion::Tls13, "TLS13_AES_256_GCM_SHA384")
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl Server {
    pub(crate) fn new(config: Config) -> Self {
        Self::of(Connection::new(Arc::new(config), Instant::START))
    }

    pub(crate) fn of(connection: Connection) -> Self {
        Self {
            connection,
            now: Instant::START,
            events: Vec::new(),
            output: Vec::new(),
            held: Held::default(),
            transfer: None,
            handshakes: true,
            answers: true,
            read: 0,
        }
    }

    /// Does what the machine asks for until it waits.
    pub(crate) fn run(&mut self) -> Pause {
        for _ in 0..100_000 {
            let write = |bytes: &[u8]| {
                self.output.extend_from_slice(bytes);
                bytes.len()
            };
            match drive(&mut self.connection, self.now, write) {
                Ok(event) => self.event(event),
                Err(Pause::Shutdown(_)) => panic!("no control connection asks for it"),
                Err(pause) => return pause,
            }
        }
        panic!("the machine does not come to rest");
    }

    /// The password decides: `right`, `superfluous`, `account`, `unavailable`; the account `main`
    /// is the right one. All else is wrong.
    pub(crate) fn event(&mut self, event: Event) {
        let text = format!("{event:?}");
        let name = text.split(['(', ' ']).next().unwrap_or_default().to_owned();
        self.events.push(match &event {
            Event::Closed(why) => format!("Closed({why:?})"),
            Event::Files(request) => format!("Files({:?})", request.action()),
            Event::Transfer(request) => format!("Transfer({:?})", request.action()),
            Event::Transferred { bytes, outcome, .. } => {
                format!("Transferred({bytes}, {outcome:?})")
            }
            Event::Command(request) => format!("Command({})", request.command()),
            _ => name,
        });
        match event {
            Event::StartTls if self.handshakes => {
                self.connection.tls_started(self.now, tls_session());
            }
            Event::StopTls if self.handshakes => self.connection.tls_stopped(self.now),
            Event::Authenticate(attempt) if self.answers => self.decide(attempt),
            Event::Authenticate(attempt) => self.held.attempt = Some(attempt),
            Event::Account(attempt) if self.answers => {
                let right = attempt.account().expose() == b"main";
                let verdict = if right {
                    attempt.accept()
                } else {
                    attempt.reject()
                };
                assert_eq!(self.connection.decide_account(self.now, verdict), Ok(()));
            }
            Event::Account(attempt) => self.held.account = Some(attempt),
            Event::Command(request) if self.answers => {
                let reply = Reply::new(Code::FILE_ACTION_OKAY, "By the application.").unwrap();
                assert_eq!(
                    self.connection.reply(self.now, request.id(), &reply),
                    Ok(())
                );
            }
            Event::Command(request) => self.held.request = Some(request),
            Event::Files(request) => self.held.file = Some(request),
            Event::Transfer(request) => {
                self.transfer = Some(request.id());
                self.held.transfer = Some(request);
            }
            Event::Commit(request) => self.held.commit = Some(request),
            Event::Listen(request) => self.held.listen = Some(request),
            Event::OpenData(ticket) => {
                self.held.listener &= ticket.open() != Open::Accept;
                self.held.ticket = Some(ticket);
            }
            Event::StopListening => {
                assert!(self.held.listener, "nobody listens");
                self.held.listener = false;
            }
            Event::Transferred { .. } => {
                // As it is asked for.
                self.held.ticket = None;
                self.held.data = None;
                self.held.commit = None;
            }
            _ => {}
        }
    }

    pub(crate) fn decide(&mut self, attempt: Attempt) {
        let password = attempt
            .password()
            .map(|password| password.expose().to_vec());
        let account = attempt.account().map(|account| account.expose().to_vec());
        let verdict = match (password.as_deref(), account.as_deref()) {
            (Some(b"right"), None) => attempt.accept(),
            (Some(b"superfluous"), None) => attempt.accept_superfluous(),
            (Some(b"account"), None) => attempt.need_account(),
            (Some(b"unavailable"), _) => attempt.unavailable(),
            (Some(b"account") | None, Some(b"main")) => attempt.accept(),
            _ => attempt.reject(),
        };
        assert_eq!(self.connection.decide(self.now, verdict), Ok(()));
    }

    /// Offers bytes until all are taken or the machine waits, then runs it.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Pause {
        let mut rest = bytes;
        loop {
            let taken = self.connection.received(self.now, rest);
            rest = &rest[taken..];
            let pause = self.run();
            if rest.is_empty() || (taken == 0 && !matches!(pause, Pause::Read(_))) {
                return pause;
            }
        }
    }

    /// Sends a command and returns what was written since the last time.
    pub(crate) fn send(&mut self, command: &str) -> String {
        self.receive(format!("{command}\r\n").as_bytes());
        self.said()
    }

    /// Runs the machine and returns what was written since the last time.
    pub(crate) fn said(&mut self) -> String {
        self.run();
        let new = String::from_utf8_lossy(&self.output[self.read..]).into_owned();
        self.read = self.output.len();
        new
    }

    /// The code of what was written to a command.
    pub(crate) fn code(&mut self, command: &str) -> String {
        self.send(command).chars().take(3).collect()
    }

    /// Lets time pass, telling the machine at each of its deadlines.
    pub(crate) fn sleep(&mut self, duration: Duration) -> Pause {
        let end = self.now + duration;
        loop {
            let deadline = match self.run() {
                Pause::Read(deadline) | Pause::Wait(deadline) => deadline,
                other => return other,
            };
            match deadline.filter(|deadline| *deadline <= end) {
                Some(deadline) => self.now = self.now.max(deadline),
                None => break,
            }
            self.connection.timed_out(self.now);
        }
        self.now = end;
        self.connection.timed_out(end);
        self.run()
    }

    /// What happened since the last time.
    pub(crate) fn happened(&mut self) -> Vec<String> {
        self.run();
        std::mem::take(&mut self.events)
    }
}
