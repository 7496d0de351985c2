//! A server that is killed in the middle of an upload leaves the old file or the new one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use ftp_files::{Directory, Files};
use ftp_proto::server::StoreMode;

use crate::common::*;

const SERVED: &str = "FTP_FILES_TEST_SERVED";
const LENGTH: usize = 64 * 1024;

/// The program that is killed: it replaces a file for ever, and prints the number of each that it
/// committed.
#[test]
#[ignore = "run by the test below"]
fn child() {
    let Some(served) = std::env::var_os(SERVED) else {
        return;
    };
    let files = Directory::open(served).unwrap();
    let first = facts(&files, "f").map_or(0, |_| number(&read(&files, "f").unwrap()) + 1);
    for number in first.. {
        let mut upload = files.store(&path("f"), StoreMode::Replace).unwrap();
        for _ in 0..LENGTH / 4 / 256 {
            upload.write_all(&number.to_be_bytes().repeat(256)).unwrap();
        }
        upload.commit().unwrap();
        eprintln!("{number}");
    }
}

/// The number that a whole file consists of.
fn number(bytes: &[u8]) -> u32 {
    assert_eq!(bytes.len(), LENGTH);
    let (first, _) = bytes.split_first_chunk().unwrap();
    assert!(bytes.chunks(4).all(|chunk| chunk == first));
    u32::from_be_bytes(*first)
}

#[test]
fn a_killed_server_leaves_the_old_file_or_the_new_one() {
    let scratch = Scratch::new();
    let mut uploads_cut_off = 0;
    for round in 0..40 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--ignored", "--nocapture"])
            .env(SERVED, scratch.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut committed = 0;
        for _ in 0..=round {
            committed = lines.next().unwrap().unwrap().parse().unwrap();
        }
        // It is at the next one by now, at any place.
        for _ in 0..round * 1000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let found = number(&read(&scratch.files(), "f").unwrap());
        assert!(found >= committed, "{found} after {committed}");
        assert_eq!(names(&scratch.files(), "/").unwrap(), ["f"]);
        let left = std::fs::read_dir(scratch.path()).unwrap().count() - 1;
        uploads_cut_off = uploads_cut_off.max(left);
    }
    assert!(uploads_cut_off > 0, "no upload was hit");
}
