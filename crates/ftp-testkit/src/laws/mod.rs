//! What must hold for any bytes at all. Property tests and fuzz targets call the same functions;
//! each panics where a law is broken.
//!
//! What does not live here: examples. Those of the machines are beside the crates they belong to.

mod ascii;
mod client;
mod client_transfer;
mod command;
mod data;
mod features;
mod listing;
pub mod model;
mod pair;
mod reply;
mod roundtrip;
mod script;
#[cfg(feature = "tls")]
mod secured;
mod server;
mod server_files;
mod server_transfer;
mod telnet;
mod time;
mod transcript;
pub mod transfer_model;
mod transfer_texts;
mod virtual_path;
mod watched;

pub use ascii::ascii;
pub use client::client_bytes;
pub use client_transfer::client_transfer;
pub use command::command;
pub use data::data;
pub use features::features;
pub use listing::listing;
pub use pair::{PairOp, PairOps, pair_ops};
pub use reply::reply;
pub use roundtrip::roundtrip;
#[cfg(feature = "tls")]
pub use secured::secured;
pub use server::server_bytes;
pub use server_transfer::server_transfer;
pub use telnet::telnet;
pub use time::{Delivery, ends_in_time, time};
pub use transfer_texts::transfer_texts;
pub use virtual_path::virtual_path;

use ftp_proto::wire::escape;
use ftp_proto::{TlsSession, TlsVersion};

/// A password that must never be shown. Scripts may use it behind `PASS` and `ACCT`.
pub const SECRET: &str = "sentinel-5f3a";

/// Whatever the bytes, their escaped form is one line without control characters, and readable
/// text stays as it is.
pub fn escaped(bytes: &[u8]) {
    let shown = escape(bytes).to_string();
    assert!(!shown.contains(is_dangerous), "{shown:?}");
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains(|c| is_dangerous(c) || c == '\\')
    {
        assert_eq!(shown, text);
    }
}

/// Whether a terminal would act on the character instead of showing it.
fn is_dangerous(character: char) -> bool {
    const REORDER: &[char] = &['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    character.is_control()
        || REORDER.contains(&character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2066}'..='\u{2069}').contains(&character)
}

/// What a handshake that was none is said to have agreed on.
fn tls_session() -> TlsSession {
    TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Ways to cut `length` bytes into chunks, as the lengths of the chunks: whole, byte by byte, at
/// every single place if there are few, and three ways drawn from the bytes themselves.
fn cuts(bytes: &[u8]) -> Vec<Vec<usize>> {
    let length = bytes.len();
    let mut cuts = vec![vec![length], vec![1; length]];
    if length <= 48 {
        cuts.extend((1..length).map(|at| vec![at, length - at]));
    }
    // FNV-1a: any mixing will do, but the same bytes must be cut the same way again.
    let mut seed = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for longest in [3, 17, 200] {
        let mut chunks = Vec::new();
        let mut left = length;
        while left > 0 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let chunk = ((seed >> 33) as usize % longest + 1).min(left);
            chunks.push(chunk);
            left -= chunk;
        }
        cuts.push(chunks);
    }
    cuts
}

/// Passes the chunks of one cut to `each`.
fn feed<'b>(bytes: &'b [u8], cut: &[usize], mut each: impl FnMut(&'b [u8])) {
    let mut rest = bytes;
    for length in cut {
        let (chunk, after) = rest.split_at(*length);
        rest = after;
        each(chunk);
    }
    assert!(rest.is_empty());
}

/// What a peer would read: Telnet taken out.
fn decode_telnet(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    ftp_proto::wire::TelnetFilter::new().filter(
        bytes,
        |plain| decoded.extend_from_slice(plain),
        |refusal| panic!("nothing we send asks for an option: {refusal:?}"),
    );
    decoded
}

/// Nothing that is sent may end a line early or be dropped on the way.
fn assert_lines_are_clean(sent: &[u8]) {
    assert!(sent.ends_with(b"\r\n"));
    for (at, byte) in sent.iter().enumerate() {
        match byte {
            b'\r' => assert_eq!(sent.get(at + 1), Some(&b'\n'), "a bare CR at {at}"),
            b'\n' => assert!(at > 0 && sent[at - 1] == b'\r', "a bare LF at {at}"),
            0 => panic!("a NUL at {at}"),
            _ => {}
        }
    }
}
