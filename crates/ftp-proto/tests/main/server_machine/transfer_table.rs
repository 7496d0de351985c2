//! The documented table of files and transfers against the machine: every state, every verb, every answer.

use std::collections::BTreeSet;

use ftp_proto::server::{FileError, Phase};
use ftp_proto::wire::Verb;
use ftp_proto::{Action, Machine};

use super::file_service::{LISTENER, logged_in, serving};
use super::harness::{Pause, Server, seconds};

const TABLE: &str = include_str!("../../../src/server/transfers.md");

const TRANSFERRING: [&str; 5] = ["Begin", "Open", "Send", "Receive", "Commit"];

struct Row {
    states: Vec<&'static str>,
    /// Of the client, or none.
    commands: Vec<String>,
    answer: &'static str,
    replies: &'static str,
    next: &'static str,
    events: &'static str,
}

fn rows() -> Vec<Row> {
    let body = TABLE
        .split("| event |\n|---|---|---|---|---|\n")
        .nth(1)
        .unwrap();
    body.lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            // A `|` in a command is written `\|`.
            let line: &'static str = line.replace("\\|", "\u{1}").leak();
            let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
            let [_, state, input, replies, next, events, _] = cells[..] else {
                panic!("not five cells: {line}");
            };
            let states = match state {
                "idle" => vec!["Ready", "Passive"],
                "transferring" => TRANSFERRING.to_vec(),
                names => names.split(", ").collect(),
            };
            let commands = input
                .split('`')
                .skip(1)
                .step_by(2)
                .map(|command| command.replace('\u{1}', "|"))
                .collect();
            Row {
                states,
                commands,
                answer: input,
                replies,
                next,
                events,
            }
        })
        .collect()
}

/// In this state, by a download or an upload; `None` if there is no such thing.
fn reach(state: &str, verb: &str) -> Option<Server> {
    let mut server = logged_in(serving());
    server.answers = false;
    match state {
        "Ready" => {}
        "Listen" => assert_eq!(server.send("EPSV"), ""),
        _ => server.passive(),
    }
    if TRANSFERRING.contains(&state) {
        assert_eq!(server.send(&format!("{verb} notes")), "");
        if state != "Begin" {
            assert_eq!(server.begin(), "");
        }
    }
    match (state, verb) {
        ("Send", "STOR") | ("Receive" | "Commit", "RETR") => return None,
        ("Send" | "Receive" | "Commit", _) => {
            server.open_data();
        }
        _ => {}
    }
    if state == "Commit" {
        server.move_all(b"notes");
        assert_eq!(server.end_data(), "");
    }
    assert_eq!(state_of(&mut server), state);
    server.happened();
    Some(server)
}

/// By what is open.
fn state_of(server: &mut Server) -> String {
    let held = &server.held;
    let state = if server.connection.phase() != Phase::LoggedIn {
        return format!("{:?}", server.connection.phase());
    } else if held.listen.is_some() {
        "Listen"
    } else if held.file.is_some() || held.request.is_some() {
        "Asked"
    } else if held.commit.is_some() {
        "Commit"
    } else if held.ticket.is_some() {
        "Open"
    } else if let Some(data) = &held.data {
        match data.direction() {
            ftp_proto::data::Direction::Send => "Send",
            ftp_proto::data::Direction::Receive => "Receive",
        }
    } else if held.transfer.is_some() {
        "Begin"
    } else if held.listener {
        "Passive"
    } else {
        "Ready"
    };
    state.into()
}

fn error(answer: &str) -> FileError {
    let all = [
        FileError::NotFound,
        FileError::NotAllowed,
        FileError::Exists,
        FileError::NotEmpty,
        FileError::TooShort,
        FileError::NoSpace,
        FileError::Busy,
        FileError::NotSupported,
        FileError::Failed,
    ];
    let mut all = all.into_iter();
    all.find(|error| answer.contains(&format!("({error:?})")))
        .unwrap()
}

/// Does what the application or the driver does; what is said to it.
fn answer(
    server: &mut Server,
    answer: &str,
    transfer: Option<ftp_proto::server::TransferId>,
) -> String {
    let now = server.now;
    let held = &mut server.held;
    match answer.split(" (").next().unwrap() {
        "listening" => return server.listen(LISTENER),
        "not listening" => {
            let answer = held.listen.take().unwrap().not_listening();
            server.connection.answer(now, answer).unwrap();
        }
        "begin" => return server.begin(),
        "refused" => return server.refuse(error(answer)),
        "committed" => return server.commit(),
        "data opened" => return server.open_data(),
        "data failed" => {
            let ticket = held.ticket.take().unwrap();
            server.connection.data_failed(now, ticket).unwrap();
        }
        "data dropped" => {
            held.ticket = None;
            held.data = None;
        }
        "no data connection in time" => {
            server.sleep(seconds(30));
        }
        "application silent" => {
            server.sleep(seconds(300));
        }
        "data ended whole" => {
            server.move_all(b"notes");
            return server.end_data();
        }
        "data cut off" => {
            held.data.as_mut().unwrap().cut_off(now);
            return server.end_data();
        }
        "data stalled" => {
            let data = held.data.as_mut().unwrap();
            data.write(now, b"notes");
            assert!(matches!(
                data.poll(),
                Ok(Action::Read { deadline: Some(_) }
                    | Action::Write {
                        deadline: Some(_),
                        ..
                    })
            ));
            data.timed_out(now + seconds(60));
            return server.end_data();
        }
        "data left" => return server.end_data(),
        "aborted" => {
            let id = transfer.unwrap();
            server.connection.abort(now, id, error(answer)).unwrap();
        }
        "client gone" => server.connection.received_eof(now),
        other => panic!("{other} is unknown"),
    }
    server.said()
}

