//! What all files do, on disk, in memory, and with a quota.

use std::io::{Read, Write};

use ftp_files::{Files, Memory, Quota, Usage};
use ftp_proto::DateTime;
use ftp_proto::listing::Kind;
use ftp_proto::server::FileError::{Exists, NotAllowed, NotEmpty, NotFound, TooShort};
use ftp_proto::server::StoreMode::{Append, At, New, Replace, Unique};

use crate::common::*;

/// Runs a test on each kind of files.
macro_rules! on_all {
    ($($test:ident)*) => {
        #[cfg(unix)]
        mod disk {
            $(#[test]
            fn $test() {
                super::$test(&crate::common::Scratch::new().files());
            })*
        }
        mod memory {
            $(#[test]
            fn $test() {
                super::$test(&super::Memory::new());
            })*
        }
        mod limited {
            $(#[test]
            fn $test() {
                let limit = super::Usage { bytes: 1 << 20, files: 1000 };
                super::$test(&super::Quota::measure(super::Memory::new(), limit).unwrap());
            })*
        }
    };
}

on_all! {
    a_file_appears_as_a_whole_when_it_is_committed
    a_failed_upload_leaves_the_old_file
    a_failed_upload_of_a_new_file_is_kept_and_resumed
    an_upload_into_which_nothing_came_leaves_nothing
    new_replaces_nothing_that_came_meanwhile
    unique_names_are_unique
    what_is_behind_the_end_of_a_resumed_file_is_cut_off
    resuming_behind_the_end_is_refused
    directories_are_made_entered_and_removed
    renaming_replaces_files_only_and_only_by_permission
    facts_and_times_and_permissions
    unusable_names_are_refused_everywhere
    long_names
    the_root_stays
}

/// What does not depend on when a file is replaced.
mod in_place {
    use ftp_files::{InPlace, Memory};

    macro_rules! in_place {
        ($($test:ident)*) => {
            $(#[test]
            fn $test() {
                super::$test(&InPlace::new(Memory::new()));
            })*
        };
    }

    in_place! {
        unique_names_are_unique
        what_is_behind_the_end_of_a_resumed_file_is_cut_off
        resuming_behind_the_end_is_refused
        directories_are_made_entered_and_removed
        renaming_replaces_files_only_and_only_by_permission
        facts_and_times_and_permissions
        unusable_names_are_refused_everywhere
        long_names
        the_root_stays
    }
}

fn a_file_appears_as_a_whole_when_it_is_committed(files: &impl Files) {
    for (mode, before) in [(New, Err(NotFound)), (Replace, Ok(b"one".to_vec()))] {
        let mut upload = files.store(&path("f"), mode).unwrap();
        upload
            .write_all(if mode == New { b"one" } else { b"two" })
            .unwrap();
        assert_eq!(read(files, "f"), before);
        assert_eq!(
            names(files, "/").unwrap().len(),
            usize::from(before.is_ok())
        );
        assert_eq!(upload.name(), b"f");
        upload.commit().unwrap();
    }
    assert_eq!(read(files, "f").unwrap(), b"two");
    assert_eq!(names(files, "/").unwrap(), ["f"]);
}

fn a_failed_upload_leaves_the_old_file(files: &impl Files) {
    store(files, "f", New, "old").unwrap();
    for by_dropping in [false, true] {
        let mut upload = files.store(&path("f"), Replace).unwrap();
        upload.write_all(b"new").unwrap();
        if by_dropping {
            drop(upload);
        } else {
            upload.discard().unwrap();
        }
        assert_eq!(read(files, "f").unwrap(), b"old");
        assert_eq!(names(files, "/").unwrap(), ["f"]);
    }
    // The hidden files are gone, too.
    files.remove(&path("f")).unwrap();
    files.make_directory(&path("d")).unwrap();
    let mut upload = files.store(&path("d/x"), New).unwrap();
    upload.write_all(b"x").unwrap();
    assert_eq!(files.remove_directory(&path("d")), Err(NotEmpty));
    upload.discard().unwrap();
    files.remove(&path("d/x")).unwrap();
    files.remove_directory(&path("d")).unwrap();
}

