//! The facts of an MLSx line (RFC 3659 §7): `type=file;size=5; a name`.

use core::fmt;

use super::entry::{Entry, Kind, Modified, Precision};
use super::text::{self, is_blank, number};
use crate::datetime::DateTime;

/// The facts of an entry: names and values, in the order in which the server sent them.
///
/// ```
/// use ftp_proto::listing::{Line, Parser};
/// use ftp_proto::DateTime;
///
/// let mut parser = Parser::new(DateTime::from_unix(1_714_521_600));
/// let Line::Entry(entry) = parser.line(b"Type=file;Media-Type=text/plain; a b.txt") else {
///     panic!("an entry");
/// };
/// assert_eq!(entry.facts.get("media-type"), Some(&b"text/plain"[..]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The text from the first name to the last value or semicolon.
    text: &'a [u8],
}

impl<'a> Facts<'a> {
    pub(super) const NONE: Self = Self { text: b"" };

    /// From the text that stands in front of a name.
    pub(super) const fn from_text(text: &'a [u8]) -> Self {
        Self { text }
    }

    /// All of it.
    pub(super) const fn text(self) -> &'a [u8] {
        self.text
    }

    /// The value of a fact. The letter case of names does not matter (RFC 3659 §7.5). If there are
    /// two, the first counts.
    pub fn get(self, name: &str) -> Option<&'a [u8]> {
        let mut facts = self.iter();
        facts
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The names as the server wrote them, and the values. A part without `=` is left out.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.text;
        core::iter::from_fn(move || {
            loop {
                let end = text::position_of([b'=', b';'], rest)?;
                let (name, after) = rest.split_at_checked(end)?;
                let (mark, after) = after.split_first()?;
                if *mark == b'=' {
                    let value;
                    (value, rest) = take_value(after);
                    return Some((name, value));
                }
                rest = after;
            }
        })
    }

    /// Whether there are no facts.
    pub const fn is_empty(self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts({})", self.text.escape_ascii())
    }
}

/// Reads a line of `MLSD`, or of the reply to `MLST`, which begins with a blank.
pub(super) fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let line = line.strip_prefix(b" ").unwrap_or(line);
    if !begins_with_a_fact(line) {
        return None;
    }
    let (facts, name) = split(line)?;
    // `a=b c` without a semicolon may be anything.
    let is_sure = facts.ends_with(b";") || is_fact(facts, b"type") || facts.contains(&b';');
    if name.is_empty() || !is_sure {
        return None;
    }
    let mut entry = Entry {
        facts: Facts { text: facts },
        ..Entry::new(name, Kind::Other)
    };
    Gathered::new(&mut entry).gather(facts);
    Some(entry)
}

/// A line without facts is a blank and a name. It counts as MLSx only among other MLSx lines.
pub(super) fn parse_without_facts(line: &[u8]) -> Option<Entry<'_>> {
    let name = line.strip_prefix(b" ")?;
    let plausible = name.first().is_some_and(|first| !is_blank(*first));
    plausible.then(|| Entry::new(name, Kind::Other))
}

fn begins_with_a_fact(line: &[u8]) -> bool {
    let name = line
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')));
    name.is_some_and(|end| end > 0 && line.get(end) == Some(&b'='))
}

/// Splits facts and name. Between them are a semicolon and a blank.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (facts, name) = line.split_at_checked(memchr::memchr2(b' ', b'\t', line)?)?;
    // Old drafts had no semicolon after the last fact. But the target of a link, which is in no
    // RFC, may have blanks.
    if !facts.ends_with(b";")
        && ends_in_a_target(facts)
        && let Some(semicolon) = memchr::memmem::find(line, b"; ")
    {
        let (facts, name) = line.split_at_checked(semicolon.checked_add(1)?)?;
        return Some((facts, name.get(1..)?));
    }
    Some((facts, name.get(1..)?))
}

