//! What all stores do: in memory, listed in pages, without "only if there is nothing", and on disk.

use std::io::{Read, Write};

use ftp_files::{Files, Quota, Usage};
use ftp_files_object_store::Bucket;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::FileError::{
    Exists, NoSpace, NotAllowed, NotEmpty, NotFound, NotSupported, TooShort,
};
use ftp_proto::server::StoreMode::{Append, At, New, Replace, Unique};

use crate::common::*;

macro_rules! on_all {
    ($($test:ident)*) => {
        mod memory {
            $(#[test]
            fn $test() {
                super::$test(&super::Bucket::open::<&str, &str>("memory:///", []).unwrap().piece(0));
            })*
        }
        mod paged {
            $(#[test]
            fn $test() {
                super::$test(&crate::common::Kept::new().bucket());
            })*
        }
        mod simple {
            $(#[test]
            fn $test() {
                let mut store = crate::common::Kept::new();
                store.is_simple = true;
                let prefix = super::Bucket::paged(store).unwrap().piece(0);
                super::$test(&prefix.below(&crate::common::path("a prefix/of two")).unwrap());
            })*
        }
        #[cfg(feature = "fs")]
        mod disk {
            $(#[test]
            fn $test() {
                super::on_disk(super::$test);
            })*
        }
    };
}

#[cfg(feature = "fs")]
fn on_disk(test: fn(&Bucket)) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("ftp-object-store-{}-{count}", std::process::id());
    let place = std::env::temp_dir().join(name);
    std::fs::create_dir(&place).unwrap();
    let url = format!("file://{}", place.display());
    let bucket = Bucket::open::<&str, &str>(&url, []).unwrap();
    test(&bucket.piece(0));
    std::fs::remove_dir_all(&place).unwrap();
}

on_all! {
    a_file_appears_as_a_whole_when_it_is_committed
    a_failed_upload_leaves_what_was_there
    what_came_is_kept_if_that_is_wanted
    what_was_there_is_resumed
    long_files_go_in_pieces
    what_is_given_back_is_read_again
    new_replaces_nothing_that_came_meanwhile
    unique_names_are_unique
    directories_are_made_entered_and_removed
    a_directory_stays_when_the_last_file_is_gone
    renaming_files
    renaming_directories
    facts_are_those_of_the_store
    unusable_names_are_refused_everywhere
    the_root_stays
    quotas_hold
}

fn a_file_appears_as_a_whole_when_it_is_committed(files: &Bucket) {
    for (mode, old) in [(New, Err(NotFound)), (Replace, Ok(b"one".to_vec()))] {
        let mut upload = files.store(&path("f"), mode).unwrap();
        let text: &[u8] = if mode == New { b"one" } else { b"two" };
        upload.write_all(text).unwrap();
        assert_eq!(read(files, "f"), old);
        assert_eq!(upload.name(), b"f");
        upload.commit().unwrap();
        assert_eq!(read(files, "f").unwrap(), text);
    }
    store(files, "empty", New, "").unwrap();
    assert_eq!(read(files, "empty").unwrap(), b"");
    assert_eq!(names(files, "/").unwrap(), ["empty", "f"]);
}

fn a_failed_upload_leaves_what_was_there(files: &Bucket) {
    for (before, modes) in [
        (None, vec![New, Replace, Unique, Append]),
        (Some("old"), vec![Replace, Append, At(1)]),
    ] {
        if let Some(before) = before {
            store(files, "f", Replace, before).unwrap();
        }
        for mode in modes {
            for size in [0, 3, LONG] {
                for by_dropping in [false, true] {
                    let mut upload = files.store(&path("f"), mode).unwrap();
                    upload.write_all(&content(size)).unwrap();
                    match by_dropping {
                        true => drop(upload),
                        false => upload.discard().unwrap(),
                    }
                    let found = read(files, "f").ok();
                    assert_eq!(
                        found.as_deref(),
                        before.map(str::as_bytes),
                        "{mode:?} {size}"
                    );
                }
            }
        }
    }
    assert_eq!(names(files, "/").unwrap(), ["f"]);
}

