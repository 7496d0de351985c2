//! What a server does with each question about files. It never waits. What blocks is a [`FileJob`], or a
//! [`FilePump`] for a dialect that may block.

mod bandwidth;
mod external;
mod job;
mod last_look;
mod listening;
mod moving;
mod past;
mod piece;
mod pump;
mod recheck;
mod served;
mod work;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time;

use ftp_files::error_kind;
use ftp_proto::server::{Connection, Event, Rights, TransferAction, TransferId, VirtualPath};
use ftp_proto::{Instant, Username, data};

use self::bandwidth::Pace;
pub use self::external::ExternalAddress;
use self::job::{Done, OpenFile};
pub use self::job::{FileDone, FileJob};
pub use self::listening::DataOpening;
use self::moving::{Moving, Pause};
use self::piece::Piece;
pub use self::pump::FilePump;
use self::served::User;
pub use self::served::{FileServer, ServedFiles};
use self::work::Work;
use crate::acceptor::SessionSlot;
use crate::{ActiveListener, SessionInfo, TransferStart, TransferSummary};

/// The text of the 421 when a job did not come to its end.
const LOST_TEXT: &str = "Internal error.";

/// The files of one session of a server: what is read and written when, and what the machine is told.
///
/// A dialect passes the [events](Self::on_event) of the control connection, runs the
/// [jobs](Self::next_job), which block, and says when they are [done](Self::done). It makes the data
/// connection, and moves its bytes; what they are is decided here.
pub struct FileSession {
    server: Arc<FileServer>,
    /// The number of the session.
    id: u64,
    peer: SocketAddr,
    /// The own end of the control connection, if that is a socket.
    local: Option<SocketAddr>,
    /// While somebody is logged in.
    username: Option<Username>,
    /// From their first question on.
    user: Option<Arc<User>>,
    /// What is to be done, one after the other: so a file that was given up is left before the next
    /// question about it is answered.
    waiting: VecDeque<Work>,
    /// A job is being done.
    is_working: bool,
    /// The files of the last transfer are near.
    is_local: bool,
    transfer: Option<Box<Moving>>,
    /// The transfer that was started last, until its end is reported.
    started: Option<Box<Started>>,
    /// For the client's data connection.
    listener: Option<Box<ActiveListener>>,
    pace: Pace,
    /// When bytes that wait are to be looked at.
    wakes_at: Option<time::Instant>,
}

/// A transfer that the handler knows of.
struct Started {
    id: TransferId,
    start: TransferStart,
    at: Instant,
    /// It counts as a transfer, unless there are too many.
    _slot: Option<SessionSlot>,
}

impl FileSession {
    /// For a session that begins, with its number and its client. `local` is the own end of its control
    /// connection, if that is a socket.
    pub fn new(
        server: Arc<FileServer>,
        (id, peer): (u64, SocketAddr),
        local: Option<SocketAddr>,
    ) -> Self {
        let pace = server.pace.of_session();
        Self {
            server,
            pace,
            id,
            peer,
            local,
            username: None,
            user: None,
            waiting: VecDeque::new(),
            is_working: false,
            is_local: false,
            transfer: None,
            started: None,
            listener: None,
            wakes_at: None,
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
        let user = match &event {
            Event::Files(_) | Event::Transfer(_) => self.user(control),
            _ => None,
        };
        let work = match (event, user) {
            (Event::Commit(request), _) => Work::Commit(request),
            (Event::Listen(request), _) => Work::Listen(request),
            (Event::StopListening, _) => {
                self.listener = None;
                return None;
            }
            (Event::Files(request), Some(user)) => Work::Answer(request, rights(control), user),
            (Event::Transfer(request), Some(user)) => {
                let slot = self.server.room_for_transfer();
                let has_room = slot.is_some();
                self.started = Some(Box::new(Started {
                    id: request.id(),
                    start: TransferStart::of(&request),
                    at: now,
                    _slot: slot,
                }));
                if has_room {
                    Work::Open(request, rights(control), user)
                } else {
                    Work::Refuse(request)
                }
            }
            (event, _) => {
                match &event {
                    Event::LoggedIn(summary) => {
                        (self.username, self.user) = (Some(summary.username.clone()), None);
                    }
                    Event::LoggedOut => (self.username, self.user) = (None, None),
                    Event::Transferred { .. } => self.leave(),
                    _ => {}
                }
                return Some(event);
            }
        };
        self.waiting.push_back(work);
        None
    }

    /// Who asks, and what is served to them.
    fn user(&mut self, control: &Connection) -> Option<Arc<User>> {
        let (username, served) = (self.username.as_ref()?, self.server.served.as_ref()?);
        let user = self.user.get_or_insert_with(|| {
            let mut info = SessionInfo::new(self.id, self.peer);
            info.username = Some(username.clone());
            info.tls = control.tls().cloned();
            info.data_protected = control.is_data_protected();
            Arc::new(User::new(served.clone(), info))
        });
        Some(Arc::clone(user))
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
            self.waiting
                .push_back(Work::Leave(file, moving.bytes.piece));
        }
    }

