//! `ftp-cli decode listing`: turns each line of a listing into one JSON object.

use std::io::{self, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use ftp_proto::DateTime;
use ftp_proto::listing::{Entry, Line, Reader};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{hexadecimal, lossy};
use crate::exit::Exit;
use crate::output::Output;

/// One line of output.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Record {
    Entry(Box<EntryRecord>),
    Skipped { skipped: &'static str },
}

/// An entry. A field that the server did not send is left out.
#[derive(Debug, Serialize)]
pub(crate) struct EntryRecord {
    /// In a listing of several directories.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Map<String, Value>>,
    unsafe_name: bool,
    raw: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
}

impl Record {
    /// `None` for the first half of an entry.
    fn of(line: &Line<'_>) -> Option<Self> {
        match line {
            Line::Entry(entry) => Some(Self::Entry(Box::new(EntryRecord::of(entry)))),
            Line::Skipped(reason) => Some(Self::Skipped {
                skipped: reason.as_str(),
            }),
            _ => None,
        }
    }
}

impl EntryRecord {
    /// The same for an entry found on the way through several directories.
    pub(crate) fn at(path: &[u8], entry: &Entry<'_>) -> Self {
        Self {
            path: Some(lossy(path)),
            ..Self::of(entry)
        }
    }

    pub(crate) fn of(entry: &Entry<'_>) -> Self {
        let text = |bytes: Option<&[u8]>| bytes.map(lossy);
        Self {
            path: None,
            name: lossy(entry.name),
            kind: entry.kind.as_str(),
            size: entry.size,
            modified: entry.modified.map(|modified| format!("{}Z", modified.time)),
            precision: entry.modified.map(|modified| modified.precision.as_str()),
            permissions: entry.permissions.map(|bits| format!("{bits:04o}")),
            owner: text(entry.owner),
            group: text(entry.group),
            target: text(entry.target),
            unique: text(entry.unique),
            facts: facts(entry),
            unsafe_name: !entry.is_safe_name(),
            raw: lossy(entry.raw),
            raw_hex: std::str::from_utf8(entry.raw)
                .is_err()
                .then(|| hexadecimal(entry.raw)),
        }
    }
}

fn facts(entry: &Entry<'_>) -> Option<Map<String, Value>> {
    let mut facts = Map::new();
    for (name, value) in entry.facts.iter() {
        // If two facts have the same name, the first counts.
        facts
            .entry(lossy(name).to_ascii_lowercase())
            .or_insert_with(|| Value::String(lossy(value)));
    }
    (!facts.is_empty()).then_some(facts)
}

/// Reads to the end of the input.
pub(super) fn stream(
    now: Option<DateTime>,
    mut input: impl Read,
    output: &Output,
) -> io::Result<Exit> {
    let mut reader = Reader::new(now.unwrap_or_else(clock));
    let print = |line: &Line<'_>| {
        if let Some(record) = Record::of(line) {
            // Plain data: writing it as JSON cannot fail.
            output.line(&serde_json::to_string(&record).unwrap_or_default());
        }
    };
    let mut chunk = vec![0; 64 * 1024];
    while output.is_open() {
        let mut piece = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => &chunk[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        while let Some(line) = reader.next(&mut piece) {
            print(&line);
        }
    }
    if let Some(line) = reader.finish() {
        print(&line);
    }
    Ok(Exit::Success)
}

/// The time of this computer, in UTC.
fn clock() -> DateTime {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = elapsed.map_or(0, |elapsed| elapsed.as_secs());
    DateTime::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Reads a time in the format of RFC 3339 §5.6: `2024-05-01T12:34:56Z`, with a fraction or an
/// offset.
pub(crate) fn parse_now(text: &str) -> Result<DateTime, String> {
    rfc_3339(text.as_bytes()).ok_or_else(|| "not a time like 2024-05-01T12:34:56Z".to_owned())
}

fn rfc_3339(text: &[u8]) -> Option<DateTime> {
    let (local, rest) = text.split_first_chunk::<19>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T' | b't' | b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
    ] = *local
    else {
        return None;
    };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, s1, s2];
    let fraction = match rest {
        [b'.', rest @ ..] => 1 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let (fraction, zone) = rest.split_at(fraction);
    let time = DateTime::parse(&[&digits, fraction].concat())?;
    let east = match zone {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', n1, n2] => {
            let number = |tens: u8, ones: u8| -> Option<i64> {
                let text = [tens, ones];
                std::str::from_utf8(&text)
                    .ok()?
                    .parse::<u8>()
                    .ok()
                    .map(i64::from)
            };
            let seconds = number(*h1, *h2)? * 3600 + number(*n1, *n2)? * 60;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    Some(time.plus_seconds(-east))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_rfc_3339_has_them() {
        for (text, expected) in [
            ("2024-05-01T12:34:56Z", "2024-05-01T12:34:56"),
            ("2024-05-01t12:34:56.25z", "2024-05-01T12:34:56.25"),
            ("2024-05-01T00:30:00+02:00", "2024-04-30T22:30:00"),
            ("2024-05-01 23:30:00-05:30", "2024-05-02T05:00:00"),
        ] {
            assert_eq!(parse_now(text).unwrap().to_string(), expected);
        }
        for text in [
            "",
            "now",
            "2024-05-01",
            "2024-05-01T12:34:56",
            "2024-02-30T12:34:56Z",
            "2024-05-01T12:34Z",
            "2024-05-01T12:34:56.Z",
            "2024-05-01T12:34:56+0200",
            "20240501T123456Z",
            "2024-05-01T12:34:56Zx",
        ] {
            assert!(parse_now(text).is_err(), "{text}");
        }
    }
}