fn codes(said: &str) -> String {
    let codes: Vec<&str> = said
        .lines()
        .filter(|line| line.as_bytes()[..3].iter().all(u8::is_ascii_digit))
        .filter(|line| line.as_bytes()[3] == b' ')
        .map(|line| &line[..3])
        .collect();
    if codes.is_empty() {
        "-".into()
    } else {
        codes.join(" ")
    }
}

fn event_name(event: &str) -> String {
    if let Some(outcome) = event.strip_prefix("Transferred(") {
        let (_, outcome) = outcome.split_once(", ").unwrap();
        let outcome = outcome.strip_suffix(')').unwrap();
        return match outcome.strip_prefix("Err(") {
            Some(error) => format!("Transferred({error}"),
            None => "Transferred(Ok)".into(),
        };
    }
    match event.split_once('(') {
        Some((name, _)) if name != "Closed" => name.into(),
        _ => event.into(),
    }
}

fn check(row: &Row, commands: &[String], state: &str, verb: &str) -> bool {
    let Some(mut server) = reach(state, verb) else {
        return false;
    };
    let transfer = server.transfer;
    let mut said = Vec::new();
    if commands.is_empty() {
        said.push(codes(&answer(&mut server, row.answer, transfer)));
    }
    for command in commands {
        said.push(codes(&server.send(command)));
    }
    let place = format!("{state}, {verb}: {commands:?}, {}", row.answer);
    assert_eq!(said.join(" "), row.replies, "{place}");
    let events: Vec<String> = server
        .happened()
        .iter()
        .map(|event| event_name(event))
        .collect();
    assert_eq!(events.join(", "), row.events, "{place}");
    if server.run() != Pause::Closed && state == "Begin" && row.answer.contains("ABOR") {
        // Only the machine knows that it is not asked for any more.
        let late = server.held.transfer.take().unwrap().begin(None);
        assert!(server.connection.answer(server.now, late).is_err());
    }
    let next = if row.next == "same" { state } else { row.next };
    let found = state_of(&mut server);
    assert!(
        next.split(", ").any(|next| next == found),
        "{place}: {next}, {found}"
    );
    true
}

fn verb_of(command: &str) -> Verb {
    Verb::from_name(command.split(' ').next().unwrap().as_bytes())
}

#[test]
fn the_machine_does_what_the_table_of_transfers_says() {
    let rows = rows();
    let mut checked = 0;
    for row in &rows {
        for state in &row.states {
            let listed: BTreeSet<Verb> = rows
                .iter()
                .filter(|row| row.states.contains(state))
                .filter_map(|row| row.commands.last())
                .map(|command| verb_of(command))
                .collect();
            for verb in ["RETR", "STOR"] {
                if row.answer == "other verbs" {
                    for other in Verb::ALL.iter().filter(|other| !listed.contains(other)) {
                        let command = format!("{other} notes");
                        checked += usize::from(check(row, &[command], state, verb));
                    }
                    for bad in ["XYZZY", "?", "STAT notes"] {
                        checked += usize::from(check(row, &[bad.into()], state, verb));
                    }
                } else {
                    checked += usize::from(check(row, &row.commands, state, verb));
                }
            }
        }
    }
    assert!(checked > 800, "{checked}");
    // All verbs of which the machine takes care.
    let listed: BTreeSet<Verb> = rows
        .iter()
        .filter_map(|row| row.commands.last())
        .map(|command| verb_of(command))
        .collect();
    for verb in Verb::ALL {
        let mut server = logged_in(serving());
        server.answers = false;
        server.send(&format!("{verb} notes"));
        let is_for_application = server.held.request.is_some();
        assert!(
            is_for_application || listed.contains(verb) || IN_THE_OTHER_TABLE.contains(verb),
            "{verb}"
        );
    }
}

/// The table of answers: command, answer, reply.
fn answers() -> Vec<[&'static str; 3]> {
    let body = TABLE
        .split("| command | answer | reply |\n|---|---|---|\n")
        .nth(1)
        .unwrap();
    body.lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
            let [_, command, answer, reply, _] = cells[..] else {
                panic!("not three cells: {line}");
            };
            [command.trim_matches('`'), answer, reply]
        })
        .collect()
}

#[test]
fn the_machine_does_what_the_table_of_answers_says() {
    let answers = answers();
    let commands: BTreeSet<&str> = answers
        .iter()
        .map(|[command, ..]| *command)
        .filter(|command| *command != "any")
        .collect();
    assert_eq!(commands.len(), 14);
    for [command, answer, reply] in &answers {
        let commands: Vec<&str> = match *command {
            "any" => commands.iter().copied().collect(),
            command => vec![command],
        };
        for command in commands {
            let mut server = logged_in(serving());
            server.send("TYPE I");
            if command.starts_with("RNTO") {
                server.send("RNFR notes");
                server.facts();
            }
            assert_eq!(server.send(command), "");
            let said = match *answer {
                "done" => server.done(),
                "facts" => server.facts(),
                "hash" => server.hash(),
                "space" => server.space(),
                answer => server.refuse(error(answer)),
            };
            assert_eq!(codes(&said), *reply, "{command}: {answer}");
            assert_eq!(state_of(&mut server), "Ready");
        }
    }
}

const IN_THE_OTHER_TABLE: [Verb; 15] = [
    Verb::User,
    Verb::Pass,
    Verb::Acct,
    Verb::Auth,
    Verb::Adat,
    Verb::Pbsz,
    Verb::Prot,
    Verb::Ccc,
    Verb::Mic,
    Verb::Conf,
    Verb::Enc,
    Verb::Host,
    Verb::Clnt,
    Verb::Lang,
    Verb::Rein,
];
