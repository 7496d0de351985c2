//! Servers that never stop. The limits are tight, and no deadline may be needed.

use ftp_proto::Limits;
use ftp_proto::client::{Config, Phase, Timeout};
use ftp_proto::wire::ReplyErrorKind;

use super::*;
use crate::misbehaving::script::{endlessly, for_ever};

const GREETING: Phase = Phase::Greeting;

pub(super) fn cases() -> Vec<FaultyServer> {
    endless_replies()
        .into_iter()
        .chain(endless_filler())
        .collect()
}

/// What says nothing: too much of it is a fault, and where that is allowed it moves no deadline.
fn endless_filler() -> Vec<FaultyServer> {
    let telnet = b"\xff\xfd\x18\xff\xfb\x01\xff\xfd\x1f\xff\xfb\x03";
    let mut cases = Vec::new();
    for (names, case, begin, flood) in [
        (
            ["endless-blank-lines", "patience-with-blank-lines"],
            "sends blank lines without an end",
            &b"\r\n"[..],
            b"\r\n".repeat(2000),
        ),
        (
            ["endless-telnet", "patience-with-telnet"],
            "negotiates Telnet options without an end",
            b"\xff\xf1",
            telnet.to_vec(),
        ),
        (
            ["endless-subnegotiation", "patience-with-subnegotiation"],
            "begins a Telnet subnegotiation that never ends",
            b"\xff\xfa\x18",
            b"230 Logged in.\r\n".repeat(200),
        ),
    ] {
        let script = |flood| vec![say(begin), flood];
        let fault = fault(GREETING, Fault::TooMuchFiller);
        let steps = script(endlessly(flood.clone()));
        cases.push(FaultyServer::new(names[0], case, steps, fault).with(tight));
        let late = timed_out(GREETING, Timeout::Greeting);
        let steps = script(for_ever(flood));
        cases.push(FaultyServer::new(names[1], case, steps, late).with(patient));
    }
    cases
}

fn endless_replies() -> Vec<FaultyServer> {
    use ReplyErrorKind::{LineTooLong, TooManyBytes, TooManyLines};
    let floods = |name, case, script: Vec<Step>, outcome| {
        FaultyServer::new(name, case, script, outcome).with(tight)
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
        FaultyServer::new(
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
    limits.filler_bytes = 4096;
    config.limits(limits)
}

/// Nothing but the greeting's deadline ends it.
fn patient(config: Config) -> Config {
    let mut limits = Limits::default();
    limits.filler_bytes = usize::MAX;
    short_greeting(config).limits(limits)
}
