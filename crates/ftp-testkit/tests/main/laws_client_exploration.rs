//! Every state that a client can be brought into by what a server says, and what it says there.

use std::collections::HashSet;

use ftp_proto::client::{
    Answer, Challenge, ChallengeKind, Config, Connection, Event, Login, Security, Utf8,
};
use ftp_proto::{Account, Instant, Machine, Password, Securable, TlsSession, TlsVersion, Username};
use ftp_testkit::{Pause, drive_to_rest};

/// Steps of a path: at least seven replies, and what the application and TLS do in between.
const DEPTH: usize = 12;

/// The codes that the login tells apart, and one of each class that it does not.
const REPLIES: &[u16] = &[
    120, 150, 200, 202, 220, 221, 230, 232, 234, 250, 331, 332, 334, 336, 421, 431, 450, 500, 503,
    530, 534,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Reply(u16),
    /// What the machine waits for: TLS has started, or has stopped.
    SwitchTls,
    /// The application answers what it is asked.
    Answer,
    Reinitialize,
    ClearCommandChannel,
}

/// How the client is told to log in.
#[derive(Debug, Clone, Copy)]
struct Told {
    security: Security,
    asks: bool,
    pipelining: bool,
    utf8: Utf8,
}

/// A client that was brought somewhere.
struct Walk {
    client: Connection,
    /// Whether what is written now goes through TLS.
    under_tls: bool,
    told: Told,
    challenge: Option<Challenge>,
    /// The last reply to a `USER`, which is what may allow a `PASS`.
    named: Option<u16>,
    /// Commands that were not answered, the oldest first.
    sent: Vec<String>,
    replies: usize,
    over: bool,
}

fn login(asks: bool) -> Login {
    match asks {
        true => Login::interactive(),
        false => Login::new("anna", "secret")
            .unwrap()
            .account(Account::new("main").unwrap()),
    }
}

impl Walk {
    fn new(told: Told) -> Self {
        let config = Config::new(login(told.asks))
            .security(told.security)
            .pipelining(told.pipelining)
            .utf8(told.utf8)
            .auth_ssl_fallback(true)
            .clear_command_channel(true);
        let mut walk = Self {
            client: Connection::new(config, Instant::START),
            under_tls: false,
            told,
            challenge: None,
            named: None,
            sent: Vec::new(),
            replies: 0,
            over: false,
        };
        walk.run();
        walk
    }

    /// Whether the step fits here.
    fn fits(&self, step: Step) -> bool {
        match step {
            Step::Reply(_) => !self.is_switching(),
            Step::SwitchTls => self.is_switching(),
            Step::Answer => self.challenge.is_some(),
            Step::Reinitialize | Step::ClearCommandChannel => self.client.session().is_some(),
        }
    }

    fn is_switching(&self) -> bool {
        let shown = format!("{:?}", self.client);
        shown.contains("state: StartingTls") || shown.contains("state: StoppingTls")
    }

    fn take(&mut self, step: Step) {
        let now = Instant::START;
        match step {
            Step::Reply(code) => {
                self.replies += 1;
                // A reply answers the oldest command; a preliminary one leaves it open.
                if code >= 200 && !self.sent.is_empty() {
                    let command = self.sent.remove(0);
                    if command.starts_with("USER") {
                        self.named = Some(code);
                    }
                }
                let line = format!("{code} Text.\r\n");
                assert_eq!(self.client.received(now, line.as_bytes()), line.len());
            }
            Step::SwitchTls => {
                self.under_tls = !self.under_tls;
                let session = TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256");
                match self.under_tls {
                    true => self.client.tls_started(now, session),
                    false => self.client.tls_stopped(now),
                }
            }
            Step::Answer => {
                let challenge = self.challenge.take().unwrap();
                let answer = answer(challenge);
                self.client.answer(now, answer).unwrap();
            }
            // These may be refused, as a misuse, where commands are open.
            Step::Reinitialize => {
                let _ = self.client.reinitialize(now, login(self.told.asks));
            }
            Step::ClearCommandChannel => {
                let _ = self.client.clear_command_channel(now);
            }
        }
        self.run();
    }

