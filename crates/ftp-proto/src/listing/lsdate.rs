//! The date in a line of `ls -l`, in the forms of many systems.

mod east_asian;

use super::clock::{self, Clock, Order, clock as clock_of, clock_in_words, latest, numeric_date};
use super::entry::{Modified, Precision};
use super::month;
use super::text::{Words, digit, is_number, leading_digits, small};
use crate::datetime::DateTime;

/// A date in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// `None` if it looks like a date but is not valid, or is in an unknown language.
    pub(super) modified: Option<Modified>,
    /// Whether there may be more than one blank between it and the name.
    pub(super) is_padded: bool,
}

impl Stamp {
    const fn of(modified: Option<Modified>) -> Option<Self> {
        Some(Self {
            modified,
            is_padded: false,
        })
    }
}

/// Reads a date, and moves past it if there is one.
#[inline]
pub(super) fn read(words: &mut Words<'_>, limit: DateTime) -> Option<Stamp> {
    let mut ahead = *words;
    let mut word = ahead.next();
    if is_weekday(word) {
        word = ahead.next();
    }
    let stamp = match word.first()? {
        b'0'..=b'9' => number_first(word, &mut ahead, limit)?,
        _ => month_first(word, &mut ahead, limit)?,
    };
    *words = ahead;
    Some(stamp)
}

/// `Tue`, `Thur.`, `Friday`.
pub(super) fn is_weekday(word: &[u8]) -> bool {
    let Some((start, rest)) = word.split_first_chunk::<3>() else {
        return false;
    };
    let is_day = matches!(
        &start.map(|letter| letter | 0x20),
        b"mon" | b"tue" | b"wed" | b"thu" | b"fri" | b"sat" | b"sun"
    );
    let is_rest = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'.' | b',');
    is_day && rest.len() <= 7 && rest.iter().all(is_rest)
}

/// The same if no name follows: a time after the year is part of the date.
pub(super) fn read_with_time(words: &mut Words<'_>, limit: DateTime) -> Option<Stamp> {
    let mut stamp = read(words, limit)?;
    let mut ahead = *words;
    if let Some(modified) = &mut stamp.modified
        && modified.precision == Precision::Day
        && let Some(clock) = clock_in_words(&mut ahead)
    {
        *modified = clock.on(modified.time)?;
        *words = ahead;
    }
    Some(stamp)
}

/// The day, and whether a comma follows it.
fn day(word: &[u8]) -> Option<(u8, bool)> {
    let (word, has_comma) = match word {
        [rest @ .., b','] => (rest, true),
        word => (word, false),
    };
    Some((small(word.strip_suffix(b".").unwrap_or(word))?, has_comma))
}

/// `Jan 29 03:26`, `Apr  8  1994`, `Oct 08, 2002 09:47`, `Dec 29,2002 8:58`.
fn month_first(word: &[u8], words: &mut Words<'_>, limit: DateTime) -> Option<Stamp> {
    let second = words.next();
    let Some((day, has_comma)) = day(second) else {
        let comma = second.iter().position(|byte| *byte == b',')?;
        let (day, year) = second.split_at(comma);
        let year = clock::year(year.strip_prefix(b",")?)?;
        let clock = clock_in_words(words)?;
        return Stamp::of(on(year, month::number(word)?, small(day)?, Some(clock)));
    };
    year_or_time(word, day, has_comma, words, limit)
}

