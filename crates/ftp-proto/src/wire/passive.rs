//! What `PASV` and `EPSV` are answered with: 227 (RFC 959 §4.1.2) and 229 (RFC 2428 §3).

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};

use super::{Code, Reply, ReplyRef};
use crate::listing::text::{leading_digits, number};

/// Where a server listens for the data connection, as the reply to `PASV` or `EPSV` says.
///
/// Exhaustive: there are these two replies.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddrV4};
/// use ftp_proto::wire::{Code, Passive, Reply};
///
/// let reply = Reply::new(Code::PASSIVE, "Entering Passive Mode (132,235,1,2,24,131).")?;
/// let address = SocketAddrV4::new(Ipv4Addr::new(132, 235, 1, 2), 6275);
/// assert_eq!(Passive::parse(reply.borrow()), Some(Passive::Address(address)));
///
/// let reply = Passive::Port(6446).reply();
/// assert_eq!(reply.raw(), b"229 Entering Extended Passive Mode (|||6446|)\r\n");
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Passive {
    /// 229: this port of the host that the control connection leads to.
    Port(u16),
    /// 227: this address. Servers behind NAT often name one that cannot be reached, and a hostile server
    /// may name a host that is not its own: use the port, and the control connection's host.
    Address(SocketAddrV4),
}

impl Passive {
    /// Reads a 227 or 229. `None` for other codes, and if no port can be found.
    ///
    /// The texts of real servers differ from the RFCs, so the numbers are searched in all lines:
    ///
    /// * 227: six numbers of 0 to 255 with commas between them. Blanks may stand around the commas,
    ///   anything in front of the first number and after the last.
    /// * 229: a delimiter three times, the port, the delimiter, where the delimiter is any of the
    ///   characters 33 to 126. A letter or digit is one only after `(`. If it is `|`, the last one may be
    ///   missing, and a family and an address between the first three are skipped.
    ///
    /// If a 227 has the text of a 229, or a 229 that of a 227, it is taken for what its text says. Port 0
    /// and numbers that are too large are no match.
    pub fn parse(reply: ReplyRef<'_>) -> Option<Self> {
        let address = || reply.lines().find_map(find_address).map(Self::Address);
        let port = || reply.lines().find_map(find_port).map(Self::Port);
        match reply.code() {
            Code::PASSIVE => address().or_else(port),
            Code::EXTENDED_PASSIVE => port().or_else(address),
            _ => None,
        }
    }

    /// The port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Port(port) => port,
            Self::Address(address) => address.port(),
        }
    }

    /// The reply as a server sends it, in the words of the RFCs.
    pub fn reply(self) -> Reply {
        match self {
            Self::Port(port) => Reply::from_display(
                Code::EXTENDED_PASSIVE,
                format_args!("Entering Extended Passive Mode (|||{port}|)"),
            ),
            Self::Address(address) => Reply::from_display(
                Code::PASSIVE,
                format_args!("Entering Passive Mode ({})", HostPort(address)),
            ),
        }
    }
}

/// `h1,h2,h3,h4,p1,p2` of RFC 959 §4.1.2.
pub(super) struct HostPort(pub(super) SocketAddrV4);

impl HostPort {
    /// The address of these six numbers. No connection leads to port 0.
    pub(super) fn from_numbers([h1, h2, h3, h4, p1, p2]: [u8; 6]) -> Option<SocketAddrV4> {
        let port = u16::from_be_bytes([p1, p2]);
        (port > 0).then(|| SocketAddrV4::new(Ipv4Addr::new(h1, h2, h3, h4), port))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [h1, h2, h3, h4] = self.0.ip().octets();
        let [p1, p2] = self.0.port().to_be_bytes();
        write!(f, "{h1},{h2},{h3},{h4},{p1},{p2}")
    }
}

/// The first six numbers, no more and no fewer, with commas between them.
fn find_address(line: &[u8]) -> Option<SocketAddrV4> {
    let mut rest = line;
    loop {
        let start = rest.iter().position(u8::is_ascii_digit)?;
        let numbers;
        (numbers, rest) = take_numbers(rest.get(start..)?);
        if let Some(address) = numbers.and_then(HostPort::from_numbers) {
            return Some(address);
        }
    }
}

/// Takes all numbers that are joined by commas. They are given if there are six, each below 256.
fn take_numbers(text: &[u8]) -> (Option<[u8; 6]>, &[u8]) {
    let mut numbers = [0_u8; 6];
    let mut slots = numbers.iter_mut();
    let mut all_fit = true;
    let mut next = text;
    loop {
        let (digits, after) = leading_digits(next);
        let value = number(digits).and_then(|value| u8::try_from(value).ok());
        match (slots.next(), value) {
            (Some(slot), Some(value)) => *slot = value,
            _ => all_fit = false,
        }
        match after
            .trim_ascii_start()
            .strip_prefix(b",")
            .map(<[u8]>::trim_ascii_start)
        {
            Some(following) if following.first().is_some_and(u8::is_ascii_digit) => {
                next = following;
            }
            _ => {
                let is_whole = all_fit && slots.next().is_none();
                return (is_whole.then_some(numbers), after);
            }
        }
    }
}

/// The first port in delimiters.
fn find_port(line: &[u8]) -> Option<u16> {
    let mut rest = line.get(words(line)..).unwrap_or_default();
    loop {
        let at = rest.iter().position(u8::is_ascii_punctuation)?;
        let (first, after) = rest.get(at..)?.split_first()?;
        if let Some(port) = port_after(*first, after) {
            return Some(port);
        }
        if *first == b'('
            && let Some((second, after)) = after.split_first()
            && second.is_ascii_alphanumeric()
            && let Some(port) = port_after(*second, after)
        {
            return Some(port);
        }
        rest = after;
    }
}

/// Where the first parenthesis stands, if there are only letters and blanks before it. This is faster than to
/// look at each byte for itself.
fn words(line: &[u8]) -> usize {
    let end = memchr::memchr(b'(', line).unwrap_or_default();
    let before = line.get(..end).unwrap_or_default();
    let is_of_word = |byte: &u8| byte.is_ascii_alphabetic() | (*byte == b' ');
    let are_words = before.iter().fold(true, |all, byte| all & is_of_word(byte));
    if are_words { end } else { 0 }
}

/// The port, if what follows the first delimiter is the rest of `|||6446|`.
fn port_after(delimiter: u8, text: &[u8]) -> Option<u16> {
    // Other delimiters are found in other texts too.
    let (family, address) = if delimiter == b'|' { (3, 45) } else { (0, 0) };
    let text = skip_field(text, delimiter, family, u8::is_ascii_digit)?;
    let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || b".:".contains(byte);
    let text = skip_field(text, delimiter, address, is_of_address)?;
    let text = text.trim_ascii_start();
    let end = text
        .iter()
        .position(|byte| *byte == delimiter || !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, after) = text.split_at_checked(end)?;
    let is_closed = delimiter == b'|' || after.trim_ascii_start().first() == Some(&delimiter);
    let port = u16::try_from(number(digits)?).ok()?;
    (is_closed && port > 0).then_some(port)
}

/// What follows the delimiter that ends a field of such bytes, which may be empty.
fn skip_field(
    text: &[u8],
    delimiter: u8,
    longest: usize,
    is_allowed: impl Fn(&u8) -> bool,
) -> Option<&[u8]> {
    let mut window = text.iter().take(longest.saturating_add(1));
    let end = window.position(|byte| *byte == delimiter)?;
    let (field, rest) = text.split_at_checked(end)?;
    field.iter().all(is_allowed).then_some(rest.get(1..)?)
}
