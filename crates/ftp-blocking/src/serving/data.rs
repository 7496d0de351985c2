//! The data connection of a session, from its ticket to its end.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::task::Poll;
use std::time::Instant;

use ftp_adapter::socket2::SockRef;
use ftp_adapter::{ActiveListener, DataOpening, socket};
use ftp_proto::data::{self, Ticket};

use super::pumping::{DataDriver, DataError, Moved, Pumping};
use super::{Serving, now_and_machine};
use crate::connector::connect;
use crate::session_runner::{Control, Waited};
use crate::worker::Worker;
use crate::{Driver, Parts};

/// The data connection.
pub(super) enum Data {
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

impl Serving {
    pub(super) fn open<'scope>(
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

    pub(super) fn opened(&mut self, control: &mut Control, opened: io::Result<TcpStream>) {
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

    /// Has the second thread move the bytes, if there are many.
    pub(super) fn pump<'scope>(&mut self, control: &mut Control, worker: &mut Worker<'scope, '_>) {
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

    /// The data connection whose bytes this thread moves.
    pub(super) fn open_went_on(
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
            let times = (now, Instant::now());
            self.files
                .data_over(times, machine, close(now, *driver, result));
        }
        Waited::Happened
    }

    /// The second thread has moved all bytes, or is lost.
    pub(super) fn moved(&mut self, control: &mut Control, moved: Option<Moved>) -> Waited {
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
            self.files.data_over((now, Instant::now()), machine, data);
        }
        Waited::Happened
    }

    /// There is no data connection any more.
    pub(super) fn drop_data(&mut self) {
        self.data = match std::mem::replace(&mut self.data, Data::None) {
            Data::Moving { moved, given_up } => {
                given_up.store(true, Ordering::Relaxed);
                Data::GivenUp(moved)
            }
            given_up @ Data::GivenUp(_) => given_up,
            Data::None | Data::Accepting(..) | Data::Connecting(..) | Data::Open(_) => Data::None,
        };
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
