//! `EPSV` for the next transfer, sent with the command of this one, by option: no reply is taken for
//! another's, and what comes of a transfer is what comes of it without.

use std::time::Duration;

use crate::common::table::TRANSFERS;
use crate::common::transfer::{EPSV, ready, retrieve};
use crate::common::{Dialogue, known};
use ftp_proto::client::{
    Config, DataMode, Error, Event, Phase, Transfer, TransferError, Transferred,
};
use ftp_proto::data::{self, Open};
use ftp_proto::{Action, Machine};

const BOTH: &str = "RETR notes\r\nEPSV\r\n";

fn config() -> Config {
    Config::new(known()).transfer_pipelining(true)
}

fn in_transfer(mut dialogue: Dialogue) -> (Dialogue, data::Connection) {
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let connection = dialogue.open();
    (dialogue, connection)
}

/// `RETR` and the next `EPSV` were sent.
fn moving() -> (Dialogue, data::Connection) {
    let (mut dialogue, connection) = in_transfer(ready(config()));
    assert_eq!(dialogue.take_sent(), BOTH);
    (dialogue, connection)
}

/// A transfer is over, and the port of the next one is known.
fn told_ahead() -> Dialogue {
    let (mut dialogue, connection) = moving();
    dialogue.hear("150 x\r\n");
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n229 x (|||7000|)\r\n");
    assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 5);
    dialogue.forget();
    dialogue
}

fn port(dialogue: &mut Dialogue) -> (u16, data::Connection) {
    let ticket = dialogue.ticket();
    let Open::ConnectToPeer { port } = ticket.open() else {
        panic!("{:?}", ticket.open());
    };
    let connection = dialogue.client.data_opened(dialogue.now, ticket).unwrap();
    dialogue.drive();
    (port, connection)
}

#[test]
fn each_transfer_but_the_first_takes_the_port_that_was_told_ahead() {
    let mut dialogue = told_ahead();
    for next in 7001..7005 {
        dialogue.begin(retrieve());
        assert_eq!(dialogue.take_sent(), "", "nothing has to be asked");
        let (port, connection) = port(&mut dialogue);
        assert_eq!(port, next - 1);
        assert_eq!(dialogue.take_sent(), BOTH);
        dialogue.hear("150 x\r\n");
        dialogue.receive(connection, b"12345");
        dialogue.hear(format!("226 x\r\n229 x (|||{next}|)\r\n"));
        assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 5);
    }
    dialogue.assert_in_step();
}

#[test]
fn a_transfer_is_over_with_its_own_reply_and_the_next_waits_for_the_port() {
    let (mut dialogue, connection) = moving();
    dialogue.hear("150 x\r\n");
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    assert!(dialogue.outcome().unwrap().is_ok());
    dialogue.begin(retrieve());
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("229 x (|||7000|)\r\n");
    assert_eq!(port(&mut dialogue).0, 7000);
    assert_eq!(dialogue.take_sent(), BOTH);
}

#[test]
fn commands_between_two_transfers_have_their_own_replies() {
    for (line, answer) in [
        ("SIZE notes", "213 5"),
        ("NOOP", "200 x"),
        ("CWD a", "250 x"),
    ] {
        let (mut dialogue, connection) = moving();
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        dialogue.send(line);
        dialogue.forget();
        dialogue.hear(format!("229 x (|||7000|)\r\n{answer}\r\n"));
        let [Event::Reply { reply, .. }] = &dialogue.events[..] else {
            panic!("{:?}", dialogue.events);
        };
        assert_eq!(reply.code().get().to_string(), answer[..3]);
        dialogue.forget();
        dialogue.begin(retrieve());
        assert_eq!(port(&mut dialogue).0, 7000, "after {line}");
    }
}

