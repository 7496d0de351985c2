//! Lines of `ls -l`, and of the many servers with similar formats.

use super::Context;
use super::clock::Order;
use super::entry::{Entry, Kind};
use super::lsdate::{self, Stamp};
use super::mode::{Mode, ModeKind};
use super::text::{self, Words, is_blank, is_number, number, skip_blanks, trim};
use super::{clock, month, usual};

/// Reads a line that begins with a type and permissions, perhaps after an inode and a count of
/// blocks.
#[inline]
pub(super) fn parse<'a>(line: &'a [u8], context: &Context) -> Option<Entry<'a>> {
    let (mode, rest) = Mode::parse(line).or_else(|| mode_behind_numbers(line))?;
    usual::parse(&mode, rest, context.limit).or_else(|| unusual(mode, rest, context))
}

/// The type and permissions after blanks, an inode and a count of blocks.
fn mode_behind_numbers(line: &[u8]) -> Option<(Mode<'_>, &[u8])> {
    let mut words = Words::new(line);
    let mut rest = line;
    for _ in 0..3 {
        rest = skip_blanks(words.rest);
        if !is_number(words.next()) {
            break;
        }
    }
    Mode::parse(rest)
}

fn unusual<'a>(mode: Mode<'a>, rest: &'a [u8], context: &Context) -> Option<Entry<'a>> {
    let columns = Fields::new(rest, mode);
    let found = columns
        .dated(context)
        .or_else(|| columns.date_first(context))
        .or_else(|| columns.without_date())?;
    Some(found.entry(mode))
}

/// The columns between permissions and name.
struct Fields<'a> {
    text: &'a [u8],
    mode: Mode<'a>,
}

/// The values of the columns.
struct Found<'a> {
    stamp: Option<Stamp>,
    size: Option<u64>,
    owner: Option<&'a [u8]>,
    group: Option<&'a [u8]>,
    unique: Option<&'a [u8]>,
    name: &'a [u8],
}

impl<'a> Fields<'a> {
    fn new(text: &'a [u8], mode: Mode<'a>) -> Self {
        Self { text, mode }
    }

