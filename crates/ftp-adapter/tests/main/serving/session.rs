//! A session, run by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{self, Duration};

use ftp_adapter::{FileDone, FileJob, FileServer, FileSession, ServedFiles};
use ftp_files::Files;
use ftp_proto::data::{self, Direction};
use ftp_proto::server::{Config, Connection, Event, FilesConfig, Rights, Security, TransferError};
use ftp_proto::{Action, Instant, Machine};

use super::files::Watched;

pub(super) struct Session {
    pub(super) control: Connection,
    pub(super) files: FileSession,
    pub(super) data: Option<data::Connection>,
    pub(super) is_pumped: bool,
    pub(super) began: time::Instant,
    pub(super) now: Instant,
    /// Begun, and not done.
    pub(super) job: Option<FileJob>,
    /// How many were done.
    pub(super) jobs: usize,
    pub(super) said: String,
    /// What the client got.
    pub(super) got: Vec<u8>,
    /// How much of that went past the machine of the data connection.
    pub(super) past: usize,
    /// How much the transport takes.
    pub(super) room: usize,
    pub(super) outcome: Option<Result<(), TransferError>>,
}

impl Session {
    pub(super) fn new(files: &Watched, command: &str) -> Self {
        Self::of(files.clone(), command)
    }

    pub(super) fn of(files: impl Files, command: &str) -> Self {
        Self::begin(files, command, false)
    }

    /// `is_pumped`: a thread of its own is to move the bytes.
    pub(super) fn begin(files: impl Files, command: &str, is_pumped: bool) -> Self {
        let mut server = FileServer::default();
        server.set_served(ServedFiles::all(files));
        Self::at(server, "TYPE I", command, is_pumped)
    }

    pub(super) fn at(server: FileServer, data_type: &str, command: &str, is_pumped: bool) -> Self {
        let config = Config::new()
            .security(Security::DangerousPlaintext)
            .files(FilesConfig::new());
        let local: SocketAddr = "127.0.0.1:21".parse().unwrap();
        let mut session = Self {
            control: Connection::new(Arc::new(config), Instant::START),
            files: FileSession::new(Arc::new(server), (1, local), Some(local)),
            data: None,
            is_pumped,
            began: time::Instant::now(),
            now: Instant::START,
            job: None,
            jobs: 0,
            said: String::new(),
            got: Vec::new(),
            past: 0,
            room: 0,
            outcome: None,
        };
        for line in ["USER anna", "PASS right", data_type, "EPSV", command] {
            session.says(line);
        }
        assert!(session.said.contains("\r\n150 "), "{}", session.said);
        session
    }

    pub(super) fn clock(&self) -> time::Instant {
        self.began + self.now.since_start()
    }

    pub(super) fn says(&mut self, line: &str) {
        self.run();
        let line = format!("{line}\r\n");
        assert_eq!(self.control.received(self.now, line.as_bytes()), line.len());
        self.run();
    }

    /// All that can be done without the client.
    pub(super) fn run(&mut self) {
        while self.step() || self.work() {}
    }

    pub(super) fn work(&mut self) -> bool {
        let Some(job) = self.job.take() else {
            return false;
        };
        let done: FileDone = job.run_at_once().unwrap_or_else(|job| {
            self.jobs += 1;
            job.run()
        });
        self.files.done(self.now, &mut self.control, done);
        true
    }

    /// All that can be done before the job is.
    pub(super) fn run_without_job(&mut self) {
        while self.step() {}
    }

