//! Listings with the name or the size first and without a type: TCP/IP packages for DOS and
//! Windows, routers, and others.

use super::clock::{clock, clock_in_words, numeric_date};
use super::entry::{Entry, Kind, Modified};
use super::text::{self, Columns, Words, is_number, skip_blanks, trim, trim_end};
use super::{Context, Reading, lsdate, month};

/// Name, size or `<DIR>`, date, time; then perhaps attributes or the long name.
///
/// ```text
/// README.TXT            1045      05-10-95        11:01       SuperTCP, NCSA, WinQVT
/// TESTDI~1     <DIR>     11-29-2004  22:16 Test Dir           SuperTCP
/// startup.cfg          2116  03/06/03  Thur.    07:38:50      Nortel
/// A/B                  SEQDATA    84 06/09/1998  12:03        Unisys ClearPath
/// autoexec.nos   4,321  23:30  2/05/93                        KA9Q
/// prog1    exe     2,563,136 06-10-99  10:00a                 PC-NFS
/// ```
pub(super) fn name_first<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let date = (1..columns.count())
        .find(|column| numeric_date(columns.get(*column), context.order).is_some())?;
    let found = numeric_date(columns.get(date), context.order)?;
    let previous = date.checked_sub(1)?;
    let (size_at, modified, rest) = match clock(columns.get(previous)) {
        // These servers write several entries on a line.
        Some(clock) => {
            let mut reading = sized(columns, previous.checked_sub(1)?)?;
            reading.entry.modified = clock.on(found.date);
            reading.entry.rest = trim_end(columns.after_exactly(date));
            return Some(reading);
        }
        None => {
            let mut words = Words::new(columns.after_exactly(date));
            if lsdate::is_weekday(words.peek()) {
                words.next();
            }
            let modified = clock_in_words(&mut words)?.on(found.date);
            (previous, modified, words.trimmed())
        }
    };
    let reading = sized(columns, size_at)?;
    context.learn(found);
    Some(reading.described(modified, rest))
}

/// The same with a date as in `ls -l`. In listings of `dls` a description or the target of a link
/// follows.
///
/// ```text
/// DESIGN1.DOC     11264      May 11 1995 14:20   A            Chameleon
/// bin/                  -  Apr 28  1994                       dls
/// morgan               14  Apr 18  9:39  -> ../real/morgan    dls
/// ```
pub(super) fn name_first_in_words<'a>(
    columns: &Columns<'a>,
    context: &mut Context,
) -> Option<Reading<'a>> {
    let mut words = Words::new(columns.after_exactly(1));
    let stamp = lsdate::read_with_time(&mut words, context.limit)?;
    let mut reading = sized(columns, 1)?;
    let rest = words.trimmed();
    reading.entry.modified = stamp.modified;
    if let Some(target) = rest.strip_prefix(b"-> ") {
        reading.entry.kind = Kind::Link;
        reading.entry.target = Some(trim(target));
    }
    Some(reading)
}

/// The name before this column, and the size in it.
fn sized<'a>(columns: &Columns<'a>, size_at: usize) -> Option<Reading<'a>> {
    let word = columns.get(size_at);
    let name = columns.before(size_at);
    let marked = name.strip_suffix(b"/").filter(|name| !name.is_empty());
    let tag = word
        .strip_prefix(b"<")
        .and_then(|tag| tag.strip_suffix(b">"));
    if tag.is_some_and(|tag| tag.eq_ignore_ascii_case(b"DIR"))
        || (matches!(word, b"-" | b"=") && marked.is_some())
    {
        let name = marked.unwrap_or(name);
        return (!name.is_empty())
            .then(|| Reading::from(Entry::new(name, Kind::Directory.named(name))));
    }
    let Some(text::Size(size)) = text::size(word) else {
        // A directory without a size has its name in this column.
        let name = word.strip_suffix(b"/").filter(|_| size_at == 0)?;
        return Some(Reading::from(Entry::new(name, Kind::Directory)));
    };
    if name.is_empty() || is_type(name) {
        return None;
    }
    let (name, extension) = without_type(name);
    let mut entry = Entry {
        size,
        ..Entry::new(name, Kind::File)
    };
    if let Some(name) = marked {
        entry = Entry::new(name, Kind::Directory);
    }
    Some(Reading {
        extension,
        ..Reading::from(entry)
    })
}

