//! Transfers under TLS: what the server thinks of the session of the data connection.

use std::time::Duration;

use crate::common::transfer::EPSV;
use crate::common::{Dialogue, known, tls};
use ftp_proto::client::{Config, Error, Transfer, TransferError};
use ftp_proto::{Action, Instant, Machine, Securable, data};

/// Logged in under TLS, with data protection.
fn protected() -> Dialogue {
    protected_with(Config::new(known()))
}

fn protected_with(config: Config) -> Dialogue {
    let mut dialogue = Dialogue::secured(config);
    for reply in ["200 x\r\n", "200 x\r\n", "331 x\r\n", "230 Welcome.\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.forget();
    dialogue
}

/// The handshake of a data connection.
fn shake_hands(connection: &mut data::Connection, now: Instant, resumed: bool) {
    assert!(matches!(
        connection.poll(),
        Ok(Action::Event(data::Event::StartTls))
    ));
    let mut session = tls();
    session.resumed = resumed;
    connection.tls_started(now, session);
    while let Ok(Action::Event(_)) = connection.poll() {}
}

#[test]
fn a_transfer_that_is_refused_for_its_tls_session_is_tried_once_more() {
    for code in ["425", "450", "522"] {
        let mut dialogue = protected();
        let mut connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        shake_hands(&mut connection, dialogue.now, false);
        connection.received_eof(dialogue.now);
        dialogue.end(connection);
        dialogue.hear(format!("{code} x\r\n"));
        dialogue.exchange("EPSV\r\n", EPSV);
        let mut connection = dialogue.open();
        assert_eq!(dialogue.take_sent(), "RETR notes\r\n");
        dialogue.hear("150 x\r\n");
        shake_hands(&mut connection, dialogue.now, false);
        connection.received_eof(dialogue.now);
        dialogue.end(connection);
        dialogue.hear(format!("{code} x\r\n"));
        let error = dialogue.error_of_transfer();
        assert!(error.wants_resumption(), "{error:?}");
        dialogue.assert_in_step();
    }
}

#[test]
fn a_refused_tls_session_is_not_tried_again_while_a_noop_is_unanswered() {
    let every = Duration::from_secs(1);
    let mut dialogue = protected_with(Config::new(known()).transfer_keep_alive(every));
    let mut connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    shake_hands(&mut connection, dialogue.now, false);
    dialogue.pass(1);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    connection.received_eof(dialogue.now);
    dialogue.end(connection);
    dialogue.hear("425 x\r\n");
    assert!(dialogue.outcome().is_none());
    dialogue.hear("200 x\r\n");
    assert_eq!(dialogue.take_sent(), "");
    assert!(dialogue.error_of_transfer().wants_resumption());
    dialogue.assert_in_step();
}

#[test]
fn a_transfer_of_which_something_was_moved_is_not_tried_again() {
    for resumed in [true, false] {
        let mut dialogue = protected();
        let mut connection = dialogue.retrieving();
        dialogue.hear("150 x\r\n");
        shake_hands(&mut connection, dialogue.now, resumed);
        let moved: &[u8] = if resumed { b"" } else { b"x" };
        dialogue.receive(connection, moved);
        dialogue.hear("425 x\r\n");
        let error = dialogue.error_of_transfer();
        assert!(matches!(error, TransferError::Failed { .. }), "{error:?}");
    }
}

#[test]
fn an_upload_waits_after_a_full_handshake_until_it_is_known_what_the_server_thinks_of_it() {
    let mut dialogue = protected();
    for (resumed, held) in [(false, 1), (true, 0), (false, 0)] {
        assert_eq!(upload(&mut dialogue, resumed), held);
    }
    // Longer where it took one that was resumed.
    let mut dialogue = protected();
    for (resumed, held) in [(true, 0), (false, 5), (false, 0)] {
        assert_eq!(upload(&mut dialogue, resumed), held);
    }
}

/// Uploads a byte; returns for how many seconds it was held back after the handshake.
fn upload(dialogue: &mut Dialogue, resumed: bool) -> u64 {
    dialogue.begin(Transfer::store("notes").unwrap());
    if dialogue.take_sent() == "TYPE I\r\n" {
        dialogue.hear("200 x\r\n");
        assert_eq!(dialogue.take_sent(), "EPSV\r\n");
    }
    dialogue.hear(EPSV);
    let mut connection = dialogue.open();
    dialogue.exchange("STOR notes\r\n", "150 x\r\n");
    shake_hands(&mut connection, dialogue.now, resumed);
    let mut held = 0;
    if connection.write(dialogue.now, b"x") == 0 {
        // It reads meanwhile: a refusal would end the connection.
        while let Ok(Action::Event(_)) = connection.poll() {}
        assert!(matches!(connection.poll(), Ok(Action::Read { .. })));
        dialogue.pass(1);
        held = 1;
        if connection.write(dialogue.now, b"x") == 0 {
            dialogue.pass(4);
            held = 5;
            assert_eq!(connection.write(dialogue.now, b"x"), 1);
        }
    }
    connection.finish(dialogue.now);
    connection.wrote(dialogue.now, 1);
    connection.shut_down(dialogue.now);
    dialogue.end(connection);
    dialogue.hear("226 x\r\n");
    assert!(dialogue.outcome().unwrap().is_ok());
    held
}

#[test]
fn a_server_that_refuses_a_tls_session_and_leaves_is_quoted() {
    let mut dialogue = protected();
    let mut connection = dialogue.retrieving();
    dialogue.hear("150 x\r\n");
    shake_hands(&mut connection, dialogue.now, false);
    connection.received_eof(dialogue.now);
    dialogue.end(connection);
    dialogue.hear("522 Reuse it.\r\n");
    dialogue.hear_end();
    let error = dialogue.error_of_transfer();
    assert!(error.wants_resumption(), "{error:?}");
    assert!(matches!(dialogue.error(), Error::ConnectionClosed { .. }));
}

/// It need not say why before it closes the data connection.
#[test]
fn a_server_that_closes_before_anything_was_sent_is_not_waited_for() {
    let mut dialogue = protected();
    dialogue.begin(Transfer::store("notes").unwrap());
    dialogue.exchange("TYPE I\r\n", "200 x\r\n");
    dialogue.exchange("EPSV\r\n", EPSV);
    let mut connection = dialogue.open();
    dialogue.exchange("STOR notes\r\n", "150 x\r\n");
    shake_hands(&mut connection, dialogue.now, false);
    assert_eq!(connection.write(dialogue.now, b"x"), 0);
    connection.received_eof(dialogue.now);
    assert!(matches!(connection.poll(), Err(data::Error::CutOff)));
}
