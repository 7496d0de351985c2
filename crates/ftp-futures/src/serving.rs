//! The files and the data connections of one session of a [`Server`](crate::Server).

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{self, Context, Poll};
use std::time::{Duration, Instant};

use ftp_adapter::{
    ActiveListener, DataOpening, DriverError, FileDone, FileServer, FileSession, TransferSummary,
    socket,
};
use ftp_proto::data::{self, Direction, Open, Ticket};
use ftp_proto::server::{Connection, Event};
use ftp_rustls::Secured;

use crate::runtime::DeadlineTimer;
use crate::session_runner::{Control, ServesFiles};
use crate::{BoxFuture, Driver, Listening, Parts, Runtime};

/// For a session that begins.
pub(crate) fn begin<R: Runtime>(
    server: Arc<FileServer>,
    client: (u64, SocketAddr),
    local: Option<SocketAddr>,
) -> Box<dyn ServesFiles> {
    Box::new(Serving::<R> {
        files: FileSession::new(server, client, local),
        job: None,
        data: Data::None,
        timer: None,
    })
}

struct Serving<R: Runtime> {
    files: FileSession,
    job: Option<BoxFuture<io::Result<FileDone>>>,
    data: Data<R>,
    /// For bytes that wait. Boxed: most sessions move none most of the time.
    timer: Option<Box<DeadlineTimer<R>>>,
}

/// The data connection. Boxed: most sessions have none most of the time.
enum Data<R: Runtime> {
    None,
    /// To be made, before there is a transfer for it.
    Awaited(BoxFuture<io::Result<R::TcpStream>>),
    /// Made, but TLS cannot begin on it yet.
    Accepted(Box<R::TcpStream>),
    /// TLS may begin on it.
    Early(Box<DataDriver<R>>),
    Opening(Box<Opening<R::TcpStream>>),
    Open(Box<DataDriver<R>>),
}

struct Opening<T> {
    ticket: Ticket,
    transport: BoxFuture<io::Result<T>>,
}

type DataDriver<R> = Driver<R, Secured<data::Connection>, <R as Runtime>::TcpStream>;

impl<R: Runtime> ServesFiles for Serving<R> {
    fn on_event(&mut self, control: &mut Control, event: Event) -> Option<Event> {
        let left = match event {
            Event::OpenData(ticket) => {
                self.open(control, ticket);
                None
            }
            event => {
                match (&event, &self.data) {
                    (Event::Transferred { .. }, Data::Opening(_) | Data::Open(_)) => {
                        self.drop_data()
                    }
                    (
                        Event::StopListening,
                        Data::Awaited(_) | Data::Accepted(_) | Data::Early(_),
                    ) => {
                        self.drop_data();
                    }
                    _ => {}
                }
                let now = control.instant(R::now());
                self.files.on_event(now, control.machine().machine(), event)
            }
        };
        self.go_on(control);
        left
    }

    fn poll(&mut self, cx: &mut Context<'_>, control: &mut Control) -> Poll<()> {
        self.drop_early(control);
        if let Some(job) = &mut self.job
            && let Poll::Ready(done) = job.as_mut().poll(cx)
        {
            self.job = None;
            let (now, machine) = now_and_machine::<R>(control);
            match done {
                Ok(done) => self.files.done(now, machine, done),
                Err(_) => self.files.lost(now, machine),
            }
        } else if self.poll_data(cx, control).is_pending() {
            task::ready!(self.poll_timer(cx));
            if let Data::Open(driver) = &mut self.data {
                // What it held for the bytes of a transfer that does not go on.
                driver.machine_mut().shrink();
            }
        }
        self.go_on(control);
        Poll::Ready(())
    }

    fn must_look(&self) -> bool {
        self.files.must_look(R::now()) == Some(Duration::ZERO)
    }

    fn looked(&mut self, control: &mut Control) {
        self.files.looked();
        self.go_on(control);
    }

    fn summary(&mut self, control: &Control, event: &Event) -> Option<Box<TransferSummary>> {
        self.files.summary(control.instant(R::now()), event)
    }

    fn is_busy(&self) -> bool {
        self.files.is_busy()
    }

