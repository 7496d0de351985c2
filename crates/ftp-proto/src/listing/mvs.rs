//! Listings of z/OS and its ancestors: data sets, members of partitioned data sets, jobs.

use super::clock::{Order, clock, numeric_date, year_first};
use super::entry::{Entry, Kind, Modified, Precision};
use super::text::{Columns, digit, in_base, is_number, number};
use super::{Context, Header, Reading};

/// `Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname`
///
/// Sizes are in tracks, so they are not reported.
pub(super) fn data_set<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    without_attributes(columns, context)
        .or_else(|| with_attributes(columns, context))
        .map(Reading::from)
}

/// Data sets with only a name.
fn without_attributes<'a>(columns: &Columns<'a>, context: &Context) -> Option<Entry<'a>> {
    let name = columns.last();
    let is_after = |words: &[&[u8]], from: usize| {
        let words = (from..).zip(words);
        let mut words = words.map(|(column, word)| columns.get(column).eq_ignore_ascii_case(word));
        words.all(|is| is)
    };
    let has = |words: &[&[u8]], from: usize| {
        columns.count() == words.len().saturating_add(from).saturating_add(1)
            && is_after(words, from)
    };
    if !is_data_set_name(name) {
        return None;
    }
    if has(&[b"Pseudo", b"Directory"], 0) {
        return Some(Entry::new(name, Kind::Directory));
    }
    let is_out_of_reach = has(&[b"Migrated"], 0)
        || has(&[b"ARCIVE", b"Not", b"Direct", b"Access", b"Device"], 0)
        || has(&[b"Not", b"Direct", b"Access", b"Device"], 1)
        || has(&[b"Not", b"Direct", b"Access", b"Device"], 0)
        || has(&[b"Error", b"determining", b"attributes"], 0)
        || has(&[b"Not", b"Mounted"], 1)
        || has(&[b"User", b"catalog", b"connector"], 0)
        || has(&[b"Tape"], 1)
        || has(&[b"GDG"], 0)
        || has(&[b"VSAM"], 0)
        || (has(&[b"VSAM"], 2) && is_volume(columns.get(0)))
        || (context.header == Header::DataSets
            && columns.count() == 3
            && is_volume(columns.get(0)));
    is_out_of_reach.then(|| Entry::new(name, Kind::File))
}

fn with_attributes<'a>(columns: &Columns<'a>, context: &Context) -> Option<Entry<'a>> {
    if !(5..=11).contains(&columns.count()) || !is_volume(columns.get(0)) {
        return None;
    }
    let organization = columns.back(2);
    let kind = match organization {
        b"PO" | b"PO-E" | b"POU" | b"PDSE" | b"HFS" => Kind::Directory,
        b"PS" | b"PS-L" | b"PS-E" | b"PSU" | b"DA" | b"DAU" | b"IS" | b"ISU" | b"VS" | b"VSAM"
        | b"GDG" | b"ZFS" | b"NONE" | b"??" | b"**" => Kind::File,
        _ => return None,
    };
    let date = columns.get(2);
    let is_dated = date.contains(&b'/') || date.contains(&b'*');
    if !is_dated && organization != b"VSAM" && context.header != Header::DataSets {
        return None;
    }
    let name = columns.last();
    is_data_set_name(name).then(|| Entry {
        modified: day(date),
        ..Entry::new(name, kind)
    })
}

/// The day of the last use, which is all that the server sends. The last change was not later.
fn day(word: &[u8]) -> Option<Modified> {
    let date = numeric_date(word, Order::MonthDay)?.date;
    Some(Modified::local(date, Precision::Day))
}

/// At most six letters and digits.
fn is_volume(word: &[u8]) -> bool {
    (1..=6).contains(&word.len())
        && word.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'#' | b'@' | b'*' | b'-')
        })
}

fn is_data_set_name(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"'").unwrap_or(word);
    let word = word.strip_suffix(b"'").unwrap_or(word);
    let is_first = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'#' | b'@');
    word.first().is_some_and(is_first)
        && word.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'$' | b'#' | b'@' | b'-' | b'.' | b'_' | b'(' | b')' | b'+'
                )
        })
}

