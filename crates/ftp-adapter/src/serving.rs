//! What a server does with each question about files. It never waits.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::mem::take;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use ftp_files::{Files, Listing, ReadFile, WriteFile, answer, error_kind};
use ftp_proto::server::{
    Answer, CommitRequest, Connection, Event, FileError, FileRequest, Rights, StoreMode,
    TransferAction, TransferId, TransferRequest, VirtualPath,
};
use ftp_proto::{Instant, Username, data};

use crate::{SessionInfo, TransferStart, TransferSummary};

/// How many bytes of a file are read or written in one job.
const PIECE: usize = 256 * 1024;
/// The text of the 421 when a job did not come to its end.
const LOST_TEXT: &str = "Internal error.";

/// The files of one session of a server: what is read and written when, and what the machine is told.
///
/// A dialect passes the [events](Self::on_event) of the control connection, runs the
/// [jobs](Self::next_job), which block, and says when they are [done](Self::done). It makes the data
/// connection, and moves its bytes; what they are is decided here.
pub struct FileSession {
    served: ServedFiles,
    /// The session, as far as it is known here.
    info: SessionInfo,
    /// While somebody is logged in.
    user: Option<Arc<User>>,
    /// What is to be done, one after the other: so a file that was given up is left before the next
    /// question about it is answered.
    waiting: VecDeque<Work>,
    /// A job is being done.
    is_working: bool,
    transfer: Option<Box<Moving>>,
    /// The transfer that was started last, until its end is reported.
    started: Option<Box<Started>>,
}

/// Whose files are served to whom.
#[derive(Clone)]
pub struct ServedFiles(Arc<ChooseFiles>);

type ChooseFiles = dyn Fn(&SessionInfo) -> io::Result<Arc<dyn Files>> + Send + Sync;

impl ServedFiles {
    /// The same to everybody.
    pub fn all(files: impl Files) -> Self {
        let files: Arc<dyn Files> = Arc::new(files);
        Self::chosen(move |_| Ok(Arc::clone(&files)))
    }

    /// Chosen after each login, when the first question about files is asked. The function may block.
    pub fn chosen(
        choose: impl Fn(&SessionInfo) -> io::Result<Arc<dyn Files>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(choose))
    }
}

impl fmt::Debug for ServedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServedFiles")
    }
}

/// Somebody who is logged in, and what is served to them.
struct User {
    served: ServedFiles,
    info: SessionInfo,
    files: OnceLock<Result<Arc<dyn Files>, FileError>>,
}

impl User {
    /// May block.
    fn files(&self) -> Result<&dyn Files, FileError> {
        let choose = || (self.served.0)(&self.info).map_err(|error| error_kind(&error));
        match self.files.get_or_init(choose) {
            Ok(files) => Ok(&**files),
            Err(error) => Err(*error),
        }
    }
}

/// A transfer that the handler knows of.
struct Started {
    id: TransferId,
    start: TransferStart,
    at: Instant,
}

enum Work {
    Answer(FileRequest, Rights, Arc<User>),
    Open(TransferRequest, Rights, Arc<User>),
    Commit(CommitRequest),
    /// Bytes that came and were not written, too.
    Leave(OpenFile, Vec<u8>),
}

/// A transfer under way.
struct Moving {
    id: TransferId,
    /// `None` while a job has it.
    file: Option<OpenFile>,
    /// What was read and not sent, or came and was not written.
    piece: Vec<u8>,
    /// How much of the piece was sent.
    sent: usize,
    /// All was read.
    is_read: bool,
    /// How the data connection ended. The machine is told when all that came is written.
    end: Option<data::End>,
}

enum OpenFile {
    Read(Box<dyn ReadFile>),
    Write(Box<dyn WriteFile>),
}

/// Something that blocks.
#[must_use = "the client waits for it"]
pub struct FileJob(Box<dyn FnOnce() -> FileDone + Send>);

/// What came of a [`FileJob`], for [`FileSession::done`].
#[must_use = "the client waits for it"]
pub struct FileDone(Done);

