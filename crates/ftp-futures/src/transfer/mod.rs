//! Transfers: a control connection and a data connection, run together.

mod direct;
mod download;
#[cfg(feature = "tokio")]
mod tokio_io;
mod transport;
mod upload;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem::replace;
use std::task::{Context, Poll, ready};

use ftp_adapter::{
    DriverError, Error, Progress, Report, SocketOption, Started, TransferState, TransferStep,
};
use ftp_proto::Instant;
use ftp_proto::client::Transfer;
use ftp_proto::data::{self, Open, Ticket};
use ftp_rustls::Secured;

pub use self::download::Download;
#[cfg(feature = "tokio")]
pub use self::tokio_io::TokioIo;
pub(crate) use self::transport::Direct;
pub use self::transport::{BoxFuture, DataTransport, Listening};
pub use self::upload::Upload;
use crate::{Client, Clock, Driver, Io, Timer};

/// A transfer under way: runs both connections in turns, and holds all that is between two turns.
///
/// Dropping it gives the transfer up; the client settles that with the server before its next command.
pub(crate) struct Running<C: HoldsClient> {
    client: C,
    state: TransferState,
    data: Data<C::Runtime, C::Transport>,
    /// The data connection knows that nothing more comes.
    is_end_told: bool,
    /// What is written to the data connection does not wait for more.
    sends_at_once: bool,
}

/// The data connection.
enum Data<R, T> {
    None,
    /// A listener is being made.
    Listening(BoxFuture<io::Result<Listening<T>>>),
    /// The server was told where to connect.
    Told(BoxFuture<io::Result<T>>),
    Opening {
        ticket: Ticket,
        opening: BoxFuture<io::Result<T>>,
    },
    Open(Box<Driver<R, Secured<data::Connection>, T>>),
}

impl<R: Timer + Io<T>, T: Unpin> Data<R, T> {
    fn machine(&self) -> Option<&data::Connection> {
        match self {
            Self::Open(driver) => Some(driver.machine().machine()),
            _ => None,
        }
    }

    /// The machine, and the time now.
    fn machine_mut(&mut self) -> Option<(Instant, &mut data::Connection)> {
        match self {
            Self::Open(driver) => Some((driver.now(), driver.machine_mut().machine_mut())),
            _ => None,
        }
    }
}

/// What a transfer runs over: a [`Client`], borrowed (`&mut Client`) or owned.
///
/// Implemented for these two alone.
pub trait HoldsClient: sealed::HoldsClient {}

impl<R: Timer + Io<T>, T: Unpin> HoldsClient for Client<R, T> {}
impl<R: Timer + Io<T>, T: Unpin> HoldsClient for &mut Client<R, T> {}

mod sealed {
    use crate::{Client, Io, Timer};

    pub trait HoldsClient: Unpin {
        type Runtime: Timer + Io<Self::Transport>;
        type Transport: Unpin;
        fn client(&mut self) -> &mut Client<Self::Runtime, Self::Transport>;
    }

    impl<R: Timer + Io<T>, T: Unpin> HoldsClient for Client<R, T> {
        type Runtime = R;
        type Transport = T;

        fn client(&mut self) -> &mut Self {
            self
        }
    }

    impl<R: Timer + Io<T>, T: Unpin> HoldsClient for &mut Client<R, T> {
        type Runtime = R;
        type Transport = T;

        fn client(&mut self) -> &mut Client<R, T> {
            self
        }
    }
}

impl<C: HoldsClient> Running<C> {
    /// Starts the transfer and waits until it has begun, or is over already. On an error the client comes
    /// back.
    pub(crate) async fn start(mut client: C, transfer: Transfer) -> Result<Self, (C, Error)> {
        if let Err(error) = client.client().settle().await {
            return Err((client, error));
        }
        let mut running = Self::begin(client, transfer)?;
        match poll_fn(|cx| running.poll_begun(cx)).await {
            Ok(()) => Ok(running),
            Err(error) => Err((running.client, error)),
        }
    }

    /// Starts the transfer, when nothing is left undone.
    pub(crate) fn begin(mut client: C, transfer: Transfer) -> Result<Self, (C, Error)> {
        match client.client().start_transfer(transfer) {
            Ok(state) => Ok(Self {
                client,
                state,
                data: Data::None,
                is_end_told: false,
                sends_at_once: false,
            }),
            Err(error) => Err((client, error)),
        }
    }

    /// Waits until it has begun, or is over already.
    pub(crate) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.state.has_begun() {
            ready!(self.poll_turn(cx))?;
        }
        match self.outcome() {
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(_)) | None => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn started(&self) -> Option<&Started> {
        self.state.started()
    }

