//! What happens once TLS is up: ends of all kinds, leaving TLS, bounds.

use std::time::Duration;

use crate::common::certificates::*;
use crate::common::pair::{End, Turn, settle};
use crate::common::toy::{Toy, ToyError, ToyEvent};
use ftp_proto::{Action, Instant, Machine};
use ftp_rustls::rustls::{self, InvalidMessage};
use ftp_rustls::{Error, Secured, TlsPhase, Versions};

const WHOLE: usize = usize::MAX;

fn up(versions: Versions, chunk: usize) -> [End<Toy>; 2] {
    let toy = || Toy::default().start_tls();
    let mut client = End::new(Secured::client(toy(), client_tls(versions)), chunk);
    let mut server = End::new(Secured::server(toy(), server_config(versions)), chunk);
    settle(&mut client, &mut server);
    assert_eq!(client.secured.machine().started.len(), 1);
    assert_eq!(server.secured.machine().started.len(), 1);
    [client, server]
}

/// What `from` sends now, as bytes on the wire.
fn wire(from: &mut End<Toy>) -> Vec<u8> {
    let before = from.sent.len();
    from.run();
    from.sent[before..].to_vec()
}

fn over(end: &End<Toy>) -> bool {
    matches!(end.outcome, Some(Ok(())))
}

#[test]
fn a_clean_close_is_the_end_of_input_behind_all_that_was_said() {
    for versions in BOTH {
        for chunk in [1, 5, WHOLE] {
            let [mut client, mut server] = up(versions, chunk);
            server.secured.machine_mut().say("221 Bye\r\n");
            server.secured.machine_mut().closed = true;
            settle(&mut client, &mut server);
            assert_eq!(client.secured.machine().input, b"221 Bye\r\n");
            assert_eq!(client.secured.machine().eof, 1);
            assert!(over(&server) && over(&client));
        }
    }
}

#[test]
fn the_machines_own_error_comes_behind_a_close_notify() {
    let [mut client, mut server] = up(Versions::default(), 4);
    client.secured.machine_mut().error = Some(ToyError::GaveUp);
    settle(&mut client, &mut server);
    assert!(matches!(client.error(), Error::Machine(ToyError::GaveUp)));
    assert!(over(&server), "a close_notify is a clean end");
    assert_eq!(server.secured.machine().eof, 1);
}

#[test]
fn a_transport_that_just_ends_is_the_end_of_input() {
    for versions in BOTH {
        let [mut client, mut server] = up(versions, 3);
        server.secured.machine_mut().say("221 Bye\r\n");
        client.inbox = wire(&mut server);
        client.eof = true;
        assert_eq!(client.run(), Turn::Over);
        assert_eq!(client.secured.machine().input, b"221 Bye\r\n");
        assert_eq!(client.secured.machine().eof, 1);
    }
}

#[test]
fn changed_ciphertext_ends_the_session_with_an_alert_and_loses_nothing_before_it() {
    for versions in BOTH {
        for chunk in [1, 10, WHOLE] {
            let [mut client, mut server] = up(versions, chunk);
            server.secured.machine_mut().say("230 In\r\n");
            let good = wire(&mut server);
            server.secured.machine_mut().say("200 Yes\r\n");
            let mut changed = wire(&mut server);
            *changed.last_mut().unwrap() ^= 1;
            client.inbox = [good, changed].concat();
            assert_eq!(client.run(), Turn::Over);
            assert_eq!(client.secured.machine().input, b"230 In\r\n");
            assert!(matches!(
                client.error(),
                Error::Tls {
                    during: TlsPhase::Session,
                    source: rustls::Error::DecryptError,
                    ..
                }
            ));
            server.inbox = client
                .sent
                .split_off(client.sent.len() - alert_length(versions));
            assert_eq!(server.run(), Turn::Over);
            assert!(matches!(
                server.error(),
                Error::Tls {
                    source: rustls::Error::AlertReceived(_),
                    ..
                }
            ));
        }
    }
}

/// A record with an encrypted alert of two bytes: 8 bytes nonce under TLS 1.2, one of content
/// type under 1.3, and the tag.
fn alert_length(versions: Versions) -> usize {
    match versions {
        Versions::Tls12 => 5 + 8 + 2 + 16,
        _ => 5 + 2 + 1 + 16,
    }
}

