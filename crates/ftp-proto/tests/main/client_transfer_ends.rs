//! How transfers end where servers do not do what RFC 959 says, or where one end is over before the
//! other.

use std::time::Duration;

use crate::common::transfer::{EPSV, ready, retrieve};
use crate::common::{Dialogue, known, tls};
use ftp_proto::client::{
    Config, DataMode, DataProtection, Error, Event, Transfer, TransferError, TransferId,
};
use ftp_proto::data::{self, Open};
use ftp_proto::{Action, Machine, Securable};

fn is_started(event: &Event) -> bool {
    matches!(event, Event::Started { .. })
}

/// A `STOR` is sent, and the data connection stands.
fn storing(dialogue: &mut Dialogue) -> data::Connection {
    dialogue.begin(Transfer::store("notes").unwrap());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let connection = dialogue.open();
    assert_eq!(dialogue.take_sent(), "STOR notes\r\n");
    connection
}

/// So many bytes go out.
fn send(dialogue: &Dialogue, connection: &mut data::Connection, bytes: &[u8]) {
    assert_eq!(connection.write(dialogue.now, bytes), bytes.len());
    assert!(matches!(connection.poll(), Ok(Action::Write { .. })));
    connection.wrote(dialogue.now, bytes.len());
}

/// All was sent, and the server closes its side.
fn finish(dialogue: &Dialogue, connection: &mut data::Connection) {
    connection.finish(dialogue.now);
    while let Ok(Action::Event(_)) = connection.poll() {}
    assert!(matches!(connection.poll(), Ok(Action::Shutdown { .. })));
    connection.shut_down(dialogue.now);
    connection.received_eof(dialogue.now);
}

/// A `RETR` is sent, with a protected data connection that stands and has no TLS yet.
fn retrieving_under_tls() -> (Dialogue, data::Connection) {
    let config = Config::new(known()).data_protection(DataProtection::Required);
    let mut dialogue = Dialogue::secured(config);
    for _ in 0..2 {
        dialogue.hear("200 x\r\n");
    }
    dialogue.hear("230 x\r\n");
    dialogue.forget();
    let mut connection = dialogue.retrieving();
    assert!(matches!(
        connection.poll(),
        Ok(Action::Event(data::Event::StartTls))
    ));
    (dialogue, connection)
}

#[test]
fn an_upload_that_the_server_confirms_too_early_is_not_whole() {
    let mut dialogue = Dialogue::ready();
    let mut connection = storing(&mut dialogue);
    dialogue.hear("150 x\r\n");
    send(&dialogue, &mut connection, b"some");
    dialogue.hear("226 x\r\n");
    send(&dialogue, &mut connection, b"more");
    finish(&dialogue, &mut connection);
    dialogue.end(connection);
    let error = dialogue.error_of_transfer();
    assert!(
        matches!(
            error,
            TransferError::CutOff {
                bytes: 8,
                error: data::Error::CutOff,
                reply: Some(_)
            }
        ),
        "{error:?}"
    );
    dialogue.assert_in_step();
}

#[test]
fn an_upload_that_is_confirmed_before_its_connection_is_closed_is_whole() {
    let mut dialogue = Dialogue::ready();
    let mut connection = storing(&mut dialogue);
    dialogue.hear("150 x\r\n");
    send(&dialogue, &mut connection, b"text");
    connection.finish(dialogue.now);
    dialogue.hear("226 x\r\n");
    finish(&dialogue, &mut connection);
    dialogue.end(connection);
    assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 4);
}

#[test]
fn a_failure_in_the_middle_of_an_upload_is_reported_with_what_went_out() {
    // The data connection breaks afterwards, or is left as it is.
    for breaks in [true, false] {
        let mut dialogue = Dialogue::ready();
        let mut connection = storing(&mut dialogue);
        dialogue.hear("150 x\r\n");
        send(&dialogue, &mut connection, b"some");
        dialogue.hear("552 No more room.\r\n");
        assert!(dialogue.outcome().is_none());
        if breaks {
            connection.cut_off(dialogue.now);
            dialogue.end(connection);
        } else {
            dialogue.pass(1);
            assert!(dialogue.outcome().is_none());
            dialogue.pass(1);
            let late = dialogue
                .client
                .data_ended(dialogue.now, connection.into_end());
            assert!(late.is_err());
        }
        let error = dialogue.error_of_transfer();
        assert!(
            matches!(&error, TransferError::Failed { bytes: 4, reply, .. } if reply.code().get() == 552),
            "{error:?}"
        );
        dialogue.assert_in_step();
    }
}

