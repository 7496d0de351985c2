//! Listings of IBM i (OS/400), VM/CMS, VSE and OS/2.

use super::clock::{clock, clock_in_words, numeric_date, year_first};
use super::entry::{Entry, Kind};
use super::text::{self, Columns, Words, is_number, number, skip_blanks, trim};
use super::{Context, Reading};

/// `QSYS   77824 02/23/00 15:09:55 *DIR   /QOpenSys/`; members have only owner, type and name.
pub(super) fn os_400<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let Some(at) = (1..=6).find(|column| is_object_type(columns.get(*column))) else {
        return old_os_400(columns, context);
    };
    let mut entry = object(columns.get(at), columns.after(at))?;
    // Between owner and type there may be a size, a time, both, or nothing.
    let mut dated = None;
    match at {
        1 => {}
        4 => {
            entry.size = Some(number(columns.get(1))?);
            dated = Some((columns.get(2), columns.get(3)));
        }
        3 => dated = Some((columns.get(1), columns.get(2))),
        2 => entry.size = Some(number(columns.get(1))?),
        _ => return None,
    }
    if let Some((date, time)) = dated {
        let clock = clock(time)?;
        // Objects without a date have `00/00/00`.
        if let Some(found) = numeric_date(date, context.order) {
            entry.modified = clock.on(found.date);
            context.learn(found);
        } else if date.iter().any(|byte| matches!(byte, b'1'..=b'9')) {
            return None;
        }
    }
    entry.owner = Some(columns.get(0));
    Some(Reading::from(entry))
}

/// `/QDLS/NAME          0 11/09/95 07:19:30 DIR`
fn old_os_400<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let is_old = columns.count() == 5 && columns.get(0).starts_with(b"/");
    let kind = match columns.get(4) {
        b"DIR" | b"FLR" | b"LIB" if is_old => Kind::Directory,
        b"STMF" | b"DOC" | b"FILE" if is_old => Kind::File,
        _ => return None,
    };
    let found = numeric_date(columns.get(2), context.order)?;
    context.learn(found);
    Some(Reading::from(Entry {
        size: Some(number(columns.get(1))?),
        modified: clock(columns.get(3))?.on(found.date),
        ..Entry::new(columns.get(0), kind)
    }))
}

fn is_object_type(word: &[u8]) -> bool {
    word.strip_prefix(b"*").is_some_and(|name| {
        (2..=10).contains(&name.len())
            && name
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

fn object<'a>(object_type: &[u8], name: &'a [u8]) -> Option<Entry<'a>> {
    let stripped = name.strip_suffix(b"/").filter(|name| !name.is_empty());
    let kind = match object_type {
        b"*DIR" | b"*FLR" | b"*DDIR" | b"*LIB" => Kind::Directory,
        b"*SYMLNK" => Kind::Link,
        b"*SOCKET" | b"*FIFO" | b"*CHRSF" | b"*BLKSF" => Kind::Other,
        _ if stripped.is_some() => Kind::Directory,
        _ => Kind::File,
    };
    let name = stripped.unwrap_or(name);
    (!name.is_empty()).then(|| Entry::new(name, kind.named(name)))
}

/// `ENDTRACE TCPIP    F      80       1      1 1999-07-28 12:24:01 TCM191`: a file of a minidisk or
/// of the shared file system, or a directory. A file mode may follow the type.
///
/// Records of fixed length give a size. For others only a bound is known.
pub(super) fn vm_cms<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let format = (1..=3).find(|column| {
        matches!(columns.get(*column), b"F" | b"V" | b"DIR" | b"U")
            && is_count_or_dash(columns.get(column.saturating_add(1)))
            && is_count_or_dash(columns.get(column.saturating_add(3)))
    })?;
    let column = |offset: usize| columns.get(format.saturating_add(offset));
    let found = numeric_date(column(4), context.order)?;
    let modified = clock(column(5))?.on(found.date);
    let is_directory = column(0) == b"DIR" && column(1) == b"-";
    let (size, kind) = if is_directory {
        (None, Kind::Directory)
    } else {
        let bytes = number(column(1)).zip(number(column(2)));
        let bytes = bytes.and_then(|(length, records)| length.checked_mul(records));
        (bytes.filter(|_| column(0) == b"F"), Kind::File)
    };
    let owner = column(6);
    context.learn(found);
    let entry = Entry {
        size,
        modified,
        owner: Some(owner).filter(|owner| !matches!(*owner, b"" | b"-")),
        ..Entry::new(columns.get(0), kind)
    };
    Some(Reading {
        extension: if is_directory || format == 1 {
            b""
        } else {
            columns.get(1)
        },
        ..Reading::from(entry)
    })
}