/// Splits off a file type or a name's extension between the name and the size.
fn without_type(name: &[u8]) -> (&[u8], &[u8]) {
    let mut words = Words::new(name);
    let first = words.next();
    let second = words.next();
    if second.is_empty() || !words.trimmed().is_empty() {
        return (name, b"");
    }
    if is_type(second) {
        return (first, b"");
    }
    let is_dos =
        first.len() <= 8 && second.len() <= 3 && !first.contains(&b'.') && !second.contains(&b'.');
    if is_dos { (first, second) } else { (name, b"") }
}

/// Whether it is a file type of ClearPath, except `COBOLSYMBOL` and similar ones.
fn is_type(word: &[u8]) -> bool {
    const TYPES: [&[u8]; 5] = [b"DATA", b"PRINTER", b"SYMBOL", b"CODE", b"PUNCH"];
    word.len() > 3 && !word.contains(&b' ') && TYPES.iter().any(|known| word.ends_with(known))
}

impl<'a> Reading<'a> {
    /// The text after the time is the long name, unless it is attributes.
    fn described(mut self, modified: Option<Modified>, rest: &'a [u8]) -> Self {
        self.entry.modified = modified;
        let are_attributes = rest.len() <= 5
            && rest.iter().all(|byte| {
                matches!(
                    byte,
                    b'A' | b'R' | b'H' | b'S' | b'D' | b'-' | b'a' | b'r' | b'w' | b'd'
                )
            });
        if !rest.is_empty() && !are_attributes {
            self.entry.name = rest;
            self.entry.kind = self.entry.kind.named(rest);
            self.extension = b"";
        }
        self
    }
}

/// The size first.
///
/// ```text
/// 206876  Apr 04, 2000 21:06 name                             VShell
/// 0  Dec 12, 2002 02:13 name/                                 VShell
///      41622     IO.SYS   Tue Dec 20 06:20:00 1994            Allied Telesis
/// <dir>             DOS   Wed Nov 24 09:35:48 1999            Allied Telesis
/// ```
pub(super) fn size_first<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let first = columns.get(0);
    let is_directory = first.eq_ignore_ascii_case(b"<dir>");
    let size = match text::size(first) {
        Some(text::Size(size)) => size,
        None if is_directory => None,
        None => return None,
    };
    if lsdate::is_weekday(columns.get(2)) {
        let mut words = Words::new(columns.after_exactly(2));
        let stamp =
            lsdate::read(&mut words, context.limit).filter(|_| words.trimmed().is_empty())?;
        let name = columns.get(1);
        let kind = if is_directory {
            Kind::Directory
        } else {
            Kind::File
        };
        return Some(Reading::from(Entry {
            size,
            modified: stamp.modified,
            ..Entry::new(name, kind.named(name))
        }));
    }
    month::number(columns.get(1))?;
    let mut words = Words::new(columns.after_exactly(0));
    let stamp = lsdate::read(&mut words, context.limit)?;
    let name = skip_blanks(words.rest);
    let marked = name.strip_suffix(b"/");
    let kind = if marked.is_some() {
        Kind::Directory
    } else {
        Kind::File
    };
    let name = marked.unwrap_or(name);
    (!name.is_empty()).then(|| {
        Reading::from(Entry {
            size,
            modified: stamp.modified,
            ..Entry::new(name, kind.named(name))
        })
    })
}

/// `-wa--        7665  Dec 29,2002   6:56  name`: attributes, from Distinct.
pub(super) fn attributes_first<'a>(
    columns: &Columns<'a>,
    context: &mut Context,
) -> Option<Reading<'a>> {
    let [
        kind @ (b'd' | b'-'),
        b'w' | b'-',
        b'a' | b'-',
        b's' | b'-',
        b'h' | b'-',
    ] = columns.get(0)
    else {
        return None;
    };
    let size = columns.get(1);
    let size = is_number(size).then(|| text::number(size))?;
    let mut words = Words::new(columns.after_exactly(1));
    let stamp = lsdate::read(&mut words, context.limit)?;
    let name = skip_blanks(words.rest);
    let kind = if *kind == b'd' {
        Kind::Directory
    } else {
        Kind::File
    };
    (!name.is_empty()).then(|| {
        Reading::from(Entry {
            size,
            modified: stamp.modified,
            ..Entry::new(name, kind.named(name))
        })
    })
}
