//! `NOOP` during transfers, by option: each answer is accounted for, and nothing is taken for the reply
//! to another command.

use std::time::Duration;

use crate::common::transfer::{ready, retrieve};
use crate::common::{Dialogue, known};
use ftp_proto::client::{Config, TransferError};
use ftp_proto::{Instant, Machine, data};

fn config() -> Config {
    // Its data is slow.
    let mut timeouts = data::Timeouts::default();
    timeouts.stall = Duration::from_secs(100_000);
    Config::new(known())
        .transfer_keep_alive(Duration::from_secs(30))
        .data_timeouts(timeouts)
}

/// A transfer that the server said it has begun.
fn moving() -> (Dialogue, data::Connection) {
    let mut dialogue = ready(config());
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    (dialogue, connection)
}

fn assert_noop(dialogue: &mut Dialogue) {
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(30);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
}

/// Nothing more is asked, and the transfer is whole.
fn assert_whole(dialogue: &mut Dialogue) {
    assert_eq!(dialogue.take_sent(), "");
    let outcome = dialogue.outcome().expect("it is not over").expect("whole");
    assert_eq!((outcome.bytes, outcome.reply.code().get()), (5, 226));
    dialogue.assert_in_step();
}

#[test]
fn silence_during_a_transfer_is_broken_again_and_again_by_option_only() {
    let (mut dialogue, connection) = moving();
    for _ in 0..3 {
        assert_noop(&mut dialogue);
    }
    drop(connection);

    let mut dialogue = Dialogue::ready();
    let _connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    assert_eq!(dialogue.seconds_left(), None);
}

#[test]
fn no_noop_is_sent_before_the_server_says_that_it_begins() {
    let mut dialogue = ready(config());
    let _connection = dialogue.retrieving();
    // It is taken to have begun.
    dialogue.pass(2);
    assert_eq!(dialogue.seconds_left(), None);
    dialogue.pass(1000);
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("150 x\r\n");
    assert_noop(&mut dialogue);
}

#[test]
fn answers_that_come_at_once_are_not_taken_for_the_end_of_the_transfer() {
    let (mut dialogue, connection) = moving();
    for _ in 0..3 {
        assert_noop(&mut dialogue);
        dialogue.hear("200 x\r\n");
        assert!(
            dialogue
                .events
                .iter()
                .all(|event| format!("{event:?}").contains("Started"))
        );
    }
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    assert_whole(&mut dialogue);
}

#[test]
fn the_next_command_waits_for_answers_that_come_after_the_transfer() {
    let (mut dialogue, connection) = moving();
    for _ in 0..3 {
        assert_noop(&mut dialogue);
    }
    dialogue.receive(connection, b"12345");
    for reply in ["226 x\r\n", "200 x\r\n", "200 x\r\n"] {
        dialogue.hear(reply);
        assert!(dialogue.outcome().is_none());
        let again = dialogue.client.transfer(dialogue.now, retrieve());
        assert!(again.is_err(), "it is not in step yet");
    }
    dialogue.hear("200 x\r\n");
    assert_whole(&mut dialogue);
}

#[test]
fn answers_that_never_come_are_waited_for_until_pwd_is_answered() {
    for late in 0..3 {
        let (mut dialogue, connection) = moving();
        for _ in 0..3 {
            assert_noop(&mut dialogue);
        }
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        dialogue.hear("200 x\r\n".repeat(late));
        assert!(dialogue.outcome().is_none());
        dialogue.pass(1);
        assert_eq!(dialogue.take_sent(), "PWD\r\n");
        // As if a second one had been on its way.
        dialogue.hear("200 x\r\n");
        assert!(dialogue.outcome().is_none());
        dialogue.hear("257 \"/\"\r\n");
        assert_whole(&mut dialogue);
    }
}

