//! Lines that are not entries: what they are, and what they show about the lines after them.

use super::text::{Columns, Words, is_number, trim};
use super::{Context, Header, Reason};

/// Why the line is not an entry. A header is recorded in the context.
pub(super) fn classify(line: &[u8], context: &mut Context) -> Reason {
    let text = trim(line);
    if text.is_empty() {
        return Reason::Blank;
    }
    if let Some(header) = header(text) {
        if header != Header::Other {
            context.header = header;
        }
        return Reason::Header;
    }
    let columns = Columns::of(text);
    if is_total(&columns) {
        Reason::Total
    } else if is_trailer(text, &columns) {
        Reason::Trailer
    } else if is_message(text) {
        Reason::Message
    } else {
        Reason::Unrecognized
    }
}

/// The names of columns, the name of a directory, or a ruler.
fn header(text: &[u8]) -> Option<Header> {
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    let has_all = |words: &[&[u8]]| words.iter().all(|word| has(word));
    if has_all(&[b"Dsorg", b"Dsname"]) {
        return Some(Header::DataSets);
    }
    if has(b"VV.MM") || has_all(&[b"Alias-of", b"Amode"]) {
        return Some(Header::Members);
    }
    if has_all(&[b"JOBNAME", b"JOBID"]) || has_all(&[b"STEPNAME", b"DDNAME"]) {
        return Some(Header::Jobs);
    }
    // `Directory DISK:[DIR]`, `DISK$VOL:[DIR]`.
    if text.ends_with(b"]") && has(b":[") {
        return Some(Header::Vms);
    }
    // `PS:<DIR>`.
    if text.ends_with(b">") && has(b":<") {
        return Some(Header::Tops20);
    }
    const COLUMNS: [&[&[u8]]; 12] = [
        &[b"Code", b"EOF", b"RWEP"],
        &[b"size", b"date", b"name"],
        &[b"File Name", b"Size", b"Date"],
        &[b"FileType", b"Lrecl"],
        &[b"Owner", b"Attributes", b"Bytecount"],
        &[b"LOGICAL RECORD"],
        &[b"TYP", b"EOF", b"LIMIT"],
        &[b"File name", b"Rlen"],
        &[b"Start", b"length", b"File name"],
        &[b"STEPNAME"],
        &[b"Name", b"Size", b"Date"],
        &[b"name", b"size", b"date"],
    ];
    const STARTS: [&[u8]; 13] = [
        b"Directory of",
        b"Directory ",
        b"Volume in drive",
        b"Volume -",
        b"Volume Serial",
        b"Files:",
        b"Dirs:",
        b"Links:",
        b"PATH=",
        b"ACCOUNT",
        b"Report for:",
        b"Status of ",
        b"Listing of",
    ];
    let is_ruler = text
        .iter()
        .all(|byte| matches!(byte, b'-' | b'=' | b'_' | b'+' | b'*' | b' ' | 0xad))
        && text.len() > 2;
    // `./dir:` before the entries of a directory, in recursive lists.
    let is_directory = text.ends_with(b":");
    let is_header = is_ruler
        || is_directory
        || STARTS.iter().any(|start| text.starts_with(start))
        || COLUMNS.iter().any(|words| has_all(words));
    is_header.then_some(Header::Other)
}

/// `total 5`, and the same in other languages.
fn is_total(columns: &Columns<'_>) -> bool {
    const WORDS: [&str; 22] = [
        "total",
        "insgesamt",
        "gesamt",
        "totale",
        "totaal",
        "totalt",
        "totales",
        "итого",
        "всего",
        "合計",
        "总用量",
        "總計",
        "总计",
        "總用量",
        "합계",
        "총",
        "yhteensä",
        "celkem",
        "razem",
        "összesen",
        "toplam",
        "σύνολο",
    ];
    let first = columns.get(0);
    let first = first.strip_suffix(b":").unwrap_or(first);
    let is_word = |word: &&str| first.eq_ignore_ascii_case(word.as_bytes());
    let amount = columns.last();
    columns.count() <= 3
        && WORDS.iter().any(is_word)
        && amount
            .last()
            .is_some_and(|last| last.is_ascii_digit() || matches!(last, b'K' | b'M' | b'G'))
}

/// `Total of 11 files, 5 blocks.`, `5 files`, `729088 Bytes Available`, `226 Transfer complete.`
fn is_trailer(text: &[u8], columns: &Columns<'_>) -> bool {
    const UNITS: [&[u8]; 9] = [
        b"file", b"files", b"file(s)", b"dir(s)", b"bytes", b"dirs", b"octets", b"blocks",
        b"batches",
    ];
    let has_unit = (1..columns.count()).any(|column| {
        let word = columns.get(column);
        let word = word
            .strip_suffix(b".")
            .or_else(|| word.strip_suffix(b","))
            .unwrap_or(word);
        UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
    });
    let starts_as_sum = is_number(columns.get(0))
        || columns.get(0).eq_ignore_ascii_case(b"total")
        || text.starts_with(b"*");
    (has_unit && starts_as_sum) || is_reply(text)
}

/// A reply of the control connection, in captures of whole sessions.
fn is_reply(text: &[u8]) -> bool {
    matches!(
        text,
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]
    )
}

/// `ls: cannot access 'x': No such file or directory`, `ftpd: .: Permission denied`.
fn is_message(text: &[u8]) -> bool {
    let first = Words::new(text).next();
    let has = |words: &[u8]| {
        text.windows(words.len())
            .any(|window| window.eq_ignore_ascii_case(words))
    };
    (first.ends_with(b":") && first.len() > 1)
        || has(b"not found")
        || has(b"no such")
        || has(b"denied")
        || has(b"no files")
        || has(b"cannot ")
        || has(b"no jobs found")
}
