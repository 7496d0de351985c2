//! A host: its network stack with one connection, and the machine that speaks over it.

use std::error::Error;
use std::time::Duration;

use ftp_proto::{Action, Instant, Machine};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::Outcome;
use crate::link::{Link, MOST_BYTES};

pub(crate) struct Node<M> {
    pub(crate) machine: M,
    pub(crate) link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

/// How far a turn went.
pub(crate) enum Turn<E> {
    Told(E),
    /// Packets or, at the latest, this time are waited for.
    Rests(Option<Instant>),
    Closed,
}

fn ticks(now: Instant) -> time::Instant {
    time::Instant::from_micros(now.since_start().as_micros() as i64)
}

impl<M: Machine<Error: Error + 'static>> Node<M> {
    pub(crate) fn new(machine: M, mut link: Link, address: IpAddress) -> Self {
        let config = Config::new(HardwareAddress::Ip);
        let mut interface = Interface::new(config, &mut link, ticks(Instant::START));
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(address, 24))
                .expect("there is room for one");
        });
        let buffer = || SocketBuffer::new(vec![0; MOST_BYTES]);
        let mut sockets = SocketSet::new(Vec::new());
        let socket = sockets.add(Socket::new(buffer(), buffer()));
        Self {
            machine,
            link,
            interface,
            sockets,
            socket,
        }
    }

    pub(crate) fn listen(&mut self, port: u16) -> Outcome<()> {
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        Ok(socket.listen(port)?)
    }

    pub(crate) fn connect(&mut self, to: (IpAddress, u16), from_port: u16) -> Outcome<()> {
        let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
        Ok(socket.connect(self.interface.context(), to, from_port)?)
    }

    /// Packets and bytes move as far as they can.
    pub(crate) fn turn(&mut self, now: Instant) -> Outcome<Turn<M::Event>> {
        self.machine.timed_out(now); // has no effect before the deadline
        loop {
            self.interface
                .poll(ticks(now), &mut self.link, &mut self.sockets);
            let socket = self.sockets.get_mut::<Socket<'_>>(self.socket);
            match self.machine.poll()? {
                Action::Event(event) => return Ok(Turn::Told(event)),
                Action::Write { bytes, .. } if socket.can_send() => {
                    let count = socket.send_slice(bytes)?;
                    self.machine.wrote(now, count);
                }
                Action::Read { .. } if socket.can_recv() => {
                    // What the machine does not take stays in the socket, and in TCP's window.
                    let machine = &mut self.machine;
                    socket.recv(|bytes| (machine.received(now, bytes), ()))?;
                }
                Action::Read { .. } if matches!(socket.state(), State::CloseWait) => {
                    self.machine.received_eof(now);
                }
                Action::Shutdown { .. } => {
                    socket.close();
                    self.machine.shut_down(now);
                }
                Action::Write { deadline, .. }
                | Action::Read { deadline }
                | Action::Wait { deadline } => {
                    let network = self.interface.poll_at(ticks(now), &self.sockets);
                    let network = network.map(|at| Duration::from_micros(at.total_micros() as u64));
                    let network = network.map(Instant::from_start);
                    return Ok(Turn::Rests(deadline.into_iter().chain(network).min()));
                }
                Action::Closed => {
                    socket.close();
                    self.interface
                        .poll(ticks(now), &mut self.link, &mut self.sockets);
                    return Ok(Turn::Closed);
                }
            }
        }
    }
}
