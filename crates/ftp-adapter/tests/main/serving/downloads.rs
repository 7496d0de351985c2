//! What is read of a file, and when, while its client takes it.

use std::time::Duration;

use ftp_adapter::{FileServer, ServedFiles};
use proptest::collection::vec;
use proptest::prelude::*;

use super::files::Watched;
use super::session::Session;
use super::{QUEUE, WHOLE_PIECE, bytes};

#[derive(Debug, Clone)]
enum Step {
    Take(usize),
    Wait(u64),
    Work,
    Stall,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..700_000_usize).prop_map(Step::Take),
        2 => (0..1500_u64).prop_map(Step::Wait),
        3 => Just(Step::Work),
        1 => Just(Step::Stall),
    ];
    vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the client takes it, and whatever is given back meanwhile.
    #[test]
    fn a_client_in_bursts_gets_the_file(
        steps in steps(),
        size in 0..3_000_000_usize,
        is_text in prop::bool::weighted(0.2),
        (is_cached, is_patchy) in any::<(bool, bool)>(),
    ) {
        let files = Watched { is_cached, is_patchy, ..Watched::default() };
        let file = if is_text { b"a line\n".repeat(size / 7) } else { bytes(size) };
        files.put(0, &file);
        let mut server = FileServer::default();
        server.set_served(ServedFiles::all(files.clone()));
        let data_type = if is_text { "TYPE A" } else { "TYPE I" };
        let mut session = Session::at(server, data_type, "RETR file", false);
        for step in steps {
            match step {
                Step::Take(most) => session.take(most),
                Step::Wait(time) => session.wait(Duration::from_millis(time)),
                Step::Work => {
                    session.work();
                }
                Step::Stall => {
                    session.stall();
                    let got = if is_text { session.got.len() / 8 * 7 } else { session.got.len() };
                    let ahead = files.reading().position.saturating_sub(got);
                    prop_assert!(ahead <= QUEUE, "{ahead}");
                }
            }
            session.run_without_job();
        }
        prop_assert_eq!(session.end(), Ok(()));
        if is_text {
            prop_assert!(session.got == b"a line\r\n".repeat(size / 7));
            prop_assert_eq!(session.past, 0);
        } else {
            prop_assert!(session.got == file);
        }
    }
}

#[test]
fn pieces_grow_while_bytes_flow_and_are_small_again_after_a_stall() {
    let files = Watched::default();
    files.put(0, &bytes(8_000_000));
    let mut session = Session::new(&files, "RETR file");
    session.run();
    assert!(files.reading().largest < WHOLE_PIECE);
    session.flow(3_000_000);
    assert_eq!(files.reading().largest, WHOLE_PIECE);
    session.stall();
    assert_eq!(files.reading().gone_back, 1);
    // Nothing is read as long as nothing is taken.
    let position = files.reading().position;
    session.take(100);
    session.stall();
    assert_eq!(files.reading().position, position);
    files.reading().largest = 0;
    session.flow(QUEUE);
    let largest = files.reading().largest;
    assert!(0 < largest && largest < WHOLE_PIECE, "{largest}");
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == bytes(8_000_000));
}

#[test]
fn what_cannot_be_given_back_is_kept() {
    let files = Watched {
        is_one_way: true,
        ..Watched::default()
    };
    files.put(0, &bytes(3_000_000));
    let mut session = Session::new(&files, "RETR file");
    for _ in 0..4 {
        session.flow(500_000);
        session.stall();
    }
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == bytes(3_000_000));
}

#[test]
fn what_is_sent_of_a_large_file_goes_past_the_machine() {
    let files = Watched::default();
    files.put(0, &bytes(3_000_000));
    let mut session = Session::new(&files, "RETR file");
    assert_eq!(session.end(), Ok(()));
    assert!(session.past > 2_500_000, "{}", session.past);
}

#[test]
fn a_thread_of_its_own_gives_back_what_a_client_does_not_take() {
    let files = Watched::default();
    let file = bytes(2_000_000);
    files.put(0, &file);
    let mut session = Session::begin(files.clone(), "RETR file", true);
    let mut pump = session.files.pump().expect("a transfer");
    for most in [0, 700_000, 1000, usize::MAX] {
        let end = session.got.len().saturating_add(most);
        loop {
            let (now, clock) = (session.now, session.clock());
            let Some(data) = &mut session.data else {
                break;
            };
            while !pump.rests(data, clock).unwrap() {
                let bytes = pump.unsent().unwrap();
                if bytes.is_empty() {
                    data.finish(now);
                    break;
                }
                let count = data.write(now, bytes);
                if count == 0 {
                    break;
                }
                pump.sent(count).unwrap();
            }
            let had = session.got.len();
            session.take(end - had);
            if session.got.len() == had {
                let stalled = most < usize::MAX && files.reading().position > had + QUEUE;
                if !stalled {
                    break;
                }
                session.wait(Duration::from_secs(2));
            }
        }
        let ahead = files.reading().position - session.got.len();
        assert!(ahead <= QUEUE, "{ahead}");
    }
    assert!(files.reading().gone_back > 0);
    assert!(session.got == file);
    session
        .files
        .done(session.now, &mut session.control, pump.done(Ok(())));
    assert_eq!(session.end(), Ok(()));
}
