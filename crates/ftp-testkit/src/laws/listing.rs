use ftp_proto::DateTime;
use ftp_proto::listing::{
    DEFAULT_LINE_LIMIT, Entry, FactNames, Line, Parser, Reader, write_facts, write_list,
};

use super::{cuts, feed};

/// Lines come out the same however the bytes are cut; the fields of an entry are parts of its line;
/// a safe name is one component; and what can be written is read again as it was.
pub fn listing(bytes: &[u8]) {
    for limit in [DEFAULT_LINE_LIMIT, 60, 0] {
        let whole = read(bytes, &[bytes.len()], limit);
        for cut in cuts(bytes) {
            assert_eq!(read(bytes, &cut, limit), whole, "{limit}, cut as {cut:?}");
        }
    }
    let mut parser = Parser::new(now());
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Line::Entry(entry) = parser.line(line) {
            assert_is_sound(&entry);
            let rest: &[u8] = b"";
            let mut whole = entry;
            whole.rest = rest;
            assert_eq!(entry.to_owned_entry().borrow(), whole);
            assert_survives_facts(&entry);
            assert_survives_list(&entry);
        }
    }
}

fn now() -> DateTime {
    DateTime::parse(b"20240504120000").expect("a time")
}

/// All lines, as they are shown.
fn read(bytes: &[u8], cut: &[usize], limit: usize) -> Vec<String> {
    let mut reader = Reader::with_parser(Parser::new(now()).with_line_limit(limit));
    let mut lines = Vec::new();
    feed(bytes, cut, |mut piece| {
        while let Some(line) = reader.next(&mut piece) {
            lines.push(format!("{line:?}"));
        }
        assert!(piece.is_empty());
    });
    lines.extend(reader.finish().map(|line| format!("{line:?}")));
    lines
}

fn assert_is_sound(entry: &Entry<'_>) {
    assert!(!entry.name.is_empty(), "{entry:?}");
    assert!(entry.permissions.is_none_or(|bits| bits <= 0o7777));
    let is_in_line =
        |part: &[u8]| part.is_empty() || entry.raw.windows(part.len()).any(|window| window == part);
    let parts = [
        entry.owner,
        entry.group,
        entry.target,
        entry.perm,
        entry.unique,
    ];
    assert!(parts.into_iter().flatten().all(is_in_line), "{entry:?}");
    if entry.is_safe_name() {
        assert!(!entry.name.iter().any(|byte| b"/\\:\0".contains(byte)));
        assert!(!matches!(entry.name, b"." | b".."));
    }
    if let Some(name) = entry.local_name() {
        assert!(entry.is_safe_name() && name.as_bytes() == entry.name);
    }
}

fn assert_survives_facts(entry: &Entry<'_>) {
    let mut line = Vec::new();
    if write_facts(&mut line, entry, FactNames::ALL).is_err() {
        return assert!(line.is_empty());
    }
    let mut parser = Parser::new(now());
    let Line::Entry(read) = parser.line(&line) else {
        panic!("{}", line.escape_ascii());
    };
    assert_eq!((read.name, read.kind), (entry.name, entry.kind));
    assert_eq!(
        (read.size, read.permissions),
        (entry.size, entry.permissions)
    );
    let mut again = Vec::new();
    assert_eq!(write_facts(&mut again, &read, FactNames::ALL), Ok(()));
    assert_eq!(again, line);
}

fn assert_survives_list(entry: &Entry<'_>) {
    let mut line = Vec::new();
    if write_list(&mut line, entry, now()).is_err() {
        return assert!(line.is_empty());
    }
    let mut parser = Parser::new(now());
    let Line::Entry(read) = parser.line(&line) else {
        panic!("{}", line.escape_ascii());
    };
    assert_eq!((read.name, read.target), (entry.name, entry.target));
    // A path may be the current directory in facts; `ls` knows it by the name `.` only.
    if entry.kind.is_directory() {
        assert!(read.kind.is_directory());
    } else {
        assert_eq!(read.kind, entry.kind);
    }
}