#[test]
fn a_failure_that_is_known_is_reported_even_if_the_data_connection_is_dropped_then() {
    let mut dialogue = Dialogue::ready();
    let mut connection = storing(&mut dialogue);
    dialogue.hear("150 x\r\n");
    send(&dialogue, &mut connection, b"some");
    dialogue.hear("552 x\r\n");
    drop(connection);
    dialogue.drive();
    let error = dialogue.error_of_transfer();
    assert!(matches!(error, TransferError::Failed { bytes: 4, .. }));
    assert_eq!(dialogue.take_sent(), "");
    dialogue.assert_in_step();
}

#[test]
fn what_moved_without_a_preliminary_reply_is_not_forgotten() {
    for ended in [true, false] {
        let mut dialogue = Dialogue::ready();
        let mut connection = dialogue.retrieving();
        assert_eq!(connection.received(dialogue.now, b"some"), 4);
        if ended {
            connection.cut_off(dialogue.now);
            dialogue.end(connection);
            dialogue.hear("426 x\r\n");
        } else {
            dialogue.hear("426 x\r\n");
            connection.received_eof(dialogue.now);
            dialogue.end(connection);
        }
        let error = dialogue.error_of_transfer();
        assert!(
            matches!(error, TransferError::Failed { bytes: 4, .. }),
            "{error:?}"
        );
    }
}

/// A server that sends at once and refuses `REST` then: what came is counted.
#[test]
fn what_moved_before_the_transfer_command_is_not_forgotten() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(Transfer::retrieve("notes").unwrap().offset(10));
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let mut connection = dialogue.open();
    assert_eq!(connection.received(dialogue.now, b"some"), 4);
    dialogue.exchange("REST 10\r\n", "502 x\r\n");
    let error = dialogue.error_of_transfer();
    assert!(
        matches!(error, TransferError::Failed { bytes: 4, .. }),
        "{error:?}"
    );
}

#[test]
fn a_transfer_that_is_confirmed_at_once_has_started_all_the_same() {
    let mut dialogue = Dialogue::ready();
    let mut connection = dialogue.retrieving();
    // More than the data connection holds: the application must be told to read.
    let bytes = vec![b'x'; 200_000];
    let taken = connection.received(dialogue.now, &bytes);
    assert!(taken < bytes.len());
    dialogue.hear("226 x\r\n");
    assert!(matches!(
        dialogue.events[..],
        [Event::Started { reply: None, .. }]
    ));
    assert_eq!(
        dialogue
            .events
            .iter()
            .filter(|event| is_started(event))
            .count(),
        1
    );
}

#[test]
fn a_session_that_was_not_resumed_is_named_whenever_the_handshake_was() {
    // Before the 150, and after it; the reply before the end of the data, and after it.
    for begun in [true, false] {
        for reply_first in [true, false] {
            let (mut dialogue, mut connection) = retrieving_under_tls();
            if begun {
                dialogue.hear("150 x\r\n");
            }
            connection.tls_started(dialogue.now, tls());
            // Otherwise it is tried again.
            assert_eq!(connection.received(dialogue.now, b"x"), 1);
            if reply_first {
                dialogue.hear("522 Session reuse required.\r\n");
            }
            connection.cut_off(dialogue.now);
            dialogue.end(connection);
            if !reply_first {
                dialogue.hear("522 Session reuse required.\r\n");
            }
            let error = dialogue.error_of_transfer();
            assert!(error.wants_resumption(), "{begun} {reply_first}: {error:?}");
            dialogue.assert_in_step();
        }
    }
}

#[test]
fn a_refusal_under_tls_before_the_handshake_is_a_refusal() {
    let (mut dialogue, mut connection) = retrieving_under_tls();
    dialogue.hear("425 x\r\n");
    connection.cut_off(dialogue.now);
    dialogue.end(connection);
    let error = dialogue.error_of_transfer();
    assert!(matches!(error, TransferError::Refused { .. }), "{error:?}");
}

#[test]
fn bytes_in_clear_where_tls_must_be_are_a_cut() {
    let (mut dialogue, mut connection) = retrieving_under_tls();
    dialogue.hear("150 x\r\n");
    assert_eq!(connection.received(dialogue.now, b"in clear"), 8);
    dialogue.end(connection);
    dialogue.hear("425 x\r\n");
    let error = dialogue.error_of_transfer();
    assert!(
        matches!(error, TransferError::Failed { bytes: 0, .. }),
        "{error:?}"
    );
}

