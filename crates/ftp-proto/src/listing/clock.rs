//! Times of day, and numeric dates in listings.

use super::entry::{Modified, Precision};
use super::month;
use super::text::{Words, digit, leading_digits, small};
use crate::datetime::{DateTime, nanoseconds};

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    hour: u8,
    minute: u8,
    second: u8,
    nanosecond: u32,
    precision: Precision,
}

impl Clock {
    pub(super) const fn to_the_minute(hour: u8, minute: u8) -> Self {
        Self {
            hour,
            minute,
            second: 0,
            nanosecond: 0,
            precision: Precision::Minute,
        }
    }

    pub(super) const fn has_seconds(self) -> bool {
        !matches!(self.precision, Precision::Minute)
    }

    /// The time on a day. 24:00 is midnight at its end.
    pub(super) fn on(self, date: DateTime) -> Option<Modified> {
        let time = if self.hour == 24 && self.minute == 0 && self.second == 0 {
            date.plus_seconds(86_400)
        } else {
            date.at(self.hour, self.minute, self.second)?
                .with_nanosecond(self.nanosecond)
        };
        Some(Modified::local(time, self.precision))
    }
}

/// `12:34`, `1:02`, `12:34:56`, `12:34:56.78`, `12:34PM`, `03:34p`. The numbers may be out of
/// range: this is checked when a day is known.
#[inline]
pub(super) fn clock(word: &[u8]) -> Option<Clock> {
    if let [a, b, b':', c, d] = word {
        let hour = digit(*a)?.wrapping_mul(10).wrapping_add(digit(*b)?);
        let minute = digit(*c)?.wrapping_mul(10).wrapping_add(digit(*d)?);
        return Some(Clock::to_the_minute(hour, minute));
    }
    slow_clock(word)
}

fn slow_clock(word: &[u8]) -> Option<Clock> {
    let (hour, rest) = leading_digits(word);
    let (minute, rest) = leading_digits(rest.strip_prefix(b":")?);
    let mut clock = Clock::to_the_minute(small(hour)?, small(minute)?);
    let rest = match rest.strip_prefix(b":") {
        Some(rest) => {
            let (second, rest) = leading_digits(rest);
            clock.second = small(second)?;
            clock.precision = Precision::Second;
            match rest {
                [b'.' | b',', fraction @ ..] => {
                    let (fraction, rest) = leading_digits(fraction);
                    clock.nanosecond = nanoseconds(fraction)?;
                    clock.precision = Precision::Fraction;
                    rest
                }
                rest => rest,
            }
        }
        None => rest,
    };
    // One server omits a zero: `00:0`.
    if minute.len() != 2 && clock.has_seconds() {
        return None;
    }
    match rest {
        b"" => Some(clock),
        half => twelve_hours(clock, half),
    }
}

/// `AM`, `pm`, `a`, `p`, `a.m.`.
fn twelve_hours(clock: Clock, half: &[u8]) -> Option<Clock> {
    let is = |word: &[u8]| half.eq_ignore_ascii_case(word);
    let is_afternoon = if is(b"pm") || is(b"p") || is(b"p.m.") {
        true
    } else if is(b"am") || is(b"a") || is(b"a.m.") {
        false
    } else {
        return None;
    };
    let hour = match (clock.hour, is_afternoon) {
        (12, false) => 0,
        (1..=11, true) => clock.hour.wrapping_add(12),
        (hour, _) => hour,
    };
    Some(Clock { hour, ..clock })
}

/// A time, with `AM` or `PM` in the word after it.
pub(super) fn clock_in_words(words: &mut Words<'_>) -> Option<Clock> {
    let read = clock(words.next())?;
    let mut ahead = *words;
    match ahead.next() {
        half @ [_, _] if read.hour <= 12 => match twelve_hours(read, half) {
            Some(clock) => {
                *words = ahead;
                Some(clock)
            }
            None => Some(read),
        },
        _ => Some(read),
    }
}

/// Which of the two numbers before the year is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    MonthDay,
    DayMonth,
}

