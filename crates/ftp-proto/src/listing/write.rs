//! Writes listings: the answers of a server to `MLSD`, `MLST` and `LIST`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{BitAnd, BitOr};

use super::entry::{Entry, Kind, Modified, Precision};
use crate::datetime::DateTime;

/// Which facts to write. A client may choose them with `OPTS MLST`.
///
/// ```
/// use ftp_proto::listing::FactNames;
///
/// let chosen = FactNames::parse(b"type;Size;nonsense;");
/// assert_eq!(chosen, FactNames::TYPE | FactNames::SIZE);
/// assert_eq!(chosen.to_string(), "type;size;");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FactNames(u8);

impl FactNames {
    /// No facts: only the name.
    pub const NONE: Self = Self(0);
    /// `type`.
    pub const TYPE: Self = Self(1);
    /// `size`.
    pub const SIZE: Self = Self(1 << 1);
    /// `modify`.
    pub const MODIFY: Self = Self(1 << 2);
    /// `perm`.
    pub const PERM: Self = Self(1 << 3);
    /// `unique`.
    pub const UNIQUE: Self = Self(1 << 4);
    /// `UNIX.mode`.
    pub const UNIX_MODE: Self = Self(1 << 5);
    /// `UNIX.ownername` and `UNIX.groupname`.
    pub const UNIX_NAMES: Self = Self(1 << 6);
    /// All of them.
    pub const ALL: Self = Self(0x7f);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::TYPE, "type"),
        (Self::SIZE, "size"),
        (Self::MODIFY, "modify"),
        (Self::PERM, "perm"),
        (Self::UNIQUE, "unique"),
        (Self::UNIX_MODE, "UNIX.mode"),
        (Self::UNIX_NAMES, "UNIX.ownername"),
        (Self::UNIX_NAMES, "UNIX.groupname"),
    ];

    /// Whether all of `others` are chosen.
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Parses the argument of `OPTS MLST`: names, each with a semicolon after it (RFC 3659 §7.9).
    /// Unknown names are ignored.
    pub fn parse(argument: &[u8]) -> Self {
        let mut chosen = Self::NONE;
        for name in argument.split(|byte| *byte == b';') {
            for (fact, known) in Self::NAMES {
                if name.eq_ignore_ascii_case(known.as_bytes()) {
                    chosen = chosen | fact;
                }
            }
        }
        chosen
    }
}

impl FactNames {
    /// As `FEAT` lists them: those that are chosen have a star (RFC 3659 §7.8).
    pub(crate) fn offer(self, chosen: Self) -> String {
        let mut offer = String::new();
        for (fact, name) in Self::NAMES {
            if self.contains(fact) {
                offer.push_str(name);
                offer.push_str(if chosen.contains(fact) { "*;" } else { ";" });
            }
        }
        offer
    }
}

impl BitAnd for FactNames {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for FactNames {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The names, as in the reply to `OPTS MLST`.
impl fmt::Display for FactNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = Self::NAMES.iter().filter(|(fact, _)| self.contains(*fact));
        for (_, name) in chosen {
            write!(f, "{name};")?;
        }
        Ok(())
    }
}

/// Why an entry cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The name is empty or contains CR, LF or NUL; for `LIST` also if it contains `/`, or if a
    /// link without target has an arrow in its name.
    #[error("the name is empty, or contains a character that cannot be in a listing")]
    Name,
    /// A value contains a blank, a semicolon or a control character.
    #[error("a value contains a blank, a semicolon or a control character")]
    Value,
}