/// Whether the last fact is `type=OS.unix=slink:` and the beginning of a target.
fn ends_in_a_target(facts: &[u8]) -> bool {
    let last = facts.rsplit(|byte| *byte == b';').next();
    last.is_some_and(|fact| {
        is_fact(fact, b"type") && link(fact.get(5..).unwrap_or_default()).is_some()
    })
}

fn is_fact(fact: &[u8], name: &[u8]) -> bool {
    fact.split_at_checked(name.len())
        .is_some_and(|(known, rest)| {
            known.eq_ignore_ascii_case(name) && rest.first() == Some(&b'=')
        })
}

/// The beginning of a name as a number, so that a name is one comparison.
const fn word(text: &[u8; 4]) -> u32 {
    /// Converts letters to lower case, and keeps `.` and `=`.
    const SMALL: u32 = 0x2020_2020;
    u32::from_ne_bytes(*text) | SMALL
}

const TYPE: u32 = word(b"type");
const SIZE: u32 = word(b"size");
const SIZD: u32 = word(b"sizd");
const MODI: u32 = word(b"modi");
const PERM: u32 = word(b"perm");
const UNIQ: u32 = word(b"uniq");
const UNIX: u32 = word(b"unix");
const MODE: u32 = word(b"mode");
const OWNE: u32 = word(b"owne");
const GROU: u32 = word(b"grou");
const UID: u32 = word(b"uid=");
const GID: u32 = word(b"gid=");

/// The text after the rest of a name.
fn behind<'a, const LENGTH: usize>(
    text: &'a [u8],
    rest_of_name: &[u8; LENGTH],
) -> Option<&'a [u8]> {
    let (start, value) = text.split_first_chunk::<LENGTH>()?;
    // Of fixed length, so that this is one comparison.
    (start.map(|byte| byte | 0x20) == rest_of_name.map(|byte| byte | 0x20)).then_some(value)
}

/// A value, and the text after its semicolon.
#[inline]
fn take_value(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text::position(text, b';');
    let (value, rest) = text
        .split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, b""));
    (value, rest.get(1..).unwrap_or_default())
}

/// The values of the known facts.
struct Gathered<'a, 'e> {
    entry: &'e mut Entry<'a>,
    kind: Option<Kind>,
    owner: Identity<'a>,
    group: Identity<'a>,
    has_sizd: bool,
}

/// The owner of a file. The name is preferred to the number.
#[derive(Default)]
struct Identity<'a> {
    name: Option<&'a [u8]>,
    number: Option<&'a [u8]>,
}

impl<'a> Identity<'a> {
    fn best(&self) -> Option<&'a [u8]> {
        let name = self.name.filter(|name| !name.is_empty());
        name.or(self.number).filter(|text| !text.is_empty())
    }
}

impl<'a, 'e> Gathered<'a, 'e> {
    fn new(entry: &'e mut Entry<'a>) -> Self {
        Self {
            entry,
            kind: None,
            owner: Identity::default(),
            group: Identity::default(),
            has_sizd: false,
        }
    }

    /// Reads all facts into the entry.
    fn gather(mut self, facts: &'a [u8]) {
        let mut rest = facts;
        while let Some((start, after)) = rest.split_first_chunk::<4>() {
            rest = self.add(start, after).unwrap_or_else(|| take_value(rest).1);
        }
        let kind = self.kind.unwrap_or_else(|| self.guess());
        self.entry.kind = kind.named(self.entry.name);
        self.entry.owner = self.owner.best();
        self.entry.group = self.group.best();
    }

