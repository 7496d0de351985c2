//! Reads the client's address from a PROXY header, version 1 or 2, as HAProxy defines them.
//!
//! Only the source is used, so only the source must be valid. nginx sends headers whose destination
//! is of another family than the source, or is a path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// How every header of version 2 begins.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The length of the fixed part after the signature: version, command, family, and the length of
/// the rest.
pub(super) const FIXED: usize = 4;
/// How every header of version 1 begins.
pub(super) const V1_START: &[u8] = b"PROXY ";
/// The longest line of version 1, with its end, by the specification.
pub(super) const LONGEST_V1: usize = 107;

/// Where the connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A client with this address. An IPv4 address is never in its IPv6-mapped form.
    Client(SocketAddr),
    /// The balancer itself: it checks the server (`LOCAL`), or does not know the client's address
    /// (`UNKNOWN`, `AF_UNSPEC`, a Unix socket).
    Balancer,
}

/// Why a header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Invalid {
    #[error("a line of more than {LONGEST_V1} bytes")]
    TooLong,
    #[error("the line does not end with CR LF")]
    LineEnd,
    #[error("it is not TCP4, TCP6 or UNKNOWN with two addresses and two ports")]
    Form,
    #[error("the client's address is not an IP address")]
    Address,
    #[error("a port is not a number from 0 to 65535")]
    Port,
    #[error("unknown version, command or family")]
    Kind,
    #[error("it is shorter than its addresses")]
    TooShort,
    #[error("it is not for TCP")]
    NotTcp,
}

/// Reads a whole line of version 1, with its end.
pub(super) fn v1(line: &[u8]) -> Result<Source, Invalid> {
    if !line.contains(&b'\n') && line.len() >= LONGEST_V1 {
        return Err(Invalid::TooLong);
    }
    let line = line.strip_suffix(b"\r\n").ok_or(Invalid::LineEnd)?;
    let line = line.strip_prefix(V1_START).ok_or(Invalid::Form)?;
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Ok(Source::Balancer);
    }
    let line = std::str::from_utf8(line).map_err(|_| Invalid::Form)?;
    let fields: Vec<&str> = line.split(' ').collect();
    let ["TCP4" | "TCP6", source, destination, port, destination_port] = fields[..] else {
        return Err(Invalid::Form);
    };
    // nginx that listens on a Unix socket names its path.
    let is_place = destination.parse::<IpAddr>().is_ok() || destination.starts_with("unix:");
    if !is_place {
        return Err(Invalid::Form);
    }
    parse_port(destination_port)?;
    let source = source.parse().map_err(|_| Invalid::Address)?;
    Ok(client(source, parse_port(port)?))
}

/// Only digits: `parse` would accept a sign.
fn parse_port(text: &str) -> Result<u16, Invalid> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits);
    port.ok_or(Invalid::Port)
}

fn client(address: IpAddr, port: u16) -> Source {
    Source::Client(SocketAddr::new(address.to_canonical(), port))
}

/// The fixed part after the signature of version 2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    kind: Kind,
    length: u16,
}

/// What addresses follow.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// None that counts.
    Balancer,
    V4,
    V6,
}

impl Fixed {
    pub(super) fn parse(bytes: [u8; FIXED]) -> Result<Self, Invalid> {
        let [version_and_command, family, high, low] = bytes;
        let kind = match (version_and_command, family) {
            // LOCAL: "discard the protocol block including the family which is ignored".
            (0x20, _) | (0x21, 0x00 | 0x31) => Kind::Balancer,
            (0x21, 0x11) => Kind::V4,
            (0x21, 0x21) => Kind::V6,
            (0x21, 0x12 | 0x22 | 0x32) => return Err(Invalid::NotTcp),
            _ => return Err(Invalid::Kind),
        };
        let fixed = Self {
            kind,
            length: u16::from_be_bytes([high, low]),
        };
        if usize::from(fixed.length) < fixed.addresses() {
            return Err(Invalid::TooShort);
        }
        Ok(fixed)
    }

    /// How many bytes follow.
    pub(super) fn length(self) -> u16 {
        self.length
    }

    /// How many of these are the addresses and ports.
    pub(super) fn addresses(self) -> usize {
        match self.kind {
            Kind::Balancer => 0,
            Kind::V4 => 12,
            Kind::V6 => 36,
        }
    }

