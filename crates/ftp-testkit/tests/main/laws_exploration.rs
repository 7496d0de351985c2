//! Every state that a server can be brought into by the commands and verdicts of a login.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftp_proto::server::{
    AccountAttempt, Attempt, Config, Connection, Event, NameRule, Phase, Request, Security,
};
use ftp_proto::{Dialogue, Instant, Machine, Securable, TlsSession, TlsVersion};
use ftp_testkit::laws::model::Model;
use ftp_testkit::{Pause, drive};

/// Steps of a path. No command is followed by more than one answer, so that all paths of seven
/// commands are among them, whatever they are answered.
const DEPTH: usize = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Command(&'static str),
    Accept,
    AcceptSuperfluous,
    NeedAccount,
    Reject,
    Unavailable,
    AcceptAccount,
    RejectAccount,
    Reply,
    SwitchTls,
}

const STEPS: &[Step] = &[
    Step::Command("USER anna"),
    Step::Command("USER open"),
    Step::Command("USER member"),
    Step::Command("PASS secret"),
    Step::Command("ACCT main"),
    Step::Command("AUTH TLS"),
    Step::Command("PBSZ 0"),
    Step::Command("PROT P"),
    Step::Command("CCC"),
    Step::Command("REIN"),
    Step::Command("HOST ftp.example.com"),
    Step::Command("PWD"),
    Step::Command("QUIT"),
    Step::Accept,
    Step::AcceptSuperfluous,
    Step::NeedAccount,
    Step::Reject,
    Step::Unavailable,
    Step::AcceptAccount,
    Step::RejectAccount,
    Step::Reply,
    Step::SwitchTls,
];

/// A server that was brought somewhere.
struct Walk {
    server: Connection,
    /// What RFC 959 says, and how many commands it was told of.
    model: Arc<Mutex<(Model, usize)>>,
    attempt: Option<Attempt>,
    account: Option<AccountAttempt>,
    request: Option<Request>,
    /// Sent so far.
    commands: Vec<&'static str>,
    /// How often TLS was started; what was granted before does not count behind it.
    context: usize,
    /// An accepting verdict, and the security context it was given in.
    granted: Option<usize>,
    over: bool,
}

