//! Listings of other hosts: HP NonStop, MPE/iX, Stratus VOS, OS-9, TOPS-20, MUSIC/SP, TSX-Plus,
//! Micro RTOS.

use super::clock::{Clock, Order, clock, numeric_date, year, year_first};
use super::entry::{Entry, Kind};
use super::text::{Columns, Words, in_base, is_number, leading_digits, number, small, trim};
use super::{Context, Header, Reading, month};
use crate::datetime::DateTime;

/// `EMPLOYEE   O   101     2522 27-Aug-02 13:57:10 155,106 "nnnn"` of HP NonStop (Guardian): name,
/// perhaps a mark that it is open, code, size, time, owner, rights.
pub(super) fn nonstop<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let rights = columns.last();
    if !(rights.len() == 6 && rights.starts_with(b"\"") && rights.ends_with(b"\"")) {
        return None;
    }
    let code: usize = if is_number(columns.get(1)) { 1 } else { 2 };
    let column = |offset: usize| columns.get(code.saturating_add(offset));
    // A letter may follow the code directly.
    let (digits, _) = leading_digits(column(0));
    if digits.is_empty() {
        return None;
    }
    let date = numeric_date(column(2), Order::DayMonth)?.date;
    let size = Some(number(column(1))?);
    // `155, 76` is one column with a blank in it.
    let owner = columns.after(code.saturating_add(3));
    let owner = owner.get(..owner.len().checked_sub(rights.len())?)?;
    Some(Reading::from(Entry {
        size,
        modified: clock(column(3))?.on(date),
        owner: Some(trim(owner)).filter(|owner| !owner.is_empty()),
        ..Entry::new(columns.get(0), Kind::File)
    }))
}

/// `w    158 stm       90-05-19 11:53:44  name` and for directories `m   1  04-11-24 11:30:35
/// name` of Stratus VOS: access, blocks, organization, time. The year is first. Links have only
/// time and target: `04-11-24 11:30:51  name ->  %system#disk>dir>name`.
pub(super) fn stratus_vos<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let access = columns.get(0);
    if access.len() == 8 && columns.get(3) == b"->" {
        let date = year_first(access)?;
        return Some(Reading::from(Entry {
            modified: clock(columns.get(1))?.on(date),
            target: Some(columns.after(3)).filter(|target| !target.is_empty()),
            ..Entry::new(columns.get(2), Kind::Link)
        }));
    }
    if access.len() != 1
        || !matches!(access, b"w" | b"r" | b"e" | b"n" | b"u" | b"s" | b"m")
        || !is_number(columns.get(1))
    {
        return None;
    }
    let (at, kind): (usize, _) = match year_first(columns.get(2)) {
        Some(_) => (2, Kind::Directory),
        None => (3, Kind::File),
    };
    let date = year_first(columns.get(at))?;
    let time = at.saturating_add(1);
    let name = columns.after(time);
    (!name.is_empty()).then_some(())?;
    Some(Reading::from(Entry {
        modified: clock(columns.get(time))?.on(date),
        ..Entry::new(name, kind)
    }))
}

/// `1.78    92/04/03 1306   ---wr-wr     104       248 name` of OS-9: owner, time, attributes, sector
/// in hexadecimal, size. The hyphens may be soft ones.
pub(super) fn os_9<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let (owner, time, attributes) = (columns.get(0), columns.get(2), columns.get(3));
    let dot = owner.iter().position(|byte| *byte == b'.')?;
    let (group, user) = owner.split_at_checked(dot)?;
    let are_numbers = is_number(group) && is_number(user.get(1..)?);
    if !are_numbers
        || time.len() != 4
        || !is_attributes(attributes)
        || in_base(columns.get(4), 16).is_none()
    {
        return None;
    }
    let (hour, minute) = time.split_at_checked(2)?;
    let clock = Clock::to_the_minute(small(hour)?, small(minute)?);
    let is_directory = attributes.starts_with(b"d");
    let name = columns.after(5);
    let kind = if is_directory {
        Kind::Directory
    } else {
        Kind::File
    };
    let size = Some(number(columns.get(5))?);
    (!name.is_empty()).then_some(())?;
    Some(Reading::from(Entry {
        size,
        modified: clock.on(year_first(columns.get(1))?),
        owner: Some(owner),
        ..Entry::new(name, kind)
    }))
}

fn is_attributes(word: &[u8]) -> bool {
    !word.is_empty()
        && word.len() <= 8
        && word
            .iter()
            .all(|byte| matches!(byte, b'd' | b's' | b'e' | b'w' | b'r' | b'-' | 0xad | 0x96))
}

/// `16W  HBD   0   67107839   1   32  1  *  name/` and `NAME  PROG  128W  FB  800  10000` of
/// MPE/iX: length and form of records, their number, and the name at either end.
pub(super) fn mpe<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let at = (0_usize..=2).find(|column| record_length(columns.get(*column)).is_some())?;
    let column = |offset: usize| columns.get(at.saturating_add(offset));
    let form = column(1);
    if form.is_empty()
        || form.len() > 4
        || !form.iter().all(u8::is_ascii_uppercase)
        || !is_number(column(3))
    {
        return None;
    }
    let records = number(column(2))?;
    let last = columns.last();
    let is_name_last = columns.count() == at.saturating_add(9);
    let name = match (is_name_last, at) {
        (true, _) => last,
        (false, 0) => return None,
        (false, _) => columns.get(0),
    };
    // Only records of fixed length give a size.
    let size = record_length(column(0)).and_then(|length| length.checked_mul(records));
    let size = size.filter(|_| matches!(form.first(), Some(b'F' | b'B')));
    Some(Reading::from(match name.strip_suffix(b"/") {
        Some(name) => Entry::new(name, Kind::Directory),
        None => Entry {
            size,
            ..Entry::new(name, Kind::File)
        },
    }))
}