    /// Moves bytes between the file and the data connection, if there is one, and returns the next job. Call it
    /// whenever something has happened, with the control connection's time and that of the runtime. Of a large
    /// download the driver moves what is [unsent](Self::unsent).
    pub fn next_job(
        &mut self,
        (now, clock): (Instant, time::Instant),
        control: &mut Connection,
        data: Option<&mut data::Connection>,
    ) -> Option<FileJob> {
        self.wakes_at = None;
        if let (Some(moving), Some(data)) = (&mut self.transfer, data) {
            self.wakes_at = match moving.exchange(now, data, &self.pace, clock) {
                Ok(()) => moving.patience_ends(),
                Err(Pause::Until(until)) => {
                    let patience_ends = moving.patience_ends();
                    Some(patience_ends.map_or(until, |ends| ends.min(until)))
                }
                Err(changed @ Pause::Changed) => {
                    abort(now, control, moving.id, &changed.into());
                    None
                }
            };
        }
        if let Some(time) = self.must_look(clock)
            && !time.is_zero()
        {
            self.wakes_at = Some(clock + time);
        }
        let job = self.next_question(now, control);
        if job.is_some() || self.is_working {
            return job;
        }
        let mut job = self.transfer.as_mut().and_then(|moving| moving.job())?;
        job.is_short = self.is_local;
        self.is_working = true;
        Some(job)
    }

    /// Bytes are held back, to keep the bandwidth, or wait for the client, or it is time to
    /// [look](Self::must_look): call [`next_job`](Self::next_job) then, even if nothing has happened.
    pub fn wakes_at(&self) -> Option<time::Instant> {
        self.wakes_at
    }

    /// The same, without the bytes and the jobs that read and write: as long as there is no data connection, or a
    /// [`pump`](Self::pump) moves the bytes.
    pub fn next_question(&mut self, now: Instant, control: &mut Connection) -> Option<FileJob> {
        if self.is_working {
            return None;
        }
        let moving = self.transfer.as_mut();
        let moving = moving.filter(|moving| moving.looks_until.is_none());
        if let Some(end) = moving.and_then(|moving| moving.end.take()) {
            // If the transfer is over, its outcome is known already.
            let _over_already = control.data_ended(now, end);
        }
        while let Some(work) = self.waiting.pop_front() {
            let job = self.job_for(now, control, work);
            if job.is_some() {
                self.is_working = true;
                return job;
            }
        }
        None
    }

    /// The transfer, whose data connection stands, for a thread that moves its bytes. `None` as long as there are
    /// few: then [`next_job`](Self::next_job) moves them.
    pub fn pump(&mut self) -> Option<FilePump> {
        let moving = self.transfer.as_mut().filter(|_| !self.is_working)?;
        let large = Some(moving).filter(|moving| moving.is_large());
        let moving = Box::new(large?.take()?);
        self.is_working = true;
        Some(FilePump::new(moving, self.pace.clone()))
    }

    /// A job is done.
    pub fn done(&mut self, now: Instant, control: &mut Connection, done: FileDone) {
        self.is_working = false;
        match done.0 {
            Done::Listening(request, listener, address) => {
                let listener = address.map(|address| (listener, address));
                self.listening(now, control, request, listener);
            }
            // Too late, if the client gave up: then nobody waits for it.
            Done::Answered(answer) => drop(control.answer(now, answer)),
            Done::Opened(found, answer, moving) => {
                if control.answer(now, answer).is_ok() {
                    self.found(moving.id, found);
                    self.transfer = Some(moving);
                } else if let Some(file) = moving.file {
                    self.waiting.push_front(Work::Leave(file, Piece::default()));
                }
            }
            Done::Read(id, file, piece, result) => {
                let Some(moving) = self.take_back(id, file) else {
                    return;
                };
                match result {
                    Ok(is_read) => moving.read(piece, is_read),
                    Err(error) => abort(now, control, id, &error),
                }
            }
            Done::GaveBack(id, file, bytes, result) => {
                let Some(moving) = self.take_back(id, file) else {
                    return;
                };
                match result {
                    Ok(is_given_back) => moving.gave_back(bytes, is_given_back),
                    Err(error) => abort(now, control, id, &error),
                }
            }
            Done::Wrote(id, file, piece, result) => {
                let Some(moving) = self.take_back(id, file) else {
                    return;
                };
                moving.wrote(piece);
                if let Err(error) = result {
                    abort(now, control, id, &error);
                }
            }
            Done::Pumped(moving, result) => {
                let Moving {
                    id, file, bytes, ..
                } = *moving;
                if let Some(file) = file
                    && let Some(moving) = self.take_back(id, file)
                {
                    moving.bytes = bytes;
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
                self.waiting.push_front(Work::Leave(file, Piece::default()));
                None
            }
        }
    }

    /// A job did not come to its end: it panicked. The client gets a 421.
    pub fn lost(&mut self, now: Instant, control: &mut Connection) {
        self.is_working = false;
        control.shutdown(now, LOST_TEXT);
    }

    /// The data connection ended, and its transport is closed. Call [`next_job`](Self::next_job) next, and read the
    /// control connection, if that [must be](Self::must_look).
    pub fn data_over(
        &mut self,
        (now, clock): (Instant, time::Instant),
        control: &mut Connection,
        data: data::Connection,
    ) {
        match &mut self.transfer {
            Some(moving) if data.direction() == data::Direction::Receive => {
                moving.bytes.piece.push(data.readable());
                // Under TLS the data says by itself whether it is whole.
                let is_protected = data.is_protected();
                let end = data.into_end();
                if end.result().is_ok() && !is_protected {
                    let begun = self.started.as_ref().map_or(now, |started| started.at);
                    moving.looks_until = Some(clock + last_look::time(now - begun));
                }
                moving.end = Some(end);
            }
            _ => drop(control.data_ended(now, data.into_end())),
        }
    }
}

/// Too late, if the transfer is over: then nobody need know.
fn abort(now: Instant, control: &mut Connection, id: TransferId, error: &io::Error) {
    let _over_already = control.abort(now, id, error_kind(error));
}

fn rights(control: &Connection) -> Rights {
    control.rights().unwrap_or(Rights::NONE)
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
