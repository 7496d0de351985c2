//! Holds `src/client/transfers.md` against the machine: every state of a transfer × every code, and ×
//! every news of the data connection, looking at bytes, events and errors alone.

use std::collections::BTreeSet;

use crate::common::table::{Row, TRANSFERS, can_answer, find, outcome, rows};
use crate::common::transfer::{EPSV, ready, retrieve};
use crate::common::{Dialogue, known};
use ftp_proto::client::{Config, DataMode, Event, PassiveCommand, Phase, Transfer, TransferId};
use ftp_proto::data;
use ftp_proto::{Action, Machine};

/// Everything that can happen besides replies.
const NEWS: [&str; 11] = [
    "opened",
    "not opened",
    "whole",
    "cut",
    "left",
    "dropped",
    "abort",
    "timer",
    "listening",
    "not listening",
    "closed",
];

/// Codes with which the state after a transition is told from all others.
const PROBES: [u16; 15] = [
    150, 200, 202, 213, 226, 227, 229, 250, 332, 350, 421, 425, 500, 550, 631,
];

/// A transfer in some state, and what the application holds of it.
struct Stage {
    dialogue: Dialogue,
    id: TransferId,
    ticket: Option<data::Ticket>,
    connection: Option<data::Connection>,
    /// Why it is settled, if it is, and the command whose reply is the last one, if there is one.
    why: String,
    last: String,
    /// One of the replies to `ABOR` said that the transfer had failed.
    has_failed: bool,
    /// `ABOR` was sent.
    is_aborted: bool,
}

impl Stage {
    fn start(mode: DataMode, transfer: Transfer) -> Self {
        Self::start_with(Config::new(known()).data_mode(mode), transfer)
    }

    fn start_with(config: Config, transfer: Transfer) -> Self {
        let mut dialogue = ready(config);
        let id = dialogue.begin(transfer);
        Self {
            dialogue,
            id,
            ticket: None,
            connection: None,
            why: "Aborted".into(),
            last: "EPSV".into(),
            has_failed: false,
            is_aborted: false,
        }
    }

    /// Replies that come, news, and the data connection that is asked for meanwhile.
    fn then(mut self, steps: &[&str]) -> Self {
        for step in steps {
            match step.as_bytes()[0].is_ascii_digit() {
                true => self.dialogue.hear(format!("{step}\r\n")),
                false => assert!(self.tell(step), "{step} cannot be now"),
            }
            self.take_ticket();
        }
        assert_eq!(self.dialogue.end, None, "behind {steps:?}");
        self.dialogue.forget();
        self
    }

    /// What the application does with the event that asks for a data connection.
    fn take_ticket(&mut self) {
        let is_ticket = |event: &Event| matches!(event, Event::OpenData(_));
        if self.dialogue.events.iter().any(is_ticket) {
            self.ticket = Some(self.dialogue.ticket());
        }
    }

    /// Tells the machine this news; `false` if it cannot come.
    fn tell(&mut self, news: &str) -> bool {
        let Self { dialogue, id, .. } = self;
        let (client, now) = (&mut dialogue.client, dialogue.now);
        let told = match (news, self.ticket.take(), self.connection.take()) {
            ("opened", Some(ticket), None) => {
                self.connection = Some(client.data_opened(now, ticket).unwrap());
                true
            }
            ("not opened", Some(ticket), None) => client.data_failed(now, ticket).is_ok(),
            ("dropped", ticket, connection) => ticket.is_some() || connection.is_some(),
            ("whole", None, Some(mut connection)) => {
                connection.finish(now);
                while let Ok(Action::Event(_)) = connection.poll() {}
                connection.shut_down(now);
                connection.received_eof(now);
                client.data_ended(now, connection.into_end()).is_ok()
            }
            ("cut", None, Some(mut connection)) => {
                connection.cut_off(now);
                client.data_ended(now, connection.into_end()).is_ok()
            }
            ("left", None, Some(connection)) => {
                client.data_ended(now, connection.into_end()).is_ok()
            }
            (news, ticket, connection) => {
                (self.ticket, self.connection) = (ticket, connection);
                let address = "192.0.2.7:258".parse().unwrap();
                match news {
                    "abort" => {
                        (self.ticket, self.connection) = (None, None);
                        client.abort(now).is_ok()
                    }
                    "listening" => client.listening(now, *id, address).is_ok(),
                    "not listening" => client.not_listening(now, *id).is_ok(),
                    "timer" => match dialogue.deadline {
                        Some(deadline) => {
                            dialogue.now = deadline;
                            client.timed_out(deadline);
                            true
                        }
                        None => false,
                    },
                    "closed" => {
                        client.received_eof(now);
                        true
                    }
                    _ => false,
                }
            }
        };
        dialogue.drive();
        told
    }

