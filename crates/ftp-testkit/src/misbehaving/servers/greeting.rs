//! Cases about the greeting: none, half of one, another, too many.

use ftp_proto::Lenience;
use ftp_proto::client::{LoggedInBy, Phase, Timeout};

use super::*;
use crate::misbehaving::script::{in_bytes, slowly};

const GREETING: Phase = Phase::Greeting;

pub(super) fn cases() -> Vec<FaultyServer> {
    let late = timed_out(GREETING, Timeout::Greeting);
    vec![
        FaultyServer::new("silent", "accepts, and says nothing", [], late.clone())
            .with(short_greeting),
        FaultyServer::new(
            "greeting-eof",
            "closes at once",
            [Step::Close],
            closed(GREETING),
        ),
        FaultyServer::new(
            "greeting-reset",
            "resets at once",
            [Step::Reset],
            lost(GREETING),
        )
        // If the reset is there before the client knows that it is connected.
        .or(Outcome::NotConnected),
        FaultyServer::new(
            "greeting-cut-off",
            "closes within the greeting's line",
            [say("220 Rea"), Step::Close],
            cut_off(GREETING),
        ),
        FaultyServer::new(
            "greeting-cut-off-in-code",
            "closes within the greeting's code",
            [say("22"), Step::Close],
            cut_off(GREETING),
        ),
        FaultyServer::new(
            "greeting-without-end",
            "begins a greeting of several lines, and falls silent",
            [say("220-Hello\r\n220-World\r\n")],
            late.clone(),
        )
        .with(short_greeting),
        FaultyServer::new(
            "greeting-of-several-lines-cut-off",
            "closes between the lines of the greeting",
            [say("220-Hello\r\n"), Step::Close],
            cut_off(GREETING),
        ),
        FaultyServer::new(
            "greeting-dripped",
            "sends a letter now and then, and never a line's end",
            [say("220 "), slowly("a")],
            late.clone(),
        )
        .with(short_greeting),
        FaultyServer::new(
            "greeting-lines-dripped",
            "sends a line of the greeting now and then, and never the last",
            [slowly("220-Wait for it\r\n")],
            late.clone(),
        )
        .with(short_greeting),
        FaultyServer::new(
            "delayed-for-ever",
            "says 120 again and again, in time each time",
            [slowly("120 Soon.\r\n")],
            timed_out(GREETING, Timeout::Login),
        )
        .with(short_login),
        FaultyServer::new(
            "delayed-then-silent",
            "says 120 once, and then nothing",
            [say("120 Soon.\r\n")],
            late.clone(),
        )
        .with(short_greeting),
        FaultyServer::new(
            "delayed-and-glued",
            "says 120 and the greeting in one packet",
            and(vec![say("120 Soon.\r\n220 Ready.\r\n")], rest_of_login()),
            logged_in(),
        ),
        FaultyServer::new(
            "greeting-421",
            "is not available",
            [say("421 Too many connections.\r\n"), Step::Close],
            unavailable(GREETING),
        ),
        FaultyServer::new(
            "greeting-421-and-reset",
            "says 421 and breaks the connection",
            [say("421 Go away.\r\n"), Step::Pause(SOON), Step::Reset],
            unavailable(GREETING),
        ),
        FaultyServer::new(
            "greeting-421-cut-off",
            "says 421 without an end, and closes",
            [say("421 Too many con"), Step::Close],
            unavailable(GREETING),
        ),
        FaultyServer::new(
            "greeting-530",
            "refuses before it is asked",
            [say("530 Not you.\r\n")],
            refused(GREETING, 530),
        ),
        FaultyServer::new(
            "greeting-450",
            "refuses for now before it is asked",
            [say("450 Not now.\r\n")],
            refused(GREETING, 450),
        ),
        FaultyServer::new(
            "greeting-331",
            "asks for the password first",
            [say("331 Password?\r\n")],
            unexpected(GREETING, 331),
        ),
        FaultyServer::new(
            "greeting-200",
            "greets with 200",
            [say("200 Hello.\r\n")],
            unexpected(GREETING, 200),
        ),
        FaultyServer::new(
            "greeting-234",
            "wants TLS before anyone asked for it",
            [say("234 Go.\r\n")],
            unexpected(GREETING, 234),
        ),
        FaultyServer::new(
            "greeting-230",
            "lets everyone in at once",
            [say("230 Come in.\r\n")],
            Outcome::LoggedIn {
                by: LoggedInBy::Greeting,
                then: None,
            },
        ),
        FaultyServer::new(
            "greeting-230-before-tls",
            "lets everyone in at once, in clear, where TLS is wanted",
            [
                vec![
                    say("230 Come in.\r\n"),
                    hear("AUTH "),
                    say("234 Go.\r\n"),
                    Step::StartTls,
                ],
                protected(),
                rest_of_login(),
            ]
            .concat(),
            logged_in(),
        )
        .explicit(),
        FaultyServer::new(
            "greeting-twice",
            "greets twice in one packet",
            [say("220 Ready.\r\n220 Ready.\r\n")],
            unsolicited(Phase::User, 220),
        ),
        FaultyServer::new(
            "greeting-three-times-where-lenient",
            "greets in three replies, the last of them late, as small devices do",
            [
                vec![say("220 Ready.\r\n220 By David.\r\n"), hear("USER ")],
                vec![say("220 Version 0.1\r\n")],
                from_user(),
                vec![say(WELCOME)],
            ]
            .concat(),
            logged_in(),
        )
        .with(|config| {
            let mut lenience = Lenience::default();
            lenience.repeated_greetings = 2;
            config.lenience(lenience)
        }),
        FaultyServer::new(
            "greeting-and-421",
            "greets, and is unavailable in the same packet",
            [say("220 Ready.\r\n421 Or rather not.\r\n"), Step::Close],
            unavailable(Phase::User),
        ),
        FaultyServer::new(
            "login-in-one-packet",
            "answers a whole login before it is begun",
            [say("220 Ready.\r\n331 Password?\r\n230 Logged in.\r\n")],
            unsolicited(Phase::User, 331),
        ),
        FaultyServer::new(
            "greeting-in-bytes",
            "sends each byte of the greeting in a packet of its own",
            and(
                vec![in_bytes("220-Hello\r\n220 Ready.\r\n")],
                rest_of_login(),
            ),
            logged_in(),
        ),
    ]
}

/// Enough for what was said before to arrive.
const SOON: std::time::Duration = std::time::Duration::from_millis(100);
