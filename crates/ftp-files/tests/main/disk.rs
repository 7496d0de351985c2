//! What there is on a disk only: links, devices, names of any bytes, and what clients are not shown.

use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use ftp_files::{Directory, Files, InPlace, Memory, Quota, Usage};
use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::FileError::{Exists, NotAllowed, NotEmpty, NotFound};
use ftp_proto::server::StoreMode::{Append, At, New, Replace};

use crate::common::*;

/// All that could be done to `name` or, if it were a directory, in it; none of it works.
fn assert_unreachable(files: &Directory, name: &str) {
    let inner = format!("{name}/f");
    assert!(files.enter(&path(name)).is_err(), "{name}");
    assert!(files.list(&path(name), FactNames::ALL).is_err(), "{name}");
    for name in [name, &inner] {
        assert!(read(files, name).is_err(), "{name}");
        assert_eq!(files.read_cached(&path(name), 0, 100), None, "{name}");
        assert!(store(files, name, At(0), "x").is_err(), "{name}");
        assert!(store(files, name, Append, "x").is_err(), "{name}");
        assert!(
            files
                .set_modified(&path(name), DateTime::from_unix(0))
                .is_err(),
            "{name}"
        );
        assert!(files.set_permissions(&path(name), 0o777).is_err(), "{name}");
    }
    assert!(store(files, &inner, Replace, "x").is_err(), "{name}");
    assert!(store(files, &inner, New, "x").is_err(), "{name}");
    assert!(files.remove(&path(&inner)).is_err(), "{name}");
    assert!(files.make_directory(&path(&inner)).is_err(), "{name}");
    assert!(files.remove_directory(&path(&inner)).is_err(), "{name}");
    assert!(
        files.rename(&path(&inner), &path("x"), true).is_err(),
        "{name}"
    );
}

