//! Size and time of a file: 213, which answers `SIZE` and `MDTM` (RFC 3659 §3 and §4).

use super::{Code, ReplyRef};
use crate::DateTime;
use crate::listing::text::{leading_digits, number};

/// The size that a reply to `SIZE` says: bytes, as they would be sent with the present `TYPE`.
///
/// Blanks around the number are skipped, and so is the word `bytes` and what follows it. `1,234`, `1.234`
/// and `1 234` are 1234. `None` for all else: other codes, several lines, numbers that do not fit.
///
/// ```
/// use ftp_proto::wire::{Code, Reply, parse_size};
///
/// let reply = Reply::new(Code::FILE_STATUS, "1,234 bytes")?;
/// assert_eq!(parse_size(reply.borrow()), Some(1234));
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
pub fn parse_size(reply: ReplyRef<'_>) -> Option<u64> {
    let (size, rest) = take_grouped(only_line(reply)?, b",. ")?;
    (rest.is_empty() || strip_bytes(rest).is_some()).then_some(size)
}

/// The time that a reply to `MDTM` or `MFMT` says, in UTC (RFC 3659 §2.3). See [`DateTime::parse`] for
/// what is read.
///
/// `UTC`, `GMT` or `Z` may follow, and `Modify=` may stand in front, as it does in replies to `MFMT`.
/// `None` for all else: other codes, several lines, other time zones.
///
/// ```
/// use ftp_proto::wire::{Code, Reply, parse_time};
///
/// let reply = Reply::new(Code::FILE_STATUS, "20240501123400.5")?;
/// let time = parse_time(reply.borrow()).expect("a time");
/// assert_eq!(time.to_string(), "2024-05-01T12:34:00.5");
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
pub fn parse_time(reply: ReplyRef<'_>) -> Option<DateTime> {
    const FACT: usize = b"modify=".len();
    let line = only_line(reply)?;
    if let Some((name, value)) = line.split_at_checked(FACT)
        && name.eq_ignore_ascii_case(b"modify=")
    {
        let end = memchr::memchr3(b';', b' ', b'\t', value).unwrap_or(value.len());
        return DateTime::parse(value.get(..end)?);
    }
    let mut words = line.split(u8::is_ascii_whitespace);
    let time = DateTime::parse(words.next()?)?;
    let mut zone = words.filter(|word| !word.is_empty());
    let is_utc = match (zone.next(), zone.next()) {
        (None, _) => true,
        (Some(zone), None) => [&b"UTC"[..], b"GMT", b"Z"]
            .iter()
            .any(|utc| zone.eq_ignore_ascii_case(utc)),
        _ => false,
    };
    is_utc.then_some(time)
}

/// The text of a 213, if there is no other line with text.
fn only_line(reply: ReplyRef<'_>) -> Option<&[u8]> {
    if reply.code() != Code::FILE_STATUS {
        return None;
    }
    let mut lines = reply
        .lines()
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}

/// Takes a number off the front, whose thousands may be set apart by one of the separators.
pub(super) fn take_grouped<'a>(text: &'a [u8], separators: &[u8]) -> Option<(u64, &'a [u8])> {
    let (digits, mut rest) = leading_digits(text);
    let mut value = number(digits)?;
    if digits.len() > 3 || digits.starts_with(b"0") {
        return Some((value, rest));
    }
    let first = rest.first().filter(|byte| separators.contains(byte));
    while let Some((group, after)) = rest.split_at_checked(4)
        && let [separator, thousand @ ..] = group
        && Some(separator) == first
        && let Some(thousand) = number(thousand)
        && !after.first().is_some_and(u8::is_ascii_digit)
    {
        value = value.checked_mul(1000)?.checked_add(thousand)?;
        rest = after;
    }
    Some((value, rest))
}

/// What follows the word `bytes`.
pub(super) fn strip_bytes(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_start();
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let is_bytes = word.eq_ignore_ascii_case(b"bytes") || word.eq_ignore_ascii_case(b"byte");
    is_bytes.then_some(rest)
}
