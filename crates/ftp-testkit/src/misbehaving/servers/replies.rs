//! Replies that are odd in their form, some of them permitted.

use std::time::Duration;

use ftp_proto::Lenience;
use ftp_proto::client::{Config, Phase, Timeout};
use ftp_proto::wire::ReplyErrorKind;

use super::*;
use crate::misbehaving::script::in_bytes;

pub(super) fn cases() -> Vec<FaultyServer> {
    let greets = |name, case, greeting: &'static [u8]| {
        let script = and(vec![say(greeting)], rest_of_login());
        FaultyServer::new(name, case, script, logged_in())
    };
    let mut cases = vec![
        greets("code-alone", "greets with a code and nothing else", b"220\r\n"),
        greets("code-and-space", "greets with a code and a space", b"220 \r\n"),
        greets("blank-lines-first", "sends blank lines first", b"\r\n\n\r\n220 Ready.\r\n"),
        greets("bare-lf", "ends lines in LF", b"220-Hello\n220 Ready.\n"),
        greets(
            "lines-like-ends",
            "has lines in its greeting that look like its end",
            b"220-Hello\r\n 220 indented\r\n331 another code\r\n220-more\r\n220\t\r\n\r\n220 End\r\n",
        ),
        greets(
            "reply-within-reply",
            "has a reply of several lines within another",
            b"220-Hello\r\n331-Inner\r\n331 End of inner\r\n220 End\r\n",
        ),
        greets(
            "end-is-code-alone",
            "ends a greeting of several lines in a code alone",
            b"220-Hello\r\n220\r\n",
        ),
        greets("text-not-utf-8", "greets in Latin-1", b"220 Gr\xfc\xdf Gott \xe9\r\n"),
        greets("control-characters", "colours its greeting", b"220 \x1b[31mRed\x07\x08\x1b[0m\r\n"),
        greets("nul-within-text", "has a NUL within its text", b"220 Re\0ady.\r\n"),
        greets("cr-within-text", "has a bare CR within its text", b"220 Re\rady.\r\n"),
        greets("cr-cr-lf", "ends lines in CR CR LF", b"220 Ready.\r\r\n"),
        greets(
            "telnet-options",
            "negotiates Telnet options around its greeting",
            b"\xff\xfd\x18\xff\xfb\x01220 \xff\xfe\x03Rea\xff\xf1dy.\xff\xfc\x05\r\n\xff\xfd\x1f",
        ),
        greets(
            "telnet-within-code",
            "has Telnet sequences within the code",
            b"2\xff\xf12\xff\xf10 Ready.\r\n",
        ),
        greets(
            "telnet-subnegotiation",
            "has a Telnet subnegotiation that holds a reply",
            b"\xff\xfa\x18\x01530 No.\r\n\xff\xf0220 Ready.\r\n",
        ),
        greets("doubled-0xff", "has a doubled 0xFF in its text", b"220 \xff\xff.\r\n"),
    ];
    cases.extend(ends());
    cases
}

/// Cases about where a reply ends.
fn ends() -> Vec<FaultyServer> {
    let in_user = |name, case, reply, outcome| {
        FaultyServer::new(name, case, and(to_user(), [say(reply)]), outcome)
    };
    let in_pass = |name, case, reply, outcome| {
        FaultyServer::new(name, case, and(to_pass(), [say(reply)]), outcome)
    };
    vec![
        FaultyServer::new(
            "foreign-end",
            "ends 220- with 200, as glFTPd does",
            and(vec![say("220-Hello\r\n200 End\r\n")], rest_of_login()),
            logged_in(),
        )
        .with(lenient),
        FaultyServer::new(
            "foreign-end-where-strict",
            "ends 220- with 200, and is held to the RFC",
            [say("220-Hello\r\n200 End\r\n")],
            timed_out(Phase::Greeting, Timeout::Greeting),
        )
        .with(|config| short_greeting(config).lenience(Lenience::STRICT)),
        in_pass(
            "foreign-end-of-login",
            "ends 230- with 200",
            "230-Welcome\r\n200 End\r\n",
            logged_in(),
        )
        .with(lenient),
        in_pass(
            "login-ends-in-refusal",
            "begins with 230- and ends with 530",
            "230-Welcome\r\n530 No.\r\n",
            timed_out(Phase::Password, Timeout::Reply),
        )
        .with(|config| lenient(short_reply(config))),
        in_pass(
            "refusal-ends-in-login",
            "begins with 530- and ends with 230",
            "530-No\r\n230 Welcome.\r\n",
            timed_out(Phase::Password, Timeout::Reply),
        )
        .with(|config| lenient(short_reply(config))),
        in_pass(
            "login-ends-in-question",
            "begins with 230- and ends with 331",
            "230-Welcome\r\n331 Password?\r\n",
            timed_out(Phase::Password, Timeout::Reply),
        )
        .with(|config| lenient(short_reply(config))),
        in_pass(
            "login-within-refusal",
            "has a 230 within its refusal",
            "530-No\r\n230 Logged in.\r\n230-In\r\n530 No.\r\n",
            refused(Phase::Password, 530),
        ),
        in_pass(
            "refusal-within-login",
            "has a 530 within its welcome",
            "230-Yes\r\n530 No.\r\n230 Yes.\r\n",
            logged_in(),
        ),
        in_user(
            "unended-331",
            "begins a 331 of several lines, and falls silent",
            "331-Password\r\n",
            timed_out(Phase::User, Timeout::Reply),
        )
        .with(short_reply),
        FaultyServer::new(
            "bare-cr",
            "ends its greeting in CR",
            [say("220 Ready.\r")],
            timed_out(Phase::Greeting, Timeout::Greeting),
        )
        .with(short_greeting),
        FaultyServer::new(
            "bare-lf-where-strict",
            "ends lines in LF, and is held to the RFC",
            [say("220 Ready.\n")],
            malformed(Phase::Greeting, ReplyErrorKind::BareLineFeed),
        )
        .with(|config| config.lenience(Lenience::STRICT)),
        FaultyServer::new(
            "code-split-over-packets",
            "sends its codes in two packets",
            [
                to_user(),
                vec![
                    say("3"),
                    Step::Pause(A_LITTLE),
                    say("31 Go on.\r\n"),
                    hear("PASS "),
                ],
                vec![say("23"), Step::Pause(A_LITTLE), say("0 In.\r\n")],
            ]
            .concat(),
            logged_in(),
        ),
        FaultyServer::new(
            "welcome-in-bytes",
            "sends each byte of a long welcome in a packet of its own",
            and(
                to_pass(),
                [in_bytes(
                    "230-Welcome\r\n530 no\r\n\r\n 230 x\r\n230 In.\r\n",
                )],
            ),
            logged_in(),
        ),
    ]
}

const A_LITTLE: Duration = Duration::from_millis(30);

/// Takes a foreign end soon; the deadlines are long beside that.
fn lenient(config: Config) -> Config {
    let mut lenience = Lenience::default();
    lenience.foreign_end_after = Some(Duration::from_millis(100));
    config.lenience(lenience)
}
