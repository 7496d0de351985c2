//! Uploads that are written in place.

use std::io::Write;

use ftp_files::{Files, InPlace, Memory, Quota, Usage};
use ftp_proto::server::FileError::{Exists, NotFound};
use ftp_proto::server::StoreMode::{New, Replace};

use crate::common::*;

/// Old and new content, and how many bytes of the new came before the upload failed.
const CASES: [(&str, &str, Option<usize>); 7] = [
    ("", "new", None),
    ("old and longer", "new", None),
    ("old", "new and longer", None),
    ("old and longer", "", None),
    ("old and longer", "new", Some(2)),
    ("old", "new and longer", Some(10)),
    ("old", "new", Some(0)),
];

fn uploads_are_seen_while_they_come(files: &impl Files) {
    for (old, new, fails_at) in CASES {
        store(files, "f", Replace, old).unwrap();
        let mut upload = files.store(&path("f"), Replace).unwrap();
        let came = &new[..fails_at.unwrap_or(new.len())];
        upload.write_all(came.as_bytes()).unwrap();
        let seen = read(files, "f").unwrap();
        assert!(seen.starts_with(came.as_bytes()), "{new}");
        let left = match fails_at {
            None => {
                upload.commit().unwrap();
                new
            }
            // One that is dropped has failed.
            Some(2) => {
                drop(upload);
                came
            }
            Some(at) => {
                upload.discard().unwrap();
                if at == 0 { old } else { came }
            }
        };
        assert_eq!(read(files, "f").unwrap(), left.as_bytes(), "{old}, {new}");
        files.remove(&path("f")).unwrap();
    }
    // One that was not there is there at once.
    let upload = files.store(&path("g"), Replace).unwrap();
    assert_eq!(read(files, "g").unwrap(), b"");
    drop(upload);
    // What is no file is not replaced.
    files.make_directory(&path("d")).unwrap();
    assert_eq!(files.store(&path("d"), Replace).err(), Some(Exists));
    assert_eq!(files.store(&path("no/f"), Replace).err(), Some(NotFound));
    assert_eq!(store(files, "g", New, "x"), Err(Exists));
    assert_eq!(names(files, "").unwrap(), ["d", "g"]);
}

#[test]
fn in_memory() {
    uploads_are_seen_while_they_come(&InPlace::new(Memory::new()));
}

#[test]
fn on_disk_with_a_quota_that_counts_once() {
    let scratch = Scratch::new();
    let limit = Usage {
        bytes: 14,
        files: 3,
    };
    let quota = std::sync::Arc::new(Quota::measure(scratch.files(), limit).unwrap());
    uploads_are_seen_while_they_come(&InPlace::new(quota.clone()));
    let counted = Quota::measure(scratch.files(), limit).unwrap().used();
    assert_eq!(quota.used(), counted);
}

#[cfg(unix)]
#[test]
fn the_file_stays_the_same_one() {
    use std::os::unix::fs::MetadataExt;
    let scratch = Scratch::new();
    let files = InPlace::new(scratch.files());
    store(&files, "f", New, "old").unwrap();
    std::fs::hard_link(scratch.path().join("f"), scratch.path().join("second")).unwrap();
    std::os::unix::fs::symlink("f", scratch.path().join("link")).unwrap();
    let inode = || std::fs::metadata(scratch.path().join("f")).unwrap().ino();
    let before = inode();
    store(&files, "link", Replace, "new").unwrap();
    assert_eq!(inode(), before);
    assert_eq!(read(&files, "second").unwrap(), b"new");
    assert!(facts(&files, "link").unwrap().is_link);
}
