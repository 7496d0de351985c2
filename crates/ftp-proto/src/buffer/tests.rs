//! The queue against a plain model, and what is left in memory behind it.

use std::vec::Vec;

use proptest::prelude::*;

use super::{Buffer, KEPT_CAPACITY};

#[derive(Debug, Clone)]
enum Operation {
    Push(Vec<u8>),
    Consume(usize),
    Clear,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => prop::collection::vec(1..=255_u8, 0..300).prop_map(Operation::Push),
        4 => (0..400_usize).prop_map(Operation::Consume),
        1 => Just(Operation::Clear),
    ]
}

proptest! {
    #[test]
    fn what_goes_in_comes_out_in_order_and_nothing_consumed_stays_in_memory(
        operations in prop::collection::vec(operation(), 0..60),
    ) {
        let mut buffer = Buffer::new();
        let mut model: Vec<u8> = Vec::new();
        let mut consumed = 0_usize;
        for operation in operations {
            match operation {
                Operation::Push(bytes) => {
                    buffer.extend(&bytes);
                    model.extend_from_slice(&bytes);
                }
                Operation::Consume(count) => {
                    buffer.consume(count);
                    consumed = (consumed + count).min(model.len());
                }
                Operation::Clear => {
                    buffer.clear();
                    consumed = model.len();
                }
            }
            prop_assert_eq!(buffer.unread(), &model[consumed..]);
            prop_assert_eq!(buffer.len(), model.len() - consumed);
            prop_assert_eq!(buffer.is_empty(), model.len() == consumed);
            prop_assert_eq!(buffer.position(), consumed as u64);
            prop_assert_eq!(buffer.end_position(), model.len() as u64);
            // All that was pushed is non-zero: what is zero was wiped.
            prop_assert!(buffer.bytes[..buffer.head].iter().all(|byte| *byte == 0));
            if buffer.is_empty() {
                prop_assert!(buffer.bytes.capacity() <= KEPT_CAPACITY);
            }
        }
    }
}

#[test]
fn a_consumed_password_is_wiped_at_once() {
    let mut buffer = Buffer::new();
    buffer.extend(b"PASS secret\r\nNOOP\r\n");
    buffer.consume(8);
    assert_eq!(&buffer.bytes[..8], &[0; 8]);
    buffer.consume(5);
    assert_eq!(&buffer.bytes[..13], &[0; 13]);
    assert_eq!(buffer.unread(), b"NOOP\r\n");
}

#[test]
fn debug_shows_no_bytes() {
    let mut buffer = Buffer::new();
    buffer.extend(b"PASS secret\r\n");
    assert_eq!(std::format!("{buffer:?}"), "Buffer(13 bytes)");
}

#[test]
fn memory_is_given_back_once_nothing_is_in_it() {
    let mut buffer = Buffer::new();
    buffer.extend(b"USER anna\r\nPA");
    buffer.consume(11);
    buffer.shrink();
    assert_eq!(buffer.unread(), b"PA");
    buffer.consume(2);
    buffer.shrink();
    assert_eq!(buffer.bytes.capacity(), 0);
    assert_eq!((buffer.position(), buffer.end_position()), (13, 13));
}
