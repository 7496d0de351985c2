//! Listings of OpenVMS (MultiNet, UCX, TCPware, CMU), on one line or two.

use super::clock::{Order, clock, numeric_date};
use super::entry::{Entry, Kind, Modified, Precision};
use super::text::{self, Words, is_blank, is_number, number, trim};

/// The unit of sizes on VMS.
const BLOCK: u64 = 512;

/// The name of a file, and the text after it.
struct Name<'a> {
    name: &'a [u8],
    is_directory: bool,
    rest: &'a [u8],
}

/// Splits off `NAME.TYPE;version`. Names may contain blanks.
fn name(line: &[u8]) -> Option<Name<'_>> {
    let line = text::skip_blanks(line);
    let semicolon = line.iter().position(|byte| *byte == b';')?;
    let version = line.get(semicolon.checked_add(1)?..)?;
    let digits = version
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let end = semicolon.checked_add(1)?.checked_add(digits)?;
    let (whole, rest) = line.split_at_checked(end)?;
    let is_ended = rest.first().is_none_or(|byte| is_blank(*byte));
    if digits == 0 || digits > 5 || !is_ended || semicolon == 0 {
        return None;
    }
    let plain = whole.get(..semicolon)?;
    Some(
        match plain
            .len()
            .checked_sub(4)
            .and_then(|dot| plain.split_at_checked(dot))
        {
            Some((stem, extension))
                if extension.eq_ignore_ascii_case(b".DIR") && !stem.is_empty() =>
            {
                Name {
                    name: stem,
                    is_directory: true,
                    rest,
                }
            }
            _ => Name {
                name: whole,
                is_directory: false,
                rest,
            },
        },
    )
}

/// Whether this is a name alone, with the rest of the entry on the next line.
pub(super) fn is_first_half(line: &[u8], is_settled: bool) -> bool {
    match name(line) {
        Some(name) => trim(name.rest).is_empty() && !name.name.contains(&b' '),
        // Without a version it may be anything.
        None => {
            let word = trim(line);
            is_settled
                && word.contains(&b'.')
                && !word.iter().any(|byte| matches!(byte, b' ' | b']' | b':'))
        }
    }
}

/// Whether this is a second half: it begins with blanks, unlike the first, and then has a size, a
/// date or an error.
pub(super) fn is_second_half(line: &[u8]) -> bool {
    if !line.first().is_some_and(|byte| is_blank(*byte)) && !starts_with_size_and_date(line) {
        return false;
    }
    let word = Words::new(line).next();
    blocks(word).is_some()
        || is_date(word)
        || is_trouble(text::skip_blanks(line))
        || word.starts_with(b"[")
}

fn starts_with_size_and_date(line: &[u8]) -> bool {
    let mut words = Words::new(line);
    blocks(words.next()).is_some() && is_date(words.next())
}

/// Whether this is a protection alone on a line: the entry before it is complete without it.
pub(super) fn is_protection_alone(line: &[u8]) -> bool {
    let text = trim(line);
    text.starts_with(b"(") && text.ends_with(b")") && protection(text).is_some()
}

/// `NAME.TYPE;1   155/157   2-JUL-2003 10:30:13.64  [GROUP,OWNER]  (RWED,RWED,RE,)`: any part may
/// be missing, and the order may differ.
pub(super) fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let name = name(line)?;
    describe(name.name, name.is_directory, name.rest)
}

/// The same for a file without a version, if it is on two lines.
pub(super) fn parse_two_lines(lines: &[u8]) -> Option<Entry<'_>> {
    if let Some(entry) = parse(lines) {
        return Some(entry);
    }
    let mut words = Words::new(lines);
    let name = words.next();
    describe(name, false, words.rest)
}

fn describe<'a>(name: &'a [u8], is_directory: bool, rest: &'a [u8]) -> Option<Entry<'a>> {
    let kind = if is_directory {
        Kind::Directory
    } else {
        Kind::File
    };
    let mut entry = Entry::new(name, kind);
    let rest = trim(rest);
    if is_trouble(rest) {
        return (!is_not_found(rest)).then_some(entry);
    }
    let mut words = Words::new(rest);
    let mut is_described = false;
    loop {
        let start = text::skip_blanks(words.rest);
        let word = words.next();
        match word {
            [] => return is_described.then_some(entry),
            [b'[', ..] => {
                let (owner, after) = bracketed(start, b']');
                (entry.group, entry.owner) = group_and_owner(owner);
                words.rest = after;
            }
            // A size that is too large for its column.
            [b'*', b'*', ..] => {}
            [b'(', ..] => {
                let (inside, after) = bracketed(start, b')');
                entry.permissions = protection(inside);
                words.rest = after;
            }
            _ => {
                if let Some(size) =
                    blocks(word).filter(|_| entry.size.is_none() || !is_number(word))
                {
                    entry.size = size;
                } else if is_date(word) {
                    entry.modified = modified(word, &mut words);
                } else if is_described && entry.owner.is_none() {
                    // An owner without brackets.
                    entry.owner = Some(word);
                } else {
                    return None;
                }
            }
        }
        is_described = true;
    }
}

