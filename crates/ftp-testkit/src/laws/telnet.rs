use ftp_proto::wire::{TelnetFilter, encode_telnet};

use super::{cuts, decode_telnet, feed};

/// The Telnet filter gives what a byte-by-byte reading of RFC 854 gives, however the bytes are
/// cut; and what is encoded comes out of it unchanged.
pub fn telnet(bytes: &[u8]) {
    let expected = read_plainly(bytes);
    for cut in cuts(bytes) {
        let mut filter = TelnetFilter::new();
        let (mut data, mut refusals) = (Vec::new(), Vec::new());
        feed(bytes, &cut, |chunk| {
            filter.filter(
                chunk,
                |plain| data.extend_from_slice(plain),
                |refusal| refusals.push(refusal),
            );
        });
        let inside = filter.is_inside_sequence();
        assert_eq!((data, refusals, inside), expected, "cut as {cut:?}");
    }

    let mut encoded = Vec::new();
    encode_telnet(bytes, &mut encoded);
    assert_eq!(decode_telnet(&encoded), bytes);
}

/// The same with one match a byte and no regard for speed.
fn read_plainly(bytes: &[u8]) -> (Vec<u8>, Vec<[u8; 3]>, bool) {
    let (mut data, mut refusals) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    let inside = loop {
        rest = match *rest {
            [] => break false,
            [255] | [255, 251..=254] => break true,
            [255, 255, ref rest @ ..] => {
                data.push(255);
                rest
            }
            [255, 251, option, ref rest @ ..] => {
                refusals.push([255, 254, option]);
                rest
            }
            [255, 253, option, ref rest @ ..] => {
                refusals.push([255, 252, option]);
                rest
            }
            [255, 252 | 254, _, ref rest @ ..] => rest,
            [255, 250, ref rest @ ..] => match skip_subnegotiation(rest) {
                Some(rest) => rest,
                None => break true,
            },
            [255, 240..=249, ref rest @ ..] => rest,
            [255, byte, ref rest @ ..] => {
                data.extend([255, byte]);
                rest
            }
            [byte, ref rest @ ..] => {
                data.push(byte);
                rest
            }
        };
    };
    (data, refusals, inside)
}

/// What follows `IAC SE`, where an IAC takes the byte behind it with it.
fn skip_subnegotiation(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        rest = match rest {
            [255, 240, rest @ ..] => return Some(rest),
            [255, _, rest @ ..] | [_, rest @ ..] => rest,
            [] => return None,
        };
    }
}
