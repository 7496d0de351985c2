//! Active mode: the server makes the data connection (`PORT`, RFC 959 §4.1.2; `EPRT`, RFC 2428).

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};

use crate::jitter;

/// How many connections are accepted and dropped before the caller has something else to do.
const STRANGERS: usize = 32;
/// How many connections may wait to be accepted, if the system lets so many. A server accepts when it has a transfer
/// for them: strangers who find the port before must not take the client's place.
const WAITING: i32 = 4096;

/// The ports that are for everybody and for a short time (RFC 6335 §6).
const DYNAMIC_PORTS: RangeInclusive<u16> = 49152..=65535;
/// How many of them are tried before the system chooses one. It searches long when thousands of ports were
/// used in the last minute, as by transfers one after the other.
const TRIES: usize = 8;

/// Where a client listens in active mode.
#[derive(Debug, Clone, Default)]
pub struct ActiveMode {
    ports: Option<RangeInclusive<u16>>,
    address: Option<IpAddr>,
    check: PeerCheck,
}

/// A listener for one data connection. Nothing here waits.
#[derive(Debug)]
#[non_exhaustive]
pub struct ActiveListener {
    /// The listener; it does not block.
    pub listener: TcpListener,
    /// The address that the server is told.
    pub address: SocketAddr,
    /// The hosts that may connect.
    pub peers: Peers,
}

/// Who may make a passive data connection, which bears no other mark of its client (RFC 2577 §4), unless it
/// resumes the TLS session of the control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PeerCheck {
    /// The address of the control connection's peer. The default.
    #[default]
    Exact,
    /// Its network: the first 24 bits of an IPv4 address, the first 64 of an IPv6 address. For clients
    /// behind routers with several addresses. Neighbours of a client can then take its place.
    SameNetwork,
    /// Everybody: whoever finds the port first gets the file, or gives one. Only for clients that must
    /// resume their TLS session
    /// ([`Resumption::Require`](ftp_proto::server::Resumption::Require)).
    DangerousOff,
}

/// The hosts from which a data connection is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peers {
    host: IpAddr,
    check: PeerCheck,
}

impl Peers {
    fn new(host: IpAddr, check: PeerCheck) -> Self {
        Self {
            host: host.to_canonical(),
            check,
        }
    }

    /// Whether this host is one of them.
    pub fn contains(&self, host: IpAddr) -> bool {
        let host = host.to_canonical();
        match (self.check, self.host, host) {
            (PeerCheck::DangerousOff, ..) => true,
            (PeerCheck::SameNetwork, IpAddr::V4(peer), IpAddr::V4(host)) => {
                (peer.to_bits() ^ host.to_bits()) >> 8 == 0
            }
            (PeerCheck::SameNetwork, IpAddr::V6(peer), IpAddr::V6(host)) => {
                (peer.to_bits() ^ host.to_bits()) >> 64 == 0
            }
            (PeerCheck::Exact | PeerCheck::SameNetwork, peer, host) => peer == host,
        }
    }
}

impl ActiveMode {
    /// Listens on a port in this range. Without one, on a dynamic port: from 49152 on, or one that the
    /// system chooses.
    pub fn set_ports(&mut self, ports: RangeInclusive<u16>) {
        self.ports = Some(ports);
    }

    /// Tells the server this address, for example that of the router in front.
    pub fn set_address(&mut self, address: IpAddr) {
        self.address = Some(address);
    }

    /// Accepts connections from these hosts. A server's only: clients accept their server's alone.
    #[cfg(feature = "files")]
    pub(crate) fn set_peer_check(&mut self, check: PeerCheck) {
        self.check = check;
    }

    /// Listens on the address of the control connection's own end, for its peer.
    ///
    /// # Errors
    /// Those of the system; [`AddrInUse`](io::ErrorKind::AddrInUse) if no port of the range is free.
    pub fn listen(&self, local: SocketAddr, peer: IpAddr) -> io::Result<ActiveListener> {
        let (listener, port) = self.bind(local)?;
        let told = self.address.unwrap_or(local.ip());
        Ok(ActiveListener {
            listener,
            address: SocketAddr::new(told.to_canonical(), port),
            peers: Peers::new(peer, self.check),
        })
    }

    /// Also returns the port.
    fn bind(&self, mut local: SocketAddr) -> io::Result<(TcpListener, u16)> {
        let (ports, tries) = match &self.ports {
            Some(ports) => (ports.clone(), ports.len()),
            None => (DYNAMIC_PORTS, TRIES),
        };
        // Begin anywhere: nobody can tell the next port from the last one.
        let first = usize::try_from(jitter() % ports.len().max(1) as u64).unwrap_or(0);
        let before = ports.clone().take(first);
        let mut unbound = None;
        for port in ports.skip(first).chain(before).take(tries) {
            local.set_port(port);
            match listener(local, &mut unbound) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                // The system may keep some of them to itself.
                Err(_) if self.ports.is_none() => {}
                made => return made,
            }
        }
        if self.ports.is_some() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        local.set_port(0);
        listener(local, &mut unbound)
    }
}

