//! Transfers: the dialogue and the two ends. Bytes in, bytes and events out.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::transfer::{EPSV, ready, retrieve};
use crate::common::{Dialogue, known};
use ftp_proto::client::{
    Config, DataMode, Error, Event, Misuse, PassiveCommand, Timeout, Transfer, TransferError,
};
use ftp_proto::data::{DataType, Open};
use ftp_proto::wire::{Command, Verb};
use ftp_proto::{Action, Lenience, Machine};

#[test]
fn a_download_is_whole_when_the_data_ended_and_the_server_confirmed_it() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 Opening BINARY mode data connection for notes (9 bytes).\r\n");
    assert!(matches!(
        &dialogue.events[..],
        [Event::Started {
            announced: Some(9),
            reply: Some(_),
            ..
        }]
    ));
    dialogue.receive(connection, b"all of it");
    assert!(dialogue.outcome().is_none());
    dialogue.hear("226 Done.\r\n");
    let transferred = dialogue.outcome().unwrap().unwrap();
    assert_eq!(transferred.bytes, 9);
    assert_eq!(transferred.reply.text(), b"Done.");
    dialogue.assert_in_step();
}

#[test]
fn the_two_ends_may_come_in_any_order_and_the_server_may_say_little_or_much() {
    for before in ["", "150 x\r\n", "150 x\r\n150 y\r\n", "125-x\r\n125 y\r\n"] {
        for last in ["226 x\r\n", "250 x\r\n", "200 x\r\n"] {
            for reply_first in [false, true] {
                let mut dialogue = Dialogue::ready();
                let connection = dialogue.retrieving();
                dialogue.hear(before);
                if reply_first {
                    dialogue.hear(last);
                    dialogue.receive(connection, b"x");
                } else {
                    dialogue.receive(connection, b"x");
                    dialogue.hear(last);
                }
                let outcome = dialogue.outcome().expect("it is over");
                assert_eq!(outcome.unwrap().bytes, 1, "{before:?} {last:?}");
                dialogue.assert_in_step();
            }
        }
    }
}

#[test]
fn an_upload_is_whole_when_all_was_sent_and_the_server_confirmed_it() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(Transfer::store("notes").unwrap());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let mut connection = dialogue.open();
    dialogue.exchange("STOR notes\r\n", "150 x\r\n");
    let now = dialogue.now;
    assert_eq!(connection.write(now, b"text"), 4);
    connection.finish(now);
    assert!(matches!(connection.poll(), Ok(Action::Write { .. })));
    connection.wrote(now, 4);
    assert!(matches!(connection.poll(), Ok(Action::Shutdown { .. })));
    connection.shut_down(now);
    connection.received_eof(now);
    assert!(matches!(connection.poll(), Ok(Action::Closed)));
    dialogue.end(connection);
    dialogue.hear("226 x\r\n");
    assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 4);
}

#[test]
fn an_upload_that_was_not_finished_is_given_up() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(Transfer::store("notes").unwrap());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let connection = dialogue.open();
    dialogue.exchange("STOR notes\r\n", "150 x\r\n");
    dialogue.end(connection);
    dialogue.exchange("ABOR\r\n", "426 x\r\n226 x\r\n");
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    dialogue.assert_in_step();
}

#[test]
fn the_type_is_sent_only_when_it_changes() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.receive(connection, b"");
    dialogue.hear("226 x\r\n");
    dialogue.begin(retrieve());
    assert_eq!(dialogue.take_sent(), "EPSV\r\n");
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve().data_type(DataType::Ascii));
    assert_eq!(dialogue.take_sent(), "TYPE A\r\n");
    // What the application says of the type is not known to be taken.
    let mut dialogue = Dialogue::ready();
    let _connection = dialogue.retrieving();
    dialogue.exchange("", "550 x\r\n");
    dialogue.send("TYPE L 8");
    dialogue.exchange("TYPE L 8\r\n", "200 x\r\n");
    dialogue.begin(retrieve());
    assert_eq!(dialogue.take_sent(), "TYPE I\r\n");
}

