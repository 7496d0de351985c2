//! What becomes of the bytes of an upload.

use std::sync::Arc;
use std::time::Duration;

use ftp_files::{Files, Memory, Quota, Usage};
use ftp_proto::Machine;
use ftp_proto::listing::FactNames;
use ftp_proto::server::TransferError;

use super::files::Watched;
use super::session::Session;
use super::{bytes, path};

#[test]
fn the_last_of_an_upload_for_which_there_is_no_room_fails_it() {
    let limit = Usage {
        bytes: 10,
        files: 1,
    };
    let files = Arc::new(Quota::measure(Memory::new(), limit).unwrap());
    let mut session = Session::of(Arc::clone(&files), "STOR file");
    session.send(b"more than ten");
    session.data.as_mut().unwrap().received_eof(session.now);
    session.run();
    assert!(matches!(session.outcome, Some(Err(_))));
    let last = session.said.lines().last().unwrap_or_default();
    assert!(last.starts_with("552 "), "{last}");
    // What there was room for is kept, to go on from there.
    let kept = files.facts(&path(), FactNames::SIZE).unwrap();
    assert_eq!(kept.size, Some(10));
}

/// Then its memory is free. Here it is seen in place.
#[test]
fn what_comes_past_the_machine_is_in_the_file_in_its_place() {
    let files = Watched::default();
    let all = bytes(1_000_000);
    let mut session = Session::new(&files, "STOR file");
    let (mut sent, mut past) = (0, 0);
    while sent < all.len() {
        let rest = &all[sent..];
        let mut count = session.send_past(rest);
        past += count;
        if count == 0 {
            count = rest.len().min(20_000);
            session.send(&rest[..count]);
        }
        sent += count;
    }
    assert!(past > 500_000, "{past}");
    let now = session.now;
    session.data.as_mut().unwrap().received_eof(now);
    session.run();
    assert_eq!(session.outcome, Some(Ok(())));
    assert!(files.got() == all);
}

#[test]
fn what_came_of_an_upload_is_written_when_no_more_comes() {
    let files = Watched::default();
    files.put(0, b"old ");
    let mut session = Session::new(&files, "APPE file");
    session.send(b"and new");
    session.wait(Duration::from_millis(999));
    session.run();
    assert_eq!(files.got(), b"old ");
    session.stall();
    assert_eq!(files.got(), b"old and new");
    session.send(b", and the rest");
    session.data.as_mut().unwrap().received_eof(session.now);
    session.run();
    session.wait_until_it_looks();
    assert_eq!(session.outcome, Some(Ok(())));
    assert_eq!(files.got(), b"old and new, and the rest");
}

/// Both connections end with a process. In clear only the control connection shows that the file is not whole.
#[test]
fn an_upload_of_a_client_that_is_gone_just_after_is_not_kept() {
    for is_gone in [false, true] {
        let files = Watched::default();
        let mut session = Session::new(&files, "STOR file");
        session.send(b"part");
        session.wait(Duration::from_secs(1));
        session.run();
        session.data.as_mut().unwrap().received_eof(session.now);
        session.run();
        assert_eq!(session.outcome, None, "too early");
        if is_gone {
            session.control.received_eof(session.now);
            session.run();
            let gone = Err(TransferError::ConnectionClosed);
            assert_eq!(session.outcome, Some(gone));
            continue;
        }
        session.wait_until_it_looks();
        assert_eq!(session.outcome, Some(Ok(())));
    }
}

/// Otherwise small files would take longer.
#[test]
fn an_upload_that_took_no_time_is_kept_at_once() {
    let files = Watched::default();
    let mut session = Session::new(&files, "STOR file");
    session.send(b"all of it");
    session.data.as_mut().unwrap().received_eof(session.now);
    session.run();
    assert_eq!(session.outcome, Some(Ok(())));
}
