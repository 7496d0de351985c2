//! One entry of a listing: what it is, and what the server said about it.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use super::facts::Facts;
use super::name;
use crate::datetime::DateTime;

/// One entry of a listing, borrowed from the line it was read from.
///
/// A field that the server did not say, or that cannot be understood, is `None`.
///
/// A server that writes listings makes one with [`Entry::new`] and sets the fields it knows; see
/// [`write_facts`](super::write_facts) and [`write_list`](super::write_list).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The name as the server takes it in `RETR` or `CWD`. Most servers send one component of a
    /// path; some send a whole path, and a hostile one anything: see [`local_name`](Self::local_name).
    ///
    /// The version of a VMS file stays in its name, since it chooses the file; a VMS directory is
    /// without `.DIR` and version. A data set of z/OS in quotes keeps them: they say that the name
    /// is absolute. Name and type of a VM/CMS file are joined by a dot.
    pub name: &'a [u8],
    /// What it is.
    pub kind: Kind,
    /// Bytes. Where a server counts blocks of 512 bytes (VMS), this is the size of the blocks in
    /// use: at most 511 too much. Other units that do not give the bytes exactly are left out. The
    /// size of a link is the length of its target.
    pub size: Option<u64>,
    /// When it was changed last.
    pub modified: Option<Modified>,
    /// The bits of `chmod`, at most `0o7777`.
    pub permissions: Option<u16>,
    /// Who owns it: a name, or a number.
    pub owner: Option<&'a [u8]>,
    /// The group that owns it: a name, or a number.
    pub group: Option<&'a [u8]>,
    /// What a link refers to.
    pub target: Option<&'a [u8]>,
    /// What the client may do with it: the fact `perm` (RFC 3659 §7.5.5).
    pub perm: Option<&'a [u8]>,
    /// Tells this file from others of the same server (RFC 3659 §7.5.2, and EPLF's `i`).
    pub unique: Option<&'a [u8]>,
    /// All facts of an MLSx line, those above among them; empty for other formats.
    pub facts: Facts<'a>,
    /// The line as it came, without its end. Two lines that make one entry (VMS) are joined by a
    /// line feed.
    pub raw: &'a [u8],
    /// What follows it on the line: a few systems (KA9Q, TSX-Plus) put several entries on one. Give it
    /// to [`Parser::line`](super::Parser::line) as a line of its own; a [`Reader`](super::Reader) does
    /// so by itself. Nearly always empty.
    pub rest: &'a [u8],
}

impl<'a> Entry<'a> {
    /// An entry of which no more is known.
    pub const fn new(name: &'a [u8], kind: Kind) -> Self {
        Self {
            name,
            kind,
            size: None,
            modified: None,
            permissions: None,
            owner: None,
            group: None,
            target: None,
            perm: None,
            unique: None,
            facts: Facts::NONE,
            raw: b"",
            rest: b"",
        }
    }

    /// The name as text; what is not UTF-8 becomes U+FFFD.
    pub fn name_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }

    /// Whether the name is one plain component of a path on every platform: as the name of a local
    /// file it leads neither out of the directory nor to a device.
    ///
    /// That excludes the empty name, `.` and `..`, and what Windows takes for them (dots and blanks
    /// only); `/`, `\`, `:` (drives and streams) and NUL; and the devices of Windows (`CON`, `PRN`,
    /// `AUX`, `NUL`, `CLOCK$`, `CONIN$`, `CONOUT$`, `COM0` to `COM9`, `LPT0` to `LPT9`, the digits also
    /// as `¹ ² ³`) in any case and with any extension.
    ///
    /// Other control characters are no danger to files, but escape them before you show a name.
    pub fn is_safe_name(&self) -> bool {
        name::is_plain_everywhere(self.name)
    }

    /// The name, if it can name a local file on every platform, unchanged.
    ///
    /// Besides [being safe](Self::is_safe_name), it is UTF-8, ends with neither dot nor blank, which
    /// Windows would drop, and has no control character and none of `< > " | ? *`, which Windows
    /// refuses.
    ///
    /// ```
    /// use ftp_proto::listing::{Entry, Kind};
    ///
    /// let local = |name| Entry::new(name, Kind::File).local_name();
    /// assert_eq!(local(b"report.txt"), Some("report.txt"));
    /// assert_eq!(local(b"../.ssh/authorized_keys"), None);
    /// assert_eq!(local(b"nul.txt"), None);
    /// ```
    pub fn local_name(&self) -> Option<&'a str> {
        let text = core::str::from_utf8(self.name).ok()?;
        (self.is_safe_name() && name::is_kept_by_windows(text)).then_some(text)
    }

    /// The name, if it can name a local file on a Unix system: not `.`, `..` or empty, without `/` and
    /// NUL. All other bytes are allowed.
    pub fn local_name_on_unix(&self) -> Option<&'a [u8]> {
        name::is_plain_on_unix(self.name).then_some(self.name)
    }
}

