//! The arguments of `PORT` (RFC 959 §4.1.2), `EPRT` and `EPSV` (RFC 2428).

use alloc::format;
use core::net::{IpAddr, SocketAddr, SocketAddrV4};

use thiserror::Error;

use super::passive::HostPort;
use super::{Command, Verb};
use crate::listing::text::number;

/// Why the argument of `PORT`, `EPRT` or `EPSV` was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum HostPortError {
    /// A network protocol that is neither IPv4 (1) nor IPv6 (2): reply 522
    /// ([`Code::NETWORK_PROTOCOL_UNSUPPORTED`](super::Code::NETWORK_PROTOCOL_UNSUPPORTED)) with a list
    /// of those that are supported, as in `(1,2)` (RFC 2428 §2).
    #[error("the network protocol is not supported, use (1,2)")]
    UnsupportedFamily,
    /// Anything else that is wrong, port 0 among it: reply 501
    /// ([`Code::BAD_ARGUMENT`](super::Code::BAD_ARGUMENT)).
    #[error("the address is malformed")]
    Malformed,
}

/// What an `EPSV` asks for (RFC 2428 §3 and §4).
///
/// Exhaustive: the RFC has these three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtendedPassive {
    /// No argument: a port for the network protocol of the control connection.
    SameFamily,
    /// `1` or `2`: a port for this network protocol.
    Family(AddressFamily),
    /// `ALL`: from now on no command but `EPSV` opens data connections. It opens none itself.
    All,
}

/// A network protocol, by the numbers of RFC 2428 §2.
///
/// Exhaustive: the RFC has these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// 1: IPv4.
    V4,
    /// 2: IPv6.
    V6,
}

impl AddressFamily {
    /// The one an address belongs to. An IPv4-mapped IPv6 address counts as its IPv4 address.
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Self::V4 => 1,
            Self::V6 => 2,
        }
    }

    fn parse(text: &[u8]) -> Result<Self, HostPortError> {
        match number(text) {
            Some(1) => Ok(Self::V4),
            Some(2) => Ok(Self::V6),
            Some(_) => Err(HostPortError::UnsupportedFamily),
            None => Err(HostPortError::Malformed),
        }
    }
}

impl Command {
    /// `PORT h1,h2,h3,h4,p1,p2`: connect to this address (RFC 959 §4.1.2).
    ///
    /// ```
    /// use ftp_proto::wire::{Command, parse_port};
    ///
    /// let address = "132.235.1.2:6275".parse()?;
    /// let command = Command::port(address);
    /// assert_eq!(command.argument(), Some(b"132,235,1,2,24,131".as_slice()));
    /// assert_eq!(parse_port(b"132,235,1,2,24,131"), Ok(address));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn port(address: SocketAddrV4) -> Self {
        let argument = format!("{}", HostPort(address));
        Self::from_parts(Verb::Port, b"PORT", Some(argument.as_bytes()))
    }

    /// `EPRT |family|host|port|`: connect to this address (RFC 2428 §2).
    ///
    /// An IPv4-mapped IPv6 address is written as its IPv4 address. The scope of a link-local address and
    /// the flow label are not written: they mean nothing on another host.
    ///
    /// ```
    /// use ftp_proto::wire::{Command, parse_eprt};
    ///
    /// let address = "[1080::8:800:200c:417a]:5282".parse()?;
    /// let command = Command::eprt(address);
    /// assert_eq!(command.argument(), Some(b"|2|1080::8:800:200c:417a|5282|".as_slice()));
    /// assert_eq!(parse_eprt(b"|2|1080::8:800:200c:417a|5282|"), Ok(address));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn eprt(address: SocketAddr) -> Self {
        let host = address.ip().to_canonical();
        let family = AddressFamily::of(host).number();
        let argument = format!("|{family}|{host}|{}|", address.port());
        Self::from_parts(Verb::Eprt, b"EPRT", Some(argument.as_bytes()))
    }
}