#[test]
fn a_port_is_not_used_after_a_command_that_may_have_ended_it() {
    for line in ["PASV", "EPSV", "ABOR", "PROT C", "SPSV", "LIST"] {
        let mut dialogue = told_ahead();
        dialogue.send(line);
        dialogue.hear(match line {
            "PASV" => "227 (192,0,2,1,1,1)\r\n",
            "EPSV" => EPSV,
            _ => "200 x\r\n",
        });
        dialogue.forget();
        dialogue.begin(retrieve());
        assert_eq!(dialogue.take_sent(), "EPSV\r\n", "after {line}");
    }
}

#[test]
fn an_old_port_is_not_used() {
    for (seconds, sent) in [(9, ""), (10, "EPSV\r\n"), (1000, "EPSV\r\n")] {
        let mut dialogue = told_ahead();
        dialogue.sleep(seconds);
        dialogue.begin(retrieve());
        assert_eq!(dialogue.take_sent(), sent, "after {seconds} s");
    }
}

/// The server may have told it while data moved, after that, or at the end.
#[test]
fn a_port_that_may_have_lain_unread_for_long_is_not_used() {
    for [before, after, at_last] in [[EPSV, "", ""], ["", EPSV, ""], ["", "", EPSV]] {
        let (mut dialogue, connection) = moving();
        dialogue.hear("150 x\r\n");
        if at_last.is_empty() {
            dialogue.sleep(20);
        }
        dialogue.hear(before);
        dialogue.receive(connection, b"12345");
        dialogue.hear(format!("226 x\r\n{after}"));
        assert!(dialogue.outcome().unwrap().is_ok());
        if !at_last.is_empty() {
            dialogue.sleep(20);
        }
        dialogue.forget();
        dialogue.begin(retrieve());
        dialogue.hear(at_last);
        dialogue.exchange("EPSV\r\n", "229 x (|||7000|)\r\n");
        assert_eq!(port(&mut dialogue).0, 7000);
    }
}

/// The transfer command would have to wait for the `NOOP`, too.
#[test]
fn a_port_is_not_used_while_a_keep_alive_is_unanswered() {
    let (mut dialogue, connection) =
        in_transfer(ready(config().keep_alive(Duration::from_secs(5))));
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n229 x (|||7000|)\r\n");
    dialogue.forget();
    dialogue.pass(5);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    dialogue.begin(retrieve());
    assert_eq!(dialogue.seconds_left(), Some(30), "for the answer");
    dialogue.pass(30);
    assert_eq!(dialogue.error_of_transfer(), TransferError::NotBegun);
    assert_eq!(dialogue.take_sent(), "");
}

#[test]
fn a_port_that_cannot_be_reached_any_more_is_asked_for_anew_once() {
    let mut dialogue = told_ahead();
    dialogue.begin(retrieve());
    let ticket = dialogue.ticket();
    dialogue.client.data_failed(dialogue.now, ticket).unwrap();
    dialogue.drive();
    dialogue.exchange("EPSV\r\n", EPSV);
    let ticket = dialogue.ticket();
    dialogue.client.data_failed(dialogue.now, ticket).unwrap();
    dialogue.drive();
    assert_eq!(dialogue.error_of_transfer(), TransferError::NotOpened);
    dialogue.assert_in_step();
}

#[test]
fn another_type_is_asked_for_while_the_port_is_owed() {
    let (mut dialogue, connection) = moving();
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    dialogue.forget();
    dialogue.begin(Transfer::list(None).unwrap());
    dialogue.exchange("TYPE A\r\n", "229 x (|||7000|)\r\n");
    assert!(dialogue.events.is_empty(), "the type is not agreed");
    dialogue.hear("200 x\r\n");
    assert_eq!(port(&mut dialogue).0, 7000);
    assert_eq!(dialogue.take_sent(), "LIST\r\nEPSV\r\n");
}

