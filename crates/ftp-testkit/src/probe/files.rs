//! What a probe does with files.
//!
//! Paths are hexadecimal. What is sent is a pattern that `interop/` can make too: see [`pattern`].

use std::fmt;

use ftp_adapter::{Error, Report};
use ftp_proto::client::TransferError;
use ftp_proto::listing::{Kind, OwnedEntry};
use sha2::{Digest, Sha256};

use super::from_hex;

/// One thing done with files, any number of times. Each prints a line: what is said here, or what
/// [`refusal`] says. Then the probe goes on, if the connection does.
#[derive(Debug)]
pub struct FileStep {
    /// How often. One line is printed, unless they differ.
    pub times: u32,
    /// What.
    pub work: FileWork,
}

/// See [`FileStep`].
#[derive(Debug)]
pub enum FileWork {
    /// `RETR`, from this byte on: prints `Received`, the number of bytes, and their SHA-256.
    Retrieve(Vec<u8>, u64),
    /// `RETR`: prints `Counted` and the number of bytes.
    Count(Vec<u8>),
    /// `STOR`, from this byte on of the pattern: prints `Sent` and the number of bytes.
    Store(Vec<u8>, u64, Pattern),
    /// `APPE`: prints the same.
    Append(Vec<u8>, Pattern),
    /// Drops a download after so many bytes; then `PWD`: prints `Cut` and the code of the reply.
    CutDownload(Vec<u8>, u64),
    /// Drops an upload after so many bytes: the same.
    CutUpload(Vec<u8>, Pattern),
    /// Lists: prints `Listed` and each entry as type, size and name, in order of their names.
    List(Vec<u8>),
    /// `NLST`: prints `Named` and each name, in order.
    Names(Vec<u8>),
    /// Prints `Size` and the bytes.
    Size(Vec<u8>),
    /// Prints `Modified` and the time.
    Modified(Vec<u8>),
    /// `MLST`: prints `Facts` and the entry, as in a listing.
    Facts(Vec<u8>),
    /// Prints `Renamed`.
    Rename(Vec<u8>, Vec<u8>),
    /// Prints `Made`.
    MakeDir(Vec<u8>),
    /// Prints `RemovedDir`.
    RemoveDir(Vec<u8>),
    /// Prints `RemovedFile`.
    RemoveFile(Vec<u8>),
}

/// What is sent: the first bytes of the pattern of a seed.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// How many.
    pub bytes: usize,
    /// Of which pattern.
    pub seed: u32,
}

impl FileStep {
    /// Reads one, if the word is of one: `retrieve PATH`, `retrieve-from PATH OFFSET`, `count PATH`,
    /// `store PATH BYTES SEED`, `store-from PATH OFFSET BYTES SEED`, `append PATH BYTES SEED`,
    /// `cut PATH BYTES`, `cut-store PATH BYTES SEED`, `list [PATH]`, `names [PATH]`, `size PATH`,
    /// `modified PATH`, `facts PATH`, `rename PATH PATH`, `mkdir PATH`, `rmdir PATH`, `delete PATH`;
    /// and `times COUNT` with one of these behind it.
    pub(super) fn read(word: &str, rest: &str) -> Option<Self> {
        if word == "times" {
            let (times, step) = rest.split_once(' ')?;
            let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
            let once = Self::read(word, rest)?;
            let times = times.parse().ok()?;
            return Some(Self { times, ..once });
        }
        let mut words = rest.split(' ').filter(|word| !word.is_empty());
        let work = FileWork::read(word, &mut words)?;
        Some(Self { times: 1, work })
    }
}

impl FileWork {
    fn read<'a>(word: &str, words: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let path = words.next().map(from_hex);
        Some(match word {
            "retrieve" => Self::Retrieve(path?, 0),
            "retrieve-from" => Self::Retrieve(path?, number(words)?),
            "count" => Self::Count(path?),
            "store" => Self::Store(path?, 0, Pattern::read(words)?),
            "store-from" => Self::Store(path?, number(words)?, Pattern::read(words)?),
            "append" => Self::Append(path?, Pattern::read(words)?),
            "cut" => Self::CutDownload(path?, number(words)?),
            "cut-store" => Self::CutUpload(path?, Pattern::read(words)?),
            "list" => Self::List(path.unwrap_or_default()),
            "names" => Self::Names(path.unwrap_or_default()),
            "size" => Self::Size(path?),
            "modified" => Self::Modified(path?),
            "facts" => Self::Facts(path?),
            "rename" => Self::Rename(path?, from_hex(words.next()?)),
            "mkdir" => Self::MakeDir(path?),
            "rmdir" => Self::RemoveDir(path?),
            "delete" => Self::RemoveFile(path?),
            _ => return None,
        })
    }
}

