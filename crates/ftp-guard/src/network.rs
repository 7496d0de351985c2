//! Networks: addresses with the same first bits. Also, IPv6 addresses that stand for an IPv4
//! address.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use thiserror::Error;

/// The prefix under which NAT64 translators show IPv4 addresses (RFC 6052 §2.1): 64:ff9b::/96.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// The IPv4 address that an IPv6 address stands for: mapped (`::ffff:192.0.2.1`), or translated by
/// NAT64 with the well-known prefix (`64:ff9b::192.0.2.1`). Other addresses are returned unchanged.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => translated(v6).map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let is_translated = address.segments().starts_with(&NAT64);
    let low = u32::try_from(address.to_bits() & u128::from(u32::MAX)).ok()?;
    is_translated.then(|| Ipv4Addr::from_bits(low))
}

/// One address, or all with the same first bits. Parsed from `ADDR` or `ADDR/PREFIX`.
///
/// An IPv4 network contains IPv4 addresses in any form: plain, mapped (`::ffff:192.0.2.1`), or of
/// NAT64 (`64:ff9b::192.0.2.1`). A network may be written in the mapped form, too:
/// `::ffff:192.0.2.0/120` is `192.0.2.0/24`. Other IPv6 networks, also `::/0`, do not contain
/// mapped addresses.
///
/// ```
/// use ftp_guard::Network;
///
/// let office: Network = "192.0.2.0/24".parse()?;
/// assert!(office.contains("::ffff:192.0.2.77".parse()?));
/// assert!(!office.contains("192.0.3.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is not a [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// The text before the slash is not an IP address.
    #[error("it does not begin with an IP address")]
    Address,
    /// The prefix is longer than the address, or not a number.
    #[error("the prefix is a number from 0 to {longest}")]
    Prefix {
        /// The length of the address, in bits.
        longest: u8,
    },
}

impl Network {
    /// The addresses whose first `prefix` bits are those of `address`.
    ///
    /// # Errors
    /// [`NetworkError::Prefix`] if the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix > longest {
            return Err(NetworkError::Prefix { longest });
        }
        // The first 96 bits of a mapped address are always the same.
        Ok(match (address.to_canonical(), prefix.checked_sub(96)) {
            (IpAddr::V4(v4), Some(prefix)) if address.is_ipv6() => Self {
                address: v4.into(),
                prefix,
            },
            _ => Self { address, prefix },
        })
    }

    /// Only this address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Self { address, prefix }
    }

    /// Whether the address is one of these.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (differ, bits) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), address) => match canonical(address) {
                IpAddr::V4(address) => (u128::from(network.to_bits() ^ address.to_bits()), 32_u32),
                IpAddr::V6(_) => return false,
            },
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits(), 128)
            }
            (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        // A shift by the whole width gives `None`: then no bit counts.
        let rest = bits.saturating_sub(u32::from(self.prefix));
        differ.checked_shr(rest).unwrap_or_default() == 0
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let Some(prefix) = prefix else {
            return Ok(Self::of(address));
        };
        let is_number = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| is_number);
        // A prefix that is not a number counts as too long.
        Self::new(address, prefix.unwrap_or(u8::MAX))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}
