//! Listings as bytes.

use std::io::{self, Read};

use ftp_files::{Entries, Facts, Files, Listing, Memory, Opened, WriteFile, error_kind};
use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, Kind, Line, Parser};
use ftp_proto::server::FileError::{self, Busy, NotFound, NotSupported};
use ftp_proto::server::{ListKind, Rights, StoreMode, VirtualPath};
use proptest::collection::btree_set;
use proptest::prelude::*;

use crate::common::*;

fn lines(files: &impl Files, name: &str, kind: ListKind) -> Result<Vec<String>, FileError> {
    let mut text = String::new();
    let mut listing = Listing::open(files, &path(name), kind, Rights::ALL)?;
    listing
        .read_to_string(&mut text)
        .expect("no error on the way");
    Ok(text.split_terminator('\n').map(str::to_owned).collect())
}

fn some_files() -> Memory {
    let files = Memory::new();
    files.make_directory(&path("d")).unwrap();
    store(&files, "a file", StoreMode::New, "12345").unwrap();
    let time = DateTime::parse(b"19990203040506").unwrap();
    for name in ["a file", "d"] {
        files.set_modified(&path(name), time).unwrap();
    }
    files
}

#[test]
fn each_kind_of_listing() {
    let files = some_files();
    assert_eq!(
        lines(&files, "/", ListKind::Names).unwrap(),
        ["a file", "d"]
    );
    assert_eq!(
        lines(&files, "/", ListKind::Long).unwrap(),
        [
            "-rw-r--r--   1 ftp     ftp                5 Feb  3  1999 a file",
            "drwxr-xr-x   1 ftp     ftp                0 Feb  3  1999 d",
        ]
    );
    let facts = FactNames::TYPE | FactNames::SIZE | FactNames::MODIFY | FactNames::PERM;
    assert_eq!(
        lines(&files, "/", ListKind::Facts(facts)).unwrap(),
        [
            "type=file;size=5;modify=19990203040506;perm=adfrw; a file",
            "type=dir;modify=19990203040506;perm=cdeflmp; d",
        ]
    );
}

#[test]
fn a_file_is_listed_but_not_by_mlsd() {
    let files = some_files();
    assert_eq!(
        lines(&files, "a file", ListKind::Names).unwrap(),
        ["a file"]
    );
    assert_eq!(lines(&files, "a file", ListKind::Long).unwrap().len(), 1);
    let facts = ListKind::Facts(FactNames::ALL);
    assert_eq!(lines(&files, "a file", facts), Err(NotFound));
    for kind in [ListKind::Names, ListKind::Long, facts] {
        assert_eq!(lines(&files, "missing", kind), Err(NotFound));
        assert!(lines(&files, "d", kind).unwrap().is_empty());
    }
}

#[test]
fn a_pattern_lists_what_it_fits_by_name() {
    let files = some_files();
    files.make_directory(&path("d/e.txt")).unwrap();
    for name in ["d/a.txt", "d/.b.txt", "d/c.bin", "d/*.bin"] {
        store(&files, name, StoreMode::New, "1").unwrap();
    }
    let names = |of: &str| {
        let listing = Listing::open(&files, &path(of), ListKind::Names, Rights::ALL)?;
        let mut text = String::new();
        let mut listing = listing.written(format!("../{of}").as_bytes());
        listing
            .read_to_string(&mut text)
            .expect("no error on the way");
        Ok(text)
    };
    let found = |lines: &str| Ok(lines.to_owned());
    assert_eq!(names("d/*.txt"), found("../d/a.txt\n../d/e.txt\n"));
    assert_eq!(names("d/.*"), found("../d/.b.txt\n"));
    assert_eq!(names("d/?.*n"), found("../d/*.bin\n../d/c.bin\n"));
    // A file of that name comes first.
    assert_eq!(names("d/*.bin"), found("../d/*.bin\n"));
    assert_eq!(names("a file"), found("../a file\n"));
    for directory in ["d", "d/"] {
        let names = names(directory).unwrap();
        assert_eq!(names.lines().count(), 5);
        assert!(
            names.lines().all(|name| name.starts_with("../d/")),
            "{names}"
        );
    }
    assert_eq!(names("d/*.none"), Err(NotFound));
    assert_eq!(names("*/a.txt"), Err(NotFound));
    assert_eq!(names("missing/*"), Err(NotFound));
    assert_eq!(lines(&files, "d/*.txt", ListKind::Long).unwrap().len(), 2);
    let facts = ListKind::Facts(FactNames::ALL);
    assert_eq!(lines(&files, "d/*.txt", facts), Err(NotFound));
}

