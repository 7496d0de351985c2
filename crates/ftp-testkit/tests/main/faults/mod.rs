//! One fault at every byte of a small session: of the control connection or of a data connection, whichever way.
//! Both real machines, on virtual time.
//!
//! Whatever happens: each transfer has one outcome; "whole" is said only of what is whole, on both sides; a
//! connection that lives on answers the next command; and both sides come to their end in time.

mod line;
mod sides;

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::client::{self, Login};
use ftp_proto::server::{self, FilesConfig, Rights};

use self::line::{Fault, Kind, Line, Way};
use self::sides::{BROUGHT, Client, Done, FILE, Job, Port, Server, pass};

const JOBS: [Job; 7] = [
    Job::Fetch,
    Job::Ask,
    Job::Bring,
    Job::Ask,
    Job::List,
    Job::Ask,
    Job::Quit,
];
/// The jobs with a data connection of their own.
const TRANSFERS: usize = 3;
/// More than all deadlines of a session together.
const LONGEST: Duration = Duration::from_secs(3600);

/// Which connection a fault befalls: that of control, or the data connection of so many transfers before.
#[derive(Clone, Copy, Debug)]
enum Where {
    Control,
    Data(usize),
}

/// How a session went.
struct Session {
    client: Client,
    server: Server,
    control: Line,
    /// How many bytes each data connection carried, to the client and to the server.
    data: Vec<(usize, usize)>,
    took: Duration,
}

fn session(fault: Option<(Where, Fault)>) -> Session {
    let login = Login::new("anna", "secret").expect("a login");
    let config = client::Config::new(login).security(client::Security::DangerousPlaintext);
    let policy = server::Config::new()
        .security(server::Security::DangerousPlaintext)
        .files(FilesConfig::new().rights(Rights::ALL));
    let mut client = Client::new(client::Connection::new(config, Instant::START), &JOBS);
    let mut server = Server::new(server::Connection::new(Arc::new(policy), Instant::START));
    let mut control = Line::new(match fault {
        Some((Where::Control, fault)) => Some(fault),
        _ => None,
    });
    let (mut data, mut port) = (Line::default(), Port::default());
    let (mut now, mut carried) = (Instant::START, Vec::new());
    let mut opened = 0;
    loop {
        let connect = || {
            opened += 1;
            Line::new(match fault {
                Some((Where::Data(before), fault)) if before + 1 == opened => Some(fault),
                _ => None,
            })
        };
        let changes = control.changes() + data.changes();
        let of_client = client.turn(&mut control, &mut data, &mut port, connect, now);
        let of_server = server.turn(&mut control, &mut data, &mut port, now);
        if opened > 0 {
            carried.resize(opened, (0, 0));
            carried[opened - 1] = (data.carried(Way::ToClient), data.carried(Way::ToServer));
        }
        let (Err(of_client), Err(of_server)) = (of_client, of_server) else {
            continue;
        };
        if control.changes() + data.changes() != changes {
            continue;
        }
        if client.control.is_over() && server.control.is_over() {
            break;
        }
        let next = [of_client, of_server].into_iter().flatten().min();
        now = next.expect("somebody waits, and for ever");
        assert!(now.since_start() < LONGEST, "it takes too long");
        pass(&mut client, &mut server, now);
    }
    Session {
        client,
        server,
        control,
        data: carried,
        took: now.since_start(),
    }
}

impl Session {
    fn check(&self) {
        self.client.assert_nothing_open();
        self.server.assert_nothing_open();
        for done in &self.client.done {
            match done {
                Done::Transferred(Job::Fetch, Ok(report), came) => {
                    assert_eq!(came, FILE);
                    assert_eq!(report.bytes, FILE.len() as u64);
                }
                Done::Transferred(Job::Bring, Ok(_), _) => {
                    assert_eq!(self.server.kept, [BROUGHT], "the client was told so");
                }
                Done::Transferred(..) => {}
                Done::Answered(code) => assert_eq!(*code, 257, "the reply to PWD"),
            }
        }
        for kept in &self.server.kept {
            assert_eq!(kept, BROUGHT, "half a file was kept");
        }
    }

    fn outcomes(&self) -> Vec<bool> {
        let transferred = |done: &Done| match done {
            Done::Transferred(_, outcome, _) => Some(outcome.is_ok()),
            Done::Answered(_) => None,
        };
        self.client.done.iter().filter_map(transferred).collect()
    }
}

#[test]
fn without_a_fault_all_is_moved() {
    let session = session(None);
    session.check();
    assert_eq!(session.outcomes(), [true; TRANSFERS]);
    assert_eq!(session.client.done.len(), 2 * TRANSFERS);
    assert_eq!(session.took, Duration::ZERO);
}

/// Every byte of the control connection, both ways.
fn every_fault_of_control(kind: Kind, mut check: impl FnMut(&Session)) {
    let without = session(None);
    for way in [Way::ToClient, Way::ToServer] {
        for after in 1..=without.control.carried(way) {
            let session = session(Some((Where::Control, Fault { way, after, kind })));
            session.check();
            check(&session);
        }
    }
}

/// Every byte of each data connection, both ways.
fn every_fault_of_data(kind: Kind, mut check: impl FnMut(&Session, usize)) {
    let without = session(None);
    assert_eq!(without.data.len(), TRANSFERS);
    for (transfer, (to_client, to_server)) in without.data.iter().enumerate() {
        for (way, bytes) in [(Way::ToClient, *to_client), (Way::ToServer, *to_server)] {
            for after in 1..=bytes {
                let fault = Fault { way, after, kind };
                let session = session(Some((Where::Data(transfer), fault)));
                session.check();
                check(&session, transfer);
            }
        }
    }
}

#[test]
fn a_control_connection_may_break_anywhere() {
    for kind in [Kind::Reset, Kind::Cut, Kind::Silence, Kind::End] {
        every_fault_of_control(kind, |_| {});
    }
}

#[test]
fn a_control_connection_may_be_slow_anywhere() {
    every_fault_of_control(Kind::Delay(5), |session| {
        assert_eq!(session.outcomes(), [true; TRANSFERS]);
    });
}

/// The others are moved, and each command gets its own reply.
#[test]
fn a_data_connection_may_break_anywhere() {
    for kind in [Kind::Reset, Kind::Cut, Kind::Silence] {
        every_fault_of_data(kind, |session, transfer| {
            let mut outcomes = session.outcomes();
            assert_eq!(outcomes.len(), TRANSFERS, "{kind:?}");
            outcomes[transfer] = true;
            assert_eq!(outcomes, [true; TRANSFERS], "the others");
            assert_eq!(
                session.client.done.len(),
                2 * TRANSFERS,
                "the session goes on"
            );
        });
    }
}

#[test]
fn a_data_connection_may_be_slow_anywhere() {
    every_fault_of_data(Kind::Delay(5), |session, _| {
        assert_eq!(session.outcomes(), [true; TRANSFERS]);
    });
}

/// In clear nobody can tell the end of a file from the end of what an attacker lets through; but here the server
/// said how long the file is.
#[test]
fn a_download_that_ends_early_is_not_whole() {
    for after in 1..FILE.len() {
        let fault = Fault {
            way: Way::ToClient,
            after,
            kind: Kind::End,
        };
        let session = session(Some((Where::Data(0), fault)));
        session.check();
        assert!(!session.outcomes()[0]);
    }
}
