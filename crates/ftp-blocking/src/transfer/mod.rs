//! Transfers: a control connection and a data connection, run together by one thread.
//!
//! A thread can wait for one socket only. Which one, and for how long:
//!
//! * While the server has not said that it begins, in clear: for the control connection, since nothing
//!   can be done before. While TLS shakes hands: for both in turns, each for 5 ms, then for longer and
//!   longer, because some servers shake hands before that reply and some after it.
//! * While data moves: for the data connection. The control connection is looked at only when no data
//!   came for a tenth of a second, or when it has something to send.
//! * After that: for the control connection.

mod aborter;
mod download;
mod file;
#[cfg_attr(
    not(all(target_os = "linux", feature = "kernel-copy")),
    path = "no_kernel_copy.rs"
)]
mod kernel_copy;
mod transport;
mod upload;

use std::fmt;
use std::io;
use std::mem::replace;
use std::task::Poll;
use std::time::{self, Duration};

use ftp_adapter::{
    DriverError, Error, Progress, Report, SocketOption, Started, TransferState, TransferStep,
};
use ftp_proto::Instant;
use ftp_proto::client::Transfer;
use ftp_proto::data::{self, Open, Ticket};
use ftp_rustls::Secured;

pub use self::aborter::Aborter;
pub use self::download::Download;
pub(crate) use self::transport::Direct;
pub use self::transport::{DataListener, DataTransport};
pub use self::upload::Upload;
use crate::{Client, Driver, Transport};

/// How long to wait for one connection at first before the other is looked at; doubled each time, up
/// to [`LONGEST_SLICE`].
const FIRST_SLICE: Duration = Duration::from_millis(5);
const LONGEST_SLICE: Duration = Duration::from_millis(100);
/// How long to wait for the control connection if there is nothing else to look at.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A transfer under way: runs both connections in turns, and holds all that is between two turns.
///
/// Dropping it gives the transfer up; the client settles that with the server before its next command.
pub(crate) struct Running<C: HoldsClient> {
    client: C,
    state: TransferState,
    data: Data<C::Transport>,
    /// The data connection knows that nothing more comes.
    is_end_told: bool,
    /// What is written to the data connection does not wait for more.
    sends_at_once: bool,
    slice: Duration,
}

type DataDriver<T> = Driver<Secured<data::Connection>, T>;

/// The data connection.
enum Data<T> {
    None,
    Listening {
        listener: Box<dyn DataListener<T>>,
        /// Comes when the server knows the address.
        ticket: Option<Ticket>,
    },
    Open {
        driver: Box<DataDriver<T>>,
        is_protected: bool,
    },
}

/// What a transfer runs over: a [`Client`], borrowed (`&mut Client`) or owned.
///
/// Implemented for these two alone.
pub trait HoldsClient: sealed::HoldsClient {}

impl<T: Transport> HoldsClient for Client<T> {}
impl<T: Transport> HoldsClient for &mut Client<T> {}

mod sealed {
    use crate::{Client, Transport};

    pub trait HoldsClient {
        type Transport: Transport;
        fn client(&mut self) -> &mut Client<Self::Transport>;
    }

    impl<T: Transport> HoldsClient for Client<T> {
        type Transport = T;

        fn client(&mut self) -> &mut Self {
            self
        }
    }

    impl<T: Transport> HoldsClient for &mut Client<T> {
        type Transport = T;

        fn client(&mut self) -> &mut Client<T> {
            self
        }
    }
}

impl<T: Transport> Data<T> {
    fn machine(&self) -> Option<&data::Connection> {
        match self {
            Self::Open { driver, .. } => Some(driver.machine().machine()),
            Self::None | Self::Listening { .. } => None,
        }
    }

    /// The machine, and the time now.
    fn machine_mut(&mut self) -> Option<(Instant, &mut data::Connection)> {
        match self {
            Self::Open { driver, .. } => Some((driver.now(), driver.machine_mut().machine_mut())),
            Self::None | Self::Listening { .. } => None,
        }
    }
}

