//! What is sent within a limit.

use ftp_adapter::{FileServer, ServedFiles};
use ftp_proto::Instant;

use super::bytes;
use super::files::Watched;
use super::session::Session;

#[test]
fn a_large_file_keeps_the_bandwidth() {
    const PER_SECOND: u64 = 500_000;
    let files = Watched::default();
    files.put(0, &bytes(3_000_000));
    let mut server = FileServer::default();
    server.set_served(ServedFiles::all(files));
    server.set_session_bandwidth(PER_SECOND);
    let mut session = Session::at(server, "TYPE I", "RETR file", false);
    while session.outcome.is_none() {
        let had = session.got.len();
        session.take(usize::MAX);
        if session.got.len() == had && !session.work() {
            let at = session.files.wakes_at().expect("it goes on by itself");
            session.now = Instant::from_start(at - session.began);
        }
    }
    assert_eq!(session.outcome, Some(Ok(())));
    assert!(session.got == bytes(3_000_000) && session.past > 1_000_000);
    let seconds = session.now.since_start().as_secs_f64();
    assert!((5.0..7.0).contains(&seconds), "{seconds}");
}
