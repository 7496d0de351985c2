//! The applications of both sides: a client that moves files and asks where it is, and a server with one file.

use std::time::Duration;

use ftp_proto::client::{self, CommandId, Transfer, TransferError, Transferred};
use ftp_proto::data::{self, Direction, Open};
use ftp_proto::server::{self, FileAction, ListKind, TransferAction};
use ftp_proto::wire::{Command, Verb};
use ftp_proto::{Instant, Machine};
use ftp_rustls::Secured;

use super::line::{Kind, Line, Side, Turn};

/// What the server has.
pub(super) const FILE: &[u8] = b"A file without end\nis a file to come.\n";
/// What the client brings.
pub(super) const BROUGHT: &[u8] = b"Bring me.\n";
/// A listing.
pub(super) const LISTING: &[u8] = b"type=file;size=38; file\r\n";

/// What the client does, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Fetch,
    Bring,
    List,
    Ask,
    Quit,
}

/// What became of a job.
#[derive(Debug)]
pub(super) enum Done {
    Transferred(Job, Result<Transferred, TransferError>, Vec<u8>),
    /// The code of the reply to `PWD`.
    Answered(u16),
}

/// One end of a data connection, and its bytes.
pub(super) struct Data {
    pub(super) side: Side<Secured<data::Connection>>,
    /// What came, or what is still to be sent.
    pub(super) bytes: Vec<u8>,
}

impl Data {
    fn direction(&self) -> Direction {
        self.side.machine.machine().direction()
    }

    /// Moves bytes as far as it goes. Over, or its deadline.
    fn turn(&mut self, line: &mut Line, now: Instant) -> Option<Option<Instant>> {
        loop {
            let machine = self.side.machine.machine_mut();
            if machine.direction() == Direction::Send {
                let sent = machine.write(now, &self.bytes);
                self.bytes.drain(..sent);
                if self.bytes.is_empty() {
                    machine.finish(now);
                }
            }
            match self.side.turn(line, now) {
                Turn::Told(data::Event::Readable) => {
                    let machine = self.side.machine.machine_mut();
                    self.bytes.extend_from_slice(machine.readable());
                    machine.consume(now, usize::MAX);
                }
                Turn::Told(_) => {}
                Turn::Waits(deadline) => return Some(deadline),
                Turn::Over(_) => return None,
            }
        }
    }
}

pub(super) struct Client {
    pub(super) control: Side<Secured<client::Connection>>,
    jobs: Vec<Job>,
    job: Option<Job>,
    asked: Option<CommandId>,
    /// What is being connected, and when it will be.
    opening: Option<(Instant, data::Ticket)>,
    /// Of a connection that never will be.
    waiting: Option<data::Ticket>,
    data: Option<Data>,
    /// What came last.
    came: Vec<u8>,
    pub(super) done: Vec<Done>,
    /// When it was logged in, and when each job was done.
    pub(super) times: Vec<Instant>,
}

/// What the sides share beside the lines: a listener that exists or not, and somebody who connects to it.
#[derive(Default)]
pub(super) struct Port {
    pub(super) is_open: bool,
    /// When the server learns of who connects.
    pub(super) connected: Option<Instant>,
    /// How long packets are under way.
    pub(super) latency: Duration,
}

impl Client {
    pub(super) fn new(machine: Secured<client::Connection>, jobs: &[Job]) -> Self {
        Self {
            control: Side::client(machine),
            jobs: jobs.iter().copied().rev().collect(),
            job: None,
            asked: None,
            opening: None,
            waiting: None,
            data: None,
            came: Vec::new(),
            done: Vec::new(),
            times: Vec::new(),
        }
    }

