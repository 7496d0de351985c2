//! Entries as text, to compare them with what they should be.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::fmt::Write;

use ftp_proto::DateTime;
use ftp_proto::listing::{Entry, Line, Parser};

/// 2024-05-04, at noon.
pub(crate) fn now() -> DateTime {
    DateTime::parse(b"20240504120000").unwrap()
}

/// Reads one listing, each line of which is given with what must come of it.
#[track_caller]
pub(crate) fn check(lines: &[(&str, &str)]) {
    let mut parser = Parser::new(now());
    for (line, expected) in lines {
        assert_eq!(show(&parser.line(line.as_bytes())), *expected, "{line}");
    }
}

/// `file "name" size time precision permissions owner=… group=… target=… unique=…`, as far as known;
/// or in parentheses why it is no entry.
pub(crate) fn show(line: &Line<'_>) -> String {
    match line {
        Line::Entry(entry) => show_entry(entry),
        Line::Skipped(reason) => format!("({})", reason.as_str()),
        Line::Continued => "(continued)".to_owned(),
        other => panic!("unknown: {other:?}"),
    }
}

pub(crate) fn show_entry(entry: &Entry<'_>) -> String {
    let mut text = format!("{} {:?}", entry.kind, entry.name_text());
    if let Some(size) = entry.size {
        write!(text, " {size}").unwrap();
    }
    if let Some(modified) = entry.modified {
        write!(text, " {} {}", modified.time, modified.precision.as_str()).unwrap();
    }
    if let Some(bits) = entry.permissions {
        write!(text, " {bits:04o}").unwrap();
    }
    for (name, value) in [
        ("owner", entry.owner),
        ("group", entry.group),
        ("target", entry.target),
        ("unique", entry.unique),
    ] {
        if let Some(value) = value {
            write!(text, " {name}={}", String::from_utf8_lossy(value)).unwrap();
        }
    }
    text
}
