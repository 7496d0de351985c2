use std::time::Duration;

use ftp_proto::client::{
    Challenge, Config, Connection, DataProtection, Event, Login, Misuse, Security, Timeouts, Utf8,
};
use ftp_proto::wire::{Command, CommandParser, Status, TelnetFilter, Verb};
use ftp_proto::{
    Account, Action, Instant, Lenience, Limits, Machine, Password, Securable, Username,
};

use super::script::{Step, said, steps};
use super::transcript::{Side, Transcript};
use super::watched::{Cut, Rest, Watched};
use super::{SECRET, contains, tls_session};

/// Bytes of a script that choose the configuration.
const CHOICES: usize = 3;

/// A whole client, against a server that says anything at any time. The first three bytes choose
/// the configuration, the rest is a script (see the module `script`). Besides what the machine's
/// contract promises:
///
/// * how bytes are cut changes neither output nor events nor the end;
/// * what is sent are commands, and whole ones; no name and no password is sent in clear unless
///   that was chosen, and no password that was not asked for;
/// * nobody is logged in whom RFC 959 does not see logged in;
/// * a silent server is left in the end, and no secret is shown.
pub fn client_bytes(data: &[u8]) {
    let Some((choices, script)) = data.split_at_checked(CHOICES) else {
        return;
    };
    let whole = Run::new(choices, script).play(script, Cut::Whole);
    for cut in Cut::ALL {
        let run = Run::new(choices, script).play(script, cut);
        if !whole.watched.withheld && !run.watched.withheld {
            assert_eq!(run.outcome(), whole.outcome(), "cut as {cut:?}");
        }
    }
}

struct Run {
    watched: Watched<Connection>,
    transcript: Transcript,
    security: Security,
    limits: Limits,
    told: Told,
}

/// What the application knows.
#[derive(Default)]
struct Told {
    challenge: Option<Challenge>,
    events: Vec<String>,
    under_tls: bool,
    /// Replies are no longer matched with commands by counting.
    unsolicited: bool,
}

