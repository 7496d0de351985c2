//! Client and server: each has its host, its control connection and, at times, a data connection.

use ftp_proto::data::{self, Open};
use ftp_proto::{Instant, client, server};
use ftp_rustls::Secured;
use smoltcp::iface::SocketHandle;
use smoltcp::wire::IpAddress;

use crate::host::{End, Host, Turn};
use crate::one_file::{self, Outcome, Wanted, move_bytes};

type Data = Option<End<Secured<data::Connection>>>;

pub(crate) struct Client {
    pub(crate) host: Host,
    pub(crate) control: End<Secured<client::Connection>>,
    data: Data,
    pub(crate) program: one_file::Client,
    server: IpAddress,
    next_port: u16,
}

pub(crate) struct Server {
    host: Host,
    pub(crate) control: End<Secured<server::Connection>>,
    data: Data,
    pub(crate) program: one_file::Server,
    listener: Option<SocketHandle>,
    next_port: u16,
}

impl Client {
    pub(crate) fn new(
        mut host: Host,
        machine: Secured<client::Connection>,
        server: (IpAddress, u16),
    ) -> Outcome<Self> {
        let socket = host.connect(server, 49_152)?;
        Ok(Self {
            host,
            control: End { machine, socket },
            data: None,
            program: one_file::Client::default(),
            server: server.0,
            next_port: 49_153,
        })
    }

    pub(crate) fn turn(&mut self, now: Instant) -> Outcome<Turn<()>> {
        let file = &mut self.program.file;
        let data_rests = match turn_data(&mut self.host, &mut self.data, now, file)? {
            Turn::Told(ended) => {
                let machine = self.control.machine.machine_mut();
                machine.data_ended(now, ended.into_end())?;
                None
            }
            Turn::Rests(until) => until,
            Turn::Closed => None,
        };
        let event = match self.host.turn(&mut self.control, now)? {
            Turn::Told(event) => event,
            Turn::Rests(until) => {
                return Ok(Turn::Rests(until.into_iter().chain(data_rests).min()));
            }
            Turn::Closed => return Ok(Turn::Closed),
        };
        let machine = self.control.machine.machine_mut();
        if let Some(ticket) = self.program.hear(machine, now, event)? {
            let Open::ConnectToPeer { port } = ticket.open() else {
                return Err("this client only connects".into());
            };
            let socket = self.host.connect((self.server, port), self.next_port)?;
            self.next_port += 1;
            let mut machine = machine.data_opened(now, ticket)?;
            move_bytes(&mut machine, now, &mut self.program.file);
            let machine = self.control.machine.data(machine);
            self.data = Some(End { machine, socket });
        }
        Ok(Turn::Told(()))
    }
}

impl Server {
    pub(crate) fn new(
        mut host: Host,
        machine: Secured<server::Connection>,
        port: u16,
        file: Vec<u8>,
    ) -> Outcome<Self> {
        let socket = host.listen(port)?;
        Ok(Self {
            host,
            control: End { machine, socket },
            data: None,
            program: one_file::Server::new(file),
            listener: None,
            next_port: 49_152,
        })
    }

    pub(crate) fn turn(&mut self, now: Instant) -> Outcome<Turn<()>> {
        let file = &mut self.program.file;
        let data_rests = match turn_data(&mut self.host, &mut self.data, now, file)? {
            Turn::Told(ended) => {
                let machine = self.control.machine.machine_mut();
                self.program.moved(machine, now, ended)?;
                None
            }
            Turn::Rests(until) => until,
            Turn::Closed => None,
        };
        let event = match self.host.turn(&mut self.control, now)? {
            Turn::Told(event) => event,
            Turn::Rests(until) => {
                return Ok(Turn::Rests(until.into_iter().chain(data_rests).min()));
            }
            Turn::Closed => return Ok(Turn::Closed),
        };
        let machine = self.control.machine.machine_mut();
        match self.program.hear(machine, now, event)? {
            Some(Wanted::Listener) => {
                self.listener = Some(self.host.listen(self.next_port)?);
                self.program.listens(machine, now, self.next_port)?;
                self.next_port += 1;
            }
            Some(Wanted::Data(data)) => {
                let socket = self.listener.take().ok_or("nothing was opened")?;
                let mut machine = data.connect(now);
                move_bytes(&mut machine, now, &mut self.program.file);
                let machine = self.control.machine.data(machine);
                self.data = Some(End { machine, socket });
            }
            None => {}
        }
        Ok(Turn::Told(()))
    }
}

/// Goes on with a data connection, if there is one. Tells its machine when that has ended and is closed.
fn turn_data(
    host: &mut Host,
    data: &mut Data,
    now: Instant,
    file: &mut Vec<u8>,
) -> Outcome<Turn<data::Connection>> {
    let Some(end) = data else {
        return Ok(Turn::Closed);
    };
    loop {
        match host.turn(end, now)? {
            Turn::Told(_) => move_bytes(end.machine.machine_mut(), now, file),
            Turn::Rests(until) => return Ok(Turn::Rests(until)),
            Turn::Closed => break,
        }
    }
    let ended = data.take().map(|end| end.machine.into_machine());
    Ok(ended.map_or(Turn::Closed, Turn::Told))
}
