//! Easily parsed LIST format, by D. J. Bernstein: `+i8388621.48594,m825718503,r,s280,\tname`.

use super::entry::{Entry, Kind, Modified, Precision};
use super::text::{self, number};
use crate::datetime::DateTime;

pub(super) fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let line = line.strip_prefix(b"+")?;
    // The standard has a tab; some servers, and copied text, have a blank.
    let end = line.iter().position(|byte| *byte == b'\t').or_else(|| {
        line.windows(2)
            .position(|pair| pair == b", ")?
            .checked_add(1)
    })?;
    let (facts, name) = line.split_at_checked(end)?;
    let name = name.get(1..).filter(|name| !name.is_empty())?;
    let mut entry = Entry::new(name, Kind::Other);
    for fact in facts.split(|byte| *byte == b',') {
        match fact {
            b"/" => entry.kind = Kind::Directory,
            b"r" if entry.kind != Kind::Directory => entry.kind = Kind::File,
            [b's', size @ ..] => entry.size = number(size),
            [b'i', unique @ ..] => entry.unique = Some(unique),
            [b'm', seconds @ ..] => entry.modified = modified(seconds),
            [b'u', b'p', mode @ ..] => {
                entry.permissions = text::mode(mode);
            }
            _ => {}
        }
    }
    entry.kind = entry.kind.named(name);
    Some(entry)
}

fn modified(seconds: &[u8]) -> Option<Modified> {
    let seconds = i64::try_from(number(seconds)?).ok()?;
    Some(Modified::utc(
        DateTime::from_unix(seconds),
        Precision::Second,
    ))
}
