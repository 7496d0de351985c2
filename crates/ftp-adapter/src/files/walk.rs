//! Going through a directory and all below it.

use ftp_proto::listing::{Kind, OwnedEntry};

use crate::Error;

/// A directory and all below it, as a work list: which directory to list next, and what its entries mean.
///
/// Give it the entries of each [`WalkStep::List`] with [`entry`](Self::entry), one by one, then
/// [`listed`](Self::listed) or [`failed`](Self::failed). Directories come after all entries of the one
/// that they are in.
///
/// * Only what the server calls a directory is entered: links are not followed. (Some servers call a link
///   to a directory a directory.)
/// * Circles end: a directory that has the fact `unique` of one above it is not entered, and nothing is
///   entered that lies deeper than the limit.
/// * Names that are not one plain component are skipped: they may lead elsewhere.
///
/// Paths are made with `/`. A name may have a backslash, as on Unix: before you make a local path of it, see
/// [`local_name`](ftp_proto::listing::Entry::local_name).
#[derive(Debug)]
pub struct Walk {
    /// The last is the next.
    todo: Vec<Directory>,
    /// The directory that is being listed.
    current: Option<Directory>,
    /// The directories in it, in their order.
    below: Vec<Directory>,
    limit: usize,
}

#[derive(Debug, Clone)]
struct Directory {
    /// `None`: the current one.
    path: Option<Vec<u8>>,
    depth: usize,
    /// The fact `unique` of this directory and those above it.
    unique: Vec<Vec<u8>>,
}

/// What a [`Walk`] wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkStep {
    /// The entries of this directory; `None` is the current one.
    List(Option<Vec<u8>>),
    /// Nothing: it is over.
    Done,
}

/// What a walk comes by.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all are entries")]
pub enum Visit {
    /// This.
    Entry {
        /// The path, beginning with that of the walk.
        path: Vec<u8>,
        /// What the server says of it.
        entry: OwnedEntry,
    },
    /// This is left out, or not entered.
    Skipped {
        /// The path. If the name is [not plain](SkipReason::UnsafeName), it may mean something else.
        path: Vec<u8>,
        /// Why.
        reason: SkipReason,
    },
}

/// Why something is left out of a walk.
#[derive(Debug)]
#[non_exhaustive]
pub enum SkipReason {
    /// The name is not one plain component of a path: there is `/`, CR, LF or NUL in it, it is empty, `.`
    /// or `..`, or it has backslashes, and would lead elsewhere if they were slashes.
    UnsafeName,
    /// The directory lies deeper than the limit. Its own entry came before this.
    TooDeep,
    /// The directory is one of those above it. Its own entry came before this.
    Circle,
    /// The directory could not be listed, or not to the end. Its own entry came before this.
    NotListed(Box<Error>),
}

impl Walk {
    /// Of this directory (`None`: the current one), its directories, and theirs, down to this many levels;
    /// with 0, of its own entries alone.
    pub fn new(path: Option<&[u8]>, limit: usize) -> Self {
        Self {
            todo: vec![Directory {
                path: path.map(<[u8]>::to_vec),
                depth: 0,
                unique: Vec::new(),
            }],
            current: None,
            below: Vec::new(),
            limit,
        }
    }

    /// What to list next. The same again, until it was listed or failed.
    pub fn step(&mut self) -> WalkStep {
        if self.current.is_none() {
            self.current = self.todo.pop();
        }
        match &self.current {
            Some(directory) => WalkStep::List(directory.path.clone()),
            None => WalkStep::Done,
        }
    }

    /// An entry of the directory that is being listed. There may be two things to say of it.
    pub fn entry(&mut self, entry: OwnedEntry) -> impl Iterator<Item = Visit> + use<> {
        let (first, second) = match &self.current {
            Some(directory) => visit(directory, entry, self.limit, &mut self.below),
            None => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// That were all entries.
    pub fn listed(&mut self) {
        self.current = None;
        self.todo.extend(self.below.drain(..).rev());
    }

    /// The directory could not be listed. What was found in it so far counts.
    ///
    /// # Errors
    /// The error, if it is the whole connection's, or there is nothing without this directory.
    pub fn failed(&mut self, error: Error) -> Result<Visit, Error> {
        let depth = self.current.as_ref().map_or(0, |current| current.depth);
        if depth == 0 || !is_of_one_directory(&error) {
            return Err(error);
        }
        let path = self.current.as_ref().and_then(|it| it.path.clone());
        self.listed();
        Ok(Visit::Skipped {
            path: path.unwrap_or_default(),
            reason: SkipReason::NotListed(Box::new(error)),
        })
    }
}

fn is_of_one_directory(error: &Error) -> bool {
    matches!(
        error,
        Error::Transfer { .. } | Error::Refused(_) | Error::UnusableReply { .. }
    )
}

fn visit(
    parent: &Directory,
    entry: OwnedEntry,
    limit: usize,
    below: &mut Vec<Directory>,
) -> (Option<Visit>, Option<Visit>) {
    let path = join(parent.path.as_deref(), entry.name());
    let skipped = |path, reason| Some(Visit::Skipped { path, reason });
    match entry.kind() {
        Kind::CurrentDirectory | Kind::ParentDirectory => return (None, None),
        _ if !is_plain(&entry) => return (skipped(path, SkipReason::UnsafeName), None),
        Kind::Directory => {}
        _ => return (Some(Visit::Entry { path, entry }), None),
    }
    let unique = entry.borrow().unique.map(<[u8]>::to_vec);
    let reason = if unique.iter().any(|unique| parent.unique.contains(unique)) {
        Some(SkipReason::Circle)
    } else if parent.depth >= limit {
        Some(SkipReason::TooDeep)
    } else {
        let mut directory = Directory {
            path: Some(path.clone()),
            depth: parent.depth + 1,
            unique: parent.unique.clone(),
        };
        directory.unique.extend(unique);
        below.push(directory);
        None
    };
    let second = reason.and_then(|reason| skipped(path.clone(), reason));
    (Some(Visit::Entry { path, entry }), second)
}

/// Whether the name is one component of a path. On Unix it may have a backslash. To a server that takes it
/// for a slash, the path leads further below then, and nowhere else.
pub(super) fn is_plain(entry: &OwnedEntry) -> bool {
    let Some(name) = entry.borrow().local_name_on_unix() else {
        return false;
    };
    let leads_below = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&b':');
    // A CR could not be sent.
    !name.iter().any(|byte| b"\r\n".contains(byte))
        && (!name.contains(&b'\\') || name.split(|byte| *byte == b'\\').all(leads_below))
}

/// The path of something in this directory.
pub(super) fn join(directory: Option<&[u8]>, name: &[u8]) -> Vec<u8> {
    let mut path = directory.unwrap_or_default().to_vec();
    if !path.is_empty() && !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