    pub(super) fn step(&mut self) -> bool {
        if self.job.is_none() {
            let times = (self.now, self.clock());
            let data = self.data.as_mut();
            self.job = match self.is_pumped {
                true => self.files.next_question(self.now, &mut self.control),
                false => self.files.next_job(times, &mut self.control, data),
            };
        }
        let looks = self.files.must_look(self.clock()) == Some(Duration::ZERO);
        match self.control.poll().unwrap() {
            Action::Event(event) => self.hear(event),
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                self.said.push_str(std::str::from_utf8(bytes).unwrap());
                self.control.wrote(self.now, count);
            }
            _ if looks => self.files.looked(),
            _ => return self.step_data(),
        }
        true
    }

    pub(super) fn step_data(&mut self) -> bool {
        let clock = self.clock();
        let Some(data) = &mut self.data else {
            return false;
        };
        if data.direction() == Direction::Send
            && let Some(bytes) = self.files.unsent(clock)
        {
            let goes_past = self.room > 0 && data.is_transparent();
            let count = if goes_past {
                let count = bytes.len().min(self.room);
                self.got.extend_from_slice(&bytes[..count]);
                data.passed(count);
                (self.past, self.room) = (self.past + count, self.room - count);
                count
            } else {
                data.write(self.now, bytes)
            };
            if count > 0 {
                let times = (self.now, clock);
                self.files.sent(times, &mut self.control, count);
                return true;
            }
        }
        match data.poll() {
            Ok(Action::Event(_)) => {}
            Ok(Action::Write { bytes, .. }) if self.room > 0 => {
                let count = bytes.len().min(self.room);
                self.got.extend_from_slice(&bytes[..count]);
                self.room -= count;
                data.wrote(self.now, count);
            }
            Ok(Action::Shutdown { .. }) => {
                data.shut_down(self.now);
                data.received_eof(self.now);
            }
            Ok(Action::Closed) | Err(_) => {
                let data = self.data.take().unwrap();
                let times = (self.now, clock);
                self.files.data_over(times, &mut self.control, data);
            }
            Ok(_) => return false,
        }
        true
    }

    pub(super) fn hear(&mut self, event: Event) {
        match event {
            Event::Authenticate(attempt) => {
                let verdict = attempt.accept().rights(Rights::ALL);
                self.control.decide(self.now, verdict).unwrap();
            }
            Event::OpenData(ticket) => {
                self.data = Some(self.control.data_opened(self.now, ticket).unwrap());
            }
            event => {
                if let Event::Transferred { outcome, .. } = event {
                    self.outcome = Some(outcome);
                    self.data = None;
                }
                self.files.on_event(self.now, &self.control, event);
            }
        }
    }

    /// The client takes so much.
    pub(super) fn take(&mut self, most: usize) {
        self.room = most;
        self.run_without_job();
        self.room = 0;
    }

    /// The client takes so much, and what is to be done for it is done meanwhile.
    pub(super) fn flow(&mut self, most: usize) {
        let end = self.got.len() + most;
        while self.got.len() < end && self.outcome.is_none() {
            self.run();
            self.take(end - self.got.len());
        }
        self.run();
    }

    /// The client sends this.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let data = self.data.as_mut().expect("a data connection");
        assert_eq!(data.received(self.now, bytes), bytes.len());
        self.run();
    }

    /// The client sends some of this, and it goes past the machine, if that can be; returns how much.
    pub(super) fn send_past(&mut self, bytes: &[u8]) -> usize {
        let clock = self.clock();
        let data = self.data.as_mut().expect("a data connection");
        let Some(space) = self.files.space_past(clock) else {
            return 0;
        };
        assert!(data.is_transparent());
        let count = bytes.len().min(space.len()).min(30_000);
        space[..count].copy_from_slice(&bytes[..count]);
        self.files.came_past(clock, count);
        data.passed(count);
        self.run();
        count
    }

    /// Time passes, and a timer goes off if one is set.
    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.control.timed_out(self.now);
    }

    /// The end of an upload is kept if the client is still there then.
    pub(super) fn wait_until_it_looks(&mut self) {
        let wakes_at = self.files.wakes_at().expect("a time to look");
        self.wait(wakes_at - self.clock());
        self.run();
    }

    /// The client takes nothing for a while.
    pub(super) fn stall(&mut self) {
        for _ in 0..2 {
            self.run();
            self.wait(Duration::from_secs(1));
        }
        self.run();
    }

    /// The client takes all that comes.
    pub(super) fn end(&mut self) -> Result<(), TransferError> {
        while self.outcome.is_none() {
            let had = self.got.len();
            self.run();
            self.take(usize::MAX);
            assert!(self.got.len() > had || self.job.is_some() || self.outcome.is_some());
        }
        self.outcome.unwrap()
    }
}
