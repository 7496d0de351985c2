//! Servers that never stop. The limits are tight, and no deadline may be needed.

use ftp_proto::Limits;
use ftp_proto::client::{Config, Phase, Timeout};
use ftp_proto::wire::ReplyErrorKind;

use super::*;
use crate::liar::script::endlessly;

const GREETING: Phase = Phase::Greeting;

pub(super) fn lies() -> Vec<LyingServer> {
    use ReplyErrorKind::{LineTooLong, TooManyBytes, TooManyLines};
    let floods = |name, lie, script: Vec<Step>, outcome| {
        LyingServer::new(name, lie, script, outcome).with(tight)
    };
    let at_user = |step| and(to_user(), [step]);
    let long_lines = || format!("220-{}\r\n", "x".repeat(400)).repeat(100);
    vec![
        floods(
            "endless-line",
            "greets with a line without an end",
            vec![say("220 "), endlessly("x".repeat(4096))],
            malformed(GREETING, LineTooLong),
        ),
        floods(
            "endless-lines",
            "greets with lines without an end",
            vec![endlessly("220-x\r\n".repeat(1000))],
            malformed(GREETING, TooManyLines),
        ),
        floods(
            "endless-bytes",
            "greets with long lines without an end",
            vec![endlessly(long_lines())],
            malformed(GREETING, TooManyBytes),
        ),
        floods(
            "endless-331",
            "asks for the password without an end",
            at_user(endlessly("331-Password\r\n".repeat(1000))),
            malformed(Phase::User, TooManyLines),
        ),
        floods(
            "endless-welcome",
            "welcomes without an end",
            and(to_pass(), [endlessly("230-Welcome\r\n".repeat(1000))]),
            malformed(Phase::Password, TooManyLines),
        ),
        floods(
            "endless-line-at-user",
            "answers the name with a line without an end",
            at_user(endlessly("331 ".to_owned() + &"y".repeat(5000))),
            malformed(Phase::User, LineTooLong),
        ),
        floods(
            "endless-zeros",
            "sends zeros without an end",
            vec![endlessly("0".repeat(4096))],
            no_reply(GREETING),
        ),
        floods(
            "endless-nuls",
            "sends NULs without an end",
            vec![endlessly("\0".repeat(4096))],
            no_reply(GREETING),
        ),
        floods(
            "endless-blank-lines",
            "sends blank lines without an end",
            vec![endlessly("\r\n".repeat(2000))],
            timed_out(GREETING, Timeout::Greeting),
        )
        .with(|config| short_greeting(tight(config))),
        floods(
            "endless-telnet",
            "negotiates Telnet options without an end",
            vec![endlessly(
                &b"\xff\xfd\x18\xff\xfb\x01\xff\xfd\x1f\xff\xfb\x03"[..],
            )],
            timed_out(GREETING, Timeout::Greeting),
        )
        .with(|config| short_greeting(tight(config))),
        floods(
            "endless-subnegotiation",
            "begins a Telnet subnegotiation that never ends",
            vec![
                say(b"\xff\xfa\x18"),
                endlessly("230 Logged in.\r\n".repeat(200)),
            ],
            timed_out(GREETING, Timeout::Greeting),
        )
        .with(|config| short_greeting(tight(config))),
        floods(
            "endless-120",
            "says 120 without an end and without a pause",
            vec![endlessly("120 Soon.\r\n".repeat(300))],
            fault(GREETING, Fault::TooManyPreliminary),
        ),
        floods(
            "endless-331s",
            "asks for the password again and again in one breath",
            at_user(endlessly("331 Password?\r\n".repeat(300))),
            unsolicited(Phase::Password, 331),
        ),
        floods(
            "endless-230s",
            "welcomes again and again in one breath",
            and(to_pass(), [endlessly("230 Logged in.\r\n".repeat(300))]),
            logged_in(),
        ),
        LyingServer::new(
            "long-but-permitted",
            "greets with 4000 lines, within the limits",
            and(
                vec![say("220-Be it known\r\n".repeat(4000)), say(READY)],
                rest_of_login(),
            ),
            logged_in(),
        ),
    ]
}

/// As little memory as can be lived with.
fn tight(config: Config) -> Config {
    let mut limits = Limits::default();
    limits.reply_line = 512;
    limits.reply_lines = 50;
    limits.reply_bytes = 4096;
    config.limits(limits)
}