impl<C: HoldsClient> Running<C> {
    /// Starts the transfer and waits until it has begun, or is over already. On an error the client comes
    /// back.
    pub(crate) fn start(mut client: C, transfer: Transfer) -> Result<Self, (C, Error)> {
        match client.client().settle() {
            Ok(()) => Self::start_settled(client, transfer),
            Err(error) => Err((client, error)),
        }
    }

    /// The same, when nothing is left undone.
    pub(crate) fn start_settled(mut client: C, transfer: Transfer) -> Result<Self, (C, Error)> {
        let state = match client.client().start_transfer(transfer) {
            Ok(state) => state,
            Err(error) => return Err((client, error)),
        };
        let mut running = Self {
            client,
            state,
            data: Data::None,
            is_end_told: false,
            sends_at_once: false,
            slice: FIRST_SLICE,
        };
        while !running.state.has_begun() {
            if let Err(error) = running.turn() {
                return Err((running.client, error));
            }
        }
        match running.outcome() {
            Some(Err(error)) => Err((running.client, error)),
            Some(Ok(_)) | None => Ok(running),
        }
    }

    pub(crate) fn into_client(self) -> C {
        self.client
    }

    pub(crate) fn started(&self) -> Option<&Started> {
        self.state.started()
    }

    /// How many bytes went over the data connection so far.
    pub(crate) fn moved(&self) -> u64 {
        self.state.moved(self.data.machine())
    }

    /// How it ended, if that is known. Errors come once; after that it is just over.
    pub(crate) fn outcome(&mut self) -> Option<Result<&Report, Error>> {
        if self.state.is_over() {
            self.state.note_moved(self.data.machine());
        }
        let outcome = self.state.outcome(time::Instant::now)?;
        if outcome.is_err() {
            self.data = Data::None;
        }
        Some(outcome)
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

    /// Reads straight into the caller's buffer, if there is nothing between it and the transport. 0: take
    /// a [`turn`](Self::turn).
    #[inline]
    pub(crate) fn read_past(&mut self, space: &mut [u8]) -> usize {
        self.go_past(|driver| driver.read_past(space, LONGEST_SLICE))
    }

    /// The same for writing.
    #[inline]
    fn write_past(&mut self, bytes: &[u8]) -> usize {
        if self.awaits_session() {
            return 0;
        }
        self.go_past(|driver| driver.write_past(bytes, LONGEST_SLICE))
    }

    #[inline]
    fn go_past(&mut self, go: impl FnOnce(&mut DataDriver<C::Transport>) -> usize) -> usize {
        let control_first = self.wants_control_turn();
        let count = match &mut self.data {
            Data::Open { driver, .. } if !control_first => go(driver),
            _ => 0,
        };
        self.tell_progress();
        count
    }

    /// Whether the system can copy between a file and the data connection.
    #[cfg(all(target_os = "linux", feature = "kernel-copy"))]
    fn is_kernel_copyable(&self) -> bool {
        match &self.data {
            Data::Open { driver, .. } => driver.has_plain_socket(),
            Data::None | Data::Listening { .. } => false,
        }
    }

    /// Whether the control connection has something to send although data moves.
    fn wants_control_turn(&mut self) -> bool {
        let driver = &self.client.client().driver;
        let at = driver.machine().machine().turn_at();
        at.is_some_and(|at| at <= driver.now())
    }

    /// Sends some of the bytes, and returns how many.
    #[inline]
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        loop {
            self.check_abort();
            if !self.state.is_over() {
                let count = self.write_past(bytes);
                if count > 0 {
                    return Ok(count);
                }
            }
            let count = self.send_in_turn(bytes)?;
            if count > 0 {
                return Ok(count);
            }
        }
    }

