//! The two sides of a session: each has its control connection and, at times, a data connection.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use ftp_proto::data::{self, Detached, Open};
use ftp_proto::{Instant, client, server};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Poll, Token};

use crate::end::End;
use crate::one_file::{self, Outcome, Wanted, move_bytes};

type Data = Option<End<data::Connection>>;

pub(crate) struct Client {
    pub(crate) control: End<client::Connection>,
    data: Data,
    pub(crate) program: one_file::Client,
    /// Logged in, and told to wait for the others.
    pub(crate) rests: Option<client::Event>,
    data_token: Token,
}

pub(crate) struct Server {
    pub(crate) control: End<server::Connection>,
    data: Data,
    pub(crate) program: one_file::Server,
    listener: Option<TcpListener>,
    /// What is to run over the connection that the listener accepts.
    awaited: Option<Detached>,
    data_token: Token,
}

impl Client {
    pub(crate) fn new(control: End<client::Connection>, data_token: Token) -> Self {
        Self {
            control,
            data: None,
            program: one_file::Client::default(),
            rests: None,
            data_token,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.control.deadline, &self.data)
    }

    /// Goes as far as it goes.
    pub(crate) fn turn(&mut self, poll: &Poll, now: Instant) -> Outcome<()> {
        loop {
            if let Some(ended) = turn_data(&mut self.data, now, &mut self.program.file)? {
                self.control.machine.data_ended(now, ended.into_end())?;
            }
            let Some(event) = self.control.next(now)? else {
                return Ok(());
            };
            if matches!(event, client::Event::LoggedIn(_)) {
                self.rests = Some(event);
                return Ok(());
            }
            self.hear(poll, now, event)?;
        }
    }

    pub(crate) fn hear(&mut self, poll: &Poll, now: Instant, event: client::Event) -> Outcome<()> {
        let machine = &mut self.control.machine;
        if let Some(ticket) = self.program.hear(machine, now, event)? {
            let Open::ConnectToPeer { port } = ticket.open() else {
                return Err("this client only connects".into());
            };
            let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
            let mut machine = machine.data_opened(now, ticket)?;
            move_bytes(&mut machine, now, &mut self.program.file);
            self.data = Some(End::new(machine, stream, poll, self.data_token)?);
        }
        Ok(())
    }
}

impl Server {
    pub(crate) fn new(
        control: End<server::Connection>,
        data_token: Token,
        program: one_file::Server,
    ) -> Self {
        Self {
            control,
            data: None,
            program,
            listener: None,
            awaited: None,
            data_token,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.control.deadline, &self.data)
    }

    /// Goes as far as it goes.
    pub(crate) fn turn(&mut self, poll: &Poll, now: Instant) -> Outcome<()> {
        loop {
            if let (Some(listener), Some(awaited)) = (&self.listener, self.awaited)
                && let Some(stream) = accept(listener)?
            {
                let mut machine = awaited.connect(now);
                move_bytes(&mut machine, now, &mut self.program.file);
                self.data = Some(End::new(machine, stream, poll, self.data_token)?);
                (self.listener, self.awaited) = (None, None);
            }
            if let Some(ended) = turn_data(&mut self.data, now, &mut self.program.file)? {
                self.program.moved(&mut self.control.machine, now, ended)?;
            }
            let Some(event) = self.control.next(now)? else {
                return Ok(());
            };
            let machine = &mut self.control.machine;
            match self.program.hear(machine, now, event)? {
                Some(Wanted::Listener) => {
                    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
                    let registry = poll.registry();
                    registry.register(&mut listener, self.data_token, Interest::READABLE)?;
                    let port = listener.local_addr()?.port();
                    self.program.listens(machine, now, port)?;
                    self.listener = Some(listener);
                }
                Some(Wanted::Data(awaited)) => self.awaited = Some(awaited),
                None => {}
            }
        }
    }
}

/// Goes on with a data connection, if there is one. Its machine, when that has ended and is closed.
fn turn_data(
    data: &mut Data,
    now: Instant,
    file: &mut Vec<u8>,
) -> Outcome<Option<data::Connection>> {
    let Some(end) = data else {
        return Ok(None);
    };
    while end.next(now)?.is_some() {
        move_bytes(&mut end.machine, now, file);
    }
    let ended = data.take_if(|end| end.closed);
    Ok(ended.map(|end| end.machine))
}

fn earliest(control: Option<Instant>, data: &Data) -> Option<Instant> {
    let data = data.as_ref().and_then(|end| end.deadline);
    control.into_iter().chain(data).min()
}

/// Who knocks, if anybody does.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => Ok(Some(stream)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