#[test]
fn a_type_that_the_application_set_is_known_once_the_server_agreed() {
    let mut dialogue = Dialogue::ready();
    assert_eq!(dialogue.client.data_type(), None);
    for (command, reply, known) in [
        ("TYPE I", "200 x\r\n", Some(DataType::Image)),
        ("TYPE A", "200 x\r\n", Some(DataType::Ascii)),
        ("TYPE A N", "200 x\r\n", None),
        ("TYPE I", "504 x\r\n", None),
    ] {
        dialogue.send(command);
        assert_eq!(dialogue.client.data_type(), None, "{command}");
        dialogue.hear(reply);
        assert_eq!(dialogue.client.data_type(), known, "{command}");
    }
    // The last of several counts, and none before it is answered.
    dialogue.send("TYPE I");
    dialogue.send("TYPE A");
    dialogue.hear("200 x\r\n");
    assert_eq!(dialogue.client.data_type(), None);
    dialogue.hear("200 x\r\n");
    assert_eq!(dialogue.client.data_type(), Some(DataType::Ascii));
    dialogue.send("TYPE I");
    dialogue.hear("200 x\r\n");
    dialogue.forget();
    dialogue.begin(retrieve());
    assert_eq!(dialogue.take_sent(), "EPSV\r\n");
}

#[test]
fn an_empty_path_is_none() {
    assert!(Transfer::retrieve("").is_err());
    assert!(Transfer::list(Some(b"")).is_err());
    assert!(Transfer::list(None).is_ok());
    assert!(Command::with_path(Verb::Dele, "").is_err());
    assert!(Command::with_path(Verb::Dele, " ").is_ok());
}

#[test]
fn a_listing_is_ascii_and_goes_on_where_that_is_refused() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(Transfer::list(None).unwrap());
    dialogue.exchange("TYPE A\r\n", "504 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let mut connection = dialogue.open();
    dialogue.exchange("LIST\r\n", "150 x\r\n");
    assert_eq!(connection.received(dialogue.now, b"a\r\nb\r\n"), 6);
    assert_eq!(connection.readable(), b"a\nb\n");
    // A file is not moved as something else than was asked for.
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "504 x\r\n");
    assert!(matches!(
        dialogue.error_of_transfer(),
        TransferError::Refused { .. }
    ));
}

#[test]
fn pasv_follows_epsv_once_and_what_worked_is_remembered() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", "500 x\r\n");
    dialogue.exchange("PASV\r\n", "227 x (10,0,0,1,25,46)\r\n");
    let ticket = dialogue.ticket();
    assert_eq!(ticket.open(), Open::ConnectToPeer { port: 6446 });
    let connection = dialogue.client.data_opened(dialogue.now, ticket).unwrap();
    dialogue.drive();
    dialogue.exchange("RETR notes\r\n", "150 x\r\n");
    dialogue.receive(connection, b"");
    dialogue.hear("226 x\r\n");
    let transferred = dialogue.outcome().unwrap().unwrap();
    let said = transferred.passive_address.unwrap();
    assert_eq!(said.to_string(), "10.0.0.1:6446");
    dialogue.begin(retrieve());
    dialogue.exchange("PASV\r\n", "500 x\r\n");
    assert_eq!(dialogue.take_sent(), "");
    assert!(matches!(
        dialogue.error_of_transfer(),
        TransferError::Refused { .. }
    ));
}

#[test]
fn pasv_is_tried_when_the_port_of_epsv_cannot_be_reached() {
    for in_time in [true, false] {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(retrieve());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
        let first = dialogue.ticket();
        if in_time {
            dialogue.client.data_failed(dialogue.now, first).unwrap();
            dialogue.drive();
        } else {
            dialogue.pass(15);
            let late = dialogue.client.data_opened(dialogue.now, first);
            assert_eq!(late.unwrap_err(), Misuse::WrongTicket);
        }
        dialogue.exchange("PASV\r\n", "229 x (|||7000|)\r\n");
        let second = dialogue.ticket();
        assert_eq!(second.open(), Open::ConnectToPeer { port: 7000 });
        dialogue.client.data_failed(dialogue.now, second).unwrap();
        dialogue.drive();
        assert_eq!(dialogue.error_of_transfer(), TransferError::NotOpened);
        dialogue.assert_in_step();
    }
}

#[test]
fn the_address_of_227_is_believed_only_by_option() {
    let mut lenience = Lenience::default();
    lenience.passive_address = true;
    let config = Config::new(known())
        .data_mode(DataMode::Passive(PassiveCommand::Pasv))
        .lenience(lenience);
    let mut dialogue = ready(config);
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("PASV\r\n", "227 =10,0,0,1,25,46\r\n");
    let address: SocketAddr = "10.0.0.1:6446".parse().unwrap();
    assert_eq!(dialogue.ticket().open(), Open::Connect(address));
}

#[test]
fn a_reply_without_an_address_is_an_error_of_the_transfer() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", "229 x (|||0|)\r\n");
    dialogue.exchange("PASV\r\n", "227 x (1,2,3,4,256,1)\r\n");
    assert!(matches!(
        dialogue.error_of_transfer(),
        TransferError::UnusableReply { .. }
    ));
    dialogue.assert_in_step();
}

