//! The tables of `src/client`, and what comes out of a machine in their words.

use ftp_proto::client::{Error, Event, PeerFault};

use super::{Dialogue, event_name};

pub const CLIENT: &str = include_str!("../../../src/client/transitions.md");
pub const TRANSFERS: &str = include_str!("../../../src/client/transfers.md");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub state: &'static str,
    /// Codes, classes of codes, or other things that happen.
    pub codes: Vec<&'static str>,
    pub sends: &'static str,
    pub next: &'static str,
    pub outcome: &'static str,
}

/// The rows of a table with five columns. A row for several states is taken for as many rows.
pub fn rows(table: &'static str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [states, codes, sends, next, outcome] = cells[..] else {
            // A row of another table.
            assert!(cells.len() < 5, "not a row: {line}");
            continue;
        };
        if states == "state" {
            continue;
        }
        rows.extend(states.split(" / ").map(|state| Row {
            state,
            codes: codes.split(", ").collect(),
            sends,
            next,
            outcome,
        }));
    }
    rows
}

/// The one row for the first of these states and patterns that there is a row for.
pub fn find(rows: &[Row], order: &[(&str, &str)]) -> Option<Row> {
    order.iter().find_map(|(state, pattern)| {
        let mut found = rows
            .iter()
            .filter(|row| row.state == *state && row.codes.contains(pattern));
        let row = found.next()?;
        assert_eq!(found.next(), None, "two rows for {state} and {pattern}");
        Some(row.clone())
    })
}

/// Whether the second table says that this code can answer a command.
pub fn can_answer(verb: &str, code: u16) -> bool {
    if verb == "SITE" || ["ADAT", "MIC", "CONF", "ENC", "XYZZY"].contains(&verb) {
        return true;
    }
    for line in CLIENT.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [codes, verbs] = cells[..] else { continue };
        let named = codes.split(", ").any(|named| named == code.to_string());
        if named || (codes == "other 2yz" && code / 100 == 2) {
            let is_listed = |list: &str| list.split(", ").any(|listed| listed == verb);
            return match verbs.strip_prefix("all commands but ") {
                Some(others) => !is_listed(others),
                None => verbs == "all commands" || is_listed(verbs),
            };
        }
    }
    true
}

/// The events, or the error, or the end.
pub fn outcome(dialogue: &Dialogue) -> String {
    let mut names: Vec<String> = dialogue.events.iter().map(name).collect();
    match &dialogue.end {
        None => {}
        Some(Ok(())) => names.push("Closed".into()),
        Some(Err(Error::PeerFault { fault, .. })) => names.push(match fault {
            PeerFault::UnexpectedCode { .. } => "UnexpectedCode".into(),
            PeerFault::UnsolicitedReply(_) => "UnsolicitedReply".into(),
            PeerFault::BytesBeforeTlsSwitch => "BytesBeforeTlsSwitch".into(),
            PeerFault::AskedAgain => "AskedAgain".into(),
            PeerFault::OutOfStep { .. } => "OutOfStep".into(),
            other => format!("{other:?}"),
        }),
        Some(Err(error)) => {
            let debug = format!("{error:?}");
            names.push(
                debug
                    .split([' ', '{'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
    }
    if names.is_empty() {
        "—".into()
    } else {
        names.join(", ")
    }
}

/// The variant of an event, or how a transfer ended.
fn name(event: &Event) -> String {
    match event {
        Event::Transferred {
            outcome: Err(error),
            ..
        } => {
            let debug = format!("{error:?}");
            let name = debug.split([' ', '{']).next();
            name.unwrap_or_default().to_owned()
        }
        event => event_name(event),
    }
}
