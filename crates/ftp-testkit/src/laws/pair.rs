mod config;

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use ftp_proto::client::{self, Challenge, ChallengeKind};
use ftp_proto::server::{self, AccountAttempt, Attempt, Request};
use ftp_proto::wire::{Code, Command, Reply};
use ftp_proto::{Account, Action, Instant, Machine, Password, Securable, TlsSwitch};

use self::config::{client_config, login, server_config, username};
use super::transcript::{Side, Transcript};
use super::watched::{Rest, Watched};
use super::{SECRET, contains, tls_session};

/// A client and a server, and what happens to them.
#[derive(Debug, Clone, Arbitrary)]
pub struct PairOps {
    /// Chooses both configurations.
    pub choices: [u8; 4],
    /// In this order.
    pub operations: Vec<PairOp>,
}

/// One thing that happens to a pair.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum PairOp {
    /// So many of the bytes under way reach the server.
    ServerReceives(u8),
    /// So many of the bytes under way reach the client.
    ClientReceives(u8),
    /// The transport takes so many bytes of what the client writes.
    ClientWrites(u8),
    /// The transport takes so many bytes of what the server writes.
    ServerWrites(u8),
    /// Both are asked, and nothing is done: a driver was cancelled.
    Cancel,
    /// So many seconds pass.
    Time(u8),
    /// Time passes until the next deadline of either.
    Deadline,
    /// The server's application decides on an attempt.
    Decide(u8),
    /// The server's application decides on an account.
    DecideAccount(bool),
    /// The server's application answers a command.
    Reply(u8),
    /// The client's application answers a challenge.
    Answer(u8),
    /// The client's application sends a command.
    Send(u8),
    /// It starts anew.
    Reinitialize(u8),
    /// It leaves TLS.
    ClearCommandChannel,
    /// It leaves.
    Quit,
    /// The server's application has enough.
    Shutdown,
    /// Both do the switch of TLS that they ask for.
    SwitchTls,
    /// The server hears no more.
    ServerEof,
    /// The client hears no more.
    ClientEof,
    /// Everything under way arrives and everything open is answered.
    Settle,
}

/// A client and a server of ours with a pipe between them, under any course of events. Each keeps
/// the contract of its own; beyond that, whenever all is quiet, the two and RFC 959 agree on who is
/// logged in, on TLS and on the protection of data.
pub fn pair_ops(ops: &PairOps) {
    let mut pair = Pair::new(&ops.choices);
    for operation in ops.operations.iter().take(300) {
        pair.operate(*operation);
    }
    pair.settle();
    pair.finish();
}

struct Pair {
    client: Watched<client::Connection>,
    server: Watched<server::Connection>,
    client_heard: Transcript,
    server_heard: Transcript,
    client_told: ClientTold,
    server_told: ServerTold,
    /// How much of what either sent has arrived.
    client_read: usize,
    server_read: usize,
    /// The pipe was cut on one side.
    cut: bool,
    /// No TLS is to be used.
    plaintext: bool,
}

#[derive(Default)]
struct ClientTold {
    challenge: Option<Challenge>,
    switch: Option<TlsSwitch>,
    switches: usize,
}

#[derive(Default)]
struct ServerTold {
    attempt: Option<Attempt>,
    account: Option<AccountAttempt>,
    request: Option<Request>,
    switch: Option<TlsSwitch>,
}

impl Pair {
    fn new(choices: &[u8; 4]) -> Self {
        let client_heard = Transcript::new(Side::Client);
        let server_heard = Transcript::new(Side::Server);
        let client = client_config(choices).observer(Arc::new(client_heard.clone()));
        let plaintext = client.configured_security() == client::Security::DangerousPlaintext;
        let server = server_config(choices).observer(Arc::new(server_heard.clone()));
        let start = Instant::START;
        Self {
            client: Watched::new(client::Connection::new(client, start), Some(SECRET)),
            server: Watched::new(
                server::Connection::new(Arc::new(server), start),
                Some(SECRET),
            ),
            client_heard,
            server_heard,
            client_told: ClientTold::default(),
            server_told: ServerTold::default(),
            client_read: 0,
            server_read: 0,
            cut: false,
            plaintext,
        }
    }