#[test]
fn the_server_connects_where_the_application_listens() {
    for (address, command) in [
        ("192.0.2.7:258", "PORT 192,0,2,7,1,2\r\n"),
        ("[2001:db8::7]:258", "EPRT |2|2001:db8::7|258|\r\n"),
    ] {
        let mut dialogue = ready(Config::new(known()).data_mode(DataMode::Active));
        let id = dialogue.begin(retrieve());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        assert!(matches!(dialogue.events[..], [Event::Listen(asked)] if asked == id));
        let address = address.parse().unwrap();
        dialogue
            .client
            .listening(dialogue.now, id, address)
            .unwrap();
        dialogue.drive();
        dialogue.exchange(command, "200 x\r\n");
        let ticket = dialogue.ticket();
        assert_eq!(ticket.open(), Open::Accept);
        // The server connects when it has the command.
        dialogue.exchange("RETR notes\r\n", "150 x\r\n");
        let connection = dialogue.client.data_opened(dialogue.now, ticket).unwrap();
        dialogue.receive(connection, b"x");
        dialogue.hear("226 x\r\n");
        assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 1);
        dialogue.assert_in_step();
    }
}

#[test]
fn rest_stands_directly_before_its_command_and_is_not_left_for_another() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve().offset(10));
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let _connection = dialogue.open();
    dialogue.exchange("REST 10\r\n", "350 x\r\n");
    dialogue.exchange("RETR notes\r\n", "550 x\r\n");
    assert!(dialogue.outcome().unwrap().is_err());
    dialogue.begin(retrieve());
    dialogue.exchange("EPSV\r\n", EPSV);
    let connection = dialogue.open();
    dialogue.exchange("REST 0\r\n", "350 x\r\n");
    dialogue.exchange("RETR notes\r\n", "150 x\r\n");
    dialogue.receive(connection, b"");
    dialogue.hear("226 x\r\n");
    dialogue.begin(retrieve());
    dialogue.exchange("EPSV\r\n", EPSV);
    let _connection = dialogue.open();
    assert_eq!(dialogue.take_sent(), "RETR notes\r\n");
}

#[test]
fn a_refusal_before_the_start_and_a_failure_after_it_are_told_apart() {
    for code in ["450", "550", "425"] {
        let mut dialogue = Dialogue::ready();
        let connection = dialogue.retrieving();
        dialogue.hear(format!("{code} x\r\n"));
        let error = dialogue.error_of_transfer();
        assert!(matches!(error, TransferError::Refused { .. }), "{error:?}");
        dialogue.assert_in_step();
        let late = dialogue
            .client
            .data_ended(dialogue.now, connection.into_end());
        assert_eq!(late, Err(Misuse::NotTransferring));

        let mut dialogue = Dialogue::ready();
        let connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        dialogue.receive(connection, b"some");
        dialogue.hear(format!("{code} x\r\n"));
        let error = dialogue.error_of_transfer();
        assert!(
            matches!(error, TransferError::Failed { bytes: 4, .. }),
            "{error:?}"
        );
        dialogue.assert_in_step();
    }
}

#[test]
fn what_is_cut_is_never_whole_whatever_the_server_says() {
    for (reply, is_cut_off) in [("226 x\r\n", true), ("426 x\r\n", false)] {
        let mut dialogue = Dialogue::ready();
        let connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        dialogue.break_off(connection, b"half");
        dialogue.hear(reply);
        let error = dialogue.error_of_transfer();
        match is_cut_off {
            true => assert!(matches!(error, TransferError::CutOff { bytes: 4, .. })),
            false => assert!(matches!(error, TransferError::Failed { bytes: 4, .. })),
        }
        dialogue.assert_in_step();
    }
}

#[test]
fn a_server_that_says_nothing_of_a_cut_is_asked() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.break_off(connection, b"half");
    assert_eq!(dialogue.take_sent(), "");
    dialogue.pass(2);
    dialogue.exchange("ABOR\r\n", "426 x\r\n226 x\r\n");
    let error = dialogue.error_of_transfer();
    assert!(
        matches!(error, TransferError::Failed { bytes: 4, .. }),
        "{error:?}"
    );
    dialogue.assert_in_step();
}

