//! Listings of GCOS, MELCOM and Fujitsu MSP, whose lines begin with access rights.

use super::clock::{clock, numeric_date, year, year_first};
use super::entry::{Entry, Kind, Modified, Precision};
use super::text::{Columns, number, small};
use super::{Context, Reading, month};
use crate::datetime::DateTime;

/// `d s -----0 OWNER   GROUP   JUN 10, 1997 NAME` (Bull GCOS 7) and
/// `- rwx rwx ---  1076480 02/24/98 09:54:17  owner   name` (GCOS 8).
pub(super) fn gcos<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let kind = match columns.get(0) {
        b"d" => Kind::Directory,
        b"-" => Kind::File,
        _ => return None,
    };
    gcos_8(columns, kind, context)
        .or_else(|| gcos_7(columns, kind))
        .map(Reading::from)
}

fn gcos_8<'a>(columns: &Columns<'a>, kind: Kind, context: &mut Context) -> Option<Entry<'a>> {
    let are_rights = (1..=3).all(|column| {
        let word = columns.get(column);
        word.len() == 3
            && word
                .iter()
                .all(|byte| matches!(byte, b'r' | b'w' | b'x' | b'-'))
    });
    let size = Some(number(columns.get(4)).filter(|_| are_rights)?);
    let found = numeric_date(columns.get(5), context.order)?;
    context.learn(found);
    let (modified, owner) = match clock(columns.get(6)) {
        Some(clock) => (clock.on(found.date), 7),
        None => (Some(Modified::local(found.date, Precision::Day)), 6),
    };
    let name = columns.after(owner);
    (!name.is_empty()).then(|| Entry {
        size,
        modified,
        owner: Some(columns.get(owner)),
        ..Entry::new(name, kind)
    })
}

fn gcos_7<'a>(columns: &Columns<'a>, kind: Kind) -> Option<Entry<'a>> {
    let is_flag =
        |word: &[u8]| word.len() == 1 && (word == b"-" || word.iter().all(u8::is_ascii_lowercase));
    let name = columns.last();
    let upper =
        |word: &[u8]| !word.is_empty() && word.iter().all(|byte| !byte.is_ascii_lowercase());
    if !is_flag(columns.get(1)) || !(5..=9).contains(&columns.count()) || !upper(name) {
        return None;
    }
    let owner: usize = if columns.get(2).starts_with(b"-") {
        3
    } else {
        2
    };
    let year = year(columns.back(2));
    let month = month::number(columns.back(4));
    let day = columns.back(3).strip_suffix(b",").and_then(small);
    let date = year.zip(month).zip(day);
    let date = date.and_then(|((year, month), day)| DateTime::date(year, month, day));
    // Without a date, the columns must be exactly flags, owner, group and name.
    let count = owner.saturating_add(3);
    if date.is_none() && (columns.count() != count || !upper(columns.get(owner))) {
        return None;
    }
    Some(Entry {
        modified: date.map(|date| Modified::local(date, Precision::Day)),
        owner: Some(columns.get(owner)),
        group: Some(columns.get(owner.saturating_add(1))),
        ..Entry::new(name, kind)
    })
}

/// `- RW-RW-RW-   1   OWNER       50 DEC  1  1997 NAME          B(B)` of MELCOM.
pub(super) fn melcom<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let kind = match columns.get(0) {
        b"d" => Kind::Directory,
        b"-" => Kind::File,
        _ => return None,
    };
    let rights = columns.get(1);
    let are_rights = rights.len() == 9
        && rights
            .iter()
            .all(|byte| matches!(byte, b'R' | b'W' | b'X' | b'-'));
    let month = month::number(columns.get(5)).filter(|_| are_rights)?;
    let (day, year) = (small(columns.get(6))?, year(columns.get(7))?);
    let date = DateTime::date(year, month, day)?;
    let name = columns.get(8);
    let name = name.strip_suffix(b"B(B)").unwrap_or(name);
    (!name.is_empty()).then(|| {
        Reading::from(Entry {
            size: number(columns.get(4)),
            modified: Some(Modified::local(date, Precision::Day)),
            owner: Some(columns.get(3)),
            ..Entry::new(name, kind)
        })
    })
}

/// `drwx  F        400     400  PO    93.10.27  NAME/` of Fujitsu M-1800 and MSP.
pub(super) fn msp<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let rights = columns.get(0);
    let are_rights = rights.len() == 4
        && rights
            .iter()
            .all(|byte| matches!(byte, b'd' | b'r' | b'w' | b'x' | b'-'));
    let organization = columns.get(4);
    if !are_rights
        || columns.count() != 7
        || !matches!(
            organization,
            b"PO" | b"PS" | b"DA" | b"VSAM" | b"IS" | b"GDG"
        )
    {
        return None;
    }
    let name = columns.get(6);
    let kind = if rights.starts_with(b"d") {
        Kind::Directory
    } else {
        Kind::File
    };
    Some(Reading::from(Entry {
        modified: year_first(columns.get(5)).map(|date| Modified::local(date, Precision::Day)),
        ..Entry::new(name.strip_suffix(b"/").unwrap_or(name), kind)
    }))
}