    /// Looks for a date after a size.
    fn dated(&self, context: &Context) -> Option<Found<'a>> {
        let mut words = Words::new(self.text);
        let mut size = words;
        let mut word = words.next();
        loop {
            if word.is_empty() {
                return None;
            }
            let before_date = words;
            if may_end_a_size(word)
                && let Some(stamp) = lsdate::read(&mut words, context.limit)
                && let Some(found) = self.with_size(size.rest, word, stamp, words)
            {
                return Some(found);
            }
            words = before_date;
            size = words;
            word = words.next();
        }
    }

    /// `size_at` is the text from the size on.
    fn with_size(
        &self,
        size_at: &'a [u8],
        word: &'a [u8],
        stamp: Stamp,
        words: Words<'a>,
    ) -> Option<Found<'a>> {
        let length = self.text.len().checked_sub(skip_blanks(size_at).len())?;
        let before = self.text.get(..length)?;
        let (size, before) = self.size(word, before)?;
        let mut found = Found {
            stamp: Some(stamp),
            size,
            owner: None,
            group: None,
            unique: None,
            name: self.name(stamp, words),
        };
        self.owners(before, &mut found);
        (!found.name.is_empty()).then_some(found)
    }

    fn name(&self, stamp: Stamp, words: Words<'a>) -> &'a [u8] {
        // NetWare pads the date.
        if stamp.is_padded || self.mode.kind == ModeKind::NetWare {
            skip_blanks(words.rest)
        } else {
            words.name()
        }
    }

    /// The size, and the text before it.
    fn size(&self, word: &'a [u8], before: &'a [u8]) -> Option<(Option<u64>, &'a [u8])> {
        if self.mode.is_device() {
            // `8, 0` and `8,0`: the numbers of the device.
            let before = before.strip_suffix(word).unwrap_or(before);
            let trimmed = text::trim_end(before);
            if let Some(major) = trimmed.strip_suffix(b",") {
                let major_length = major
                    .iter()
                    .rev()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let rest = major.len().saturating_sub(major_length);
                return Some((None, major.get(..rest)?));
            }
            if !is_number(word) {
                return Some((None, before));
            }
        }
        if let Some(text::Size(size)) = text::size(word) {
            return Some((size, before));
        }
        // A size without a blank before it: `longgroup123456`.
        let digits = word
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let at = word
            .len()
            .checked_sub(digits)
            .filter(|at| *at > 0 && digits > 0)?;
        let (group, size) = word.split_at(at);
        if group.iter().any(u8::is_ascii_digit) && self.mode.kind != ModeKind::Unix {
            return None;
        }
        let end = before.len().saturating_add(group.len());
        Some((number(size), self.text.get(..end)?))
    }

    /// Splits the text between permissions and size: links, owner, group.
    fn owners(&self, before: &'a [u8], found: &mut Found<'a>) {
        let mut words = Words::new(before);
        let first = words.next();
        if self.mode.kind == ModeKind::ConnectEnterprise {
            // The format of the batch, its owner, its number.
            found.owner = some(words.next());
            found.unique = some(words.next());
            return;
        }
        let rest = trim(words.rest);
        let names = if is_number(first) {
            match (rest, self.mode.kind) {
                // Without a count of links, and with a number as owner.
                (b"", ModeKind::NetWare) => first,
                _ => rest,
            }
        } else {
            trim(before)
        };
        if is_sum(first, names, found.size) || (names == b"folder" && first == names) {
            return;
        }
        let names = without_unitree_columns(names);
        (found.owner, found.group) = owner_and_group(names);
        // A server on OS/2 has the file's attributes here.
        let is_attribute = |byte: &u8| matches!(byte, b'-' | b'A' | b'R' | b'H' | b'S');
        found.group = found
            .group
            .filter(|group| !(group.contains(&b'-') && group.iter().all(is_attribute)));
    }

    /// `drwxrwxrwx 98.10.21 14:38:46 OWNER GROUP 2048 name` and `drwxrwxrwx 99/05/13 11:38:34 name`.
    fn date_first(&self, context: &Context) -> Option<Found<'a>> {
        let mut words = Words::new(self.text);
        let found = clock::numeric_date(words.peek(), Order::MonthDay)?;
        words.next();
        // On these two systems the year comes first.
        let date = clock::year_first(Words::new(self.text).peek()).unwrap_or(found.date);
        let modified = clock::clock(words.next())?.on(date);
        let stamp = Some(Stamp {
            modified,
            is_padded: true,
        });
        let mut ahead = words;
        let (owner, group, size) = (ahead.next(), ahead.next(), ahead.next());
        let _ = context;
        let has_owner = is_number(size) && !ahead.trimmed().is_empty();
        Some(Found {
            stamp,
            size: has_owner.then(|| number(size)).flatten(),
            owner: some(owner).filter(|_| has_owner),
            group: some(group).filter(|_| has_owner),
            unique: None,
            name: some(if has_owner {
                ahead.trimmed()
            } else {
                words.trimmed()
            })?,
        })
    }

    /// `drwxr-xr-x 3 owner group 512 name`.
    fn without_date(&self) -> Option<Found<'a>> {
        self.mode.permissions?;
        let mut words = Words::new(self.text);
        let (links, owner, group, size) = (words.next(), words.next(), words.next(), words.next());
        let name = skip_blanks(words.rest);
        let seems_dated = month::number(words.peek()).is_some();
        if !is_number(links) || !is_number(size) || name.is_empty() || seems_dated {
            return None;
        }
        Some(Found {
            stamp: None,
            size: number(size),
            owner: some(owner),
            group: some(group),
            unique: None,
            name,
        })
    }
}

