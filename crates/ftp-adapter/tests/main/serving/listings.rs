//! How much of a listing is read ahead.

use ftp_files::{Files, Memory};
use ftp_proto::server::{StoreMode, VirtualPath};

use super::session::Session;

#[test]
fn no_more_of_a_listing_is_read_than_one_piece_before_it_is_sent() {
    /// With the ends of lines as they are sent, one byte longer.
    const PIECE: usize = 12 * 1024 + 1200;
    let files = Memory::new();
    let name = |number| format!("file-{number:05}");
    for number in 0..10_000 {
        let path = VirtualPath::root().resolve(name(number).as_bytes());
        let file = files.store(&path, StoreMode::Replace).unwrap();
        file.commit().unwrap();
    }
    let mut session = Session::of(files, "NLST");
    for burst in [1, 5000, 30_000] {
        session.flow(burst);
        session.stall();
        let had = session.got.len();
        // Nothing more is read meanwhile.
        session.take(usize::MAX);
        let held = session.got.len() - had;
        assert!((1..=PIECE).contains(&held), "{held}");
    }
    assert_eq!(session.end(), Ok(()));
    let got = String::from_utf8(session.got).unwrap();
    assert!(got.lines().eq((0..10_000).map(name)));
}