/// What a shell says, tried in every way.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skipped| fits(rest, &name[skipped..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => fits(pattern, name),
        ([byte, pattern @ ..], [other, name @ ..]) => byte == other && fits(pattern, name),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_pattern_fits_as_in_a_shell(pattern in "[ab.*?]{0,6}[*?]", names in btree_set("[ab.]{1,8}", 1..20)) {
        let files = Memory::new();
        let names = names.into_iter().filter(|name| name != "." && name != "..");
        let expected: Vec<_> = names
            .inspect(|name| store(&files, name, StoreMode::New, "").map(drop).unwrap())
            .filter(|name| fits(pattern.as_bytes(), name.as_bytes()))
            .filter(|name| !name.starts_with('.') || pattern.starts_with('.'))
            .collect();
        let found = lines(&files, &pattern, ListKind::Names).unwrap_or_default();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn rights_are_shown() {
    let file = || Facts::new("f", Kind::File);
    let directory = || Facts::new("d", Kind::Directory);
    let perm = |facts: Facts, rights| facts.with_rights(rights).perm;
    assert_eq!(perm(file(), Rights::NONE), None);
    assert_eq!(perm(file(), Rights::READ_ONLY).unwrap(), b"r");
    assert_eq!(perm(directory(), Rights::NONE).unwrap(), b"e");
    assert_eq!(perm(directory(), Rights::READ_ONLY).unwrap(), b"el");
}

#[test]
fn a_large_directory_on_disk_is_listed_whole_in_any_pieces() {
    let scratch = Scratch::new();
    let files = scratch.files();
    let mut expected: Vec<_> = (0..2000)
        .map(|number| format!("file {number:0>40}"))
        .collect();
    for name in &expected {
        std::fs::write(scratch.path().join(name), "").unwrap();
    }
    for size in [1, 7, 4096, 1 << 20] {
        for kind in [
            ListKind::Names,
            ListKind::Long,
            ListKind::Facts(FactNames::ALL),
        ] {
            let mut listing = Listing::open(&files, &path("/"), kind, Rights::ALL).unwrap();
            let (mut text, mut piece) = (Vec::new(), vec![0; size]);
            loop {
                let count = listing.read(&mut piece).unwrap();
                if count == 0 {
                    break;
                }
                text.extend_from_slice(&piece[..count]);
            }
            assert_eq!(text.pop(), Some(b'\n'));
            let mut parser = Parser::new(DateTime::from_unix(2_000_000_000));
            let lines = text.split(|byte| *byte == b'\n');
            let mut found: Vec<_> = lines
                .map(|line| match (kind, parser.line(line)) {
                    (ListKind::Names, _) => line.to_vec(),
                    (_, Line::Entry(entry)) => entry.name.to_vec(),
                    (_, line) => panic!("{line:?}"),
                })
                .collect();
            found.sort();
            expected.sort();
            assert!(found.iter().eq(expected.iter().map(String::as_bytes)));
        }
    }
}

/// A directory without end, or with an error.
struct Endless {
    error_after: usize,
}

impl Files for Endless {
    fn list(&self, _: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
        assert_eq!(needed, FactNames::NONE, "names need no facts");
        let error_after = self.error_after;
        Ok(Box::new((0..).map(move |count| {
            match count == error_after {
                true => Err(Busy),
                false => Ok(Facts::new("name", Kind::File)),
            }
        })))
    }

    fn enter(&self, _: &VirtualPath) -> Result<(), FileError> {
        Err(NotSupported)
    }
    fn facts(&self, _: &VirtualPath, _: FactNames) -> Result<Facts, FileError> {
        Err(NotSupported)
    }
    fn open(&self, _: &VirtualPath, _: u64) -> Result<Opened, FileError> {
        Err(NotSupported)
    }
    fn store(&self, _: &VirtualPath, _: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        Err(NotSupported)
    }
    fn remove(&self, _: &VirtualPath) -> Result<(), FileError> {
        Err(NotSupported)
    }
    fn make_directory(&self, _: &VirtualPath) -> Result<(), FileError> {
        Err(NotSupported)
    }
    fn remove_directory(&self, _: &VirtualPath) -> Result<(), FileError> {
        Err(NotSupported)
    }
    fn rename(&self, _: &VirtualPath, _: &VirtualPath, _: bool) -> Result<(), FileError> {
        Err(NotSupported)
    }
}

#[test]
fn a_directory_without_end_is_read_piece_by_piece() {
    let files: Box<dyn Files> = Box::new(Endless {
        error_after: usize::MAX,
    });
    let listing = Listing::open(&files, &path("/"), ListKind::Names, Rights::ALL).unwrap();
    let count = io::copy(&mut listing.take(1 << 20), &mut io::sink()).unwrap();
    assert_eq!(count, 1 << 20);
    assert_eq!(files.set_permissions(&path("f"), 0o600), Err(NotSupported));
}

#[test]
fn an_error_on_the_way_is_told_after_the_lines_before_it() {
    for error_after in [0, 3, 10_000] {
        let files = Endless { error_after };
        let mut listing = Listing::open(&files, &path("/"), ListKind::Names, Rights::ALL).unwrap();
        let mut text = Vec::new();
        let error = listing.read_to_end(&mut text).unwrap_err();
        assert_eq!(error_kind(&error), Busy);
        assert_eq!(text.len(), error_after * "name\n".len());
        assert_eq!(listing.read(&mut [0; 10]).unwrap(), 0, "told once");
    }
}
