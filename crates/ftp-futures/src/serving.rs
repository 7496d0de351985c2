//! The files and the data connections of one session of a [`Server`](crate::Server).

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{self, Context, Poll};

use ftp_adapter::{
    DataOpening, DriverError, FileDone, FileServer, FileSession, TransferSummary, socket,
};
use ftp_proto::data::{self, Ticket};
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
        held: None,
    })
}

struct Serving<R: Runtime> {
    files: FileSession,
    job: Option<BoxFuture<io::Result<FileDone>>>,
    data: Data<R>,
    /// Bytes are held back, to keep the bandwidth. Boxed: most servers have no limit.
    held: Option<Box<DeadlineTimer<R>>>,
}

/// The data connection. Boxed: most sessions have none most of the time.
enum Data<R: Runtime> {
    None,
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
                self.open(ticket);
                None
            }
            event => {
                if let Event::Transferred { .. } = event {
                    self.drop_data();
                }
                let now = control.instant(R::now());
                self.files.on_event(now, control.machine().machine(), event)
            }
        };
        self.go_on(control);
        left
    }

    fn poll(&mut self, cx: &mut Context<'_>, control: &mut Control) -> Poll<()> {
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
            task::ready!(self.poll_held(cx));
        }
        self.go_on(control);
        Poll::Ready(())
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
        self.data = Data::None;
    }
}

impl<R: Runtime> Serving<R> {
    /// Something has happened: moves bytes on, and starts what blocks.
    fn go_on(&mut self, control: &mut Control) {
        let data = match &mut self.data {
            Data::Open(driver) => Some(driver.machine_mut().machine_mut()),
            _ => None,
        };
        let clock = R::now();
        let now = control.instant(clock);
        let machine = control.machine_mut().machine_mut();
        if let Some(job) = self.files.next_job((now, clock), machine, data) {
            self.job = Some(Box::pin(R::unblock(|| job.run())));
        }
    }

    fn open(&mut self, ticket: Ticket) {
        let transport: BoxFuture<_> = match self.files.data_opening(ticket.open()) {
            Ok(DataOpening::Connect(address)) => Box::pin(R::connect(address)),
            Ok(DataOpening::Accept(listener)) => match Listening::new::<R>(listener) {
                Ok(listening) => listening.accept,
                Err(error) => Box::pin(ready(Err(error))),
            },
            Err(error) => Box::pin(ready(Err(error))),
        };
        self.data = Data::Opening(Box::new(Opening { ticket, transport }));
    }

    /// Ready if held bytes may move now.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.files.held_until() {
            Some(until) => self.held.get_or_insert_default().poll(cx, until),
            None => Poll::Pending,
        }
    }

    /// Ready if something happened on the data connection, and was dealt with.
    fn poll_data(&mut self, cx: &mut Context<'_>, control: &mut Control) -> Poll<()> {
        match &mut self.data {
            Data::None => return Poll::Pending,
            Data::Opening(opening) => {
                let opened = task::ready!(opening.transport.as_mut().poll(cx));
                self.opened(control, opened);
            }
            Data::Open(driver) => match task::ready!(driver.poll_next(cx)) {
                Ok(Some(_)) => {}
                Ok(None) => self.ended(control, Ok(())),
                Err(error) => self.ended(control, Err(error)),
            },
        }
        Poll::Ready(())
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
                    let driver = Driver::for_data_since(data, transport, start);
                    self.data = Data::Open(Box::new(driver));
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
        let (now, control) = now_and_machine::<R>(control);
        let mut machine = machine.into_machine();
        if result.is_err() {
            machine.failed(now);
        }
        self.files.data_over(now, control, machine);
    }
}

fn now_and_machine<R: Runtime>(control: &mut Control) -> (ftp_proto::Instant, &mut Connection) {
    let now = control.instant(R::now());
    (now, control.machine_mut().machine_mut())
}