enum Done {
    Answered(Answer),
    Opened(TransferId, Option<VirtualPath>, Answer, OpenFile),
    Read(TransferId, OpenFile, Vec<u8>, io::Result<bool>),
    Wrote(TransferId, OpenFile, Vec<u8>, io::Result<()>),
    Left,
}

impl FileJob {
    fn new(job: impl FnOnce() -> Done + Send + 'static) -> Self {
        Self(Box::new(|| FileDone(job())))
    }

    /// Does it. Blocks.
    pub fn run(self) -> FileDone {
        (self.0)()
    }
}

impl FileSession {
    /// For a session that begins, with its number and its client.
    pub fn new(served: ServedFiles, id: u64, peer: SocketAddr) -> Self {
        Self {
            served,
            info: SessionInfo::new(id, peer),
            user: None,
            waiting: VecDeque::new(),
            is_working: false,
            transfer: None,
            started: None,
        }
    }

    /// Whether anything is left to do.
    pub fn is_busy(&self) -> bool {
        self.is_working || !self.waiting.is_empty() || self.transfer.is_some()
    }

    /// Takes the questions that are answered here, and returns all other events. The handler was asked
    /// about [`Event::Files`] and [`Event::Transfer`] before.
    /// [`Event::Transferred`] is returned: what it asks for was done as far as the file goes.
    pub fn on_event(&mut self, now: Instant, control: &Connection, event: Event) -> Option<Event> {
        let work = match (event, &self.user) {
            (Event::Commit(request), _) => Work::Commit(request),
            (Event::Files(request), Some(user)) => {
                Work::Answer(request, rights(control), Arc::clone(user))
            }
            (Event::Transfer(request), Some(user)) => {
                let (id, start) = (request.id(), TransferStart::of(&request));
                self.started = Some(Box::new(Started { id, start, at: now }));
                Work::Open(request, rights(control), Arc::clone(user))
            }
            (event, _) => {
                match &event {
                    Event::LoggedIn(summary) => self.log_in(&summary.username, control),
                    Event::LoggedOut => self.user = None,
                    Event::Transferred { .. } => self.leave(),
                    _ => {}
                }
                return Some(event);
            }
        };
        self.waiting.push_back(work);
        None
    }

    fn log_in(&mut self, username: &Username, control: &Connection) {
        let mut info = self.info.clone();
        info.username = Some(username.clone());
        info.tls = control.tls().cloned();
        info.data_protected = control.is_data_protected();
        self.user = Some(Arc::new(User {
            served: self.served.clone(),
            info,
            files: OnceLock::new(),
        }));
    }

    /// The end of a transfer, for the application. Call it once with [`Event::Transferred`].
    pub fn summary(&mut self, now: Instant, event: &Event) -> Option<Box<TransferSummary>> {
        let Event::Transferred {
            transfer,
            bytes,
            tls,
            outcome,
        } = event
        else {
            return None;
        };
        let started = self.started.take_if(|started| started.id == *transfer)?;
        Some(Box::new(TransferSummary {
            action: started.start.action,
            data_type: started.start.data_type,
            bytes: *bytes,
            duration: now - started.at,
            tls: tls.clone(),
            outcome: *outcome,
        }))
    }

    /// The transfer is over.
    fn leave(&mut self) {
        if let Some(moving) = self.transfer.take()
            && let Some(file) = moving.file
        {
            self.waiting.push_back(Work::Leave(file, moving.piece));
        }
    }

    /// Moves bytes between the file and the data connection, if there is one, and returns the next job. Call it
    /// whenever something has happened.
    pub fn next_job(
        &mut self,
        now: Instant,
        control: &mut Connection,
        data: Option<&mut data::Connection>,
    ) -> Option<FileJob> {
        let ended = self.transfer.as_mut().and_then(|moving| {
            if let Some(data) = data {
                moving.exchange(now, data);
            }
            moving.written_end(self.is_working)
        });
        if let Some(end) = ended {
            // If the transfer is over, its outcome is known already.
            let _over_already = control.data_ended(now, end);
        }
        if self.is_working {
            return None;
        }
        let job = match self.waiting.pop_front() {
            Some(work) => self.job(now, control, work),
            None => self.transfer.as_mut().and_then(|moving| moving.job()),
        };
        self.is_working = job.is_some();
        job
    }

