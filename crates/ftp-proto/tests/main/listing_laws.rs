//! What holds for any listing.

use crate::listing_common::{now, show};
use ftp_proto::DateTime;
use ftp_proto::listing::{
    Entry, FactNames, Kind, Line, Modified, Parser, Precision, Reader, Reason, WriteError,
    write_facts, write_list,
};
use proptest::prelude::*;

/// Bytes that look like a listing, more or less.
fn listing() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[ -~]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![
            &b"-rw-r--r--   1 u g 5 Jan 29 03:26 a"[..],
            b"drwxr-xr-x 1 u g 12 2 4 5",
            b"type=file;size=5; a",
            b"NAME.TXT;1",
            b"   12/15   4-JUL-1999 07:32  [A,B] (RWED,RWED,RE,)",
            b"04-27-99  12:09PM  <DIR>  x",
            b"Migrated  A.B",
            b" Name VV.MM Changed",
            b"\r\n",
            b"\n",
            b"\r\r\n\0",
            b" ",
            b"99",
            b"Jan",
            b"\xe6\x9c\x88",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

fn read(pieces: &[&[u8]], limit: usize) -> Vec<String> {
    let mut reader = Reader::with_parser(Parser::new(now()).with_line_limit(limit));
    let mut lines = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(line) = reader.next(&mut piece) {
            lines.push(show(&line));
        }
        assert!(piece.is_empty());
    }
    lines.extend(reader.finish().map(|line| show(&line)));
    lines
}

proptest! {
    #[test]
    fn how_a_listing_is_cut_never_matters(
        bytes in listing(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        limit in prop_oneof![Just(1 << 14), 0_usize..100],
    ) {
        let whole = read(&[&bytes], limit);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&bytes[start..cut]);
            start = cut;
        }
        pieces.push(&bytes[start..]);
        prop_assert_eq!(read(&pieces, limit), &whole[..]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(read(&single, limit), whole);
    }

    #[test]
    fn an_entry_is_made_of_its_line(bytes in listing()) {
        let mut parser = Parser::new(now());
        for line in bytes.split(|byte| *byte == b'\n') {
            let Line::Entry(entry) = parser.line(line) else { continue };
            prop_assert!(!entry.name.is_empty());
            prop_assert!(entry.permissions.is_none_or(|bits| bits <= 0o7777));
            for value in [entry.owner, entry.group, entry.target].into_iter().flatten() {
                prop_assert!(entry.raw.windows(value.len().max(1)).any(|window| window == value)
                    || value.is_empty());
            }
        }
    }

    #[test]
    fn facts_that_are_written_are_read_again(entry in mlsx_entry()) {
        let mut line = Vec::new();
        write_facts(&mut line, &entry.borrowed(), FactNames::ALL).unwrap();
        let mut parser = Parser::new(now());
        let Line::Entry(read) = parser.line(&line) else {
            return Err(TestCaseError::fail(line.escape_ascii().to_string()));
        };
        let mut plain = read;
        (plain.facts, plain.raw) = (entry.borrowed().facts, b"");
        prop_assert_eq!(plain, entry.borrowed());
        let mut again = Vec::new();
        write_facts(&mut again, &read, FactNames::ALL).unwrap();
        prop_assert_eq!(again, line);
    }

    #[test]
    fn numbers_stand_in_columns(size in any::<u64>(), digits in 0_u32..64, day in 0_i64..1000) {
        let mut entry = Entry::new(b"a", Kind::File);
        let size = size.checked_shr(digits).unwrap_or_default();
        let time = now().plus_seconds(-day * 86_400);
        entry.size = Some(size);
        entry.modified = Some(Modified::utc(time, Precision::Second));
        let mut line = Vec::new();
        write_list(&mut line, &entry, now()).unwrap();
        let when = match day {
            0..182 => format!("{:02}:{:02}", time.hour(), time.minute()),
            _ => format!("{:>5}", time.year()),
        };
        let line = String::from_utf8(line).unwrap();
        let start = format!("-rw-r--r--   1 ftp     ftp     {size:>12} ");
        prop_assert!(line.starts_with(&start), "{}", line);
        let end = format!(" {:>2} {when} a", time.day());
        prop_assert!(line.ends_with(&end), "{}", line);
        let mut facts = Vec::new();
        write_facts(&mut facts, &entry, FactNames::SIZE | FactNames::MODIFY).unwrap();
        let expected = format!("size={size};modify={}; a", time.compact());
        prop_assert_eq!(String::from_utf8(facts).unwrap(), expected);
    }

    #[test]
    fn lines_of_list_that_are_written_are_read_again(entry in list_entry()) {
        let mut line = Vec::new();
        write_list(&mut line, &entry.borrowed(), now()).unwrap();
        let mut parser = Parser::new(now());
        let Line::Entry(read) = parser.line(&line) else {
            return Err(TestCaseError::fail(line.escape_ascii().to_string()));
        };
        let mut plain = read;
        plain.raw = b"";
        prop_assert_eq!(plain, entry.borrowed());
        let mut again = Vec::new();
        write_list(&mut again, &read, now()).unwrap();
        prop_assert_eq!(again, line);
    }
}

