//! Cases after the login: to a command, to `QUIT`, `CCC` and `REIN`.

use ftp_proto::client::{Phase, Timeout};
use ftp_proto::wire::ReplyErrorKind;

use super::*;
use crate::misbehaving::Then;
use crate::misbehaving::script::{endlessly, slowly};

const READY_PHASE: Phase = Phase::Ready;

pub(super) fn cases() -> Vec<FaultyServer> {
    let mut cases = command();
    cases.extend(leaving());
    cases
}

fn command() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        let script = [to_login(), vec![hear("PWD")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).then(Then::Command("PWD"))
    };
    let says =
        |name, case, reply: &'static str, outcome| answers(name, case, &[say(reply)], outcome);
    let behind_230 = |name, case, reply: &'static str, steps: &[Step], outcome| {
        let script = [to_pass(), vec![say(reply)], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).then(Then::Command("PWD"))
    };
    let answer = [hear("PWD"), say("257 \"/\"\r\n")];
    vec![
        behind_230(
            "reply-to-nothing",
            "has a reply to nothing behind its welcome",
            "230 In.\r\n226 Done.\r\n",
            &answer,
            unsolicited(READY_PHASE, 226),
        ),
        behind_230(
            "login-answered-twice-later",
            "welcomes again when it hears a command, and answers it then",
            WELCOME,
            &[hear("PWD"), say(WELCOME), say("257 \"/\"\r\n")],
            out_of_step(READY_PHASE, 230),
        ),
        behind_230(
            "answer-in-advance",
            "answers the next command before it is sent",
            "230 In.\r\n257 \"/secret\"\r\n",
            &[hear("PWD"), say("550 No.\r\n")],
            unsolicited(READY_PHASE, 257),
        ),
        behind_230(
            "230-and-421",
            "welcomes and is unavailable in one packet",
            "230 In.\r\n421 Bye.\r\n",
            &[Step::Close],
            unavailable(READY_PHASE),
        ),
        behind_230(
            "230-and-eof",
            "welcomes and closes",
            "230 In.\r\n",
            &[Step::Close],
            closed(READY_PHASE),
        ),
        behind_230(
            "230-and-garbage",
            "has no reply behind its welcome",
            "230 In.\r\nhello\r\n",
            &[],
            no_reply(READY_PHASE),
        ),
        answers(
            "command-silence",
            "does not answer a command",
            &[],
            timed_out(READY_PHASE, Timeout::Reply),
        )
        .with(short_reply),
        answers(
            "command-eof",
            "closes when it hears a command",
            &[Step::Close],
            closed(READY_PHASE),
        ),
        answers(
            "command-reset",
            "resets when it hears a command",
            &[Step::Reset],
            lost(READY_PHASE),
        ),
        answers(
            "command-endless-line",
            "answers a command with a line without an end",
            &[say("257 "), endlessly("x".repeat(4096))],
            malformed(READY_PHASE, ReplyErrorKind::LineTooLong),
        ),
        says(
            "command-421",
            "is unavailable when it hears a command",
            "421 Bye.\r\n",
            unavailable(READY_PHASE),
        ),
        says(
            "command-answered-twice",
            "answers a command twice",
            "257 \"/\"\r\n257 \"/\"\r\n",
            answered(257),
        ),
        says(
            "command-230",
            "welcomes again",
            "230 In.\r\n",
            out_of_step(READY_PHASE, 230),
        ),
        says(
            "command-530",
            "says after the login that there was none",
            "530 Log in.\r\n",
            answered(530),
        ),
        says(
            "command-preliminary",
            "answers a command with 150 and 257",
            "150 Wait.\r\n257 \"/\"\r\n",
            answered(257),
        ),
        answers(
            "preliminary-then-silence",
            "answers a command with 150 and falls silent",
            &[say("150 Wait.\r\n")],
            timed_out(READY_PHASE, Timeout::Reply),
        )
        .with(short_reply),
        answers(
            "preliminary-flood",
            "answers a command with 150 without an end",
            &[endlessly("150 Wait.\r\n".repeat(300))],
            TOO_MANY_PRELIMINARY,
        ),
        answers(
            "preliminary-for-ever",
            "answers a command with 150 again and again, in time",
            &[slowly("150 Wait.\r\n")],
            TOO_MANY_PRELIMINARY,
        ),
    ]
}

/// 1yz without end.
const TOO_MANY_PRELIMINARY: Outcome = Outcome::PeerFault {
    phase: READY_PHASE,
    fault: Fault::TooManyPreliminary,
};

fn leaving() -> Vec<FaultyServer> {
    let quits = |name, case, steps: &[Step], outcome| {
        let script = [to_login(), vec![hear("QUIT")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).then(Then::Quit)
    };
    let clears = |name, case, steps: &[Step], outcome| {
        let script = [to_login_under_tls(), vec![hear("CCC")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome)
            .explicit()
            .with(|config| config.clear_command_channel(true))
            .then(Then::ClearCommandChannel)
    };
    let begins_again = |name, case, steps: &[Step], outcome| {
        let script = [to_login(), vec![hear("REIN")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).then(Then::Reinitialize)
    };
    vec![
        quits("quit-silence", "does not answer QUIT", &[], logged_in()).with(short_quit),
        quits(
            "quit-eof",
            "closes when it hears QUIT",
            &[Step::Close],
            logged_in(),
        ),
        quits(
            "quit-500",
            "does not know QUIT",
            &[say("500 What?\r\n")],
            logged_in(),
        ),
        quits(
            "quit-150",
            "answers QUIT with 150",
            &[say("150 Wait.\r\n")],
            unexpected(Phase::Closing, 150),
        ),
        quits(
            "quit-230",
            "welcomes again where it is left",
            &[say(WELCOME)],
            out_of_step(Phase::Closing, 230),
        ),
        quits(
            "quit-flood",
            "goes on after QUIT without an end",
            &[say("221 Bye.\r\n"), endlessly("226 Done.\r\n".repeat(300))],
            logged_in(),
        ),
        clears(
            "ccc-and-bytes",
            "has bytes under TLS behind its consent to CCC",
            &[say("200 Clear.\r\n230 In.\r\n")],
            fault(READY_PHASE, Fault::BytesBeforeTlsSwitch),
        ),
        clears(
            "ccc-silence",
            "agrees to CCC and does not close TLS",
            &[say("200 Clear.\r\n"), Step::GoDeaf],
            timed_out(READY_PHASE, Timeout::Handshake),
        )
        .with(|config| short_handshake(config).clear_command_channel(true)),
        clears(
            "ccc-534",
            "refuses CCC",
            &[say("534 No.\r\n")],
            refused(READY_PHASE, 534),
        ),
        clears(
            "ccc-234",
            "answers CCC with 234",
            &[say("234 Go.\r\n")],
            unexpected(READY_PHASE, 234),
        ),
        begins_again(
            "rein-and-331",
            "has a 331 behind its consent to REIN",
            &[say("220 Ready.\r\n331 Password?\r\n")],
            unsolicited(Phase::User, 331),
        ),
        begins_again(
            "rein-421",
            "is unavailable when it hears REIN",
            &[say("421 Bye.\r\n")],
            unavailable(READY_PHASE),
        ),
        begins_again(
            "rein-230",
            "answers REIN with 230",
            &[say("230 In.\r\n")],
            unexpected(READY_PHASE, 230),
        ),
        begins_again(
            "rein-then-530",
            "refuses after REIN what it took before",
            &[
                say(READY),
                hear("USER "),
                say(GO_ON),
                hear("PASS "),
                say("530 No.\r\n"),
            ],
            refused(Phase::Password, 530),
        ),
    ]
}