    fn operate(&mut self, operation: PairOp) {
        self.cancel();
        let now = self.client.now;
        match operation {
            PairOp::ServerReceives(count) => self.server_receives(count.into()),
            PairOp::ClientReceives(count) => self.client_receives(count.into()),
            PairOp::ClientWrites(count) => write(&mut self.client, count.into()),
            PairOp::ServerWrites(count) => write(&mut self.server, count.into()),
            PairOp::Cancel => {}
            PairOp::Time(seconds) => self.advance(now + Duration::from_secs(seconds.into())),
            PairOp::Deadline => {
                let deadlines = [self.client.deadline(), self.server.deadline()];
                if let Some(next) = deadlines.into_iter().flatten().min() {
                    self.advance(next);
                }
            }
            PairOp::Decide(kind) => self.decide(kind),
            PairOp::DecideAccount(accepted) => self.decide_account(accepted),
            PairOp::Reply(code) => self.reply(Code::new(code.into()).unwrap_or(Code::OKAY)),
            PairOp::Answer(kind) => self.answer(kind),
            PairOp::Send(which) => {
                const LINES: [&str; 6] = ["NOOP", "PROT P", "PROT C", "RETR a", "ACCT x", "FEAT"];
                let line = LINES[usize::from(which) % LINES.len()];
                let _ = self
                    .client
                    .machine
                    .send(now, Command::from_line(line).expect("a command"));
            }
            PairOp::Reinitialize(choice) => {
                let _ = self.client.machine.reinitialize(now, login(choice));
            }
            PairOp::ClearCommandChannel => {
                let _ = self.client.machine.clear_command_channel(now);
            }
            PairOp::Quit => {
                let _ = self.client.machine.quit(now);
            }
            PairOp::Shutdown => self.server.machine.shutdown(now, "Enough."),
            PairOp::SwitchTls => self.switch_tls(),
            PairOp::ServerEof => {
                self.cut = true;
                self.server.machine.received_eof(now);
            }
            PairOp::ClientEof => {
                self.cut = true;
                self.client.machine.received_eof(now);
            }
            PairOp::Settle => self.settle(),
        }
        self.cancel();
        self.client.assert_discreet();
        self.server.assert_discreet();
        let clear = &self.client.sent;
        assert!(
            self.plaintext || self.client_told.switches > 0 || !contains(clear, b"USER"),
            "credentials in clear"
        );
    }

    /// Events are told, nothing else is done.
    fn cancel(&mut self) {
        let told = &mut self.client_told;
        self.client.take_events(&mut |_, _, event| told.hear(event));
        let told = &mut self.server_told;
        self.server.take_events(&mut |_, _, event| told.hear(event));
    }

    fn advance(&mut self, now: Instant) {
        self.client.now = now.max(self.client.now);
        self.server.now = self.client.now;
        self.client.machine.timed_out(now);
        self.server.machine.timed_out(now);
    }

    fn server_receives(&mut self, count: usize) {
        let bytes = &self.client.sent[self.server_read..];
        let bytes = &bytes[..count.min(bytes.len())];
        if !matches!(self.server.machine.poll(), Ok(Action::Read { .. })) {
            return;
        }
        self.server_read += self.server.machine.received(self.server.now, bytes);
    }

    fn client_receives(&mut self, count: usize) {
        let bytes = &self.server.sent[self.client_read..];
        let bytes = &bytes[..count.min(bytes.len())];
        if !matches!(self.client.machine.poll(), Ok(Action::Read { .. })) {
            return;
        }
        self.client_read += self.client.machine.received(self.client.now, bytes);
    }

    fn decide(&mut self, kind: u8) {
        let Some(attempt) = self.server_told.attempt.take() else {
            return;
        };
        let verdict = match kind % 5 {
            0 => attempt.accept(),
            1 => attempt.accept_superfluous(),
            2 => attempt.need_account(),
            3 => attempt.reject(),
            _ => attempt.unavailable(),
        };
        let _ = self.server.machine.decide(self.server.now, verdict);
    }

    fn decide_account(&mut self, accepted: bool) {
        let Some(attempt) = self.server_told.account.take() else {
            return;
        };
        let verdict = if accepted {
            attempt.accept()
        } else {
            attempt.reject()
        };
        let _ = self.server.machine.decide_account(self.server.now, verdict);
    }

    fn reply(&mut self, code: Code) {
        let Some(request) = &self.server_told.request else {
            return;
        };
        let (server, now) = (&mut self.server.machine, self.server.now);
        let reply = Reply::new(code, "As asked.").expect("a reply");
        let _ = server.preliminary(now, request.id(), &reply);
        if server.reply(now, request.id(), &reply).is_ok() {
            self.server_told.request = None;
        }
    }

    fn answer(&mut self, kind: u8) {
        let Some(challenge) = self.client_told.challenge.take() else {
            return;
        };
        let answer = match kind % 3 {
            0 => challenge.username(username(), None),
            1 => challenge.password(Password::new(SECRET).expect("a password")),
            _ => challenge.account(Account::new(SECRET).expect("an account")),
        };
        let _ = self.client.machine.answer(self.client.now, answer);
    }

