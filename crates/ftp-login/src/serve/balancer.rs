//! Who a client behind a balancer is: the PROXY protocol, versions 1 and 2, as HAProxy defines it.
//!
//! Only connections from the addresses named by `--proxy-protocol` are asked. These must begin with
//! a header, whoever sends it; all others are clients, whose headers are bad commands.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// How every header of version 2 begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The part of a version 2 header that is always there.
const FIXED: usize = 16;
/// The specification's bound for version 1, line end included.
const LONGEST_V1: usize = 107;
/// What follows the fixed part of version 2: addresses, and whatever a balancer adds, for example
/// the names in a client's certificate. None of it is used, so more than this is no use either.
const LONGEST_V2: usize = 2048;
/// The header is the first thing that a balancer sends.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// Addresses that are balancers: one, or all with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Balancers {
    network: IpAddr,
    prefix: u8,
}

/// Why a balancer's connection is closed.
#[derive(Debug, Error)]
pub(crate) enum HeaderError {
    #[error("it does not begin with a PROXY header")]
    Missing,
    #[error("the PROXY header is too long")]
    TooLong,
    #[error("the PROXY header is not valid")]
    Invalid,
    #[error("the PROXY header is not about TCP")]
    NotTcp,
    #[error("no PROXY header within {} s", HEADER_TIME.as_secs())]
    TooSlow,
    #[error("the connection ended within the PROXY header: {0}")]
    Io(#[from] io::Error),
}

impl Balancers {
    /// Reads `ADDR` or `ADDR/PREFIX`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = address
            .parse()
            .map_err(|_| format!("{address:?} is not an IP address"))?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.map(str::parse) {
            None => bits,
            Some(Ok(prefix)) if prefix <= bits => prefix,
            Some(_) => return Err(format!("the prefix is a number from 0 to {bits}")),
        };
        Ok(Self { network, prefix })
    }

    /// An IPv4 address is the same in IPv6's clothes, as sockets that listen on both give it.
    pub(crate) fn contain(self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u128::from(u32::from(network) ^ u32::from(address));
                self.is_beyond_prefix(differ, 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                self.is_beyond_prefix(u128::from(network) ^ u128::from(address), 128)
            }
            _ => false,
        }
    }

    /// Whether all bits that differ come after the prefix.
    fn is_beyond_prefix(self, differ: u128, bits: u32) -> bool {
        let rest = bits.saturating_sub(u32::from(self.prefix));
        differ.checked_shr(rest).unwrap_or_default() == 0
    }
}

/// Reads the header, and not a byte more; gives the client's address. That is the balancer's own
/// if it connects for itself (`LOCAL`), or does not know (`UNKNOWN`, or not an IP address).
///
/// # Errors
/// [`HeaderError`]: the connection is of no use. Whatever is sent, at most 2064 bytes are read, in
/// at most 5 s.
pub(crate) async fn client_of<T>(
    stream: &mut T,
    balancer: SocketAddr,
) -> Result<SocketAddr, HeaderError>
where
    T: AsyncRead + Unpin,
{
    let header = timeout(HEADER_TIME, read(stream))
        .await
        .map_err(|_| HeaderError::TooSlow)??;
    let config = ParseConfig {
        // They are not used, and their checksum is not known to the parser.
        include_tlvs: false,
        ..ParseConfig::default()
    };
    let (parsed, length) = ProxyHeader::parse(&header, config).map_err(|_| HeaderError::Invalid)?;
    if length != header.len() {
        return Err(HeaderError::Invalid);
    }
    match parsed.proxied_address() {
        None => Ok(balancer),
        Some(address) if address.protocol == Protocol::Stream => Ok(address.source),
        Some(_) => Err(HeaderError::NotTcp),
    }
}