/// Holds the table of `transfers.md` against the machine.
#[test]
fn whose_a_reply_is_the_table_says() {
    let rows = TRANSFERS.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        <[&str; 3]>::try_from(cells).ok()
    });
    let rows: Vec<_> = rows.filter(|row| row[0].starts_with("both")).collect();
    assert_eq!(rows.len(), 5);
    for [owed, replies, answers] in rows {
        let (replies, has_begun) = match replies.strip_suffix(", after a 1yz") {
            Some(replies) => (replies, true),
            None => (replies, owed.contains("kept")),
        };
        for pattern in replies.split(", ") {
            let code = match pattern {
                "1yz" => "150",
                "2yz" => "226",
                "3yz" => "332",
                "4yz" => "452",
                "5yz" => "552",
                code => code,
            };
            let (mut dialogue, connection) = moving();
            if has_begun {
                dialogue.hear("150 x\r\n");
            }
            if owed.contains("kept") {
                dialogue.hear("450 x\r\n");
            }
            dialogue.receive(connection, b"12345");
            dialogue.forget();
            dialogue.hear(format!("{code} x (|||7000|)\r\n"));
            let context = format!("{owed}: {code}");
            let is_started = dialogue.event_names().iter().any(|name| name == "Started");
            let told = outcome_of(&mut dialogue);
            match answers {
                "the passive command" | "either: it is kept" => {
                    assert_eq!((is_started, told.as_str()), (false, "nothing"), "{context}");
                }
                "the passive command, and the one that is kept the transfer" => {
                    assert_eq!(told, "Failed Some(450)", "{context}");
                }
                "the transfer" | "the transfer, and the one that is kept the passive command" => {
                    let expected = match &code[..1] {
                        "1" => "nothing".into(),
                        "2" => "whole 226".into(),
                        _ => format!("Failed Some({code})"),
                    };
                    assert_eq!(told, expected, "{context}");
                    assert_eq!(is_started, !has_begun && code < "3", "{context}");
                }
                other => panic!("{other}"),
            }
            // What answered nothing yet answers in the end what is left.
            let is_kept = answers.starts_with("either") || answers.starts_with("the passive");
            if is_kept && told == "nothing" {
                dialogue.hear("226 x\r\n");
                assert_eq!(outcome_of(&mut dialogue), "whole 226", "{context}");
            }
        }
    }
}

/// What came of it, with the variant's reply but without its text.
fn told(outcome: Option<Result<Transferred, TransferError>>) -> String {
    match outcome {
        None => "nothing".into(),
        Some(Ok(whole)) => format!("whole {}", whole.reply.code()),
        Some(Err(error)) => {
            let name = format!("{error:?}");
            let name = name.split([' ', '(']).next().unwrap_or_default();
            let code = error.reply().map(|reply| reply.code().get());
            format!("{name} {code:?}")
        }
    }
}

fn outcome_of(dialogue: &mut Dialogue) -> String {
    told(dialogue.outcome())
}

/// The codes with which servers end a transfer.
const FINAL: [u16; 12] = [200, 226, 250, 332, 425, 426, 450, 451, 500, 550, 552, 553];

/// Plays one transfer, its data whole before or after the replies, and ends in step.
fn play(pipelined: bool, begins: bool, data_first: bool, replies: &[String]) -> String {
    let configuration = Config::new(known()).transfer_pipelining(pipelined);
    let (mut dialogue, connection) = in_transfer(ready(configuration));
    let mut connection = Some(connection);
    if begins {
        dialogue.hear("150 x\r\n");
    }
    dialogue.forget();
    if data_first && let Some(connection) = connection.take() {
        dialogue.receive(connection, b"12345");
    }
    dialogue.hear(replies.concat());
    if let Some(connection) = connection.take()
        && dialogue.client.transferring().is_some()
    {
        dialogue.receive(connection, b"12345");
    }
    let outcome = told(dialogue.outcome());
    assert_eq!(dialogue.end, None, "after {replies:?}");
    dialogue.assert_in_step();
    outcome
}

