//! Reads the part of DER (X.690) that certificates need.
//!
//! It is lenient where that is harmless: lengths need not be in their shortest form. Bytes beyond a
//! length never count, and nothing here can panic.

/// The tags used.
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;

/// `[number]`, constructed.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) tag: u8,
    /// Without tag and length.
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

impl<'a> Item<'a> {
    /// The values inside.
    pub(super) fn reader(self) -> Reader<'a> {
        Reader(self.content)
    }
}

/// The rest of a series of values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value, if it has this tag. Otherwise nothing is read.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Item<'a>> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.item()
    }

    /// The next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Item<'a>> {
        self.item().filter(|item| item.tag == tag)
    }

    fn item(&mut self) -> Option<Item<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        // Tags of more than one byte occur in no certificate.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // One to four bytes of length. Without one (0x80) it is not DER.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .try_fold(0_u32, |length, &byte| {
                        length.checked_mul(256)?.checked_add(u32::from(byte))
                    })
                    .and_then(|length| usize::try_from(length).ok())?;
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len().checked_sub(rest.len())?)?;
        self.0 = rest;
        Some(Item {
            tag,
            content,
            whole,
        })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        self.item()
    }
}