/// One that does not block, and its port. A socket that could not be bound is left for the next port.
fn listener(address: SocketAddr, unbound: &mut Option<Socket>) -> io::Result<(TcpListener, u16)> {
    let socket = unbound.take().map_or_else(|| new_socket(address), Ok)?;
    if let Err(error) = socket.bind(&address.into()) {
        *unbound = Some(socket);
        return Err(error);
    }
    socket.listen(WAITING)?;
    let listener = TcpListener::from(socket);
    let port = match address.port() {
        // The system has chosen.
        0 => listener.local_addr()?.port(),
        port => port,
    };
    Ok((listener, port))
}

/// One that does not block, on no port yet.
fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    // Linux needs no further calls for that.
    #[cfg(target_os = "linux")]
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    #[cfg(not(target_os = "linux"))]
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    #[cfg(not(target_os = "linux"))]
    socket.set_nonblocking(true)?;
    // On Windows it would let others listen at the same port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    Ok(socket)
}

impl ActiveListener {
    /// The peer's connection, if it has come. Connections of others are dropped.
    ///
    /// # Errors
    /// Those of the system.
    pub fn accept(&self) -> io::Result<Option<TcpStream>> {
        for _ in 0..STRANGERS {
            match self.listener.accept() {
                Ok((stream, from)) if self.peers.contains(from.ip()) => {
                    // Some systems hand this setting down.
                    if !cfg!(any(target_os = "linux", target_os = "android")) {
                        stream.set_nonblocking(false)?;
                    }
                    stream.set_nodelay(true)?;
                    return Ok(Some(stream));
                }
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(None),
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn loopback(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 0))
    }

    /// What is accepted in the end.
    fn accept(listener: &ActiveListener) -> TcpStream {
        loop {
            if let Some(stream) = listener.accept().unwrap() {
                return stream;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn only_the_peer_is_accepted_and_others_end_nothing() {
        let mode = ActiveMode::default();
        // Everything on this host comes from 127.0.0.1.
        let nobody = mode.listen(loopback(1), loopback(9).ip()).unwrap();
        let _stranger = TcpStream::connect(nobody.address).unwrap();
        let everybody = mode.listen(loopback(1), loopback(1).ip()).unwrap();
        let _peer = TcpStream::connect(everybody.address).unwrap();
        accept(&everybody);
        assert!(nobody.accept().unwrap().is_none());
    }

    #[test]
    fn each_port_of_the_range_is_used_before_there_is_none() {
        // Three free ports in a row.
        let first = loop {
            let port = {
                let free = TcpListener::bind(loopback(1)).unwrap();
                free.local_addr().unwrap().port()
            };
            let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
            if port < u16::MAX - 2 && (port..=port + 2).all(is_free) {
                break port;
            }
        };
        let mut mode = ActiveMode::default();
        mode.set_ports(first..=first + 2);
        let listen = || mode.listen(loopback(1), loopback(1).ip());
        let three: Vec<ActiveListener> = (0..3).map(|_| listen().unwrap()).collect();
        let mut ports: Vec<u16> = three.iter().map(|one| one.address.port()).collect();
        ports.sort_unstable();
        assert_eq!(ports, [first, first + 1, first + 2]);
        assert_eq!(listen().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn neighbours_are_accepted_if_the_network_is_what_counts() {
        let is_in = |check, peer: &str, host: &str| {
            Peers::new(peer.parse().unwrap(), check).contains(host.parse().unwrap())
        };
        let same = [
            ("192.0.2.1", "192.0.2.254"),
            ("192.0.2.1", "::ffff:192.0.2.2"),
            ("2001:db8::1", "2001:db8::2:0:0:1"),
        ];
        for (peer, host) in same {
            assert!(is_in(PeerCheck::SameNetwork, peer, host), "{peer} {host}");
            assert!(!is_in(PeerCheck::Exact, peer, host), "{peer} {host}");
        }
        let others = [
            ("192.0.2.1", "192.0.3.1"),
            ("2001:db8::1", "2001:db8:0:1::1"),
            ("192.0.2.1", "2001:db8::1"),
        ];
        for (peer, host) in others {
            assert!(!is_in(PeerCheck::SameNetwork, peer, host), "{peer} {host}");
            assert!(is_in(PeerCheck::DangerousOff, peer, host), "{peer} {host}");
        }
        assert!(is_in(PeerCheck::Exact, "192.0.2.1", "::ffff:192.0.2.1"));
    }

    #[test]
    fn the_server_is_told_the_address_that_is_set() {
        let mut mode = ActiveMode::default();
        let router = IpAddr::from([192, 0, 2, 7]);
        mode.set_address(router);
        let listener = mode.listen(loopback(1), loopback(1).ip()).unwrap();
        let port = listener.listener.local_addr().unwrap().port();
        assert_eq!(listener.address, SocketAddr::new(router, port));
    }
}