impl Walk {
    fn new(security: Security) -> Self {
        let model: Arc<Mutex<(Model, usize)>> = Arc::default();
        let told = Arc::clone(&model);
        let config = Config::new()
            .security(security)
            .failure_delay(Duration::ZERO, Duration::ZERO)
            .clear_command_channel(true)
            .takes_accounts(true)
            .hosts(["ftp.example.com"])
            .name_rule(|name| match name.as_bytes() {
                b"open" => NameRule::Open,
                b"member" => NameRule::AccountOnly,
                _ => NameRule::Password,
            })
            .observer(Arc::new(move |_: Instant, dialogue: Dialogue<'_>| {
                let mut told = told.lock().unwrap();
                match dialogue {
                    Dialogue::Command(command) => {
                        told.0.command(command);
                        told.1 += 1;
                    }
                    Dialogue::Reply(reply) => told.0.reply(reply.code()),
                    _ => {}
                }
            }));
        let mut walk = Self {
            server: Connection::new(Arc::new(config), Instant::START),
            model,
            attempt: None,
            account: None,
            request: None,
            commands: Vec::new(),
            context: 0,
            granted: None,
            over: false,
        };
        walk.run();
        walk
    }

    /// Whether the step fits here. Commands always do, but one at a time behind what is open.
    fn fits(&self, step: Step) -> bool {
        match step {
            Step::Command(_) => self.backlog().is_empty(),
            Step::Accept
            | Step::AcceptSuperfluous
            | Step::NeedAccount
            | Step::Reject
            | Step::Unavailable => self.attempt.is_some(),
            Step::AcceptAccount | Step::RejectAccount => self.account.is_some(),
            Step::Reply => self.request.is_some(),
            Step::SwitchTls => self.server.phase() == Phase::SwitchingTls,
        }
    }

    /// Commands that were not looked at.
    fn backlog(&self) -> &[&'static str] {
        &self.commands[self.model.lock().unwrap().1..]
    }

    fn take(&mut self, step: Step) {
        let now = Instant::START;
        match step {
            Step::Command(line) => {
                self.commands.push(line);
                let line = format!("{line}\r\n");
                assert_eq!(self.server.received(now, line.as_bytes()), line.len());
            }
            Step::AcceptAccount | Step::RejectAccount => {
                let attempt = self.account.take().unwrap();
                let verdict = match step {
                    Step::AcceptAccount => attempt.accept(),
                    _ => attempt.reject(),
                };
                self.server.decide_account(now, verdict).unwrap();
            }
            Step::Reply => {
                let request = self.request.take().unwrap();
                self.server.not_implemented(now, request.id()).unwrap();
            }
            Step::SwitchTls if self.server.tls().is_none() => {
                self.context += 1;
                let session = TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256");
                self.server.tls_started(now, session);
            }
            Step::SwitchTls => self.server.tls_stopped(now),
            verdict => {
                let attempt = self.attempt.take().unwrap();
                let verdict = match verdict {
                    Step::Accept => attempt.accept(),
                    Step::AcceptSuperfluous => attempt.accept_superfluous(),
                    Step::NeedAccount => attempt.need_account(),
                    Step::Unavailable => attempt.unavailable(),
                    _ => attempt.reject(),
                };
                self.server.decide(now, verdict).unwrap();
                if matches!(step, Step::Accept | Step::AcceptSuperfluous) {
                    self.granted = Some(self.context);
                }
            }
        }
        self.run();
    }

    fn run(&mut self) {
        let take = |bytes: &[u8]| bytes.len();
        let pause = loop {
            match drive(&mut self.server, Instant::START, take) {
                Ok(Event::Authenticate(attempt)) => self.attempt = Some(attempt),
                Ok(Event::Account(attempt)) => self.account = Some(attempt),
                Ok(Event::Command(request)) => self.request = Some(request),
                Ok(Event::LoggedIn(summary)) if summary.username.as_bytes() == b"open" => {
                    self.granted = Some(self.context);
                }
                Ok(Event::LoggedIn(_)) => self.assert_granted(),
                Ok(Event::LoggedOut) => self.granted = None,
                Ok(_) => {}
                Err(pause) => break pause,
            }
        };
        assert!(
            !matches!(pause, Pause::Shutdown(_)),
            "no control connection asks for it"
        );
        self.over = matches!(pause, Pause::Closed | Pause::Failed(_));
        if self.over {
            return;
        }
        let logged_in = self.server.phase() == Phase::LoggedIn;
        let by_model = self.model.lock().unwrap().0.user().is_some();
        assert!(!logged_in || by_model, "RFC 959 sees nobody logged in");
        if logged_in {
            self.assert_granted();
        }
    }

    fn assert_granted(&self) {
        assert_eq!(self.granted, Some(self.context), "nobody said yes");
    }

    /// What tells this place from others: all that the machine shows but the numbers of its
    /// questions, and all that it does not show.
    fn place(&self) -> String {
        let shown = format!("{:?}", self.server);
        let mut place = String::new();
        let mut rest = shown.as_str();
        while let Some((before, after)) = rest.split_once("id: ") {
            place.push_str(before);
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        place.push_str(rest);
        let backlog = self.backlog();
        let granted = self.granted.is_some();
        let account = self
            .attempt
            .as_ref()
            .map(|attempt| attempt.account().is_some());
        format!("{place} {backlog:?} {granted} {account:?}")
    }
}

fn walk(security: Security, path: &[Step]) -> Walk {
    let mut walk = Walk::new(security);
    for step in path {
        walk.take(*step);
    }
    walk
}

/// Goes on from each place once. Returns how many there are, and the most commands on a path.
fn explore(security: Security) -> (usize, usize) {
    let mut seen = HashSet::from([walk(security, &[]).place()]);
    let mut paths = vec![Vec::new()];
    let mut deepest = 0;
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for path in &paths {
            let here = walk(security, path);
            for step in STEPS.iter().filter(|step| here.fits(**step)) {
                let path = [path.as_slice(), &[*step]].concat();
                let there = walk(security, &path);
                if !there.over && seen.insert(there.place()) {
                    deepest = deepest.max(there.commands.len());
                    next.push(path);
                }
            }
        }
        paths = next;
    }
    (seen.len(), deepest)
}

#[test]
fn no_path_leads_to_a_login_but_by_an_accepting_verdict_under_the_same_security() {
    for security in [Security::DangerousOptionalTls, Security::ExplicitTls] {
        let (places, deepest) = explore(security);
        println!("{security:?}: {places} places, the last behind {deepest} commands");
        assert!(places > 100, "{places}");
        assert!(deepest >= 7, "{deepest}");
    }
}
