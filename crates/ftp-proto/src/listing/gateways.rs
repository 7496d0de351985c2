//! Listings of gateways for business data: Sterling Connect:Enterprise and Connect:Express, and the
//! Information Exchange of GXS.

use super::clock::{Clock, year};
use super::entry::{Entry, Kind, Modified};
use super::text::{Columns, Words, is_number, number, small, trim};
use super::{Context, Reading};
use crate::datetime::DateTime;

/// `mailbox 00003444 00910368 <batch id>     030924-1636  A R       TCP BIN` of Sterling
/// Connect:Enterprise: mailbox, number, size, name, time. The root has mailboxes, with only a name:
/// `d   -   -   -  -  -  -  - name`.
pub(super) fn mailbox<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let are_unknown = (1..=7).all(|column| columns.get(column) == b"-");
    if columns.get(0) == b"d" && are_unknown && columns.count() == 9 {
        return Some(Reading::from(Entry::new(columns.last(), Kind::Directory)));
    }
    let (batch, size) = (columns.get(1), columns.get(2));
    if !is_number(batch) || !is_number(size) || batch.len() < 5 || size.len() < 5 {
        return None;
    }
    let name = columns.after(2).strip_prefix(b"<")?;
    let end = name.iter().position(|byte| *byte == b'>')?;
    let (name, rest) = name.split_at_checked(end)?;
    let time = Words::new(
        rest.strip_prefix(b">+")
            .or_else(|| rest.strip_prefix(b">"))?,
    )
    .next();
    Some(Reading::from(Entry {
        size: number(size),
        modified: batch_time(time),
        owner: Some(columns.get(0)),
        unique: Some(batch),
        ..Entry::new(name, Kind::File)
    }))
}

/// `030924-1636`
fn batch_time(word: &[u8]) -> Option<Modified> {
    let [y1, y2, m1, m2, d1, d2, b'-', h1, h2, n1, n2] =
        *word.first_chunk::<11>().filter(|_| word.len() == 11)?
    else {
        return None;
    };
    let two = |tens, ones| small(&[tens, ones]);
    let year = year(&[y1, y2])?;
    let date = DateTime::date(year, two(m1, m2)?, two(d1, d2)?)?;
    Clock::to_the_minute(two(h1, h2)?, two(n1, n2)?).on(date)
}

/// `FFAD59A3FB10054AC5F1._IE  ACCT1 USER1  ORDERS  0000006501 960821 092357` of Information Exchange:
/// name, sender, class, size, date and time.
pub(super) fn information_exchange<'a>(
    columns: &Columns<'a>,
    _: &mut Context,
) -> Option<Reading<'a>> {
    let (size, date, time) = (columns.back(3), columns.back(2), columns.back(1));
    let are_numbers = [size, date, time].into_iter().all(is_number);
    let class = columns.count().checked_sub(4).filter(|class| *class > 1)?;
    if !are_numbers || size.len() != 10 || date.len() != 6 || time.len() != 6 {
        return None;
    }
    let sender = columns.before(class);
    let sender = trim(sender.strip_prefix(columns.get(0))?);
    Some(Reading::from(Entry {
        size: number(size),
        modified: six_digits(date, time),
        owner: Some(sender).filter(|sender| !sender.is_empty()),
        ..Entry::new(columns.get(0), Kind::File)
    }))
}

/// `960821` and `092357`.
fn six_digits(date: &[u8], time: &[u8]) -> Option<Modified> {
    let pairs = |word: &[u8]| -> Option<(u8, u8, u8)> {
        let (first, rest) = word.split_at_checked(2)?;
        let (second, third) = rest.split_at_checked(2)?;
        Some((small(first)?, small(second)?, small(third)?))
    };
    let (_, month, day) = pairs(date)?;
    let (hour, minute, second) = pairs(time)?;
    let date = DateTime::date(year(date.get(..2)?)?, month, day)?;
    let time = date.at(hour, minute, second)?;
    Some(Modified::local(time, super::Precision::Second))
}

/// `-D 2 T VB  00244 18000 NAME!DATA.SET` of Connect:Express for OS/390: symbolic files, by the
/// name that the server accepts; the data set follows.
pub(super) fn connect_express<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let allocation = matches!(columns.get(0), b"-D" | b"-F");
    let rule = matches!(columns.get(1), b"0" | b"1" | b"2");
    let direction = matches!(columns.get(2), b"T" | b"R" | b"*");
    if !allocation || !rule || !direction || columns.count() != 7 {
        return None;
    }
    let name = columns.last().split(|byte| *byte == b'!').next()?;
    (!name.is_empty()).then(|| Reading::from(Entry::new(name, Kind::File)))
}
