//! Limits hold, whoever writes.

use std::io::Write;
use std::sync::Arc;

use ftp_files::{Files, Memory, Quota, Usage, error_kind};
use ftp_proto::server::FileError::{Busy, NoSpace};
use ftp_proto::server::StoreMode::{Append, At, New, Replace};

use crate::common::*;

fn limited(bytes: u64, files: u64) -> Quota<Memory> {
    Quota::new(Memory::new(), Usage { bytes, files }, Usage::default())
}

#[test]
fn ten_threads_stay_below_the_limit_together() {
    const LIMIT: Usage = Usage {
        bytes: 10_000,
        files: 30,
    };
    let scratch = Scratch::new();
    let files = Arc::new(Quota::measure(scratch.files(), LIMIT).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..10_usize {
            let files = Arc::clone(&files);
            scope.spawn(move || {
                for round in 0..40 {
                    let own = format!("{thread}-{}", round % 5);
                    let shared = format!("shared-{}", round % 3);
                    let modes = [
                        (&own, Replace),
                        (&shared, Append),
                        (&shared, Replace),
                        (&own, At(0)),
                    ];
                    for (name, mode) in modes {
                        let Ok(mut upload) = files.store(&path(name), mode) else {
                            continue;
                        };
                        let _ = upload.write_all(&[0; 700]);
                        let _ = upload.write_all(&vec![0; 13 * thread]);
                        let _ = if round % 4 == 0 {
                            upload.discard()
                        } else {
                            upload.commit()
                        };
                    }
                    let _ = files.rename(&path(&own), &path(&shared), true);
                    let _ = files.remove(&path(&own));
                    let used = files.used();
                    assert!(
                        used.bytes <= LIMIT.bytes && used.files <= LIMIT.files,
                        "{used:?}"
                    );
                }
            });
        }
    });
    let counted = Quota::measure(scratch.files(), LIMIT).unwrap().used();
    assert_eq!(files.used(), counted);
    assert!(counted.files > 0);
}

#[test]
fn what_is_there_counts_from_the_start() {
    let memory = Memory::new();
    memory.make_directory(&path("d")).unwrap();
    memory.make_directory(&path("d/e")).unwrap();
    store(&memory, "d/e/f", New, "12345").unwrap();
    store(&memory, "g", New, "67").unwrap();
    let files = Quota::measure(memory, Usage { bytes: 8, files: 5 }).unwrap();
    assert_eq!(files.used(), Usage { bytes: 7, files: 4 });
    assert_eq!(store(&files, "h", New, "12"), Err(NoSpace));
    assert_eq!(
        read(&files, "h").unwrap(),
        b"1",
        "as much as there was room for"
    );
    assert_eq!(files.make_directory(&path("i")), Err(NoSpace));
    assert_eq!(store(&files, "i", Append, ""), Err(NoSpace));
    files.remove(&path("d/e/f")).unwrap();
    files.remove_directory(&path("d/e")).unwrap();
    assert_eq!(files.used(), Usage { bytes: 3, files: 3 });
}

#[test]
fn what_is_written_over_is_counted_once() {
    let files = limited(10, 2);
    store(&files, "f", New, "0123456789").unwrap();
    store(&files, "f", At(0), "9876543210").unwrap();
    assert_eq!(store(&files, "f", At(9), "xy"), Err(NoSpace));
    assert_eq!(files.used().bytes, 10);
    store(&files, "f", At(2), "!").unwrap();
    assert_eq!(files.used().bytes, 3);
    // The old file and the new one are there together for a time.
    store(&files, "f", Replace, "1234567").unwrap();
    assert_eq!(store(&files, "f", Replace, "1234"), Err(NoSpace));
    assert_eq!(files.used(), Usage { bytes: 7, files: 1 });
}

#[test]
fn what_is_written_in_place_is_left_alone() {
    let files = limited(100, 10);
    files.make_directory(&path("d")).unwrap();
    let mut upload = files.store(&path("d/f"), Append).unwrap();
    upload.write_all(b"x").unwrap();
    let (file, other, directory) = (path("d/f"), path("g"), path("d"));
    assert_eq!(files.remove(&file), Err(Busy));
    assert_eq!(files.rename(&file, &other, true), Err(Busy));
    assert_eq!(files.rename(&directory, &other, true), Err(Busy));
    for mode in [Append, At(0), Replace, New] {
        assert_eq!(files.store(&file, mode).err(), Some(Busy), "{mode:?}");
    }
    store(&files, "g", New, "g").unwrap();
    assert_eq!(files.rename(&other, &file, true), Err(Busy));
    upload.commit().unwrap();
    assert_eq!(files.rename(&other, &file, true), Ok(()));
    assert_eq!(files.used(), Usage { bytes: 1, files: 2 });
}

#[test]
fn the_error_of_a_writer_is_that_of_the_server() {
    let files = limited(1, 1);
    let mut upload = files.store(&path("f"), New).unwrap();
    assert_eq!(upload.write(b"12").unwrap(), 1);
    assert_eq!(error_kind(&upload.write(b"2").unwrap_err()), NoSpace);
    assert_eq!(upload.write(b"").unwrap(), 0);
}

#[test]
fn a_limit_that_changes_holds_for_uploads_under_way() {
    let files = limited(10, 10);
    let a = path("a");
    let mut upload = files.store(&a, New).unwrap();
    upload.write_all(b"ten bytes!").unwrap();
    assert!(upload.write_all(b"!").is_err());
    files.set_limit(Usage {
        bytes: 12,
        files: 1,
    });
    upload.write_all(b"!!").unwrap();
    assert!(upload.write_all(b"!").is_err());
    upload.commit().unwrap();
    // Less than there is: nothing goes, and nothing comes.
    files.set_limit(Usage { bytes: 1, files: 1 });
    assert_eq!(
        files.used(),
        Usage {
            bytes: 12,
            files: 1
        }
    );
    let other = path("b");
    assert_eq!(files.make_directory(&other), Err(NoSpace));
}