    /// The same, by way of the machine; or takes a [`turn`](Self::turn), if that has no room.
    #[cold]
    fn send_in_turn(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.serve_control()?;
        if let Some(outcome) = self.outcome() {
            outcome?;
            // The server says that the file is whole, and there is more.
            return Err(Error::Closed);
        }
        if let Data::Open { driver, .. } = &mut self.data {
            let now = driver.now();
            let count = driver.machine_mut().machine_mut().write(now, bytes);
            if count > 0 {
                self.flush()?;
                return Ok(count);
            }
        }
        self.turn()?;
        Ok(0)
    }

    /// Waits until all that was written is with the transport. What that finds out is told by the next
    /// call.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        let is_flushed = |data: &data::Connection| data.is_flushed();
        while !self.state.is_over() && !self.data.machine().is_none_or(is_flushed) {
            self.turn()?;
        }
        if let Data::Open {
            driver,
            is_protected,
        } = &mut self.data
        {
            if !*is_protected && !replace(&mut self.sends_at_once, true) {
                let client = self.client.client();
                client.set_option(driver.transport(), Some(SocketOption::SendAtOnce));
            }
            driver.flush_now();
            driver.machine_mut().shrink();
        }
        self.take_sessions()
    }

    /// Whether the next data connection will have no session to resume, unless this one brings it. Then
    /// it is worthwhile to read during an upload: if it is given up, what was not read is lost.
    fn awaits_session(&mut self) -> bool {
        let is_protected = matches!(
            self.data,
            Data::Open {
                is_protected: true,
                ..
            }
        );
        is_protected && self.client.client().driver.machine().has_no_session_left()
    }

    fn take_sessions(&mut self) -> Result<(), Error> {
        while self.awaits_session() {
            let Data::Open { driver, .. } = &mut self.data else {
                break;
            };
            let next = driver.next_within(Duration::ZERO);
            let is_all = matches!(next, Ok(Poll::Pending));
            self.data_moved(next)?;
            if is_all {
                break;
            }
        }
        Ok(())
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

    /// Another thread may have given the transfer up.
    #[inline]
    pub(crate) fn check_abort(&mut self) {
        if self.client.client().aborter.is_wanted() {
            self.abort();
        }
    }

    #[cold]
    fn abort(&mut self) {
        let client = self.client.client();
        client.aborter.reset();
        self.state.note_moved(self.data.machine());
        self.data = Data::None;
        let now = client.driver.now();
        // If it is over already, so be it.
        let _over_already = client.machine().abort(now);
    }

    /// One turn: something happened on one of the connections and was dealt with, or nothing happened
    /// for a while.
    pub(crate) fn turn(&mut self) -> Result<(), Error> {
        self.check_abort();
        self.serve_control()?;
        let has_begun = self.state.has_begun();
        match &mut self.data {
            Data::Listening {
                listener,
                ticket: Some(_),
            } => match listener.accept().transpose() {
                Some(accepted) => self.accepted(accepted),
                None => self.look_between(),
            },
            Data::Open { driver, .. } if has_begun => match driver.next_within(LONGEST_SLICE) {
                Ok(Poll::Pending) => {
                    // What it holds for a transfer that does not go on.
                    driver.machine_mut().shrink();
                    // Not to be waited for: the data is what matters.
                    self.look_at_control(Duration::ZERO).map(drop)
                }
                next => self.data_moved(next),
            },
            Data::Open {
                driver,
                is_protected: true,
            } if driver.machine().machine().tls().is_none() => {
                match driver.next_within(self.slice) {
                    Ok(Poll::Pending) => self.look_between(),
                    next => self.data_moved(next),
                }
            }
            _ => {
                let is_held = self.client.client().aborter.is_held();
                let most = if is_held { LONGEST_SLICE } else { LONGEST_WAIT };
                self.look_at_control(most).map(drop)
            }
        }
    }

    fn data_moved(
        &mut self,
        next: Result<Poll<Option<data::Event>>, DriverError<ftp_rustls::Error<data::Error>>>,
    ) -> Result<(), Error> {
        match next {
            Ok(Poll::Ready(Some(_)) | Poll::Pending) => {}
            Ok(Poll::Ready(None)) => self.ended(Ok(())),
            Err(error) => self.ended(Err(error)),
        }
        self.tell_progress();
        Ok(())
    }

    /// What the control connection has to send must not wait for a pause of the data, and never holds the
    /// data up.
    fn serve_control(&mut self) -> Result<(), Error> {
        if self.wants_control_turn() {
            let _nothing_came = self.look_at_control(Duration::ZERO)?;
        }
        Ok(())
    }

    /// Waits for the control connection for a while; for longer the next time, if nothing came.
    fn look_between(&mut self) -> Result<(), Error> {
        self.slice = match self.look_at_control(self.slice)? {
            Poll::Ready(()) => FIRST_SLICE,
            Poll::Pending => (self.slice * 2).min(LONGEST_SLICE),
        };
        Ok(())
    }

    /// Waits for the control connection for at most this time.
    fn look_at_control(&mut self, most: Duration) -> Result<Poll<()>, Error> {
        let client = self.client.client();
        let event = match client.event_within(most) {
            Ok(Poll::Pending) => return Ok(Poll::Pending),
            Ok(Poll::Ready(Some(event))) => event,
            Ok(Poll::Ready(None)) => {
                self.state.control_lost(Error::Closed)?;
                return Ok(Poll::Ready(()));
            }
            Err(error) => {
                self.state.control_lost(error)?;
                return Ok(Poll::Ready(()));
            }
        };
        match self.state.on_event(event) {
            TransferStep::Open(ticket) => self.open(ticket),
            TransferStep::Listen => self.listen(),
            TransferStep::Begun => self.begun(),
            TransferStep::GoOn => {}
            TransferStep::NotMine(event) => client.pending.keep(event)?,
        }
        Ok(Poll::Ready(()))
    }

    fn begun(&mut self) {
        self.client.client().acknowledge_at_once();
        self.set_option_when_begun();
        if let Data::Open {
            driver,
            is_protected: true,
        } = &mut self.data
        {
            let now = driver.now();
            driver.machine_mut().machine_mut().begun(now);
        }
    }

    fn listen(&mut self) {
        let client = self.client.client();
        let now = client.driver.now();
        let listening = client.listen_for_data();
        let machine = client.driver.machine_mut();
        match listening {
            Ok(listener) => {
                self.state.listening(now, machine, listener.address());
                self.data = Data::Listening {
                    listener,
                    ticket: None,
                };
            }
            Err(error) => self.state.not_listening(now, machine, error),
        }
    }

    fn open(&mut self, new: Ticket) {
        if let (Open::Accept, Data::Listening { ticket, .. }) = (new.open(), &mut self.data) {
            *ticket = Some(new);
            return;
        }
        let opened = self.client.client().connect_data(&new);
        self.opened(new, opened);
    }

    fn accepted(&mut self, accepted: io::Result<C::Transport>) -> Result<(), Error> {
        if let Data::Listening {
            ticket: Some(ticket),
            ..
        } = replace(&mut self.data, Data::None)
        {
            self.opened(ticket, accepted);
        }
        Ok(())
    }

    fn opened(&mut self, ticket: Ticket, opened: io::Result<C::Transport>) {
        let client = self.client.client();
        let now = client.driver.now();
        let (start, is_socket) = (client.driver.state.start(), client.peer.is_some());
        self.data = Data::None;
        match opened {
            Ok(transport) => {
                let is_protected = ticket.is_protected();
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
                    self.data = Data::Open {
                        driver: Box::new(driver),
                        is_protected,
                    };
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
        if let Data::Open { driver, .. } = &self.data {
            let option = self.state.option_when_begun(driver.machine().machine());
            let client = self.client.client();
            client.set_option(driver.transport(), option);
        }
    }

    fn ended(&mut self, result: Result<(), DriverError<ftp_rustls::Error<data::Error>>>) {
        if let Data::Open { driver, .. } = replace(&mut self.data, Data::None) {
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
}

impl<C: HoldsClient> fmt::Debug for Running<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
