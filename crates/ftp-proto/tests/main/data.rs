//! Data connections: bytes, ends and time in, bytes and how it ended out.

use std::time::Duration;

use ftp_proto::data::{Connection, DataType, Detached, Direction, Error, Event, Timeouts};
use ftp_proto::{Action, Instant, Machine, Securable, TlsSession, TlsVersion};
use ftp_testkit::laws;
use proptest::collection::vec;
use proptest::prelude::*;

const NOW: Instant = Instant::START;

fn after(seconds: u64) -> Instant {
    NOW + Duration::from_secs(seconds)
}

fn tls() -> TlsSession {
    TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_happens_the_laws_hold(choices in 0..16_u8, calls in vec(any::<(u8, u8)>(), 0..25)) {
        let mut script = vec![choices];
        script.extend(calls.iter().flat_map(|(operation, operand)| [*operation, *operand]));
        laws::data(&script);
    }

    /// No prefix of a download is whole without the end, and none of an upload.
    #[test]
    fn a_part_is_never_whole(
        bytes in vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        ends_with_close in any::<bool>(),
    ) {
        let part = &bytes[..at.index(bytes.len())];
        let mut download = Detached::new(Direction::Receive).connect(NOW);
        prop_assert_eq!(download.received(NOW, part), part.len());
        download.cut_off(NOW);
        download.received_eof(NOW);
        prop_assert_eq!(download.readable(), part);
        prop_assert_eq!(download.into_end().result(), Err(Error::CutOff));

        let mut upload = Detached::new(Direction::Send).connect(NOW);
        if ends_with_close {
            upload.end_with_close();
        }
        prop_assert_eq!(upload.write(NOW, &bytes), bytes.len());
        upload.finish(NOW);
        upload.wrote(NOW, part.len());
        upload.shut_down(NOW);
        upload.received_eof(NOW);
        prop_assert_eq!(upload.moved(), part.len() as u64);
        upload.cut_off(NOW);
        prop_assert_eq!(upload.into_end().result(), Err(Error::CutOff));
    }
}

fn is_shutdown(connection: &mut Connection) -> bool {
    matches!(connection.poll(), Ok(Action::Shutdown { .. }))
}

#[test]
fn an_upload_that_was_not_finished_is_not_whole() {
    let mut upload = Detached::new(Direction::Send).connect(NOW);
    assert_eq!(upload.write(NOW, b"abc"), 3);
    upload.wrote(NOW, 3);
    assert!(matches!(upload.poll(), Ok(Action::Event(Event::Writable))));
    assert!(matches!(upload.poll(), Ok(Action::Wait { deadline: None })));
    assert_eq!(upload.into_end().result(), Err(Error::Unfinished));
}

#[test]
fn an_upload_whose_peer_resets_after_the_shutdown_is_whole_and_not_before() {
    for is_shut_down in [false, true] {
        let mut upload = Detached::new(Direction::Send).connect(NOW);
        upload.finish(NOW);
        assert!(is_shutdown(&mut upload));
        if is_shut_down {
            upload.shut_down(NOW);
        }
        upload.cut_off(NOW);
        let wanted = if is_shut_down {
            Ok(())
        } else {
            Err(Error::CutOff)
        };
        assert_eq!(upload.into_end().result(), wanted);
    }
}

#[test]
fn an_upload_in_clear_may_end_with_the_close() {
    for bytes in [&b""[..], b"abc"] {
        let mut upload = Detached::new(Direction::Send).connect(NOW);
        upload.end_with_close();
        assert_eq!(upload.write(NOW, bytes), bytes.len());
        upload.finish(NOW);
        if !bytes.is_empty() {
            assert!(matches!(upload.poll(), Ok(Action::Write { .. })));
            upload.wrote(NOW, bytes.len());
        }
        assert!(matches!(upload.poll(), Ok(Action::Closed)));
        let end = upload.into_end();
        assert_eq!((end.result(), end.bytes()), (Ok(()), bytes.len() as u64));
    }
}

