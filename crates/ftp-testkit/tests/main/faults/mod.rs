//! One fault at every byte of a small session: of the control connection or of a data connection, whichever way, or
//! before its first byte; under TLS at every so many bytes; and long sessions with faults at random. What is late on one
//! connection is overtaken by the other. Both real machines, on virtual time.
//!
//! Whatever happens: each transfer has one outcome; "whole" is said only of what is whole, on both sides; a
//! connection that lives on answers the next command; and both sides come to their end in time.
//!
//! `docs/reports/faults` runs these with `FAULTS_EVERY=1` and with `FAULTS_REPORT`, a file to which each test adds what it
//! counted.
//!
//! [`sockets`]: the same with the adapters.

mod line;
mod random;
mod sides;
mod sockets;
mod tls;

use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::client::{self, Login, TransferError};
use ftp_proto::server::{self, FilesConfig, Rights};

use self::line::{Fault, Kind, Line, Way};
use self::sides::{BROUGHT, Client, Done, FILE, LISTING, Port, Server, pass};

pub(crate) use self::sides::Job;

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
/// More than all deadlines of a small session together.
const LONGEST: Duration = Duration::from_secs(3600);

/// Which connection a fault befalls: that of control, or the data connection of so many transfers before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    Control,
    Data(usize),
}

/// What is to happen.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    jobs: Vec<Job>,
    faults: Vec<(Where, Fault)>,
    is_protected: bool,
    asks_ahead: bool,
    latency: Duration,
}

/// How a session went.
pub(crate) struct Session {
    client: Client,
    server: Server,
    control: Line,
    /// How many bytes each data connection carried, to the client and to the server.
    data: Vec<(usize, usize)>,
    took: Duration,
}

impl Plan {
    /// Without faults.
    pub(crate) fn new(jobs: &[Job], is_protected: bool) -> Self {
        Self {
            jobs: jobs.to_vec(),
            faults: Vec::new(),
            is_protected,
            asks_ahead: false,
            latency: Duration::ZERO,
        }
    }

    /// Everything takes so long one way.
    pub(crate) fn distant(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// `EPSV` for the next transfer is sent with the command of each.
    pub(crate) fn asking_ahead(mut self) -> Self {
        self.asks_ahead = true;
        self
    }

    /// What the report calls it.
    fn name(&self) -> &'static str {
        match (self.is_protected, self.asks_ahead) {
            (false, false) => "in clear",
            (false, true) => "in clear, asked ahead",
            (true, false) => "under TLS",
            (true, true) => "under TLS, asked ahead",
        }
    }

    fn with(mut self, place: Where, fault: Fault) -> Self {
        self.faults.push((place, fault));
        self
    }

    fn line(&self, place: Where, now: Instant) -> Line {
        let here = self.faults.iter().filter(|(other, _)| *other == place);
        Line::new(here.map(|(_, fault)| *fault).collect(), self.latency, now)
    }

