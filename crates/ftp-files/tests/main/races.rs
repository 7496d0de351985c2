//! Somebody exchanges a directory for a link to the outside, all the while.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use ftp_files::Files;
use ftp_proto::DateTime;
use ftp_proto::listing::FactNames;
use ftp_proto::server::StoreMode::{Append, At, New, Replace, Unique};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

use crate::common::*;

#[test]
fn nothing_outside_is_reached_through_an_exchanged_directory() {
    let (outside, scratch) = (Scratch::new(), Scratch::new());
    fs::write(outside.path().join("f"), "secret").unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::create_dir(outside.path().join("empty")).unwrap();
    let before = snapshot(&outside);

    let files = scratch.files();
    let (inside, link) = (scratch.path().join("d"), scratch.path().join("link"));
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("f"), "inside").unwrap();
    symlink(outside.path(), &link).unwrap();

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, &inside, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let _over = OnDrop(&is_over);
        let (mut reached, mut refused) = (0, 0);
        // Until both were seen often.
        while reached < 100 || refused < 100 {
            match attempt(&files) {
                true => reached += 1,
                false => refused += 1,
            }
        }
    });
    assert_eq!(snapshot(&outside), before);
}

/// A test that waits for ever has failed.
#[test]
fn a_pipe_that_takes_the_place_of_a_file_is_not_waited_for() {
    let scratch = Scratch::new();
    let files = scratch.files();
    let (file, pipe) = (scratch.path().join("f"), scratch.path().join("pipe"));
    fs::write(&file, "x").unwrap();
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, &file, CWD, &pipe, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let _over = OnDrop(&is_over);
        let (mut opened, mut refused) = (0, 0);
        while opened < 2000 || refused < 2000 {
            match files.open(&path("f"), 0) {
                Ok(opened_file) => {
                    assert_eq!(opened_file.size, Some(1));
                    opened += 1;
                }
                Err(_) => refused += 1,
            }
            let _ = files.store(&path("f"), At(1));
            let _ = files.store(&path("f"), Append);
            let _ = files.set_permissions(&path("f"), 0o600);
            let _ = files.set_modified(&path("f"), DateTime::from_unix(0));
        }
    });
}

/// Stops the other thread, also when an assertion fails.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Everything that goes through the directory. Whether the file in it could be read.
fn attempt(files: &impl Files) -> bool {
    let opened = files.open(&path("d/f"), 0);
    let is_reached = opened.is_ok();
    if let Ok(mut opened) = opened {
        let mut bytes = String::new();
        opened.reader.read_to_string(&mut bytes).unwrap();
        assert!(!bytes.contains("secret"));
    }
    if let Some(bytes) = files.read_cached(&path("d/f"), 0, 100) {
        assert_ne!(bytes, b"secret");
    }
    if let Ok(entries) = files.list(&path("d"), FactNames::ALL) {
        assert!(entries.flatten().all(|facts| facts.name != b"secret"));
    }
    assert!(facts(files, "d/secret").is_err());
    assert!(read(files, "d/secret").is_err());
    for (name, mode) in [
        ("d/f", Replace),
        ("d/f", At(0)),
        ("d/f", Append),
        ("d/new", New),
    ] {
        let _ = store(files, name, mode, "inside");
    }
    let _ = files
        .store(&path("d"), Unique)
        .and_then(|upload| upload.discard());
    let _ = files.remove(&path("d/secret"));
    let _ = files.remove(&path("d/new"));
    let _ = files.make_directory(&path("d/made"));
    let _ = files.remove_directory(&path("d/made"));
    let _ = files.remove_directory(&path("d/empty"));
    let _ = files.rename(&path("d/secret"), &path("stolen"), true);
    let _ = files.rename(&path("d/f"), &path("d/f"), true);
    let _ = files.set_permissions(&path("d/secret"), 0o777);
    let _ = files.set_modified(&path("d/secret"), DateTime::from_unix(0));
    is_reached
}

/// Names, contents, permissions and times.
fn snapshot(directory: &Scratch) -> Vec<String> {
    let entries = fs::read_dir(directory.path()).unwrap();
    let mut found: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            let (mode, time) = (metadata.permissions().mode(), metadata.modified().unwrap());
            let contents = fs::read(entry.path()).unwrap_or_default();
            format!("{:?} {mode:o} {time:?} {contents:?}", entry.file_name())
        })
        .collect();
    found.sort();
    found
}