/// What follows the header is the client's, perhaps a TLS record: so a line is read byte by byte.
async fn read<T: AsyncRead + Unpin>(stream: &mut T) -> Result<Vec<u8>, HeaderError> {
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        header.resize(FIXED, 0);
        stream.read_exact(&mut header[SIGNATURE.len()..]).await?;
        let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
        if rest > LONGEST_V2 {
            return Err(HeaderError::TooLong);
        }
        header.resize(FIXED + rest, 0);
        stream.read_exact(&mut header[FIXED..]).await?;
    } else if header.starts_with(b"PROXY ") {
        while header.last() != Some(&b'\n') {
            if header.len() == LONGEST_V1 {
                return Err(HeaderError::TooLong);
            }
            header.push(stream.read_u8().await?);
        }
    } else {
        return Err(HeaderError::Missing);
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    const BALANCER: &str = "127.0.0.9:4321";

    /// What is made of these bytes, and what is left of them. The other side stays.
    async fn read_from(bytes: &[u8]) -> (Result<String, String>, Vec<u8>) {
        let (mut near, mut far) = tokio::io::duplex(1 << 17);
        far.write_all(bytes).await.unwrap();
        let client = client_of(&mut near, BALANCER.parse().unwrap()).await;
        drop(far);
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        let client = client.map(|client| client.to_string());
        (client.map_err(|error| error.to_string()), rest)
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [
            &SIGNATURE[..],
            &[0x20 | command, family],
            &length,
            addresses,
        ]
        .concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0, 21];

    #[tokio::test]
    async fn the_client_is_read_and_not_a_byte_behind_the_header() {
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        v6[32] = 1;
        let with_extras = [&V4[..], &[0x04, 0, 2, 0, 0]].concat();
        for (header, client) in [
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 21\r\n".to_vec(),
                "192.0.2.7:56324",
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 5 21\r\n".to_vec(),
                "[2001:db8::7]:5",
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), BALANCER),
            (b"PROXY UNKNOWN 1 2 3 whatever\r\n".to_vec(), BALANCER),
            (v2(1, 0x11, &V4), "192.0.2.7:56324"),
            (v2(1, 0x11, &with_extras), "192.0.2.7:56324"),
            (v2(1, 0x21, &v6), "[2001:db8::]:256"),
            // LOCAL: whatever addresses it has are not looked at.
            (v2(0, 0x11, &V4), BALANCER),
            (v2(0, 0, &[]), BALANCER),
            (v2(1, 0, &[]), BALANCER),
        ] {
            for behind in [&b""[..], b"USER anna\r\n", b"\x16\x03\x01"] {
                let (read, rest) = read_from(&[&header[..], behind].concat()).await;
                assert_eq!(read.as_deref(), Ok(client), "{header:?}");
                assert_eq!(rest, behind, "{header:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_an_error() {
        for (bytes, why) in [
            (b"USER anna\r\nPASS x\r\n".to_vec(), "does not begin"),
            (
                b"PROXX TCP4 1.2.3.4 1.2.3.4 1 1\r\n".to_vec(),
                "does not begin",
            ),
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 99999 21\r\n".to_vec(),
                "not valid",
            ),
            (b"PROXY TCP4 2001:db8::7 ::1 5 21\r\n".to_vec(), "not valid"),
            (b"PROXY TCP4 192.0.2.7\n".to_vec(), "not valid"),
            (
                [&b"PROXY UNKNOWN "[..], &[b'x'; 200], b"\r\n"].concat(),
                "too long",
            ),
            (v2(1, 0x11, &V4[..11]), "not valid"),
            (v2(1, 0x12, &V4), "not about TCP"),
            (v2(2, 0x11, &V4), "not valid"),
            (v2(1, 0x11, &[0; LONGEST_V2 + 1]), "too long"),
        ] {
            let (read, _) = read_from(&bytes).await;
            assert!(
                read.as_ref().is_err_and(|text| text.contains(why)),
                "{bytes:?}: {read:?}"
            );
        }
    }

    /// Bytes that begin like a header of either version, or like nothing.
    fn begun() -> impl Strategy<Value = Vec<u8>> {
        let begin = prop_oneof![
            Just(b"PROXY ".to_vec()),
            Just(b"PROXY TCP4 1.2.3.4 ".to_vec()),
            Just(b"PROXY TCP6 ::1 ".to_vec()),
            Just(SIGNATURE.to_vec()),
            (0..4_u8, any::<u8>(), 0..300_u16).prop_map(|(command, family, length)| {
                [
                    &SIGNATURE[..],
                    &[0x20 | command, family],
                    &length.to_be_bytes(),
                ]
                .concat()
            }),
            Just(Vec::new()),
        ];
        (begin, proptest::collection::vec(any::<u8>(), 0..400))
            .prop_map(|(begin, rest)| [begin, rest].concat())
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_an_end_within_its_bounds(bytes in begun()) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let (_, rest) = runtime.block_on(read_from(&bytes));
            prop_assert!(bytes.ends_with(&rest));
            prop_assert!(bytes.len() - rest.len() <= FIXED + LONGEST_V2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_balancer_that_says_too_little_is_left_after_five_seconds() {
        let whole = v2(1, 0x11, &V4);
        for end in 0..whole.len() {
            let started = tokio::time::Instant::now();
            let (read, _) = read_from(&whole[..end]).await;
            assert_eq!(read, Err("no PROXY header within 5 s".to_owned()));
            assert_eq!(started.elapsed(), HEADER_TIME);
        }
    }

    #[test]
    fn balancers_are_an_address_or_a_network() {
        for (text, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.77/24", "::ffff:192.0.2.1", "::192.0.2.1"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
        ] {
            let balancers = Balancers::parse(text).unwrap();
            assert!(balancers.contain(inside.parse().unwrap()), "{text}");
            assert!(!balancers.contain(outside.parse().unwrap()), "{text}");
        }
        for bad in [
            "",
            "localhost",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/-1",
            "::/129",
            "1.2.3.4:5",
        ] {
            assert!(Balancers::parse(bad).is_err(), "{bad}");
        }
    }
}
