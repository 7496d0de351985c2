//! Cases about the name, the password and the account.

use ftp_proto::client::{LoggedInBy, Phase, Timeout};

use super::*;
use crate::misbehaving::try_client::with_account;

const USER: Phase = Phase::User;
const PASSWORD: Phase = Phase::Password;
const ACCOUNT: Phase = Phase::Account;

pub(super) fn cases() -> Vec<FaultyServer> {
    let mut cases = user();
    cases.extend(password());
    cases.extend(account());
    cases
}

fn user() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        FaultyServer::new(name, case, and(to_user(), steps.to_vec()), outcome)
    };
    let says =
        |name, case, reply: &'static str, outcome| answers(name, case, &[say(reply)], outcome);
    vec![
        answers(
            "user-silence",
            "does not answer the name",
            &[],
            timed_out(USER, Timeout::Reply),
        )
        .with(short_reply),
        answers(
            "user-eof",
            "closes when it hears the name",
            &[Step::Close],
            closed(USER),
        ),
        answers(
            "user-reset",
            "resets when it hears the name",
            &[Step::Reset],
            lost(USER),
        ),
        answers(
            "user-331-cut-off",
            "closes within its 331",
            &[say("331 Passw"), Step::Close],
            cut_off(USER),
        ),
        says(
            "user-421",
            "is unavailable when it hears the name",
            "421 Bye.\r\n",
            unavailable(USER),
        ),
        says(
            "user-530",
            "refuses the name",
            "530 No.\r\n",
            refused(USER, 530),
        ),
        says(
            "user-500",
            "does not know USER",
            "500 What?\r\n",
            refused(USER, 500),
        ),
        says(
            "user-450",
            "refuses the name for now",
            "450 Later.\r\n",
            refused(USER, 450),
        ),
        says(
            "user-220",
            "answers the name with 220",
            "220 Ready.\r\n",
            unexpected(USER, 220),
        ),
        says(
            "user-200",
            "answers the name with 200",
            "200 Fine.\r\n",
            unexpected(USER, 200),
        ),
        says(
            "user-150",
            "answers the name with 150",
            "150 Wait.\r\n",
            unexpected(USER, 150),
        ),
        says(
            "user-120",
            "answers the name with 120",
            "120 Soon.\r\n",
            unexpected(USER, 120),
        ),
        says(
            "user-234",
            "answers the name with 234",
            "234 TLS!\r\n",
            unexpected(USER, 234),
        ),
        says(
            "user-350",
            "answers the name with 350",
            "350 More.\r\n",
            unexpected(USER, 350),
        ),
        says(
            "user-garbage",
            "answers the name with no reply",
            "Hello.\r\n",
            no_reply(USER),
        ),
        says(
            "user-332",
            "wants an account instead of a password",
            "332 Account?\r\n",
            Outcome::Wanting { phase: USER },
        ),
        says(
            "331-twice",
            "asks for the password twice in one packet",
            "331 Password?\r\n331 Password?\r\n",
            unsolicited(PASSWORD, 331),
        ),
        says(
            "331-and-230",
            "asks for the password and welcomes in one packet",
            "331 Password?\r\n230 Logged in.\r\n",
            unsolicited(PASSWORD, 230),
        ),
        says(
            "331-and-530",
            "asks for the password and refuses it in one packet",
            "331 Password?\r\n530 No.\r\n",
            unsolicited(PASSWORD, 530),
        ),
        answers(
            "331-and-half-a-230",
            "begins to welcome in the packet that asks for the password",
            &[
                say("331 Password?\r\n23"),
                hear("PASS "),
                say("0 Logged in.\r\n"),
            ],
            unsolicited(PASSWORD, 230),
        ),
        says(
            "331-and-421",
            "asks for the password and is unavailable in one packet",
            "331 Password?\r\n421 Bye.\r\n",
            unavailable(PASSWORD),
        ),
        says(
            "user-230",
            "lets the name in without a password",
            "230 In.\r\n",
            Outcome::LoggedIn {
                by: LoggedInBy::User,
                then: None,
            },
        ),
        says(
            "user-230-twice",
            "lets the name in twice in one packet",
            "230 In.\r\n230 In.\r\n",
            Outcome::LoggedIn {
                by: LoggedInBy::User,
                then: None,
            },
        ),
    ]
}

