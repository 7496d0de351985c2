//! Finds the bounds of TLS records (RFC 8446 §5.1).

/// The bytes before each record: content type, version, length.
const HEADER: usize = 5;

/// Counts through the records of one direction. rustls does the real parsing; this only ensures
/// that rustls never gets a byte after the current record, so that what follows a `close_notify` is
/// not read as TLS.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RecordBounds {
    /// How many bytes of the current record's header were seen.
    header: usize,
    /// Its length field, as far as it was seen.
    length: u16,
    /// How many bytes of its body are missing.
    body: usize,
}

impl RecordBounds {
    /// Whether the next byte is the first of a record.
    pub(crate) fn is_between(&self) -> bool {
        self.header == 0
    }

    /// How many of these bytes are in the current record. They count as seen.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut taken: usize = 0;
        for &byte in bytes.iter().take(HEADER.saturating_sub(self.header)) {
            self.header = self.header.saturating_add(1);
            taken = taken.saturating_add(1);
            if self.header > HEADER.saturating_sub(2) {
                self.length = (self.length << 8) | u16::from(byte);
            }
            if self.header == HEADER {
                self.body = usize::from(self.length);
            }
        }
        let body = self.body.min(bytes.len().saturating_sub(taken));
        self.body = self.body.saturating_sub(body);
        if self.header == HEADER && self.body == 0 {
            *self = Self::default();
        }
        taken.saturating_add(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: &[u8] = b"\x16\x03\x01\x00\x03abc\x15\x03\x03\x00\x00\x17\x03\x03\x01\x00";

    #[test]
    fn each_call_stops_at_the_end_of_a_record() {
        let mut bounds = RecordBounds::default();
        assert_eq!(bounds.advance(RECORDS), 8);
        assert_eq!(bounds.advance(&RECORDS[8..]), 5);
        assert_eq!(bounds.advance(&RECORDS[13..]), 5);
        assert_eq!(bounds.advance(&[0; 300]), 256);
        assert_eq!(bounds.advance(&[]), 0);
    }

    #[test]
    fn single_bytes_lead_to_the_same_ends() {
        let mut bounds = RecordBounds::default();
        for byte in &RECORDS[..13] {
            assert_eq!(bounds.advance(&[*byte]), 1);
        }
        assert_eq!(bounds.advance(RECORDS), 8, "a new record began");
    }
}