#[test]
fn links_that_leave_lead_nowhere() {
    let (outside, scratch) = (Scratch::new(), Scratch::new());
    fs::write(outside.path().join("f"), "secret").unwrap();
    let files = scratch.files();
    fs::create_dir(scratch.path().join("d")).unwrap();
    let name = outside.path().file_name().unwrap();
    for (link, target) in [
        ("absolute", outside.path().to_owned()),
        ("relative", std::path::Path::new("..").join(name)),
        ("d/deeper", std::path::Path::new("../..").join(name)),
        ("file", outside.path().join("f")),
        ("root", "/".into()),
        ("again", "absolute".into()),
        ("new", outside.path().join("new")),
    ] {
        symlink(target, scratch.path().join(link)).unwrap();
        assert_unreachable(&files, link);
        assert!(facts(&files, link).is_err(), "{link}");
    }
    symlink("loop", scratch.path().join("loop")).unwrap();
    assert_eq!(read(&files, "loop"), Err(NotFound));
    assert_eq!(fs::read(outside.path().join("f")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);

    // A listing tells that there are links, and not where they lead.
    for facts in files.list(&path("/"), FactNames::ALL).unwrap().flatten() {
        let is_link = facts.name != b"d";
        assert_eq!(facts.kind == Kind::Link, is_link);
        assert!(facts.entry().target.is_none());
    }
    // The links themselves are renamed, replaced and removed.
    files
        .rename(&path("file"), &path("renamed"), false)
        .unwrap();
    assert_eq!(store(&files, "renamed", New, "x"), Err(Exists));
    store(&files, "renamed", Replace, "own").unwrap();
    assert_eq!(read(&files, "renamed").unwrap(), b"own");
    files.remove(&path("absolute")).unwrap();
    assert_eq!(files.remove_directory(&path("relative")), Err(NotFound));
    assert_eq!(fs::read(outside.path().join("f")).unwrap(), b"secret");
}

#[test]
fn links_that_stay_are_followed() {
    let scratch = Scratch::new();
    let files = scratch.files();
    files.make_directory(&path("d")).unwrap();
    store(&files, "d/f", New, "inside").unwrap();
    symlink("d", scratch.path().join("link")).unwrap();
    symlink("link/f", scratch.path().join("file")).unwrap();
    files.enter(&path("link")).unwrap();
    assert_eq!(names(&files, "link").unwrap(), ["f"]);
    assert_eq!(read(&files, "file").unwrap(), b"inside");
    let found = facts(&files, "file").unwrap();
    assert_eq!(
        (found.kind, found.size, found.is_link),
        (Kind::File, Some(6), true)
    );
    assert!(!facts(&files, "link/f").unwrap().is_link);
    store(&files, "file", Append, "!").unwrap();
    store(&files, "link/g", New, "g").unwrap();
    assert_eq!(read(&files, "d/f").unwrap(), b"inside!");
    assert_eq!(read(&files, "d/g").unwrap(), b"g");
}

#[test]
fn a_link_counts_as_a_file_without_bytes() {
    let scratch = Scratch::new();
    let limit = Usage {
        bytes: 100,
        files: 10,
    };
    store(&scratch.files(), "f", New, "12345").unwrap();
    for link in ["a", "b", "c"] {
        symlink("f", scratch.path().join(link)).unwrap();
    }
    let files = Quota::measure(scratch.files(), limit).unwrap();
    assert_eq!(files.used(), Usage { bytes: 5, files: 4 });
    store(&files, "a", Replace, "67").unwrap();
    files.remove(&path("b")).unwrap();
    files.rename(&path("a"), &path("c"), true).unwrap();
    assert_eq!(files.used(), Usage { bytes: 7, files: 2 });
    // A link to the file that takes its place.
    symlink("f", scratch.path().join("d")).unwrap();
    let files = Quota::measure(scratch.files(), limit).unwrap();
    files.rename(&path("f"), &path("d"), true).unwrap();
    assert_eq!(files.used(), Usage { bytes: 7, files: 2 });
}

/// Whether the system says without waiting what it has in memory of this file.
#[cfg(target_os = "linux")]
fn has_in_memory(file: &std::path::Path) -> bool {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{ReadWriteFlags, preadv2};
    let read = OFlags::RDONLY;
    let opened = openat2(CWD, file, read, Mode::empty(), ResolveFlags::CACHED);
    opened.is_ok_and(|opened| {
        let mut space = [0];
        let mut space = [std::io::IoSliceMut::new(&mut space)];
        preadv2(opened, &mut space, 0, ReadWriteFlags::NOWAIT).is_ok()
    })
}

/// It may be out of memory again at any time, so both are asked until they agree. A test that waits for ever
/// has failed.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_in_memory_is_read_as_if_it_was_opened() {
    let scratch = Scratch::new();
    let files = Quota::measure(
        InPlace::new(scratch.files()),
        Usage {
            bytes: 100,
            files: 10,
        },
    )
    .unwrap();
    fs::create_dir(scratch.path().join("d")).unwrap();
    fs::write(scratch.path().join("d/f"), "0123456789").unwrap();
    symlink("d/f", scratch.path().join("link")).unwrap();
    let cached = |name: &str, offset, most| files.read_cached(&path(name), offset, most);
    for (name, offset, most) in [
        ("d/f", 0, 10),
        ("d/f", 7, 3),
        ("d/f", 10, 0),
        ("link", 0, 10),
    ] {
        let all = &b"0123456789"[offset..];
        while has_in_memory(&scratch.path().join(name))
            && cached(name, offset as u64, most).as_deref() != Some(all)
        {}
    }
    for (name, offset, most) in [
        ("d/f", 0, 9),
        ("d/f", 11, 100),
        ("d", 0, 100),
        ("x", 0, 100),
    ] {
        assert_eq!(cached(name, offset, most), None, "{name} {offset} {most}");
    }
    let far = scratch.files().local(false);
    assert_eq!(far.read_cached(&path("d/f"), 0, 100), None);
}