#[test]
fn a_noop_that_is_answered_twice_confirms_no_transfer() {
    let (mut dialogue, connection) = moving();
    assert_noop(&mut dialogue);
    dialogue.hear("200 x\r\n200 x\r\n");
    dialogue.receive(connection, b"12345");
    assert!(dialogue.outcome().is_none());
    dialogue.hear("226 x\r\n");
    assert_eq!(dialogue.take_sent(), "PWD\r\n");
    dialogue.hear("200 x\r\n");
    assert!(dialogue.outcome().is_none());
    dialogue.hear("257 \"/\"\r\n");
    assert_whole(&mut dialogue);
}

#[test]
fn a_cut_that_the_server_reports_among_answers_is_a_failure() {
    for answers in [0, 1, 2] {
        let (mut dialogue, connection) = moving();
        assert_noop(&mut dialogue);
        dialogue.hear("200 x\r\n".repeat(answers));
        dialogue.receive(connection, b"12345");
        dialogue.hear("426 x\r\n200 x\r\n");
        if !dialogue.take_sent().is_empty() {
            dialogue.hear("257 \"/\"\r\n");
        }
        match dialogue.error_of_transfer() {
            TransferError::Failed { bytes: 5, .. } => {}
            other => panic!("{other:?}"),
        }
        dialogue.forget();
        dialogue.send("PWD");
        dialogue.exchange("PWD\r\n", "257 \"/here\"\r\n");
        assert!(dialogue.event_names().contains(&"Reply".to_owned()));
    }
}

/// What the server said of the transfer is kept while its answers are waited for.
#[test]
fn a_cut_that_the_server_takes_for_the_end_is_reported_with_its_reply() {
    let (mut dialogue, mut connection) = moving();
    assert_noop(&mut dialogue);
    assert_eq!(connection.received(dialogue.now, b"12345"), 5);
    connection.cut_off(dialogue.now);
    dialogue.end(connection);
    dialogue.hear("226 x\r\n200 x\r\n");
    if !dialogue.take_sent().is_empty() {
        dialogue.hear("257 \"/\"\r\n");
    }
    let error = dialogue.error_of_transfer();
    assert_eq!(error.reply().map(|reply| reply.code().get()), Some(226));
    assert!(matches!(error, TransferError::CutOff { bytes: 5, .. }));
}

#[test]
fn a_200_that_is_no_answer_leaves_the_transfer_unknown() {
    let (mut dialogue, connection) = moving();
    assert_noop(&mut dialogue);
    dialogue.hear("200 x\r\n");
    dialogue.receive(connection, b"12345");
    dialogue.hear("200 That was the file.\r\n");
    // NOOPs go on until then, and put nothing off.
    dialogue.pass(60);
    assert_eq!(dialogue.error_of_transfer(), TransferError::Unknown);
}

#[test]
fn a_noop_that_is_refused_is_the_last() {
    for code in [500, 502, 503, 530] {
        let (mut dialogue, connection) = moving();
        assert_noop(&mut dialogue);
        dialogue.hear(format!("{code} x\r\n"));
        dialogue.pass(1000);
        assert_eq!(dialogue.take_sent(), "");
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        assert_whole(&mut dialogue);
    }
}

#[test]
fn at_most_1000_answers_are_owed() {
    let (mut dialogue, connection) = moving();
    for _ in 0..1000 {
        assert_noop(&mut dialogue);
    }
    dialogue.pass(1000);
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("200 x\r\n");
    assert_noop(&mut dialogue);
    dialogue.receive(connection, b"12345");
    dialogue.hear(["226 x\r\n", &"200 x\r\n".repeat(1000)].concat());
    assert_whole(&mut dialogue);
}

/// What servers answer to an `ABOR` after a `NOOP`, and how many of the three replies that is.
const ABORTED: [(&str, usize); 6] = [
    ("426 x\r\n226 x\r\n200 x\r\n", 3),
    ("426 x\r\n200 x\r\n226 x\r\n", 3),
    ("426 x\r\n226 x\r\n", 2),
    ("226 x\r\n200 x\r\n", 2),
    ("200 x\r\n", 1),
    ("", 0),
];