#[test]
fn events_from_before_a_tls_failure_come_before_it() {
    let [mut client, _] = up(Versions::default(), WHOLE);
    client
        .secured
        .machine_mut()
        .events
        .push_back(ToyEvent::Told("logged in"));
    let taken = client
        .secured
        .received(Instant::START, b"this is no TLS record at all");
    assert_eq!(taken, 28);
    assert_eq!(client.run(), Turn::Over);
    assert_eq!(client.events, [ToyEvent::Told("logged in")]);
    assert!(
        client.error().to_string().contains("not TLS"),
        "{}",
        client.error()
    );
}

#[test]
fn what_ended_the_machine_counts_before_what_ended_tls_behind_it() {
    let [mut client, _] = up(Versions::default(), WHOLE);
    client.secured.machine_mut().error = Some(ToyError::GaveUp);
    let _ = client
        .secured
        .received(Instant::START, b"this is no TLS record at all");
    assert_eq!(client.run(), Turn::Over);
    assert!(matches!(client.error(), Error::Machine(ToyError::GaveUp)));
}

#[test]
fn both_sides_go_on_in_clear_after_ccc_however_the_bytes_are_cut() {
    for versions in BOTH {
        for chunk in [1, 6, WHOLE] {
            let [mut client, mut server] = up(versions, chunk);
            client.secured.machine_mut().switch(ToyEvent::StopTls);
            server.secured.machine_mut().switch(ToyEvent::StopTls);
            settle(&mut client, &mut server);
            for end in [&client, &server] {
                assert_eq!(end.secured.machine().stopped, 1);
                assert!(end.events.is_empty() && end.outcome.is_none());
            }
            client.secured.machine_mut().say("NOOP\r\n");
            server.secured.machine_mut().say("200 Clear\r\n");
            settle(&mut client, &mut server);
            assert!(client.sent.ends_with(b"NOOP\r\n"));
            assert_eq!(client.secured.machine().input, b"200 Clear\r\n");
            assert_eq!(server.secured.machine().input, b"NOOP\r\n");
        }
    }
}

#[test]
fn clear_text_right_behind_the_close_notify_is_not_lost_and_not_taken_as_tls() {
    for versions in BOTH {
        for chunk in [1, 6, WHOLE] {
            let [mut client, mut server] = up(versions, chunk);
            server.secured.machine_mut().switch(ToyEvent::StopTls);
            let mut bytes = wire(&mut server);
            bytes.extend_from_slice(b"200 In clear\r\n");
            client.secured.machine_mut().switch(ToyEvent::StopTls);
            client.inbox = bytes;
            assert_eq!(client.run(), Turn::Reading);
            assert_eq!(client.secured.machine().stopped, 1);
            assert_eq!(client.secured.machine().input, b"200 In clear\r\n");
        }
    }
}

#[test]
fn tls_can_start_again_after_ccc() {
    let [mut client, mut server] = up(Versions::default(), 50);
    for event in [ToyEvent::StopTls, ToyEvent::StartTls] {
        client.secured.machine_mut().switch(event.clone());
        server.secured.machine_mut().switch(event);
        settle(&mut client, &mut server);
    }
    assert_eq!(client.secured.machine().started.len(), 2);
    assert!(client.secured.machine().started[1].resumed);
}

#[test]
fn plaintext_behind_the_consent_to_ccc_goes_to_the_machine_that_refuses_it() {
    let [mut client, mut server] = up(Versions::default(), WHOLE);
    server.secured.machine_mut().say("more");
    client.inbox = wire(&mut server);
    client.secured.machine_mut().switch(ToyEvent::StopTls);
    assert_eq!(client.run(), Turn::Over);
    assert!(
        matches!(client.error(), Error::Machine(ToyError::Injected(bytes)) if bytes == b"more")
    );
}

