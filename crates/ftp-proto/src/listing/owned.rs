//! An entry that owns its bytes.

use alloc::vec::Vec;
use core::fmt;

use super::entry::{Entry, Kind, Modified};
use super::facts::Facts;

/// An [`Entry`] that owns its bytes: made by [`Entry::to_owned_entry`].
///
/// ```
/// use ftp_proto::DateTime;
/// use ftp_proto::listing::{Line, Parser};
///
/// let mut parser = Parser::new(DateTime::from_unix(1_714_521_600));
/// let Line::Entry(entry) = parser.line(b"type=file;size=5; notes") else {
///     panic!("an entry");
/// };
/// let kept = entry.to_owned_entry();
/// assert_eq!(kept.borrow(), entry);
/// ```
#[derive(Clone)]
pub struct OwnedEntry {
    /// The raw line, and what is not a part of it.
    bytes: Vec<u8>,
    raw: Span,
    name: Span,
    kind: Kind,
    size: Option<u64>,
    modified: Option<Modified>,
    permissions: Option<u16>,
    owner: Option<Span>,
    group: Option<Span>,
    target: Option<Span>,
    perm: Option<Span>,
    unique: Option<Span>,
    facts: Span,
}

/// Where something stands in the bytes.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    length: usize,
}

impl OwnedEntry {
    /// The entry, borrowed. [`Entry::rest`] is empty.
    pub fn borrow(&self) -> Entry<'_> {
        let at = |span| self.at(span);
        Entry {
            size: self.size,
            modified: self.modified,
            permissions: self.permissions,
            owner: self.owner.map(at),
            group: self.group.map(at),
            target: self.target.map(at),
            perm: self.perm.map(at),
            unique: self.unique.map(at),
            facts: Facts::from_text(at(self.facts)),
            raw: at(self.raw),
            ..Entry::new(at(self.name), self.kind)
        }
    }

    /// The name: see [`Entry::name`].
    pub fn name(&self) -> &[u8] {
        self.at(self.name)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    fn at(&self, span: Span) -> &[u8] {
        let end = span.start.saturating_add(span.length);
        self.bytes.get(span.start..end).unwrap_or_default()
    }
}

impl From<Entry<'_>> for OwnedEntry {
    fn from(entry: Entry<'_>) -> Self {
        let raw = entry.raw;
        let mut bytes = raw.to_vec();
        let mut keep = |part: &[u8]| {
            // Nearly all parts lie in the line. Where they lie is told by their addresses, since to
            // search for each takes longer than to parse the line.
            let start = part.as_ptr().addr().checked_sub(raw.as_ptr().addr());
            let in_raw = start
                .filter(|start| raw.get(*start..start.saturating_add(part.len())) == Some(part));
            let start = in_raw.unwrap_or_else(|| {
                let end = bytes.len();
                bytes.extend_from_slice(part);
                end
            });
            Span {
                start,
                length: part.len(),
            }
        };
        Self {
            raw: keep(raw),
            name: keep(entry.name),
            kind: entry.kind,
            size: entry.size,
            modified: entry.modified,
            permissions: entry.permissions,
            owner: entry.owner.map(&mut keep),
            group: entry.group.map(&mut keep),
            target: entry.target.map(&mut keep),
            perm: entry.perm.map(&mut keep),
            unique: entry.unique.map(&mut keep),
            facts: keep(entry.facts.text()),
            bytes,
        }
    }
}

impl PartialEq for OwnedEntry {
    fn eq(&self, other: &Self) -> bool {
        self.borrow() == other.borrow()
    }
}

impl Eq for OwnedEntry {}

impl fmt::Debug for OwnedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.borrow().fmt(f)
    }
}
