//! A server that is killed in the middle of an upload leaves the old file or the new one.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use ftp_files::{Directory, Files};
use ftp_proto::server::StoreMode;

use crate::common::*;

const SERVED: &str = "FTP_FILES_TEST_SERVED";
/// The name of the test, for the test program.
const THIS: &str = "crash::a_killed_server_leaves_the_old_file_or_the_new_one";
const LENGTH: usize = 64 * 1024;
const PIECES: usize = 64;

/// What is killed: it replaces a file for ever. During each upload, at another place each time, it
/// prints the number of the last that it committed.
fn replace_for_ever(served: &OsStr) -> ! {
    let files = Directory::open(served).unwrap();
    let mut number = number(&read(&files, "f").unwrap());
    loop {
        number += 1;
        let mut upload = files.store(&path("f"), StoreMode::Replace).unwrap();
        for piece in 0..PIECES {
            if piece == number as usize * 5 % PIECES {
                eprintln!("{}", number - 1);
            }
            let piece = number.to_be_bytes().repeat(LENGTH / 4 / PIECES);
            upload.write_all(&piece).unwrap();
        }
        upload.commit().unwrap();
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
    // This test is also the program that it kills.
    if let Some(served) = std::env::var_os(SERVED) {
        replace_for_ever(&served);
    }
    let scratch = Scratch::new();
    store(&scratch.files(), "f", StoreMode::New, [0; LENGTH]).unwrap();
    let mut uploads_cut_off = 0;
    for round in 0..40 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", THIS, "--nocapture"])
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
        // It may be further by now, at any place.
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