fn what_came_is_kept_if_that_is_wanted(files: &Bucket) {
    let files = &files.clone().keeps_incomplete(true);
    let fail = |name: &str, mode, bytes: &[u8]| {
        let mut upload = files.store(&path(name), mode).unwrap();
        upload.write_all(bytes).unwrap();
        upload.discard().unwrap();
    };
    let long = content(LONG);
    for mode in [New, Replace, Append] {
        fail("f", mode, b"");
        assert_eq!(read(files, "f"), Err(NotFound));
        fail("f", mode, &long);
        assert!(read(files, "f").unwrap() == long);
        fail("f", Append, b"more");
        fail("f", At(LONG as u64 + 4), b"!");
        fail("f", At(1), b"less");
        fail("f", Replace, b"other");
        assert!(read(files, "f").unwrap() == [&long[..], b"more!"].concat());
        files.remove(&path("f")).unwrap();
    }
    // What came meanwhile is not replaced.
    let mut late = files.store(&path("f"), Replace).unwrap();
    late.write_all(b"late").unwrap();
    store(files, "f", New, "first").unwrap();
    late.discard().unwrap();
    assert_eq!(read(files, "f").unwrap(), b"first");
}

fn what_was_there_is_resumed(files: &Bucket) {
    store(files, "f", New, "0123456789").unwrap();
    store(files, "f", At(4), "abc").unwrap();
    assert_eq!(read(files, "f").unwrap(), b"0123abc");
    store(files, "f", Append, "d").unwrap();
    store(files, "f", At(0), "z").unwrap();
    store(files, "f", At(1), "").unwrap();
    assert_eq!(read(files, "f").unwrap(), b"z");
    store(files, "g", Append, "new").unwrap();
    assert_eq!(read(files, "g").unwrap(), b"new");
    assert_eq!(store(files, "f", At(2), "x"), Err(TooShort));
    assert_eq!(store(files, "f", At(u64::MAX), "x"), Err(TooShort));
    assert_eq!(store(files, "none", At(0), "x"), Err(NotFound));
    for (offset, found) in [
        (0, Ok("new")),
        (1, Ok("ew")),
        (3, Ok("")),
        (4, Err(TooShort)),
        (u64::MAX, Err(TooShort)),
    ] {
        let opened = files.open(&path("g"), offset).map(|mut opened| {
            let mut text = String::new();
            opened.reader.read_to_string(&mut text).unwrap();
            assert_eq!(opened.size, Some(3));
            text
        });
        assert_eq!(opened.as_deref().map_err(|error| *error), found);
    }
}

fn what_is_given_back_is_read_again(files: &Bucket) {
    let long = content(LONG);
    store(files, "f", Replace, &long).unwrap();
    let mut reader = files.open(&path("f"), 1000).unwrap().reader;
    let mut part = vec![0; LONG / 2];
    reader.read_exact(&mut part).unwrap();
    assert!(reader.go_back(LONG as u64 / 2 - 7).unwrap());
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == long[1007..]);
    assert!(reader.go_back(3).unwrap());
    rest.clear();
    reader.read_to_end(&mut rest).unwrap();
    assert!(rest == long[LONG - 3..]);
}

fn long_files_go_in_pieces(files: &Bucket) {
    let long = content(LONG);
    for size in [LONG, 5 * 1024 * 1024, 10 * 1024 * 1024, 5 * 1024 * 1024 + 1] {
        store(files, "f", Replace, &long[..size]).unwrap();
        assert!(read(files, "f").unwrap() == long[..size], "{size}");
    }
    store(files, "f", Replace, &long).unwrap();
    store(files, "f", Append, &long).unwrap();
    let both = [&long[..], &long].concat();
    assert!(read(files, "f").unwrap() == both);
    store(files, "f", At(LONG as u64 + 1), "end").unwrap();
    assert!(read(files, "f").unwrap() == [&both[..LONG + 1], b"end"].concat());
    let mut rest = Vec::new();
    let mut opened = files.open(&path("f"), 7_000_000).unwrap();
    opened.reader.read_to_end(&mut rest).unwrap();
    assert!(rest == [&both[7_000_000..LONG + 1], b"end"].concat());
}