    pub(crate) fn run(&self) -> Session {
        let login = Login::new("anna", "secret").expect("a login");
        let files = FilesConfig::new().rights(Rights::ALL);
        let (ours, theirs) = match self.is_protected {
            true => (client::Security::ExplicitTls, server::Security::ExplicitTls),
            false => (
                client::Security::DangerousPlaintext,
                server::Security::DangerousPlaintext,
            ),
        };
        let config = client::Config::new(login)
            .security(ours)
            .transfer_pipelining(self.asks_ahead);
        let policy = server::Config::new().security(theirs).files(files);
        let machine = client::Connection::new(config, Instant::START);
        let mut client = Client::new(tls::client(machine), &self.jobs);
        let machine = server::Connection::new(Arc::new(policy), Instant::START);
        let mut server = Server::new(tls::server(machine));
        let mut control = self.line(Where::Control, Instant::START);
        let mut data = Line::default();
        let mut port = Port {
            latency: self.latency,
            ..Port::default()
        };
        let (mut now, mut carried) = (Instant::START, Vec::new());
        let mut opened = 0;
        loop {
            let connect = || {
                opened += 1;
                self.line(Where::Data(opened - 1), now)
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
            let longest = LONGEST * (1 + self.jobs.len() as u32 / 8);
            assert!(now.since_start() < longest, "it takes too long");
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
}

/// What became of the transfers of many sessions.
#[derive(Debug, Default)]
struct Tally {
    sessions: usize,
    whole: usize,
    unknown: usize,
    not_whole: usize,
    /// Sessions that did not come to the end of their jobs: the client knows that its connection is over.
    over: usize,
}

impl Tally {
    fn count(&mut self, session: &Session, jobs: usize) {
        self.sessions += 1;
        for done in &session.client.done {
            match done {
                Done::Transferred(_, Ok(_), _) => self.whole += 1,
                Done::Transferred(_, Err(TransferError::Unknown), _) => self.unknown += 1,
                Done::Transferred(..) => self.not_whole += 1,
                Done::Answered(_) => {}
            }
        }
        // All but QUIT.
        self.over += usize::from(session.client.done.len() + 1 < jobs);
    }

    /// Adds a row to the report.
    fn report(&self, place: impl Display, what: impl Display) {
        self.report_to("FAULTS_REPORT", place, what);
    }

    /// Adds a row to the table in this file, if there is one.
    fn report_to(&self, table: &str, place: impl Display, what: impl Display) {
        let Self {
            sessions,
            whole,
            unknown,
            not_whole,
            over,
        } = self;
        assert!(*sessions > 0, "nothing was tried");
        let row = format!(
            "| {place} | {what} | {sessions} | {whole} | {unknown} | {not_whole} | {over} |"
        );
        add_row(table, &row);
    }
}

/// Adds a row to the table in this file, if there is one.
fn add_row(table: &str, row: &str) {
    if let Some(file) = std::env::var_os(table) {
        let file = std::fs::OpenOptions::new().append(true).open(file);
        let written = file.and_then(|mut file| file.write_all(format!("{row}\n").as_bytes()));
        written.expect("the report can be written");
    }
}

impl Session {
    /// How long each job took, in the order of the jobs.
    pub(crate) fn times(&self) -> Vec<Duration> {
        let times = &self.client.times;
        times.windows(2).map(|two| two[1] - two[0]).collect()
    }

    pub(crate) fn assert_all_whole(&self) {
        self.check();
        assert!(self.outcomes().iter().all(|is_whole| *is_whole));
    }

    fn check(&self) {
        self.client.assert_nothing_open();
        self.server.assert_nothing_open();
        for done in &self.client.done {
            match done {
                Done::Transferred(Job::Fetch, Ok(report), came) => {
                    assert_eq!(came, FILE);
                    assert_eq!(report.bytes, FILE.len() as u64);
                }
                Done::Transferred(Job::List, Ok(_), came) => {
                    assert_eq!(came.strip_suffix(b"\n"), LISTING.strip_suffix(b"\r\n"));
                }
                Done::Transferred(..) => {}
                Done::Answered(code) => assert_eq!(*code, 257, "the reply to PWD"),
            }
        }
        let is_brought = |done: &&Done| matches!(done, Done::Transferred(Job::Bring, Ok(_), _));
        let brought = self.client.done.iter().filter(is_brought).count();
        assert!(brought <= self.server.kept.len(), "the client was told so");
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

/// The small session, in clear and under TLS, with and without the next transfer asked ahead.
fn plans() -> [Plan; 4] {
    let [clear, protected] = [false, true].map(|is_protected| Plan::new(&JOBS, is_protected));
    [
        clear.clone(),
        protected.clone(),
        clear.asking_ahead(),
        protected.asking_ahead(),
    ]
}

/// The same, in clear alone.
fn in_clear() -> [Plan; 2] {
    let plan = Plan::new(&JOBS, false);
    [plan.clone(), plan.asking_ahead()]
}

#[test]
fn without_a_fault_all_is_moved() {
    for plan in plans() {
        let session = plan.run();
        session.check();
        assert_eq!(session.outcomes(), [true; TRANSFERS]);
        assert_eq!(session.client.done.len(), 2 * TRANSFERS);
        assert!(plan.is_protected || session.took == Duration::ZERO);
    }
}

/// Every so many bytes of so many, a few of the first and the last among them.
fn places(bytes: usize, every: usize) -> impl Iterator<Item = usize> {
    (1..=bytes).filter(move |at| at % every == 0 || *at == 1 || *at + 1 >= bytes)
}

/// The control connection, both ways.
fn faults_of_control(kind: Kind, plan: &Plan, every: usize, mut check: impl FnMut(&Session)) {
    let without = plan.run();
    let mut tally = Tally::default();
    for way in [Way::ToClient, Way::ToServer] {
        for after in places(without.control.carried(way), every) {
            let fault = Fault { way, after, kind };
            let session = plan.clone().with(Where::Control, fault).run();
            session.check();
            check(&session);
            tally.count(&session, JOBS.len());
        }
    }
    tally.report(format_args!("control, {}", plan.name()), kind);
}

/// Each data connection, both ways.
fn faults_of_data(kind: Kind, plan: &Plan, every: usize, mut check: impl FnMut(&Session, usize)) {
    let without = plan.run();
    assert_eq!(without.data.len(), TRANSFERS);
    let mut tally = Tally::default();
    for (transfer, (to_client, to_server)) in without.data.iter().enumerate() {
        for (way, bytes) in [(Way::ToClient, *to_client), (Way::ToServer, *to_server)] {
            for after in places(bytes, every) {
                let fault = Fault { way, after, kind };
                let session = plan.clone().with(Where::Data(transfer), fault).run();
                session.check();
                check(&session, transfer);
                tally.count(&session, JOBS.len());
            }
        }
    }
    tally.report(format_args!("data, {}", plan.name()), kind);
}

/// Each data connection, before its first byte.
fn faults_at_the_start(kind: Kind, plan: &Plan, check: impl Fn(&Session, usize)) {
    let mut tally = Tally::default();
    for transfer in 0..TRANSFERS {
        for way in [Way::ToClient, Way::ToServer] {
            let fault = Fault {
                way,
                after: 0,
                kind,
            };
            let session = plan.clone().with(Where::Data(transfer), fault).run();
            session.check();
            check(&session, transfer);
            tally.count(&session, JOBS.len());
        }
    }
    let place = format_args!("data, {}, at once", plan.name());
    tally.report(place, kind);
}

/// The others are moved, and each command gets its own reply.
fn assert_only_one_is_hurt(session: &Session, transfer: usize) {
    let mut outcomes = session.outcomes();
    assert_eq!(outcomes.len(), TRANSFERS);
    outcomes[transfer] = true;
    assert_eq!(outcomes, [true; TRANSFERS], "the others");
    let done = session.client.done.len();
    assert_eq!(done, 2 * TRANSFERS, "the session goes on");
}

fn assert_all_is_moved(session: &Session) {
    assert_eq!(session.outcomes(), [true; TRANSFERS]);
}

#[test]
fn a_control_connection_may_break_anywhere() {
    for plan in in_clear() {
        for kind in [Kind::Reset, Kind::Cut, Kind::Silence, Kind::End] {
            faults_of_control(kind, &plan, 1, |_| {});
        }
    }
}

#[test]
fn a_control_connection_may_be_slow_anywhere() {
    for plan in in_clear() {
        faults_of_control(Kind::Delay(5), &plan, 1, assert_all_is_moved);
    }
}

#[test]
fn a_data_connection_may_break_anywhere() {
    for plan in in_clear() {
        for kind in [Kind::Reset, Kind::Cut, Kind::Silence] {
            faults_of_data(kind, &plan, 1, assert_only_one_is_hurt);
        }
    }
}

#[test]
fn a_data_connection_may_be_slow_anywhere() {
    for plan in in_clear() {
        faults_of_data(Kind::Delay(5), &plan, 1, |session, _| {
            assert_all_is_moved(session);
        });
    }
}

/// All kinds but an end in clear, which is that of an empty file.
#[test]
fn a_data_connection_may_fail_before_its_first_byte() {
    for plan in plans() {
        for kind in [Kind::Refused, Kind::Lost, Kind::Reset, Kind::Silence] {
            faults_at_the_start(kind, &plan, |session, transfer| {
                // Where `EPSV` has not worked before, `PASV` is tried; and what was told ahead is asked for anew.
                let is_asked_again = plan.asks_ahead || transfer == 0;
                if matches!(kind, Kind::Refused | Kind::Lost) && is_asked_again {
                    return assert_all_is_moved(session);
                }
                assert_only_one_is_hurt(session, transfer);
                assert!(!session.outcomes()[transfer], "{kind}, {transfer}");
            });
        }
        faults_at_the_start(Kind::Delay(5), &plan, |session, _| {
            assert_all_is_moved(session);
        });
    }
    faults_at_the_start(Kind::End, &Plan::new(&JOBS, true), assert_only_one_is_hurt);
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
        let session = Plan::new(&JOBS, false).with(Where::Data(0), fault).run();
        session.check();
        assert!(!session.outcomes()[0]);
    }
}
