//! What is in a directory, and the uploads in it that were left by a process that died.

use std::io;
use std::time::{Duration, SystemTime};

use ftp_proto::listing::{FactNames, Kind};

use super::reading::{Entry, Reading, kind_of};
use super::{bytes_of, facts, file_error};
use crate::names;
use crate::{Entries, Facts};

/// An upload into which nothing was written for so long is dead.
const LEFTOVER_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn entries(mut read: Reading, needed: FactNames) -> Entries {
    let mut is_at_end = false;
    Box::new(std::iter::from_fn(move || {
        while !is_at_end {
            match read.next() {
                Some(Ok(entry)) => {
                    if let Some(facts) = look(&entry, needed) {
                        return Some(Ok(facts));
                    }
                }
                end => {
                    is_at_end = true;
                    return end
                        .and_then(Result::err)
                        .map(|error| Err(file_error(error)));
                }
            }
        }
        None
    }))
}

/// `None` for what is not shown.
fn look(entry: &Entry, needed: FactNames) -> Option<Facts> {
    let name = entry.file_name();
    let name = bytes_of(name.as_os_str())?;
    if names::is_temporary(name) {
        remove_leftover(entry);
        return None;
    }
    if !names::is_usable(name) {
        return None;
    }
    let kind = kind_of(entry);
    // Names and, usually, kinds are in the directory itself; some file systems say no kind.
    let is_known = kind != Kind::Other || !needed.contains(FactNames::TYPE);
    if is_known && FactNames::TYPE.contains(needed) {
        return Some(Facts::new(name, kind));
    }
    match entry.metadata() {
        Ok(metadata) => Some(facts(name.to_vec(), &metadata, needed)),
        // It is gone by now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(Facts::new(name, kind)),
    }
}

/// Whether there was one that could be removed.
pub(super) fn remove_leftovers(read: Reading) -> bool {
    let mut any = false;
    for entry in read.flatten() {
        let name = entry.file_name();
        let is_temporary = bytes_of(name.as_os_str()).is_some_and(names::is_temporary);
        any |= is_temporary && remove_leftover(&entry);
    }
    any
}

fn remove_leftover(entry: &Entry) -> bool {
    let is_old = entry.metadata().is_ok_and(|metadata| {
        let modified = metadata.modified().map(|time| time.into_std());
        let age = modified.map(|time| SystemTime::now().duration_since(time));
        metadata.is_file() && matches!(age, Ok(Ok(age)) if age > LEFTOVER_AFTER)
    });
    is_old && entry.remove_file().is_ok()
}