/// Appends a line of `MLSD`, without its end: the chosen and known facts, and the name (RFC 3659
/// §7.2). In the reply to `MLST` the line has a blank before it.
///
/// A time is written only if it is UTC, as the RFC requires. The target of a link is left out if it
/// contains a blank or semicolon, which other clients cannot parse. Parsing the line gives the
/// entry again.
///
/// # Errors
/// [`WriteError`] if the name or a value cannot be in such a line. Nothing is appended then.
///
/// ```
/// use ftp_proto::DateTime;
/// use ftp_proto::listing::{Entry, FactNames, Kind, Modified, Precision, write_facts};
///
/// let mut entry = Entry::new(b"a file", Kind::File);
/// entry.size = Some(5);
/// let time = DateTime::parse(b"20240501123400").expect("a time");
/// entry.modified = Some(Modified::utc(time, Precision::Second));
/// let mut line = Vec::new();
/// write_facts(&mut line, &entry, FactNames::ALL)?;
/// assert_eq!(line, b"type=file;size=5;modify=20240501123400; a file");
/// # Ok::<(), ftp_proto::listing::WriteError>(())
/// ```
pub fn write_facts(
    out: &mut Vec<u8>,
    entry: &Entry<'_>,
    chosen: FactNames,
) -> Result<(), WriteError> {
    check_name(entry.name)?;
    let values = [entry.perm, entry.unique, entry.owner, entry.group];
    if values.into_iter().flatten().any(|value| !is_value(value)) {
        return Err(WriteError::Value);
    }
    let when = |fact: FactNames| chosen.contains(fact);
    if when(FactNames::TYPE) {
        write_type(out, entry);
    }
    if let Some(size) = entry.size.filter(|_| when(FactNames::SIZE)) {
        out.extend_from_slice(b"size=");
        write_number(out, size, 1, b' ');
        out.push(b';');
    }
    if let Some(modified) = entry
        .modified
        .filter(|it| it.is_utc && when(FactNames::MODIFY))
    {
        out.extend_from_slice(b"modify=");
        write_compact(out, modified.time);
        out.push(b';');
    }
    let mut write_value = |name: &str, fact: FactNames, value: Option<&[u8]>| {
        if let Some(value) = value.filter(|_| chosen.contains(fact)) {
            append(out, format_args!("{name}="));
            out.extend_from_slice(value);
            out.push(b';');
        }
    };
    write_value("perm", FactNames::PERM, entry.perm);
    write_value("unique", FactNames::UNIQUE, entry.unique);
    write_value("UNIX.ownername", FactNames::UNIX_NAMES, entry.owner);
    write_value("UNIX.groupname", FactNames::UNIX_NAMES, entry.group);
    if let Some(mode) = entry.permissions.filter(|_| when(FactNames::UNIX_MODE)) {
        append(out, format_args!("UNIX.mode={:04o};", mode & 0o7777));
    }
    out.push(b' ');
    out.extend_from_slice(entry.name);
    Ok(())
}

fn write_type(out: &mut Vec<u8>, entry: &Entry<'_>) {
    match (entry.kind, entry.target) {
        (Kind::Link, Some(target)) if is_value(target) => {
            out.extend_from_slice(b"type=OS.unix=slink:");
            out.extend_from_slice(target);
            out.push(b';');
        }
        (Kind::Link, _) => out.extend_from_slice(b"type=OS.unix=symlink;"),
        (Kind::Other, _) => out.extend_from_slice(b"type=OS.unix=special;"),
        (kind, _) => append(out, format_args!("type={kind};")),
    }
}

/// Appends a line of `LIST` as `ls -l` writes it, without its end.
///
/// Unknown fields get plausible values: `ftp` for owner and group, 0 for the size, the usual
/// permissions, 1970 for the time. Blanks in the names of owner and group become `_`. A time within
/// the half year before `now` is written to the minute, another to the day. Parsing the line gives
/// the entry again, apart from these changes.
///
/// # Errors
/// [`WriteError`] if the name or target cannot be in such a line. Nothing is appended then.
pub fn write_list(out: &mut Vec<u8>, entry: &Entry<'_>, now: DateTime) -> Result<(), WriteError> {
    check_name(entry.name)?;
    if entry.name.contains(&b'/') {
        return Err(WriteError::Name);
    }
    let target = entry.target.filter(|_| entry.kind == Kind::Link);
    match target {
        Some(target) => check_name(target).map_err(|_| WriteError::Value)?,
        // The text after the arrow would be read as the target.
        None if entry.kind == Kind::Link && has_arrow(entry.name) => return Err(WriteError::Name),
        None => {}
    }
    write_mode(out, entry);
    out.extend_from_slice(b"   1 ");
    for name in [entry.owner, entry.group] {
        write_owner(out, name.filter(|name| !name.is_empty()).unwrap_or(b"ftp"));
    }
    let size = match target {
        Some(target) => target.len() as u64,
        None => entry.size.unwrap_or_default(),
    };
    write_number(out, size, 12, b' ');
    out.push(b' ');
    write_time(out, entry.modified, now);
    out.push(b' ');
    out.extend_from_slice(entry.name);
    if let Some(target) = target {
        out.extend_from_slice(b" -> ");
        out.extend_from_slice(target);
    }
    Ok(())
}