fn password() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        FaultyServer::new(name, case, and(to_pass(), steps.to_vec()), outcome)
    };
    let says =
        |name, case, reply: &'static str, outcome| answers(name, case, &[say(reply)], outcome);
    vec![
        answers(
            "pass-silence",
            "does not answer the password",
            &[],
            timed_out(PASSWORD, Timeout::Reply),
        )
        .with(short_reply),
        answers(
            "pass-eof",
            "closes when it hears the password",
            &[Step::Close],
            closed(PASSWORD),
        ),
        answers(
            "pass-reset",
            "resets when it hears the password",
            &[Step::Reset],
            lost(PASSWORD),
        ),
        answers(
            "pass-230-cut-off",
            "closes within its welcome",
            &[say("230 Logged in"), Step::Close],
            cut_off(PASSWORD),
        ),
        answers(
            "pass-230-unended",
            "closes within a welcome of several lines",
            &[say("230-Logged in\r\n"), Step::Close],
            cut_off(PASSWORD),
        ),
        says(
            "pass-421",
            "is unavailable when it hears the password",
            "421 Bye.\r\n",
            unavailable(PASSWORD),
        ),
        says(
            "pass-331",
            "asks again for the password",
            "331 Again?\r\n",
            fault(PASSWORD, Fault::AskedAgain),
        ),
        says(
            "pass-530",
            "refuses the password",
            "530 No.\r\n",
            refused(PASSWORD, 530),
        ),
        says(
            "pass-503",
            "says that USER is missing",
            "503 USER first.\r\n",
            refused(PASSWORD, 503),
        ),
        says(
            "pass-120",
            "answers the password with 120",
            "120 Soon.\r\n",
            unexpected(PASSWORD, 120),
        ),
        says(
            "pass-200",
            "answers the password with 200",
            "200 Fine.\r\n",
            unexpected(PASSWORD, 200),
        ),
        says(
            "pass-220",
            "answers the password with 220",
            "220 Ready.\r\n",
            unexpected(PASSWORD, 220),
        ),
        says(
            "pass-250",
            "answers the password with 250",
            "250 Done.\r\n",
            unexpected(PASSWORD, 250),
        ),
        says(
            "pass-150",
            "answers the password with 150 and then welcomes",
            "150 Wait.\r\n230 In.\r\n",
            unexpected(PASSWORD, 150),
        ),
        says(
            "pass-2300",
            "welcomes with a code of four digits",
            "2300 In.\r\n",
            no_reply(PASSWORD),
        ),
        says(
            "pass-202",
            "needed no password",
            "202 Superfluous.\r\n",
            logged_in(),
        ),
        says(
            "pass-332",
            "wants an account, too",
            "332 Account?\r\n",
            Outcome::Wanting { phase: PASSWORD },
        ),
        says(
            "530-then-230",
            "refuses, and welcomes in the same packet",
            "530 No.\r\n230 Logged in.\r\n",
            refused(PASSWORD, 530),
        ),
        says(
            "530-then-421",
            "refuses, and is unavailable in the same packet",
            "530 No.\r\n421 Bye.\r\n",
            refused(PASSWORD, 530),
        ),
    ]
}

fn account() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        let script = [to_user(), steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).with(with_account)
    };
    let (asks, again) = (say("332 Account?\r\n"), say("503 Password first.\r\n"));
    vec![
        answers(
            "acct-silence",
            "does not answer the account",
            &[asks.clone(), hear("ACCT ")],
            timed_out(ACCOUNT, Timeout::Reply),
        )
        .with(|config| short_reply(with_account(config))),
        answers(
            "acct-eof",
            "closes when it hears the account",
            &[asks.clone(), hear("ACCT "), Step::Close],
            closed(ACCOUNT),
        ),
        answers(
            "acct-and-pass-in-turns",
            "sends the client from ACCT to PASS and back for ever",
            &[
                asks.clone(),
                hear("ACCT "),
                again.clone(),
                hear("PASS "),
                asks.clone(),
                hear("ACCT "),
                again,
                hear("PASS "),
                asks.clone(),
            ],
            refused(ACCOUNT, 503),
        ),
        answers(
            "acct-332",
            "asks again for the account",
            &[asks.clone(), hear("ACCT "), asks.clone()],
            unexpected(ACCOUNT, 332),
        ),
        answers(
            "acct-331",
            "asks for the password after the account",
            &[asks, hear("ACCT "), say(GO_ON)],
            unexpected(ACCOUNT, 331),
        ),
    ]
}
