//! Clients that say nothing, never stop, or leave.

use super::*;
use crate::misbehaving::script::{endlessly, hear, slowly};

pub(super) fn cases() -> Vec<FaultyClient> {
    vec![
        FaultyClient::new(
            "silent",
            "connects and says nothing",
            [],
            "220 421",
            closed(ClosedWhy::FirstCommandTimeout),
        )
        .with(short_first_command),
        FaultyClient::new(
            "dripping",
            "sends its first command a byte now and then",
            [slowly("U")],
            "220 421",
            closed(ClosedWhy::FirstCommandTimeout),
        )
        .with(short_first_command),
        FaultyClient::new(
            "name-and-silence",
            "names a user and falls silent",
            [say("USER developer\r\n")],
            "220 331 421",
            closed(ClosedWhy::LoginTimeout),
        )
        .with(short_login),
        FaultyClient::new(
            "password-dripped",
            "sends the password a byte now and then",
            [say("USER developer\r\nPASS "), slowly("x")],
            "220 331 421",
            closed(ClosedWhy::LoginTimeout),
        )
        .with(short_login),
        FaultyClient::new(
            "blank-lines-to-stay",
            "sends blank lines to stay",
            [slowly("\r\n")],
            "220 421",
            closed(ClosedWhy::FirstCommandTimeout),
        )
        .with(short_first_command),
        FaultyClient::new(
            "noop-to-stay",
            "sends NOOP to stay",
            [slowly("NOOP\r\n")],
            "",
            closed(ClosedWhy::LoginTimeout),
        )
        .with(short_login)
        .unheard(),
        FaultyClient::new(
            "idle",
            "logs in and falls silent",
            [say(LOG_IN)],
            "220 331 230 421",
            closed(ClosedWhy::IdleTimeout),
        )
        .checked(1, 1)
        .with(short_idle),
        FaultyClient::new(
            "idle-within-a-command",
            "logs in and drips a command",
            [say(LOG_IN), slowly("P")],
            "220 331 230 421",
            closed(ClosedWhy::IdleTimeout),
        )
        .checked(1, 1)
        .with(short_idle),
        FaultyClient::new(
            "never-reads",
            "asks for more and more help and takes none of it",
            [say("HELP\r\n".repeat(1000)), Step::GoDeaf],
            "",
            closed(ClosedWhy::WriteTimeout),
        )
        .with(|config| {
            let line = "x".repeat(70);
            let lines = std::iter::repeat_n(line, 1000);
            short_write(config).help(lines).expect("lines of x")
        })
        .unheard()
        .with_small_buffers(),
        FaultyClient::new(
            "eof",
            "connects and closes",
            [Step::Close],
            "220",
            BY_CLIENT,
        ),
        FaultyClient::new(
            "reset",
            "connects and resets",
            [hear("220"), Step::Reset],
            "220",
            BY_CLIENT,
        ),
        FaultyClient::new(
            "half-a-command",
            "closes within a command",
            [say("USER deve"), Step::Close],
            "220",
            BY_CLIENT,
        ),
        FaultyClient::new(
            "half-close",
            "sends a whole session and closes its side at once",
            [say(LOG_IN), say("NOOP\r\nQUIT\r\n"), Step::Close],
            "220 331 230 200 221",
            BY_QUIT,
        )
        .checked(1, 1),
        FaultyClient::new(
            "half-close-without-quit",
            "sends a login, closes its side, and waits for what comes of it",
            [say(LOG_IN), Step::Close],
            "220 331 230",
            BY_CLIENT,
        )
        .checked(1, 1),
        FaultyClient::new(
            "reset-after-login",
            "logs in and resets",
            [say(LOG_IN), hear("230"), Step::Reset],
            "220 331 230",
            BY_CLIENT,
        )
        .checked(1, 1),
        FaultyClient::new(
            "endless-line",
            "sends a line without an end",
            [say("USER "), endlessly("a".repeat(65536))],
            "220 500 421",
            closed(ClosedWhy::LoginTimeout),
        )
        .with(short_login),
        FaultyClient::new(
            "endless-commands",
            "sends NOOP without an end and without waiting",
            [endlessly("NOOP\r\n".repeat(1000))],
            "",
            closed(ClosedWhy::LoginTimeout),
        )
        .with(short_login)
        .unheard(),
    ]
}
