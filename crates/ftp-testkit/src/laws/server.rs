use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ftp_proto::server::{
    AccountAttempt, Attempt, Config, Connection, DataProtectionPolicy, Event, FilesConfig,
    HashAlgorithm, Misuse, NameRule, Phase, Request, Rights, Security, Timeouts, UserAfterLogin,
};
use ftp_proto::wire::{Code, Reply, ReplyParser, Status, TelnetFilter};
use ftp_proto::{Action, Instant, Lenience, Limits, Machine, Securable};

use super::script::{Step, said, steps};
use super::server_files::Files;
use super::transcript::{Side, Transcript};
use super::watched::{Cut, Rest, Watched};
use super::{SECRET, tls_session};

/// Bytes of a script that choose the configuration.
const CHOICES: usize = 3;

const CLEARED: &str = "200 Clear command channel.\r\n";
const INJECTED: &str = "421 Unexpected data before the TLS switch.\r\n";

/// A whole server, against a client that says anything at any time. The first three bytes choose
/// the configuration, the rest is a script (see the module `script`). Besides what the machine's
/// contract promises:
///
/// * how bytes are cut changes neither output nor events nor the end;
/// * what is sent are replies, and whole ones;
/// * nobody is logged in without an accepting verdict or a name that is open, and exactly those
///   whom RFC 959 sees logged in;
/// * every transfer that was begun is told to be over once, no data connection is in clear where protection is
///   required, and nobody listens in vain (where files are served, which is one of the choices);
/// * a silent client is left in the end, and no secret is shown.
pub fn server_bytes(data: &[u8]) {
    let Some((choices, script)) = data.split_at_checked(CHOICES) else {
        return;
    };
    let whole = Run::new(choices, script).play(script, Cut::Whole);
    for cut in Cut::ALL {
        let run = Run::new(choices, script).play(script, cut);
        if !whole.watched.withheld && !run.watched.withheld {
            let (mut outcome, expected) = (run.outcome(), whole.outcome());
            // Bytes behind a `CCC` end the connection. A reply that was offered before they came, as
            // a poll does, stays: the layer of TLS may have it.
            if matches!(cut, Cut::PolledBytes | Cut::Polled(_))
                && let Some(before) = outcome.0.strip_suffix(CLEARED)
                && expected.0.strip_suffix(INJECTED) == Some(before)
            {
                outcome.0.clone_from(&expected.0);
            }
            assert_eq!(outcome, expected, "cut as {cut:?}");
        }
    }
}

struct Run {
    watched: Watched<Connection>,
    transcript: Transcript,
    limits: Limits,
    told: Told,
}

/// What the application knows.
#[derive(Default)]
struct Told {
    attempt: Option<Attempt>,
    account: Option<AccountAttempt>,
    request: Option<Request>,
    files: Files,
    events: Vec<String>,
    /// A verdict let someone in, and nobody has come in by it yet.
    accepted: bool,
    /// The same for a name that is open.
    opened: Arc<AtomicBool>,
    logged_in: bool,
    closed: bool,
}

impl Run {
    fn new(choices: &[u8], script: &[u8]) -> Self {
        let limits = limits(choices[2]);
        let transcript = Transcript::new(Side::Server);
        let mut told = Told::default();
        told.files.needs_protection = choices[1] & (1 << 4) != 0;
        let opened = Arc::clone(&told.opened);
        let config = config(choices, limits)
            .name_rule(move |name| match name.as_bytes() {
                b"open" => {
                    opened.store(true, Ordering::Relaxed);
                    NameRule::Open
                }
                b"member" => NameRule::AccountOnly,
                _ => NameRule::Password,
            })
            .observer(Arc::new(transcript.clone()));
        let config = Arc::new(config);
        let connection = if choices[2] & 0x80 != 0 {
            let delayed = Reply::new(Code::READY_SOON, "Soon.").expect("a reply");
            Connection::new_delayed(config, Instant::START, delayed)
        } else {
            Connection::new(config, Instant::START)
        };
        let secret = has_secrets_where_they_belong(script).then_some(SECRET);
        let mut connection = connection;
        if choices[0] & 16 != 0 {
            connection.set_peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        }
        let mut watched = Watched::new(connection, secret);
        watched.write_size = match choices[2] >> 4 & 7 {
            0 => usize::MAX,
            size => size.into(),
        };
        Self {
            watched,
            transcript,
            limits,
            told,
        }
    }

