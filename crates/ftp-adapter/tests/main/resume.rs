//! Transfers that are cut anywhere and go on: bytes of different files are never put together.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use ftp_adapter::{
    Error, Fact, FileFacts, Progress, ResumeDownload, ResumeOptions, ResumeReport, ResumeUpload,
};
use ftp_proto::client::{Phase, TransferError};
use ftp_proto::connect::Retry;
use ftp_proto::wire::{Code, Reply, Verb};
use ftp_proto::{DateTime, Instant, data};
use proptest::prelude::*;

fn options(retries: u32) -> ResumeOptions {
    ResumeOptions::new().retry(Retry::new().retries(retries))
}

/// With what is said of the progress.
fn watched(retries: u32) -> (ResumeOptions, mpsc::Receiver<Progress>) {
    let (say, said) = mpsc::channel();
    let options = options(retries).on_progress(move |progress| say.send(progress).unwrap());
    (options, said)
}

/// What was said in one try; it goes up, and to the end if the file is whole.
fn assert_progress(said: &mpsc::Receiver<Progress>, tried: &Result<ResumeReport, Error>) {
    let said: Vec<_> = said.try_iter().collect();
    assert!(said.is_sorted_by_key(|progress| progress.bytes), "{said:?}");
    assert!(
        said.iter()
            .all(|progress| progress.total.is_none_or(|total| progress.bytes <= total)),
        "{said:?}"
    );
    match (tried, said.last()) {
        (Ok(report), last) => assert_eq!(last.unwrap().bytes, report.length),
        (Err(Error::Connect(_) | Error::ConnectTimedOut { .. } | Error::Io { .. }), _) => {}
        (Err(_), last) => assert!(last.is_some(), "the try began"),
    }
}

fn reply(code: u16) -> Reply {
    Reply::new(Code::new(code).unwrap(), "text").unwrap()
}

fn transfer(error: TransferError) -> Error {
    Error::Transfer {
        error: Box::new(error),
        cause: None,
    }
}

fn lost() -> Error {
    Error::Io {
        phase: Phase::Ready,
        error: io::ErrorKind::ConnectionReset.into(),
        secret_sent: true,
    }
}

/// How a try ends.
#[derive(Debug, Clone)]
enum End {
    /// It cannot log in.
    NoLogin,
    /// The connection is lost while the facts are asked for.
    NoFacts,
    /// The transfer command is refused.
    Refused(u16),
    /// Cut off after this many bytes have moved.
    CutOff(usize),
    /// The server says that it failed after this many.
    Failed(usize, u16),
    /// All seems well after this many.
    Concealed(usize),
    /// Nothing is said after this many.
    Unknown(usize),
    /// The connection is lost after the transfer.
    LostAfter,
    Whole,
}

impl End {
    /// After how many bytes it ends, at most.
    fn count(&self) -> usize {
        match *self {
            Self::CutOff(count) | Self::Failed(count, _) => count,
            Self::Concealed(count) | Self::Unknown(count) => count,
            _ => usize::MAX,
        }
    }
}

fn end() -> impl Strategy<Value = End> {
    let count = prop_oneof![3 => 0..25_usize, 1 => Just(usize::MAX)];
    prop_oneof![
        1 => Just(End::NoLogin),
        1 => Just(End::NoFacts),
        1 => prop_oneof![Just(450), Just(425)].prop_map(End::Refused),
        6 => count.clone().prop_map(End::CutOff),
        2 => count.clone().prop_map(|count| End::Failed(count, 426)),
        2 => count.clone().prop_map(End::Concealed),
        2 => count.prop_map(End::Unknown),
        1 => Just(End::LostAfter),
        4 => Just(End::Whole),
    ]
}

/// How long files are: often as long as others.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![3 => prop::sample::select(vec![0, 1, 20, 21, 30]), 1 => 0..60_usize]
}

#[derive(Debug, Clone, Copy)]
struct Server {
    says_size: bool,
    says_time: bool,
    ignores_rest: bool,
    refuses_rest: bool,
    keeps_old: bool,
}