fn new_replaces_nothing_that_came_meanwhile(files: &Bucket) {
    for size in [4, LONG] {
        let mut late = files.store(&path("f"), New).unwrap();
        late.write_all(&content(size)).unwrap();
        store(files, "f", New, "first").unwrap();
        assert_eq!(late.commit(), Err(Exists));
        assert_eq!(store(files, "f", New, "x"), Err(Exists));
        assert_eq!(read(files, "f").unwrap(), b"first");
        files.remove(&path("f")).unwrap();
    }
    files.make_directory(&path("d")).unwrap();
    assert_eq!(store(files, "d", Replace, "x"), Err(Exists));
    assert_eq!(store(files, "d", New, "x"), Err(Exists));
}

fn unique_names_are_unique(files: &Bucket) {
    files.make_directory(&path("d")).unwrap();
    let mut found: Vec<_> = (0..5)
        .map(|_| store(files, "d/proposal", Unique, "x").unwrap())
        .chain((0..5).map(|_| store(files, "d", Unique, "x").unwrap()))
        .collect();
    assert!(found[0].starts_with(b"proposal."));
    found.sort();
    found.dedup();
    assert_eq!((found.len(), names(files, "d").unwrap().len()), (10, 10));
    assert!(
        store(files, "/", Unique, "x")
            .unwrap()
            .starts_with(b"upload.")
    );
    assert_eq!(store(files, "none/x", Unique, "x"), Err(NotFound));
}

fn directories_are_made_entered_and_removed(files: &Bucket) {
    files.make_directory(&path("d")).unwrap();
    files.make_directory(&path("d/e")).unwrap();
    store(files, "d/f", New, "x").unwrap();
    assert_eq!(files.enter(&path("d/e")), Ok(()));
    for not_there in ["d/f", "x", "d/f/x", "d/x"] {
        let at = path(not_there);
        assert_eq!(files.enter(&at), Err(NotFound), "{not_there}");
        assert_eq!(names(files, not_there), Err(NotFound));
        assert_eq!(files.remove_directory(&at), Err(NotFound));
    }
    for name in ["d", "d/e", "d/f"] {
        assert_eq!(files.make_directory(&path(name)), Err(Exists), "{name}");
    }
    assert_eq!(files.make_directory(&path("x/y")), Err(NotFound));
    assert_eq!(files.make_directory(&path("d/f/y")), Err(NotFound));
    assert_eq!(files.remove(&path("d/e")), Err(NotFound));
    assert_eq!(files.remove(&path("d/none")), Err(NotFound));
    assert_eq!(read(files, "d"), Err(NotFound));
    assert_eq!(store(files, "d", Append, ""), Err(NotFound));
    assert_eq!(store(files, "d", At(0), ""), Err(NotFound));
    assert_eq!(store(files, "x/y", Replace, ""), Err(NotFound));
    assert_eq!(store(files, "d/f/y", Replace, ""), Err(NotFound));
    assert_eq!(files.remove_directory(&path("d")), Err(NotEmpty));
    assert_eq!(names(files, "d").unwrap(), ["e/", "f"]);
    files.remove_directory(&path("d/e")).unwrap();
    files.remove(&path("d/f")).unwrap();
    files.remove_directory(&path("d")).unwrap();
    assert!(names(files, "/").unwrap().is_empty());
}