    /// The client, from as many bytes as [`addresses`](Self::addresses) returns.
    pub(super) fn source(self, addresses: &[u8]) -> Result<Source, Invalid> {
        let (address, ports) = match self.kind {
            Kind::Balancer => return Ok(Source::Balancer),
            Kind::V4 => {
                let (source, rest) = addresses
                    .split_first_chunk::<4>()
                    .ok_or(Invalid::TooShort)?;
                (Ipv4Addr::from(*source).into(), rest.get(4..))
            }
            Kind::V6 => {
                let (source, rest) = addresses
                    .split_first_chunk::<16>()
                    .ok_or(Invalid::TooShort)?;
                (Ipv6Addr::from(*source).into(), rest.get(16..))
            }
        };
        let port = ports
            .and_then(<[u8]>::first_chunk)
            .ok_or(Invalid::TooShort)?;
        Ok(client(address, u16::from_be_bytes(*port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proxy_header::{ParseConfig, Protocol, ProxiedAddress, ProxyHeader, Tlv};

    /// What we read from a whole header.
    fn ours(header: &[u8]) -> Result<Source, Invalid> {
        let Some(rest) = header.strip_prefix(&SIGNATURE) else {
            return v1(header);
        };
        let (fixed, rest) = rest.split_first_chunk::<FIXED>().ok_or(Invalid::TooShort)?;
        let fixed = Fixed::parse(*fixed)?;
        fixed.source(rest.get(..fixed.addresses()).ok_or(Invalid::TooShort)?)
    }

    /// What the crate `proxy-header` reads.
    fn theirs(header: &[u8]) -> Option<Source> {
        let config = ParseConfig {
            include_tlvs: false,
            ..ParseConfig::default()
        };
        let (parsed, _) = ProxyHeader::parse(header, config).ok()?;
        match parsed.proxied_address() {
            None => Some(Source::Balancer),
            Some(address) if address.protocol == Protocol::Stream => {
                Some(client(address.source.ip(), address.source.port()))
            }
            Some(_) => None,
        }
    }

    fn addresses() -> impl Strategy<Value = ProxiedAddress> {
        let v4 = (any::<[u8; 4]>(), any::<[u8; 4]>()).prop_map(|(a, b)| (a.into(), b.into()));
        let v6 = (any::<[u8; 16]>(), any::<[u8; 16]>()).prop_map(|(a, b)| (a.into(), b.into()));
        let pair = prop_oneof![v4, v6];
        (pair, any::<u16>(), any::<u16>()).prop_map(
            |((from, to), port, other): ((IpAddr, IpAddr), _, _)| {
                ProxiedAddress::stream((from, port).into(), (to, other).into())
            },
        )
    }

    proptest! {
        #[test]
        fn what_another_program_encodes_is_read(
            address in proptest::option::weighted(0.9, addresses()),
            tlv in proptest::collection::vec(any::<u8>(), 0..5_000),
            v1 in any::<bool>(),
        ) {
            let wanted = address.as_ref().map_or(Source::Balancer, |address| {
                client(address.source.ip(), address.source.port())
            });
            let mut header = address.map_or_else(ProxyHeader::with_local, ProxyHeader::with_address);
            let mut bytes = vec![0; 6_000];
            let length = if v1 {
                header.encode_to_slice_v1(&mut bytes)
            } else {
                header.append_tlv(Tlv::Custom(0xe0, tlv.into()));
                header.encode_to_slice_v2(&mut bytes)
            };
            let header = &bytes[..length.unwrap()];
            prop_assert_eq!(ours(header), Ok(wanted));
            prop_assert_eq!(theirs(header), Some(wanted));
        }

        /// Headers that are almost valid: if both readers accept one, they agree.
        #[test]
        fn no_address_is_read_differently_by_another_program(
            line in prop_oneof![
                "PROXY (TCP4|TCP6|UNKNOWN)( [0-9a-f:.]{1,12}){0,2}( [0-9]{1,6}){0,2}( [a-z]{0,3})?\r?\n",
                "PROXY TCP4 [1-9].2.3.[0-9]{1,3} 1.2.3.4 [0-9]{1,5} [0-9]{1,5}\r\n",
                "PROXY TCP6 [0-9a-f]{1,4}::(ffff:1.2.3.4)? ::1 [0-9]{1,5} [0-9]{1,5}\r\n",
            ],
            block in (0x1e_u8..0x24, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..300)),
            v1 in any::<bool>(),
        ) {
            let (command, family, rest) = block;
            let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
            let block = [&SIGNATURE[..], &[command, family], &length, &rest].concat();
            let header = if v1 { line.as_bytes() } else { &block };
            if let (Ok(ours), Some(theirs)) = (ours(header), theirs(header)) {
                prop_assert_eq!(ours, theirs);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = ours(&bytes);
            let _ = ours(&[V1_START, &bytes].concat());
            let _ = ours(&[&SIGNATURE[..], &bytes].concat());
        }
    }
}