#[test]
fn what_comes_of_a_transfer_is_what_comes_of_it_without() {
    let answers = [229, 227, 425, 450, 500, 502, 503, 522].map(|code| match code {
        227 => "227 x (192,0,2,1,1,1)\r\n".to_owned(),
        229 => EPSV.to_owned(),
        code => format!("{code} y\r\n"),
    });
    for code in FINAL {
        let last = format!("{code} x\r\n");
        for (begins, data_first) in [(true, true), (true, false), (false, true), (false, false)] {
            let alone = play(false, begins, data_first, std::slice::from_ref(&last));
            for answer in &answers {
                let context = format!("{last:?} and {answer:?}, {begins} {data_first}");
                let in_order = [last.clone(), answer.clone()];
                let told = play(true, begins, data_first, &in_order);
                assert_eq!(told, alone, "{context}");
                // Of two negative ones nobody can tell which is whose, if both can be either's. Before a 1yz the
                // first is the transfer's.
                let is_clear = begins && matches!(code, 200..400 | 426 | 451 | 550 | 552 | 553);
                if is_clear || answer.starts_with('2') {
                    let other_order = [answer.clone(), last.clone()];
                    let told = play(true, begins, data_first, &other_order);
                    assert_eq!(told, alone, "{context}, the other order");
                }
            }
        }
    }
}

#[test]
fn a_refusal_that_comes_before_the_final_reply_is_not_the_transfers() {
    let (mut dialogue, connection) = moving();
    dialogue.hear("150 x\r\n");
    dialogue.forget();
    dialogue.hear("450 EPSV: data transfer in progress\r\n");
    assert!(dialogue.events.is_empty(), "whose it is cannot be told");
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 5);
    dialogue.forget();
    dialogue.begin(retrieve());
    assert_eq!(dialogue.take_sent(), "EPSV\r\n");
}

#[test]
fn a_refusal_is_told_at_once_and_the_port_is_used() {
    for code in [425, 450, 500, 502, 530, 550, 553] {
        let (mut dialogue, connection) = moving();
        dialogue.hear(format!("{code} x\r\n"));
        assert_eq!(outcome_of(&mut dialogue), format!("Refused Some({code})"));
        drop(connection);
        dialogue.hear("229 x (|||7000|)\r\n");
        dialogue.begin(retrieve());
        assert_eq!(port(&mut dialogue).0, 7000, "after {code}");
    }
}

/// Some servers say 226 after a failure, too.
#[test]
fn a_failure_of_a_transfer_is_told_at_once_and_not_outweighed_by_a_consent() {
    for code in [426, 451, 452, 550, 551, 552, 553] {
        let (mut dialogue, connection) = moving();
        dialogue.hear("150 x\r\n");
        dialogue.receive(connection, b"12345");
        dialogue.hear(format!("{code} x\r\n"));
        let expected = format!("Failed Some({code})");
        assert_eq!(outcome_of(&mut dialogue), expected);
        dialogue.hear("226 x\r\n");
        assert!(matches!(dialogue.error(), Error::PeerFault { .. }));
    }
}

#[test]
fn a_refusal_ends_no_transfer_that_moves_on() {
    let (mut dialogue, mut connection) = moving();
    dialogue.hear("150 x\r\n450 EPSV: data transfer in progress\r\n");
    for byte in b"12345" {
        dialogue.pass(30);
        assert_eq!(connection.received(dialogue.now, &[*byte]), 1);
    }
    assert_eq!(dialogue.end, None);
    dialogue.receive(connection, b"6");
    assert_eq!(dialogue.seconds_left(), Some(60), "for its reply");
    dialogue.pass(59);
    dialogue.hear("226 x\r\n");
    assert_eq!(outcome_of(&mut dialogue), "whole 226");
    dialogue.assert_in_step();
}

/// The transport took the first command and not yet the second.
fn half_written() -> (Dialogue, data::Connection) {
    let mut dialogue = ready(config());
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let ticket = dialogue.ticket();
    let connection = dialogue.client.data_opened(dialogue.now, ticket).unwrap();
    let is_written =
        |action| matches!(action, Ok(Action::Write { bytes, .. }) if bytes == BOTH.as_bytes());
    assert!(is_written(dialogue.client.poll()));
    dialogue.client.wrote(dialogue.now, "RETR notes\r\n".len());
    (dialogue, connection)
}