    /// How many bytes went over the data connection so far.
    pub(crate) fn moved(&self) -> u64 {
        self.state.moved(self.data.machine())
    }

    pub(crate) fn progress(&self) -> Progress {
        self.state.progress(self.data.machine())
    }

    pub(crate) fn on_progress(&mut self, call: impl FnMut(Progress) + Send + 'static) {
        self.state.on_progress(call);
        self.tell_progress();
    }

    fn tell_progress(&mut self) {
        self.state.tell_progress(self.data.machine());
    }

    /// What has been received and not been read.
    pub(crate) fn readable(&self) -> &[u8] {
        self.state.readable(self.data.machine())
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.state.consume(self.data.machine_mut(), count);
    }

    /// Hands bytes to the data connection; returns how many it took.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let data = self.data.machine_mut();
        data.map_or(0, |(now, data)| data.write(now, bytes))
    }

    /// Receives some bytes straight into the caller's buffer, if that can be done now.
    pub(crate) fn poll_read_past(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<Option<usize>> {
        let control_first = self.wants_control_turn();
        let count = match &mut self.data {
            Data::Open(driver) if !control_first => ready!(driver.poll_read_past(cx, space)),
            _ => None,
        };
        self.tell_progress();
        Poll::Ready(count)
    }

    /// Sends some bytes straight from the caller's buffer, if that can be done now.
    pub(crate) fn poll_write_past(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Option<usize>> {
        let may_pass = !self.wants_control_turn() && !self.awaits_session();
        let count = match &mut self.data {
            Data::Open(driver) if may_pass => ready!(driver.poll_write_past(cx, bytes)),
            _ => None,
        };
        self.tell_progress();
        Poll::Ready(count)
    }

    /// Ready once the data connection's transport holds nothing that was written.
    pub(crate) fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.data {
            Data::Open(driver) => driver.poll_flushed(cx),
            _ => Poll::Ready(()),
        }
    }

    /// Gives memory back that a transfer which goes on would use.
    pub(crate) fn shrink(&mut self) {
        if let Data::Open(driver) = &mut self.data {
            driver.machine_mut().shrink();
        }
    }

    /// Whether nothing that was written waits to be sent.
    pub(crate) fn is_flushed(&self) -> bool {
        let data = self.data.machine();
        self.state.is_over() || data.is_none_or(data::Connection::is_flushed)
    }

    /// What was written must not wait for more.
    pub(crate) fn send_at_once(&mut self) {
        if let Data::Open(driver) = &self.data
            && !driver.machine().machine().is_protected()
            && !replace(&mut self.sends_at_once, true)
        {
            let client = self.client.client();
            client.set_option(driver.transport(), Some(SocketOption::SendAtOnce));
        }
    }

    /// Whether the next data connection will have no session to resume, unless this one brings it. Then
    /// it is worthwhile to read during an upload: if it is given up, what was not read is lost.
    pub(crate) fn awaits_session(&mut self) -> bool {
        let is_protected = match &self.data {
            Data::Open(driver) => driver.machine().machine().is_protected(),
            _ => false,
        };
        is_protected && self.client.client().driver.machine().has_no_session_left()
    }

    /// All was written. The data connection is told once it is there, and so is the next one, if the
    /// transfer is tried once more.
    pub(crate) fn finish_writing(&mut self) {
        if !self.is_end_told
            && let Some((now, data)) = self.data.machine_mut()
        {
            data.finish(now);
            self.is_end_told = true;
        }
    }

    pub(crate) fn into_client(self) -> C {
        self.client
    }

    /// How it ended, if that is known. Errors come once; after that it is just over.
    pub(crate) fn outcome(&mut self) -> Option<Result<&Report, Error>> {
        if self.state.is_over() {
            self.state.note_moved(self.data.machine());
        }
        let outcome = self.state.outcome(C::Runtime::now)?;
        if outcome.is_err() {
            self.data = Data::None;
        }
        Some(outcome)
    }

    /// One turn: something happened on one of the connections, and was dealt with.
    ///
    /// The data comes first. The control connection is looked at when there is none, so that no system
    /// call is wasted while a file moves, and when it has something to send.
    pub(crate) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.wants_control_turn() {
            // What it sends must not wait for a pause of the data, and never holds the data up.
            if let Poll::Ready(turn) = self.poll_control(cx) {
                return Poll::Ready(turn);
            }
        }
        if self.poll_data(cx).is_ready() {
            self.tell_progress();
            return Poll::Ready(Ok(()));
        }
        self.poll_control(cx)
    }

    /// Whether the control connection has something to send although data moves.
    fn wants_control_turn(&mut self) -> bool {
        let driver = &self.client.client().driver;
        let at = driver.machine().machine().turn_at();
        at.is_some_and(|at| at <= driver.now())
    }

    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let event = match ready!(self.client.client().poll_event(cx)) {
            Ok(Some(event)) => event,
            Ok(None) => return Poll::Ready(self.state.control_lost(Error::Closed)),
            Err(error) => return Poll::Ready(self.state.control_lost(error)),
        };
        match self.state.on_event(event) {
            TransferStep::Open(ticket) => self.open(ticket),
            TransferStep::Listen => self.data = Data::Listening(self.client.client().listen()),
            TransferStep::Begun => self.begun(),
            TransferStep::GoOn => {}
            TransferStep::NotMine(event) => self.client.client().keep(event)?,
        }
        Poll::Ready(Ok(()))
    }

    fn begun(&mut self) {
        self.client.client().acknowledge_at_once();
        self.set_option_when_begun();
        if let Data::Open(driver) = &mut self.data
            && driver.machine().machine().is_protected()
        {
            let now = driver.now();
            driver.machine_mut().machine_mut().begun(now);
        }
    }

    /// Ready if something happened on the data connection, and was dealt with.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.data {
            Data::None | Data::Told(_) => return Poll::Pending,
            Data::Listening(listening) => {
                let listening = ready!(listening.as_mut().poll(cx));
                self.listening(listening);
            }
            Data::Opening { opening, .. } => {
                let opened = ready!(opening.as_mut().poll(cx));
                self.opened(opened);
            }
            Data::Open(driver) => match ready!(driver.poll_next(cx)) {
                Ok(Some(_)) => {}
                Ok(None) => self.ended(Ok(())),
                Err(error) => self.ended(Err(error)),
            },
        }
        Poll::Ready(())
    }

    fn listening(&mut self, listening: io::Result<Listening<C::Transport>>) {
        self.data = Data::None;
        let driver = &mut self.client.client().driver;
        let now = driver.now();
        let machine = driver.machine_mut();
        match listening {
            Ok(Listening { address, accept }) => {
                self.data = Data::Told(accept);
                self.state.listening(now, machine, address);
            }
            Err(error) => self.state.not_listening(now, machine, error),
        }
    }

    fn open(&mut self, ticket: Ticket) {
        let opening = match replace(&mut self.data, Data::None) {
            Data::Told(accept) if ticket.open() == Open::Accept => accept,
            _ => self.client.client().open_data(ticket.open()),
        };
        self.data = Data::Opening { ticket, opening };
    }

    fn opened(&mut self, opened: io::Result<C::Transport>) {
        let Data::Opening { ticket, .. } = replace(&mut self.data, Data::None) else {
            return;
        };
        let client = self.client.client();
        let now = client.driver.now();
        let (start, is_socket) = (client.driver.state.start(), client.peer.is_some());
        match opened {
            Ok(transport) => {
                // First: if the transfer is over by now, the server must not take its end for that of a file.
                client.set_option(&transport, self.state.option_at_start(&ticket));
                let machine = client.driver.machine_mut();
                let opened = self.state.opened(now, machine, ticket, is_socket);
                if let Some(machine) = opened {
                    (self.is_end_told, self.sends_at_once) = (false, false);
                    let mut driver = Driver::for_data_since(machine, transport, start);
                    if is_socket {
                        // It is dropped at its end.
                        driver.leave_open();
                    }
                    self.data = Data::Open(Box::new(driver));
                    self.set_option_when_begun();
                }
            }
            Err(error) => {
                let machine = client.driver.machine_mut();
                self.state.not_opened(now, machine, ticket, error);
            }
        }
    }

    fn set_option_when_begun(&mut self) {
        if let Data::Open(driver) = &self.data {
            let option = self.state.option_when_begun(driver.machine().machine());
            let client = self.client.client();
            client.set_option(driver.transport(), option);
        }
    }

    fn ended(&mut self, result: Result<(), DriverError<ftp_rustls::Error<data::Error>>>) {
        let Data::Open(driver) = replace(&mut self.data, Data::None) else {
            return;
        };
        let now = driver.state.seen();
        let crate::Parts {
            machine, transport, ..
        } = driver.into_parts();
        let client = self.client.client();
        if result.is_ok() {
            client.set_option(&transport, self.state.option_at_end(machine.machine()));
        }
        // The socket is closed here, before anything else is said over the control connection.
        drop(transport);
        let control = client.driver.machine_mut();
        self.state.ended(now, control, machine, result);
    }
}

impl<C: HoldsClient> fmt::Debug for Running<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