    fn run(&mut self) {
        let (mut written, mut events) = (Vec::new(), Vec::new());
        let pause = drive_to_rest(&mut self.client, Instant::START, &mut written, &mut events);
        for line in written.split_inclusive(|byte| *byte == b'\n') {
            self.heard(std::str::from_utf8(line).unwrap());
        }
        for event in events {
            if let Event::Challenge(challenge) = event {
                self.challenge = Some(challenge);
            }
        }
        assert!(
            !matches!(pause, Pause::Shutdown(_)),
            "no control connection asks for it"
        );
        self.over = matches!(pause, Pause::Closed | Pause::Failed(_));
    }

    /// What goes over the wire, and whether it may.
    fn heard(&mut self, line: &str) {
        let line = line.strip_suffix("\r\n").expect("a whole line");
        let verb = line.split(' ').next().unwrap();
        if matches!(verb, "USER" | "PASS" | "ACCT") {
            let clear_by_choice = self.told.security == Security::DangerousPlaintext;
            assert!(self.under_tls || clear_by_choice, "{verb} goes in clear");
        }
        if verb == "PASS" {
            assert!(
                matches!(self.named, Some(331 | 332 | 336)),
                "nobody asked for a password: {:?}",
                self.named
            );
        }
        if verb == "USER" || verb == "REIN" {
            self.named = None;
        }
        self.sent.push(line.to_owned());
    }

    /// What tells this place from others: all that the machine shows but positions and the numbers
    /// of its questions and commands.
    fn place(&self) -> String {
        let mut place = format!("{:?}", self.client);
        for key in ["output_end: ", "mark: Some(", "id: ", "CommandId("] {
            let mut masked = String::new();
            let mut rest = place.as_str();
            while let Some((before, after)) = rest.split_once(key) {
                masked.push_str(before);
                rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            }
            masked.push_str(rest);
            place = masked;
        }
        let Self {
            under_tls,
            named,
            sent,
            ..
        } = self;
        let asked = self.challenge.is_some();
        format!("{place} {under_tls} {named:?} {sent:?} {asked}")
    }
}

fn answer(challenge: Challenge) -> Answer {
    match challenge.kind() {
        ChallengeKind::Username => {
            challenge.username(Username::new("anna").unwrap(), Some(password()))
        }
        ChallengeKind::Password => challenge.password(password()),
        _ => challenge.account(Account::new("main").unwrap()),
    }
}

fn password() -> Password {
    Password::new("secret").unwrap()
}

fn walk(told: Told, path: &[Step]) -> Walk {
    let mut walk = Walk::new(told);
    for step in path {
        walk.take(*step);
    }
    walk
}

/// Goes on from each place once. Returns how many there are, and the most replies on a path; no
/// number if no place was left to go on from.
fn explore(told: Told) -> (usize, Option<usize>) {
    let others = [
        Step::SwitchTls,
        Step::Answer,
        Step::Reinitialize,
        Step::ClearCommandChannel,
    ];
    let steps: Vec<_> = REPLIES
        .iter()
        .map(|code| Step::Reply(*code))
        .chain(others)
        .collect();
    let mut seen = HashSet::from([walk(told, &[]).place()]);
    let mut paths = vec![Vec::new()];
    let mut deepest = 0;
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for path in &paths {
            let here = walk(told, path);
            for step in steps.iter().filter(|step| here.fits(**step)) {
                let path = [path.as_slice(), &[*step]].concat();
                let there = walk(told, &path);
                if !there.over && seen.insert(there.place()) {
                    deepest = deepest.max(there.replies);
                    next.push(path);
                }
            }
        }
        paths = next;
    }
    (seen.len(), (!paths.is_empty()).then_some(deepest))
}

#[test]
fn no_path_leads_to_credentials_in_clear_unless_told_to_or_to_a_password_unasked() {
    for security in [
        Security::ExplicitTls,
        Security::ImplicitTls,
        Security::DangerousPlaintext,
    ] {
        for (asks, pipelining, utf8) in [
            (false, false, Utf8::Never),
            (false, true, Utf8::Always),
            (true, false, Utf8::IfAnnounced),
        ] {
            let told = Told {
                security,
                asks,
                pipelining,
                utf8,
            };
            let (places, deepest) = explore(told);
            println!("{told:?}: {places} places, cut off behind {deepest:?} replies");
            assert!(places > 50, "{places}");
            assert!(deepest.is_none_or(|replies| replies >= 7), "{deepest:?}");
        }
    }
}