#[test]
fn a_failure_is_told_when_the_server_leaves_before_the_second_command_is_written() {
    let (mut dialogue, _connection) = half_written();
    dialogue.hear("550 x\r\n421 x\r\n");
    assert_eq!(outcome_of(&mut dialogue), "Refused Some(550)");
}

#[test]
fn a_port_that_nobody_has_asked_for_yet_is_none() {
    let (mut dialogue, connection) = half_written();
    dialogue.hear("229 x (|||6666|)\r\n");
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n229 x (|||7000|)\r\n");
    assert_eq!(outcome_of(&mut dialogue), "whole 226");
    dialogue.begin(retrieve());
    assert_eq!(port(&mut dialogue).0, 7000);
}

#[test]
fn a_failure_is_told_when_the_connection_ends_or_times_out_before_the_other_reply() {
    // In silence, with its end, with a last reply, and with one that answers nothing that is owed.
    for end in ["silence", "", "421 x\r\n", "214 x\r\n"] {
        for bytes in [&b""[..], b"12345"] {
            let (mut dialogue, connection) = moving();
            dialogue.hear("150 x\r\n");
            dialogue.receive(connection, bytes);
            dialogue.sleep(5);
            dialogue.hear("450 x\r\n");
            assert!(dialogue.outcome().is_none());
            assert_eq!(dialogue.seconds_left(), Some(30));
            match end {
                "silence" => dialogue.pass(30),
                "" => dialogue.hear_end(),
                reply => dialogue.hear(reply),
            }
            let context = format!("{end:?} {bytes:?}");
            let told = outcome_of(&mut dialogue);
            assert_eq!(told, "Failed Some(450)", "{context}");
            assert!(matches!(dialogue.end, Some(Err(_))), "{context}");
        }
    }
}

#[test]
fn what_is_given_up_after_a_failure_was_kept_is_given_up() {
    let (mut dialogue, connection) = moving();
    dialogue.hear("150 x\r\n450 x\r\n");
    drop(connection);
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "ABOR\r\n");
    assert_eq!(dialogue.seconds_left(), Some(1), "for replies to count");
    dialogue.hear_end();
    assert_eq!(outcome_of(&mut dialogue), "Aborted None");
}

#[test]
fn a_preliminary_reply_leaves_the_port_owed() {
    let (mut dialogue, connection) = moving();
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n150 x\r\n229 x (|||7000|)\r\n");
    dialogue.forget();
    dialogue.begin(retrieve());
    assert_eq!(port(&mut dialogue).0, 7000);
}

#[test]
fn a_port_is_not_used_in_another_session() {
    for is_owed in [true, false] {
        let (mut dialogue, connection) = moving();
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        if !is_owed {
            dialogue.hear(EPSV);
        }
        dialogue.client.reinitialize(dialogue.now, known()).unwrap();
        dialogue.drive();
        if is_owed {
            dialogue.hear(EPSV);
        }
        dialogue.forget();
        for reply in ["220 x\r\n", "331 x\r\n", "230 x\r\n"] {
            dialogue.hear(reply);
        }
        dialogue.forget();
        dialogue.begin(retrieve());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
    }
}

#[test]
fn a_port_that_is_never_told_ends_the_connection_and_not_the_transfer_before() {
    let (mut dialogue, connection) = moving();
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    assert!(dialogue.outcome().unwrap().is_ok());
    dialogue.begin(retrieve());
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(30);
    assert_eq!(dialogue.error_of_transfer(), TransferError::NotBegun);
    assert!(matches!(dialogue.error(), Error::TimedOut { .. }));
}