#[test]
fn a_length_that_differs_is_an_error_of_its_own() {
    let announcing = "150 Opening BINARY mode data connection for notes (9 bytes).\r\n";
    let cases = [
        (retrieve(), announcing, 8, Some(9)),
        (retrieve(), announcing, 9, None),
        (retrieve(), announcing, 10, Some(9)),
        (retrieve().size(Some(12)), "150 x\r\n", 11, Some(12)),
        (retrieve().size(Some(12)), "150 x\r\n", 12, None),
    ];
    for (transfer, reply, bytes, expected) in cases {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(transfer);
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
        let connection = dialogue.open();
        dialogue.hear(reply);
        dialogue.receive(connection, &[b'x'; 12][..bytes]);
        dialogue.hear("226 x\r\n");
        let found = match dialogue.outcome().unwrap() {
            Ok(_) => None,
            Err(TransferError::LengthDiffers { expected, .. }) => Some(expected),
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn with_an_offset_the_announced_length_may_be_that_of_the_file_or_of_the_rest() {
    for (announced, is_whole) in [(5, true), (15, true), (10, false)] {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(retrieve().offset(10).size(Some(15)));
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
        let connection = dialogue.open();
        dialogue.hear("350 x\r\n");
        dialogue.hear(format!(
            "150 Opening connection for notes ({announced} bytes)\r\n"
        ));
        dialogue.receive(connection, b"12345");
        dialogue.hear("226 x\r\n");
        assert_eq!(dialogue.outcome().unwrap().is_ok(), is_whole, "{announced}");
    }
}

#[test]
fn without_a_final_reply_the_outcome_is_unknown() {
    // Nothing comes.
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.receive(connection, b"x");
    dialogue.pass(59);
    assert!(dialogue.outcome().is_none());
    dialogue.pass(1);
    assert_eq!(dialogue.error_of_transfer(), TransferError::Unknown);
    assert!(matches!(
        dialogue.error(),
        Error::TimedOut {
            what: Timeout::Reply,
            ..
        }
    ));
    // The connection ends, or is ended.
    for end in ["", "421 x\r\n"] {
        let mut dialogue = Dialogue::ready();
        let _connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        match end {
            "" => dialogue.hear_end(),
            reply => dialogue.hear(reply),
        }
        assert_eq!(dialogue.error_of_transfer(), TransferError::Unknown);
        assert!(matches!(
            dialogue.error(),
            Error::ConnectionClosed { .. } | Error::ServiceUnavailable { .. }
        ));
    }
}

#[test]
fn the_deadline_of_replies_does_not_run_while_data_moves() {
    let mut dialogue = Dialogue::ready();
    let mut connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    for _ in 0..1000 {
        dialogue.pass(50);
        assert_eq!(connection.received(dialogue.now, b"x"), 1);
    }
    assert_eq!(dialogue.deadline, None);
    dialogue.receive(connection, b"x");
    dialogue.hear("226 x\r\n");
    assert!(dialogue.outcome().unwrap().is_ok());
}

#[test]
fn a_server_that_does_not_say_that_it_begins_is_taken_to_have_begun() {
    let mut dialogue = Dialogue::ready();
    let mut connection = dialogue.retrieving();
    dialogue.pass(1);
    assert!(dialogue.events.is_empty());
    dialogue.pass(1);
    assert!(matches!(
        &dialogue.events[..],
        [Event::Started { reply: None, .. }]
    ));
    dialogue.pass(50);
    assert_eq!(connection.received(dialogue.now, b"x"), 1);
    dialogue.pass(50);
    dialogue.receive(connection, b"y");
    dialogue.hear("226 x\r\n");
    assert!(dialogue.outcome().unwrap().is_ok());
}

#[test]
fn nothing_else_is_sent_during_a_transfer() {
    let mut dialogue = Dialogue::ready();
    let _connection = dialogue.retrieving();
    let now = dialogue.now;
    let command = Command::from_line("NOOP").unwrap();
    assert_eq!(
        dialogue.client.send(now, command),
        Err(Misuse::Transferring)
    );
    let second = dialogue.client.transfer(now, retrieve());
    assert_eq!(second, Err(Misuse::Transferring));
    let mut dialogue = ready(Config::new(known()).keep_alive(Duration::from_secs(60)));
    let _connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.pass(1000);
    assert_eq!(dialogue.take_sent(), "");
}

#[test]
fn a_ticket_fits_no_other_connection() {
    let (mut one, mut other) = (Dialogue::ready(), Dialogue::ready());
    for dialogue in [&mut one, &mut other] {
        dialogue.begin(retrieve());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
    }
    let ticket = one.ticket();
    let result = other.client.data_opened(other.now, ticket);
    assert_eq!(result.unwrap_err(), Misuse::WrongTicket);
}
