//! One entry of a listing.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use super::facts::Facts;
use super::name;
use super::owned::OwnedEntry;
use crate::datetime::DateTime;

/// One entry of a listing, borrowed from the line it was read from.
///
/// A field that the server did not send, or that is not understood, is `None`.
///
/// To write listings in a server, make one with [`Entry::new`] and set the known fields; see
/// [`write_facts`](super::write_facts) and [`write_list`](super::write_list).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The name for `RETR` or `CWD`. Most servers send one component of a path. Some send a whole
    /// path, and a hostile server sends anything: see [`local_name`](Self::local_name).
    ///
    /// A VMS file has its version in the name, since the version selects the file; a VMS directory
    /// is without `.DIR` and version. A quoted data set of z/OS keeps its quotes, which make the
    /// name absolute. Name and type of a VM/CMS file are joined by a dot.
    pub name: &'a [u8],
    /// What it is.
    pub kind: Kind,
    /// The size in bytes. If a server counts blocks of 512 bytes (VMS), it is the size of the used
    /// blocks: at most 511 bytes too much. `None` for other units that do not give the bytes
    /// exactly. The size of a link is the length of its target.
    pub size: Option<u64>,
    /// When it was last changed.
    pub modified: Option<Modified>,
    /// The bits of `chmod`, at most `0o7777`.
    pub permissions: Option<u16>,
    /// The owner: a name, or a number.
    pub owner: Option<&'a [u8]>,
    /// The group: a name, or a number.
    pub group: Option<&'a [u8]>,
    /// The target of a link.
    pub target: Option<&'a [u8]>,
    /// What the client may do with it: the fact `perm` (RFC 3659 §7.5.5).
    pub perm: Option<&'a [u8]>,
    /// Identifies this file on the server (RFC 3659 §7.5.2, and `i` in EPLF).
    pub unique: Option<&'a [u8]>,
    /// All facts of an MLSx line, including those above; empty for other formats.
    pub facts: Facts<'a>,
    /// The line as received, without its end. An entry over two lines (VMS) has a line feed between
    /// them.
    pub raw: &'a [u8],
    /// The rest of the line: a few systems (KA9Q, TSX-Plus) write several entries on a line. Pass
    /// it to [`Parser::line`](super::Parser::line) as the next line; a [`Reader`](super::Reader)
    /// does this itself. Nearly always empty.
    pub rest: &'a [u8],
}

impl<'a> Entry<'a> {
    /// An entry with a name and a kind, and no other field.
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

    /// A copy that owns its bytes.
    pub fn to_owned_entry(&self) -> OwnedEntry {
        OwnedEntry::from(*self)
    }

    /// The name as text; bytes that are not UTF-8 become U+FFFD.
    pub fn name_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }

    /// Whether the name is one plain component of a path on every platform. As a local file's name
    /// it stays in the directory and is not a device.
    ///
    /// This excludes the empty name, `.` and `..`, and names that Windows treats like them (only
    /// dots and blanks); `/`, `\`, `:` (drives and streams) and NUL; and the devices of Windows
    /// (`CON`, `PRN`, `AUX`, `NUL`, `CLOCK$`, `CONIN$`, `CONOUT$`, `COM0` to `COM9`, `LPT0` to
    /// `LPT9`, the digits also as `¹ ² ³`) in any letter case and with any extension.
    ///
    /// Other control characters are harmless in file names, but escape them before you show a name.
    pub fn is_safe_name(&self) -> bool {
        name::is_plain_everywhere(self.name)
    }

    /// The name, unchanged, if it can be a local file's name on every platform.
    ///
    /// It is [safe](Self::is_safe_name) and UTF-8. It does not end with a dot or blank, which
    /// Windows would drop. It has no control character and none of `< > " | ? *`, which Windows
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

    /// The name, if it can be a local file's name on a Unix system: not `.`, `..` or empty, and
    /// without `/` and NUL. All other bytes are allowed.
    pub fn local_name_on_unix(&self) -> Option<&'a [u8]> {
        name::is_plain_on_unix(self.name).then_some(self.name)
    }
}

/// Shows the known fields, with bytes as escaped text.
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

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A file with contents.
    File,
    /// A directory, or something that can be entered like one.
    Directory,
    /// A symbolic link, or something similar (a junction of Windows).
    Link,
    /// The directory that is listed (`.`, the type `cdir`).
    CurrentDirectory,
    /// The parent directory (`..`, the type `pdir`).
    ParentDirectory,
    /// A device, pipe, socket or something else; also an MLSx line without a kind.
    Other,
}

impl Kind {
    /// Whether it is one of the three kinds of directories.
    pub const fn is_directory(self) -> bool {
        matches!(
            self,
            Self::Directory | Self::CurrentDirectory | Self::ParentDirectory
        )
    }

    /// This kind, except that `.` and `..` have kinds of their own.
    pub(super) fn named(self, name: &[u8]) -> Self {
        match name {
            b"." | b"./" if self.is_directory() => Self::CurrentDirectory,
            b".." | b"../" if self.is_directory() => Self::ParentDirectory,
            _ => self,
        }
    }

    /// The name as in MLSx: `file`, `dir`, `cdir`, `pdir`; also `link` and `other`.
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

/// When an entry was changed, with its precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Modified {
    /// The time. Parts finer than the precision are zero.
    pub time: DateTime,
    /// The precision that the server sent.
    pub precision: Precision,
    /// Whether the time is UTC. Otherwise it is in the server's time zone, which a listing does not
    /// show.
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

/// The precision of a time.
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
