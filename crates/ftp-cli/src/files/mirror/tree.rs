//! What is in a directory and below it, here and on a server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ftp_adapter::{Error, Fact, FileFacts};
use ftp_proto::DateTime;
use ftp_proto::listing::{Kind, OwnedEntry, Precision};
use ftp_tokio::{Pooled, SkipReason, Visit};
use sha2::{Digest, Sha256};

use crate::exit::Exit;
use crate::files::list::{DEPTH_LIMIT, why_skipped};
use crate::files::local::modified;
use crate::files::make::check_directory;
use crate::files::outcome::exit_of;
use crate::target::{RemotePath, local_name, remote_name};

/// Something in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File {
        size: Option<u64>,
        /// In UTC, to the second; `None` if that is not known.
        time: Option<DateTime>,
    },
    Directory,
    /// Neither, and what.
    Other(&'static str),
}

impl Node {
    /// As far as they are known.
    pub(super) fn facts(self) -> Option<FileFacts> {
        match self {
            Self::File {
                size: Some(size),
                time: Some(time),
            } => Some(FileFacts {
                size: Fact::Known(size),
                modified: Fact::Known(time),
            }),
            _ => None,
        }
    }
}

/// Something that is left out, and why.
#[derive(Debug, Clone)]
pub(super) struct LeftOut {
    pub(super) path: Vec<u8>,
    pub(super) why: String,
    /// `Success`: it is no failure.
    pub(super) exit: Exit,
}

/// All that is in a directory, by the path from there, with slashes.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<Vec<u8>, Node>,
    pub(super) left_out: Vec<LeftOut>,
    /// Not all of it was seen, for this reason.
    pub(super) doubt: Option<String>,
    /// How many lines of listings may name something that was not seen.
    pub(super) unread: Option<String>,
    /// An empty listing does not prove that there is nothing.
    is_remote: bool,
}

impl Tree {
    /// The directories that came empty, although there may be something in them: the root, and on a server
    /// every one.
    pub(super) fn unproven(&self) -> BTreeSet<&[u8]> {
        let directories = self
            .nodes
            .iter()
            .filter(|(_, node)| **node == Node::Directory);
        let mut empty: BTreeSet<&[u8]> = directories.map(|(path, _)| path.as_slice()).collect();
        if !self.is_remote {
            empty.clear();
        }
        empty.insert(b"");
        let left_out = self.left_out.iter().map(|left_out| &left_out.path);
        for path in self.nodes.keys().chain(left_out) {
            empty.remove(parent(path));
        }
        empty
    }

    /// How many bytes its files have.
    pub(super) fn bytes_of<'a>(&self, paths: impl IntoIterator<Item = &'a Vec<u8>>) -> u64 {
        let sizes = paths
            .into_iter()
            .filter_map(|path| match self.nodes.get(path) {
                Some(Node::File { size, .. }) => *size,
                _ => None,
            });
        sizes.sum()
    }

    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.left_out.is_empty() && self.doubt.is_none()
    }

    fn leave_out(&mut self, path: Vec<u8>, why: impl Into<String>, exit: Exit) {
        let why = why.into();
        self.left_out.push(LeftOut { path, why, exit });
    }
}

/// The directory that this is in; empty at the top.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    path.get(..end).unwrap_or_default()
}

/// The last name of a path.
pub(super) fn name(path: &[u8]) -> &[u8] {
    let start = path.iter().rposition(|byte| *byte == b'/');
    path.get(start.map_or(0, |start| start + 1)..)
        .unwrap_or_default()
}

/// Whether servers may leave this out of listings: the last name begins with a dot.
pub(super) fn is_hidden(path: &[u8]) -> bool {
    name(path).starts_with(b".")
}

const PART_START: &[u8] = b".ftp-cli-";

/// Whether files have such names while they come.
pub(super) fn is_part(name: &[u8]) -> bool {
    if name.starts_with(PART_START) {
        return name.ends_with(b".part") || name.ends_with(b".part.json");
    }
    // One that is not hidden may be somebody's who chose it, but hardly with such digits.
    let visible = PART_START.strip_prefix(b".").unwrap_or(PART_START);
    let digits = name
        .strip_prefix(visible)
        .and_then(|rest| rest.strip_suffix(b".part"));
    digits.is_some_and(|digits| digits.len() == 16 && digits.iter().all(u8::is_ascii_hexdigit))
}

/// The same name without the dot that hides it, for servers that want none.
pub(in crate::files) fn visible(part: &str) -> &str {
    part.strip_prefix('.').unwrap_or(part)
}

