//! A host: its network stack, and the driver of the machines that speak over its connections.

use std::error::Error;
use std::time::Duration;

use ftp_proto::{Action, Instant, Machine};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::link::{Link, MOST_BYTES};
use crate::one_file::Outcome;

pub(crate) struct Host {
    pub(crate) link: Link,
    interface: Interface,
    sockets: SocketSet<'static>,
}

/// A machine, and the connection that it speaks over.
pub(crate) struct End<M> {
    pub(crate) machine: M,
    pub(crate) socket: SocketHandle,
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

impl Host {
    pub(crate) fn new(mut link: Link, address: IpAddress) -> Self {
        let config = Config::new(HardwareAddress::Ip);
        let mut interface = Interface::new(config, &mut link, ticks(Instant::START));
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(address, 24))
                .expect("there is room for one");
        });
        Self {
            link,
            interface,
            sockets: SocketSet::new(Vec::new()),
        }
    }

    fn socket(&mut self) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; 4 * MOST_BYTES]);
        self.sockets.add(Socket::new(buffer(), buffer()))
    }

    /// In smoltcp the socket that listens becomes the connection.
    pub(crate) fn listen(&mut self, port: u16) -> Outcome<SocketHandle> {
        let handle = self.socket();
        self.sockets.get_mut::<Socket<'_>>(handle).listen(port)?;
        Ok(handle)
    }

    pub(crate) fn connect(
        &mut self,
        to: (IpAddress, u16),
        from_port: u16,
    ) -> Outcome<SocketHandle> {
        let handle = self.socket();
        let socket = self.sockets.get_mut::<Socket<'_>>(handle);
        socket.connect(self.interface.context(), to, from_port)?;
        Ok(handle)
    }

    /// Packets, and the bytes of this connection, move as far as they can.
    pub(crate) fn turn<M: Machine<Error: Error + 'static>>(
        &mut self,
        end: &mut End<M>,
        now: Instant,
    ) -> Outcome<Turn<M::Event>> {
        let machine = &mut end.machine;
        machine.timed_out(now); // has no effect before the deadline
        loop {
            self.interface
                .poll(ticks(now), &mut self.link, &mut self.sockets);
            let socket = self.sockets.get_mut::<Socket<'_>>(end.socket);
            match machine.poll()? {
                Action::Event(event) => return Ok(Turn::Told(event)),
                Action::Write { bytes, .. } if socket.can_send() => {
                    let count = socket.send_slice(bytes)?;
                    machine.wrote(now, count);
                }
                Action::Read { .. } if socket.can_recv() => {
                    // What the machine does not take stays in the socket, and in TCP's window.
                    socket.recv(|bytes| (machine.received(now, bytes), ()))?;
                }
                Action::Read { .. } if has_ended(socket) => machine.received_eof(now),
                Action::Read { .. } if socket.state() == State::Closed => machine.cut_off(now),
                Action::Shutdown { .. } => {
                    socket.close(); // for sending; what the peer sends is still received
                    machine.shut_down(now);
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

/// Whether the peer has closed its side.
fn has_ended(socket: &Socket<'_>) -> bool {
    use State::{CloseWait, Closing, LastAck, TimeWait};
    matches!(socket.state(), CloseWait | Closing | LastAck | TimeWait)
}
