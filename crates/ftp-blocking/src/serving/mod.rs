//! The files and the data connections of one session of a [`Server`](crate::Server).
//!
//! The session's second thread does what blocks: it asks the files, and moves the bytes of a transfer that is not
//! small. The session's own thread waits for it, or moves the bytes of a small one, and looks at the control
//! connection meanwhile.

mod data;
mod pumping;

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ftp_adapter::{
    Clock, FileDone, FileJob, FileServer, FileSession, SystemClock, TransferSummary,
};
use ftp_proto::server::{Connection, Event};

use self::data::Data;
use crate::session_runner::{Control, ServesFiles, Waited};
use crate::worker::Worker;

/// How long to wait for the second thread or for the data before the control connection is looked at.
const LOOK_BETWEEN: Duration = Duration::from_millis(50);
/// How long to wait for the control connection at first before the listener is looked at; doubled each
/// time, up to [`LOOK_BETWEEN`].
const FIRST_SLICE: Duration = Duration::from_millis(1);

/// For a session that begins.
pub(crate) fn begin(
    server: &Arc<FileServer>,
    client: (u64, SocketAddr),
    local: Option<SocketAddr>,
) -> Option<Box<dyn ServesFiles>> {
    server.serves().then(|| -> Box<dyn ServesFiles> {
        Box::new(Serving {
            files: FileSession::new(Arc::clone(server), client, local),
            job: None,
            data: Data::None,
            slice: FIRST_SLICE,
            looked_at: Instant::now(),
            has_looked: false,
        })
    })
}

/// The files and the data connection of a session.
struct Serving {
    files: FileSession,
    /// Being done by the second thread.
    job: Option<Receiver<FileDone>>,
    data: Data,
    slice: Duration,
    /// When the control connection was looked at last.
    looked_at: Instant,
    /// It is looked at for the last time before an upload is kept.
    has_looked: bool,
}

impl ServesFiles for Serving {
    fn on_event<'scope>(
        &mut self,
        control: &mut Control,
        worker: &mut Worker<'scope, '_>,
        event: Event,
    ) -> Option<Event> {
        let left = match event {
            Event::OpenData(ticket) => {
                self.open(control, worker, ticket);
                None
            }
            event => {
                if let Event::Transferred { .. } = event {
                    self.drop_data();
                }
                let now = control.instant(SystemClock::now());
                self.files.on_event(now, control.machine().machine(), event)
            }
        };
        self.go_on(control, worker);
        left
    }

    fn wait<'scope>(
        &mut self,
        control: &mut Control,
        worker: &mut Worker<'scope, '_>,
        most: Duration,
    ) -> Waited {
        if std::mem::take(&mut self.has_looked) {
            self.files.looked();
            self.go_on(control, worker);
            return Waited::Happened;
        }
        let waited = match self.files.must_look(Instant::now()) {
            Some(time) => {
                // Once more at least.
                self.has_looked = time.is_zero();
                Waited::Idle(time)
            }
            None => self.wait_for_any(control, most.min(LOOK_BETWEEN)),
        };
        if let Waited::Happened = waited {
            self.slice = FIRST_SLICE;
            self.go_on(control, worker);
            if self.looked_at.elapsed() < LOOK_BETWEEN {
                return Waited::Happened;
            }
        }
        // The control connection is looked at next.
        self.looked_at = Instant::now();
        match waited {
            Waited::Happened => Waited::Nothing,
            waited => waited,
        }
    }

    fn summary(&mut self, control: &Control, event: &Event) -> Option<Box<TransferSummary>> {
        let now = control.instant(SystemClock::now());
        self.files.summary(now, event)
    }

    fn is_busy(&self) -> bool {
        self.files.is_busy()
    }

    fn leave<'scope>(&mut self, control: &mut Control, worker: &mut Worker<'scope, '_>) {
        self.drop_data();
        while self.job.is_some() || matches!(self.data, Data::GivenUp(_)) {
            let _waited = self.wait(control, worker, LOOK_BETWEEN);
        }
    }
}

impl Serving {
    fn wait_for_any(&mut self, control: &mut Control, most: Duration) -> Waited {
        if let Data::Accepting(_, listener) = &self.data {
            if let Some(accepted) = listener.accept().transpose() {
                self.opened(control, accepted);
                return Waited::Happened;
            }
            self.slice = (self.slice * 2).min(LOOK_BETWEEN);
        }
        let wait = match self.data {
            Data::Accepting(..) => self.slice,
            _ => most,
        };
        if let Some(job) = &self.job {
            let done = job.recv_timeout(wait);
            return self.job_done(control, done);
        }
        match &mut self.data {
            Data::None => Waited::Idle(Duration::MAX),
            Data::Accepting(..) => Waited::Idle(self.slice),
            Data::Connecting(_, connected) => match connected.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => Waited::Nothing,
                connected => {
                    let lost = || Err(io::ErrorKind::Other.into());
                    self.opened(control, connected.unwrap_or_else(|_| lost()));
                    Waited::Happened
                }
            },
            Data::Open(driver) => {
                let wakes_at = self.files.wakes_at();
                let until = wakes_at.map(|at| at.saturating_duration_since(Instant::now()));
                let next = driver.next_within(until.map_or(wait, |until| until.min(wait)));
                self.open_went_on(control, next)
            }
            Data::Moving { moved, .. } | Data::GivenUp(moved) => match moved.recv_timeout(wait) {
                Err(RecvTimeoutError::Timeout) => Waited::Nothing,
                moved => self.moved(control, moved.ok()),
            },
        }
    }

    fn job_done(
        &mut self,
        control: &mut Control,
        done: Result<FileDone, RecvTimeoutError>,
    ) -> Waited {
        let (now, machine) = now_and_machine(control);
        match done {
            Err(RecvTimeoutError::Timeout) => return Waited::Nothing,
            Ok(done) => self.files.done(now, machine, done),
            Err(RecvTimeoutError::Disconnected) => self.files.lost(now, machine),
        }
        self.job = None;
        Waited::Happened
    }

    /// Something has happened: moves few bytes on, and does what is short or starts what blocks.
    fn go_on<'scope>(&mut self, control: &mut Control, worker: &mut Worker<'scope, '_>) {
        while self.job.is_none() {
            self.pump(control, worker);
            let Some(job) = self.next_job(control) else {
                // Before the 150: a client that waits for that is woken once, and finds all of a small file.
                if let Data::Open(driver) = &mut self.data {
                    let next = driver.next_unread();
                    if let Waited::Happened = self.open_went_on(control, next) {
                        continue;
                    }
                }
                return;
            };
            if job.is_short() {
                let done = catch_unwind(AssertUnwindSafe(|| job.run()));
                self.job_done(control, done.map_err(|_| RecvTimeoutError::Disconnected));
                continue;
            }
            match worker.begin(|| job.run()) {
                Ok(done) => self.job = Some(done),
                Err(_) => {
                    let (now, machine) = now_and_machine(control);
                    self.files.lost(now, machine);
                    return;
                }
            }
        }
    }

    fn next_job(&mut self, control: &mut Control) -> Option<FileJob> {
        let clock = Instant::now();
        let now = control.instant(clock);
        let machine = control.machine_mut().machine_mut();
        match &mut self.data {
            Data::Open(driver) => {
                let data = driver.machine_mut().machine_mut();
                self.files.next_job((now, clock), machine, Some(data))
            }
            _ => self.files.next_question(now, machine),
        }
    }
}

fn now_and_machine(control: &mut Control) -> (ftp_proto::Instant, &mut Connection) {
    let now = control.instant(Instant::now());
    (now, control.machine_mut().machine_mut())
}