impl<'a> Found<'a> {
    fn entry(self, mode: Mode<'a>) -> Entry<'a> {
        finish(
            &mode,
            Entry {
                size: self.size,
                modified: self.stamp.and_then(|stamp| stamp.modified),
                owner: self.owner,
                group: self.group,
                unique: self.unique,
                ..Entry::new(self.name, Kind::File)
            },
        )
    }
}

/// Adds what the type shows: the kind, the target of a link, a name without marks.
#[inline]
pub(super) fn finish<'a>(mode: &Mode<'a>, mut entry: Entry<'a>) -> Entry<'a> {
    entry.permissions = mode.permissions;
    entry.kind = mode.entry_kind().named(entry.name);
    if entry.kind == Kind::Link {
        (entry.name, entry.target) = link(entry.name, entry.size);
    }
    // `ls -F` marks directories.
    if entry.kind.is_directory()
        && let [rest @ .., b'/'] = entry.name
        && !rest.is_empty()
    {
        entry.name = rest;
    }
    entry
}

/// A size ends with a digit, or with a unit.
fn may_end_a_size(word: &[u8]) -> bool {
    let Some((last, rest)) = word.split_last() else {
        return false;
    };
    last.is_ascii_digit()
        || (matches!(last, b'k' | b'K' | b'M' | b'G' | b'T' | b'B')
            && rest.first().is_some_and(u8::is_ascii_digit))
}

fn some(word: &[u8]) -> Option<&[u8]> {
    (!word.is_empty()).then_some(word)
}

/// NetPresenz and others on the Mac: the sizes of resource and data fork, and their sum.
fn is_sum(first: &[u8], second: &[u8], size: Option<u64>) -> bool {
    match (number(first), number(second), size) {
        (Some(first), Some(second), Some(size)) => first.checked_add(second) == Some(size),
        _ => false,
    }
}

/// Owner and group may contain blanks. Columns are aligned, so the two are separated at two blanks;
/// without two blanks the owner is one word.
fn owner_and_group(names: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let gap = names
        .windows(2)
        .position(|pair| pair.iter().all(|byte| is_blank(*byte)))
        .or_else(|| names.iter().position(|byte| is_blank(*byte)));
    match gap {
        Some(gap) => {
            let (owner, group) = names.split_at(gap);
            (some(owner), some(trim(group)))
        }
        None => (some(names), None),
    }
}

/// UniTree has two more columns after the group: where the file is (`AR`, `DK`), and its family.
fn without_unitree_columns(names: &[u8]) -> &[u8] {
    let mut words = Words::new(names);
    words.next();
    words.next();
    let end = names.len().saturating_sub(words.rest.len());
    let place = words.next();
    words.next();
    if matches!(place, b"AR" | b"DK") && words.trimmed().is_empty() {
        names.get(..end).unwrap_or(names)
    } else {
        names
    }
}

/// Splits `name -> target`. Both may contain the arrow, so the size decides: it is the length of
/// the target.
pub(super) fn link(text: &[u8], size: Option<u64>) -> (&[u8], Option<&[u8]>) {
    const ARROW: &[u8] = b" -> ";
    let length = size.and_then(|size| usize::try_from(size).ok());
    let by_size = length.and_then(|length| {
        let (rest, target) = text.split_at_checked(text.len().checked_sub(length)?)?;
        Some((rest.strip_suffix(ARROW)?, target))
    });
    let split = by_size.or_else(|| {
        let at = text
            .windows(ARROW.len())
            .position(|window| window == ARROW)?;
        let (name, rest) = text.split_at_checked(at)?;
        Some((name, rest.strip_prefix(ARROW)?))
    });
    match split {
        Some((name, target)) if !name.is_empty() => (name, some(target)),
        _ => (text, None),
    }
}

/// `0100644   500  101   12345    123456789       name`: mode, owner, group, size and time as
/// numbers.
pub(super) fn parse_numeric(line: &[u8]) -> Option<Entry<'_>> {
    use super::entry::{Modified, Precision};
    use crate::datetime::DateTime;

    let mut words = Words::new(line);
    let mode = words.next();
    if !matches!(mode.len(), 6 | 7) {
        return None;
    }
    let mode = text::in_base(mode, 8)?;
    let kind = match mode & 0o170_000 {
        0o100_000 => Kind::File,
        0o040_000 => Kind::Directory,
        0o120_000 => Kind::Link,
        0o060_000 | 0o020_000 | 0o010_000 | 0o140_000 => Kind::Other,
        _ => return None,
    };
    let (owner, group) = (words.next(), words.next());
    let (size, time) = (number(words.next())?, number(words.next())?);
    if !is_number(owner) || !is_number(group) {
        return None;
    }
    let time = DateTime::from_unix(i64::try_from(time).ok()?);
    let name = some(skip_blanks(words.rest))?;
    let (name, target) = match kind {
        Kind::Link => link(name, Some(size)),
        _ => (name, None),
    };
    Some(Entry {
        size: Some(size),
        modified: Some(Modified::utc(time, Precision::Second)),
        permissions: u16::try_from(mode & 0o7777).ok(),
        owner: Some(owner),
        group: Some(group),
        target,
        ..Entry::new(name, kind.named(name))
    })
}
