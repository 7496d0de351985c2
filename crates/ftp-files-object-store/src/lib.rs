//! The files of an FTP server in an object store: S3 and what speaks its protocol, Google Cloud Storage,
//! Azure Blob Storage, a directory, memory.
//!
//! [`Bucket`] is [`ftp_files::Files`] on the crate [`object_store`]. The servers hold nothing then, and there can
//! be any number of them.
//!
//! ```
//! use std::io::{Read, Write};
//! use ftp_files::Files;
//! use ftp_files_object_store::Bucket;
//! use ftp_proto::server::{StoreMode, VirtualPath};
//!
//! // Or "s3://bucket/prefix", with the feature `aws` and AWS_ACCESS_KEY_ID and so on in the environment.
//! let files = Bucket::open("memory:///", std::env::vars())?;
//! let path = VirtualPath::root().resolve(b"notes.txt");
//! let mut upload = files.store(&path, StoreMode::Replace)?;
//! upload.write_all(b"not lost")?;
//! upload.commit()?; // the object appears now
//!
//! let mut opened = files.open(&path, 4)?;
//! let mut rest = String::new();
//! opened.reader.read_to_string(&mut rest)?;
//! assert_eq!((rest.as_str(), opened.size), ("lost", Some(8)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server is told what the store cannot do, so that `FEAT` does not offer it:
//!
//! ```
//! use ftp_proto::server::{Config, FilesConfig, Rights};
//!
//! let files = FilesConfig::new()
//!     .rights(Rights::ALL)
//!     .facts(ftp_files_object_store::facts())
//!     .sets_times(false);
//! let config = Config::new().files(files);
//! ```
//!
//! # What the commands do
//!
//! | command | what happens |
//! |---|---|
//! | `RETR`, `REST` | reads a [piece](Bucket::piece) at a time, and the next one ahead. All are of the same version of the object: if it is replaced meanwhile, the transfer fails (451) |
//! | `STOR`, `STOU` | the object appears when all has come, at once, as one `PUT` or a multipart upload; if that fails it is aborted, and what was there stays. See [`keeps_incomplete`](Bucket::keeps_incomplete) |
//! | `STOR` after `REST`, `APPE` | no store writes into an object. What stays of the old one is read and stored again before what comes, so this costs as much as it is long, and 150 is said behind it. The result appears as a whole, too |
//! | `DELE` | if nothing else is in the directory it gets a marker, so that it stays, as on a disk |
//! | `MKD`, `RMD`, `CWD` | see below. `RMD` removes empty directories only. An upload under way does not keep one: it makes it again |
//! | `RNFR`, `RNTO` | a copy, and then the removal of the old: for a moment both are there. An object of more than 5 GiB is read and stored again. A directory too, with at most [`MOST_RENAMED`] objects in it (else 550): all are copied, and removed when all have been copied |
//! | `SIZE`, `MDTM`, `MLST`, `MLSD`, `LIST`, `NLST` | what the store says; directories have no time. A listing holds a page of it, at most 1,000 entries, if the store [lists in pages](Bucket::paged) |
//! | `MFMT`, `SITE CHMOD` | 502 |
//!
//! That a file must not be replaced (users without the right `overwrite`, `STOU`) is asked of the store if it can do
//! it and the file is not longer than a piece; else it is looked up just before, and two who upload the same
//! name at the same time may both succeed: the later one stays.
//!
//! # Directories
//!
//! A store has none: `a/b` is a name. So a directory is there as long as anything is in it. One that a client
//! made, or from which the last file was removed, has an empty object in it, `.ftp-directory`, which is
//! not listed and which no client can name. Where there are both `a` and `a/b`, `a` is listed twice: it is
//! a file to `RETR`, `SIZE`, `DELE` and `RNFR`, and a directory to `CWD` and `MLSD`.
//!
//! Objects whose names end with `/`, which some programs make for directories, are directories, but `RMD`
//! refuses them: `object_store` cannot name them. A name with `//`, `.` or `..` as a part, or with control
//! characters, makes the directory that it is in impossible to list, and no client can name it.
//!
//! Names are UTF-8, and have no control characters; a key, with the prefix, has about 1,000 bytes. All else
//! is taken as it is: `%` is `%`. `..` is resolved before, so nothing leads out of the prefix.
//!
//! # Threads
//!
//! Calls block, as everywhere in [`Files`](ftp_files::Files), and work with every runtime and none: the requests
//! run on a tokio runtime of the bucket's own, which its clones and all that is opened share. A call from an async
//! task works, but keeps that thread, with all tasks on it, until the store has answered: servers call from
//! threads that may block.
//!
//! # Memory
//!
//! A transfer holds at most two [pieces](Bucket::piece), 16 MiB by default; a short file as much as it is
//! long. Limit the number of transfers by that.
//!
//! # Features
//!
//! `aws`, `gcp`, `azure` and `fs` are those of `object_store`. None is on by default; memory needs none. For a
//! directory on disk [`ftp_files::Directory`] does more, and no link leads out of it.
#![forbid(unsafe_code)]

mod bucket;
mod files;
mod keys;
mod pages;
mod problem;
mod read;
mod rename;
mod threads;
mod upload;
mod url;

pub use bucket::Bucket;
pub use object_store;
pub use problem::Failure;
pub use rename::MOST_RENAMED;
pub use url::OpenError;

use ftp_proto::listing::FactNames;

/// The facts of a file that there are here, for `FilesConfig::facts`.
pub fn facts() -> FactNames {
    FactNames::TYPE | FactNames::SIZE | FactNames::MODIFY | FactNames::PERM
}

/// Its example runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
