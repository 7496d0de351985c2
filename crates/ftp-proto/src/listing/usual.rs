//! A fast path for the usual line of `ls -l`. All other lines go through `unix.rs`, which gives the
//! same entry for this one.

use super::clock::{Clock, latest};
use super::entry::{Entry, Kind, Modified, Precision};
use super::mode::Mode;
use super::month;
use super::text::{Words, digit, number, small};
use super::unix::finish;
use crate::datetime::DateTime;

/// ` 1 owner    group      1234 Jan 29 03:26 name`, or with `  2023` for the time.
#[inline]
pub(super) fn parse<'a>(mode: &Mode<'a>, rest: &'a [u8], limit: DateTime) -> Option<Entry<'a>> {
    if mode.permissions.is_none() || mode.is_device() {
        return None;
    }
    let mut words = Words::new(rest);
    number(words.next())?;
    let (owner, group) = (words.next(), words.next());
    let size = number(words.next())?;
    let [first, second, third] = words.next() else {
        return None;
    };
    let month = month::english([*first, *second, *third])?;
    let day = small(words.next())?;
    let modified = time_or_year(&mut words, month, day, limit)?;
    let [b' ', name @ ..] = words.rest else {
        return None;
    };
    // Attributes in place of a group are left to the slow path.
    if name.is_empty() || group.starts_with(b"-") {
        return None;
    }
    Some(finish(
        mode,
        Entry {
            size: Some(size),
            modified,
            owner: Some(owner),
            group: Some(group),
            ..Entry::new(name, Kind::File)
        },
    ))
}

#[expect(
    clippy::option_option,
    reason = "the inner one is a date that does not exist"
)]
fn time_or_year(
    words: &mut Words<'_>,
    month: u8,
    day: u8,
    limit: DateTime,
) -> Option<Option<Modified>> {
    let is_plain = words.rest.starts_with(b"  ");
    match words.next() {
        [a, b, b':', c, d] => {
            let hour = digit(*a)?.wrapping_mul(10).wrapping_add(digit(*b)?);
            let minute = digit(*c)?.wrapping_mul(10).wrapping_add(digit(*d)?);
            let clock = Clock::to_the_minute(hour, minute);
            Some(latest(month, day, Some(clock), limit))
        }
        [a, b, c, d] if is_plain => {
            let century = u16::from(small(&[*a, *b])?).wrapping_mul(100);
            let year = century.wrapping_add(u16::from(small(&[*c, *d])?));
            let date = DateTime::date(year, month, day).filter(|_| year >= 1000);
            Some(date.map(|date| Modified::local(date, Precision::Day)))
        }
        _ => None,
    }
}