/// A date in one word, with its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumericDate {
    pub(super) date: DateTime,
    /// The order of day and month, if only one is possible.
    pub(super) proves: Option<Order>,
}

/// `2024-05-01`, `05-01-24`, `5/1/2024`, `01.05.2024`, `100-05-01`, `1-MAY-2024`, `May-01-2024`. If
/// day and month are ambiguous, `order` decides; with dots the day is first.
pub(super) fn numeric_date(word: &[u8], order: Order) -> Option<NumericDate> {
    let separator = *word
        .iter()
        .find(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    separated_date(word, separator, order)
}

/// The same with this separator between the parts.
pub(super) fn separated_date(word: &[u8], separator: u8, order: Order) -> Option<NumericDate> {
    let mut parts = word.split(|byte| *byte == separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some_and(|rest| !rest.is_empty()) {
        return None;
    }
    let order = if separator == b'.' {
        Order::DayMonth
    } else {
        order
    };
    by_name(first, second, third).or_else(|| by_number(first, second, third, order))
}

/// A date in which the month has a name.
fn by_name(first: &[u8], second: &[u8], third: &[u8]) -> Option<NumericDate> {
    let is_word = |part: &[u8]| part.first().is_some_and(|byte| !byte.is_ascii_digit());
    let date = if is_word(second) {
        let month = month::number(second)?;
        match small(first) {
            Some(day) => DateTime::date(year(third)?, month, day)?,
            None => DateTime::date(year(first)?, month, small(third)?)?,
        }
    } else if is_word(first) {
        DateTime::date(year(third)?, month::number(first)?, small(second)?)?
    } else {
        return None;
    };
    Some(NumericDate { date, proves: None })
}

fn by_number(first: &[u8], second: &[u8], third: &[u8], order: Order) -> Option<NumericDate> {
    // A number that cannot be a day is a year.
    if first.len() > 2 || small(first)? > 31 {
        let (month, day) = (small(second)?, small(third)?);
        let year = year(first)?;
        let date = DateTime::date(year, month, day).or_else(|| DateTime::date(year, day, month))?;
        return Some(NumericDate { date, proves: None });
    }
    let (first, second, year) = (small(first)?, small(second)?, year(third)?);
    let month_first = DateTime::date(year, first, second);
    let day_first = DateTime::date(year, second, first);
    let (date, proves) = match (month_first, day_first, order) {
        (Some(date), None, _) => (date, Some(Order::MonthDay)),
        (None, Some(date), _) => (date, Some(Order::DayMonth)),
        (Some(date), Some(_), Order::MonthDay) | (Some(_), Some(date), Order::DayMonth) => {
            (date, None)
        }
        (None, None, _) => return None,
    };
    Some(NumericDate { date, proves })
}

/// `yy/mm/dd` and similar, where a year of two digits is first.
pub(super) fn year_first(word: &[u8]) -> Option<DateTime> {
    let mut parts = word.split(|byte| matches!(byte, b'/' | b'-' | b'.'));
    let date = DateTime::date(
        year(parts.next()?)?,
        small(parts.next()?)?,
        small(parts.next()?)?,
    )?;
    parts.next().is_none().then_some(date)
}

/// A year of four digits, of two (70 to 99 are in the last century), or of three (years since
/// 1900).
pub(super) fn year(word: &[u8]) -> Option<u16> {
    let value = word.iter().try_fold(0_u16, |value, byte| {
        value.checked_mul(10)?.checked_add(u16::from(digit(*byte)?))
    })?;
    match word.len() {
        4 if value >= 1000 => Some(value),
        3 if value >= 100 => Some(value.wrapping_add(1900)),
        2 if value >= 70 => Some(value.wrapping_add(1900)),
        2 => Some(value.wrapping_add(2000)),
        _ => None,
    }
}

/// The latest year that has this day and in which the time is not after `limit`.
pub(super) fn latest(
    month: u8,
    day: u8,
    clock: Option<Clock>,
    limit: DateTime,
) -> Option<Modified> {
    let in_year = |year: u16| {
        let date = DateTime::date(year, month, day)?;
        let modified = match clock {
            Some(clock) => clock.on(date)?,
            None => Modified::local(date, Precision::Day),
        };
        (modified.time <= limit).then_some(modified)
    };
    // At most eight years have no leap day.
    let year = limit.year();
    in_year(year).or_else(|| (1..=8).find_map(|back| in_year(year.checked_sub(back)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn date(text: &str, order: Order) -> std::string::String {
        numeric_date(text.as_bytes(), order).map_or("none".to_string(), |found| {
            found.date.to_string().split_at(10).0.to_string()
        })
    }

    #[test]
    fn numeric_dates_are_read_in_all_orders() {
        use Order::{DayMonth, MonthDay};
        for (text, order, expected) in [
            ("04-27-00", MonthDay, "2000-04-27"),
            ("04-06-00", MonthDay, "2000-04-06"),
            ("04-06-00", DayMonth, "2000-06-04"),
            ("27-04-00", MonthDay, "2000-04-27"),
            ("04/27/99", DayMonth, "1999-04-27"),
            ("2002-09-02", MonthDay, "2002-09-02"),
            ("1999/10/12", MonthDay, "1999-10-12"),
            ("97-10-14", MonthDay, "1997-10-14"),
            ("100-10-14", MonthDay, "2000-10-14"),
            ("04-23-103", MonthDay, "2003-04-23"),
            ("18.09.06", MonthDay, "2006-09-18"),
            ("2004.07.15", MonthDay, "2004-07-15"),
            ("01-jun-99", MonthDay, "1999-06-01"),
            ("Feb-28-1998", MonthDay, "1998-02-28"),
            ("2-JUN-1998", MonthDay, "1998-06-02"),
            ("13-13-99", MonthDay, "none"),
            ("31-02-99", MonthDay, "none"),
            ("1-2", MonthDay, "none"),
            ("1-2-3-4", MonthDay, "none"),
            ("1--2", MonthDay, "none"),
        ] {
            assert_eq!(date(text, order), expected, "{text}");
        }
    }

    #[test]
    fn clocks_are_read_in_12_and_24_hours() {
        let day = DateTime::date(2024, 5, 1).unwrap();
        for (text, expected) in [
            ("00:00", "2024-05-01T00:00:00"),
            ("1:02", "2024-05-01T01:02:00"),
            ("12:09PM", "2024-05-01T12:09:00"),
            ("12:09AM", "2024-05-01T00:09:00"),
            ("03:47pm", "2024-05-01T15:47:00"),
            ("10:00a", "2024-05-01T10:00:00"),
            ("00:34AM", "2024-05-01T00:34:00"),
            ("24:00", "2024-05-02T00:00:00"),
            ("10:30:13.64", "2024-05-01T10:30:13.64"),
            ("10:30:08", "2024-05-01T10:30:08"),
        ] {
            let modified = clock(text.as_bytes()).unwrap().on(day).unwrap();
            assert_eq!(modified.time.to_string(), expected, "{text}");
        }
        for text in [
            "", "1", "12:", ":12", "1:2:03", "12:345", "12:34x", "12:34:", "123:45",
        ] {
            assert_eq!(clock(text.as_bytes()), None, "{text}");
        }
        assert_eq!(clock(b"24:01").unwrap().on(day), None);
    }

    #[test]
    fn a_date_without_a_year_has_the_latest_that_is_possible() {
        let limit = DateTime::date(2023, 3, 1).unwrap();
        for (month, day, year) in [(3, 1, 2023), (3, 2, 2022), (12, 31, 2022), (2, 29, 2020)] {
            assert_eq!(latest(month, day, None, limit).unwrap().time.year(), year);
        }
        let noon = Clock::to_the_minute(12, 0);
        assert_eq!(latest(3, 1, Some(noon), limit).unwrap().time.year(), 2022);
        assert_eq!(latest(2, 30, None, limit), None);
        let after_1900 = DateTime::date(1904, 2, 28).unwrap();
        assert_eq!(latest(2, 29, None, after_1900).unwrap().time.year(), 1896);
    }
}
