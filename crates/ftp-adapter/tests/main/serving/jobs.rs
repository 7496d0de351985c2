//! How often a session needs a thread that may block, and what it holds.

use ftp_adapter::FileSession;
use ftp_proto::Machine;
use proptest::prelude::*;

use super::files::Watched;
use super::session::Session;
use super::{FIRST_PIECE, WHOLE_PIECE, bytes};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_small_file_takes_one_job_down_and_two_up(size in 0..16_384_usize) {
        let files = Watched::default();
        files.put(0, &bytes(size));
        let mut session = Session::new(&files, "RETR file");
        prop_assert_eq!(session.end(), Ok(()));
        prop_assert!(session.got == bytes(size));
        prop_assert_eq!(session.jobs, 1);

        let files = Watched::default();
        let mut session = Session::new(&files, "STOR file");
        for part in bytes(size).chunks(1000) {
            session.send(part);
        }
        session.data.as_mut().unwrap().received_eof(session.now);
        session.run();
        prop_assert_eq!(session.outcome, Some(Ok(())));
        prop_assert!(files.got() == bytes(size));
        prop_assert_eq!(session.jobs, 2);
    }
}

#[test]
fn a_small_file_that_is_in_memory_needs_no_job() {
    let files = Watched {
        is_cached: true,
        ..Watched::default()
    };
    files.put(0, b"first");
    // Before that it is not known whose files they are.
    let mut session = Session::new(&files, "RETR file");
    session.end().unwrap();
    for (size, from, jobs) in [
        (0, 0, 0),
        (1000, 0, 0),
        (1000, 300, 0),
        (1000, 1000, 0),
        (FIRST_PIECE, 0, 0),
        (FIRST_PIECE + 1, 0, 1),
    ] {
        files.put(0, &bytes(size));
        (session.jobs, session.outcome) = (0, None);
        session.got.clear();
        for line in ["EPSV", &format!("REST {from}"), "RETR file"] {
            session.says(line);
        }
        session.end().unwrap();
        assert!(session.got == bytes(size)[from..], "{size} {from}");
        assert_eq!(session.jobs, jobs, "{size} {from}");
        let said = format!("150 Opening data connection ({size} bytes).\r\n226 ");
        assert!(session.said.contains(&said), "{}", session.said);
    }
}

#[test]
fn a_large_file_that_is_in_memory_needs_no_job_but_to_open_and_to_leave_it() {
    let files = Watched {
        is_cached: true,
        ..Watched::default()
    };
    files.put(0, &bytes(3_000_000));
    // The first of the session, too.
    let mut session = Session::new(&files, "RETR file");
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == bytes(3_000_000));
    assert_eq!(session.jobs, 2);
    assert!(files.reading().largest < WHOLE_PIECE);
}

/// Each session has one, and most idle.
#[test]
fn the_files_of_an_idle_session_are_small() {
    assert!(
        size_of::<FileSession>() <= 224,
        "{}",
        size_of::<FileSession>()
    );
}