/// As above.
#[cfg(target_os = "linux")]
#[test]
fn an_open_file_that_is_in_memory_is_read_from_where_it_is() {
    let scratch = Scratch::new();
    let file = scratch.path().join("f");
    fs::write(&file, "0123456789").unwrap();
    let mut reader = scratch.files().open(&path("f"), 2).unwrap().reader;
    let mut got = Vec::new();
    while has_in_memory(&file) && got != b"23456789" {
        let mut some = [0; 3];
        if let Some(count) = reader.read_cached(&mut some) {
            got.extend_from_slice(&some[..count]);
        }
    }
    // The other way goes on from there.
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!([got, rest].concat(), b"23456789");
    while has_in_memory(&file) && reader.read_cached(&mut [0; 3]) != Some(0) {}
    assert!(reader.go_back(1).unwrap());
    while has_in_memory(&file) {
        let mut last = [0; 3];
        if reader.read_cached(&mut last) == Some(1) {
            assert_eq!(last, *b"9\0\0");
            break;
        }
    }
    let far = scratch.files().local(false);
    let mut reader = far.open(&path("f"), 0).unwrap().reader;
    assert_eq!(reader.read_cached(&mut [0; 3]), None);
    assert!(reader.as_file().is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_never_opened() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let scratch = Scratch::new();
    let files = scratch.files();
    mknodat(
        CWD,
        scratch.path().join("pipe"),
        FileType::Fifo,
        Mode::RWXU,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path().join("socket")).unwrap();
    symlink("pipe", scratch.path().join("link")).unwrap();
    // Opening a pipe waits for its other end, if one does not take care.
    for name in ["pipe", "socket", "link"] {
        assert_unreachable(&files, name);
        assert_eq!(read(&files, name), Err(NotFound));
        assert_eq!(facts(&files, name).unwrap().kind, Kind::Other);
    }
    assert_eq!(store(&files, "pipe", Replace, "x"), Err(NotAllowed));
    assert_eq!(store(&files, "pipe", New, "x"), Err(Exists));
    assert_eq!(names(&files, "/").unwrap(), ["link", "pipe", "socket"]);
    files.remove(&path("pipe")).unwrap();

    let devices = Directory::open("/dev").unwrap();
    for name in ["null", "zero", "tty"] {
        assert_eq!(read(&devices, name), Err(NotFound), "{name}");
        assert_eq!(devices.read_cached(&path(name), 0, 100), None, "{name}");
        assert_eq!(store(&devices, name, Append, ""), Err(NotFound), "{name}");
        assert_eq!(store(&devices, name, At(0), ""), Err(NotFound), "{name}");
        assert_eq!(
            store(&devices, name, Replace, ""),
            Err(NotAllowed),
            "{name}"
        );
        assert_eq!(devices.set_permissions(&path(name), 0o666), Err(NotFound));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_are_bytes() {
    let scratch = Scratch::new();
    let files = scratch.files();
    for name in [
        &b"caf\xe9"[..],
        b"\xff\xfe",
        b" ",
        b"-rf",
        b"a:b\\c",
        b"\x01\x1b[2J",
        "ü".as_bytes(),
    ] {
        store(&files, name, New, "x").unwrap();
        assert!(
            scratch
                .path()
                .join(std::ffi::OsStr::from_bytes(name))
                .exists()
        );
        let listed = files.list(&path("/"), FactNames::NONE).unwrap();
        assert_eq!(
            listed.flatten().map(|it| it.name).collect::<Vec<_>>(),
            [name]
        );
        files.remove(&path(name)).unwrap();
    }
    // A name that no client can say is not shown.
    fs::write(scratch.path().join("a\nb"), "").unwrap();
    fs::write(scratch.path().join("a\rb"), "").unwrap();
    assert!(names(&files, "/").unwrap().is_empty());
}

/// The names of the hidden files that are there.
fn hidden(scratch: &Scratch, directory: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(scratch.path().join(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().as_bytes().to_vec());
    names
        .filter(|name| name.starts_with(b".ftp-upload-"))
        .collect()
}

#[test]
fn uploads_are_hidden_and_unreachable() {
    let scratch = Scratch::new();
    let files = scratch.files();
    let mut upload = files.store(&path("f"), New).unwrap();
    upload.write_all(b"x").unwrap();
    let [name] = &hidden(&scratch, "")[..] else {
        panic!("one upload");
    };
    assert!(names(&files, "/").unwrap().is_empty());
    assert_eq!(read(&files, name), Err(NotAllowed));
    assert_eq!(files.remove(&path(name)), Err(NotAllowed));
    assert_eq!(read(&files, name.to_ascii_uppercase()), Err(NotAllowed));
    upload.commit().unwrap();
    assert!(hidden(&scratch, "").is_empty());
}

#[test]
fn leftovers_are_removed_a_day_later() {
    let scratch = Scratch::new();
    let files = scratch.files();
    files.make_directory(&path("d")).unwrap();
    let leave = |name: &str, hours: u64| {
        let file = File::create(scratch.path().join(name)).unwrap();
        let time = SystemTime::now() - Duration::from_secs(hours * 3600);
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    };
    leave(".ftp-upload-1", 25);
    leave(".ftp-upload-2", 23);
    leave("f", 10_000);
    assert_eq!(names(&files, "/").unwrap(), ["d", "f"]);
    assert_eq!(hidden(&scratch, ""), [b".ftp-upload-2"]);
    // To a client the directory is empty.
    leave("d/.ftp-upload-1", 25);
    leave("d/.ftp-upload-2", 23);
    assert_eq!(files.remove_directory(&path("d")), Err(NotEmpty));
    assert_eq!(hidden(&scratch, "d").len(), 1);
    leave("d/.ftp-upload-2", 25);
    assert_eq!(files.remove_directory(&path("d")), Ok(()));
}

#[test]
fn hard_links_are_files() {
    let scratch = Scratch::new();
    let files = scratch.files();
    store(&files, "f", New, "old").unwrap();
    fs::hard_link(scratch.path().join("f"), scratch.path().join("g")).unwrap();
    assert_eq!(
        facts(&files, "f").unwrap().unique,
        facts(&files, "g").unwrap().unique
    );
    store(&files, "f", Append, "er").unwrap();
    assert_eq!(read(&files, "g").unwrap(), b"older");
    store(&files, "f", Replace, "new").unwrap();
    assert_eq!(read(&files, "g").unwrap(), b"older");
}

#[test]
fn a_part_of_a_directory_is_one() {
    let (scratch, outside) = (Scratch::new(), Scratch::new());
    let files = scratch.files().sync(true);
    files.make_directory(&path("home")).unwrap();
    files.make_directory(&path("home/anna")).unwrap();
    store(&files, "other", New, "x").unwrap();
    symlink("../../other", scratch.path().join("home/anna/link")).unwrap();
    symlink(outside.path(), scratch.path().join("out")).unwrap();
    let own = files.below(&path("home/anna")).unwrap();
    store(&own, "f", New, "own").unwrap();
    store(&own, "f", Append, "!").unwrap();
    assert_eq!(read(&files, "home/anna/f").unwrap(), b"own!");
    assert_eq!(read(&own, "link"), Err(NotAllowed));
    assert_eq!(read(&own, "../../other"), Err(NotFound));
    assert!(files.below(&path("out")).is_err());
    assert_eq!(files.below(&path("other")).err(), Some(NotFound));
}

#[test]
fn who_took_all_permissions_away_can_give_them_back() {
    let scratch = Scratch::new();
    let files = scratch.files();
    store(&files, "f", New, "x").unwrap();
    files.set_permissions(&path("f"), 0).unwrap();
    files.set_permissions(&path("f"), 0o640).unwrap();
    let metadata = fs::metadata(scratch.path().join("f")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o640);
    assert_eq!(metadata.size(), 1);
    // The bits that make a program run as its owner are not handed on.
    let special = fs::Permissions::from_mode(0o4755);
    fs::set_permissions(scratch.path().join("f"), special).unwrap();
    store(&files, "f", Replace, "y").unwrap();
    assert_eq!(facts(&files, "f").unwrap().permissions, Some(0o755));
}

/// The superuser may search all directories, so somebody else tries.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_may_not_be_searched_is_not_entered() {
    let scratch = Scratch::new();
    let files = scratch.files();
    for (name, mode) in [("closed", 0o644), ("unlisted", 0o711)] {
        fs::create_dir(scratch.path().join(name)).unwrap();
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(scratch.path().join(name), permissions).unwrap();
    }
    fs::write(scratch.path().join("f"), "").unwrap();
    let entered = std::thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::process::Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        ["closed", "unlisted", "f", ""].map(|name| files.enter(&path(name)))
    });
    let entered = entered.join().unwrap();
    assert_eq!(entered, [Err(NotAllowed), Ok(()), Err(NotFound), Ok(())]);
}

/// A server may wait for these in a thread that has something else to do.
#[test]
fn files_of_this_host_are_local_whatever_is_around_them() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("d")).unwrap();
    let open = || Directory::open(scratch.path()).unwrap();
    let limit = Usage::default();
    assert!(open().is_local());
    if cfg!(target_os = "linux") {
        // No disk: who knows how long it takes.
        assert!(!Directory::open("/proc").unwrap().is_local());
    }
    assert!(Memory::new().is_local());
    for is_local in [true, false] {
        let files = || open().local(is_local);
        assert_eq!(files().below(&path("d")).unwrap().is_local(), is_local);
        assert_eq!(InPlace::new(files()).is_local(), is_local);
        assert_eq!(Quota::measure(files(), limit).unwrap().is_local(), is_local);
        let boxed: Box<dyn Files> = Box::new(std::sync::Arc::new(files()));
        assert_eq!(boxed.is_local(), is_local);
        // A disk may take long for that.
        assert!(!files().sync(true).is_local());
    }
}

