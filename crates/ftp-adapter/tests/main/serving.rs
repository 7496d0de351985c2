//! The files of a session: a server's machine, its data connection and its clock, all by hand.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{self, Duration};

use ftp_adapter::{FileDone, FileJob, FileServer, FileSession, ServedFiles};
use ftp_files::{Entries, Facts, Files, Memory, Opened, Quota, ReadFile, Usage, WriteFile};
use ftp_proto::data::{self, Direction};
use ftp_proto::listing::FactNames;
use ftp_proto::server::{
    Config, Connection, Event, FileError, FilesConfig, Rights, Security, StoreMode, TransferError,
    VirtualPath,
};
use ftp_proto::{Action, Instant, Machine};
use proptest::collection::vec;
use proptest::prelude::*;

/// What the machine of a data connection holds of what is to be sent.
const QUEUE: usize = 48 * 1024;
const WHOLE_PIECE: usize = 256 * 1024;
const FIRST_PIECE: usize = 16 * 1024;

fn path() -> VirtualPath {
    VirtualPath::root().resolve(b"file")
}

/// No piece of it is like another.
fn bytes(size: usize) -> Vec<u8> {
    (0..size as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// Files that say how they are read.
#[derive(Clone, Default)]
struct Watched {
    files: Memory,
    reading: Arc<Mutex<Reading>>,
    /// It cannot go back.
    is_one_way: bool,
    /// The system has it in memory.
    is_cached: bool,
    /// Of which only some is in memory, and not always.
    is_patchy: bool,
}

#[derive(Default)]
struct Reading {
    position: usize,
    largest: usize,
    gone_back: usize,
}

impl Watched {
    /// With these bytes from there on.
    fn put(&self, at: usize, bytes: &[u8]) {
        let mode = match at {
            0 => StoreMode::Replace,
            at => StoreMode::At(at as u64),
        };
        let mut file = self.files.store(&path(), mode).unwrap();
        file.write_all(bytes).unwrap();
        file.commit().unwrap();
    }

    fn got(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut opened = self.files.open(&path(), 0).unwrap();
        opened.reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.reading.lock().unwrap()
    }
}

struct WatchedFile(Box<dyn ReadFile>, Watched);

impl Read for WatchedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        let mut reading = self.1.reading();
        reading.position += count;
        reading.largest = reading.largest.max(count);
        Ok(count)
    }
}

impl ReadFile for WatchedFile {
    fn read_cached(&mut self, buffer: &mut [u8]) -> Option<usize> {
        if !self.1.is_cached {
            return None;
        }
        let position = self.1.reading().position;
        let most = if self.1.is_patchy {
            // Linux 5.9 and 5.10 may say that there is nothing more, and there is.
            [None, Some(1), Some(70_000), Some(5000), Some(0)][position / 7 % 5]?
        } else {
            usize::MAX
        };
        let most = buffer.len().min(most);
        self.read(&mut buffer[..most]).ok()
    }

    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        if self.1.is_one_way {
            return Ok(false);
        }
        let mut reading = self.1.reading();
        reading.position -= count as usize;
        reading.gone_back += 1;
        self.0.go_back(count)
    }
}

impl Files for Watched {
    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.enter(path)
    }
    fn facts(&self, path: &VirtualPath, needed: FactNames) -> Result<Facts, FileError> {
        self.files.facts(path, needed)
    }
    fn list(&self, path: &VirtualPath, needed: FactNames) -> Result<Entries, FileError> {
        self.files.list(path, needed)
    }
    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        let opened = self.files.open(path, offset)?;
        Ok(Opened {
            reader: Box::new(WatchedFile(opened.reader, self.clone())),
            size: opened.size,
        })
    }
    fn read_cached(&self, _: &VirtualPath, offset: u64, most: usize) -> Option<Vec<u8>> {
        let rest = self.got().get(offset as usize..)?.to_vec();
        Some(rest).filter(|rest| self.is_cached && rest.len() <= most)
    }
    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        self.files.store(path, mode)
    }
    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.remove(path)
    }
    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.make_directory(path)
    }
    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.remove_directory(path)
    }
    fn rename(&self, from: &VirtualPath, to: &VirtualPath, over: bool) -> Result<(), FileError> {
        self.files.rename(from, to, over)
    }
}

