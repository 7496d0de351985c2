//! What a client does with files besides moving bytes, without waiting.
//!
//! * An [`Exchange`] is a sequence of commands, each sent when the one before is answered: [`pwd`],
//!   [`Rename`], [`Hashing`] and the like. A dialect has one loop for all of them, around
//!   [`PendingEvents::turn`](crate::PendingEvents::turn).
//! * A [`Listing`] finds out which command lists a directory, and what its failure means; an
//!   [`EntryReader`] or [`NameReader`] makes items of the bytes.
//! * [`Walk`] and [`Removal`] are the work lists of going through directories.

mod commands;
mod exchange;
mod hash;
mod known;
mod lines;
mod listing;
mod methods;
mod removal;
mod steps;
mod walk;

pub use commands::{
    Ask, allocate, cdup, chmod, cwd, facts, make_dir, modified, noop, options, pwd, remove_dir,
    remove_file, site, space, status, system,
};
pub use exchange::{Exchange, Turn};
pub use hash::{Hash, Hashing};
pub use known::{FeaturesOf, Known, Return};
pub use lines::{EntryReader, ListingReader, NameReader};
pub use listing::{Listing, ListingStep};
pub use removal::{Removal, RemovalStep};
pub use steps::{Rename, SetModified, Size};
pub use walk::{SkipReason, Visit, Walk, WalkStep};

/// The path of a directory: none, for the current one, if it is empty.
pub fn directory(path: &[u8]) -> Option<&[u8]> {
    Some(path).filter(|path| !path.is_empty())
}