/// An entry with its own texts.
#[derive(Debug, Clone)]
struct Owned {
    name: Vec<u8>,
    kind: Kind,
    size: Option<u64>,
    modified: Option<Modified>,
    permissions: Option<u16>,
    owner: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    perm: Option<Vec<u8>>,
    unique: Option<Vec<u8>>,
}

impl Owned {
    fn borrowed(&self) -> Entry<'_> {
        let mut entry = Entry::new(&self.name, self.kind);
        entry.size = self.size;
        entry.modified = self.modified;
        entry.permissions = self.permissions;
        entry.owner = self.owner.as_deref();
        entry.group = self.group.as_deref();
        entry.target = self.target.as_deref();
        entry.perm = self.perm.as_deref();
        entry.unique = self.unique.as_deref();
        entry
    }
}

/// Any name that can be sent and does not stand for another directory.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "[ -~]{1,30}".prop_map(String::into_bytes),
        " {0,3}[a-z;=>-]{1,5} {0,3}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 1..30),
    ];
    name.prop_filter("can be sent", |name| {
        !matches!(&name[..], b"." | b"..")
            && !name
                .iter()
                .any(|byte| matches!(byte, b'\r' | b'\n' | 0 | b'/'))
    })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::File, Kind::Directory, Kind::Link, Kind::Other])
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    "[!-:<-~]{1,12}".prop_map(String::into_bytes)
}

fn mlsx_entry() -> impl Strategy<Value = Owned> {
    let time = (
        -62_000_000_000_i64..253_000_000_000,
        0_u32..1_000_000_000,
        any::<bool>(),
    );
    let modified = time.prop_map(|(seconds, nanosecond, has_fraction)| {
        let time = DateTime::from_unix(seconds);
        if has_fraction && nanosecond > 0 {
            Modified::utc(time.with_nanosecond(nanosecond), Precision::Fraction)
        } else {
            Modified::utc(time, Precision::Second)
        }
    });
    let texts = (
        prop::option::of(value()),
        prop::option::of(value()),
        prop::option::of(value()),
        prop::option::of("[a-z]{0,8}".prop_filter("has letters", |text| !text.is_empty())),
        prop::option::of(value()),
    );
    (
        name(),
        kind(),
        prop::option::of(any::<u64>()),
        prop::option::of(modified),
        prop::option::of(0_u16..=0o7777),
        texts,
    )
        .prop_map(|(name, kind, size, modified, permissions, texts)| {
            let (owner, group, target, perm, unique) = texts;
            Owned {
                name,
                kind,
                size,
                modified,
                permissions,
                owner,
                group,
                target: target.filter(|_| kind == Kind::Link),
                perm: perm.map(String::into_bytes),
                unique,
            }
        })
}

fn list_entry() -> impl Strategy<Value = Owned> {
    let now = now().unix();
    let modified = prop_oneof![
        (now - 180 * 86_400..now).prop_map(|seconds| {
            let time = DateTime::from_unix(seconds / 60 * 60);
            Modified::local(time, Precision::Minute)
        }),
        (-20_000_i64..19_000).prop_map(|days| {
            Modified::local(DateTime::from_unix(days * 86_400), Precision::Day)
        }),
    ];
    let person = "[a-z][a-z0-9_]{0,11}".prop_map(String::into_bytes);
    (
        name(),
        kind(),
        any::<u64>(),
        modified,
        0_u16..=0o7777,
        person.clone(),
        person,
        name(),
    )
        .prop_map(
            |(name, kind, size, modified, permissions, owner, group, target)| {
                let target = Some(target).filter(|_| kind == Kind::Link);
                Owned {
                    name,
                    kind,
                    size: Some(target.as_ref().map_or(size, |target| target.len() as u64)),
                    modified: Some(modified),
                    permissions: Some(permissions),
                    owner: Some(owner),
                    group: Some(group),
                    target,
                    perm: None,
                    unique: None,
                }
            },
        )
}

#[test]
fn a_line_beyond_the_limit_is_skipped_and_reading_goes_on() {
    let long = [&b"x".repeat(200)[..], b"\ntype=file; a\n"].concat();
    assert_eq!(read(&[&long], 100), ["(too long)", "file \"a\""]);
    let mut parser = Parser::new(now()).with_line_limit(10);
    assert_eq!(
        parser.line(b"type=file; abc"),
        Line::Skipped(Reason::TooLong)
    );
}

