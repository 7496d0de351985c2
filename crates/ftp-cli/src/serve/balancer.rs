//! The address of a client behind a balancer: reads the PROXY header at the start of a connection.
//!
//! Connections from the addresses of `--proxy-protocol` must begin with a header. All others are
//! clients, and a header from them is a bad command. `proxy_header.rs` reads the header's contents.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::proxy_header::{self, FIXED, Fixed, LONGEST_V1, SIGNATURE, Source, V1_START};

/// How long the header may take. A balancer sends it first.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// Why a balancer's connection is closed.
#[derive(Debug, Error)]
pub(crate) enum HeaderError {
    /// It only checked whether the port is open.
    #[error("it sent nothing")]
    Silent,
    #[error("it does not begin with a PROXY header")]
    Missing,
    #[error("the PROXY header is not valid: {0}")]
    Invalid(#[from] proxy_header::Invalid),
    #[error("no PROXY header within {} s", HEADER_TIME.as_secs())]
    TooSlow,
    #[error("the connection ended within the PROXY header: {0}")]
    Io(#[from] io::Error),
}

/// Reads the header, and no byte after it.
///
/// # Errors
/// [`HeaderError`]: the connection cannot be used. At most 64 KiB are read, the longest header of
/// version 2, in at most 5 s. Other data is an error at its first byte that is not a header's.
pub(crate) async fn source_of<T>(stream: &mut T) -> Result<Source, HeaderError>
where
    T: AsyncRead + Unpin,
{
    timeout(HEADER_TIME, read(stream))
        .await
        .map_err(|_| HeaderError::TooSlow)?
}

/// The bytes after the header are the client's, perhaps a TLS record. So the line is read byte by
/// byte.
async fn read<T: AsyncRead + Unpin>(stream: &mut T) -> Result<Source, HeaderError> {
    let start = read_start(stream).await?;
    if start == SIGNATURE {
        return read_v2(stream).await;
    }
    let mut line = start.to_vec();
    // No header is shorter than this start.
    while !line.contains(&b'\n') && line.len() < LONGEST_V1 {
        line.push(stream.read_u8().await?);
    }
    Ok(proxy_header::v1(&line)?)
}

/// The bytes that all headers of version 2 begin with.
async fn read_start<T>(stream: &mut T) -> Result<[u8; SIGNATURE.len()], HeaderError>
where
    T: AsyncRead + Unpin,
{
    let mut start = [0; SIGNATURE.len()];
    let mut filled = 0;
    while let Some(space) = start.get_mut(filled..).filter(|space| !space.is_empty()) {
        let read = match stream.read(space).await {
            Ok(0) if filled > 0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(0) => return Err(HeaderError::Silent),
            Err(_) if filled == 0 => return Err(HeaderError::Silent),
            read => read?,
        };
        filled += read;
        let begins_like = |whole: &[u8]| start.iter().zip(whole).take(filled).all(|(a, b)| a == b);
        if !begins_like(&SIGNATURE) && !begins_like(V1_START) {
            return Err(HeaderError::Missing);
        }
    }
    Ok(start)
}

/// The rest of a header of version 2 after its signature. What follows the addresses, for example
/// the client's certificate, is dropped.
async fn read_v2<T: AsyncRead + Unpin>(stream: &mut T) -> Result<Source, HeaderError> {
    let mut rest = [0; FIXED];
    stream.read_exact(&mut rest).await?;
    let fixed = Fixed::parse(rest)?;
    let mut addresses = vec![0; fixed.addresses()];
    stream.read_exact(&mut addresses).await?;
    let mut left = usize::from(fixed.length()) - addresses.len();
    let mut unused = [0; 1024];
    while left > 0 {
        let space = left.min(unused.len());
        let read = stream.read(&mut unused[..space]).await?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        left -= read;
    }
    Ok(fixed.source(&addresses)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    const BALANCER: &str = "the balancer";

    /// The result for these bytes, and the bytes left over. The peer stays connected.
    async fn read_from(bytes: &[u8]) -> (Result<String, String>, Vec<u8>) {
        let (mut near, mut far) = tokio::io::duplex(1 << 17);
        far.write_all(bytes).await.unwrap();
        let source = source_of(&mut near).await;
        drop(far);
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        let source = source.map(|source| match source {
            Source::Client(client) => client.to_string(),
            Source::Balancer => BALANCER.to_owned(),
        });
        (source.map_err(|error| error.to_string()), rest)
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
        let mapped = [
            &[0; 10][..],
            &[0xff; 2],
            &[192, 0, 2, 7],
            &[0; 16],
            &V4[8..],
        ]
        .concat();
        let with_extras = [&V4[..], &[0x04, 0, 2, 0, 0]].concat();
        let with_certificates = [&V4[..], &[0x20; u16::MAX as usize - V4.len()]].concat();
        for (header, client) in [
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 21\r\n".to_vec(),
                "192.0.2.7:56324",
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 5 21\r\n".to_vec(),
                "[2001:db8::7]:5",
            ),
            // nginx names the family after the client alone.
            (
                b"PROXY TCP6 2001:db8::7 198.51.100.1 5 21\r\n".to_vec(),
                "[2001:db8::7]:5",
            ),
            (
                b"PROXY TCP4 192.0.2.7 2001:db8::1 0 65535\r\n".to_vec(),
                "192.0.2.7:0",
            ),
            (
                b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 5 21\r\n".to_vec(),
                "192.0.2.7:5",
            ),
            (
                b"PROXY TCP4 192.0.2.7 unix:/run/nginx.sock 5 0\r\n".to_vec(),
                "192.0.2.7:5",
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), BALANCER),
            (longest_unknown(), BALANCER),
            (b"PROXY UNKNOWN 1 2 3 whatever\r\n".to_vec(), BALANCER),
            (v2(1, 0x11, &V4), "192.0.2.7:56324"),
            (v2(1, 0x11, &with_extras), "192.0.2.7:56324"),
            (v2(1, 0x11, &with_certificates), "192.0.2.7:56324"),
            (v2(1, 0x21, &v6), "[2001:db8::]:256"),
            (v2(1, 0x21, &mapped), "192.0.2.7:56324"),
            // LOCAL: its addresses are ignored.
            (v2(0, 0x11, &V4), BALANCER),
            (v2(0, 0x11, &[]), BALANCER),
            (v2(0, 0xff, &[7; 2_000]), BALANCER),
            (v2(0, 0, &[]), BALANCER),
            (v2(1, 0, &[]), BALANCER),
            (v2(1, 0, &[7; 99]), BALANCER),
            (v2(1, 0x31, &[7; 216]), BALANCER),
        ] {
            for behind in [&b""[..], b"USER anna\r\n", b"\x16\x03\x01"] {
                let (read, rest) = read_from(&[&header[..], behind].concat()).await;
                assert_eq!(read.as_deref(), Ok(client), "{header:?}");
                assert_eq!(rest, behind, "{header:?}");
            }
        }
    }

    /// A line of 107 bytes.
    fn longest_unknown() -> Vec<u8> {
        [&b"PROXY UNKNOWN "[..], &[b'x'; 91], b"\r\n"].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_begin_like_a_header_is_refused_at_once() {
        for bytes in [&b"U"[..], b"PU", b"PROXY\t", b"\r\n\r\n\0\r\nQUIX", b"\n"] {
            let started = tokio::time::Instant::now();
            let (read, _) = read_from(bytes).await;
            assert!(read.unwrap_err().contains("does not begin"), "{bytes:?}");
            assert_eq!(started.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_it_says_anything_is_a_kind_of_its_own() {
        let (mut near, far) = tokio::io::duplex(64);
        drop(far);
        let silent = source_of(&mut near).await;
        assert!(matches!(silent, Err(HeaderError::Silent)), "{silent:?}");
        let whole = v2(1, 0x11, &V4);
        for end in 1..whole.len() {
            let (mut near, mut far) = tokio::io::duplex(64);
            far.write_all(&whole[..end]).await.unwrap();
            drop(far);
            let cut = source_of(&mut near).await;
            assert!(matches!(cut, Err(HeaderError::Io(_))), "{cut:?}");
        }
    }

    /// Reads a header that arrives in these pieces, with a pause before each and nothing after the
    /// last.
    async fn read_in_pieces(pieces: Vec<Vec<u8>>, pause: Duration) -> Result<Source, HeaderError> {
        let (mut near, mut far) = tokio::io::duplex(1 << 17);
        let dripping = async move {
            for piece in pieces {
                tokio::time::sleep(pause).await;
                far.write_all(&piece).await.unwrap();
            }
            std::future::pending::<()>().await
        };
        tokio::select! {
            source = source_of(&mut near) => source,
            () = dripping => unreachable!("it never ends"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn how_a_header_is_split_does_not_matter_but_its_time_in_all_does() {
        let line = b"PROXY TCP6 2001:db8::7 198.51.100.1 5 21\r\n".to_vec();
        for header in [
            line,
            longest_unknown(),
            v2(1, 0x11, &V4),
            v2(0, 0x11, &[7; 50]),
        ] {
            let whole = format!(
                "{:?}",
                read_in_pieces(vec![header.clone()], Duration::ZERO).await
            );
            assert!(whole.starts_with("Ok"), "{whole}");
            for at in 1..header.len() {
                let (first, second) = header.split_at(at);
                let pieces = vec![first.to_vec(), second.to_vec()];
                let split = read_in_pieces(pieces, Duration::from_secs(2)).await;
                assert_eq!(format!("{split:?}"), whole, "{at}");
            }
            let bytes: Vec<_> = header.iter().map(|byte| vec![*byte]).collect();
            let quick = read_in_pieces(bytes.clone(), Duration::from_millis(40)).await;
            assert_eq!(format!("{quick:?}"), whole);
            let started = tokio::time::Instant::now();
            let slow = read_in_pieces(bytes, Duration::from_secs(1)).await;
            assert!(matches!(slow, Err(HeaderError::TooSlow)), "{slow:?}");
            assert_eq!(started.elapsed(), HEADER_TIME);
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
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 +5 21\r\n".to_vec(),
                "a port is not a number",
            ),
            (
                b"PROXY TCP4 nobody ::1 5 21\r\n".to_vec(),
                "not an IP address",
            ),
            (b"PROXY TCP4 192.0.2.7\r\n".to_vec(), "two addresses"),
            (
                b"PROXY TCP4 192.0.2.7 ::1 5 21 \r\n".to_vec(),
                "two addresses",
            ),
            (
                b"PROXY tcp4 192.0.2.7 ::1 5 21\r\n".to_vec(),
                "two addresses",
            ),
            (b"PROXY UNKNOWNS\r\n".to_vec(), "two addresses"),
            (b"PROXY UP\r\nUSER anna\r\n".to_vec(), "CR LF"),
            (b"PROXY TCP4 192.0.2.7\n".to_vec(), "CR LF"),
            (
                [&b"PROXY UNKNOWN "[..], &[b'x'; 200], b"\r\n"].concat(),
                "more than 107",
            ),
            (v2(1, 0x11, &V4[..11]), "shorter than its addresses"),
            (v2(1, 0x21, &V4), "shorter than its addresses"),
            (v2(1, 0x12, &V4), "not for TCP"),
            (v2(1, 0x10, &V4), "unknown version"),
            (v2(2, 0x11, &V4), "unknown version"),
            (v2(0x11, 0x11, &V4), "unknown version"),
        ] {
            let (read, _) = read_from(&bytes).await;
            assert!(
                read.as_ref().is_err_and(|text| text.contains(why)),
                "{bytes:?}: {read:?}"
            );
        }
    }

    /// Bytes that begin like a header of either version, or like neither.
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
            prop_assert!(bytes.len() - rest.len() <= SIGNATURE.len() + FIXED + usize::from(u16::MAX));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_balancer_that_says_too_little_is_left_after_five_seconds() {
        let whole = v2(1, 0x11, &V4);
        for end in 0..whole.len() {
            // The peer stays connected.
            let started = tokio::time::Instant::now();
            let (read, _) = read_from(&whole[..end]).await;
            assert_eq!(read, Err("no PROXY header within 5 s".to_owned()));
            assert_eq!(started.elapsed(), HEADER_TIME);
        }
    }
}