fn a_failed_upload_of_a_new_file_is_kept_and_resumed(files: &impl Files) {
    for mode in [New, Replace] {
        let mut upload = files.store(&path("f"), mode).unwrap();
        upload.write_all(b"abc").unwrap();
        upload.discard().unwrap();
        assert_eq!(read(files, "f").unwrap(), b"abc");
        store(files, "f", At(3), "def").unwrap();
        store(files, "f", Append, "ghi").unwrap();
        assert_eq!(read(files, "f").unwrap(), b"abcdefghi");
        files.remove(&path("f")).unwrap();
    }
    let mut upload = files.store(&path("/"), Unique).unwrap();
    upload.write_all(b"x").unwrap();
    let name = upload.name().to_vec();
    drop(upload);
    assert_eq!(read(files, name).unwrap(), b"x");
}

fn an_upload_into_which_nothing_came_leaves_nothing(files: &impl Files) {
    for mode in [New, Replace, Unique] {
        files.store(&path("f"), mode).unwrap().discard().unwrap();
        assert!(names(files, "/").unwrap().is_empty());
    }
    // But an empty file is a file.
    store(files, "f", New, "").unwrap();
    assert_eq!(read(files, "f").unwrap(), b"");
}

fn new_replaces_nothing_that_came_meanwhile(files: &impl Files) {
    let mut late = files.store(&path("f"), New).unwrap();
    late.write_all(b"late").unwrap();
    store(files, "f", New, "first").unwrap();
    assert_eq!(late.commit(), Err(Exists));
    assert_eq!(store(files, "f", New, "x"), Err(Exists));
    assert_eq!(read(files, "f").unwrap(), b"first");
    assert_eq!(names(files, "/").unwrap(), ["f"]);
    // A directory is not replaced by a file either.
    let mut late = files.store(&path("d"), Replace).unwrap();
    late.write_all(b"late").unwrap();
    files.make_directory(&path("d")).unwrap();
    assert_eq!(late.commit(), Err(Exists));
    assert_eq!(store(files, "d", Replace, "x"), Err(Exists));
    assert_eq!(files.enter(&path("d")), Ok(()));
}

fn unique_names_are_unique(files: &impl Files) {
    files.make_directory(&path("d")).unwrap();
    let mut uploads: Vec<_> = (0..20)
        .map(|_| files.store(&path("d/proposal"), Unique).unwrap())
        .chain((0..20).map(|_| files.store(&path("d"), Unique).unwrap()))
        .collect();
    let mut found: Vec<_> = uploads.iter().map(|it| it.name().to_vec()).collect();
    for upload in &mut uploads {
        upload.write_all(b"x").unwrap();
    }
    for upload in uploads {
        upload.commit().unwrap();
    }
    assert!(found[0].starts_with(b"proposal."));
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 40);
    assert_eq!(names(files, "d").unwrap().len(), 40);
    // A proposal of the greatest length is made shorter, and not in the middle of a character.
    let long = format!("{}a", "ü".repeat(127));
    let name = store(files, &long, Unique, "x").unwrap();
    assert!(std::str::from_utf8(&name).is_ok_and(|name| name.len() > 250));
}

fn what_is_behind_the_end_of_a_resumed_file_is_cut_off(files: &impl Files) {
    store(files, "f", New, "0123456789").unwrap();
    let mut upload = files.store(&path("f"), At(2)).unwrap();
    upload.write_all(b"ab").unwrap();
    assert_eq!(read(files, "f").unwrap(), b"01ab456789", "in place");
    upload.discard().unwrap();
    assert_eq!(read(files, "f").unwrap(), b"01ab456789");
    store(files, "f", At(4), "c").unwrap();
    assert_eq!(read(files, "f").unwrap(), b"01abc");
    store(files, "f", At(3), "B").unwrap();
    assert_eq!(read(files, "f").unwrap(), b"01aB");
    store(files, "f", At(3), "bc").unwrap();
    let mut opened = files.open(&path("f"), 3).unwrap();
    let mut rest = String::new();
    opened.reader.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), opened.size), ("bc", Some(5)));
}

