//! Any request to the store may fail: nothing old is lost, nothing half is there, and nobody is told secrets.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use ftp_files::Files;
use ftp_files_object_store::Bucket;
use ftp_files_object_store::object_store::memory::InMemory;
use ftp_proto::server::{FileError, StoreMode};

use crate::common::*;

type Step = fn(&Bucket) -> Result<(), FileError>;

fn long(files: &Bucket, mode: StoreMode) -> Result<(), FileError> {
    store(files, "d/f", mode, content(LONG)).map(|_| ())
}

/// What a client asks, and the objects before.
fn steps() -> Vec<(&'static str, Step)> {
    vec![
        ("new", |files| long(files, StoreMode::New)),
        ("replace", |files| long(files, StoreMode::Replace)),
        ("append", |files| long(files, StoreMode::Append)),
        ("resume", |files| long(files, StoreMode::At(2))),
        ("short", |files| {
            store(files, "d/f", StoreMode::Replace, "short").map(|_| ())
        }),
        ("remove", |files| files.remove(&path("d/f"))),
        ("rename", |files| {
            files.rename(&path("d/f"), &path("g"), true)
        }),
        ("move", |files| files.rename(&path("d"), &path("e"), false)),
        ("make", |files| files.make_directory(&path("d/new"))),
        ("unmake", |files| files.remove_directory(&path("empty"))),
    ]
}

fn before(step: &str) -> Kept {
    let store = Kept::new();
    if step != "new" {
        put(&store, "d/f", b"old");
    }
    put(&store, "d/other", b"other");
    put(&store, "empty/.ftp-directory", b"");
    store
}

fn contents(store: &Kept) -> BTreeMap<String, Vec<u8>> {
    let bucket = Bucket::new(store.inner.clone()).unwrap();
    let keys = keys(store).into_iter().filter(|key| !key.contains(".ftp-"));
    keys.map(|key| (key.clone(), read(&bucket, &key).unwrap()))
        .collect()
}

#[test]
fn whichever_request_fails_what_was_there_is_there_or_the_new() {
    for (name, step) in steps() {
        let done = before(name);
        step(&done.bucket()).unwrap();
        let (requests, old, new) = (done.asked.count(), contents(&before(name)), contents(&done));
        assert!(requests > 0);
        for for_good in [false, true] {
            for fails in 1..=requests {
                let store = before(name);
                store.asked.fails_for_good.store(for_good, Ordering::SeqCst);
                store.asked.fail_at(fails);
                let result = step(&store.bucket());
                store.asked.fail_at(0);
                let found = contents(&store);
                let told = format!("{name}, request {fails} of {requests}: {result:?}");
                for (key, bytes) in &found {
                    let is_old = old.get(key) == Some(bytes);
                    assert!(
                        is_old || new.get(key) == Some(bytes),
                        "{key} is half, {told}"
                    );
                }
                // What is renamed or removed may be there twice, but is not lost.
                for bytes in old
                    .values()
                    .filter(|bytes| new.values().any(|it| it == *bytes))
                {
                    assert!(found.values().any(|it| it == bytes), "lost, {told}");
                }
                if result.is_ok() {
                    assert_eq!(found.len(), new.len(), "{told}");
                }
                if name != "move" && name != "rename" && name != "remove" {
                    assert!(found == old || found == new, "{told}");
                }
                if !for_good {
                    assert_eq!(store.asked.unfinished.load(Ordering::SeqCst), 0, "{told}");
                }
            }
        }
    }
}

#[test]
fn what_fails_is_told_to_those_who_run_the_server_without_secrets() {
    let store = before("replace");
    store.asked.fail_at(1);
    assert_eq!(store.bucket().enter(&path("d")), Err(FileError::Failed));
    assert_eq!(
        store.bucket().enter(&path("none")),
        Err(FileError::NotFound)
    );
    assert_eq!(
        *store.asked.texts.lock().unwrap(),
        ["Generic test error: it is out of order https://host/key"]
    );
    store.asked.fail_at(1);
    let failure = store.bucket().probe().unwrap_err();
    assert!(!format!("{failure} {failure:?}").contains("SECRET"));
    assert!(store.bucket().probe().is_ok());
}

#[test]
fn a_download_has_bytes_of_one_version_only() {
    let store = Kept::new();
    put(&store, "f", &content(LONG));
    let bucket = store.bucket();
    let mut opened = bucket.open(&path("f"), 0).unwrap();
    let mut some = [0; 1000];
    opened.reader.read_exact(&mut some).unwrap();
    // Pieces that were asked for before may still come.
    put(&store, "f", &vec![b'x'; LONG]);
    let mut rest = Vec::new();
    let end = opened.reader.read_to_end(&mut rest);
    assert!(end.is_err());
    // What comes after it is not the end.
    assert!(opened.reader.read(&mut some).is_err());
    assert!(rest == content(LONG)[1000..][..rest.len()]);
}

#[tokio::test]
async fn it_works_and_is_dropped_in_async_tasks() {
    let bucket = Bucket::new(InMemory::new()).unwrap();
    store(&bucket, "f", StoreMode::Replace, "bytes").unwrap();
    assert_eq!(read(&bucket, "f").unwrap(), b"bytes");
    drop(bucket);
}
