//! Dates and times as FTP writes them: calendar fields, without a time zone.

use core::fmt;

/// A date and a time of day in the Gregorian calendar, with nanoseconds.
///
/// It has no time zone: where one is known, the field that holds the value says which. Values are
/// ordered as time is. Years go from 0 to 9999, and a second may be 60 (a leap second, which
/// RFC 3659 §2.3 allows).
///
/// ```
/// use ftp_proto::DateTime;
///
/// let time = DateTime::parse(b"20240501123400.5").expect("as in MDTM and MLSD");
/// assert_eq!(time.to_string(), "2024-05-01T12:34:00.5");
/// assert_eq!(DateTime::from_unix(time.unix()), time.with_nanosecond(0));
/// assert_eq!(DateTime::date(2023, 2, 29), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    // In this order, so that the derived order is that of time.
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanosecond: u32,
}

const SECONDS_PER_DAY: i64 = 86_400;
const MAXIMUM_YEAR: u16 = 9999;

impl DateTime {
    /// Midnight of a day; `None` if there is no such day.
    pub const fn date(year: u16, month: u8, day: u8) -> Option<Self> {
        if year > MAXIMUM_YEAR || day == 0 || day > days_in_month(year, month) {
            return None;
        }
        Some(Self {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
        })
    }

    /// The same day at this time; `None` if there is no such time.
    pub const fn at(self, hour: u8, minute: u8, second: u8) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        Some(Self {
            hour,
            minute,
            second,
            nanosecond: 0,
            ..self
        })
    }

    /// The same second with another fraction. Values from a second on are cut to the last
    /// nanosecond.
    pub const fn with_nanosecond(self, nanosecond: u32) -> Self {
        Self {
            nanosecond: if nanosecond > 999_999_999 {
                999_999_999
            } else {
                nanosecond
            },
            ..self
        }
    }

    /// The year, 0 to 9999.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// The hour, 0 to 23.
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// The second, 0 to 60.
    pub const fn second(self) -> u8 {
        self.second
    }

    /// The fraction of the second.
    pub const fn nanosecond(self) -> u32 {
        self.nanosecond
    }

    /// Seconds since 1970-01-01T00:00:00 of the same time zone. The fraction is left out; a leap
    /// second counts as the second after it.
    pub const fn unix(self) -> i64 {
        let days = days_since_1970(self.year, self.month, self.day);
        let minutes = (self.hour as i64)
            .wrapping_mul(60)
            .wrapping_add(self.minute as i64);
        days.wrapping_mul(SECONDS_PER_DAY)
            .wrapping_add(minutes.wrapping_mul(60))
            .wrapping_add(self.second as i64)
    }

    /// The other way round. What lies outside of the years 0 to 9999 becomes their first or last
    /// second.
    pub const fn from_unix(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let rest = seconds.rem_euclid(SECONDS_PER_DAY);
        let Some(date) = date_of_day(days) else {
            return if seconds < 0 { Self::FIRST } else { Self::LAST };
        };
        Self {
            hour: rest.div_euclid(3600) as u8,
            minute: rest.rem_euclid(3600).div_euclid(60) as u8,
            second: rest.rem_euclid(60) as u8,
            ..date
        }
    }

    /// The earliest value.
    pub const FIRST: Self = Self {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
    };

    /// The latest value without a fraction.
    pub const LAST: Self = Self {
        year: MAXIMUM_YEAR,
        month: 12,
        day: 31,
        hour: 23,
        minute: 59,
        second: 59,
        nanosecond: 0,
    };

    /// The value that lies `seconds` later, or earlier if negative.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.unix().saturating_add(seconds)).with_nanosecond(self.nanosecond)
    }

    /// Reads `YYYYMMDDHHMMSS`, with a fraction after a `.` if there is one: the `time-val` of
    /// RFC 3659 §2.3, as `MDTM`, `MFMT` and the facts `modify` and `create` have it.
    ///
    /// Also read, since servers send it: a final `Z`; and the year as `19` and the years since 1900
    /// in three digits (`19100…` for 2000), which the RFC warns of. Digits of the fraction after the
    /// ninth are left out. `None` for all else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (digits, rest) = match text.get(14) {
            Some(b'0'..=b'9') => (flaw_of_2000(text)?, text.get(15..)?),
            _ => (*text.first_chunk::<14>()?, text.get(14..)?),
        };
        let digits = digits.map(|byte| byte.wrapping_sub(b'0'));
        // Without a branch for each.
        if digits.iter().fold(0, |most, digit| most.max(*digit)) > 9 {
            return None;
        }
        let [y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, s1, s2] = digits;
        let two = |tens: u8, ones: u8| tens.wrapping_mul(10).wrapping_add(ones);
        let year = u16::from(two(y1, y2))
            .wrapping_mul(100)
            .wrapping_add(u16::from(two(y3, y4)));
        let time = Self::date(year, two(m1, m2), two(d1, d2))?.at(
            two(h1, h2),
            two(n1, n2),
            two(s1, s2),
        )?;
        match rest {
            [] | [b'Z'] => Some(time),
            [b'.', fraction @ ..] => {
                let fraction = fraction.strip_suffix(b"Z").unwrap_or(fraction);
                Some(time.with_nanosecond(nanoseconds(fraction)?))
            }
            _ => None,
        }
    }

    /// The fourteen digits of RFC 3659 §2.3, and a fraction as short as can be if there is one.
    pub const fn compact(self) -> Compact {
        Compact(self)
    }
}