fn is_count_or_dash(word: &[u8]) -> bool {
    word == b"-" || is_number(word)
}

/// `05/20/2000 13:38:19   F        1          65758 'name'` of the byte file system of VM.
pub(super) fn vm_bfs<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let kind = match columns.get(2) {
        b"F" => Kind::File,
        b"D" => Kind::Directory,
        b"L" | b"S" => Kind::Link,
        b"E" | b"O" | b"P" | b"B" | b"C" => Kind::Other,
        _ => return None,
    };
    let found = numeric_date(columns.get(0), context.order)?;
    let quoted = columns.after(4).strip_prefix(b"'")?;
    let name = quoted.strip_suffix(b"'").filter(|name| !name.is_empty())?;
    if !is_count_or_dash(columns.get(3)) || !is_count_or_dash(columns.get(4)) {
        return None;
    }
    Some(Reading::from(Entry {
        size: number(columns.get(4)),
        modified: clock(columns.get(1))?.on(found.date),
        ..Entry::new(name, kind.named(name))
    }))
}

/// `0013 SMTP     00000011 1999-11-03 12:46:10 NAME  TYPE`: the virtual reader of VM.
pub(super) fn vm_reader<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let (spool, records) = (columns.get(0), columns.get(2));
    if spool.len() != 4
        || !is_number(spool)
        || records.len() != 8
        || !is_number(records)
        || columns.count() < 6
    {
        return None;
    }
    let date = numeric_date(columns.get(3), context.order)?.date;
    Some(Reading {
        entry: Entry {
            modified: clock(columns.get(4))?.on(date),
            owner: Some(columns.get(1)),
            unique: Some(spool),
            ..Entry::new(columns.get(5), Kind::File)
        },
        extension: columns.get(6),
    })
}

/// The lists of VSE: root, libraries, sublibraries, catalogs, the table of contents of a volume,
/// and the queues of POWER.
pub(super) fn vse<'a>(columns: &Columns<'a>, _: &mut Context) -> Option<Reading<'a>> {
    let entry = vse_container(columns)
        .or_else(|| vse_member(columns))
        .or_else(|| vse_catalog(columns))
        .or_else(|| vse_power(columns))?;
    Some(Reading::from(entry))
}

/// `NAME   <Library>`, `NAME   <Sub Library>   38   54   98/01/24   10:54`, `NAME   Entry Seq VSAM`.
fn vse_container<'a>(columns: &Columns<'a>) -> Option<Entry<'a>> {
    let name = columns.get(0);
    let rest = columns.after(0);
    if rest == b"Entry Seq VSAM" || rest == b"Key Seq VSAM" || rest == b"Rel Rec VSAM" {
        return Some(Entry::new(name, Kind::File));
    }
    let tag = rest.strip_prefix(b"<")?;
    let end = tag.iter().position(|byte| *byte == b'>')?;
    let (tag, rest) = tag.split_at_checked(end)?;
    if !matches!(
        tag,
        b"Directory"
            | b"Library"
            | b"Sub Library"
            | b"VSAM Catalog"
            | b"Power Queues"
            | b"Queue"
            | b"Power Class"
    ) {
        return None;
    }
    let mut entry = Entry::new(name, Kind::Directory);
    let mut words = Words::new(rest.get(1..)?);
    words.next();
    words.next();
    if let Some(date) = year_first(words.next()) {
        entry.modified = clock(words.next())?.on(date);
    }
    Some(entry)
}