/// The year or time after month and day.
fn year_or_time(
    month: &[u8],
    day: u8,
    has_comma: bool,
    words: &mut Words<'_>,
    limit: DateTime,
) -> Option<Stamp> {
    let known = || month::number(month);
    if let Some(clock) = next_clock(words) {
        let mut ahead = *words;
        // `ls -T` of BSD has the year after the seconds.
        if clock.has_seconds()
            && let Some(year) = full_year(ahead.next())
        {
            *words = ahead;
            return stamp_in_year(year, month, day, Some(clock));
        }
        let Some(number) = known() else {
            return unknown_month(month);
        };
        return Stamp::of(latest(number, day, Some(clock), limit));
    }
    // `ls` itself writes a year two blanks after the day, and no time after it.
    let is_plain = !has_comma && words.rest.starts_with(b"  ");
    let word = words.next();
    if let Some(year) = full_year(word) {
        let mut ahead = *words;
        let clock = match clock_in_words(&mut ahead) {
            // A name may look like a time, but then no name would follow.
            Some(clock) if has_comma || (!is_plain && !ahead.trimmed().is_empty()) => {
                *words = ahead;
                Some(clock)
            }
            _ => None,
        };
        return stamp_in_year(year, month, day, clock);
    }
    // Years of two digits always come with a time.
    if word.len() == 2 && is_number(word) {
        let clock = clock_in_words(words)?;
        return stamp_in_year(clock::year(word)?, month, day, Some(clock));
    }
    let clock = unusual_clock(word)?;
    Some(Stamp {
        modified: latest(known()?, day, Some(clock), limit),
        is_padded: true,
    })
}

/// The next word, if it is a time. `AM` in the word after it could be a name.
fn next_clock(words: &mut Words<'_>) -> Option<Clock> {
    let clock = clock_of(words.peek())?;
    words.next();
    Some(clock)
}

fn stamp_in_year(year: u16, month: &[u8], day: u8, clock: Option<Clock>) -> Option<Stamp> {
    match month::number(month) {
        Some(month) => Stamp::of(on(year, month, day, clock)),
        None => unknown_month(month),
    }
}

/// The form of the date shows where the name is, in any language.
fn unknown_month(word: &[u8]) -> Option<Stamp> {
    let is_word = word.len() >= 2
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80 || *byte == b'.');
    if is_word { Stamp::of(None) } else { None }
}

fn on(year: u16, month: u8, day: u8, clock: Option<Clock>) -> Option<Modified> {
    let date = DateTime::date(year, month, day)?;
    match clock {
        Some(clock) => clock.on(date),
        None => Some(Modified::local(date, Precision::Day)),
    }
}

fn full_year(word: &[u8]) -> Option<u16> {
    if word.len() == 4 {
        clock::year(word)
    } else {
        None
    }
}

/// `09.17` and `11-27` in a place where only a time is possible.
fn unusual_clock(word: &[u8]) -> Option<Clock> {
    let (a, b, c, d) = match word {
        [b, b'.' | b'-', c, d] => (b'0', *b, *c, *d),
        [a, b, b'.' | b'-', c, d] => (*a, *b, *c, *d),
        _ => return None,
    };
    let hour = digit(a)?.wrapping_mul(10).wrapping_add(digit(b)?);
    let minute = digit(c)?.wrapping_mul(10).wrapping_add(digit(d)?);
    (hour < 24 && minute < 60).then(|| Clock::to_the_minute(hour, minute))
}

fn number_first<'a>(word: &'a [u8], words: &mut Words<'a>, limit: DateTime) -> Option<Stamp> {
    let (digits, rest) = leading_digits(word);
    match rest {
        [] => only_digits(word, words, limit),
        // `2. Okt. 2003`.
        [b'.'] => day_first(small(digits)?, words, limit),
        // `11/ 6 14:21`.
        [b'/'] => {
            let (month, day) = (small(digits)?, small(words.next())?);
            month_and_day(month, day, words, limit)
        }
        [b'-' | b'/' | b'.', rest @ ..] => {
            let mut parts = rest.split(|byte| matches!(byte, b'-' | b'/' | b'.'));
            let second = parts.next()?;
            match parts.next() {
                Some(_) => whole_date(word, words),
                None => month_and_day(small(digits)?, small(second)?, words, limit),
            }
        }
        [0x80..=0xff, ..] => east_asian::read(word, words, limit),
        _ => None,
    }
}