    fn is_working(&self) -> bool {
        self.job.is_some()
    }

    fn drop_data(&mut self) {
        (self.data, self.timer) = (Data::None, None);
    }
}

impl<R: Runtime> Serving<R> {
    /// Something has happened: moves bytes on, and starts what blocks.
    fn go_on(&mut self, control: &mut Control) {
        let mut data = match &mut self.data {
            Data::Open(driver) => Some(driver.machine_mut().machine_mut()),
            _ => None,
        };
        let clock = R::now();
        let now = control.instant(clock);
        let machine = control.machine_mut().machine_mut();
        while let Some(job) = self
            .files
            .next_job((now, clock), machine, data.as_deref_mut())
        {
            match job.run_at_once() {
                Ok(done) => self.files.done(now, machine, done),
                Err(job) => self.job = Some(Box::pin(R::unblock(|| job.run()))),
            }
        }
        self.look_for_early(control);
    }

    /// A data connection that will be under TLS is accepted before there is a transfer for it.
    fn look_for_early(&mut self, control: &Control) {
        if let Data::None = self.data
            && let Some(listener) = self.files.early_listener(control.machine().machine())
            // Otherwise nobody can connect, and the transfer is told.
            && let Ok(listening) = Listening::new::<R>(listener)
        {
            self.data = Data::Awaited(listening.accept);
        }
    }

    /// One that must not be used any more ends.
    fn drop_early(&mut self, control: &Control) {
        if let Data::Early(driver) = &self.data
            && !control
                .machine()
                .machine()
                .keeps_early_data(driver.machine().machine())
        {
            self.data = Data::None;
        }
    }

    fn open(&mut self, control: &mut Control, ticket: Ticket) {
        let transport = match (std::mem::replace(&mut self.data, Data::None), ticket.open()) {
            (Data::Early(driver), Open::Accept) => return self.take_on(control, ticket, driver),
            (Data::Awaited(transport), Open::Accept) => transport,
            (Data::Accepted(transport), Open::Accept) => Box::pin(ready(Ok(*transport))),
            (_, open) => self.connection(open),
        };
        self.data = Data::Opening(Box::new(Opening { ticket, transport }));
    }

    /// The data connection is there, and perhaps TLS on it.
    fn take_on(&mut self, control: &mut Control, ticket: Ticket, mut driver: Box<DataDriver<R>>) {
        let (now, machine) = now_and_machine::<R>(control);
        let data = driver.machine_mut().machine_mut();
        // It fails if the transfer is over by now.
        if machine.early_data_opened(now, ticket, data).is_ok() {
            socket::reset_if_cut(
                &R::stream_socket(driver.transport()),
                driver.machine().machine(),
                true,
            );
            self.data = Data::Open(driver);
        }
    }

    fn connection(&mut self, open: Open) -> BoxFuture<io::Result<R::TcpStream>> {
        match self.files.data_opening(open) {
            Ok(DataOpening::Connect(address)) => Box::pin(R::connect(address)),
            Ok(DataOpening::Accept(listener)) => accept::<R>(listener),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// Ready if bytes that wait are to be looked at.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.files.wakes_at() {
            Some(at) => self.timer.get_or_insert_default().poll(cx, at),
            None => Poll::Pending,
        }
    }