    /// The outcome in the words of the table.
    fn expected(&self, outcome: &str) -> String {
        let why = match (self.why.as_str(), self.has_failed) {
            ("CutOff", true) => "Failed",
            (why, _) => why,
        };
        outcome.replace("why", why)
    }

    /// Holds what came out against a row.
    fn check(&mut self, row: &Row, state: &str, context: &str) {
        let (next, why) = match row.next.split_once(": ") {
            Some((next, why)) => (next, Some(why)),
            None => (row.next, None),
        };
        let sent = self.dialogue.take_sent();
        self.is_aborted |= sent == "ABOR\r\n";
        assert_eq!(sent, line(row.sends), "sent in {context}");
        let found = outcome(&self.dialogue);
        assert_eq!(found, self.expected(row.outcome), "outcome in {context}");
        let is_over = self.dialogue.end.is_some();
        assert_eq!(is_over, next == "end", "end in {context}");
        let is_transferring = self.dialogue.client.transferring().is_some();
        let goes_on = !["ready", "end"].contains(&next);
        assert_eq!(is_transferring, goes_on, "over in {context}");
        if next == "ready" {
            assert_eq!(self.dialogue.client.phase(), Phase::Ready, "{context}");
        }
        if let Some(why) = why {
            self.why = why.into();
            self.last = verb_of(state).into();
        }
        if why.is_some() || next == "PASV" {
            // Nothing is asked of the data connection any more, or of this one.
            (self.ticket, self.connection) = (None, None);
        }
        self.take_ticket();
        self.dialogue.forget();
    }

    /// A reply with this code comes. The text is one that `EPSV` and `PASV` are answered with.
    fn hear(&mut self, code: u16, state: &str) {
        if state.starts_with("settling") && (400..600).contains(&code) {
            let is_last = ["settling (last reply)", "settling (NOOP)"].contains(&state);
            self.has_failed |= !is_last && ![421, 500, 502].contains(&code);
        }
        let is_by_number = state.starts_with("unsure")
            || (state.starts_with("proving") && state != "proving (PWD)");
        if is_by_number && self.is_aborted && (400..600).contains(&code) {
            self.has_failed |= ![421, 500, 501, 502, 503, 504, 530].contains(&code);
        }
        self.dialogue.hear(format!("{code} Text (|||6446|)\r\n"));
    }
}

/// Brings a transfer into the state of this name.
fn reach(state: &str) -> Stage {
    let passive = |command| Stage::start(DataMode::Passive(command), retrieve());
    let either = || passive(PassiveCommand::Either);
    let active = |transfer| Stage::start(DataMode::Active, transfer);
    let epsv = EPSV.trim_end();
    let open = |steps: &[&str]| either().then(&["200 x", epsv, "opened"]).then(steps);
    let awaited = |steps: &[&str]| {
        let stage = active(retrieve()).then(&["200 x", "listening", "200 x"]);
        stage.then(steps)
    };
    let restarted = |steps: &[&str]| {
        let command = DataMode::Passive(PassiveCommand::Epsv);
        let stage = Stage::start(command, retrieve().offset(7));
        stage.then(&["200 x", epsv]).then(steps)
    };
    let settling = |steps: &[&str]| open(&["150 x", "abort"]).then(steps);
    match state {
        "TYPE" => either().then(&[]),
        "TYPE (listing)" => {
            let mode = DataMode::Passive(PassiveCommand::Either);
            Stage::start(mode, Transfer::list(None).unwrap()).then(&[])
        }
        "EPSV (PASV allowed)" => either().then(&["200 x"]),
        "EPSV (alone)" => passive(PassiveCommand::Epsv).then(&["200 x"]),
        "PASV" => either().then(&["200 x", "500 x"]),
        "listen" => active(retrieve()).then(&["200 x"]),
        "PORT" => active(retrieve()).then(&["200 x", "listening"]),
        "PORT (restart)" => active(retrieve().offset(7)).then(&["200 x", "listening"]),
        "open (PASV allowed)" => either().then(&["200 x", epsv]),
        "open" => passive(PassiveCommand::Pasv).then(&["200 x", epsv]),
        "open (restart)" => restarted(&[]),
        "REST (awaited)" => active(retrieve().offset(7)).then(&["200 x", "listening", "200 x"]),
        "REST (open)" => restarted(&["opened"]),
        "REST (whole)" => restarted(&["opened", "whole"]),
        "REST (broken)" => restarted(&["opened", "cut"]),
        "begin (awaited)" => awaited(&[]),
        "begin (open)" => open(&[]),
        "begin (whole)" => open(&["whole"]),
        "begin (broken)" => open(&["cut"]),
        "started (open)" => open(&["timer"]),
        "started (whole)" => open(&["timer", "whole"]),
        "started (broken)" => open(&["timer", "cut"]),
        "final (awaited)" => awaited(&["150 x"]),
        "final (open)" => open(&["150 x"]),
        "final (whole)" => open(&["150 x", "whole"]),
        "final (broken)" => open(&["150 x", "cut"]),
        "upload" => uploading(&["150 x"]),
        "confirmed (awaited)" => awaited(&["226 x"]),
        "confirmed (open)" => open(&["226 x"]),
        "confirmed (too early)" => uploading(&["150 x", "226 x"]),
        "failed" => open(&["150 x", "451 x"]),
        "settling (last reply)" => either().then(&["200 x", "abort"]),
        "settling (2 replies)" => settling(&[]),
        "settling (1 reply)" => settling(&["226 x"]),
        "settling (3 replies with NOOP)" => settling(&["timer"]),
        "settling (2 replies with NOOP)" => settling(&["timer", "226 x"]),
        "settling (NOOP)" => settling(&["timer", "226 x", "225 x"]),
        other => noop_state(other),
    }
}