#[test]
fn a_transfer_that_is_given_up_leaves_the_connection_in_step() {
    let orders: [&[&str]; 5] = [
        &["426 x", "226 x", "229 x (|||7000|)", "225 x"],
        &["426 x", "229 x (|||7000|)", "226 x"],
        &["226 x", "229 x (|||7000|)", "226 x"],
        &["229 x (|||7000|)", "426 x", "226 x"],
        &["426 x", "450 x", "226 x"],
    ];
    for order in orders {
        for begins in [true, false] {
            let (mut dialogue, connection) = moving();
            if begins {
                dialogue.hear("150 x\r\n");
            }
            drop(connection);
            dialogue.drive();
            assert_eq!(dialogue.take_sent(), "ABOR\r\n");
            for reply in order {
                dialogue.hear(format!("{reply}\r\n"));
            }
            assert_eq!(told(dialogue.outcome()), "Aborted None", "{order:?}");
            // The port is not used: `ABOR` may have ended it.
            dialogue.begin(retrieve());
            assert_eq!(dialogue.take_sent(), "EPSV\r\n");
            dialogue.hear(EPSV);
            drop(dialogue.ticket());
            dialogue.drive();
            dialogue.assert_in_step();
        }
    }
}

#[test]
fn a_cut_is_not_told_to_be_failed_by_the_port_or_its_refusal() {
    let refusal = "450 x\r\n";
    for [before, after] in [[EPSV, ""], ["", EPSV], [refusal, ""]] {
        let (mut dialogue, connection) = moving();
        dialogue.hear("150 x\r\n");
        dialogue.break_off(connection, b"12");
        dialogue.hear(before);
        dialogue.pass(2);
        assert_eq!(dialogue.take_sent(), "ABOR\r\n");
        dialogue.hear(format!("{after}226 x\r\n226 x\r\n"));
        assert_eq!(told(dialogue.outcome()), "CutOff Some(226)");
        dialogue.assert_in_step();
    }
}

#[test]
fn a_transfer_given_up_before_its_command_leaves_the_connection_in_step() {
    // While the port is owed, and while the type is, too.
    for (transfer, sent) in [
        (retrieve(), ""),
        (Transfer::list(None).unwrap(), "TYPE A\r\n"),
    ] {
        let (mut dialogue, connection) = moving();
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        dialogue.forget();
        dialogue.begin(transfer);
        assert_eq!(dialogue.take_sent(), sent);
        dialogue.client.abort(dialogue.now).unwrap();
        dialogue.drive();
        assert!(dialogue.outcome().is_none(), "a reply is owed");
        dialogue.hear(EPSV);
        if !sent.is_empty() {
            assert!(dialogue.outcome().is_none(), "a reply is owed");
            dialogue.hear("200 x\r\n");
        }
        assert_eq!(told(dialogue.outcome()), "Aborted None");
        dialogue.assert_in_step();
    }
}

#[test]
fn quit_is_sent_behind_it() {
    let (mut dialogue, connection) = moving();
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
    assert_eq!(dialogue.seconds_left(), Some(3), "a quiet server is left");
    dialogue.hear(EPSV);
    assert!(!dialogue.is_closed());
    dialogue.hear("221 x\r\n");
    assert!(dialogue.is_closed());
}

#[test]
fn nothing_is_asked_ahead_where_it_cannot_be_used_or_told_from_other_answers() {
    let every = Duration::from_secs(30);
    for configuration in [Config::new(known()), config().transfer_keep_alive(every)] {
        let (mut dialogue, _connection) = in_transfer(ready(configuration));
        assert_eq!(dialogue.take_sent(), "RETR notes\r\n");
    }
    let mut dialogue = ready(config().data_mode(DataMode::Active));
    let id = dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    let address = "192.0.2.7:258".parse().unwrap();
    dialogue
        .client
        .listening(dialogue.now, id, address)
        .unwrap();
    dialogue.drive();
    dialogue.exchange("PORT 192,0,2,7,1,2\r\n", "200 x\r\n");
    assert_eq!(dialogue.take_sent(), "RETR notes\r\n");
}

#[test]
fn the_keep_alive_of_an_idle_connection_waits_for_it() {
    let every = Duration::from_secs(10);
    let (mut dialogue, connection) = in_transfer(ready(config().keep_alive(every)));
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    dialogue.forget();
    dialogue.pass(20);
    assert_eq!(dialogue.take_sent(), "", "a reply is owed");
    dialogue.hear(EPSV);
    dialogue.pass(10);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    assert_eq!(dialogue.client.phase(), Phase::Ready);
}