struct Session {
    control: Connection,
    files: FileSession,
    data: Option<data::Connection>,
    is_pumped: bool,
    began: time::Instant,
    now: Instant,
    /// Begun, and not done.
    job: Option<FileJob>,
    /// How many were done.
    jobs: usize,
    said: String,
    /// What the client got.
    got: Vec<u8>,
    /// How much of that went past the machine of the data connection.
    past: usize,
    /// How much the transport takes.
    room: usize,
    outcome: Option<Result<(), TransferError>>,
}

impl Session {
    fn new(files: &Watched, command: &str) -> Self {
        Self::of(files.clone(), command)
    }

    fn of(files: impl Files, command: &str) -> Self {
        Self::begin(files, command, false)
    }

    /// `is_pumped`: a thread of its own is to move the bytes.
    fn begin(files: impl Files, command: &str, is_pumped: bool) -> Self {
        let mut server = FileServer::default();
        server.set_served(ServedFiles::all(files));
        Self::at(server, "TYPE I", command, is_pumped)
    }

    fn at(server: FileServer, data_type: &str, command: &str, is_pumped: bool) -> Self {
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

    fn clock(&self) -> time::Instant {
        self.began + self.now.since_start()
    }

    fn says(&mut self, line: &str) {
        self.run();
        let line = format!("{line}\r\n");
        assert_eq!(self.control.received(self.now, line.as_bytes()), line.len());
        self.run();
    }

    /// All that can be done without the client.
    fn run(&mut self) {
        while self.step() || self.work() {}
    }

    fn work(&mut self) -> bool {
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
    fn run_without_job(&mut self) {
        while self.step() {}
    }

    fn step(&mut self) -> bool {
        if self.job.is_none() {
            let times = (self.now, self.clock());
            let data = self.data.as_mut();
            self.job = match self.is_pumped {
                true => self.files.next_question(self.now, &mut self.control),
                false => self.files.next_job(times, &mut self.control, data),
            };
        }
        match self.control.poll().unwrap() {
            Action::Event(event) => self.hear(event),
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                self.said.push_str(std::str::from_utf8(bytes).unwrap());
                self.control.wrote(self.now, count);
            }
            _ => return self.step_data(),
        }
        true
    }

    fn step_data(&mut self) -> bool {
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
                self.files.data_over(self.now, &mut self.control, data);
            }
            Ok(_) => return false,
        }
        true
    }

    fn hear(&mut self, event: Event) {
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
    fn take(&mut self, most: usize) {
        self.room = most;
        self.run_without_job();
        self.room = 0;
    }

    /// The client takes so much, and what is to be done for it is done meanwhile.
    fn flow(&mut self, most: usize) {
        let end = self.got.len() + most;
        while self.got.len() < end && self.outcome.is_none() {
            self.run();
            self.take(end - self.got.len());
        }
        self.run();
    }

    /// The client sends this.
    fn send(&mut self, bytes: &[u8]) {
        let data = self.data.as_mut().expect("a data connection");
        assert_eq!(data.received(self.now, bytes), bytes.len());
        self.run();
    }

    /// The client sends some of this, and it goes past the machine, if that can be; returns how much.
    fn send_past(&mut self, bytes: &[u8]) -> usize {
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
    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.control.timed_out(self.now);
    }

    /// The client takes nothing for a while.
    fn stall(&mut self) {
        for _ in 0..2 {
            self.run();
            self.wait(Duration::from_secs(1));
        }
        self.run();
    }

    /// The client takes all that comes.
    fn end(&mut self) -> Result<(), TransferError> {
        while self.outcome.is_none() {
            let had = self.got.len();
            self.run();
            self.take(usize::MAX);
            assert!(self.got.len() > had || self.job.is_some() || self.outcome.is_some());
        }
        self.outcome.unwrap()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Take(usize),
    Wait(u64),
    Work,
    Stall,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..700_000_usize).prop_map(Step::Take),
        2 => (0..1500_u64).prop_map(Step::Wait),
        3 => Just(Step::Work),
        1 => Just(Step::Stall),
    ];
    vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the client takes it, and whatever is given back meanwhile.
    #[test]
    fn a_client_in_bursts_gets_the_file(
        steps in steps(),
        size in 0..3_000_000_usize,
        is_text in prop::bool::weighted(0.2),
        (is_cached, is_patchy) in any::<(bool, bool)>(),
    ) {
        let files = Watched { is_cached, is_patchy, ..Watched::default() };
        let file = if is_text { b"a line\n".repeat(size / 7) } else { bytes(size) };
        files.put(0, &file);
        let mut server = FileServer::default();
        server.set_served(ServedFiles::all(files.clone()));
        let data_type = if is_text { "TYPE A" } else { "TYPE I" };
        let mut session = Session::at(server, data_type, "RETR file", false);
        for step in steps {
            match step {
                Step::Take(most) => session.take(most),
                Step::Wait(time) => session.wait(Duration::from_millis(time)),
                Step::Work => {
                    session.work();
                }
                Step::Stall => {
                    session.stall();
                    let got = if is_text { session.got.len() / 8 * 7 } else { session.got.len() };
                    let ahead = files.reading().position.saturating_sub(got);
                    prop_assert!(ahead <= QUEUE, "{ahead}");
                }
            }
            session.run_without_job();
        }
        prop_assert_eq!(session.end(), Ok(()));
        if is_text {
            prop_assert!(session.got == b"a line\r\n".repeat(size / 7));
            prop_assert_eq!(session.past, 0);
        } else {
            prop_assert!(session.got == file);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_small_file_takes_one_job_down_and_two_up(size in 0..16_384_usize) {
        let files = Watched::default();
        files.put(0, &bytes(size));
        let mut session = Session::new(&files, "RETR file");
        prop_assert_eq!(session.end(), Ok(()));
        prop_assert!(session.got == bytes(size));
        prop_assert_eq!(session.jobs, 1);

        let files = Watched::default();
        let mut session = Session::new(&files, "STOR file");
        for part in bytes(size).chunks(1000) {
            session.send(part);
        }
        session.data.as_mut().unwrap().received_eof(session.now);
        session.run();
        prop_assert_eq!(session.outcome, Some(Ok(())));
        prop_assert!(files.got() == bytes(size));
        prop_assert_eq!(session.jobs, 2);
    }
}

#[test]
fn the_last_of_an_upload_for_which_there_is_no_room_fails_it() {
    let limit = Usage {
        bytes: 10,
        files: 1,
    };
    let files = Arc::new(Quota::measure(Memory::new(), limit).unwrap());
    let mut session = Session::of(Arc::clone(&files), "STOR file");
    session.send(b"more than ten");
    session.data.as_mut().unwrap().received_eof(session.now);
    session.run();
    assert!(matches!(session.outcome, Some(Err(_))));
    let last = session.said.lines().last().unwrap_or_default();
    assert!(last.starts_with("552 "), "{last}");
    // What there was room for is kept, to go on from there.
    let kept = files.facts(&path(), FactNames::SIZE).unwrap();
    assert_eq!(kept.size, Some(10));
}

#[test]
fn pieces_grow_while_bytes_flow_and_are_small_again_after_a_stall() {
    let files = Watched::default();
    files.put(0, &bytes(8_000_000));
    let mut session = Session::new(&files, "RETR file");
    session.run();
    assert!(files.reading().largest < WHOLE_PIECE);
    session.flow(3_000_000);
    assert_eq!(files.reading().largest, WHOLE_PIECE);
    session.stall();
    assert_eq!(files.reading().gone_back, 1);
    // Nothing is read as long as nothing is taken.
    let position = files.reading().position;
    session.take(100);
    session.stall();
    assert_eq!(files.reading().position, position);
    files.reading().largest = 0;
    session.flow(QUEUE);
    let largest = files.reading().largest;
    assert!(0 < largest && largest < WHOLE_PIECE, "{largest}");
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == bytes(8_000_000));
}

