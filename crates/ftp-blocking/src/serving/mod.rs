//! The files and the data connections of one session of a [`Server`](crate::Server).
//!
//! The session's second thread does what blocks: it asks the files, and moves the bytes of a transfer that is not
//! small. The session's own thread waits for it, or moves the bytes of a small one, and looks at the control
//! connection meanwhile.

mod pumping;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::Poll;
use std::time::{Duration, Instant};

use ftp_adapter::socket2::SockRef;
use ftp_adapter::{
    ActiveListener, Clock, DataOpening, FileDone, FileJob, FileServer, FileSession, SystemClock,
    TransferSummary, socket,
};
use ftp_proto::data::{self, Ticket};
use ftp_proto::server::{Connection, Event};

use self::pumping::{DataDriver, DataError, Moved, Pumping};
use crate::connector::connect;
use crate::session_runner::{Control, ServesFiles, Waited};
use crate::worker::Worker;
use crate::{Driver, Parts};

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
}

/// The data connection.
enum Data {
    None,
    /// The client is to connect.
    Accepting(Ticket, ActiveListener),
    /// The second thread connects.
    Connecting(Ticket, Receiver<io::Result<TcpStream>>),
    /// This thread moves bytes: there are few.
    Open(Box<DataDriver>),
    /// The second thread moves bytes.
    Moving {
        moved: Receiver<Moved>,
        given_up: Arc<AtomicBool>,
    },
    /// It does still, but that leads to nothing any more.
    GivenUp(Receiver<Moved>),
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
        let waited = self.wait_for_any(control, most.min(LOOK_BETWEEN));
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

    /// There is no data connection any more.
    fn drop_data(&mut self) {
        self.data = match std::mem::replace(&mut self.data, Data::None) {
            Data::Moving { moved, given_up } => {
                given_up.store(true, Ordering::Relaxed);
                Data::GivenUp(moved)
            }
            given_up @ Data::GivenUp(_) => given_up,
            Data::None | Data::Accepting(..) | Data::Connecting(..) | Data::Open(_) => Data::None,
        };
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

    /// Has the second thread move the bytes, if there are many.
    fn pump<'scope>(&mut self, control: &mut Control, worker: &mut Worker<'scope, '_>) {
        let data = std::mem::replace(&mut self.data, Data::None);
        let Data::Open(driver) = data else {
            self.data = data;
            return;
        };
        let Some(pump) = self.files.pump() else {
            self.data = Data::Open(driver);
            return;
        };
        let given_up = Arc::new(AtomicBool::new(false));
        let pumping = Pumping::new(pump, driver, Arc::clone(&given_up));
        match worker.begin(|| pumping.run()) {
            Ok(moved) => self.data = Data::Moving { moved, given_up },
            Err(_) => {
                let (now, machine) = now_and_machine(control);
                self.files.lost(now, machine);
            }
        }
    }

    fn open<'scope>(
        &mut self,
        control: &mut Control,
        worker: &mut Worker<'scope, '_>,
        ticket: Ticket,
    ) {
        let time = ticket.timeouts().connect;
        let connecting = match self.files.data_opening(ticket.open()) {
            Ok(DataOpening::Accept(listener)) => {
                self.data = Data::Accepting(ticket, listener);
                return;
            }
            Ok(DataOpening::Connect(address)) => worker.begin(move || connect(address, time)),
            Err(error) => Err(error),
        };
        match connecting {
            Ok(connected) => self.data = Data::Connecting(ticket, connected),
            Err(_) => {
                let (now, machine) = now_and_machine(control);
                let _over_already = machine.data_failed(now, ticket);
            }
        }
    }

    fn opened(&mut self, control: &mut Control, opened: io::Result<TcpStream>) {
        let data = std::mem::replace(&mut self.data, Data::None);
        let (Data::Accepting(ticket, _) | Data::Connecting(ticket, _)) = data else {
            return;
        };
        let start = control.start();
        let (now, machine) = now_and_machine(control);
        let opened = match opened {
            // It fails if the transfer is over by now.
            Ok(stream) => machine.data_opened(now, ticket).map(|data| (stream, data)),
            Err(_) => {
                // As above.
                let _over_already = machine.data_failed(now, ticket);
                return;
            }
        };
        if let Ok((stream, data)) = opened {
            let data = control.machine().data(data);
            socket::reset_if_cut(&SockRef::from(&stream), data.machine(), true);
            let mut driver = Driver::for_data_since(data, stream, start);
            // Its socket is closed when it has ended.
            driver.leave_open();
            self.data = Data::Open(Box::new(driver));
        }
    }

    /// The data connection whose bytes this thread moves.
    fn open_went_on(
        &mut self,
        control: &mut Control,
        next: Result<Poll<Option<data::Event>>, DataError>,
    ) -> Waited {
        let result = match next {
            Ok(Poll::Ready(Some(_))) => return Waited::Happened,
            Ok(Poll::Pending) => {
                return match self.files.wakes_at() {
                    Some(at) if at <= Instant::now() => Waited::Happened,
                    _ => Waited::Nothing,
                };
            }
            Ok(Poll::Ready(None)) => Ok(()),
            Err(error) => Err(error),
        };
        if let Data::Open(driver) = std::mem::replace(&mut self.data, Data::None) {
            let (now, machine) = now_and_machine(control);
            self.files
                .data_over(now, machine, close(now, *driver, result));
        }
        Waited::Happened
    }

    /// The second thread has moved all bytes, or is lost.
    fn moved(&mut self, control: &mut Control, moved: Option<Moved>) -> Waited {
        let is_given_up = matches!(self.data, Data::GivenUp(_));
        self.data = Data::None;
        let Some(Moved {
            done,
            driver,
            result,
        }) = moved
        else {
            let (now, machine) = now_and_machine(control);
            self.files.lost(now, machine);
            return Waited::Happened;
        };
        let ended = result.filter(|_| !is_given_up);
        let (now, machine) = now_and_machine(control);
        let data = match ended {
            Some(ended) => Some(close(now, *driver, ended)),
            None => {
                drop(driver);
                None
            }
        };
        self.files.done(now, machine, done);
        if let Some(data) = data {
            self.files.data_over(now, machine, data);
        }
        Waited::Happened
    }
}

/// Closes the socket, before anything is said over the control connection.
fn close(
    now: ftp_proto::Instant,
    driver: DataDriver,
    result: Result<(), DataError>,
) -> data::Connection {
    let Parts {
        machine: mut data,
        transport,
        ..
    } = driver.into_parts();
    if result.is_ok() {
        socket::reset_if_cut(&SockRef::from(&transport), data.machine(), false);
    } else {
        data.machine_mut().failed(now);
    }
    drop(transport);
    data.into_machine()
}

fn now_and_machine(control: &mut Control) -> (ftp_proto::Instant, &mut Connection) {
    let now = control.instant(Instant::now());
    (now, control.machine_mut().machine_mut())
}