/// What is known, with bytes as escaped text.
impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Text<'a>(&'a [u8]);
        impl fmt::Debug for Text<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{}\"", self.0.escape_ascii())
            }
        }
        let mut entry = f.debug_struct("Entry");
        entry
            .field("name", &Text(self.name))
            .field("kind", &self.kind);
        if let Some(size) = self.size {
            entry.field("size", &size);
        }
        if let Some(modified) = self.modified {
            entry.field("modified", &modified);
        }
        if let Some(permissions) = self.permissions {
            entry.field("permissions", &format_args!("{permissions:#o}"));
        }
        for (name, value) in [
            ("owner", self.owner),
            ("group", self.group),
            ("target", self.target),
            ("perm", self.perm),
            ("unique", self.unique),
        ] {
            if let Some(value) = value {
                entry.field(name, &Text(value));
            }
        }
        entry.field("raw", &Text(self.raw)).finish_non_exhaustive()
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A file with contents.
    File,
    /// A directory, or what the server lets one enter like a directory.
    Directory,
    /// A symbolic link, or what is like it (a junction of Windows).
    Link,
    /// The directory that is listed (`.`, the type `cdir`).
    CurrentDirectory,
    /// The directory above (`..`, the type `pdir`).
    ParentDirectory,
    /// A device, pipe, socket or something else; also an MLSx line that does not tell.
    Other,
}

impl Kind {
    /// One of the three kinds that are directories.
    pub const fn is_directory(self) -> bool {
        matches!(
            self,
            Self::Directory | Self::CurrentDirectory | Self::ParentDirectory
        )
    }

    /// The same, with the two names that stand for other directories taken out.
    pub(super) fn named(self, name: &[u8]) -> Self {
        match name {
            b"." | b"./" if self.is_directory() => Self::CurrentDirectory,
            b".." | b"../" if self.is_directory() => Self::ParentDirectory,
            _ => self,
        }
    }

    /// As in MLSx: `file`, `dir`, `cdir`, `pdir`; and `link` and `other`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::Link => "link",
            Self::CurrentDirectory => "cdir",
            Self::ParentDirectory => "pdir",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When an entry was changed, and how exactly that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Modified {
    /// The time; what is finer than the precision is zero.
    pub time: DateTime,
    /// How much of it the server said.
    pub precision: Precision,
    /// The time is UTC. Else it is in the server's time zone, which a listing does not tell.
    pub is_utc: bool,
}

impl Modified {
    /// A time in UTC.
    pub const fn utc(time: DateTime, precision: Precision) -> Self {
        Self {
            time,
            precision,
            is_utc: true,
        }
    }

    /// A time in the server's time zone.
    pub const fn local(time: DateTime, precision: Precision) -> Self {
        Self {
            time,
            precision,
            is_utc: false,
        }
    }
}

/// How exactly a time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// The day.
    Day,
    /// The minute.
    Minute,
    /// The second.
    Second,
    /// A part of a second.
    Fraction,
}

impl Precision {
    /// `day`, `minute`, `second` or `fraction`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Fraction => "fraction",
        }
    }
}
