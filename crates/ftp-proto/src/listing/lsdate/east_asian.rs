//! Dates of China, Japan and Korea in lines of `ls -l`.

use super::{Stamp, full_year, next_clock, on};
use crate::datetime::DateTime;
use crate::listing::clock::{self, Clock, latest};
use crate::listing::text::{Words, leading_digits, small};

/// `4月 18日 2003年`, `2005년  1월  6일`, `8月 17 08:52`, `11月12日 14時21分`: numbers with a sign after each,
/// in UTF-8 or an older encoding, with or without blanks.
pub(super) fn read<'a>(word: &'a [u8], words: &mut Words<'a>, limit: DateTime) -> Option<Stamp> {
    let mut parts = Marked { word, words };
    let first = parts.next()?;
    if first.digits.len() == 4 {
        let (month, day) = (parts.next_marked()?, parts.next()?);
        let modified = on(
            clock::year(first.digits)?,
            small(month.digits)?,
            small(day.digits)?,
            None,
        );
        return Stamp::of(modified);
    }
    let (month, day) = (small(first.digits)?, small(parts.next()?.digits)?);
    if parts.word.is_empty()
        && let Some(clock) = next_clock(parts.words)
    {
        return Stamp::of(latest(month, day, Some(clock), limit));
    }
    let third = parts.next()?;
    if let Some(year) = full_year(third.digits) {
        return Stamp::of(on(year, month, day, None));
    }
    let hour = small(third.digits).filter(|_| third.is_marked)?;
    let clock = Clock::to_the_minute(hour, small(parts.next_marked()?.digits)?);
    Stamp::of(latest(month, day, Some(clock), limit))
}

/// Splits numbers and the signs after them.
struct Marked<'w, 'a> {
    word: &'a [u8],
    words: &'w mut Words<'a>,
}

struct Part<'a> {
    digits: &'a [u8],
    is_marked: bool,
}

impl<'a> Marked<'_, 'a> {
    fn next(&mut self) -> Option<Part<'a>> {
        if self.word.is_empty() {
            self.word = self.words.next();
        }
        let (digits, rest) = leading_digits(self.word);
        if digits.is_empty() {
            return None;
        }
        // In Shift_JIS the second byte of a sign may be a letter, so a sign goes up to the next
        // digit.
        let sign = match rest {
            [0x80..=0xff, ..] => rest.iter().skip(1).position(|byte| byte.is_ascii_digit()),
            [] => None,
            _ => return None,
        };
        self.word = match sign {
            Some(length) => rest.get(length.saturating_add(1)..)?,
            None => b"",
        };
        Some(Part {
            digits,
            is_marked: !rest.is_empty(),
        })
    }

    fn next_marked(&mut self) -> Option<Part<'a>> {
        self.next().filter(|part| part.is_marked)
    }
}
