//! Transfers that are given up: `ABOR`, and getting in step with the server again.

use crate::common::transfer::{EPSV, ready, retrieve};
use crate::common::{Dialogue, known};
use ftp_proto::client::{Config, Error, TransferError};

/// What servers were seen to answer to an `ABOR` in the middle of a transfer.
const ABORTED: [&str; 7] = [
    "426 x\r\n226 x\r\n",
    "226 x\r\n225 x\r\n",
    "226 x\r\n226 x\r\n",
    "426 x\r\n451 x\r\n",
    "426 x\r\n",
    "500 x\r\n",
    "",
];

#[test]
fn a_dropped_data_connection_is_settled_whatever_the_server_answers() {
    for replies in ABORTED {
        for begun in [true, false] {
            let mut dialogue = Dialogue::ready();
            let connection = dialogue.retrieving();
            if begun {
                dialogue.hear("150 x\r\n");
            }
            drop(connection);
            dialogue.drive();
            assert_eq!(dialogue.take_sent(), "ABOR\r\n");
            dialogue.hear(replies);
            if replies.matches("\r\n").count() < 2 {
                assert!(dialogue.outcome().is_none());
                dialogue.pass(1);
                dialogue.exchange("NOOP\r\n", "200 x\r\n");
            }
            assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
            dialogue.assert_in_step();
        }
    }
}

#[test]
fn one_answer_more_to_abor_is_no_news_unless_it_comes_after_the_next_command() {
    let aborted = || {
        let mut dialogue = Dialogue::ready();
        let connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        drop(connection);
        dialogue.drive();
        assert_eq!(dialogue.take_sent(), "ABOR\r\n");
        dialogue
    };
    for replies in [
        ["426 x\r\n226 y\r\n225 z\r\n", ""],
        ["426 x\r\n226 y\r\n", "225 z\r\n"],
        ["426 x\r\n", "226 y\r\n225 z\r\n"],
    ] {
        let mut dialogue = aborted();
        for reply in replies {
            dialogue.hear(reply);
        }
        assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
        dialogue.assert_in_step();
        // One, and no more.
        dialogue.forget();
        dialogue.hear("225 z\r\n");
        assert_eq!(dialogue.event_names(), ["Unsolicited"]);
    }
    let mut dialogue = aborted();
    dialogue.hear("426 x\r\n226 y\r\n225 z\r\n225 z\r\n");
    assert!(dialogue.event_names().contains(&"Unsolicited".to_owned()));

    let mut dialogue = aborted();
    dialogue.hear("426 x\r\n226 y\r\n");
    dialogue.forget();
    dialogue.send("PWD");
    dialogue.hear("225 z\r\n");
    assert!(matches!(dialogue.error(), Error::PeerFault { .. }));
}

#[test]
fn telnet_ip_and_dm_precede_abor_by_option_and_nothing_else() {
    let mut dialogue = ready(Config::new(known()).telnet_abort(true));
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    drop(connection);
    dialogue.drive();
    assert_eq!(dialogue.take_sent_bytes(), b"\xff\xf4\xff\xf2ABOR\r\n");
    // It may be taken for a part of the command.
    dialogue.hear("426 x\r\n500 x\r\n");
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    dialogue.assert_in_step();
}

#[test]
fn replies_that_come_late_are_not_taken_for_those_of_other_commands() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    drop(connection);
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "ABOR\r\n");
    dialogue.pass(1);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    for reply in ["426 x\r\n", "226 x\r\n"] {
        dialogue.hear(reply);
        assert!(dialogue.outcome().is_none());
    }
    dialogue.hear("200 x\r\n");
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    dialogue.assert_in_step();
}

#[test]
fn a_server_that_does_not_answer_an_abort_loses_the_connection() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    drop(connection);
    dialogue.drive();
    dialogue.pass(1);
    dialogue.pass(30);
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    assert!(matches!(dialogue.error(), Error::TimedOut { .. }));
}

#[test]
fn a_transfer_that_is_dropped_before_its_command_needs_no_abort() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve());
    dialogue.client.abort(dialogue.now).unwrap();
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    dialogue.assert_in_step();

    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    drop(dialogue.ticket());
    dialogue.drive();
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    dialogue.assert_in_step();
}

/// A transfer that began has used up its `REST`.
#[test]
fn an_offset_that_may_be_left_over_is_taken_back() {
    for (offset, has_begun, next) in [
        (10, true, "RETR notes\r\n"),
        (10, false, "REST 0\r\n"),
        (0, false, "RETR notes\r\n"),
    ] {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(retrieve().offset(offset));
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
        let connection = dialogue.open();
        if offset > 0 {
            dialogue.exchange("REST 10\r\n", "350 x\r\n");
        }
        assert_eq!(dialogue.take_sent(), "RETR notes\r\n");
        if has_begun {
            dialogue.hear("150 x\r\n");
        }
        drop(connection);
        dialogue.drive();
        dialogue.exchange("ABOR\r\n", "426 x\r\n226 x\r\n");
        assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);

        dialogue.begin(retrieve());
        dialogue.exchange("EPSV\r\n", EPSV);
        let _connection = dialogue.open();
        assert_eq!(dialogue.take_sent(), next, "{offset} {has_begun}");
    }
}

#[test]
fn quit_settles_a_transfer_first() {
    let mut dialogue = Dialogue::ready();
    let _connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.quit();
    dialogue.exchange("ABOR\r\n", "426 x\r\n226 x\r\n");
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    dialogue.exchange("QUIT\r\n", "221 x\r\n");
    assert!(dialogue.is_closed());
}
