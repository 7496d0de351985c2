//! Chunking never matters: this law of both machines, tested on their input.

use std::vec::Vec;

use proptest::prelude::*;

use super::TelnetInput;

/// Everything that a machine sees of its input.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    unread: Vec<u8>,
    position: u64,
    refusals: Vec<(u64, [u8; 3])>,
    /// Whether anything follows the unread bytes, and the unread bytes without the last one.
    is_followed: [bool; 2],
    has_too_much: bool,
    /// How many bytes were offered and not taken.
    left: usize,
}

/// Feeds the stream, cut before each of these positions, as drivers do: bytes not taken are offered
/// again, with nothing after them, until none are taken.
fn fed(input: &mut TelnetInput, stream: &[u8], cuts: &[usize]) -> Seen {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.push(stream.len());
    cuts.sort_unstable();
    let mut from = 0;
    for cut in cuts {
        while from < cut {
            match input.store(&stream[from..cut]) {
                0 => break,
                taken => from += taken,
            }
        }
        if from < cut {
            break;
        }
    }
    let unread = input.unread().to_vec();
    Seen {
        position: input.end_position(),
        refusals: input.refusals.pending.iter().copied().collect(),
        is_followed: [unread.len(), unread.len().saturating_sub(1)]
            .map(|length| input.is_followed(length)),
        has_too_much: input.has_too_much(),
        left: if input.has_too_much() {
            0
        } else {
            stream.len() - from
        },
        unread,
    }
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(255_u8), 3 => 236_u8..=255, 3 => any::<u8>()];
    prop_oneof![
        3 => prop::collection::vec(byte, 0..80),
        // More options than are refused.
        1 => prop::collection::vec(any::<u8>(), 60..80)
            .prop_map(|options| options.into_iter().flat_map(|option| [255, 253, option]).collect()),
    ]
}

proptest! {
    #[test]
    fn chunking_never_matters(
        streams in prop::collection::vec(stream(), 1..4),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        capacity in 1_usize..120,
        most_telnet in prop_oneof![0_usize..60, Just(usize::MAX)],
        consumed in any::<usize>(),
    ) {
        let mut whole = TelnetInput::new(capacity, most_telnet);
        let mut cut = TelnetInput::new(capacity, most_telnet);
        let mut bytewise = TelnetInput::new(capacity, most_telnet);
        for stream in streams {
            let seen = fed(&mut whole, &stream, &[]);
            prop_assert_eq!(&seen, &fed(&mut cut, &stream, &cuts));
            let everywhere: Vec<_> = (0..stream.len()).collect();
            prop_assert_eq!(&seen, &fed(&mut bytewise, &stream, &everywhere));
            prop_assert!(seen.unread.len() <= capacity && seen.refusals.len() <= 64);
            for input in [&mut whole, &mut cut, &mut bytewise] {
                input.consume(consumed % (seen.unread.len() + 1));
                input.restart_telnet_count();
            }
        }
    }
}

#[test]
fn refusals_are_sent_in_the_order_of_the_stream_and_once() {
    let mut input = TelnetInput::new(100, usize::MAX);
    assert_eq!(input.store(b"a\xff\xfd\x01b\xff\xfb\x02"), 8);
    let mut sent = Vec::new();
    let (unread, refusals) = input.parts();
    assert_eq!(unread, b"ab");
    refusals.send_before(1, |refusal| sent.push(refusal.to_vec()));
    assert!(sent.is_empty(), "asked for after the first byte");
    refusals.send_before(2, |refusal| sent.push(refusal.to_vec()));
    assert_eq!(sent, [[255, 252, 1]]);
    refusals.send_before(u64::MAX, |refusal| sent.push(refusal.to_vec()));
    assert_eq!(sent, [[255, 252, 1], [255, 254, 2]]);
}

#[test]
fn a_reset_forgets_everything_but_the_position() {
    let mut input = TelnetInput::new(8, 3);
    assert_eq!(input.store(b"abc\xff\xfd\x01\xff\xf1"), 8);
    assert!(input.has_too_much());
    input.reset();
    assert!(!input.has_too_much() && !input.is_followed(0));
    assert_eq!((input.unread(), input.position()), (&b""[..], 3));
    assert!(input.refusals.pending.is_empty());
    assert_eq!(input.store(b"abcdefghi"), 8, "as much as a new one");
    assert!(input.is_followed(8), "the ninth is withheld");
}
