//! Where clients reach a server that stands behind a router.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ftp_guard::Network;

use crate::{Clock, SystemClock};

/// How long the address of a name is used before it is asked for again.
const KEPT: Duration = Duration::from_secs(60);

/// The address that clients are told for passive data connections, for example that of the router in front.
/// Clones share what is known of a name.
///
/// ```
/// use ftp_adapter::ExternalAddress;
///
/// let address = ExternalAddress::host("ftp.example.com").except_local();
/// # let _ = address;
/// ```
#[derive(Clone)]
pub struct ExternalAddress {
    what: What,
    except_local: bool,
    except: Arc<[Network]>,
}

#[derive(Clone)]
enum What {
    Fixed(IpAddr),
    Host(Arc<Host>),
}

/// A name, and its address, as long as it is known.
struct Host {
    name: String,
    known: Mutex<Option<(IpAddr, Instant)>>,
}

impl ExternalAddress {
    /// This address. An IPv6 address is of no use: `EPSV` tells the port alone, and `PASV` is refused then.
    pub fn fixed(address: IpAddr) -> Self {
        Self::new(What::Fixed(address))
    }

    /// The IPv4 address of this name, for example of a router whose address changes. It is looked up where
    /// files are read, once a minute at most. While it cannot be found, the last one known is told;
    /// without one, the client gets 425.
    pub fn host(name: impl Into<String>) -> Self {
        Self::new(What::Host(Arc::new(Host {
            name: name.into(),
            known: Mutex::new(None),
        })))
    }

    fn new(what: What) -> Self {
        Self {
            what,
            except_local: false,
            except: Arc::new([]),
        }
    }

    /// Not for clients of local networks, which do not come through the router: they are told the own
    /// address of their control connection. Local are loopback, link-local and private addresses (RFC
    /// 1122, 1918, 3927, 4193, 4291), and those shared behind a carrier's router (RFC 6598).
    #[must_use]
    pub fn except_local(mut self) -> Self {
        self.except_local = true;
        self
    }

    /// The same for clients of these networks.
    #[must_use]
    pub fn except(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.except = networks.into_iter().collect();
        self
    }

    /// Whether it is for this client.
    pub(super) fn is_for(&self, client: IpAddr) -> bool {
        let is_excepted = (self.except_local && is_local(client.to_canonical()))
            || self.except.iter().any(|network| network.contains(client));
        !is_excepted
    }

    /// Whether [`find`](Self::find) may block.
    pub(super) fn blocks(&self) -> bool {
        matches!(self.what, What::Host(_))
    }

    /// The address now.
    pub(super) fn find(&self) -> io::Result<IpAddr> {
        match &self.what {
            What::Fixed(address) => Ok(*address),
            What::Host(host) => host.find(|name| {
                let addresses = (name, 0).to_socket_addrs()?;
                let mut addresses = addresses.map(|address| address.ip().to_canonical());
                let found = addresses.find(IpAddr::is_ipv4);
                found.ok_or_else(|| io::ErrorKind::NotFound.into())
            }),
        }
    }
}

impl Host {
    fn find(&self, look_up: impl FnOnce(&str) -> io::Result<IpAddr>) -> io::Result<IpAddr> {
        let now = SystemClock::now();
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, since)) = known
            && now.saturating_duration_since(since) < KEPT
        {
            return Ok(address);
        }
        // Without the lock: others need not wait for it.
        let found = look_up(&self.name);
        let address = match (found, known) {
            (Ok(address), _) | (Err(_), Some((address, _))) => address,
            (Err(error), None) => return Err(error),
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((address, now));
        Ok(address)
    }
}

/// Not reached through the internet.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

impl From<Ipv4Addr> for ExternalAddress {
    fn from(address: Ipv4Addr) -> Self {
        Self::fixed(address.into())
    }
}

impl From<IpAddr> for ExternalAddress {
    fn from(address: IpAddr) -> Self {
        Self::fixed(address)
    }
}

impl fmt::Debug for ExternalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ExternalAddress");
        match &self.what {
            What::Fixed(address) => debug.field("address", address),
            What::Host(host) => debug.field("host", &host.name),
        };
        debug
            .field("except_local", &self.except_local)
            .field("except", &self.except)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn clients_of_local_networks_are_told_another_address() {
        let address = ExternalAddress::fixed(ip("192.0.2.7"));
        assert!(address.is_for(ip("10.1.2.3")));
        let address = address.except_local();
        for local in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.127.0.1",
            "::ffff:10.1.2.3",
            "::1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(!address.is_for(ip(local)), "{local}");
        }
        for other in ["192.0.2.1", "172.32.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(address.is_for(ip(other)), "{other}");
        }
        let address = address.except(["192.0.2.0/24".parse().unwrap()]);
        assert!(!address.is_for(ip("192.0.2.1")));
        assert!(address.is_for(ip("192.0.3.1")));
    }

    #[test]
    fn a_name_is_looked_up_once_and_kept_when_it_cannot_be_found() {
        let ExternalAddress {
            what: What::Host(host),
            ..
        } = ExternalAddress::host("ftp.example.com")
        else {
            unreachable!()
        };
        assert!(host.find(|_| Err(io::ErrorKind::NotFound.into())).is_err());
        let found = host.find(|name| {
            assert_eq!(name, "ftp.example.com");
            Ok(ip("192.0.2.7"))
        });
        assert_eq!(found.unwrap(), ip("192.0.2.7"));
        assert_eq!(host.find(|_| unreachable!()).unwrap(), ip("192.0.2.7"));
        // Long ago.
        let mut known = host.known.lock().unwrap();
        if let (Some((_, since)), Some(past)) = (&mut *known, Instant::now().checked_sub(KEPT)) {
            *since = past;
        }
        drop(known);
        let kept = host.find(|_| Err(io::ErrorKind::NotFound.into()));
        assert_eq!(kept.unwrap(), ip("192.0.2.7"));
    }

    #[test]
    fn the_name_of_this_host_has_an_address() {
        let address = ExternalAddress::host("localhost");
        assert_eq!(address.find().unwrap(), ip("127.0.0.1"));
    }
}