    /// True: something happened. Otherwise its deadline.
    pub(super) fn turn(
        &mut self,
        control: &mut Line,
        data: &mut Line,
        port: &mut Port,
        connect: impl FnOnce() -> Line,
        now: Instant,
    ) -> Result<(), Option<Instant>> {
        let mut deadline = self.opening.as_ref().map(|(at, _)| *at);
        if deadline.is_some_and(|at| at <= now) {
            self.connected(now);
            return Ok(());
        }
        if let Some(open) = &mut self.data {
            match open.turn(data, now) {
                Some(waits) => deadline = waits,
                None => {
                    let open = self.data.take().expect("it is open");
                    if open.direction() == Direction::Receive {
                        self.came = open.bytes;
                    }
                    let end = open.side.machine.into_machine().into_end();
                    let _stale = self.control.machine.machine_mut().data_ended(now, end);
                    return Ok(());
                }
            }
        }
        match self.control.turn(control, now) {
            Turn::Told(event) => {
                self.hear(event, data, port, connect, now);
                Ok(())
            }
            Turn::Waits(waits) => Err([deadline, waits].into_iter().flatten().min()),
            Turn::Over(_) => {
                // As an application does that drops its client.
                self.waiting = None;
                if self.opening.take().is_some() | self.data.take().is_some() {
                    data.reset();
                }
                Ok(())
            }
        }
    }

    /// The data connection stands.
    fn connected(&mut self, now: Instant) {
        let Some((_, ticket)) = self.opening.take() else {
            return;
        };
        let opened = self.control.machine.machine_mut().data_opened(now, ticket);
        let bytes = match self.job {
            Some(Job::Bring) => BROUGHT.to_vec(),
            _ => Vec::new(),
        };
        self.data = Some(Data {
            side: Side::client(self.control.machine.data(opened.expect("the ticket fits"))),
            bytes,
        });
    }

    fn hear(
        &mut self,
        event: client::Event,
        data: &mut Line,
        port: &mut Port,
        connect: impl FnOnce() -> Line,
        now: Instant,
    ) {
        let machine = self.control.machine.machine_mut();
        match event {
            client::Event::LoggedIn(_) => {
                self.times.push(now);
                self.next_job(now);
            }
            client::Event::OpenData(ticket) => {
                if !port.is_open || port.connected.is_some() {
                    machine.data_failed(now, ticket).expect("the ticket fits");
                    return;
                }
                *data = connect();
                match data.is_missing() {
                    Some(Kind::Lost) => {
                        // The application waits until the machine tells it that it need not.
                        self.waiting = Some(ticket);
                        return;
                    }
                    Some(_) => {
                        machine.data_failed(now, ticket).expect("the ticket fits");
                        return;
                    }
                    None => {}
                }
                port.connected = Some(now + port.latency * 3);
                self.opening = Some((now + port.latency * 2, ticket));
            }
            client::Event::Transferred { outcome, .. } => {
                if let Some(open) = self.data.take() {
                    data.reset();
                    if open.direction() == Direction::Receive {
                        self.came = open.bytes;
                    }
                }
                (self.opening, self.waiting) = (None, None);
                let job = self.job.take().expect("one outcome each");
                let came = std::mem::take(&mut self.came);
                self.done.push(Done::Transferred(job, outcome, came));
                self.times.push(now);
                self.next_job(now);
            }
            client::Event::Reply { command, reply } => {
                assert_eq!(Some(command), self.asked.take(), "what was asked");
                self.done.push(Done::Answered(reply.code().get()));
                self.times.push(now);
                self.job = None;
                self.next_job(now);
            }
            _ => {}
        }
    }

    fn next_job(&mut self, now: Instant) {
        let machine = self.control.machine.machine_mut();
        let Some(job) = self.jobs.pop() else { return };
        self.job = Some(job);
        let transfer = match job {
            Job::Fetch => Transfer::retrieve("file").expect("a path"),
            Job::Bring => Transfer::store("brought").expect("a path"),
            Job::List => Transfer::machine_list(None).expect("a path"),
            Job::Ask => {
                let ask = Command::new(Verb::Pwd).expect("a command");
                self.asked = machine.send(now, ask).ok();
                return;
            }
            Job::Quit => {
                let _is_over_already = machine.quit(now);
                return;
            }
        };
        if machine.transfer(now, transfer).is_err() {
            // It is over, or about to be.
            self.job = None;
        }
    }

    pub(super) fn assert_nothing_open(&self) {
        assert!(
            self.data.is_none() && self.opening.is_none() && self.waiting.is_none(),
            "a data connection of the client is open"
        );
    }
}