fn server() -> impl Strategy<Value = Server> {
    let often = || prop::bool::weighted(0.8);
    let rarely = || prop::bool::weighted(0.2);
    (often(), often(), rarely(), rarely(), rarely()).prop_map(
        |(says_size, says_time, ignores_rest, refuses_rest, keeps_old)| Server {
            says_size,
            says_time,
            ignores_rest,
            refuses_rest,
            keeps_old,
        },
    )
}

/// A file of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    bytes: Vec<u8>,
    changed: u8,
}

impl File {
    fn version(changed: u8, length: usize) -> Self {
        let bytes = (0..length).map(|at| changed.wrapping_mul(31).wrapping_add(at as u8));
        Self {
            bytes: bytes.collect(),
            changed,
        }
    }
}

fn nothing<T>(says: bool) -> Fact<T> {
    match says {
        true => Fact::Missing,
        false => Fact::Unknown,
    }
}

fn facts(server: Server, file: Option<&File>) -> FileFacts {
    let mut facts = FileFacts {
        size: nothing(server.says_size),
        modified: nothing(server.says_time),
    };
    if let Some(file) = file {
        if server.says_size {
            facts.size = Fact::Known(file.bytes.len() as u64);
        }
        if server.says_time {
            let text = format!("202401010000{:02}", file.changed % 60);
            facts.modified = Fact::Known(DateTime::parse(text.as_bytes()).unwrap());
        }
    }
    facts
}

/// A file of the server that changes, and where it is received.
struct Downloading {
    server: Server,
    file: File,
    /// All that the file was.
    versions: Vec<Vec<u8>>,
    sink: Vec<u8>,
}

impl Downloading {
    fn change(&mut self, length: Option<usize>) {
        if let Some(length) = length {
            self.file = File::version(self.file.changed + 1, length);
            self.versions.push(self.file.bytes.clone());
        }
    }

    fn go(
        &mut self,
        state: &mut ResumeDownload,
        end: &End,
        changes: [Option<usize>; 3],
    ) -> Result<ResumeReport, Error> {
        if let End::NoLogin = end {
            return Err(Error::Connect(vec![(
                ([127, 0, 0, 1], 21).into(),
                io::ErrorKind::ConnectionRefused.into(),
            )]));
        }
        state.connected();
        if let End::NoFacts = end {
            return Err(lost());
        }
        self.change(changes[0]);
        let Some(offset) = state.begin(facts(self.server, Some(&self.file))) else {
            return state.finished(None);
        };
        if offset > 0 && self.server.refuses_rest {
            let (verb, reply) = (Verb::Rest, reply(502));
            return Err(transfer(TransferError::Refused { verb, reply }));
        }
        if let End::Refused(code) = end {
            let (verb, reply) = (Verb::Retr, reply(*code));
            return Err(transfer(TransferError::Refused { verb, reply }));
        }
        self.change(changes[1]);
        let begin = match self.server.ignores_rest {
            true => 0,
            false => self.file.bytes.len().min(offset as usize),
        };
        let bytes = &self.file.bytes[begin..];
        let bytes = &bytes[..bytes.len().min(end.count())];
        let mut at = offset as usize;
        for piece in bytes.chunks(7) {
            state.received(piece.len())?;
            let end = at + piece.len();
            if self.sink.len() < end {
                self.sink.resize(end, 0xEE);
            }
            self.sink[at..end].copy_from_slice(piece);
            at = end;
        }
        let moved = bytes.len() as u64;
        match end {
            End::CutOff(_) => {
                let error = data::Error::CutOff;
                let reply = Some(reply(226));
                let bytes = moved;
                return Err(transfer(TransferError::CutOff {
                    bytes,
                    error,
                    reply,
                }));
            }
            End::Failed(_, code) => {
                let (reply, tls) = (reply(*code), None);
                let bytes = moved;
                return Err(transfer(TransferError::Failed { reply, bytes, tls }));
            }
            End::Unknown(_) => return Err(transfer(TransferError::Unknown)),
            End::LostAfter => return Err(lost()),
            // Of two lies that hide each other, nothing would be seen.
            End::Concealed(_) if self.server.ignores_rest => return Err(lost()),
            _ => {}
        }
        // As the machine of the control connection does it.
        if let Some(size) = state.size()
            && size != offset + moved
        {
            return Err(transfer(TransferError::LengthDiffers {
                bytes: moved,
                expected: size,
                reply: reply(226),
            }));
        }
        self.change(changes[2]);
        let now = facts(self.server, Some(&self.file));
        let is_resumed = state.is_resumed();
        state.finished(is_resumed.then_some(now))
    }
}