    fn job(&mut self, now: Instant, control: &mut Connection, work: Work) -> Option<FileJob> {
        Some(match work {
            Work::Answer(request, rights, user) => FileJob::new(move || {
                Done::Answered(match user.files() {
                    Ok(files) => answer(files, request, rights),
                    Err(error) => request.refused(error),
                })
            }),
            Work::Open(request, rights, user) => FileJob::new(move || match user.files() {
                Ok(files) => open(files, request, rights),
                Err(error) => Done::Answered(request.refused(error)),
            }),
            Work::Commit(request) => {
                let moving = self
                    .transfer
                    .take_if(|moving| moving.id == request.transfer());
                let Some(OpenFile::Write(file)) = moving.and_then(|moving| moving.file) else {
                    // If that is too late, nobody waits for it.
                    let _late = control.answer(now, request.refused(FileError::Failed));
                    return None;
                };
                FileJob::new(move || {
                    Done::Answered(match file.commit() {
                        Ok(()) => request.committed(),
                        Err(error) => request.refused(error),
                    })
                })
            }
            Work::Leave(file, rest) => FileJob::new(move || {
                if let OpenFile::Write(mut file) = file {
                    // The upload has failed: what is kept of it is a favour.
                    let _kept = file.write_all(&rest);
                    let _kept = file.discard();
                }
                Done::Left
            }),
        })
    }

    /// A job is done.
    pub fn done(&mut self, now: Instant, control: &mut Connection, done: FileDone) {
        self.is_working = false;
        match done.0 {
            // Too late, if the client gave up: then nobody waits for it.
            Done::Answered(answer) => drop(control.answer(now, answer)),
            Done::Opened(id, found, answer, file) => {
                if control.answer(now, answer).is_ok() {
                    self.found(id, found);
                    self.transfer = Some(Box::new(Moving::new(id, file)));
                } else {
                    self.waiting.push_front(Work::Leave(file, Vec::new()));
                }
            }
            Done::Read(id, file, piece, result) => {
                let Some(moving) = self.take_back(id, file) else {
                    return;
                };
                (moving.piece, moving.sent) = (piece, 0);
                match result {
                    Ok(is_read) => moving.is_read = is_read,
                    Err(error) => abort(now, control, id, &error),
                }
            }
            Done::Wrote(id, file, piece, result) => {
                let Some(moving) = self.take_back(id, file) else {
                    return;
                };
                if moving.piece.capacity() == 0 {
                    moving.piece = piece;
                }
                if let Err(error) = result {
                    abort(now, control, id, &error);
                }
            }
            Done::Left => {}
        }
    }

    /// To `STOU`: the path that was found.
    fn found(&mut self, id: TransferId, found: Option<VirtualPath>) {
        if let (Some(found), Some(started)) = (found, &mut self.started)
            && started.id == id
            && let TransferAction::Store { path, .. } = &mut started.start.action
        {
            *path = found;
        }
    }

    /// Gives a file back to its transfer. If that is over, the file is left first of all.
    fn take_back(&mut self, id: TransferId, file: OpenFile) -> Option<&mut Moving> {
        match &mut self.transfer {
            Some(moving) if moving.id == id => {
                moving.file = Some(file);
                Some(moving)
            }
            _ => {
                self.waiting.push_front(Work::Leave(file, Vec::new()));
                None
            }
        }
    }

    /// A job did not come to its end: it panicked. The client gets a 421.
    pub fn lost(&mut self, now: Instant, control: &mut Connection) {
        self.is_working = false;
        control.shutdown(now, LOST_TEXT);
    }

    /// The data connection ended, and its transport is closed. Call [`next_job`](Self::next_job) next.
    pub fn data_over(&mut self, now: Instant, control: &mut Connection, data: data::Connection) {
        match &mut self.transfer {
            Some(moving) if data.direction() == data::Direction::Receive => {
                moving.piece.extend_from_slice(data.readable());
                moving.end = Some(data.into_end());
            }
            _ => drop(control.data_ended(now, data.into_end())),
        }
    }
}

