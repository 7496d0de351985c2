//! Reading directory listings.

use ftp_proto::DateTime;
use ftp_proto::listing::{Entry, Line, Reader};
use suppaftp::list::ListParser;

/// The ways to list a directory that are measured.
pub const LISTINGS: [(&str, &str); 3] = [("list", LIST), ("mlsd", MLSD), ("dos", DOS)];
/// How many entries a listing of [`listing`] has.
pub const ENTRIES: usize = 1_000;

/// How an entry begins.
pub const LIST: &str = "-rw-r--r--   1 mirror   mirror      1482113 Jan 29 03:26 package-";
/// How an entry begins.
pub const MLSD: &str = "type=file;size=1482113;modify=20240129032655;unix.mode=0644;\
    unix.owner=1000;unix.group=1000; package-";
/// How an entry begins.
pub const DOS: &str = "01-29-24  03:26AM              1482113 package-";

/// A thousand entries that begin like `entry` and end in a number.
pub fn listing(entry: &str) -> Vec<u8> {
    (0..ENTRIES)
        .flat_map(|n| format!("{entry}{n:04}.tar.gz\r\n").into_bytes())
        .collect()
}

/// Every entry in `bytes`, which arrive in chunks of `size`.
pub fn ftp_proto_in_chunks(bytes: &[u8], size: usize) -> usize {
    let now = DateTime::date(2024, 5, 1).expect("a date");
    let mut reader = Reader::new(now);
    let mut entries = 0;
    let mut sum = 0;
    let mut count = |line: Line<'_>| {
        if let Line::Entry(entry) = line {
            entries += 1;
            sum += weigh(&entry);
        }
    };
    for mut chunk in bytes.chunks(size) {
        while let Some(line) = reader.next(&mut chunk) {
            count(line);
        }
    }
    while let Some(line) = reader.finish() {
        count(line);
    }
    assert_eq!(entries, ENTRIES, "each line is an entry");
    sum
}

/// Every entry in `bytes`, a line each, by suppaftp. It has one parser for each form.
///
/// # Panics
/// If it does not take one for an entry.
pub fn suppaftp(bytes: &[u8]) -> usize {
    let text = std::str::from_utf8(bytes).expect("text");
    let parse = match bytes.first() {
        Some(b't') => ListParser::parse_mlsd,
        Some(b'-') => ListParser::parse_posix,
        _ => ListParser::parse_dos,
    };
    let mut sum = 0;
    for line in text.lines() {
        let file = parse(line).expect("an entry");
        sum += file.name().len() + file.size();
    }
    sum
}

/// A number that depends on all that was read.
fn weigh(entry: &Entry<'_>) -> usize {
    let modified = entry.modified.map_or(0, |modified| modified.time.unix());
    entry.name.len()
        + entry.owner.map_or(0, <[u8]>::len)
        + entry.group.map_or(0, <[u8]>::len)
        + entry.facts.iter().count()
        + usize::from(entry.permissions.unwrap_or_default())
        + usize::try_from(entry.size.unwrap_or_default()).unwrap_or_default()
        + usize::try_from(modified).unwrap_or_default()
}
