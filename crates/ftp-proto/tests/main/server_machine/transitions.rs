//! The documented table against the machine: every state, every security, every verb.

use std::collections::BTreeSet;

use ftp_proto::server::{Config, NameRule, Phase, Security};
use ftp_proto::wire::Verb;

use super::harness::Server;

const TABLE: &str = include_str!("../../../src/server/transitions.md");

const STATES: [Phase; 4] = [
    Phase::New,
    Phase::PasswordNeeded,
    Phase::AccountNeeded,
    Phase::LoggedIn,
];
const SECURITIES: [&str; 5] = ["none", "optional", "required", "TLS", "TLS+CCC"];

struct Row {
    states: Vec<Phase>,
    securities: Vec<&'static str>,
    /// Empty for "other verbs".
    commands: Vec<&'static str>,
    replies: &'static str,
    next: &'static str,
    events: &'static str,
}

fn rows() -> Vec<Row> {
    let body = TABLE
        .split("| event |\n|---|---|---|---|---|---|\n")
        .nth(1)
        .unwrap();
    body.lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
            let [_, state, security, command, replies, next, events, _] = cells[..] else {
                panic!("not six cells: {line}");
            };
            let states = match state {
                "any" => STATES.to_vec(),
                "before login" => STATES[..3].to_vec(),
                name => STATES
                    .into_iter()
                    .filter(|state| format!("{state:?}") == name)
                    .collect(),
            };
            let securities = security
                .split(", ")
                .flat_map(|name| match name {
                    "any" => SECURITIES.to_vec(),
                    "clear" => SECURITIES[..3].to_vec(),
                    "secure" => SECURITIES[3..].to_vec(),
                    name => SECURITIES
                        .into_iter()
                        .filter(|known| *known == name)
                        .collect(),
                })
                .collect::<Vec<_>>();
            assert!(!states.is_empty() && !securities.is_empty(), "{line}");
            let commands = if command == "other verbs" {
                Vec::new()
            } else {
                command.split('`').skip(1).step_by(2).collect()
            };
            Row {
                states,
                securities,
                commands,
                replies,
                next,
                events,
            }
        })
        .collect()
}

/// A connection in this state, if it can be reached under this security.
fn reach(state: Phase, security: &str) -> Option<Server> {
    let rule = |name: &ftp_proto::Username| match name.as_bytes() {
        b"open" => NameRule::Open,
        b"member" => NameRule::AccountOnly,
        _ => NameRule::Password,
    };
    let config = Config::new()
        .security(match security {
            "none" => Security::DangerousPlaintext,
            "optional" => Security::DangerousOptionalTls,
            _ => Security::ExplicitTls,
        })
        .name_rule(rule)
        .hosts(["ftp.example.com"])
        .clear_command_channel(matches!(security, "required" | "TLS+CCC"));
    let mut server = Server::new(config);
    server.said();
    let required = security == "required";
    if required && !matches!(state, Phase::New | Phase::LoggedIn) {
        return None;
    }
    if security.starts_with("TLS") || (required && state == Phase::LoggedIn) {
        assert_eq!(server.code("AUTH TLS"), "234");
    }
    match state {
        Phase::New => {}
        Phase::PasswordNeeded => assert_eq!(server.code("USER anna"), "331"),
        Phase::AccountNeeded => assert_eq!(server.code("USER member"), "332"),
        _ => assert_eq!(server.code("USER open"), "230"),
    }
    if required && state == Phase::LoggedIn {
        assert_eq!(server.code("CCC"), "200");
    }
    assert_eq!(server.connection.phase(), state);
    server.happened();
    server.answers = false;
    server.handshakes = false;
    Some(server)
}

fn check(row: &Row, commands: &[&str], state: Phase, security: &str) {
    let Some(mut server) = reach(state, security) else {
        return;
    };
    let mut said = String::new();
    for command in commands {
        said += &server.send(command);
    }
    let place = format!("{state:?}, {security}: {commands:?} said {said:?}");
    let codes: Vec<&str> = said
        .lines()
        .filter(|line| line.as_bytes()[..3].iter().all(u8::is_ascii_digit))
        .filter(|line| line.as_bytes()[3] == b' ')
        .map(|line| &line[..3])
        .collect();
    let codes = if codes.is_empty() {
        "-".to_owned()
    } else {
        codes.join(" ")
    };
    assert_eq!(codes, row.replies, "{place}");
    let next = if row.next == "same" {
        format!("{state:?}")
    } else {
        row.next.to_owned()
    };
    assert_eq!(format!("{:?}", server.connection.phase()), next, "{place}");
    let events: Vec<String> = server
        .happened()
        .into_iter()
        .map(|event| {
            if event.starts_with("Command(") {
                "Command".into()
            } else {
                event
            }
        })
        .collect();
    assert_eq!(events.join(", "), row.events, "{place}");
}

fn verb_of(command: &str) -> Verb {
    Verb::from_name(command.split(' ').next().unwrap().as_bytes())
}

#[test]
fn the_machine_does_what_the_table_says() {
    let rows = rows();
    let verbs = Verb::ALL.iter().copied().chain([Verb::Unknown]);
    let listed: BTreeSet<Verb> = rows
        .iter()
        .filter_map(|row| row.commands.last())
        .map(|command| verb_of(command))
        .collect();
    let mut checked = 0;
    for (verb, state) in verbs.flat_map(|verb| STATES.map(|state| (verb, state))) {
        for security in SECURITIES {
            let here =
                |row: &&Row| row.states.contains(&state) && row.securities.contains(&security);
            let mut found = 0;
            for row in rows.iter().filter(here) {
                match row.commands.last() {
                    Some(command) if verb_of(command) == verb => {
                        check(row, &row.commands, state, security);
                        found += 1;
                    }
                    None if !listed.contains(&verb) => {
                        let name = verb.name().unwrap();
                        check(row, &[name], state, security);
                        check(
                            row,
                            &[&format!("{} notes", name.to_lowercase())],
                            state,
                            security,
                        );
                        found += 1;
                    }
                    _ => {}
                }
            }
            assert!(
                found > 0,
                "{verb:?} in {state:?} under {security} is not in the table"
            );
            checked += found;
        }
    }
    assert!(checked > 1500, "{checked}");
}