#[test]
fn a_path_of_thousands_of_bytes_is_read_unless_the_limit_is_lower() {
    let line = [&b"type=file; "[..], &b"x".repeat(10_000)].concat();
    assert!(matches!(Parser::new(now()).line(&line), Line::Entry(_)));
}

/// A file's name on VMS may stand alone, but only where it is known to be VMS.
#[test]
fn a_word_alone_is_half_an_entry_of_vms_only() {
    let mut parser = Parser::new(now());
    let line = parser.line(b"readme.txt");
    assert!(matches!(line, Line::Skipped(_)), "{line:?}");
    parser.line(b"Directory DISK$USER:[ANNA]");
    assert_eq!(parser.line(b"readme.txt"), Line::Continued);
}

#[test]
fn a_line_without_a_name_is_no_entry_of_any_format() {
    for line in [
        &b"/        10:23  1/02/93"[..],
        b"/  1024  10:23  1/02/93",
        b"drwxr-xr-x 2 a b 512 Jan 1 10:23 /",
        b"type=dir; ",
        b"+/,\t",
    ] {
        let mut parser = Parser::new(now());
        if let Line::Entry(entry) = parser.line(line) {
            assert!(!entry.name.is_empty(), "{}", line.escape_ascii());
        }
    }
}

#[test]
fn ends_of_lines_may_be_of_any_kind() {
    let listing =
        b"type=file; a\r\ntype=file; b\ntype=file; c\r\r\n\0type=file; d\0\r\ntype=file; e";
    let names = ["a", "b", "c", "d", "e"].map(|name| format!("file {name:?}"));
    assert_eq!(read(&[listing], 100), names);
}

#[test]
fn what_no_line_can_hold_is_refused_and_nothing_is_written() {
    let mut out = Vec::new();
    for name in [&b""[..], b"a\rb", b"a\nb", b"a\0b"] {
        let entry = Entry::new(name, Kind::File);
        assert_eq!(
            write_facts(&mut out, &entry, FactNames::ALL),
            Err(WriteError::Name)
        );
        assert_eq!(write_list(&mut out, &entry, now()), Err(WriteError::Name));
    }
    let mut entry = Entry::new(b"a/b", Kind::File);
    assert_eq!(write_list(&mut out, &entry, now()), Err(WriteError::Name));
    entry.unique = Some(b"a;b");
    assert_eq!(
        write_facts(&mut out, &entry, FactNames::ALL),
        Err(WriteError::Value)
    );
    assert_eq!(out, b"");
}

#[test]
fn a_settled_format_does_not_keep_others_out() {
    let mut parser = Parser::new(now());
    for _ in 0..5 {
        let line = parser.line(b"-rw-r--r-- 1 u g 5 Jan 29 03:26 a");
        assert!(matches!(line, Line::Entry(_)));
    }
    assert_eq!(show(&parser.line(b"type=file;size=5; a")), "file \"a\" 5");
}

#[test]
fn a_line_without_facts_is_an_entry_among_others_with_facts_only() {
    let mut parser = Parser::new(now());
    assert_eq!(show(&parser.line(b" plain")), "(unrecognized)");
    for _ in 0..3 {
        parser.line(b"type=file; a");
    }
    assert_eq!(show(&parser.line(b" plain")), "other \"plain\"");
}

#[test]
fn the_order_of_day_and_month_is_learned_from_dates_that_show_it() {
    let mut parser = Parser::new(now());
    let mut read = |line: &str| show(&parser.line(line.as_bytes()));
    assert_eq!(
        read("03-04-20  10:00    5 a"),
        "file \"a\" 5 2020-03-04T10:00:00 minute"
    );
    assert_eq!(
        read("30-04-20  10:00    5 a"),
        "file \"a\" 5 2020-04-30T10:00:00 minute"
    );
    assert_eq!(
        read("03-04-20  10:00    5 a"),
        "file \"a\" 5 2020-04-03T10:00:00 minute"
    );
}

#[test]
fn several_entries_on_a_line_come_one_by_one() {
    let listing = b"docs/         18:23  5/04/93      read.me    2,345  10:23  1/02/93 \r\n      \
        readme.txt      6        asm8  .mac     12\r\ntype=file; a";
    let expected = [
        "dir \"docs\" 1993-05-04T18:23:00 minute",
        "file \"read.me\" 2345 1993-01-02T10:23:00 minute",
        "file \"readme.txt\" 3072",
        "file \"asm8.mac\" 6144",
        "file \"a\"",
    ];
    assert_eq!(read(&[listing], 1000), expected);
    let bytes: Vec<&[u8]> = listing.chunks(1).collect();
    assert_eq!(read(&bytes, 1000), expected);
}