fn resuming_behind_the_end_is_refused(files: &impl Files) {
    store(files, "f", New, "123").unwrap();
    assert_eq!(store(files, "f", At(4), "x"), Err(TooShort));
    assert_eq!(store(files, "f", At(u64::MAX), "x"), Err(TooShort));
    assert_eq!(store(files, "g", At(0), "x"), Err(NotFound));
    assert_eq!(files.open(&path("f"), 4).err(), Some(TooShort));
    assert_eq!(files.open(&path("f"), u64::MAX).err(), Some(TooShort));
    assert!(files.open(&path("f"), 3).is_ok());
}

fn directories_are_made_entered_and_removed(files: &impl Files) {
    files.make_directory(&path("d")).unwrap();
    files.make_directory(&path("d/e")).unwrap();
    store(files, "d/f", New, "x").unwrap();
    assert_eq!(files.enter(&path("d/e")), Ok(()));
    for (entered, error) in [("d/f", NotFound), ("x", NotFound), ("d/f/x", NotFound)] {
        assert_eq!(files.enter(&path(entered)), Err(error), "{entered}");
        assert_eq!(
            files.list(&path(entered), Default::default()).err(),
            Some(error)
        );
        assert_eq!(files.remove_directory(&path(entered)), Err(error));
    }
    for name in ["d", "d/e", "d/f"] {
        assert_eq!(files.make_directory(&path(name)), Err(Exists), "{name}");
    }
    assert_eq!(files.make_directory(&path("x/y")), Err(NotFound));
    assert_eq!(files.make_directory(&path("d/f/y")), Err(NotFound));
    assert_eq!(files.remove(&path("d/e")), Err(NotFound));
    assert_eq!(files.open(&path("d"), 0).err(), Some(NotFound));
    assert_eq!(store(files, "d", Append, ""), Err(NotFound));
    assert_eq!(store(files, "d", At(0), ""), Err(NotFound));
    assert_eq!(store(files, "x/y", Replace, ""), Err(NotFound));
    assert_eq!(files.remove_directory(&path("d")), Err(NotEmpty));
    assert_eq!(names(files, "d").unwrap(), ["e", "f"]);
    files.remove_directory(&path("d/e")).unwrap();
    files.remove(&path("d/f")).unwrap();
    files.remove_directory(&path("d")).unwrap();
    assert!(names(files, "/").unwrap().is_empty());
}

fn renaming_replaces_files_only_and_only_by_permission(files: &impl Files) {
    store(files, "a", New, "a").unwrap();
    store(files, "b", New, "b").unwrap();
    files.make_directory(&path("d")).unwrap();
    files.make_directory(&path("e")).unwrap();
    let rename = |from: &str, to: &str, may| files.rename(&path(from), &path(to), may);
    for (from, to, may, error) in [
        ("a", "b", false, Exists),
        ("a", "a", false, Exists),
        ("a", "d", true, Exists),
        ("d", "a", true, Exists),
        ("d", "e", true, Exists),
        ("d", "e", false, Exists),
        ("x", "a", true, NotFound),
        ("x", "a", false, NotFound),
        ("a", "x/y", true, NotFound),
        ("d", "d/x", true, NotAllowed),
    ] {
        assert_eq!(rename(from, to, may), Err(error), "{from} {to} {may}");
    }
    assert_eq!(rename("a", "a", true), Ok(()));
    assert_eq!(rename("a", "b", true), Ok(()));
    assert_eq!(rename("b", "d/c", false), Ok(()));
    assert_eq!(rename("d", "e/d", false), Ok(()));
    assert_eq!(read(files, "e/d/c").unwrap(), b"a");
    assert_eq!(names(files, "/").unwrap(), ["e"]);
}