    /// TLS is a matter of both; what is under way arrives before.
    fn switch_tls(&mut self) {
        if self.client_told.switch.is_none() || self.client_told.switch != self.server_told.switch {
            return;
        }
        let now = self.client.now;
        self.server_told.switch = None;
        match self.client_told.switch.take() {
            Some(TlsSwitch::Start) => {
                self.client.machine.tls_started(now, tls_session());
                self.server.machine.tls_started(now, tls_session());
                self.client_told.switches += 1;
            }
            _ => {
                self.client.machine.tls_stopped(now);
                self.server.machine.tls_stopped(now);
            }
        }
    }

    /// Lets everything that is under way or open come to its end.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let told = &mut self.client_told;
            let client = self.client.rest(&mut |_, _, event| told.hear(event));
            let told = &mut self.server_told;
            let server = self.server.rest(&mut |_, _, event| told.hear(event));
            if client == Rest::Over || server == Rest::Over {
                return;
            }
            let before = (self.client_read, self.server_read);
            self.server_receives(usize::MAX);
            self.client_receives(usize::MAX);
            if before != (self.client_read, self.server_read) {
                continue;
            }
            if !self.answer_something() {
                if matches!(server, Rest::Waiting(Some(_))) {
                    // A refusal that is delayed, or a switch that the client does not make.
                    self.server
                        .skip_to_deadline(&mut |_, _, _| unreachable!("nothing to tell"));
                    self.advance(self.server.now);
                    continue;
                }
                if let (Rest::Reading(_), Rest::Reading(_)) = (client, server) {
                    self.assert_agreement();
                }
                return;
            }
        }
        panic!("the two do not come to rest");
    }

    /// Answers one thing that is open, with yes; whether there was one.
    fn answer_something(&mut self) -> bool {
        if let Some(challenge) = &self.client_told.challenge {
            self.answer(match challenge.kind() {
                ChallengeKind::Username => 0,
                ChallengeKind::Password => 1,
                _ => 2,
            });
        } else if self.server_told.attempt.is_some() {
            self.decide(0);
        } else if self.server_told.account.is_some() {
            self.decide_account(true);
        } else if self.server_told.request.is_some() {
            self.reply(Code::OKAY);
        } else if self.client_told.switch.is_some()
            && self.client_told.switch == self.server_told.switch
        {
            self.switch_tls();
        } else {
            return false;
        }
        true
    }

    /// All is quiet.
    fn assert_agreement(&mut self) {
        if self.cut || self.client.machine.phase() == client::Phase::Closing {
            return;
        }
        let server = &self.server.machine;
        let session = self.client.machine.session();
        let by_server = server.phase() == server::Phase::LoggedIn;
        let client_model = self.client_heard.heard().model.user().map(<[u8]>::to_vec);
        let server_model = self.server_heard.heard().model.user().map(<[u8]>::to_vec);
        assert_eq!(client_model, server_model, "the models disagree");
        assert_eq!(session.is_some(), client_model.is_some(), "client, RFC 959");
        assert_eq!(by_server, server_model.is_some(), "server, RFC 959");
        if let Some(session) = session {
            assert_eq!(session.tls.is_some(), server.tls().is_some());
            let private = session.protection == client::Protection::Private;
            assert_eq!(private, server.is_data_protected());
        }
    }

    /// Both are left alone.
    fn finish(mut self) {
        self.client.fall_silent(|client, now| {
            let _ = client.quit(now);
        });
        self.server
            .fall_silent(|server, now| server.shutdown(now, "Enough."));
        self.client.assert_over();
        self.server.assert_over();
        self.client_heard.assert_no_secret(Some(SECRET));
        self.server_heard.assert_no_secret(Some(SECRET));
    }
}

/// The transport takes up to `count` bytes.
fn write<M: Securable>(watched: &mut Watched<M>, count: usize) {
    let Ok(Action::Write { bytes, .. }) = watched.machine.poll() else {
        return;
    };
    let count = count.min(bytes.len());
    watched.sent.extend_from_slice(&bytes[..count]);
    watched.machine.wrote(watched.now, count);
}

impl ClientTold {
    fn hear(&mut self, event: client::Event) {
        self.switch = client::Connection::tls_switch(&event).or(self.switch);
        if let client::Event::Challenge(challenge) = event {
            self.challenge = Some(challenge);
        }
    }
}

impl ServerTold {
    fn hear(&mut self, event: server::Event) {
        self.switch = server::Connection::tls_switch(&event).or(self.switch);
        match event {
            server::Event::Authenticate(attempt) => self.attempt = Some(attempt),
            server::Event::Account(attempt) => self.account = Some(attempt),
            server::Event::Command(request) => self.request = Some(request),
            _ => {}
        }
    }
}
