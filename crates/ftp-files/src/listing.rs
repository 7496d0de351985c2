//! Listings as bytes.

use std::io::{self, Read};
use std::time::SystemTime;

use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, write_facts, write_list};
use ftp_proto::server::{FileError, ListKind, Rights, VirtualPath};

use crate::facts::date_time;
use crate::{Entries, Facts, Files, ReadFile, pattern};

/// How many bytes are written at once, about.
const PIECE: usize = 8 * 1024;

/// The lines of a listing (`LIST`, `NLST`, `MLSD`), each with LF at its end, as they are read. Memory
/// does not grow with the directory. Times are in UTC.
///
/// Where there is nothing of a name that has `*` (any bytes) or `?` (any byte) in it, `LIST` and `NLST` list what it
/// fits in that directory: `mget *.txt` of many clients is an `NLST`. As in a shell, names with a dot in front
/// are listed only if the pattern begins with one.
///
/// ```
/// use std::io::Read;
/// use ftp_files::{Files, Listing, Memory};
/// use ftp_proto::server::{ListKind, Rights, VirtualPath};
///
/// let files = Memory::new();
/// files.make_directory(&VirtualPath::root().resolve(b"pub"))?;
/// let mut listing = Listing::open(&files, &VirtualPath::root(), ListKind::Names, Rights::READ_ONLY)?;
/// let mut lines = String::new();
/// listing.read_to_string(&mut lines)?;
/// assert_eq!(lines, "pub\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Listing {
    /// Until the end, or an error.
    entries: Option<Entries>,
    kind: ListKind,
    rights: Rights,
    now: DateTime,
    /// Not what is in the directory that was asked for, but what was asked for itself.
    by_name: bool,
    prefix: Vec<u8>,
    lines: Vec<u8>,
    /// How much of the lines was read.
    read: usize,
    /// To be returned after them.
    error: Option<FileError>,
}

impl Listing {
    /// Lists a directory, or, if it is not for `MLSD`, one file or those that a pattern fits. The rights are the
    /// user's: they are shown as the fact `perm`.
    ///
    /// # Errors
    /// As [`Files::list`] and [`Files::facts`].
    pub fn open<F: Files + ?Sized>(
        files: &F,
        path: &VirtualPath,
        kind: ListKind,
        rights: Rights,
    ) -> Result<Self, FileError> {
        let needed = match kind {
            ListKind::Names => FactNames::NONE,
            ListKind::Facts(facts) => facts,
            _ => FactNames::TYPE | FactNames::SIZE | FactNames::MODIFY | FactNames::UNIX_MODE,
        };
        let (by_name, entries) = match files.list(path, needed) {
            Err(FileError::NotFound) if !matches!(kind, ListKind::Facts(_)) => {
                (true, named(files, path, needed)?)
            }
            listed => (false, listed?),
        };
        Ok(Self {
            entries: Some(entries),
            kind,
            rights,
            now: date_time(SystemTime::now()),
            by_name,
            prefix: Vec::new(),
            lines: Vec::new(),
            read: 0,
            error: None,
        })
    }

    /// The path as the client wrote it. `NLST` says it before each name, since the client sends back what it gets
    /// (RFC 1123 §4.1.2.7): `dir/a` for `dir`, and for `dir/*` too.
    #[must_use]
    pub fn written(mut self, path: &[u8]) -> Self {
        if self.kind == ListKind::Names {
            let slash = path.iter().rposition(|byte| *byte == b'/');
            let above = slash.map_or(0, |slash| slash + 1);
            self.prefix = match self.by_name {
                true => path[..above].to_vec(),
                false if above == path.len() => path.to_vec(),
                false => [path, b"/"].concat(),
            };
        }
        self
    }

    fn write_lines(&mut self) {
        self.lines.clear();
        self.read = 0;
        while let Some(entries) = self.entries.as_mut().filter(|_| self.lines.len() < PIECE) {
            match entries.next() {
                Some(Ok(facts)) => self.write_line(facts),
                end => {
                    self.entries = None;
                    self.error = end.and_then(Result::err);
                }
            }
        }
    }

    /// What no line can hold is left out.
    fn write_line(&mut self, facts: Facts) {
        let lines = &mut self.lines;
        let written = match self.kind {
            ListKind::Names => {
                lines.extend_from_slice(&self.prefix);
                lines.extend_from_slice(&facts.name);
                Ok(())
            }
            ListKind::Facts(chosen) => {
                write_facts(lines, &facts.with_rights(self.rights).entry(), chosen)
            }
            _ => write_list(lines, &facts.entry(), self.now),
        };
        if written.is_ok() {
            lines.push(b'\n');
        }
    }
}

/// The file of this name, or those that fit it.
fn named<F: Files + ?Sized>(
    files: &F,
    path: &VirtualPath,
    needed: FactNames,
) -> Result<Entries, FileError> {
    let missing = match files.facts(path, needed) {
        Ok(file) => return Ok(Box::new(std::iter::once(Ok(file)))),
        Err(error) => error,
    };
    let (Some(directory), Some(pattern)) = (path.parent(), path.name()) else {
        return Err(missing);
    };
    if missing != FileError::NotFound || !pattern::is_one(pattern) {
        return Err(missing);
    }
    let pattern = pattern.to_vec();
    let mut entries = files.list(&directory, needed)?.filter(move |entry| {
        entry
            .as_ref()
            .map_or(true, |facts| pattern::fits(&pattern, &facts.name))
    });
    match entries.next() {
        Some(first) => Ok(Box::new(std::iter::once(first).chain(entries))),
        None => Err(missing),
    }
}

impl Read for Listing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.lines.len() {
            if let Some(error) = self.error.take() {
                return Err(io::Error::other(error));
            }
            self.write_lines();
        }
        let count = Read::read(&mut &self.lines[self.read..], buffer)?;
        self.read += count;
        if count == 0
            && !buffer.is_empty()
            && let Some(error) = self.error.take()
        {
            return Err(io::Error::other(error));
        }
        Ok(count)
    }
}

impl ReadFile for Listing {}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut listing = f.debug_struct("Listing");
        listing.field("kind", &self.kind).finish_non_exhaustive()
    }
}