/// `155`, `155/157` (used and allocated), `2KB`.
#[expect(
    clippy::option_option,
    reason = "the inner one is a size that is too large"
)]
fn blocks(word: &[u8]) -> Option<Option<u64>> {
    let used = match word.iter().position(|byte| *byte == b'/') {
        Some(slash) => {
            let (used, allocated) = word.split_at(slash);
            if !is_number(allocated.get(1..)?) {
                return None;
            }
            used
        }
        None => word,
    };
    if is_number(used) {
        return Some(number(used).and_then(|blocks| blocks.checked_mul(BLOCK)));
    }
    let has_unit = used.last().is_some_and(u8::is_ascii_alphabetic);
    text::size(used)
        .filter(|_| has_unit)
        .map(|text::Size(size)| size)
}

/// `2-JUL-2003`.
fn is_date(word: &[u8]) -> bool {
    matches!(
        word,
        [b'0'..=b'9', b'-', ..] | [b'0'..=b'9', b'0'..=b'9', b'-', ..]
    ) && word.iter().filter(|byte| **byte == b'-').count() == 2
}

fn modified(date: &[u8], words: &mut Words<'_>) -> Option<Modified> {
    let clock = clock(words.peek());
    if clock.is_some() {
        words.next();
    }
    let date = numeric_date(date, Order::DayMonth)?.date;
    match clock {
        Some(clock) => clock.on(date),
        None => Some(Modified::local(date, Precision::Day)),
    }
}

/// The text in brackets, and the text after them. The closing bracket may be missing.
fn bracketed(text: &[u8], close: u8) -> (&[u8], &[u8]) {
    let inside = text.get(1..).unwrap_or_default();
    match inside.iter().position(|byte| *byte == close) {
        Some(end) => {
            let (inside, after) = inside.split_at(end);
            (inside, after.get(1..).unwrap_or_default())
        }
        None => {
            let end = inside
                .iter()
                .position(|byte| is_blank(*byte))
                .unwrap_or(inside.len());
            inside.split_at(end)
        }
    }
}

fn group_and_owner(text: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let some = |part: &'_ [u8]| !part.is_empty();
    match text.iter().position(|byte| *byte == b',') {
        Some(comma) => {
            let (group, owner) = text.split_at(comma);
            let owner = trim(owner.get(1..).unwrap_or_default());
            (
                Some(trim(group)).filter(|part| some(part)),
                Some(owner).filter(|part| some(part)),
            )
        }
        None => (None, Some(trim(text)).filter(|part| some(part))),
    }
}

/// `RWED,RWED,RE,`: system, owner, group, world. The rights of the system and the right to delete
/// have no bits on Unix.
fn protection(text: &[u8]) -> Option<u16> {
    let text = text.strip_prefix(b"(").unwrap_or(text);
    let text = text.strip_suffix(b")").unwrap_or(text);
    let mut classes = text.split(|byte| *byte == b',');
    let mut bits = 0_u16;
    for class in 0..4 {
        let mut rights = 0;
        for right in classes.next()? {
            rights |= match right {
                b'R' | b'r' => 4,
                b'W' | b'w' => 2,
                b'E' | b'e' => 1,
                b'D' | b'd' | b' ' => 0,
                _ => return None,
            };
        }
        if class > 0 {
            bits = bits.wrapping_shl(3) | rights;
        }
    }
    classes.next().is_none().then_some(bits)
}

/// `<%RMS-E-FNF, file not found>`: the answer to a pattern that matches nothing.
fn is_not_found(text: &[u8]) -> bool {
    contains(text, b"not found") || contains(text, b"-FNF")
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    let mut windows = text.windows(words.len());
    windows.any(|window| window.eq_ignore_ascii_case(words))
}

/// `%RMS-E-PRV, insufficient privilege or file protection violation`, and the same without a code:
/// the file exists, but nothing more is shown.
fn is_trouble(text: &[u8]) -> bool {
    text.starts_with(b"%")
        || text.starts_with(b"<%")
        || contains(text, b"privilege")
        || contains(text, b"protection violation")
}