/// The same, of those in which `NOOP` is sent.
fn noop_state(state: &str) -> Stage {
    let moving = |steps: &[&str]| {
        let every = std::time::Duration::from_secs(30);
        let config = Config::new(known()).transfer_keep_alive(every);
        let stage = Stage::start_with(config, retrieve());
        let stage = stage.then(&["200 x", EPSV.trim_end(), "opened", "150 x"]);
        stage.then(steps)
    };
    let (family, form) = state.split_once(" (").unwrap_or((state, ""));
    let mut steps = match form {
        "owed)" => vec!["timer"],
        "answered)" => vec!["timer", "200 x"],
        "extra)" => vec!["timer", "200 x", "200 x"],
        _ => vec![],
    };
    let aborted: &[&str] = &["timer", "abort", "426 x", "226 x", "200 x"];
    let quiet: &[&str] = &["timer", "abort", "timer"];
    match (family, form) {
        ("moving", _) => {}
        ("ended", _) => steps.push("whole"),
        ("broken", _) => steps.push("cut"),
        ("confirmed", _) => steps.push("226 x"),
        ("failed", _) => steps.push("451 x"),
        ("counting", "") => steps = vec!["timer", "226 x", "abort"],
        ("counting", _) => steps = vec!["timer", "226 x", "abort", "226 x"],
        ("proving", "PWD)") => steps = aborted.to_vec(),
        ("unsure", "3 replies)") => steps = aborted[..2].to_vec(),
        ("unsure", "2 replies)") => steps = aborted[..3].to_vec(),
        ("unsure", "1 reply)") => steps = aborted[..4].to_vec(),
        ("proving", "4 replies)") => steps = quiet.to_vec(),
        ("proving", "3 replies)") => steps = [quiet, &["426 x"]].concat(),
        ("proving", "2 replies)") => steps = [quiet, &["426 x", "226 x"]].concat(),
        _ => panic!("no way to {state} is known"),
    }
    let mut stage = moving(&steps);
    stage.is_aborted = steps.contains(&"abort") && family != "counting";
    stage
}

fn uploading(steps: &[&str]) -> Stage {
    let mode = DataMode::Passive(PassiveCommand::Either);
    let stage = Stage::start(mode, Transfer::store("notes").unwrap());
    let stage = stage.then(&["200 x", EPSV.trim_end(), "opened"]);
    stage.then(steps)
}

/// The line that a cell of the column "sends" stands for.
fn line(command: &str) -> String {
    let line = match command {
        "—" => return String::new(),
        "RETR" => "RETR notes",
        "REST" => "REST 7",
        "PORT" => "PORT 192,0,2,7,1,2",
        other => other,
    };
    format!("{line}\r\n")
}

