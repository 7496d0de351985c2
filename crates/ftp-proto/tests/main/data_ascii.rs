//! Ends of lines in `TYPE A`.

use ftp_proto::data::ascii::{Decoder, Encoder};
use ftp_testkit::laws;
use proptest::prelude::*;

#[test]
fn ends_of_lines_are_what_the_other_side_has() {
    for (wire, text) in [
        (&b""[..], &b""[..]),
        (b"\r\n", b"\n"),
        (b"one\r\ntwo\r\n", b"one\ntwo\n"),
        (b"no end", b"no end"),
        (b"\r\n\r\n", b"\n\n"),
        (b"\r\r\n", b"\r\n"),
        (b"a\rb", b"a\rb"),
        (b"\r", b"\r"),
        (b"\r\r", b"\r\r"),
        (b"\n\r", b"\n\r"),
        (b"bare\n", b"bare\n"),
        (b"\r\0\xff\r\n", b"\r\0\xff\n"),
    ] {
        let mut out = Vec::new();
        let mut decoder = Decoder::new();
        decoder.decode(wire, &mut out);
        decoder.finish(&mut out);
        assert_eq!(out, text, "{}", wire.escape_ascii());
    }
    for (text, wire) in [
        (&b""[..], &b""[..]),
        (b"\n", b"\r\n"),
        (b"one\ntwo", b"one\r\ntwo"),
        (b"\n\n", b"\r\n\r\n"),
        (b"\r\n", b"\r\n"),
        (b"\r\r\n", b"\r\r\n"),
        (b"a\rb\r", b"a\rb\r"),
        (b"\n\r", b"\r\n\r"),
        (b"\0\xff\n", b"\0\xff\r\n"),
    ] {
        let mut out = Vec::new();
        Encoder::new().encode(text, &mut out);
        assert_eq!(out, wire, "{}", text.escape_ascii());
    }
}

#[test]
fn what_was_there_before_stays() {
    let mut out = b"before".to_vec();
    Decoder::new().decode(b"\r\n", &mut out);
    Encoder::new().encode(b"\n", &mut out);
    assert_eq!(out, b"before\n\r\n");
}

proptest! {
    #[test]
    fn how_a_text_is_cut_never_matters(
        bytes in prop::collection::vec(
            prop_oneof![2 => Just(b'\r'), 2 => Just(b'\n'), 2 => Just(b'x'), 1 => any::<u8>()],
            0..64,
        ),
    ) {
        laws::ascii(&bytes);
    }
}