/// `NAME.TYPE   2088   3  99/02/23  15:16   99/02/23   15:36  S`: the second time is the last change.
fn vse_member<'a>(columns: &Columns<'a>) -> Option<Entry<'a>> {
    let (created, kind) = (year_first(columns.get(3))?, columns.last());
    let is_member = matches!(columns.count(), 6 | 8)
        && matches!(kind, b"F" | b"S")
        && is_number(columns.get(2));
    let time = match year_first(columns.get(5)) {
        Some(changed) => clock(columns.get(6))?.on(changed),
        None => clock(columns.get(4))?.on(created),
    };
    is_member.then(|| Entry {
        size: number(columns.get(1)),
        modified: time,
        ..Entry::new(columns.get(0), Kind::File)
    })
}

/// `NAME.OF.FILE    97/11/25   12:00       854000  K`
fn vse_catalog<'a>(columns: &Columns<'a>) -> Option<Entry<'a>> {
    let date = year_first(columns.get(1))?;
    let is_file = columns.count() == 5
        && matches!(
            columns.get(4),
            b"E" | b"K" | b"R" | b"S" | b"D" | b"V" | b"I"
        );
    let size = Some(number(columns.get(3))?);
    let modified = clock(columns.get(2))?.on(date);
    is_file.then(|| Entry {
        size,
        modified,
        ..Entry::new(columns.get(0), Kind::File)
    })
}

/// `VSE3270.00117.00    48502           0             0   3 L`: an entry in a queue: name, number
/// and suffix.
fn vse_power<'a>(columns: &Columns<'a>) -> Option<Entry<'a>> {
    let name = columns.get(0);
    let mut parts = name.rsplit(|byte| *byte == b'.');
    let (suffix, id) = (parts.next()?, parts.next()?);
    let is_entry = is_number(suffix)
        && suffix.len() == 2
        && is_number(id)
        && id.len() == 5
        && parts.next().is_some();
    let counts = (1..=4).all(|column| is_number(columns.get(column)));
    (is_entry && counts && columns.get(5).len() == 1).then(|| Entry::new(name, Kind::File))
}

/// `612      A          07-28-95   16:45  name` and `0           DIR   04-11-95   16:26  NAME`.
pub(super) fn os_2<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let text::Size(size) = text::size(columns.get(0))?;
    let mut words = Words::new(columns.after_exactly(0));
    let mut kind = Kind::File;
    let mut word = words.next();
    for _ in 0..3 {
        if word.eq_ignore_ascii_case(b"DIR") || word.eq_ignore_ascii_case(b"<DIR>") {
            kind = Kind::Directory;
        } else if !is_attributes(word) {
            break;
        }
        word = words.next();
    }
    let found = numeric_date(word, context.order)?;
    let modified = clock_in_words(&mut words)?.on(found.date);
    let (name, kind) = vxworks_directory(skip_blanks(words.rest), kind);
    context.learn(found);
    (!name.is_empty()).then(|| {
        Reading::from(Entry {
            size,
            modified,
            ..Entry::new(name, kind.named(name))
        })
    })
}

fn is_attributes(word: &[u8]) -> bool {
    (1..=5).contains(&word.len())
        && word
            .iter()
            .all(|byte| matches!(byte, b'A' | b'R' | b'H' | b'S' | b'D' | b'-'))
}

/// VxWorks has the same columns, and `<DIR>` after the name.
fn vxworks_directory(name: &[u8], kind: Kind) -> (&[u8], Kind) {
    match text::trim_end(name).strip_suffix(b"<DIR>") {
        Some(name) => (trim(name), Kind::Directory),
        None => (name, kind),
    }
}