#[test]
fn a_small_file_that_is_in_memory_needs_no_job() {
    let files = Watched {
        is_cached: true,
        ..Watched::default()
    };
    files.put(0, b"first");
    // Before that it is not known whose files they are.
    let mut session = Session::new(&files, "RETR file");
    session.end().unwrap();
    for (size, from, jobs) in [
        (0, 0, 0),
        (1000, 0, 0),
        (1000, 300, 0),
        (1000, 1000, 0),
        (FIRST_PIECE, 0, 0),
        (FIRST_PIECE + 1, 0, 1),
    ] {
        files.put(0, &bytes(size));
        (session.jobs, session.outcome) = (0, None);
        session.got.clear();
        for line in ["EPSV", &format!("REST {from}"), "RETR file"] {
            session.says(line);
        }
        session.end().unwrap();
        assert!(session.got == bytes(size)[from..], "{size} {from}");
        assert_eq!(session.jobs, jobs, "{size} {from}");
        let said = format!("150 Opening data connection ({size} bytes).\r\n226 ");
        assert!(session.said.contains(&said), "{}", session.said);
    }
}

#[test]
fn a_large_file_that_is_in_memory_needs_no_job_but_to_open_and_to_leave_it() {
    let files = Watched {
        is_cached: true,
        ..Watched::default()
    };
    files.put(0, &bytes(3_000_000));
    // The first of the session, too.
    let mut session = Session::new(&files, "RETR file");
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == bytes(3_000_000));
    assert_eq!(session.jobs, 2);
    assert!(files.reading().largest < WHOLE_PIECE);
}