/// The command that is answered in this state, if its codes are looked at.
fn verb_of(state: &str) -> &str {
    match state.split(" (").next().unwrap_or_default() {
        "begin" | "started" | "final" => "RETR",
        "moving" | "ended" | "broken" => "RETR",
        "proving" if state == "proving (PWD)" => "PWD",
        "upload" => "STOR",
        "TYPE" | "EPSV" | "PASV" | "PORT" | "REST" => state.split(" (").next().unwrap_or_default(),
        _ => "SITE",
    }
}

/// The one row that says what happens; `same` is spelt out.
fn look_up(rows: &[Row], state: &str, patterns: &[&str]) -> Option<Row> {
    let family = state.split(" (").next().unwrap_or_default();
    let order: Vec<_> = patterns
        .iter()
        .flat_map(|pattern| [(state, *pattern), (family, *pattern), ("any", *pattern)])
        .collect();
    let mut row = find(rows, &order)?;
    if row.next == "same" {
        row.next = known_name(rows, state);
    }
    Some(row)
}

/// The state's name as the table has it.
fn known_name(rows: &[Row], state: &str) -> &'static str {
    let mut names = states(rows).into_iter();
    names.find(|name| *name == state).expect("a state")
}

fn look_up_code(rows: &[Row], state: &str, last: &str, code: u16) -> Row {
    let number = code.to_string();
    let verb = match state {
        "settling (last reply)" => last,
        _ => verb_of(state),
    };
    let class = match code / 100 {
        class if class == 6 || can_answer(verb, code) => format!("{class}yz"),
        _ => "out of step".into(),
    };
    let row = look_up(rows, state, &[&number, &class]);
    row.unwrap_or_else(|| panic!("no row for {state} and {code}"))
}

/// All states that can be reached, but those after the transfer.
fn states(rows: &[Row]) -> BTreeSet<&'static str> {
    let next = rows.iter().map(|row| row.next);
    let next = next.map(|next| next.split(": ").next().unwrap_or_default());
    let own = rows.iter().map(|row| row.state);
    let has_forms = |state: &str| ["TYPE", "open", "PORT", "PASV"].contains(&state);
    next.chain(own)
        .filter(|state| {
            let is_family = [
                "any", "same", "ready", "end", "EPSV", "REST", "begin", "started",
            ];
            let others = [
                "final",
                "confirmed",
                "settling",
                "broken",
                "unsure",
                "proving",
            ];
            let is_family = is_family.contains(state) || others.contains(state);
            has_forms(state) || !is_family
        })
        .collect()
}

/// One thing happens, and the row for it, if there must be one, is met.
fn step(rows: &[Row], stage: &mut Stage, state: &str, what: &str, context: &str) -> Option<Row> {
    let row = match what.parse::<u16>() {
        Ok(code) => {
            let row = look_up_code(rows, state, &stage.last, code);
            stage.hear(code, state);
            row
        }
        // Each further NOOP is one more that is owed.
        Err(_)
            if what == "timer" && ["moving (", "ended ("].iter().any(|s| state.starts_with(s)) =>
        {
            return None;
        }
        Err(_) => {
            let row = look_up(rows, state, &[what]);
            let told = stage.tell(what);
            assert_eq!(told, row.is_some(), "whether it can be: {context}");
            row?
        }
    };
    stage.check(&row, state, context);
    Some(row)
}

#[test]
fn every_state_of_a_transfer_does_what_the_table_says() {
    let rows = rows(TRANSFERS);
    let states = states(&rows);
    assert!(states.len() > 35, "{states:?}");
    for state in states {
        for code in 100..=699 {
            let context = format!("{state} × {code}");
            step(&rows, &mut reach(state), state, &code.to_string(), &context);
        }
        for news in NEWS {
            let context = format!("{state} × {news}");
            step(&rows, &mut reach(state), state, news, &context);
        }
    }
}

#[test]
fn the_next_state_of_a_transfer_behaves_as_its_own_rows_say() {
    let rows = rows(TRANSFERS);
    let probes: Vec<String> = PROBES.iter().map(ToString::to_string).collect();
    let all: Vec<&str> = probes.iter().map(String::as_str).chain(NEWS).collect();
    for state in states(&rows) {
        for first in &all {
            for second in &all {
                let context = format!("{state} × {first}");
                let mut stage = reach(state);
                let Some(row) = step(&rows, &mut stage, state, first, &context) else {
                    break;
                };
                let next = row.next.split(": ").next().unwrap_or_default();
                if ["ready", "end"].contains(&next) {
                    break;
                }
                let context = format!("{next}, after {context}, × {second}");
                step(&rows, &mut stage, next, second, &context);
            }
        }
    }
}