/// Too late, if the transfer is over: then nobody need know.
fn abort(now: Instant, control: &mut Connection, id: TransferId, error: &io::Error) {
    let _over_already = control.abort(now, id, error_kind(error));
}

fn open(files: &dyn Files, request: TransferRequest, rights: Rights) -> Done {
    let opened = match request.action() {
        TransferAction::Retrieve { path, offset } => {
            let opened = files.open(path, *offset);
            opened.map(|opened| (OpenFile::Read(opened.reader), opened.size))
        }
        TransferAction::Store { path, mode } => {
            let opened = files.store(path, *mode);
            opened.map(|file| (OpenFile::Write(file), None))
        }
        TransferAction::List { path, kind } => {
            let listing = Listing::open(files, path, *kind, rights);
            listing.map(|listing| (OpenFile::Read(Box::new(listing)), None))
        }
        _ => Err(FileError::NotSupported),
    };
    let id = request.id();
    match (opened, request.action()) {
        (Err(error), _) => Done::Answered(request.refused(error)),
        (
            Ok((OpenFile::Write(file), _)),
            TransferAction::Store {
                mode: StoreMode::Unique,
                path,
            },
        ) => {
            let directory = match files.enter(path) {
                Ok(()) => path.clone(),
                Err(_) => path.parent().unwrap_or_default(),
            };
            let found = directory.resolve(file.name());
            let answer = request.begin_named(file.name());
            Done::Opened(id, Some(found), answer, OpenFile::Write(file))
        }
        (Ok((file, size)), _) => Done::Opened(id, None, request.begin(size), file),
    }
}

fn rights(control: &Connection) -> Rights {
    control.rights().unwrap_or(Rights::NONE)
}

impl Moving {
    fn new(id: TransferId, file: OpenFile) -> Self {
        Self {
            id,
            file: Some(file),
            piece: Vec::new(),
            sent: 0,
            is_read: false,
            end: None,
        }
    }

    /// Takes what came, or writes what was read.
    fn exchange(&mut self, now: Instant, data: &mut data::Connection) {
        if data.direction() == data::Direction::Receive {
            let room = PIECE.saturating_sub(self.piece.len());
            let count = data.readable().len().min(room);
            self.piece.extend_from_slice(&data.readable()[..count]);
            data.consume(now, count);
            return;
        }
        while self.sent < self.piece.len() {
            let count = data.write(now, &self.piece[self.sent..]);
            if count == 0 {
                return;
            }
            self.sent += count;
        }
        if self.is_read {
            data.finish(now);
        }
    }

    /// How the data ended, once all of it is written.
    fn written_end(&mut self, is_working: bool) -> Option<data::End> {
        let is_written = self.piece.is_empty() && !is_working;
        self.end.take_if(|_| is_written)
    }

    /// The next read or write.
    fn job(&mut self) -> Option<FileJob> {
        let id = self.id;
        match self.file.take()? {
            OpenFile::Read(mut file) if self.sent == self.piece.len() && !self.is_read => {
                let mut piece = take(&mut self.piece);
                Some(FileJob::new(move || {
                    let result = fill(&mut *file, &mut piece);
                    Done::Read(id, OpenFile::Read(file), piece, result)
                }))
            }
            OpenFile::Write(mut file)
                if self.piece.len() >= PIECE || (self.end.is_some() && !self.piece.is_empty()) =>
            {
                let mut piece = take(&mut self.piece);
                Some(FileJob::new(move || {
                    let result = file.write_all(&piece);
                    piece.clear();
                    Done::Wrote(id, OpenFile::Write(file), piece, result)
                }))
            }
            file => {
                self.file = Some(file);
                None
            }
        }
    }
}

/// Reads as much as a piece holds; `true` if that is all there is.
fn fill(file: &mut dyn ReadFile, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    let count = file.take(PIECE as u64).read_to_end(piece)?;
    Ok(count < PIECE)
}

impl fmt::Debug for FileSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSession")
            .field("waiting", &self.waiting.len())
            .field("is_working", &self.is_working)
            .field("transfer", &self.transfer.as_ref().map(|moving| moving.id))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FileJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileJob")
    }
}

impl fmt::Debug for FileDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileDone")
    }
}
