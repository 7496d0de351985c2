//! Files that change while they are sent.

use super::bytes;
use super::files::Watched;
use super::session::Session;

/// A download of which the client has a part, and that has stalled.
fn stalled(files: &Watched, size: usize) -> (Session, usize) {
    files.put(0, &bytes(size));
    let mut session = Session::new(files, "RETR file");
    session.flow(size / 2);
    session.stall();
    assert_eq!(files.reading().gone_back, 1);
    let position = files.reading().position;
    (session, position)
}

#[test]
fn a_file_that_is_cut_off_while_its_client_stalls_is_not_called_whole() {
    let files = Watched::default();
    let (mut session, position) = stalled(&files, 3_000_000);
    files.put(position + 10, b"");
    assert!(session.end().is_err());
    let last = session.said.lines().last().unwrap_or_default();
    assert!(last.starts_with("451 "), "{last}");
}

#[test]
fn a_file_that_is_cut_off_while_it_flows_is_not_called_whole() {
    let files = Watched::default();
    files.put(0, &bytes(3_000_000));
    let mut session = Session::new(&files, "RETR file");
    session.flow(1_000_000);
    files.put(2_000_000, b"");
    assert!(session.end().is_err());
}

#[test]
fn a_file_of_which_other_bytes_are_read_again_is_not_called_whole() {
    let files = Watched::default();
    let (mut session, position) = stalled(&files, 3_000_000);
    let mut rest = bytes(3_000_000).split_off(position);
    rest[100] ^= 1;
    files.put(position, &rest);
    assert!(session.end().is_err());
}

#[test]
fn a_file_that_grows_while_its_client_stalls_is_sent_with_what_was_added() {
    let files = Watched::default();
    let (mut session, _) = stalled(&files, 3_000_000);
    files.put(3_000_000, b"more");
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == [&bytes(3_000_000)[..], b"more"].concat());
}