/// Reads the argument of `PORT`: six numbers of 0 to 255, commas between them, nothing else.
///
/// # Errors
/// [`HostPortError::Malformed`].
pub fn parse_port(argument: &[u8]) -> Result<SocketAddrV4, HostPortError> {
    const LONGEST: usize = 3;
    let mut parts = argument.split(|byte| *byte == b',');
    let mut numbers = [0_u8; 6];
    for slot in &mut numbers {
        *slot = parts
            .next()
            .filter(|part| part.len() <= LONGEST)
            .and_then(number)
            .and_then(|value| u8::try_from(value).ok())
            .ok_or(HostPortError::Malformed)?;
    }
    if parts.next().is_some() {
        return Err(HostPortError::Malformed);
    }
    HostPort::from_numbers(numbers).ok_or(HostPortError::Malformed)
}

/// Reads the argument of `EPRT`: family, host and port, each between two delimiters, for which any of
/// the characters 33 to 126 may stand.
///
/// ```
/// use ftp_proto::wire::{HostPortError, parse_eprt};
///
/// assert_eq!(parse_eprt(b"!1!132.235.1.2!6275!"), Ok("132.235.1.2:6275".parse()?));
/// assert_eq!(parse_eprt(b"|3|any|6275|"), Err(HostPortError::UnsupportedFamily));
/// assert_eq!(parse_eprt(b"|1|132.235.1.2|0|"), Err(HostPortError::Malformed));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
///
/// # Errors
/// [`HostPortError`]. The family is looked at before host and port are.
pub fn parse_eprt(argument: &[u8]) -> Result<SocketAddr, HostPortError> {
    const LONGEST_PORT: usize = 5;
    let (delimiter, rest) = argument.split_first().ok_or(HostPortError::Malformed)?;
    let mut fields = rest.split(|byte| byte == delimiter);
    let mut field = || fields.next().ok_or(HostPortError::Malformed);
    let (family, host, port, end) = (field()?, field()?, field()?, field()?);
    if !delimiter.is_ascii_graphic() || !end.is_empty() || fields.next().is_some() {
        return Err(HostPortError::Malformed);
    }
    let family = AddressFamily::parse(family)?;
    let host = core::str::from_utf8(host).map_err(|_| HostPortError::Malformed)?;
    let host = match family {
        AddressFamily::V4 => host.parse().ok().map(IpAddr::V4),
        AddressFamily::V6 => host.parse().ok().map(IpAddr::V6),
    };
    let port = number(port)
        .filter(|value| *value > 0 && port.len() <= LONGEST_PORT)
        .and_then(|value| u16::try_from(value).ok());
    match (host, port) {
        (Some(host), Some(port)) => Ok(SocketAddr::new(host, port)),
        _ => Err(HostPortError::Malformed),
    }
}

/// Reads the argument of `EPSV`, if there is one. An empty one is none; the case of `ALL` does not matter.
///
/// ```
/// use ftp_proto::wire::{AddressFamily, ExtendedPassive, HostPortError, parse_epsv};
///
/// assert_eq!(parse_epsv(None), Ok(ExtendedPassive::SameFamily));
/// assert_eq!(parse_epsv(Some(b"2")), Ok(ExtendedPassive::Family(AddressFamily::V6)));
/// assert_eq!(parse_epsv(Some(b"all")), Ok(ExtendedPassive::All));
/// assert_eq!(parse_epsv(Some(b"3")), Err(HostPortError::UnsupportedFamily));
/// ```
///
/// # Errors
/// [`HostPortError`].
pub fn parse_epsv(argument: Option<&[u8]>) -> Result<ExtendedPassive, HostPortError> {
    match argument.unwrap_or_default().trim_ascii() {
        b"" => Ok(ExtendedPassive::SameFamily),
        all if all.eq_ignore_ascii_case(b"ALL") => Ok(ExtendedPassive::All),
        family => AddressFamily::parse(family).map(ExtendedPassive::Family),
    }
}