    fn play(mut self, script: &[u8], cut: Cut) -> Self {
        self.rest();
        for step in steps(script) {
            match step {
                Step::Receive(bytes) => {
                    let Self { watched, told, .. } = &mut self;
                    watched.receive(bytes, cut, &mut |_, _, event| told.hear(event));
                }
                Step::Call(letter, operand) => self.call(letter, operand),
            }
            self.rest();
            self.watched.assert_discreet();
        }
        self.finish()
    }

    fn rest(&mut self) {
        let Self { watched, told, .. } = self;
        let rest = watched.rest(&mut |_, _, event| told.hear(event));
        let state = watched.machine.phase();
        if matches!(rest, Rest::Reading(_)) {
            let by_model = self.transcript.is_logged_in();
            assert_eq!(state == Phase::LoggedIn, by_model, "the machine, RFC 959");
            assert_eq!(told.logged_in, by_model, "the events, RFC 959");
            assert_eq!(in_replies(&watched.sent), 0, "half a reply was sent");
        }
        if rest == Rest::Over {
            assert!(told.closed, "the end is told");
            assert_eq!(state, Phase::Closing);
        }
    }

    fn call(&mut self, letter: u8, operand: u8) {
        let Self { watched, told, .. } = self;
        let now = watched.now;
        let server = &mut watched.machine;
        match letter {
            b't' => {
                watched.now = now + Duration::from_secs(operand.into());
                watched.machine.timed_out(watched.now);
            }
            b'T' => watched.skip_to_deadline(&mut |_, _, event| told.hear(event)),
            b'e' => server.received_eof(now),
            b's' => server.tls_started(now, tls_session()),
            b'S' => server.tls_stopped(now),
            b'd' => self.decide(operand),
            b'k' => {
                if let Some(attempt) = told.account.take() {
                    let verdict = match operand % 2 {
                        0 => attempt.accept(),
                        _ => attempt.reject(),
                    };
                    let _ = server.decide_account(now, verdict);
                }
            }
            b'y' => {
                let code = Code::new(100 + u16::from(operand) * 2).unwrap_or(Code::OKAY);
                let reply = Reply::multiline(code, ["As", "asked."]).expect("a reply");
                if let Some(request) = &told.request {
                    let _ = server.preliminary(now, request.id(), &reply);
                    let _ = server.reply(now, request.id(), &reply);
                }
            }
            b'n' => {
                if let Some(request) = told.request.take() {
                    let _ = server.not_implemented(now, request.id());
                }
            }
            b'f' => told.files.answer(server, now, operand),
            b'o' => told.files.open(server, now, operand),
            b'b' => told.files.end(server, now, operand),
            b'g' => server.ready(now),
            b'z' => server.shutdown(now, "Going down."),
            b'w' => watched.stalled = !watched.stalled,
            _ => {}
        }
    }

    fn decide(&mut self, operand: u8) {
        let Some(attempt) = self.told.attempt.take() else {
            return;
        };
        let accepts = operand % 5 < 2;
        let verdict = match operand % 5 {
            0 => attempt.accept(),
            1 => attempt.accept_superfluous(),
            2 => attempt.need_account(),
            3 => attempt.unavailable(),
            _ => attempt.reject(),
        };
        assert!(!format!("{verdict:?}").contains(SECRET));
        let decided = self.watched.machine.decide(self.watched.now, verdict);
        self.told.accepted = accepts && decided.is_ok();
    }

    /// The client falls silent.
    fn finish(mut self) -> Self {
        let watched = &mut self.watched;
        if let Ok(Action::Read { .. } | Action::Wait { .. }) = watched.machine.poll()
            && watched.machine.phase() != Phase::SwitchingTls
        {
            let line = self
                .limits
                .command_line
                .max(self.limits.command_line_before_login);
            watched.flood(self.limits.backlog.max(line) + 64);
        }
        // Nothing is said by someone who is waited for.
        watched.fall_silent(|server, now| server.shutdown(now, "Enough."));
        watched.assert_over();
        assert_eq!(watched.machine.phase(), Phase::Closing);
        watched.assert_discreet();
        self.transcript.assert_no_secret(watched.secret);
        if let Some(attempt) = self.told.attempt.take() {
            let late = watched.machine.decide(watched.now, attempt.accept());
            assert_eq!(late, Err(Misuse::Closed));
        }
        self
    }

    /// Everything that can be told apart from outside.
    fn outcome(&self) -> (String, Vec<&String>, &Option<String>) {
        let end = &self.watched.end;
        // Whether the driver was asked for a switch before the injection came is a matter of time.
        let injected = end
            .as_ref()
            .is_some_and(|end| end.contains("BytesBeforeTlsSwitch"));
        let events = self.told.events.iter();
        let events = events.filter(|event| !injected || !is_switch(event));
        (
            String::from_utf8_lossy(&self.watched.sent).into_owned(),
            events.collect(),
            end,
        )
    }
}

