//! Where the files of an FTP server are.
//!
//! [`Files`] is what a server asks for. Its paths are those of
//! [`ftp_proto::server`], resolved and below the root, and its errors too. There are
//!
//! * [`Directory`]: a directory on disk. No path, link or race leads out of it;
//! * [`Memory`]: the same in memory, for tests and demonstrations;
//! * [`Quota`]: any of them, with a limit;
//! * [`InPlace`]: any of them, with uploads that are written in place.
//!
//! ```
//! use std::io::{Read, Write};
//! use ftp_files::{Files, Memory};
//! use ftp_proto::server::{StoreMode, VirtualPath};
//!
//! let files = Memory::new();
//! let path = VirtualPath::root().resolve(b"notes.txt");
//! let mut upload = files.store(&path, StoreMode::Replace)?;
//! upload.write_all(b"not lost")?;
//! upload.commit()?; // the file appears now
//!
//! let mut opened = files.open(&path, 4)?;
//! let mut rest = String::new();
//! opened.reader.read_to_string(&mut rest)?;
//! assert_eq!((rest.as_str(), opened.size), ("lost", Some(8)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Nothing old is lost
//!
//! A file is replaced when all of the new one has come, at once, and not before. If an upload fails, the
//! file that was there stays as it was. Where none was, what came is kept, so that the client can go on
//! from there (`REST` and `STOR`, or `APPE`). Those two write in place.
//!
//! # What it leaves to others
//!
//! Who may do what is decided by [`Rights`](ftp_proto::server::Rights) before; calls block, and threads
//! are the server's.
#![forbid(unsafe_code)]

mod directory;
mod facts;
mod files;
mod hash;
mod in_place;
mod listing;
mod memory;
mod names;
mod pattern;
mod quota;

pub use directory::Directory;
pub use facts::Facts;
pub use files::{Entries, Files, Opened, ReadFile, WriteFile, answer, error_kind};
pub use in_place::InPlace;
pub use listing::Listing;
pub use memory::Memory;
pub use names::{is_usable, unique_name};
pub use quota::{Quota, Usage};