fn write_mode(out: &mut Vec<u8>, entry: &Entry<'_>) {
    let (letter, usual) = match entry.kind {
        Kind::File => (b'-', 0o644),
        Kind::Directory | Kind::CurrentDirectory | Kind::ParentDirectory => (b'd', 0o755),
        Kind::Link => (b'l', 0o777),
        Kind::Other => (b'p', 0o644),
    };
    let mode = entry.permissions.unwrap_or(usual);
    out.push(letter);
    for (shift, special, mark) in [(6_u32, 0o4000, b's'), (3, 0o2000, b's'), (0, 0o1000, b't')] {
        let bits = mode.wrapping_shr(shift);
        out.push(if bits & 4 == 0 { b'-' } else { b'r' });
        out.push(if bits & 2 == 0 { b'-' } else { b'w' });
        out.push(match (mode & special == 0, bits & 1 == 0) {
            (true, true) => b'-',
            (true, false) => b'x',
            (false, true) => mark.to_ascii_uppercase(),
            (false, false) => mark,
        });
    }
}

/// Writes a name in a column of eight.
fn write_owner(out: &mut Vec<u8>, name: &[u8]) {
    out.extend(name.iter().map(|byte| match byte {
        0..=b' ' | 0x7f => b'_',
        byte => *byte,
    }));
    out.extend(core::iter::repeat_n(
        b' ',
        8_usize.saturating_sub(name.len()).max(1),
    ));
}

fn write_time(out: &mut Vec<u8>, modified: Option<Modified>, now: DateTime) {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const HALF_A_YEAR: i64 = 182 * 86_400;
    let (time, precision) = match modified {
        Some(modified) => (modified.time, modified.precision),
        None => (DateTime::from_unix(0), Precision::Day),
    };
    let month = usize::from(time.month()).wrapping_sub(1);
    let month = MONTHS.get(month).unwrap_or(&"Jan");
    out.extend_from_slice(month.as_bytes());
    out.push(b' ');
    write_number(out, time.day(), 2, b' ');
    out.push(b' ');
    let age = now.unix().wrapping_sub(time.unix());
    let is_recent = time <= now && age < HALF_A_YEAR;
    if is_recent && precision != Precision::Day {
        write_number(out, time.hour(), 2, b'0');
        out.push(b':');
        write_number(out, time.minute(), 2, b'0');
    } else {
        out.push(b' ');
        write_number(out, time.year(), 4, b'0');
    }
}

/// The fourteen digits of RFC 3659 §2.3, and a fraction if there is one.
fn write_compact(out: &mut Vec<u8>, time: DateTime) {
    if time.nanosecond() > 0 {
        return append(out, format_args!("{}", time.compact()));
    }
    let month_to_second = [
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ];
    let digits = month_to_second
        .into_iter()
        .fold(u64::from(time.year()), |digits, two| {
            digits.wrapping_mul(100).wrapping_add(u64::from(two))
        });
    write_number(out, digits, 14, b'0');
}

/// Writes a number in so many columns, or as many as it needs. With the standard library's formatting, numbers were a
/// third of what a server's listing takes.
fn write_number(out: &mut Vec<u8>, number: impl Into<u64>, columns: usize, fill: u8) {
    let mut digits = [fill; 20];
    let (mut rest, mut written) = (number.into(), 0_usize);
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10) as u8);
        (rest, written) = (rest / 10, written.wrapping_add(1));
        if rest == 0 {
            break;
        }
    }
    let columns = columns.max(written);
    let unused = digits.len().saturating_sub(columns);
    out.extend_from_slice(digits.get(unused..).unwrap_or_default());
}

fn check_name(name: &[u8]) -> Result<(), WriteError> {
    let is_sendable =
        !name.is_empty() && !name.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    if is_sendable {
        Ok(())
    } else {
        Err(WriteError::Name)
    }
}

fn has_arrow(name: &[u8]) -> bool {
    name.windows(4).any(|window| window == b" -> ")
}

fn is_value(value: &[u8]) -> bool {
    !value.is_empty()
        && !value
            .iter()
            .any(|byte| matches!(byte, 0..=b' ' | b';' | 0x7f))
}

/// Appending to a vector cannot fail.
fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    let _ = fmt::Write::write_fmt(&mut Bytes(out), text);
}