#[test]
fn an_upload_under_tls_is_shut_down_all_the_same() {
    let mut upload = Detached::new(Direction::Send).protected(true).connect(NOW);
    upload.end_with_close();
    assert!(matches!(upload.poll(), Ok(Action::Event(Event::StartTls))));
    upload.tls_started(NOW, tls());
    assert!(matches!(
        upload.poll(),
        Ok(Action::Event(Event::TlsEstablished(_)))
    ));
    upload.finish(NOW);
    assert!(is_shutdown(&mut upload));
}

#[test]
fn a_peer_that_does_not_close_is_awaited_for_a_while_whatever_it_sends() {
    let mut upload = Detached::new(Direction::Send).connect(NOW);
    upload.finish(NOW);
    upload.shut_down(after(1));
    for second in 1..3 {
        assert!(
            matches!(upload.poll(), Ok(Action::Read { deadline }) if deadline == Some(after(3)))
        );
        assert_eq!(upload.received(after(second), b"???"), 3);
    }
    assert_eq!(upload.received(after(3), b"???"), 3);
    assert!(matches!(upload.poll(), Ok(Action::Closed)));
    assert_eq!(upload.into_end().result(), Ok(()));
}

#[test]
fn a_deadline_runs_while_it_is_the_peers_turn_only() {
    let mut timeouts = Timeouts::default();
    timeouts.stall = Duration::from_secs(10);
    let mut download = Detached::new(Direction::Receive)
        .timeouts(timeouts)
        .connect(NOW);
    assert!(
        matches!(download.poll(), Ok(Action::Read { deadline }) if deadline == Some(after(10)))
    );
    assert_eq!(download.received(after(9), b"ab"), 2);
    assert!(matches!(
        download.poll(),
        Ok(Action::Event(Event::Readable))
    ));
    assert!(matches!(
        download.poll(),
        Ok(Action::Wait { deadline: None })
    ));
    download.timed_out(after(1000));
    download.consume(after(1000), 1);
    assert!(matches!(
        download.poll(),
        Ok(Action::Wait { deadline: None })
    ));
    download.consume(after(1000), 1);
    assert!(
        matches!(download.poll(), Ok(Action::Read { deadline }) if deadline == Some(after(1010)))
    );
    download.received_eof(after(1010));
    assert!(matches!(download.poll(), Err(Error::Stalled)), "too late");

    let mut upload = Detached::new(Direction::Send)
        .timeouts(timeouts)
        .connect(NOW);
    assert!(matches!(upload.poll(), Ok(Action::Wait { deadline: None })));
    upload.timed_out(after(1000));
    assert_eq!(upload.write(after(1000), b"abc"), 3);
    upload.wrote(after(1009), 1);
    assert_eq!(upload.received(after(1010), b"nobody asked"), 12);
    assert!(
        matches!(upload.poll(), Ok(Action::Write { deadline, .. }) if deadline == Some(after(1019)))
    );
    // Nobody may have tried before.
    upload.wrote(after(1019), 1);
    assert_eq!(upload.write(after(1029), b"d"), 1);
    upload.wrote(after(2000), 1);
    assert!(
        matches!(upload.poll(), Ok(Action::Write { deadline, .. }) if deadline == Some(after(2010)))
    );
    upload.wrote(after(2010), 0);
    assert!(matches!(upload.poll(), Err(Error::Stalled)), "too late");
}

#[test]
fn nothing_moves_before_tls_stands() {
    for direction in [Direction::Send, Direction::Receive] {
        let new = || Detached::new(direction).protected(true).connect(NOW);
        let mut connection = new();
        assert!(!connection.is_transparent());
        connection.write(NOW, b"abc");
        assert!(matches!(
            connection.poll(),
            Ok(Action::Event(Event::StartTls))
        ));
        assert!(
            matches!(connection.poll(), Ok(Action::Wait { deadline }) if deadline == Some(after(30)))
        );
        connection.tls_started(NOW, tls());
        assert!(matches!(
            connection.poll(),
            Ok(Action::Event(Event::TlsEstablished(_)))
        ));
        assert!(connection.tls().is_some());

        let mut silent = new();
        silent.timed_out(after(30));
        assert!(matches!(silent.poll(), Err(Error::Handshake)));

        let mut clear = new();
        assert!(matches!(clear.poll(), Ok(Action::Event(Event::StartTls))));
        assert_eq!(clear.received(NOW, b"in clear"), 8);
        clear.tls_started(NOW, tls());
        clear.received_eof(NOW);
        assert!(clear.readable().is_empty());
        assert_eq!(clear.into_end().result(), Err(Error::CutOff));
    }
}