fn a_directory_stays_when_the_last_file_is_gone(files: &Bucket) {
    // Nobody made it: it is a part of a name.
    let inner = files.below(&path("d/e")).unwrap();
    store(&inner, "f", New, "x").unwrap();
    assert_eq!(names(files, "/").unwrap(), ["d/"]);
    files.remove(&path("d/e/f")).unwrap();
    assert!(names(files, "d/e").unwrap().is_empty());
    files.remove_directory(&path("d/e")).unwrap();
    assert!(names(files, "d").unwrap().is_empty());
    files.remove_directory(&path("d")).unwrap();
    assert_eq!(files.enter(&path("d")), Err(NotFound));
}

fn renaming_files(files: &Bucket) {
    store(files, "a", New, "a").unwrap();
    store(files, "b", New, "b").unwrap();
    files.make_directory(&path("d")).unwrap();
    let rename = |from: &str, to: &str, may| files.rename(&path(from), &path(to), may);
    for (from, to, may, error) in [
        ("a", "b", false, Exists),
        ("a", "a", false, Exists),
        ("a", "d", true, Exists),
        ("x", "a", true, NotFound),
        ("x", "a", false, NotFound),
        ("a", "x/y", true, NotFound),
    ] {
        assert_eq!(rename(from, to, may), Err(error), "{from} {to} {may}");
    }
    assert_eq!(rename("a", "a", true), Ok(()));
    assert_eq!(rename("a", "b", true), Ok(()));
    assert_eq!(rename("b", "d/c", false), Ok(()));
    assert_eq!(read(files, "d/c").unwrap(), b"a");
    assert_eq!(names(files, "/").unwrap(), ["d/"]);
    assert_eq!(rename("d/c", "c", false), Ok(()));
    assert_eq!(files.enter(&path("d")), Ok(()), "it stays");
}

fn renaming_directories(files: &Bucket) {
    files.make_directory(&path("d")).unwrap();
    files.make_directory(&path("d/empty")).unwrap();
    files.make_directory(&path("e")).unwrap();
    for name in ["f", "d/1", "d/2", "d/3", "dd"] {
        store(files, name, New, name).unwrap();
    }
    let rename = |from: &str, to: &str, may| files.rename(&path(from), &path(to), may);
    assert_eq!(rename("d", "f", true), Err(Exists));
    assert_eq!(rename("d", "e", true), Err(Exists));
    assert_eq!(rename("d", "d", true), Err(Exists));
    assert_eq!(rename("d", "d/x", true), Err(NotAllowed));
    assert_eq!(rename("d", "x/y", true), Err(NotFound));
    assert_eq!(rename("d", "e/n", false), Ok(()));
    assert_eq!(files.enter(&path("d")), Err(NotFound));
    assert_eq!(names(files, "/").unwrap(), ["dd", "e/", "f"]);
    assert_eq!(names(files, "e/n").unwrap(), ["1", "2", "3", "empty/"]);
    assert_eq!(read(files, "e/n/2").unwrap(), b"d/2");
    assert_eq!(files.enter(&path("e/n/empty")), Ok(()));
}

fn facts_are_those_of_the_store(files: &Bucket) {
    store(files, "f", New, "12345").unwrap();
    files.make_directory(&path("d")).unwrap();
    let file = files.facts(&path("f"), FactNames::ALL).unwrap();
    assert_eq!((file.kind, file.size), (Kind::File, Some(5)));
    assert!(file.modified.unwrap().year() >= 2025);
    assert_eq!((file.permissions, &file.unique), (None, &None));
    let listed = files.list(&path("/"), FactNames::ALL).unwrap();
    assert!(listed.map(Result::unwrap).any(|entry| entry == file));
    for directory in ["d", "/"] {
        let found = files.facts(&path(directory), FactNames::ALL).unwrap();
        assert_eq!((found.kind, found.size), (Kind::Directory, None));
    }
    let not_there = files.facts(&path("x"), FactNames::ALL);
    assert_eq!(not_there.err(), Some(NotFound));
    let time = file.modified.unwrap();
    assert_eq!(files.set_modified(&path("f"), time), Err(NotSupported));
    assert_eq!(files.set_permissions(&path("f"), 0o600), Err(NotSupported));
}