fn facts_and_times_and_permissions(files: &impl Files) {
    store(files, "f", New, "12345").unwrap();
    files.make_directory(&path("d")).unwrap();
    let time = DateTime::parse(b"19800102030405").unwrap();
    for name in ["f", "d"] {
        files.set_modified(&path(name), time).unwrap();
        files.set_permissions(&path(name), 0o705).unwrap();
        let found = facts(files, name).unwrap();
        assert_eq!(found.modified, Some(time));
        assert_eq!(found.permissions, Some(0o705));
        assert_eq!(found.name, name.as_bytes());
        for mode in [0o1705, 0o2705, 0o4705, 0o10000] {
            assert_eq!(files.set_permissions(&path(name), mode), Err(NotAllowed));
        }
    }
    let before_1970 = DateTime::parse(b"19651231235959").unwrap();
    files.set_modified(&path("f"), before_1970).unwrap();
    assert_eq!(facts(files, "f").unwrap().modified, Some(before_1970));
    assert_eq!(files.set_modified(&path("x"), time), Err(NotFound));
    assert_eq!(files.set_permissions(&path("x"), 0o700), Err(NotFound));

    let (file, directory) = (facts(files, "f").unwrap(), facts(files, "d").unwrap());
    assert_eq!((file.kind, file.size), (Kind::File, Some(5)));
    assert_eq!((directory.kind, directory.size), (Kind::Directory, None));
    assert_eq!(facts(files, "/").unwrap().kind, Kind::Directory);
    assert!(file.unique.is_some() && file.unique != directory.unique);
    files.rename(&path("f"), &path("d/g"), false).unwrap();
    let moved = facts(files, "d/g").unwrap();
    assert_eq!(
        (&moved.unique, moved.modified),
        (&file.unique, file.modified)
    );
    assert_eq!(facts(files, "x").err(), Some(NotFound));
    // A replaced file hands its permissions on, not its time.
    store(files, "d/g", Replace, "x").unwrap();
    let replaced = facts(files, "d/g").unwrap();
    assert_eq!(replaced.permissions, Some(0o705));
    assert_ne!(replaced.modified, moved.modified);
}

fn unusable_names_are_refused_everywhere(files: &impl Files) {
    store(files, "f", New, "x").unwrap();
    let long = "n".repeat(256);
    let deep = "/d".repeat(2500);
    for name in [
        &b"a\0b"[..],
        b"a\nb",
        b"a\rb",
        b".ftp-upload-0123456789abcdef",
        b".FTP-Upload-x",
        b".ftp-upload-/f",
        b"a\0/f",
        long.as_bytes(),
        deep.as_bytes(),
    ] {
        let shown = name.escape_ascii();
        let path = path(name);
        assert_eq!(files.enter(&path), Err(NotAllowed), "{shown}");
        assert_eq!(facts(files, name).err(), Some(NotAllowed), "{shown}");
        assert_eq!(
            files.list(&path, Default::default()).err(),
            Some(NotAllowed)
        );
        assert_eq!(read(files, name), Err(NotAllowed), "{shown}");
        for mode in [Replace, New, At(0), Append, Unique] {
            assert_eq!(
                store(files, name, mode, ""),
                Err(NotAllowed),
                "{shown} {mode:?}"
            );
        }
        assert_eq!(files.remove(&path), Err(NotAllowed), "{shown}");
        assert_eq!(files.make_directory(&path), Err(NotAllowed), "{shown}");
        assert_eq!(files.remove_directory(&path), Err(NotAllowed), "{shown}");
        let file = crate::common::path("f");
        assert_eq!(files.rename(&path, &file, true), Err(NotAllowed), "{shown}");
        assert_eq!(files.rename(&file, &path, true), Err(NotAllowed), "{shown}");
        assert_eq!(
            files.set_permissions(&path, 0o700),
            Err(NotAllowed),
            "{shown}"
        );
        let time = DateTime::from_unix(0);
        assert_eq!(files.set_modified(&path, time), Err(NotAllowed), "{shown}");
    }
    assert_eq!(names(files, "/").unwrap(), ["f"]);
}

fn long_names(files: &impl Files) {
    let name = "n".repeat(255);
    store(files, &name, New, "long").unwrap();
    store(files, &name, Replace, "longer").unwrap();
    assert_eq!(read(files, &name).unwrap(), b"longer");
    assert_eq!(names(files, "/").unwrap(), [name]);
}

fn the_root_stays(files: &impl Files) {
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