/// The system says them bit by bit; no bit ends where a name does not.
#[test]
fn names_of_any_length_are_all_listed_once() {
    let scratch = Scratch::new();
    let files = scratch.files();
    let mut expected: Vec<_> = (0..1200)
        .map(|number| format!("{number:0>width$}", width = 4 + number * 7 % 252))
        .collect();
    for (number, name) in expected.iter().enumerate() {
        let path = scratch.path().join(name);
        match number % 3 {
            0 => fs::create_dir(path).unwrap(),
            1 => symlink("nowhere", path).unwrap(),
            _ => fs::write(path, name).unwrap(),
        }
    }
    expected.sort();
    for needed in [FactNames::NONE, FactNames::TYPE, FactNames::ALL] {
        let entries = files.list(&path("/"), needed).unwrap();
        let mut found: Vec<_> = entries.map(Result::unwrap).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(found.len(), expected.len());
        for (facts, name) in found.iter().zip(&expected) {
            let number: usize = name.trim_start_matches('0').parse().unwrap_or(0);
            let kind = [Kind::Directory, Kind::Link, Kind::File][number % 3];
            assert_eq!((&facts.name[..], facts.kind), (name.as_bytes(), kind));
            if needed == FactNames::ALL && kind == Kind::File {
                assert_eq!(facts.size, Some(name.len() as u64));
            }
        }
    }
}

#[test]
fn a_directory_that_is_removed_while_it_is_listed_has_no_more_in_it() {
    let scratch = Scratch::new();
    let files = scratch.files();
    files.make_directory(&path("d")).unwrap();
    let mut entries = files.list(&path("d"), FactNames::ALL).unwrap();
    files.remove_directory(&path("d")).unwrap();
    assert!(entries.next().is_none());
    assert!(entries.next().is_none());
}