/// A number: the day, the month, or a year.
fn only_digits<'a>(word: &'a [u8], words: &mut Words<'a>, limit: DateTime) -> Option<Stamp> {
    let next = words.peek();
    let begins_with_digit = next.first()?.is_ascii_digit();
    if word.len() == 4 {
        let (_, suffix) = leading_digits(next);
        let is_marked = begins_with_digit && suffix.first().is_some_and(|byte| *byte >= 0x80);
        return is_marked
            .then(|| east_asian::read(word, words, limit))
            .flatten();
    }
    let first = small(word)?;
    if !begins_with_digit {
        return day_first(first, words, limit);
    }
    // `3 29 03:26`: the colon shows that this is a date.
    let (month, day) = (first, small(words.next())?);
    let clock = clock_in_words(words)?;
    Stamp::of(either_order(month, day, |month, day| {
        latest(month, day, Some(clock), limit)
    }))
}

/// `26. Juli, 20:10`, `29 Jul 02:27`, `01 oct 2004`.
fn day_first(day: u8, words: &mut Words<'_>, limit: DateTime) -> Option<Stamp> {
    let word = words.next();
    if word.first()?.is_ascii_digit() {
        return None;
    }
    let word = word.strip_suffix(b",").unwrap_or(word);
    // In this order an unknown word is probably a group between two numbers.
    month::number(word)?;
    year_or_time(word, day, false, words, limit)
}

/// `09-26 2000`, `09-26 13:45`.
fn month_and_day(month: u8, day: u8, words: &mut Words<'_>, limit: DateTime) -> Option<Stamp> {
    if let Some(clock) = next_clock(words) {
        return Stamp::of(either_order(month, day, |month, day| {
            latest(month, day, Some(clock), limit)
        }));
    }
    let year = full_year(words.next())?;
    Stamp::of(either_order(month, day, |month, day| {
        on(year, month, day, None)
    }))
}

fn either_order(
    first: u8,
    second: u8,
    date: impl Fn(u8, u8) -> Option<Modified>,
) -> Option<Modified> {
    date(first, second).or_else(|| date(second, first))
}

/// `2005-06-07 21:22`, `24-04-2003 17:12`, `01-jun-99`, `2024-05-01 12:34:56.123456789 +0200`,
/// `2024-05-01T12:34:56Z`.
fn whole_date(word: &[u8], words: &mut Words<'_>) -> Option<Stamp> {
    if let Some(at) = word.iter().position(|byte| *byte == b'T')
        && let Some(found) = numeric_date(word.get(..at)?, Order::MonthDay)
    {
        return iso_time(found.date, word.get(at.saturating_add(1)..)?);
    }
    let found = numeric_date(word, Order::MonthDay)?;
    let Some(clock) = next_clock(words) else {
        return Some(Stamp {
            modified: Some(Modified::local(found.date, Precision::Day)),
            is_padded: true,
        });
    };
    let modified = clock.on(found.date);
    let mut ahead = *words;
    let zone = ahead.next();
    // `--full-time` has the zone after the fraction.
    match (modified, minutes_east(zone)) {
        (Some(local), Some(minutes)) if clock.has_seconds() => {
            *words = ahead;
            Stamp::of(Some(in_utc(local, minutes)))
        }
        _ => Stamp::of(modified),
    }
}

fn iso_time(date: DateTime, time: &[u8]) -> Option<Stamp> {
    let zone = time
        .iter()
        .position(|byte| matches!(byte, b'Z' | b'+' | b'-'));
    let (time, zone) = time.split_at_checked(zone.unwrap_or(time.len()))?;
    let local = clock_of(time)?.on(date)?;
    Stamp::of(Some(match zone {
        b"" => local,
        b"Z" => in_utc(local, 0),
        zone => in_utc(local, minutes_east(zone)?),
    }))
}

fn in_utc(local: Modified, minutes_east: i64) -> Modified {
    let seconds = minutes_east.saturating_mul(-60);
    Modified::utc(local.time.plus_seconds(seconds), local.precision)
}

/// `+0200`, `-05:30`.
fn minutes_east(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = zone.split_first()?;
    let (hours, minutes) = match rest {
        [a, b, c, d] | [a, b, b':', c, d] => ([*a, *b], [*c, *d]),
        _ => return None,
    };
    let minutes = i64::from(small(&hours)?)
        .saturating_mul(60)
        .saturating_add(i64::from(small(&minutes)?));
    match sign {
        b'+' => Some(minutes),
        b'-' => Some(minutes.saturating_neg()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