/// ISO 8601, without a time zone, with as much of a fraction as is not zero.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )?;
        write_fraction(f, self.nanosecond)
    }
}

/// Displays a [`DateTime`] as RFC 3659 §2.3 has it; made by [`DateTime::compact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Compact(DateTime);

impl fmt::Display for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time) = self;
        write!(
            f,
            "{:04}{:02}{:02}{:02}{:02}{:02}",
            time.year, time.month, time.day, time.hour, time.minute, time.second
        )?;
        write_fraction(f, time.nanosecond)
    }
}

fn write_fraction(f: &mut fmt::Formatter<'_>, nanosecond: u32) -> fmt::Result {
    if nanosecond == 0 {
        return Ok(());
    }
    let (mut digits, mut width) = (nanosecond, 9_usize);
    while digits.is_multiple_of(10) {
        digits = digits.wrapping_div(10);
        width = width.wrapping_sub(1);
    }
    write!(f, ".{digits:0width$}")
}

/// The value of the digits after the point; `None` if there is none, or something else.
pub(crate) fn nanoseconds(fraction: &[u8]) -> Option<u32> {
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = fraction.iter().copied().chain(core::iter::repeat(b'0'));
    Some(padded.take(9).fold(0, |value: u32, digit| {
        value
            .wrapping_mul(10)
            .wrapping_add(u32::from(digit.wrapping_sub(b'0')))
    }))
}

/// Servers that print `19` and then the years since 1900: `191240501…` is 2024-05-01.
fn flaw_of_2000(text: &[u8]) -> Option<[u8; 14]> {
    let [b'1', b'9', b'1', rest @ ..] = text.first_chunk::<15>()? else {
        return None;
    };
    let mut digits = [b'2', b'0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    digits.last_chunk_mut::<12>()?.copy_from_slice(rest);
    Some(digits)
}

const fn is_leap(year: u16) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

/// Zero for what is no month.
pub(crate) const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Counts in years that begin on the first of March, so that the leap day is the last of its year.
const fn days_since_1970(year: u16, month: u8, day: u8) -> i64 {
    const FROM_0000_03_01_TO_1970: i64 = 719_468;
    let (year, month) = (year as i64, month as i64);
    let (year, month) = if month <= 2 {
        (year.wrapping_sub(1), month.wrapping_add(9))
    } else {
        (year, month.wrapping_sub(3))
    };
    let of_year = month.wrapping_mul(153).wrapping_add(2).div_euclid(5);
    year.wrapping_mul(365)
        .wrapping_add(year.div_euclid(4))
        .wrapping_sub(year.div_euclid(100))
        .wrapping_add(year.div_euclid(400))
        .wrapping_add(of_year)
        .wrapping_add(day as i64)
        .wrapping_sub(1)
        .wrapping_sub(FROM_0000_03_01_TO_1970)
}

/// The day that lies so many days after 1970-01-01.
const fn date_of_day(days: i64) -> Option<DateTime> {
    // The year is off by one at most: a mean year has 365.2425 days.
    let guess = days
        .saturating_mul(400)
        .div_euclid(146_097)
        .saturating_add(1970);
    if guess < -1 || guess > MAXIMUM_YEAR as i64 {
        return None;
    }
    let mut year = if guess < 0 { 0 } else { guess as u16 };
    if year < MAXIMUM_YEAR && days_since_1970(year.wrapping_add(1), 1, 1) <= days {
        year = year.wrapping_add(1);
    }
    if year > 0 && days_since_1970(year, 1, 1) > days {
        year = year.wrapping_sub(1);
    }
    let mut day = days.wrapping_sub(days_since_1970(year, 1, 1));
    let mut month: u8 = 1;
    while month <= 12 {
        let length = days_in_month(year, month) as i64;
        if day >= 0 && day < length {
            return DateTime::date(year, month, (day as u8).wrapping_add(1));
        }
        day = day.wrapping_sub(length);
        month = month.wrapping_add(1);
    }
    None
}

#[cfg(test)]
mod tests;
