//! Searches for line ends, fast for short lines.
//!
//! For most lines of this protocol a call of a vectorised search takes longer than the search
//! itself. So the first bytes are searched eight at a time in a register, and the rest by `memchr`.

use memchr::{memchr, memchr3};

/// How many bytes to search before `memchr` is used.
const SHORT: usize = 32;

/// The lowest bit of each byte.
const LOW: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The first LF.
#[inline]
pub(super) fn line_feed(bytes: &[u8]) -> Option<usize> {
    const LINE_FEEDS: u64 = LOW.wrapping_mul(b'\n' as u64);
    let mut searched = 0_usize;
    for word in words(bytes) {
        // Bytes that are zero now. After the first one the borrow may give wrong hits.
        let differing = word ^ LINE_FEEDS;
        let found = differing.wrapping_sub(LOW) & !differing & HIGH;
        if found != 0 {
            return Some(searched.saturating_add(first_byte(found)));
        }
        searched = searched.saturating_add(8);
    }
    beyond(bytes, searched, |rest| memchr(b'\n', rest))
}

/// The first LF, CR or NUL.
#[inline]
pub(super) fn line_control(bytes: &[u8]) -> Option<usize> {
    // All three are below this, and few other bytes are.
    const LIMIT: u64 = LOW.wrapping_mul(b'\r' as u64 + 1);
    let mut searched = 0_usize;
    for word in words(bytes) {
        let found = word.wrapping_sub(LIMIT) & !word & HIGH;
        if found != 0 {
            let at = searched.saturating_add(first_byte(found));
            if matches!(bytes.get(at), Some(b'\r' | b'\n' | 0)) {
                return Some(at);
            }
            break;
        }
        searched = searched.saturating_add(8);
    }
    line_control_beyond(bytes, searched)
}

/// [`line_control`] for long lines.
#[inline(never)]
fn line_control_beyond(bytes: &[u8], mut searched: usize) -> Option<usize> {
    // A minimum costs half of the search for three bytes, which is left to the last block.
    let (blocks, _) = bytes.get(searched..)?.as_chunks::<256>();
    for block in blocks {
        if block.iter().fold(u8::MAX, |least, byte| least.min(*byte)) <= b'\r' {
            break;
        }
        searched = searched.saturating_add(256);
    }
    beyond(bytes, searched, |rest| memchr3(b'\n', b'\r', 0, rest))
}

/// The whole words at the front, with the first byte lowest.
#[inline]
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, _) = bytes.as_chunks::<8>();
    words
        .iter()
        .take(SHORT / 8)
        .map(|word| u64::from_le_bytes(*word))
}

/// The index of the first byte whose highest bit is set.
#[inline]
fn first_byte(found: u64) -> usize {
    // At most 7, so that it fits anywhere.
    (found.trailing_zeros() / 8) as usize
}

#[inline]
fn beyond(
    bytes: &[u8],
    searched: usize,
    search: impl FnOnce(&[u8]) -> Option<usize>,
) -> Option<usize> {
    search(bytes.get(searched..)?).map(|at| searched.saturating_add(at))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Mostly bytes that do not match, so that the first match can be anywhere.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![400 => 14_u8..=255, 1 => 0_u8..=14];
        proptest::collection::vec(byte, 0..700)
    }

    proptest! {
        #[test]
        fn what_is_found_is_the_first(bytes in bytes()) {
            prop_assert_eq!(line_feed(&bytes), bytes.iter().position(|byte| *byte == b'\n'));
            let control = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
            prop_assert_eq!(line_control(&bytes), bytes.iter().position(control));
        }
    }

    #[test]
    fn bytes_next_to_those_looked_for_are_not_taken_for_them() {
        for found in 0..=255 {
            for at in 0..40 {
                // Later bytes must not matter, nor the borrow.
                for other in [b'x', b'\t', 0x0b, 0x0e, 0x80, 0x8a, 0xff] {
                    let mut bytes = [other; 50];
                    bytes[at] = found;
                    let control = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
                    assert_eq!(line_control(&bytes), bytes.iter().position(control));
                    assert_eq!(
                        line_feed(&bytes),
                        bytes.iter().position(|byte| *byte == b'\n')
                    );
                }
            }
        }
    }
}
