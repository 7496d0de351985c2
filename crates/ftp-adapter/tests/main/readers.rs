//! Items from bytes, however these are cut.

use ftp_adapter::files::{EntryReader, ListingReader, NameReader};
use ftp_proto::DateTime;
use proptest::prelude::*;

fn now() -> DateTime {
    DateTime::date(2024, 5, 1).unwrap()
}

/// All items of these pieces, and how many lines were skipped; without the last one if it is cut.
fn read<L: ListingReader>(mut reader: L, pieces: &[&[u8]], is_whole: bool) -> (Vec<L::Item>, u64) {
    let mut items = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(item) = reader.next(&mut piece) {
            items.push(item);
        }
        assert!(piece.is_empty());
    }
    if is_whole {
        while let Some(item) = reader.finish() {
            items.push(item);
        }
    }
    (items, reader.skipped())
}

const LIST: &[u8] = b"total 3\r\n\
    drwxr-xr-x 2 a a 4096 Apr 30 18:20 .\r\n\
    drwxr-xr-x 2 a a 4096 Apr 30 18:20 ..\r\n\
    -rw-r--r-- 1 a a 5 Apr 30 18:20 one\r\n\
    what is this\r\n\
    \r\n\
    -rw-r--r-- 1 a a 5 May  2 18:20 two";

#[test]
fn a_listing_has_entries_and_lines_that_are_none() {
    let (entries, skipped) = read(EntryReader::new(now()), &[LIST], true);
    let names: Vec<_> = entries.iter().map(|entry| entry.name()).collect();
    assert_eq!(names, [b"one", b"two"]);
    assert_eq!(skipped, 1);
    // The year is the latest that fits.
    let years = entries
        .iter()
        .map(|it| it.borrow().modified.unwrap().time.year());
    assert_eq!(years.collect::<Vec<_>>(), [2024, 2023]);
    let (entries, _) = read(EntryReader::new(now()), &[LIST], false);
    assert_eq!(entries.len(), 1, "a line that is cut is no entry");
}

#[test]
fn a_listing_that_ends_amid_a_line_says_so() {
    fn is_unfinished(mut reader: impl ListingReader, pieces: &[&[u8]]) -> bool {
        for mut piece in pieces.iter().copied() {
            while reader.next(&mut piece).is_some() {}
        }
        while reader.finish().is_some() {}
        reader.is_unfinished()
    }
    let whole = [LIST, b"\r\n"].concat();
    for at in 0..=whole.len() {
        let (first, rest) = whole.split_at(at);
        for pieces in [&[first, rest][..], &[first, rest, b""]] {
            assert!(!is_unfinished(EntryReader::new(now()), pieces), "{at}");
            assert!(!is_unfinished(NameReader::default(), pieces), "{at}");
        }
        let expected = !matches!(first.last(), None | Some(b'\n'));
        assert_eq!(
            is_unfinished(EntryReader::new(now()), &[first]),
            expected,
            "{at}"
        );
        assert_eq!(
            is_unfinished(NameReader::default(), &[first, b""]),
            expected,
            "{at}"
        );
    }
}

#[test]
fn names_are_lines() {
    let bytes = b"a b\r\n.\r\n\r\n..\nc\r\xff\r\n\r\r\nlast";
    let (names, skipped) = read(NameReader::default(), &[bytes], true);
    assert_eq!(names, [&b"a b"[..], b"c\r\xff", b"last"]);
    assert_eq!(skipped, 0);
    let (names, _) = read(NameReader::default(), &[bytes], false);
    assert_eq!(names.len(), 2);
}

#[test]
fn a_name_without_end_takes_no_memory() {
    let long = vec![b'a'; 10_000];
    let pieces = [&long[..], &long, &long, b"\nb\n", &long, b"\n"];
    let (names, skipped) = read(NameReader::default(), &pieces, true);
    assert_eq!(names, [b"b".to_vec(), long]);
    assert_eq!(skipped, 1);
}

proptest! {
    #[test]
    fn how_the_bytes_are_cut_does_not_matter(cut in 0..LIST.len(), second in 0..LIST.len()) {
        let (from, to) = (cut.min(second), cut.max(second));
        let pieces = [&LIST[..from], &LIST[from..to], &LIST[to..]];
        for is_whole in [true, false] {
            let entries = |pieces| read(EntryReader::new(now()), pieces, is_whole);
            prop_assert_eq!(entries(&pieces), entries(&[LIST]));
            let names = |pieces| read(NameReader::default(), pieces, is_whole);
            prop_assert_eq!(names(&pieces), names(&[LIST]));
        }
    }
}