#[test]
fn what_goes_past_the_machine_counts() {
    let mut download = Detached::new(Direction::Receive).connect(NOW);
    assert!(download.is_transparent());
    download.passed(1000);
    assert_eq!(download.moved(), 1000);
    // It is told the time later than it would have stalled without them.
    download.passed_by(after(61));
    download.passed_by(after(62));
    assert!(
        matches!(download.poll(), Ok(Action::Read { deadline }) if deadline == Some(after(121)))
    );
    download.received_eof(after(120));
    assert_eq!(download.moved(), 1000);
    assert_eq!(download.into_end().result(), Ok(()));
}

#[test]
fn what_is_going_past_the_machine_counts_when_it_is_sent() {
    let open = || {
        let mut upload = Detached::new(Direction::Send).protected(true).connect(NOW);
        while !matches!(upload.poll(), Ok(Action::Wait { .. })) {}
        upload.tls_started(NOW, tls());
        while !matches!(upload.poll(), Ok(Action::Wait { deadline: None })) {}
        upload
    };
    let mut upload = open();
    upload.passing(after(100), 500_000);
    assert!(!upload.is_flushed());
    assert!(!upload.is_direct());
    assert_eq!(upload.write(after(101), b"before they are sent"), 0);
    upload.passed(1);
    upload.passing(after(101), 1);
    upload.finish(after(101));
    assert!(matches!(upload.poll(), Ok(Action::Wait { deadline }) if deadline == Some(after(160))));
    upload.shut_down(after(101));
    upload.wrote(after(150), 200_000);
    assert_eq!(upload.moved(), 200_000);
    assert!(matches!(upload.poll(), Ok(Action::Wait { deadline }) if deadline == Some(after(210))));
    upload.wrote(after(209), 400_000);
    assert_eq!(upload.moved(), 500_000);
    assert!(matches!(upload.poll(), Ok(Action::Shutdown { .. })));
    upload.shut_down(after(209));
    assert_eq!(upload.into_end().result(), Ok(()));

    let mut stalled = open();
    stalled.passing(NOW, 500_000);
    stalled.wrote(NOW, 1);
    stalled.timed_out(after(60));
    assert!(matches!(stalled.poll(), Err(Error::Stalled)));
    assert_eq!(stalled.into_end().bytes(), 1);

    let mut download = Detached::new(Direction::Receive).connect(NOW);
    download.passing(NOW, 1000);
    assert!(matches!(download.poll(), Ok(Action::Read { .. })));
    assert!(download.is_direct());
}

#[test]
fn no_more_is_held_than_the_bound() {
    let much = [0; 100_000];
    let mut download = Detached::new(Direction::Receive).connect(NOW);
    assert_eq!(download.received(NOW, &much), 65_536);
    assert_eq!(download.received(NOW, &much), 0);
    // It makes room for as much as was consumed, once that is half of all.
    download.consume(NOW, 1);
    assert_eq!(download.received(NOW, &much), 0);
    download.consume(NOW, 32_767);
    assert_eq!(download.received(NOW, &much), 32_768);
    assert_eq!(download.readable().len(), 65_536);
    // The rest cannot come behind the end.
    download.received_eof(NOW);
    assert_eq!(download.into_end().result(), Err(Error::CutOff));
    let mut upload = Detached::new(Direction::Send).connect(NOW);
    assert_eq!(upload.write(NOW, &much), 49_152);
    assert_eq!(upload.write(NOW, &much), 0);
}

/// A CR is held back until it is known what follows; at the end nothing does.
#[test]
fn a_cr_that_is_all_there_is_is_told() {
    let mut download = Detached::new(Direction::Receive)
        .data_type(DataType::Ascii)
        .connect(NOW);
    assert_eq!(download.received(NOW, b"\r"), 1);
    assert!(matches!(download.poll(), Ok(Action::Read { .. })));
    download.received_eof(NOW);
    let told = download.poll();
    assert!(matches!(told, Ok(Action::Event(Event::Readable))));
    assert_eq!(download.readable(), b"\r");
}