pub(super) struct Server {
    pub(super) control: Side<Secured<server::Connection>>,
    ticket: Option<data::Ticket>,
    /// What is to be sent, while its connection is not open yet.
    to_send: Vec<u8>,
    data: Option<Data>,
    came: Vec<u8>,
    /// What was kept, under the name that the client chose.
    pub(super) kept: Vec<Vec<u8>>,
}

impl Server {
    pub(super) fn new(machine: Secured<server::Connection>) -> Self {
        Self {
            control: Side::server(machine),
            ticket: None,
            to_send: Vec::new(),
            data: None,
            came: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// As of the client.
    pub(super) fn turn(
        &mut self,
        control: &mut Line,
        data: &mut Line,
        port: &mut Port,
        now: Instant,
    ) -> Result<(), Option<Instant>> {
        if port.connected.is_some_and(|at| at <= now)
            && let Some(ticket) = self.ticket.take()
        {
            (port.is_open, port.connected) = (false, None);
            let machine = self.control.machine.machine_mut();
            let opened = machine.data_opened(now, ticket).expect("the ticket fits");
            self.data = Some(Data {
                side: Side::server(self.control.machine.data(opened)),
                bytes: std::mem::take(&mut self.to_send),
            });
        }
        // Only if the application waits for it.
        let mut deadline = port.connected.filter(|_| self.ticket.is_some());
        if let Some(open) = &mut self.data {
            match open.turn(data, now) {
                Some(waits) => deadline = waits,
                None => {
                    let open = self.data.take().expect("it is open");
                    self.came = open.bytes;
                    let end = open.side.machine.into_machine().into_end();
                    let _stale = self.control.machine.machine_mut().data_ended(now, end);
                    return Ok(());
                }
            }
        }
        match self.control.turn(control, now) {
            Turn::Told(event) => {
                self.hear(event, data, port, now);
                Ok(())
            }
            Turn::Waits(waits) => Err([deadline, waits].into_iter().flatten().min()),
            Turn::Over(_) => Ok(()),
        }
    }

    fn hear(&mut self, event: server::Event, data: &mut Line, port: &mut Port, now: Instant) {
        let machine = self.control.machine.machine_mut();
        let answer = match event {
            server::Event::Authenticate(attempt) => {
                machine.decide(now, attempt.accept()).expect("it fits");
                return;
            }
            server::Event::Listen(request) => {
                port.is_open = true;
                request.listening(([127, 0, 0, 1], 49152).into())
            }
            server::Event::StopListening => {
                if port.connected.take().is_some() {
                    data.reset();
                }
                port.is_open = false;
                return;
            }
            server::Event::Transfer(request) => {
                self.came.clear();
                self.to_send = match request.action() {
                    TransferAction::Retrieve { .. } => FILE.to_vec(),
                    TransferAction::List {
                        kind: ListKind::Facts(_),
                        ..
                    } => LISTING.to_vec(),
                    _ => Vec::new(),
                };
                let size = matches!(request.action(), TransferAction::Retrieve { .. });
                request.begin(size.then_some(FILE.len() as u64))
            }
            server::Event::OpenData(ticket) => {
                assert_eq!(ticket.open(), Open::Accept, "the client is passive");
                self.ticket = Some(ticket);
                return;
            }
            server::Event::Commit(request) => {
                self.kept.push(std::mem::take(&mut self.came));
                request.committed()
            }
            server::Event::Transferred { .. } => {
                self.ticket = None;
                if self.data.take().is_some() {
                    data.reset();
                }
                return;
            }
            server::Event::Files(request) => match request.action() {
                FileAction::ChangeDirectory(_) => request.done(),
                _ => request.refused(server::FileError::NotFound),
            },
            _ => return,
        };
        // It may have been given up meanwhile.
        let _stale = machine.answer(now, answer);
    }

    pub(super) fn assert_nothing_open(&self) {
        assert!(
            self.data.is_none(),
            "a data connection of the server is open"
        );
        assert!(self.ticket.is_none(), "a listener of the server waits");
    }
}

/// Tells a machine that time passed.
pub(super) fn pass(client: &mut Client, server: &mut Server, now: Instant) {
    client.control.machine.timed_out(now);
    server.control.machine.timed_out(now);
    for open in [&mut client.data, &mut server.data].into_iter().flatten() {
        open.side.machine.timed_out(now);
    }
}
