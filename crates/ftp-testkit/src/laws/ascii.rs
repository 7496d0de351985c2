use ftp_proto::data::ascii::{Decoder, Encoder};

use super::{cuts, feed};

/// Ends of lines are the same however the bytes are cut, and as a plain reading has them; a text that is
/// encoded and decoded is the same text with LF for each CRLF.
pub fn ascii(bytes: &[u8]) {
    let (decoded, encoded) = (decode_plainly(bytes), encode_plainly(bytes));
    for cut in cuts(bytes) {
        assert_eq!(decode(bytes, &cut), decoded, "cut as {cut:?}");
        assert_eq!(encode(bytes, &cut), encoded, "cut as {cut:?}");
    }
    assert_eq!(decode(&encoded, &[encoded.len()]), decoded);
    assert_eq!(
        encode(&encoded, &[encoded.len()]),
        encoded,
        "nothing is left to do"
    );
    let is_regular = !super::contains(bytes, b"\r\r\n") && encoded == bytes;
    if is_regular {
        assert_eq!(encode(&decoded, &[decoded.len()]), bytes);
    }
}

fn decode(bytes: &[u8], cut: &[usize]) -> Vec<u8> {
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    feed(bytes, cut, |piece| {
        let before = out.len();
        decoder.decode(piece, &mut out);
        assert!(out.len() - before <= piece.len() + 1);
    });
    decoder.finish(&mut out);
    let length = out.len();
    decoder.finish(&mut out);
    assert_eq!(out.len(), length, "finished already");
    out
}

fn encode(bytes: &[u8], cut: &[usize]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    feed(bytes, cut, |piece| {
        let before = out.len();
        encoder.encode(piece, &mut out);
        assert!((piece.len()..=2 * piece.len()).contains(&(out.len() - before)));
    });
    out
}

fn decode_plainly(bytes: &[u8]) -> Vec<u8> {
    let is_end = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
    (0..bytes.len())
        .filter(|at| !is_end(*at))
        .map(|at| bytes[at])
        .collect()
}

fn encode_plainly(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}