#[test]
fn no_more_of_a_listing_is_read_than_one_piece_before_it_is_sent() {
    /// With the ends of lines as they are sent, one byte longer.
    const PIECE: usize = 12 * 1024 + 1200;
    let files = Memory::new();
    let name = |number| format!("file-{number:05}");
    for number in 0..10_000 {
        let path = VirtualPath::root().resolve(name(number).as_bytes());
        let file = files.store(&path, StoreMode::Replace).unwrap();
        file.commit().unwrap();
    }
    let mut session = Session::of(files, "NLST");
    for burst in [1, 5000, 30_000] {
        session.flow(burst);
        session.stall();
        let had = session.got.len();
        // Nothing more is read meanwhile.
        session.take(usize::MAX);
        let held = session.got.len() - had;
        assert!((1..=PIECE).contains(&held), "{held}");
    }
    assert_eq!(session.end(), Ok(()));
    let got = String::from_utf8(session.got).unwrap();
    assert!(got.lines().eq((0..10_000).map(name)));
}

#[test]
fn what_cannot_be_given_back_is_kept() {
    let files = Watched {
        is_one_way: true,
        ..Watched::default()
    };
    files.put(0, &bytes(3_000_000));
    let mut session = Session::new(&files, "RETR file");
    for _ in 0..4 {
        session.flow(500_000);
        session.stall();
    }
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == bytes(3_000_000));
}

/// A download of which the client has a part, and that has stalled.
fn stalled(files: &Watched, size: usize) -> (Session, usize) {
    files.put(0, &bytes(size));
    let mut session = Session::new(files, "RETR file");
    session.flow(size / 2);
    session.stall();
    assert_eq!(files.reading().gone_back, 1);
    let position = files.reading().position;
    (session, position)
}

#[test]
fn a_file_that_is_cut_off_while_its_client_stalls_is_not_called_whole() {
    let files = Watched::default();
    let (mut session, position) = stalled(&files, 3_000_000);
    files.put(position + 10, b"");
    assert!(session.end().is_err());
    let last = session.said.lines().last().unwrap_or_default();
    assert!(last.starts_with("451 "), "{last}");
}

#[test]
fn a_file_that_is_cut_off_while_it_flows_is_not_called_whole() {
    let files = Watched::default();
    files.put(0, &bytes(3_000_000));
    let mut session = Session::new(&files, "RETR file");
    session.flow(1_000_000);
    files.put(2_000_000, b"");
    assert!(session.end().is_err());
}

#[test]
fn a_file_of_which_other_bytes_are_read_again_is_not_called_whole() {
    let files = Watched::default();
    let (mut session, position) = stalled(&files, 3_000_000);
    let mut rest = bytes(3_000_000).split_off(position);
    rest[100] ^= 1;
    files.put(position, &rest);
    assert!(session.end().is_err());
}

#[test]
fn a_file_that_grows_while_its_client_stalls_is_sent_with_what_was_added() {
    let files = Watched::default();
    let (mut session, _) = stalled(&files, 3_000_000);
    files.put(3_000_000, b"more");
    assert_eq!(session.end(), Ok(()));
    assert!(session.got == [&bytes(3_000_000)[..], b"more"].concat());
}