struct Uploading {
    server: Server,
    source: Vec<u8>,
    file: Option<File>,
    clock: u8,
}

impl Uploading {
    fn go(
        &mut self,
        state: &mut ResumeUpload,
        end: &End,
        ticks: bool,
    ) -> Result<ResumeReport, Error> {
        self.clock += u8::from(ticks);
        if let End::NoLogin = end {
            let after = Duration::from_secs(1);
            let attempts = Vec::new();
            return Err(Error::ConnectTimedOut { after, attempts });
        }
        state.connected();
        if let End::NoFacts = end {
            return Err(lost());
        }
        let now = facts(self.server, self.file.as_ref());
        let Some(offset) = state.begin(now) else {
            return state.finished(now);
        };
        let offset = offset as usize;
        if offset > 0 && self.server.refuses_rest {
            let (verb, reply) = (Verb::Rest, reply(502));
            return Err(transfer(TransferError::Refused { verb, reply }));
        }
        if let End::Refused(code) = end {
            let (verb, reply) = (Verb::Stor, reply(*code));
            return Err(transfer(TransferError::Refused { verb, reply }));
        }
        // More is handed to the connection than the server sees.
        let count = end.count();
        let arriving = self.source.len().min(offset.saturating_add(count));
        let sent = match end {
            End::CutOff(_) | End::Failed(..) => self.source.len().min(arriving + 9),
            End::Unknown(_) | End::Concealed(_) => self.source.len(),
            _ => arriving,
        };
        for piece in self.source[offset..sent].chunks(7) {
            state.sending(piece.len());
        }
        let begin = if self.server.ignores_rest { 0 } else { offset };
        let mut bytes = self.file.clone().map(|file| file.bytes).unwrap_or_default();
        bytes.truncate(begin);
        bytes.extend_from_slice(&self.source[offset..arriving]);
        let confirmed = matches!(end, End::Concealed(_) | End::LostAfter | End::Whole);
        // One that resumes is written in place.
        if confirmed || !self.server.keeps_old || self.file.is_none() || offset > 0 {
            let changed = self.clock;
            self.file = Some(File { bytes, changed });
        }
        let bytes = (sent - offset) as u64;
        match end {
            End::CutOff(_) => {
                let (error, reply) = (data::Error::CutOff, None);
                return Err(transfer(TransferError::CutOff {
                    bytes,
                    error,
                    reply,
                }));
            }
            End::Failed(_, code) => {
                let (reply, tls) = (reply(*code), None);
                return Err(transfer(TransferError::Failed { reply, bytes, tls }));
            }
            End::Unknown(_) => return Err(transfer(TransferError::Unknown)),
            End::LostAfter => return Err(lost()),
            _ => {}
        }
        state.finished(facts(self.server, self.file.as_ref()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_download_is_a_file_that_the_server_had_or_an_error(
        server in server(),
        length in length(),
        sink in 0..60_usize,
        tries in prop::collection::vec(
            (end(), prop::array::uniform3(prop::option::weighted(0.15, length()))),
            1..12,
        ),
    ) {
        let file = File::version(0, length);
        let mut scene = Downloading {
            server,
            versions: vec![file.bytes.clone()],
            file,
            sink: vec![0xFF; sink],
        };
        let now = Instant::START;
        let (options, said) = watched(100);
        let mut state = ResumeDownload::start(now, options, sink as u64);
        for (end, changes) in &tries {
            let tried = scene.go(&mut state, end, *changes);
            assert_progress(&said, &tried);
            match tried {
                Ok(report) => {
                    // Without the right size, nothing shows that it was cut short.
                    let knows_size = server.says_size && changes[1].is_none();
                    let is_cut = !knows_size && matches!(end, End::Concealed(_));
                    if is_cut {
                        prop_assert!(scene.versions.iter().any(|bytes| bytes.starts_with(&scene.sink)));
                    } else {
                        prop_assert!(scene.versions.contains(&scene.sink));
                    }
                    prop_assert_eq!(report.length, scene.sink.len() as u64);
                    return Ok(());
                }
                Err(Error::SinkTooLong { length }) => {
                    prop_assert!(length < scene.sink.len() as u64);
                    return Ok(());
                }
                Err(error) => prop_assert!(state.failed(now, &error, 0).is_some()),
            }
        }
    }

    #[test]
    fn an_upload_is_the_source_or_an_error(
        server in server(),
        length in length(),
        old in prop::option::of(length()),
        tries in prop::collection::vec((end(), any::<bool>()), 1..12),
    ) {
        let mut scene = Uploading {
            server,
            source: File::version(1, length).bytes,
            file: old.map(|length| File::version(0, length)),
            clock: 0,
        };
        let now = Instant::START;
        let (options, said) = watched(100);
        let mut state = ResumeUpload::start(now, options, length as u64);
        for (end, ticks) in &tries {
            let tried = scene.go(&mut state, end, *ticks);
            assert_progress(&said, &tried);
            match tried {
                Ok(report) => {
                    let file = scene.file.unwrap();
                    let is_cut = !server.says_size && matches!(end, End::Concealed(_));
                    if is_cut {
                        prop_assert!(scene.source.starts_with(&file.bytes));
                    } else {
                        prop_assert_eq!(&file.bytes, &scene.source);
                    }
                    prop_assert_eq!(report.length, length as u64);
                    return Ok(());
                }
                Err(error) => prop_assert!(state.failed(now, &error, 0).is_some()),
            }
        }
    }

    /// Where nothing changes and the server does what it says, every byte is moved once; the last one
    /// again if it takes another try to see the end.
    #[test]
    fn what_came_before_a_cut_is_not_moved_again(
        length in 1..200_usize,
        cuts in prop::collection::vec(0..40_usize, 0..10),
    ) {
        let server = Server {
            says_size: true,
            says_time: true,
            ignores_rest: false,
            refuses_rest: false,
            keeps_old: false,
        };
        let file = File::version(0, length);
        let mut scene = Downloading {
            server,
            versions: vec![file.bytes.clone()],
            file,
            sink: Vec::new(),
        };
        let now = Instant::START;
        let mut state = ResumeDownload::start(now, options(100), 0);
        let mut ends = cuts.iter().map(|count| End::CutOff(*count)).chain([End::Whole]);
        let report = loop {
            match scene.go(&mut state, &ends.next().unwrap(), [None; 3]) {
                Ok(report) => break report,
                Err(error) => prop_assert!(state.failed(now, &error, 0).is_some()),
            }
        };
        let again = report.bytes - length as u64;
        prop_assert!(again <= report.offsets.iter().filter(|at| **at + 1 == length as u64).count() as u64);
        prop_assert_eq!(&scene.sink, &scene.file.bytes);
    }
}

#[test]
fn what_cannot_pass_is_not_tried_again() {
    let refused = |verb, code| TransferError::Refused {
        verb,
        reply: reply(code),
    };
    let failed = |code| TransferError::Failed {
        reply: reply(code),
        bytes: 3,
        tls: None,
    };
    let again = |error: Error, connected: bool| {
        let mut state = ResumeDownload::start(Instant::START, options(3), 0);
        if connected {
            state.connected();
        }
        state.failed(Instant::START, &error, 0).is_some()
    };
    for (error, passes) in [
        (transfer(refused(Verb::Retr, 550)), false),
        (transfer(refused(Verb::Retr, 450)), true),
        (transfer(refused(Verb::Rest, 502)), false),
        (transfer(failed(552)), false),
        (transfer(failed(426)), true),
        (transfer(TransferError::NotOpened), true),
        (transfer(TransferError::Unknown), true),
        (transfer(TransferError::Aborted), false),
        (lost(), true),
        (Error::Closed, true),
        (Error::PoolClosed, false),
        (Error::Local(io::ErrorKind::StorageFull.into()), false),
        (Error::FileChanged, true),
        (Error::SinkTooLong { length: 1 }, false),
        (Error::NoTlsConfiguration, false),
    ] {
        let text = error.to_string();
        assert_eq!(again(error, true), passes, "{text}");
    }
    // After a password, a connection that is lost may mean that it is wrong.
    assert!(!again(lost(), false));
    // And no more tries than were asked for.
    let mut state = ResumeUpload::start(Instant::START, options(2), 10);
    let tries = (0..10).take_while(|_| {
        state.connected();
        state.failed(Instant::START, &Error::Closed, 0).is_some()
    });
    assert_eq!(tries.count(), 2);
}

#[test]
fn a_download_trusts_what_it_resumed_only_when_that_came_to_an_end() {
    let facts = |second: u8| FileFacts {
        size: Fact::Known(10),
        modified: Fact::Known(
            DateTime::parse(format!("202401010000{second:02}").as_bytes()).unwrap(),
        ),
    };
    let now = Instant::START;
    let mut state = ResumeDownload::start(now, options(20), 0);
    let mut try_again = |facts, comes: usize| {
        state.connected();
        let offset = state.begin(facts);
        state.received(comes).unwrap();
        let lost = transfer(TransferError::Unknown);
        assert!(state.failed(now, &lost, 0).is_some());
        offset
    };
    assert_eq!(try_again(facts(1), 4), Some(0));
    // All that can come has come; but from where in the file?
    assert_eq!(try_again(facts(1), 6), Some(4));
    assert_eq!(try_again(facts(1), 0), Some(9));
    // What was there from one try alone is trusted.
    assert_eq!(try_again(facts(2), 10), Some(0));
    assert_eq!(try_again(facts(2), 0), None);
    // One that was exchanged after the question starts over.
    assert_eq!(try_again(facts(3), 4), Some(0));
    state.connected();
    assert_eq!(state.begin(facts(3)), Some(4));
    state.received(6).unwrap();
    let error = state.finished(Some(facts(4))).unwrap_err();
    assert!(matches!(error, Error::FileChanged));
    assert!(state.failed(now, &error, 0).is_some());
    state.connected();
    assert_eq!(state.begin(facts(4)), Some(0));
}

fn failed(code: u16) -> Error {
    let (reply, bytes, tls) = (reply(code), 10, None);
    transfer(TransferError::Failed { reply, bytes, tls })
}

/// A file of the right length, and the server says that it failed: not what is in its file, perhaps.
#[test]
fn what_the_server_says_failed_is_not_whole_though_all_was_moved() {
    let now = Instant::START;
    for (code, moved, goes_on) in [
        (451, 10, false),
        (450, 10, false),
        (452, 10, false),
        (451, 9, true),
        // Of the connection alone.
        (425, 10, true),
        (426, 10, true),
    ] {
        let error = failed(code);
        assert_eq!(error.spoils(moved == 10), !goes_on, "{code}");
        let mut state = ResumeDownload::start(now, options(1), 0);
        state.connected();
        assert_eq!(state.begin(known(10, 1)), Some(0));
        state.received(moved).unwrap();
        assert!(state.failed(now, &error, 0).is_some());
        state.connected();
        let expected = match (goes_on, moved) {
            (false, _) => Some(0),
            (true, 10) => None,
            (true, moved) => Some(moved as u64),
        };
        assert_eq!(state.begin(known(10, 1)), expected, "{code} {moved}");

        let mut state = ResumeUpload::start(now, options(1), 10);
        state.connected();
        let missing = FileFacts {
            size: Fact::Missing,
            modified: Fact::Missing,
        };
        assert_eq!(state.begin(missing), Some(0));
        state.sending(moved);
        assert!(state.failed(now, &error, 0).is_some());
        state.connected();
        assert_eq!(
            state.begin(known(moved as u64, 1)),
            expected,
            "{code} {moved}"
        );
    }
    assert!(Error::FileChanged.spoils(false));
    assert!(!lost().spoils(true));
}

#[test]
fn an_upload_goes_on_only_with_what_this_upload_can_have_left_there() {
    let facts = |size, second: u8| FileFacts {
        size,
        modified: Fact::Known(
            DateTime::parse(format!("202401010000{second:02}").as_bytes()).unwrap(),
        ),
    };
    let now = Instant::START;
    let mut state = ResumeUpload::start(now, options(20), 100);
    let mut try_again = |facts, sends: usize| {
        state.connected();
        let offset = state.begin(facts);
        state.sending(sends);
        assert!(state.failed(now, &Error::Closed, 0).is_some());
        offset
    };
    // The file from before does not count, but what came in its place does.
    assert_eq!(try_again(facts(Fact::Known(30), 1), 40), Some(0));
    assert_eq!(try_again(facts(Fact::Known(30), 1), 40), Some(0));
    assert_eq!(try_again(facts(Fact::Known(30), 2), 20), Some(30));
    assert_eq!(try_again(facts(Fact::Known(50), 3), 0), Some(50));
    // More than was sent is somebody else's, as is all that is there when it starts over.
    assert_eq!(try_again(facts(Fact::Known(51), 4), 60), Some(0));
    assert_eq!(try_again(facts(Fact::Known(51), 4), 10), Some(0));
    assert_eq!(try_again(facts(Fact::Known(11), 5), 0), Some(0));
    assert_eq!(try_again(facts(Fact::Unknown, 6), 100), Some(0));
    // Of a server that does not say what was there, nothing counts.
    assert_eq!(try_again(facts(Fact::Known(100), 7), 100), Some(0));
    assert_eq!(try_again(facts(Fact::Known(100), 8), 0), None);
}

fn known(size: u64, day: u8) -> FileFacts {
    FileFacts {
        size: Fact::Known(size),
        modified: Fact::Known(DateTime::date(2024, 5, day).unwrap()),
    }
}

proptest! {
    /// What an earlier program left is taken up by the first try, only if it is of the same file.
    #[test]
    fn an_earlier_download_is_taken_up_if_the_file_is_the_same(
        (size, here) in (0..60u64, 0..60u64),
        (then, now) in (1..3u8, 1..3u8),
        new_size in 0..60u64,
    ) {
        let begun = known(size, then);
        let mut state = ResumeDownload::start(Instant::default(), options(0).begun(begun), here);
        state.connected();
        let facts = known(new_size, now);
        let is_same = facts == begun && here <= size && here > 0;
        let expected = match is_same {
            // The last byte comes again: only the end of a transfer shows that it began there.
            true if here == size => Some(here - 1),
            true => Some(here),
            false => Some(0),
        };
        prop_assert_eq!(state.begin(facts), expected);
    }

    #[test]
    fn an_earlier_upload_is_taken_up_if_the_file_is_the_same(
        (size, length) in (0..60u64, 0..60u64),
        (then, now) in (1..3u8, 1..3u8),
        new_size in 0..60u64,
    ) {
        let begun = known(size, then);
        let mut state = ResumeUpload::start(Instant::default(), options(0).begun(begun), length);
        state.connected();
        let facts = known(new_size, now);
        let is_same = facts == begun && size <= length;
        let expected = match is_same {
            true if size == length && size > 0 => None,
            true => Some(size),
            false => Some(0),
        };
        prop_assert_eq!(state.begin(facts), expected);
    }
}

#[test]
fn what_was_asked_before_serves_the_first_try_alone() {
    let now = Instant::START;
    let asked = known(10, 1);
    let mut state = ResumeDownload::start(now, options(1).asked(asked), 0);
    state.connected();
    assert_eq!(state.asked(), Some(asked));
    assert_eq!(state.begin(asked), Some(0));
    state.received(4).unwrap();
    assert!(state.failed(now, &Error::Closed, 0).is_some());
    state.connected();
    assert_eq!(state.asked(), None);
    // It goes on where it was cut if the server still says that.
    assert_eq!(state.begin(asked), Some(4));
    // Of a file that was not asked about, nothing of the first try counts.
    let mut state = ResumeDownload::start(now, options(1).asked(FileFacts::default()), 0);
    state.connected();
    assert_eq!(state.asked(), Some(FileFacts::default()));
    assert_eq!(state.begin(FileFacts::default()), Some(0));
    state.received(4).unwrap();
    assert!(state.failed(now, &Error::Closed, 0).is_some());
    state.connected();
    assert_eq!((state.asked(), state.begin(asked)), (None, Some(0)));
    let mut state = ResumeUpload::start(now, options(1).asked(FileFacts::default()), 9);
    state.connected();
    assert_eq!(state.asked(), Some(FileFacts::default()));
    assert_eq!(state.begin(FileFacts::default()), Some(0));
    state.sending(5);
    assert!(state.failed(now, &Error::Closed, 0).is_some());
    state.connected();
    assert_eq!((state.asked(), state.begin(known(5, 1))), (None, Some(0)));
}