fn unusable_names_are_refused_everywhere(files: &Bucket) {
    store(files, "f", New, "x").unwrap();
    let long = "n/".repeat(600);
    let names_: [&[u8]; 9] = [
        b"a\nb",
        b"a\0b",
        b"a\x07b",
        b"\xff",
        b"d/\xc3",
        b".ftp-directory",
        b"d/.FTP-directory",
        b".ftp-upload-1",
        long.as_bytes(),
    ];
    for name in names_ {
        let shown = name.escape_ascii();
        let at = path(name);
        assert_eq!(files.enter(&at), Err(NotAllowed), "{shown}");
        assert_eq!(files.facts(&at, FactNames::ALL).err(), Some(NotAllowed));
        assert_eq!(names(files, name), Err(NotAllowed));
        assert_eq!(read(files, name), Err(NotAllowed));
        for mode in [Replace, New, At(0), Append, Unique] {
            assert_eq!(
                store(files, name, mode, ""),
                Err(NotAllowed),
                "{shown} {mode:?}"
            );
        }
        assert_eq!(files.remove(&at), Err(NotAllowed));
        assert_eq!(files.make_directory(&at), Err(NotAllowed));
        assert_eq!(files.remove_directory(&at), Err(NotAllowed));
        assert_eq!(files.rename(&at, &path("g"), true), Err(NotAllowed));
        assert_eq!(files.rename(&path("f"), &at, true), Err(NotAllowed));
    }
    assert_eq!(names(files, "/").unwrap(), ["f"]);
    // These can be. None is another one, and none leads anywhere else.
    let odd = [
        "100%",
        "%2e%2e",
        "%2F",
        "a b",
        "ü",
        "~*?[]{}|<>^`'\"",
        "...",
        "-la",
        "#",
    ];
    for name in odd {
        store(files, name, New, name).unwrap();
    }
    for name in odd {
        assert_eq!(read(files, name).unwrap(), name.as_bytes(), "{name}");
    }
    assert_eq!(names(files, "/").unwrap().len(), odd.len() + 1);
}

fn the_root_stays(files: &Bucket) {
    assert!(names(files, "/").unwrap().is_empty());
    store(files, "f", New, "x").unwrap();
    assert_eq!(files.enter(&path("/")), Ok(()));
    assert_eq!(files.make_directory(&path("/")), Err(Exists));
    assert_eq!(files.remove_directory(&path("/")), Err(NotAllowed));
    assert_eq!(files.remove(&path("/")), Err(NotFound));
    assert_eq!(files.rename(&path("/"), &path("x"), true), Err(NotAllowed));
    assert_eq!(files.rename(&path("f"), &path("/"), true), Err(NotAllowed));
    assert_eq!(store(files, "/", Replace, ""), Err(Exists));
    assert_eq!(store(files, "/", Append, ""), Err(NotFound));
    assert_eq!(read(files, "/"), Err(NotFound));
}

fn quotas_hold(files: &Bucket) {
    store(files, "a", New, "12345").unwrap();
    let limit = Usage {
        bytes: 10,
        files: 3,
    };
    let files = Quota::measure(files.clone(), limit).unwrap();
    assert_eq!(files.used(), Usage { bytes: 5, files: 1 });
    assert_eq!(store(&files, "b", New, "123456"), Err(NoSpace));
    store(&files, "b", New, "12345").unwrap();
    assert_eq!(store(&files, "b", Append, "1"), Err(NoSpace));
    files.remove(&path("b")).unwrap();
    files.make_directory(&path("d")).unwrap();
    store(&files, "d/x", New, "1").unwrap();
    assert_eq!(store(&files, "d/y", New, "1"), Err(NoSpace));
    assert_eq!(files.used(), Usage { bytes: 6, files: 3 });
}