impl Run {
    fn new(choices: &[u8], script: &[u8]) -> Self {
        let security = match choices[0] % 3 {
            0 => Security::DangerousPlaintext,
            1 => Security::ExplicitTls,
            _ => Security::ImplicitTls,
        };
        let limits = limits(choices[2]);
        let transcript = Transcript::new(Side::Client);
        let config =
            config(choices, security, limits).observer(std::sync::Arc::new(transcript.clone()));
        // A server that says the secret by itself may be quoted.
        let secret = (!contains(&said(script), SECRET.as_bytes())).then_some(SECRET);
        let mut watched = Watched::new(Connection::new(config, Instant::START), secret);
        watched.write_size = match choices[2] >> 4 {
            0 => usize::MAX,
            size => size.into(),
        };
        Self {
            watched,
            transcript,
            security,
            limits,
            told: Told::default(),
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
        let sent = watched.sent.len();
        let rest = watched.rest(&mut |_, _, event| told.hear(event));
        let in_clear = !told.under_tls && self.security != Security::DangerousPlaintext;
        let new = &watched.sent[sent..];
        assert!(
            !in_clear || !contains(new, SECRET.as_bytes()) && !contains(new, b"USER"),
            "credentials in clear"
        );
        let is_ready = watched.machine.session().is_some();
        assert!(
            !is_ready || told.unsolicited || self.transcript.is_logged_in(),
            "logged in against RFC 959"
        );
        if matches!(rest, Rest::Reading(_)) {
            assert_eq!(in_commands(&watched.sent), 0, "half a command was sent");
        }
    }

    fn call(&mut self, letter: u8, operand: u8) {
        let Self { watched, told, .. } = self;
        let now = watched.now;
        let client = &mut watched.machine;
        match letter {
            b't' => {
                watched.now = now + Duration::from_secs(operand.into());
                watched.machine.timed_out(watched.now);
            }
            b'T' => watched.skip_to_deadline(&mut |_, _, event| told.hear(event)),
            b'e' => client.received_eof(now),
            b's' => client.tls_started(now, tls_session()),
            b'S' => client.tls_stopped(now),
            b'a' => self.answer(operand),
            b'c' => {
                const LINES: [&str; 6] =
                    ["NOOP", "PROT P", "PROT C", "RETR a", "ACCT x", "AUTH TLS"];
                let line = LINES[usize::from(operand) % LINES.len()];
                let command = Command::from_line(line).expect("a command");
                let dedicated = command.verb() == Verb::Auth;
                let sent = client.send(now, command);
                assert!(!(dedicated && sent.is_ok()));
            }
            b'r' => {
                let _ = client.reinitialize(now, login(b'r'));
            }
            b'x' => {
                let _ = client.clear_command_channel(now);
            }
            b'q' => {
                let _ = client.quit(now);
            }
            b'w' => watched.stalled = !watched.stalled,
            _ => {}
        }
    }

    fn answer(&mut self, operand: u8) {
        let Some(challenge) = self.told.challenge.take() else {
            return;
        };
        let answer = match operand % 3 {
            0 => challenge.username(username(), None),
            1 => challenge.password(Password::new(SECRET).expect("a password")),
            _ => challenge.account(Account::new(SECRET).expect("an account")),
        };
        assert!(!format!("{answer:?}").contains(SECRET));
        // It may be late, or of the wrong kind.
        let _ = self.watched.machine.answer(self.watched.now, answer);
    }

    /// The server falls silent.
    fn finish(mut self) -> Self {
        let watched = &mut self.watched;
        if let Ok(Action::Read { .. }) = watched.machine.poll() {
            // Room for one reply and the line end and blank lines around it.
            watched.flood(self.limits.reply_bytes + 64);
        }
        watched.fall_silent(|client, now| {
            let _ = client.quit(now);
        });
        watched.assert_over();
        let noop = Command::new(Verb::Noop).expect("a command");
        assert_eq!(watched.machine.send(watched.now, noop), Err(Misuse::Closed));
        assert_eq!(watched.machine.quit(watched.now), Err(Misuse::Closed));
        watched.assert_discreet();
        self.transcript.assert_no_secret(watched.secret);
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
        self.events.push(format!("{event:?}"));
        self.unsolicited |= matches!(event, Event::Unsolicited(_));
        match event {
            Event::Challenge(challenge) => self.challenge = Some(challenge),
            Event::TlsEstablished(_) => self.under_tls = true,
            Event::ClearCommandChannel => self.under_tls = false,
            _ => {}
        }
    }
}

fn is_switch(event: &str) -> bool {
    event == "StartTls" || event == "StopTls"
}

fn config(choices: &[u8], security: Security, limits: Limits) -> Config {
    let bits = choices[1];
    let is = |bit: u8| bits & (1 << bit) != 0;
    let protection = match choices[0] / 3 % 3 {
        0 => DataProtection::Required,
        1 => DataProtection::Preferred,
        _ => DataProtection::Clear,
    };
    let config = Config::new(login(choices[0] / 9))
        .security(security)
        .data_protection(protection)
        .auth_ssl_fallback(is(0))
        .pipelining(is(1))
        .utf8(match choices[0] / 63 {
            0 | 1 => Utf8::Never,
            2 => Utf8::IfAnnounced,
            _ => Utf8::Always,
        })
        .clear_command_channel(is(2))
        .keep_alive(is(6).then_some(Duration::from_secs(2)))
        .limits(limits)
        .lenience(if is(3) {
            Lenience::STRICT
        } else {
            Lenience::default()
        })
        .timeouts(if is(4) {
            Timeouts::uniform(Duration::from_secs(2))
        } else {
            Timeouts::default()
        });
    if is(5) {
        config.host("ftp.example.com").expect("a host")
    } else {
        config
    }
}

fn limits(choice: u8) -> Limits {
    let mut limits = Limits::default();
    match choice & 3 {
        0 => {}
        1 => limits.reply_bytes = 64,
        2 => (limits.reply_line, limits.reply_lines) = (24, 3),
        _ => limits.outstanding_commands = 1,
    }
    limits
}

fn username() -> Username {
    Username::new("anna").expect("a name")
}

fn login(choice: u8) -> Login {
    let known = Login::new("anna", SECRET).expect("a login");
    let account = Account::new(SECRET).expect("an account");
    match choice % 7 {
        0 => known,
        1 => known.account(account),
        2 => known.ask(),
        3 => Login::interactive(),
        4 => Login::user(username()),
        5 => Login::user(username()).account(account).ask(),
        _ => known.account(account).ask(),
    }
}

/// How many bytes are left over when all commands are read from what a client sent.
fn in_commands(sent: &[u8]) -> usize {
    let mut plain = Vec::new();
    // What is refused there is refused by the client: nothing of ours asks for an option.
    TelnetFilter::new().filter(sent, |data| plain.extend_from_slice(data), |_| {});
    let mut parser = CommandParser::new(usize::MAX, &Lenience::STRICT);
    let mut rest = plain.as_slice();
    loop {
        match parser.parse(rest) {
            Ok(Status::Complete(command, length)) => {
                assert_ne!(command.verb(), Verb::Unknown);
                rest = &rest[length..];
            }
            Ok(Status::Partial) => return rest.len(),
            Err(error) => panic!("no command: {error:?}"),
        }
    }
}
