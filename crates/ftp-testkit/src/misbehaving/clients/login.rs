//! Clients that want in without the right, or with it in odd ways.

use std::time::Duration;

use super::*;
use crate::misbehaving::script::hear;

pub(super) fn cases() -> Vec<FaultyClient> {
    let guess = "USER developer\r\nPASS wrong\r\n";
    let locked_out = closed(ClosedWhy::TooManyAttempts);
    vec![
        FaultyClient::new(
            "pipelined-login",
            "sends name, password and QUIT in one packet",
            [say([LOG_IN, QUIT].concat())],
            "220 331 230 221",
            BY_QUIT,
        )
        .checked(1, 1),
        FaultyClient::new(
            "pipelined-guesses",
            "sends ten guesses and the right password in one packet",
            [say([guess.repeat(10), LOG_IN.to_owned()].concat())],
            "220 331 530 331 530 331 530 421",
            locked_out.clone(),
        )
        .checked(3, 0),
        FaultyClient::new(
            "guesses-and-rein",
            "guesses, and begins again with REIN",
            [say([guess, "REIN\r\n"].concat().repeat(10))],
            "220 331 530 220 331 530 220 331 530 421",
            locked_out.clone(),
        )
        .checked(3, 0),
        FaultyClient::new(
            "guesses-of-names",
            "guesses with another name each time",
            [say(
                "USER a\r\nPASS x\r\nUSER b\r\nPASS x\r\nUSER c\r\nPASS x\r\nUSER d\r\nPASS x\r\n",
            )],
            "220 331 530 331 530 331 530 421",
            locked_out.clone(),
        )
        .checked(3, 0),
        FaultyClient::new(
            "right-after-lock-out",
            "has the right password for the fourth attempt",
            [say(guess.repeat(3)), hear("421"), say(LOG_IN)],
            "220 331 530 331 530 331 530 421",
            locked_out,
        )
        .checked(3, 0),
        FaultyClient::new(
            "leaves-during-check",
            "sends a guess and closes",
            [say(guess), Step::Close],
            "220 331 530",
            BY_CLIENT,
        )
        .checked(1, 0),
        FaultyClient::new(
            "pass-first",
            "sends the password before the name",
            [say(
                "PASS correct horse sentinel\r\nUSER developer\r\nQUIT\r\n",
            )],
            "220 503 331 221",
            BY_QUIT,
        ),
        FaultyClient::new(
            "pass-twice",
            "sends the password twice",
            [say(
                [LOG_IN, "PASS correct horse sentinel\r\n", QUIT].concat()
            )],
            "220 331 230 503 221",
            BY_QUIT,
        )
        .checked(1, 1),
        FaultyClient::new(
            "password-of-another",
            "changes the name between USER and PASS",
            [say(
                "USER developer\r\nUSER nobody\r\nPASS correct horse sentinel\r\nQUIT\r\n",
            )],
            "220 331 331 530 221",
            BY_QUIT,
        )
        .checked(1, 0),
        FaultyClient::new(
            "account-first",
            "sends an account that nobody asked for",
            [say("USER developer\r\nACCT x\r\nQUIT\r\n")],
            "220 331 503 221",
            BY_QUIT,
        ),
        FaultyClient::new(
            "empty-password",
            "has an empty password",
            [say(
                "USER developer\r\nPASS\r\nUSER developer\r\nPASS \r\nQUIT\r\n",
            )],
            "220 331 530 331 530 221",
            BY_QUIT,
        )
        .checked(2, 0),
        FaultyClient::new(
            "commands-before-login",
            "wants files before the login",
            [say(
                "PASV\r\nLIST\r\nRETR /etc/passwd\r\nSITE EXEC x\r\nQUIT\r\n",
            )],
            "220 530 530 530 530 221",
            BY_QUIT,
        ),
        FaultyClient::new(
            "user-after-login",
            "logs in, and names another user: the first login is over",
            [say([LOG_IN, "USER other\r\nPWD\r\n", QUIT].concat())],
            "220 331 230 331 530 221",
            BY_QUIT,
        )
        .checked(1, 1),
        FaultyClient::new(
            "trailing-space",
            "has a space too many behind the password",
            [say(
                "USER developer\r\nPASS correct horse sentinel \r\nQUIT\r\n",
            )],
            "220 331 530 221",
            BY_QUIT,
        )
        .checked(1, 0),
        FaultyClient::new(
            "password-in-two-packets",
            "cuts the password in two",
            [
                say("USER developer\r\nPASS correct hor"),
                Step::Pause(Duration::from_millis(30)),
                say("se sentinel\r\nQUIT\r\n"),
            ],
            "220 331 230 221",
            BY_QUIT,
        )
        .checked(1, 1),
    ]
}