#[test]
fn a_peer_that_answers_ccc_with_clear_text_alone_is_refused() {
    let [mut client, _] = up(Versions::default(), 1);
    client.secured.machine_mut().switch(ToyEvent::StopTls);
    client.run();
    client
        .inbox
        .extend_from_slice(b"200 No close_notify from me\r\n");
    assert_eq!(client.run(), Turn::Over);
    assert!(matches!(
        client.error(),
        Error::Tls {
            during: TlsPhase::Close,
            source: rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType),
            ..
        }
    ));
}

#[test]
fn a_changed_record_in_place_of_the_close_notify_is_an_error() {
    for versions in BOTH {
        let [mut client, mut server] = up(versions, 8);
        client.secured.machine_mut().switch(ToyEvent::StopTls);
        client.run();
        let sent = client.sent.len();
        server.secured.machine_mut().say("200 Yes\r\n");
        let mut changed = wire(&mut server);
        *changed.last_mut().unwrap() ^= 1;
        client.inbox = changed;
        assert_eq!(client.run(), Turn::Over);
        assert!(matches!(
            client.error(),
            Error::Tls {
                during: TlsPhase::Close,
                source: rustls::Error::DecryptError,
                ..
            }
        ));
        // Behind a close_notify the peer would take an alert for clear text.
        assert_eq!(client.sent.len(), sent);
    }
}

#[test]
fn what_the_machine_does_not_take_is_kept_and_bounds_what_is_read() {
    let [mut client, mut server] = up(Versions::default(), WHOLE);
    server.secured.machine_mut().say("first");
    let first = wire(&mut server);
    server.secured.machine_mut().say("second");
    let second = wire(&mut server);

    client.secured.machine_mut().pausing = true;
    let both = [first.clone(), second].concat();
    let taken = client.secured.received(Instant::START, &both);
    assert_eq!(taken, first.len(), "one record");
    assert_eq!(client.run(), Turn::Waiting);
    assert_eq!(client.secured.received(Instant::START, &both[taken..]), 0);

    client.secured.machine_mut().pausing = false;
    client.inbox = both[taken..].to_vec();
    assert_eq!(client.run(), Turn::Reading);
    assert_eq!(client.secured.machine().input, b"firstsecond");
}

#[test]
fn a_long_write_arrives_whole() {
    let [mut client, mut server] = up(Versions::default(), 1000);
    let long: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    server.secured.machine_mut().say(&long);
    settle(&mut client, &mut server);
    assert_eq!(client.secured.machine().input, long);
    assert!(server.secured.machine().output.is_empty());
}

#[test]
fn the_machine_hears_of_its_write_when_all_ciphertext_is_sent() {
    let [mut client, _] = up(Versions::default(), WHOLE);
    let deadline = Instant::from_start(Duration::from_secs(9));
    client.secured.machine_mut().deadline = Some(deadline);
    client.secured.machine_mut().say("NOOP\r\n");
    let later = Instant::from_start(Duration::from_secs(1));
    loop {
        let Ok(Action::Write {
            bytes,
            deadline: by,
        }) = client.secured.poll()
        else {
            panic!()
        };
        assert_eq!(by, Some(deadline));
        let last = bytes.len() == 1;
        assert_eq!(client.secured.machine().output, b"NOOP\r\n");
        client.secured.wrote(later, 1);
        if last {
            break;
        }
    }
    assert!(client.secured.machine().output.is_empty());
    assert_eq!(client.secured.machine().times.last(), Some(&later));
}

#[test]
fn calls_at_the_wrong_time_change_nothing() {
    let [mut client, mut server] = up(Versions::default(), WHOLE);
    client.secured.wrote(Instant::START, 5);
    client
        .secured
        .timed_out(Instant::from_start(Duration::from_secs(1)));
    assert_eq!(client.secured.received(Instant::START, b""), 0);
    server.secured.machine_mut().say("200 Fine\r\n");
    settle(&mut client, &mut server);
    assert_eq!(client.secured.machine().input, b"200 Fine\r\n");

    client.secured.machine_mut().closed = true;
    client.run();
    client.secured.wrote(Instant::START, 5);
    client.secured.received_eof(Instant::START);
    assert_eq!(
        client.secured.received(Instant::START, b"abc"),
        3,
        "dropped: it is over"
    );
    assert_eq!(client.run(), Turn::Over);
    assert!(over(&client));
}