/// The name of a file while it comes: always the same for these, of the same length, and no other's.
pub(in crate::files) fn part_name(of: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in of {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    let digits: String = digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(".ftp-cli-{digits}.part")
}

/// The local path for one from a tree; `None` if a name in it cannot be that of a file here.
pub(super) fn local_path(root: &Path, path: &[u8]) -> Option<PathBuf> {
    let mut local = root.to_path_buf();
    for name in path.split(|byte| *byte == b'/') {
        local.push(local_name(name)?);
    }
    Some(local)
}

/// What is on the server. `explain` puts an error into words. `is_last`: a directory that cannot be listed
/// is left out, even if it may be listed another time.
///
/// # Errors
/// If the directory cannot be listed; any error that ends the connection.
pub(super) async fn walk(
    client: &mut Pooled,
    root: &RemotePath,
    is_last: bool,
    explain: impl Fn(&Error) -> String,
) -> Result<Tree, Error> {
    let mut tree = Tree {
        is_remote: true,
        ..Tree::default()
    };
    let mut walk = client.walk(root.as_bytes(), DEPTH_LIMIT);
    while let Some(visit) = walk.next().await {
        match visit? {
            Visit::Entry { path, entry } => {
                tree.nodes.insert(below(root, path), node(&entry));
            }
            Visit::Skipped {
                reason: SkipReason::NotListed(error),
                ..
            } if !is_last && error.may_pass() => return Err(*error),
            Visit::Skipped { path, reason } => {
                let path = below(root, path);
                let (why, exit) = match &reason {
                    SkipReason::NotListed(error) => {
                        let why = format!("{}: {}", why_skipped(&reason), explain(error));
                        (why, exit_of(error))
                    }
                    _ => (why_skipped(&reason).to_owned(), Exit::PeerFault),
                };
                if !matches!(reason, SkipReason::UnsafeName) {
                    tree.doubt = Some(format!("{}: {why}", String::from_utf8_lossy(&path)));
                }
                tree.leave_out(path, why, exit);
            }
            _ => {}
        }
    }
    match walk.skipped() {
        0 if walk.is_unfinished() => {
            tree.doubt = Some("a listing ended amid a line".to_owned());
        }
        0 => {}
        count => {
            let why = format!("{count} lines of the listings could not be read");
            tree.doubt = Some(why.clone());
            tree.unread = Some(why);
        }
    }
    drop(walk);
    if tree.is_empty() && !root.is_start() {
        check_directory(client, root).await?;
    }
    Ok(tree)
}

/// The path from the root on.
fn below(root: &RemotePath, path: Vec<u8>) -> Vec<u8> {
    let rest = path.strip_prefix(root.as_bytes()).unwrap_or(&path);
    rest.strip_prefix(b"/").unwrap_or(rest).to_vec()
}

fn node(entry: &OwnedEntry) -> Node {
    let entry = entry.borrow();
    match entry.kind {
        Kind::File => Node::File {
            size: entry.size,
            time: entry
                .modified
                .filter(|modified| modified.is_utc && modified.precision == Precision::Second)
                .map(|modified| modified.time.with_nanosecond(0)),
        },
        kind if kind.is_directory() => Node::Directory,
        Kind::Link => Node::Other("it is a link"),
        _ => Node::Other("it is neither a file nor a directory"),
    }
}

/// What is here. Links are not followed.
///
/// # Errors
/// If the directory itself cannot be read.
pub(super) fn scan(root: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let mut todo = vec![(root.to_path_buf(), Vec::new())];
    while let Some((directory, path)) = todo.pop() {
        let entries =
            match fs::read_dir(&directory).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
                Ok(entries) => entries,
                Err(error) if path.is_empty() => return Err(error),
                Err(error) => {
                    let why = format!("{}: {error}", directory.display());
                    tree.doubt = Some(why.clone());
                    tree.leave_out(path, why, Exit::LocalFile);
                    continue;
                }
            };
        for entry in entries {
            let file_name = entry.file_name();
            let sent = remote_name(&file_name);
            let mut path = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            match &sent {
                Some(name) => path.extend_from_slice(name),
                None => path.extend_from_slice(file_name.to_string_lossy().as_bytes()),
            }
            if sent.is_none() {
                tree.leave_out(path, "FTP cannot send its name", Exit::LocalFile);
                continue;
            }
            let node = match fs::symlink_metadata(entry.path()) {
                Err(error) => {
                    if error.kind() != io::ErrorKind::NotFound {
                        // It may be a directory, with much in it.
                        tree.doubt = Some(format!("{}: {error}", entry.path().display()));
                    }
                    tree.leave_out(path, error.to_string(), Exit::LocalFile);
                    continue;
                }
                Ok(found) if found.is_symlink() => Node::Other("it is a link"),
                Ok(found) if found.is_file() => Node::File {
                    size: Some(found.len()),
                    time: modified(&found),
                },
                Ok(found) if found.is_dir() => {
                    todo.push((entry.path(), path.clone()));
                    Node::Directory
                }
                Ok(_) => Node::Other("it is neither a file nor a directory"),
            };
            tree.nodes.insert(path, node);
        }
    }
    Ok(tree)
}