/// `80B` (bytes) or `16W` (words of two).
fn record_length(word: &[u8]) -> Option<u64> {
    let (last, digits) = word.split_last()?;
    match last {
        b'B' => number(digits),
        b'W' => number(digits)?.checked_mul(2),
        _ => None,
    }
}

/// `80000   9FFFF   131072   name` of Xecom Micro RTOS: start and end of a file, and its length.
pub(super) fn micro_rtos<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let (start, end) = (in_base(columns.get(0), 16)?, in_base(columns.get(1), 16)?);
    let size = number(columns.get(2))?;
    let name = columns.after(2);
    // Erased files may be in the list, too.
    (end >= start
        && columns.count() >= 4
        && !name.starts_with(b"<")
        && size <= end.abs_diff(start).saturating_add(1))
    .then(|| {
        Reading::from(Entry {
            size: Some(size),
            ..Entry::new(name, Kind::File)
        })
    })
}

/// `NAME                 47VC    2K 08JAN03 24SEP96 14:30 $000000  CR        5` of MUSIC/SP.
pub(super) fn music<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let (name, form) = (columns.get(0), columns.get(1));
    let (length, letters) = leading_digits(form);
    let is_directory = form == b"<DIR>";
    let is_file = !length.is_empty()
        && (1..=2).contains(&letters.len())
        && letters.iter().all(u8::is_ascii_uppercase);
    if !(is_file || is_directory) || columns.get(2).last() != Some(&b'K') {
        return None;
    }
    let written = columns.get(4);
    let [d1, d2, m @ .., y1, y2] = written.first_chunk::<7>().filter(|_| written.len() == 7)?;
    let (day, month) = (small(&[*d1, *d2])?, month::number(m)?);
    let date = DateTime::date(year(&[*y1, *y2])?, month, day)?;
    let name = name.strip_suffix(b"\\").unwrap_or(name);
    Some(Reading::from(Entry {
        modified: clock(columns.get(5))?.on(date),
        owner: Some(columns.get(6)).and_then(|owner| owner.strip_prefix(b"$")),
        ..Entry::new(
            name,
            if is_directory {
                Kind::Directory
            } else {
                Kind::File
            },
        )
    }))
}

/// `<PUB>NAME.TXT.1;P775252;A,210,10-Apr-1990 13:17:41,…` of TOPS-20: name, protection, account,
/// pages, and the times of creation, of writing and of reading. After the name of a directory,
/// names alone are files: `NAME.TXT.1`.
pub(super) fn tops_20<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let line = trim(columns.line());
    let Some(semicolon) = line.iter().position(|byte| *byte == b';') else {
        let generation = line.rsplit(|byte| *byte == b'.').next()?;
        let is_file = context.header == Header::Tops20 && columns.count() == 1;
        return (is_file && is_number(generation) && generation.len() < line.len())
            .then(|| Reading::from(Entry::new(line, Kind::File)));
    };
    let (name, rest) = line.split_at_checked(semicolon)?;
    let mut fields = rest
        .strip_prefix(b";P")?
        .split(|byte| *byte == b',')
        .skip(1);
    number(fields.next()?)?;
    fields.next()?;
    let mut written = Words::new(fields.next()?);
    let date = numeric_date(written.next(), Order::DayMonth)?.date;
    Some(Reading::from(Entry {
        modified: clock(written.next())?.on(date),
        ..Entry::new(name, Kind::File)
    }))
}

/// `      README.TXT      6        ASM8  .MAC     12` of TSX-Plus: names of six letters and three, and
/// sizes in blocks, several on a line.
pub(super) fn tsx_plus<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    const BLOCK: u64 = 512;
    let is_part = |part: &[u8], longest: usize| {
        part.len() <= longest && part.iter().all(u8::is_ascii_alphanumeric)
    };
    // Short names are padded with blanks.
    let (stem, extension, at) = match columns.get(1).strip_prefix(b".") {
        Some(extension) => (columns.get(0), extension, 2),
        None => {
            let name = columns.get(0);
            let dot = name.iter().position(|byte| *byte == b'.')?;
            let (stem, extension) = name.split_at_checked(dot)?;
            (stem, extension.get(1..)?, 1)
        }
    };
    let is_name = !stem.is_empty() && is_part(stem, 6) && is_part(extension, 3);
    let blocks = number(columns.get(at)).filter(|_| is_name)?;
    let rest = super::text::trim_end(columns.after_exactly(at));
    let is_apart = |text: &[u8]| text.starts_with(b"      ");
    if !is_apart(columns.line()) || !(rest.is_empty() || is_apart(rest)) {
        return None;
    }
    let entry = Entry {
        size: blocks.checked_mul(BLOCK),
        rest,
        ..Entry::new(if at == 1 { columns.get(0) } else { stem }, Kind::File)
    };
    Some(Reading {
        extension: if at == 1 { b"" } else { extension },
        ..Reading::from(entry)
    })
}