#[test]
fn the_length_of_an_upload_is_not_the_servers_to_announce() {
    let mut dialogue = Dialogue::ready();
    let mut connection = storing(&mut dialogue);
    dialogue.hear("150 Opening BINARY mode data connection for notes (99 bytes).\r\n");
    send(&dialogue, &mut connection, b"text");
    finish(&dialogue, &mut connection);
    dialogue.end(connection);
    dialogue.hear("226 x\r\n");
    assert!(dialogue.outcome().unwrap().is_ok());
}

#[test]
fn of_two_replies_after_abor_the_one_that_says_why_it_failed_is_kept() {
    let cases = [
        ("426 x\r\n226 x\r\n", Some(426)),
        ("226 x\r\n426 x\r\n", Some(426)),
        ("426 x\r\n451 x\r\n", Some(426)),
        // All of it came, says the server, and that there is no `ABOR`.
        ("226 x\r\n500 x\r\n", None),
        ("226 x\r\n502 x\r\n", None),
        ("226 x\r\n225 x\r\n", None),
    ];
    for (replies, failed_with) in cases {
        let mut dialogue = Dialogue::ready();
        let connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        dialogue.break_off(connection, b"half");
        dialogue.pass(2);
        dialogue.exchange("ABOR\r\n", replies);
        let code = match dialogue.error_of_transfer() {
            TransferError::Failed {
                reply, bytes: 4, ..
            } => Some(reply.code().get()),
            TransferError::CutOff {
                bytes: 4,
                reply: Some(reply),
                ..
            } => {
                assert_eq!(reply.code().get(), 226);
                None
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(code, failed_with, "{replies:?}");
        dialogue.assert_in_step();
    }
}

#[test]
fn what_the_server_says_late_of_a_failure_is_kept() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.break_off(connection, b"half");
    dialogue.pass(2);
    dialogue.exchange("ABOR\r\n", "");
    dialogue.pass(1);
    dialogue.exchange("NOOP\r\n", "451 x\r\n226 x\r\n200 x\r\n");
    let error = dialogue.error_of_transfer();
    assert!(
        matches!(&error, TransferError::Failed { reply, .. } if reply.code().get() == 451),
        "{error:?}"
    );
    dialogue.assert_in_step();
}

#[test]
fn a_preliminary_reply_after_abor_is_a_sign_of_life() {
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    drop(connection);
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "ABOR\r\n");
    dialogue.now = dialogue.now + Duration::from_millis(900);
    dialogue.hear("150 x\r\n");
    dialogue.now = dialogue.now + Duration::from_millis(900);
    dialogue.hear("426 x\r\n226 x\r\n");
    assert_eq!(dialogue.error_of_transfer(), TransferError::Aborted);
    assert_eq!(dialogue.take_sent(), "");
    dialogue.assert_in_step();
}

#[test]
fn what_is_known_of_a_failure_outlives_the_control_connection() {
    fn lost(dialogue: &mut Dialogue) -> TransferError {
        dialogue.hear_end();
        assert!(matches!(dialogue.error(), Error::ConnectionClosed { .. }));
        dialogue.error_of_transfer()
    }
    // The data was cut off.
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.break_off(connection, b"half");
    let error = lost(&mut dialogue);
    assert!(matches!(error, TransferError::CutOff { bytes: 4, .. }));
    // The server had said why.
    let mut dialogue = Dialogue::ready();
    let mut connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    assert_eq!(connection.received(dialogue.now, b"half"), 4);
    dialogue.hear("451 x\r\n");
    let error = lost(&mut dialogue);
    assert!(matches!(error, TransferError::Failed { bytes: 4, .. }));
    // The data connection was never made.
    let mut dialogue = ready(Config::new(known()).data_mode(DataMode::Active));
    let id = dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    listen(&mut dialogue, id, "192.0.2.7:258");
    dialogue.exchange("PORT 192,0,2,7,1,2\r\n", "200 x\r\n");
    dialogue.pass(15);
    assert_eq!(lost(&mut dialogue), TransferError::NotOpened);
    // All came, and nothing was said.
    let mut dialogue = Dialogue::ready();
    let connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    dialogue.receive(connection, b"x");
    assert_eq!(lost(&mut dialogue), TransferError::Unknown);
}

fn listen(dialogue: &mut Dialogue, id: TransferId, address: &str) {
    let address = address.parse().unwrap();
    dialogue
        .client
        .listening(dialogue.now, id, address)
        .unwrap();
    dialogue.drive();
}

#[test]
fn an_ipv4_address_in_the_form_of_ipv6_is_sent_as_ipv4() {
    let mut dialogue = ready(Config::new(known()).data_mode(DataMode::Active));
    let id = dialogue.begin(retrieve());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    listen(&mut dialogue, id, "[::ffff:192.0.2.7]:258");
    assert_eq!(dialogue.take_sent(), "PORT 192,0,2,7,1,2\r\n");
}