impl Told {
    fn hear(&mut self, event: Event) {
        assert!(!self.closed, "an event behind the last one: {event:?}");
        self.events.push(format!("{event:?}"));
        match event {
            Event::Authenticate(attempt) => self.attempt = Some(attempt),
            Event::Account(attempt) => self.account = Some(attempt),
            Event::Command(request) => self.request = Some(request),
            Event::LoggedIn(summary) => {
                let opened = self.opened.swap(false, Ordering::Relaxed);
                let accepted = std::mem::take(&mut self.accepted);
                let is_open = summary.username.as_bytes() == b"open" && opened;
                assert!(is_open || accepted, "nobody let {summary:?} in");
                self.logged_in = true;
            }
            Event::LoggedOut => self.logged_in = false,
            Event::Closed(_) => {
                self.closed = true;
                self.files.assert_over();
            }
            event => self.files.hear(event),
        }
    }
}

fn is_switch(event: &str) -> bool {
    event == "StartTls" || event == "StopTls"
}

fn config(choices: &[u8], limits: Limits) -> Config {
    let bits = choices[1];
    let is = |bit: u8| bits & (1 << bit) != 0;
    let security = match choices[0] % 4 {
        0 => Security::DangerousPlaintext,
        1 => Security::ExplicitTls,
        2 => Security::ImplicitTls,
        _ => Security::DangerousOptionalTls,
    };
    let mut timeouts = Timeouts::default();
    if choices[0] & 4 != 0 {
        timeouts.login = Duration::from_secs(5);
        timeouts.first_command = Duration::from_secs(7);
        timeouts.idle = Duration::from_secs(3);
        timeouts.write = Duration::from_secs(3);
        timeouts.handshake = Duration::from_secs(3);
    }
    let mut config = Config::new();
    if choices[0] & 8 != 0 {
        let files = FilesConfig::new()
            .rights(Rights::ALL)
            .active(true)
            .hashes([HashAlgorithm::Sha256, HashAlgorithm::Sha512])
            .space(true);
        config = config.files(files);
    }
    config
        .security(security)
        .timeouts(timeouts)
        .limits(limits)
        .hosts(["ftp.example.com"])
        .takes_accounts(is(0))
        .clear_command_channel(is(1))
        .auth_ssl(is(2))
        .user_after_login(if is(3) {
            UserAfterLogin::Refused
        } else {
            UserAfterLogin::StartsAgain
        })
        .data_protection(if is(4) {
            DataProtectionPolicy::Required
        } else {
            DataProtectionPolicy::Optional
        })
        .lenience(if is(5) {
            Lenience::STRICT
        } else {
            Lenience::default()
        })
        .max_bad_commands(if is(6) { 2 } else { 20 })
        .failure_delay(
            Duration::from_secs(u64::from(bits >> 7)),
            Duration::from_secs(4),
        )
}

fn limits(choice: u8) -> Limits {
    let mut limits = Limits::default();
    match choice & 3 {
        0 => {}
        1 => {
            limits.command_line = 30;
            limits.command_line_before_login = 40;
            limits.backlog = 64;
        }
        2 => limits.command_line_before_login = 10,
        _ => limits.backlog = 0,
    }
    limits
}

/// Whether the secret is said only where a server must know it for one: behind a line's end and
/// `PASS` or `ACCT`.
fn has_secrets_where_they_belong(script: &[u8]) -> bool {
    let said = said(script);
    let found = |at: &usize| said[*at..].starts_with(SECRET.as_bytes());
    (0..said.len()).filter(found).all(|at| {
        [b"\nPASS ", b"\nACCT "]
            .iter()
            .any(|before| said[..at].ends_with(*before))
    })
}

/// How many bytes are left over when all replies are read from what a server sent.
fn in_replies(sent: &[u8]) -> usize {
    let mut plain = Vec::new();
    TelnetFilter::new().filter(sent, |data| plain.extend_from_slice(data), |_| {});
    let mut parser = ReplyParser::new(&Limits::default(), &Lenience::STRICT);
    let mut rest = plain.as_slice();
    loop {
        match parser.parse(rest) {
            Ok(Status::Complete(_, length)) => rest = &rest[length..],
            Ok(Status::Partial) => return rest.len(),
            Err(error) => panic!("no reply: {error:?}"),
        }
    }
}
