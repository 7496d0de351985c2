//! What is known of a file.

use std::time::SystemTime;

use ftp_proto::DateTime;
use ftp_proto::listing::{Entry, Kind, Modified, Precision};
use ftp_proto::server::Rights;

/// What is known of a file or directory.
///
/// ```
/// use ftp_files::Facts;
/// use ftp_proto::listing::{FactNames, Kind, write_facts};
///
/// let mut facts = Facts::new("notes", Kind::File);
/// facts.size = Some(5);
/// let mut line = Vec::new();
/// write_facts(&mut line, &facts.entry(), FactNames::ALL)?;
/// assert_eq!(line, b"type=file;size=5; notes");
/// # Ok::<(), ftp_proto::listing::WriteError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The last component of the path; empty for the root.
    pub name: Vec<u8>,
    /// What it is. Of a link that was followed: what it leads to.
    pub kind: Kind,
    /// A link that was followed led here.
    pub is_link: bool,
    /// Bytes; of files only.
    pub size: Option<u64>,
    /// When it was changed last, in UTC and whole seconds.
    pub modified: Option<DateTime>,
    /// The bits of `chmod`.
    pub permissions: Option<u16>,
    /// Tells this file from all others.
    pub unique: Option<Vec<u8>>,
    /// What the user may do with it: see [`with_rights`](Self::with_rights).
    pub perm: Option<Vec<u8>>,
}

impl Facts {
    /// Nothing else is known.
    pub fn new(name: impl Into<Vec<u8>>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
            is_link: false,
            size: None,
            modified: None,
            permissions: None,
            unique: None,
            perm: None,
        }
    }

    /// For writing it into a listing.
    pub fn entry(&self) -> Entry<'_> {
        let mut entry = Entry::new(&self.name, self.kind);
        entry.size = self.size;
        entry.modified = self
            .modified
            .map(|time| Modified::utc(time, Precision::Second));
        entry.permissions = self.permissions;
        entry.unique = self.unique.as_deref();
        entry.perm = self.perm.as_deref();
        entry
    }

    /// With the fact `perm` of somebody with these rights (RFC 3659 §7.5.5).
    #[must_use]
    pub fn with_rights(mut self, rights: Rights) -> Self {
        let letters: &[(bool, u8)] = if self.kind.is_directory() {
            &[
                (rights.write, b'c'),
                (rights.delete, b'd'),
                (true, b'e'),
                (rights.rename, b'f'),
                (rights.list, b'l'),
                (rights.make, b'm'),
                (rights.delete, b'p'),
            ]
        } else {
            &[
                (rights.append, b'a'),
                (rights.delete, b'd'),
                (rights.rename, b'f'),
                (rights.read, b'r'),
                (rights.write && rights.overwrite, b'w'),
            ]
        };
        let granted = letters.iter().filter(|(granted, _)| *granted);
        let perm: Vec<u8> = granted.map(|(_, letter)| *letter).collect();
        self.perm = Some(perm).filter(|perm| !perm.is_empty());
        self
    }
}

/// In UTC and whole seconds.
pub(crate) fn date_time(time: SystemTime) -> DateTime {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = before.as_secs() + u64::from(before.subsec_nanos() > 0);
            i64::try_from(whole).map_or(i64::MIN, |seconds| -seconds)
        }
    };
    DateTime::from_unix(seconds)
}
