//! Listings in pages, and names that other programs made.

use std::sync::atomic::Ordering;

use ftp_files::Files;
use ftp_files_object_store::MOST_RENAMED;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::FileError::{NotAllowed, NotEmpty, NotFound};

use crate::common::*;

#[test]
fn a_listing_asks_for_a_page_when_the_one_before_is_read() {
    let store = Kept::new();
    for at in 0..9 {
        put(&store, &format!("d/{at}"), b"x");
        put(&store, &format!("d/sub{at}/x"), b"x");
    }
    let bucket = store.bucket();
    let mut entries = bucket.list(&path("d"), FactNames::ALL).unwrap();
    assert_eq!(store.asked.pages.load(Ordering::SeqCst), 1);
    for _ in 0..4 {
        entries.next().unwrap().unwrap();
    }
    assert_eq!(store.asked.pages.load(Ordering::SeqCst), 2);
    assert_eq!(entries.count(), 14);
    assert_eq!(store.asked.pages.load(Ordering::SeqCst), 9);
}

#[test]
fn a_listing_that_fails_in_the_middle_says_so() {
    let store = Kept::new();
    for at in 0..9 {
        put(&store, &at.to_string(), b"x");
    }
    store.asked.fail_at(3);
    let entries = store.bucket().list(&path("/"), FactNames::ALL).unwrap();
    let entries: Vec<_> = entries.collect();
    assert_eq!(entries.len(), 5);
    assert!(entries[..4].iter().all(Result::is_ok) && entries[4].is_err());
}

#[test]
fn objects_of_others_are_files_and_directories() {
    let store = Kept::new();
    put(&store, "p/a", b"file");
    put(&store, "p/a/b", b"in it");
    put(&store, "p/deep/er/x", b"x");
    put(&store, "other/x", b"x");
    put(&store, "pp/x", b"x");
    let bucket = store.bucket().below(&path("p")).unwrap();
    assert_eq!(names(&bucket, "/").unwrap(), ["a", "a/", "deep/"]);
    assert_eq!(names(&bucket, "a").unwrap(), ["b"]);
    let facts = bucket.facts(&path("a"), FactNames::ALL).unwrap();
    assert_eq!(facts.kind, Kind::File);
    assert_eq!(read(&bucket, "a").unwrap(), b"file");
    assert_eq!(bucket.remove_directory(&path("deep")), Err(NotEmpty));
    bucket.remove(&path("a")).unwrap();
    assert_eq!(names(&bucket, "/").unwrap(), ["a/", "deep/"]);
    assert_eq!(read(&bucket, "../other/x"), Err(NotFound));
    assert_eq!(keys(&store), ["other/x", "p/a/b", "p/deep/er/x", "pp/x"]);
}

#[test]
fn what_a_client_makes_is_a_marker_that_it_cannot_see() {
    let store = Kept::new();
    let bucket = store.bucket();
    bucket.make_directory(&path("d")).unwrap();
    assert_eq!(keys(&store), ["d/.ftp-directory"]);
    assert!(names(&bucket, "d").unwrap().is_empty());
    assert_eq!(read(&bucket, "d/.ftp-directory"), Err(NotAllowed));
    bucket.remove_directory(&path("d")).unwrap();
    assert!(keys(&store).is_empty());
}

#[test]
fn a_directory_with_too_much_in_it_is_not_renamed() {
    let store = Kept::new();
    for at in 0..MOST_RENAMED {
        put(&store, &format!("d/{at}"), b"x");
    }
    let bucket = store.bucket();
    bucket.rename(&path("d"), &path("e"), false).unwrap();
    assert_eq!(keys(&store).len(), MOST_RENAMED);
    put(&store, "e/one more", b"x");
    let before = keys(&store);
    assert_eq!(
        bucket.rename(&path("e"), &path("f"), false),
        Err(NotAllowed)
    );
    assert_eq!(keys(&store), before);
}