    /// Reads a known fact, and returns the text after it. The name is compared before its end is
    /// searched: this is much faster.
    fn add(&mut self, start: &[u8; 4], text: &'a [u8]) -> Option<&'a [u8]> {
        let (value, rest) = match word(start) {
            TYPE => {
                let (value, rest) = take_value(behind(text, b"=")?);
                if self.kind.is_none() {
                    (self.kind, self.entry.target) = kind(value);
                }
                return Some(rest);
            }
            SIZE => {
                let (value, rest) = take_value(behind(text, b"=")?);
                self.entry.size = number(value);
                return Some(rest);
            }
            SIZD => {
                let (value, rest) = take_value(behind(text, b"=")?);
                self.entry.size = self.entry.size.or(number(value));
                self.has_sizd = true;
                return Some(rest);
            }
            MODI => {
                let (value, rest) = take_value(behind(text, b"fy=")?);
                self.entry.modified = modified(value);
                return Some(rest);
            }
            UNIX => return self.add_unix(behind(text, b".")?),
            PERM => take_value(behind(text, b"=")?),
            UNIQ => take_value(behind(text, b"ue=")?),
            _ => return None,
        };
        let place = if word(start) == PERM {
            &mut self.entry.perm
        } else {
            &mut self.entry.unique
        };
        *place = Some(value);
        Some(rest)
    }

    fn add_unix(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (start, text) = text.split_first_chunk::<4>()?;
        let (place, text) = match word(start) {
            MODE => {
                let (value, rest) = take_value(behind(text, b"=")?);
                self.entry.permissions = text::mode(value);
                return Some(rest);
            }
            OWNE => match behind(text, b"r=") {
                Some(text) => (&mut self.owner.number, text),
                None => (&mut self.owner.name, behind(text, b"rname=")?),
            },
            GROU => match behind(text, b"p=") {
                Some(text) => (&mut self.group.number, text),
                None => (&mut self.group.name, behind(text, b"pname=")?),
            },
            UID => (&mut self.owner.number, text),
            GID => (&mut self.group.number, text),
            _ => return None,
        };
        let (value, rest) = take_value(text);
        *place = Some(value);
        Some(rest)
    }

    /// The kind without a fact `type`: `perm` has different letters for files and for directories
    /// (RFC 3659 §7.5.5).
    fn guess(&self) -> Kind {
        let perm = self.entry.perm.unwrap_or_default();
        let may = |letters: &[u8]| {
            let mut given = perm.iter().map(u8::to_ascii_lowercase);
            given.any(|letter| letters.contains(&letter))
        };
        if self.has_sizd || may(b"celmp") {
            Kind::Directory
        } else if self.entry.size.is_some() || may(b"raw") {
            Kind::File
        } else {
            Kind::Other
        }
    }
}

fn kind(value: &[u8]) -> (Option<Kind>, Option<&[u8]>) {
    let is = |known: &[u8]| value.eq_ignore_ascii_case(known);
    let kind = match value.len() {
        0 => return (None, None),
        4 if is(b"file") => Kind::File,
        3 if is(b"dir") => Kind::Directory,
        4 if is(b"cdir") => Kind::CurrentDirectory,
        4 if is(b"pdir") => Kind::ParentDirectory,
        _ => match link(value) {
            Some(target) => {
                let target = target
                    .strip_prefix(b":")
                    .filter(|target| !target.is_empty());
                return (Some(Kind::Link), target);
            }
            None => Kind::Other,
        },
    };
    (Some(kind), None)
}

/// The text after the word in `OS.unix=slink:target`, `OS.unix=symlink`.
fn link(value: &[u8]) -> Option<&[u8]> {
    let strip = |word: &[u8]| {
        value
            .split_at_checked(word.len())
            .filter(|(start, _)| start.eq_ignore_ascii_case(word))
            .map(|(_, rest)| rest)
    };
    strip(b"os.unix=slink").or_else(|| strip(b"os.unix=symlink"))
}

fn modified(value: &[u8]) -> Option<Modified> {
    let time = DateTime::parse(value)?;
    // Behind the digits.
    let fraction = value.get(14..).unwrap_or_default();
    let precision = if fraction.contains(&b'.') {
        Precision::Fraction
    } else {
        Precision::Second
    };
    Some(Modified::utc(time, precision))
}

#[cfg(test)]
mod tests;