#[test]
fn a_listing_needs_neither_rest_nor_type_to_be_taken() {
    let mut dialogue = Dialogue::ready();
    dialogue.begin(retrieve().offset(10));
    dialogue.exchange("TYPE I\r\n", "250 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let _connection = dialogue.open();
    dialogue.exchange("REST 10\r\n", "350 x\r\n");
    dialogue.exchange("RETR notes\r\n", "550 x\r\n");
    dialogue.begin(Transfer::list(None).unwrap());
    dialogue.exchange("TYPE A\r\n", "250 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    dialogue.forget();
    // The ticket was dropped with what came out: that gives it up.
    dialogue.drive();
    dialogue.begin(Transfer::list(None).unwrap());
    dialogue.exchange("EPSV\r\n", EPSV);
    let connection = dialogue.open();
    dialogue.exchange("REST 0\r\n", "500 x\r\n");
    dialogue.exchange("LIST\r\n", "125 x\r\n");
    dialogue.forget();
    dialogue.receive(connection, b"a\r\n");
    dialogue.hear("226 x\r\n");
    assert_eq!(dialogue.outcome().unwrap().unwrap().bytes, 3);
    dialogue.assert_in_step();
}

/// How often an idle connection is found to be closed.
#[test]
fn a_transfer_whose_command_was_not_sent_did_not_begin() {
    let replies = ["200 x\r\n", "229 (|||6446|)\r\n", "350 x\r\n"];
    for ending in ["", "421 x\r\n", "timer"] {
        for answered in 0..=replies.len() {
            let mut dialogue = Dialogue::ready();
            dialogue.begin(retrieve().offset(7));
            let mut connection = None;
            for reply in &replies[..answered] {
                dialogue.hear(*reply);
                if reply.starts_with("229") {
                    connection = Some(dialogue.open());
                }
            }
            let is_sent = dialogue.take_sent().ends_with("RETR notes\r\n");
            assert_eq!(is_sent, answered == replies.len());
            match ending {
                "timer" if is_sent => continue,
                "timer" => dialogue.pass(60),
                "" => dialogue.hear_end(),
                reply => dialogue.hear(reply),
            }
            let error = dialogue.error_of_transfer();
            match (is_sent, ending) {
                (false, _) => assert_eq!(error, TransferError::NotBegun),
                (true, "421 x\r\n") => assert!(matches!(error, TransferError::Refused { .. })),
                (true, _) => assert_eq!(error, TransferError::Unknown),
            }
            drop(connection);
        }
    }
}

#[test]
fn epsv_may_be_refused_in_many_ways() {
    for reply in ["500", "501", "502", "522", "425", "421-x\r\n421", "550"] {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(retrieve());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", &format!("{reply} x\r\n"));
        if reply.starts_with("421") {
            assert!(matches!(dialogue.error(), Error::ServiceUnavailable { .. }));
            assert_eq!(dialogue.error_of_transfer(), TransferError::NotBegun);
            continue;
        }
        dialogue.exchange("PASV\r\n", "227 (10,0,0,1,25,46)\r\n");
        assert_eq!(dialogue.ticket().open(), Open::ConnectToPeer { port: 6446 });
    }
    for reply in ["425", "500", "550"] {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(retrieve());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", "500 x\r\n");
        dialogue.exchange("PASV\r\n", &format!("{reply} x\r\n"));
        let error = dialogue.error_of_transfer();
        assert!(matches!(error, TransferError::Refused { .. }), "{error:?}");
        dialogue.assert_in_step();
    }
}

#[test]
fn the_name_of_a_unique_file_is_in_what_began_the_transfer() {
    for code in [125, 150] {
        let mut dialogue = Dialogue::ready();
        dialogue.begin(Transfer::store_unique().unwrap());
        dialogue.exchange("TYPE I\r\n", "200 x\r\n");
        dialogue.exchange("EPSV\r\n", EPSV);
        let mut connection = dialogue.open();
        dialogue.exchange("STOU\r\n", &format!("{code} FILE: notes.1\r\n"));
        let name = match &dialogue.events[..] {
            [
                Event::Started {
                    reply: Some(reply), ..
                },
            ] => ftp_proto::wire::parse_store_unique_name(reply.borrow()),
            other => panic!("{other:?}"),
        };
        assert_eq!(name.as_deref(), Some(&b"notes.1"[..]));
        finish(&dialogue, &mut connection);
        dialogue.end(connection);
        dialogue.hear("250 x\r\n");
        assert!(dialogue.outcome().unwrap().is_ok());
    }
}