#[test]
fn abor_after_a_noop_is_settled_by_pwd_whatever_the_server_answers() {
    for (replies, count) in ABORTED {
        for drops in [true, false] {
            let (mut dialogue, connection) = moving();
            assert_noop(&mut dialogue);
            drop(connection);
            match drops {
                true => dialogue.drive(),
                false => {
                    dialogue.client.abort(dialogue.now).unwrap();
                    dialogue.drive();
                }
            }
            assert_eq!(dialogue.take_sent(), "ABOR\r\n");
            dialogue.hear(replies);
            if count < 3 {
                assert_eq!(dialogue.take_sent(), "");
                dialogue.pass(1);
            }
            assert!(dialogue.outcome().is_none());
            dialogue.exchange("PWD\r\n", "257 \"/\"\r\n");
            assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
            dialogue.assert_in_step();
        }
    }
}

#[test]
fn a_transfer_that_is_whole_stays_so_if_the_connection_ends_before_the_answers() {
    for ending in ["421 x\r\n", ""] {
        let (mut dialogue, connection) = moving();
        assert_noop(&mut dialogue);
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        match ending {
            "" => dialogue.hear_end(),
            reply => dialogue.hear(reply),
        }
        assert!(dialogue.outcome().expect("an outcome").is_ok());
        assert!(dialogue.end.is_some());
    }
}

#[test]
fn a_server_that_answers_nothing_after_the_transfer_loses_the_connection() {
    let (mut dialogue, connection) = moving();
    assert_noop(&mut dialogue);
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    dialogue.pass(1);
    assert_eq!(dialogue.take_sent(), "PWD\r\n");
    dialogue.pass(30);
    assert!(dialogue.outcome().expect("an outcome").is_ok());
    assert!(dialogue.end.is_some());
}

#[test]
fn quit_waits_for_the_answers() {
    let (mut dialogue, connection) = moving();
    assert_noop(&mut dialogue);
    dialogue.receive(connection, b"12345");
    dialogue.hear("226 x\r\n");
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("200 x\r\n");
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
    dialogue.hear("221 x\r\n");
    assert!(dialogue.is_closed());
}

#[test]
fn how_the_replies_are_split_changes_nothing() {
    let ends = [
        "226 x\r\n200 x\r\n200 x\r\n",
        "200 x\r\n226-x\r\n 200 y\r\n226 x\r\n200 x\r\n",
        "200 x\r\n200 x\r\n200 x\r\n226 x\r\n",
        "426 x\r\n500 x\r\n200 x\r\n",
    ];
    for end in ends {
        let outcome = |split: usize| {
            let (mut dialogue, connection) = moving();
            assert_noop(&mut dialogue);
            assert_noop(&mut dialogue);
            dialogue.receive(connection, b"12345");
            match split {
                0 => dialogue.hear_bytewise(end),
                at => {
                    dialogue.hear(&end[..at]);
                    dialogue.hear(&end[at..]);
                }
            }
            if dialogue.take_sent() == "PWD\r\n" {
                dialogue.hear("257 \"/\"\r\n");
            }
            let outcome = format!("{:?}", dialogue.outcome().expect("it is over"));
            dialogue.assert_in_step();
            outcome
        };
        let whole = outcome(end.len());
        for split in 0..end.len() {
            assert_eq!(outcome(split), whole, "{end:?} at {split}");
        }
    }
}

#[test]
fn a_driver_learns_when_a_noop_is_due_although_data_moves() {
    let (mut dialogue, _connection) = moving();
    let due = dialogue.now + Duration::from_secs(30);
    assert_eq!(dialogue.client.turn_at(), Some(due));
    dialogue.sleep(30);
    dialogue.client.timed_out(dialogue.now);
    assert_eq!(
        dialogue.client.turn_at(),
        Some(Instant::START),
        "to be written"
    );
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    assert!(dialogue.client.turn_at() > Some(dialogue.now));
}