#[test]
fn what_is_sent_of_a_large_file_goes_past_the_machine() {
    let files = Watched::default();
    files.put(0, &bytes(3_000_000));
    let mut session = Session::new(&files, "RETR file");
    assert_eq!(session.end(), Ok(()));
    assert!(session.past > 2_500_000, "{}", session.past);
}

#[test]
fn a_large_file_keeps_the_bandwidth() {
    const PER_SECOND: u64 = 500_000;
    let files = Watched::default();
    files.put(0, &bytes(3_000_000));
    let mut server = FileServer::default();
    server.set_served(ServedFiles::all(files));
    server.set_session_bandwidth(PER_SECOND);
    let mut session = Session::at(server, "TYPE I", "RETR file", false);
    while session.outcome.is_none() {
        let had = session.got.len();
        session.take(usize::MAX);
        if session.got.len() == had && !session.work() {
            let at = session.files.wakes_at().expect("it goes on by itself");
            session.now = Instant::from_start(at - session.began);
        }
    }
    assert_eq!(session.outcome, Some(Ok(())));
    assert!(session.got == bytes(3_000_000) && session.past > 1_000_000);
    let seconds = session.now.since_start().as_secs_f64();
    assert!((5.0..7.0).contains(&seconds), "{seconds}");
}

/// Then its memory is free. Here it is seen in place.
#[test]
fn what_comes_past_the_machine_is_in_the_file_in_its_place() {
    let files = Watched::default();
    let all = bytes(1_000_000);
    let mut session = Session::new(&files, "STOR file");
    let (mut sent, mut past) = (0, 0);
    while sent < all.len() {
        let rest = &all[sent..];
        let mut count = session.send_past(rest);
        past += count;
        if count == 0 {
            count = rest.len().min(20_000);
            session.send(&rest[..count]);
        }
        sent += count;
    }
    assert!(past > 500_000, "{past}");
    let now = session.now;
    session.data.as_mut().unwrap().received_eof(now);
    session.run();
    assert_eq!(session.outcome, Some(Ok(())));
    assert!(files.got() == all);
}

#[test]
fn what_came_of_an_upload_is_written_when_no_more_comes() {
    let files = Watched::default();
    files.put(0, b"old ");
    let mut session = Session::new(&files, "APPE file");
    session.send(b"and new");
    session.wait(Duration::from_millis(999));
    session.run();
    assert_eq!(files.got(), b"old ");
    session.stall();
    assert_eq!(files.got(), b"old and new");
    session.send(b", and the rest");
    session.data.as_mut().unwrap().received_eof(session.now);
    session.run();
    assert_eq!(session.outcome, Some(Ok(())));
    assert_eq!(files.got(), b"old and new, and the rest");
}

/// Each session has one, and most idle.
#[test]
fn the_files_of_an_idle_session_are_small() {
    assert!(
        size_of::<FileSession>() <= 224,
        "{}",
        size_of::<FileSession>()
    );
}

#[test]
fn a_thread_of_its_own_gives_back_what_a_client_does_not_take() {
    let files = Watched::default();
    let file = bytes(2_000_000);
    files.put(0, &file);
    let mut session = Session::begin(files.clone(), "RETR file", true);
    let mut pump = session.files.pump().expect("a transfer");
    for most in [0, 700_000, 1000, usize::MAX] {
        let end = session.got.len().saturating_add(most);
        loop {
            let (now, clock) = (session.now, session.clock());
            let Some(data) = &mut session.data else {
                break;
            };
            while !pump.rests(data, clock).unwrap() {
                let bytes = pump.unsent().unwrap();
                if bytes.is_empty() {
                    data.finish(now);
                    break;
                }
                let count = data.write(now, bytes);
                if count == 0 {
                    break;
                }
                pump.sent(count).unwrap();
            }
            let had = session.got.len();
            session.take(end - had);
            if session.got.len() == had {
                let stalled = most < usize::MAX && files.reading().position > had + QUEUE;
                if !stalled {
                    break;
                }
                session.wait(Duration::from_secs(2));
            }
        }
        let ahead = files.reading().position - session.got.len();
        assert!(ahead <= QUEUE, "{ahead}");
    }
    assert!(files.reading().gone_back > 0);
    assert!(session.got == file);
    session
        .files
        .done(session.now, &mut session.control, pump.done(Ok(())));
    assert_eq!(session.end(), Ok(()));
}