fn number<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<u64> {
    words.next()?.parse().ok()
}

impl Pattern {
    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(Self {
            bytes: words.next()?.parse().ok()?,
            seed: words.next()?.parse().ok()?,
        })
    }

    /// The bytes themselves, all of them.
    pub fn make(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes + 16);
        for block in 0.. {
            if bytes.len() >= self.bytes {
                break;
            }
            bytes.extend_from_slice(&pattern(self.seed, block));
        }
        bytes.truncate(self.bytes);
        bytes
    }
}

/// One block of a pattern: no two are the same, and each has bytes that must not be taken for ends of
/// lines or Telnet.
pub fn pattern(seed: u32, block: u64) -> [u8; 16] {
    let mut bytes = *b"\xff\r\n\0............";
    bytes[4..8].copy_from_slice(&seed.to_be_bytes());
    bytes[8..].copy_from_slice(&block.to_be_bytes());
    bytes
}

/// What has been received.
#[derive(Default)]
pub struct Content {
    bytes: usize,
    hash: Sha256,
}

impl Content {
    /// More of it.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.hash.update(bytes);
    }

    /// The number of bytes, and their SHA-256.
    pub fn done(self) -> String {
        let hash = self.hash.finalize();
        format!("{} {}", self.bytes, hex(&hash))
    }
}

/// How many data connections were under TLS, and how many of these resumed a session.
#[derive(Default)]
pub struct Sessions {
    all: u32,
    resumed: u32,
}

impl Sessions {
    /// One more.
    pub fn count(&mut self, report: &Report) {
        if let Some(tls) = &report.tls {
            self.all += 1;
            self.resumed += u32::from(tls.resumed);
        }
    }
}

impl fmt::Display for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resumed {} of {}", self.resumed, self.all)
    }
}

/// Type, size and name of each.
pub fn entries(mut entries: Vec<OwnedEntry>) -> String {
    entries.sort_by(|one, other| one.borrow().name.cmp(other.borrow().name));
    let entry = |found: &OwnedEntry| entry(found, found.borrow().name);
    entries.iter().map(entry).collect()
}

/// The facts of one file. Some servers give its whole path, and others its name.
pub fn facts(found: &OwnedEntry) -> String {
    let name = found.borrow().name;
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    entry(found, name)
}

/// A blank, then type, size and this name.
fn entry(entry: &OwnedEntry, name: &[u8]) -> String {
    let entry = entry.borrow();
    let kind = match entry.kind {
        Kind::File => "file",
        Kind::Link => "link",
        Kind::Other => "other",
        _ => "dir",
    };
    // That of a directory says nothing.
    let size = entry.size.filter(|_| kind == "file");
    let size = size.map_or("-".into(), |size| size.to_string());
    format!(" {kind}:{size}:{}", hex(name))
}

/// Each name.
pub fn names(mut names: Vec<Vec<u8>>) -> String {
    names.sort();
    names.iter().map(|name| format!(" {}", hex(name))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why nothing, or not all, was done, if the connection goes on: the code of a refusal, or the name of
/// the error of a transfer, with the code if there is one.
pub fn refusal(error: &Error) -> Option<String> {
    let code = error
        .code()
        .map(|code| format!(" {code}"))
        .unwrap_or_default();
    let name = match error {
        Error::Refused(_) => return Some(code.trim().to_owned()),
        Error::Transfer { error, .. } => match **error {
            TransferError::Refused { .. } => return Some(code.trim().to_owned()),
            TransferError::UnusableReply { .. } => "Unusable",
            TransferError::NotOpened => "NotOpened",
            TransferError::Failed { .. } => "Failed",
            TransferError::CutOff { .. } => "CutOff",
            TransferError::LengthDiffers { .. } => "LengthDiffers",
            TransferError::NotBegun => "NotBegun",
            TransferError::Unknown => "Unknown",
            TransferError::Aborted => "Aborted",
            _ => "Other",
        },
        Error::UnusableReply { .. } => "Unusable",
        Error::NotSupported(_) => "NotSupported",
        _ => return None,
    };
    Some(format!("{name}{code}"))
}