/// Members of a partitioned data set. Their sizes are in records, so they are not reported.
///
/// `Name     VV.MM   Created       Changed      Size  Init   Mod   Id`
pub(super) fn member<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let name = columns.get(0);
    if !is_member_name(name) {
        return None;
    }
    if columns.count() == 1 {
        // Without statistics, only the header shows that it is a member.
        let is_member = context.header == Header::Members && name.len() <= 8;
        return is_member.then(|| Reading::from(Entry::new(name, Kind::File)));
    }
    let [a, b, b'.', c, d] = columns.get(1) else {
        return None;
    };
    digit(*a).and(digit(*b)).and(digit(*c)).and(digit(*d))?;
    let changed = year_first(columns.get(3))?;
    year_first(columns.get(2))?;
    Some(Reading::from(Entry {
        modified: clock(columns.get(4))?.on(changed),
        // The user of the last change.
        owner: Some(columns.last()).filter(|_| columns.count() == 9),
        ..Entry::new(name, Kind::File)
    }))
}

fn is_member_name(word: &[u8]) -> bool {
    !word.is_empty() && is_data_set_name(word) && !is_number(word)
}

/// `Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode`: programs,
/// with a size in bytes, in hexadecimal.
pub(super) fn load_module<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let (name, size, place) = (columns.get(0), columns.get(1), columns.get(2));
    let is_hexadecimal = |word: &[u8]| matches!(word.len(), 6 | 8) && in_base(word, 16).is_some();
    let is_mode = |word: &[u8]| matches!(word, b"24" | b"31" | b"64" | b"ANY" | b"SPLIT");
    if !is_member_name(name) || !is_hexadecimal(size) || !is_hexadecimal(place) {
        return None;
    }
    let ends_in_modes = is_mode(columns.last()) || is_mode(columns.back(2));
    ends_in_modes.then(|| {
        Reading::from(Entry {
            size: in_base(size, 16),
            ..Entry::new(name, Kind::File)
        })
    })
}

/// Jobs, by their number, which `RETR` takes: `USER1A    JOB00123  OUTPUT    3 Spool Files`, and
/// with `JESINTERFACELEVEL=2` `USER1A   JOB00123 USER1    OUTPUT A        RC=0000 3 spool files`.
pub(super) fn job<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    if context.header == Header::Jobs
        && let Some(file) = spool_file(columns)
    {
        return Some(Reading::from(file));
    }
    let id = columns.get(1);
    if !is_job_id(id) || !is_data_set_name(columns.get(0)) {
        return None;
    }
    let owner = if is_job_state(columns.get(2)) {
        None
    } else if is_job_state(columns.get(3)) {
        Some(columns.get(2)).filter(|owner| !owner.starts_with(b"+"))
    } else {
        return None;
    };
    Some(Reading::from(Entry {
        owner,
        ..Entry::new(id, Kind::File)
    }))
}

fn is_job_id(word: &[u8]) -> bool {
    let letters = word
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let (letters, number) = word.split_at_checked(letters).unwrap_or_default();
    matches!(letters, b"JOB" | b"TSU" | b"STC" | b"J" | b"T" | b"S")
        && (4..=8).contains(&number.len())
        && is_number(number)
}

fn is_job_state(word: &[u8]) -> bool {
    matches!(
        word,
        b"OUTPUT"
            | b"INPUT"
            | b"ACTIVE"
            | b"HELD"
            | b"HARDCPY"
            | b"PRINT"
            | b"EXEC"
            | b"CONV"
            | b"XMIT"
    )
}

/// `003 JES2              A JESYSMSG       443`: a file of one job.
fn spool_file<'a>(columns: &Columns<'a>) -> Option<Entry<'a>> {
    let id = columns.get(0);
    if id.len() != 3 || !is_number(id) || !(4..=6).contains(&columns.count()) {
        return None;
    }
    Some(Entry {
        size: Some(number(columns.last())?),
        unique: Some(id),
        ..Entry::new(columns.back(2), Kind::File)
    })
}
