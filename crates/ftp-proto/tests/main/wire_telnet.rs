//! Telnet on the control connection, from outside.

use ftp_proto::wire::{TelnetFilter, encode_telnet, escape};
use ftp_testkit::laws;
use proptest::prelude::*;

proptest! {
    #[test]
    fn the_filter_agrees_with_a_plain_reading_for_any_cut(
        bytes in proptest::collection::vec(
            prop_oneof![3 => Just(255_u8), 3 => 236_u8..=255, 2 => any::<u8>()], 0..60)
    ) {
        laws::telnet(&bytes);
    }

    #[test]
    fn escaped_text_never_holds_a_control_character(bytes: Vec<u8>) {
        laws::escaped(&bytes);
    }

    #[test]
    fn escaped_characters_never_act_on_a_terminal(text in "(?s:.{0,40})") {
        laws::escaped(text.as_bytes());
    }
}

fn filtered(bytes: &[u8]) -> (Vec<u8>, Vec<[u8; 3]>) {
    let (mut data, mut refusals) = (Vec::new(), Vec::new());
    TelnetFilter::new().filter(
        bytes,
        |plain| data.extend_from_slice(plain),
        |refusal| refusals.push(refusal),
    );
    (data, refusals)
}

#[test]
fn options_are_removed_and_refused() {
    let (data, refusals) =
        filtered(b"\xff\xfd\x01US\xff\xfb\x03ER \xff\xfe\x01\xff\xfc\x03anna\r\n");
    assert_eq!(data, b"USER anna\r\n");
    assert_eq!(
        refusals,
        [[255, 252, 1], [255, 254, 3]],
        "DO and WILL only: refusals end there"
    );
}

#[test]
fn the_synch_before_abor_is_removed() {
    assert_eq!(
        filtered(b"\xff\xf4\xff\xf2ABOR\r\n"),
        (b"ABOR\r\n".to_vec(), vec![])
    );
}

#[test]
fn a_doubled_0xff_is_one_and_a_single_one_before_text_is_kept() {
    assert_eq!(filtered(b"a\xff\xffb\xffc").0, b"a\xffb\xffc");
    let mut out = Vec::new();
    encode_telnet(b"a\xffb", &mut out);
    assert_eq!(out, b"a\xff\xffb");
}

#[test]
fn a_subnegotiation_is_removed_whole() {
    assert_eq!(
        filtered(b"NO\xff\xfa\x18\x01\xff\xff\xff\xf0OP\r\n").0,
        b"NOOP\r\n"
    );
}

#[test]
fn escaping_shows_bytes_that_could_forge_a_log_line() {
    let shown = escape("a\r\n230 ok\t\u{1b}[2J\u{202e}\\é\0".as_bytes()).to_string();
    assert_eq!(shown, "a\\r\\n230 ok\\t\\u{1b}[2J\\u{202e}\\\\é\\u{0}");
}