    /// Ready if something happened on the data connection, and was dealt with.
    fn poll_data(&mut self, cx: &mut Context<'_>, control: &mut Control) -> Poll<()> {
        match &mut self.data {
            Data::None | Data::Accepted(_) => return Poll::Pending,
            Data::Awaited(transport) => {
                let accepted = task::ready!(transport.as_mut().poll(cx));
                self.accepted(control, accepted);
            }
            Data::Early(driver) => {
                if let Ok(None) | Err(_) = task::ready!(driver.poll_next(cx)) {
                    // The transfer is told that there is none.
                    self.data = Data::None;
                }
            }
            Data::Opening(opening) => {
                let opened = task::ready!(opening.transport.as_mut().poll(cx));
                self.opened(control, opened);
            }
            Data::Open(driver) => {
                let clock = R::now();
                match driver.machine().machine().direction() {
                    Direction::Receive => {
                        if let Some(space) = self.files.space_past(clock)
                            && let Some(count) = task::ready!(driver.poll_read_past(cx, space))
                        {
                            self.files.came_past(clock, count);
                            return Poll::Ready(());
                        }
                    }
                    Direction::Send => {
                        if let Some(bytes) = self.files.unsent(clock)
                            && let count @ 1.. = task::ready!(driver.poll_send(cx, bytes))
                        {
                            let now = control.instant(clock);
                            let machine = control.machine_mut().machine_mut();
                            self.files.sent((now, clock), machine, count);
                            return Poll::Ready(());
                        }
                    }
                }
                match task::ready!(driver.poll_next(cx)) {
                    Ok(Some(_)) => {}
                    Ok(None) => self.ended(control, Ok(())),
                    Err(error) => self.ended(control, Err(error)),
                }
            }
        }
        Poll::Ready(())
    }

    /// Before there is a transfer for it.
    fn accepted(&mut self, control: &mut Control, accepted: io::Result<R::TcpStream>) {
        let start = control.start();
        let (now, machine) = now_and_machine::<R>(control);
        self.data = match (accepted, machine.early_data(now)) {
            (Ok(transport), Some(data)) => {
                let data = control.machine().data(data);
                Data::Early(data_driver(data, transport, start))
            }
            (Ok(transport), None) => Data::Accepted(Box::new(transport)),
            (Err(_), _) => Data::None,
        };
    }

    fn opened(&mut self, control: &mut Control, opened: io::Result<R::TcpStream>) {
        let Data::Opening(opening) = std::mem::replace(&mut self.data, Data::None) else {
            return;
        };
        let start = control.start();
        let (now, machine) = now_and_machine::<R>(control);
        match opened {
            Ok(transport) => {
                // It fails if the transfer is over by now.
                if let Ok(data) = machine.data_opened(now, opening.ticket) {
                    let data = control.machine().data(data);
                    socket::reset_if_cut(&R::stream_socket(&transport), data.machine(), true);
                    self.data = Data::Open(data_driver(data, transport, start));
                }
            }
            // As above.
            Err(_) => drop(machine.data_failed(now, opening.ticket)),
        }
    }

    fn ended(
        &mut self,
        control: &mut Control,
        result: Result<(), DriverError<ftp_rustls::Error<data::Error>>>,
    ) {
        let Data::Open(driver) = std::mem::replace(&mut self.data, Data::None) else {
            return;
        };
        let Parts {
            machine, transport, ..
        } = driver.into_parts();
        if result.is_ok() {
            socket::reset_if_cut(&R::stream_socket(&transport), machine.machine(), false);
        }
        // The socket is closed here, before anything is said over the control connection.
        drop(transport);
        let clock = R::now();
        let now = control.instant(clock);
        let mut machine = machine.into_machine();
        if result.is_err() {
            machine.failed(now);
        }
        let control = control.machine_mut().machine_mut();
        self.files.data_over((now, clock), control, machine);
    }
}

/// Most clients have connected by now: then the runtime need not wait for it.
fn accept<R: Runtime>(listener: ActiveListener) -> BoxFuture<io::Result<R::TcpStream>> {
    let error = match listener.accept() {
        Ok(Some(stream)) => return Box::pin(R::stream(stream)),
        Ok(None) => match Listening::new::<R>(listener) {
            Ok(listening) => return listening.accept,
            Err(error) => error,
        },
        Err(error) => error,
    };
    Box::pin(ready(Err(error)))
}

fn data_driver<R: Runtime>(
    data: Secured<data::Connection>,
    transport: R::TcpStream,
    start: Instant,
) -> Box<DataDriver<R>> {
    let mut driver = Driver::for_data_since(data, transport, start);
    // Its socket is closed when it has ended.
    driver.leave_open();
    Box::new(driver)
}

fn now_and_machine<R: Runtime>(control: &mut Control) -> (ftp_proto::Instant, &mut Connection) {
    let now = control.instant(R::now());
    (now, control.machine_mut().machine_mut())
}
