//! Splits a line: words, columns, numbers.

/// Where this byte is first, in a short text: `memchr` would be slower. Eight bytes at a time.
#[inline]
pub(super) fn position(text: &[u8], byte: u8) -> Option<usize> {
    position_of([byte], text)
}

/// The same of any of these bytes.
#[inline]
pub(super) fn position_of<const COUNT: usize>(bytes: [u8; COUNT], text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    let wanted = bytes.map(|byte| u64::from_ne_bytes([byte; 8]));
    let mut before: usize = 0;
    let mut rest = text;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        let eight = u64::from_le_bytes(*eight);
        let found = wanted.iter().fold(0, |found, wanted| {
            // Zero where the byte is. The lowest zero sets the lowest of these bits.
            let differs = eight ^ wanted;
            found | (differs.wrapping_sub(ONES) & !differs & TOPS)
        });
        if found != 0 {
            return before.checked_add((found.trailing_zeros() / 8) as usize);
        }
        before = before.saturating_add(8);
        rest = after;
    }
    let last = rest.iter().position(|byte| bytes.contains(byte))?;
    before.checked_add(last)
}

/// Iterates over the words of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    /// The rest of the line, with blanks before it.
    pub(super) rest: &'a [u8],
}

/// Whether it separates columns. CR and LF are for entries over two lines.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

impl<'a> Words<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The next word; empty at the end.
    #[inline]
    pub(super) fn next(&mut self) -> &'a [u8] {
        let rest = skip_blanks(self.rest);
        // One comparison, since most of the time is spent here. No word has a control character.
        let length = rest
            .iter()
            .position(|byte| *byte <= b' ')
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at(length);
        self.rest = rest;
        word
    }

    /// The next word, without moving past it.
    pub(super) fn peek(&self) -> &'a [u8] {
        let mut copy = *self;
        copy.next()
    }

    /// Everything after the one blank that follows the last word: a name with its own blanks.
    pub(super) fn name(&self) -> &'a [u8] {
        match self.rest {
            [first, rest @ ..] if is_blank(*first) => rest,
            rest => rest,
        }
    }

    /// The rest without blanks around it.
    pub(super) fn trimmed(&self) -> &'a [u8] {
        trim(self.rest)
    }
}

#[inline]
pub(super) fn skip_blanks(text: &[u8]) -> &[u8] {
    // Nearly all blanks are spaces, which take one comparison.
    let spaces = text.iter().position(|byte| *byte != b' ');
    let rest = text.get(spaces.unwrap_or(text.len())..).unwrap_or_default();
    match rest {
        [b'\t' | b'\r' | b'\n', ..] => {
            let blanks = rest.iter().position(|byte| !is_blank(*byte));
            rest.get(blanks.unwrap_or(rest.len())..).unwrap_or_default()
        }
        rest => rest,
    }
}

pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text {
        if !is_blank(*last) {
            break;
        }
        text = rest;
    }
    text
}

pub(super) fn trim(text: &[u8]) -> &[u8] {
    trim_end(skip_blanks(text))
}

/// How many columns are split.
const ROOM: usize = 14;

/// The first columns of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns<'a> {
    words: [&'a [u8]; ROOM],
    /// The text after each word.
    after: [&'a [u8]; ROOM],
    count: usize,
    line: &'a [u8],
}

impl<'a> Columns<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        let mut columns = Self {
            words: [b""; ROOM],
            after: [b""; ROOM],
            count: 0,
            line,
        };
        let mut words = Words::new(line);
        for (word, after) in columns.words.iter_mut().zip(&mut columns.after) {
            *word = words.next();
            *after = words.rest;
            if word.is_empty() {
                break;
            }
            columns.count = columns.count.wrapping_add(1);
        }
        columns
    }

    /// How many columns there are. At the maximum, the line may have more.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) const fn line(&self) -> &'a [u8] {
        self.line
    }

    /// The word in this column, counted from 0; empty if there is none.
    pub(super) fn get(&self, column: usize) -> &'a [u8] {
        self.words.get(column).copied().unwrap_or_default()
    }

    /// The last word.
    pub(super) fn last(&self) -> &'a [u8] {
        self.back(1)
    }

    /// The word in this column, counted from the end from 1.
    pub(super) fn back(&self, from_end: usize) -> &'a [u8] {
        self.count
            .checked_sub(from_end)
            .map(|column| self.get(column))
            .unwrap_or_default()
    }

    /// The text after this column, without blanks around it.
    pub(super) fn after(&self, column: usize) -> &'a [u8] {
        trim(self.after_exactly(column))
    }

    /// The text after this column.
    pub(super) fn after_exactly(&self, column: usize) -> &'a [u8] {
        self.after.get(column).copied().unwrap_or_default()
    }

    /// The text before this column, without blanks around it.
    pub(super) fn before(&self, column: usize) -> &'a [u8] {
        let behind = self
            .get(column)
            .len()
            .saturating_add(self.after_exactly(column).len());
        let end = self.line.len().saturating_sub(behind);
        trim(self.line.get(..end).unwrap_or_default())
    }
}

/// A number of digits only; `None` for other text and for numbers that are too large.
pub(crate) fn number(word: &[u8]) -> Option<u64> {
    const LONGEST_THAT_FITS: usize = 19;
    if word.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    if word.len() <= LONGEST_THAT_FITS {
        for byte in word {
            let digit = u64::from(digit(*byte)?);
            value = value.wrapping_mul(10).wrapping_add(digit);
        }
    } else {
        for byte in word {
            let digit = u64::from(digit(*byte)?);
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
    }
    Some(value)
}

/// A number of one or two digits.
pub(super) fn small(word: &[u8]) -> Option<u8> {
    match word {
        [ones] => digit(*ones),
        [tens, ones] => Some(digit(*tens)?.wrapping_mul(10).wrapping_add(digit(*ones)?)),
        _ => None,
    }
}

pub(super) const fn digit(byte: u8) -> Option<u8> {
    let value = byte.wrapping_sub(b'0');
    if value < 10 { Some(value) } else { None }
}

pub(super) fn is_number(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

/// Splits off the digits at the start.
pub(crate) fn leading_digits(word: &[u8]) -> (&[u8], &[u8]) {
    let count = word
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(word.len());
    word.split_at(count)
}

/// The value of digits in another base than ten.
pub(super) fn in_base(word: &[u8], base: u32) -> Option<u64> {
    let text = core::str::from_utf8(word).ok()?;
    if !text.starts_with(|first: char| first.is_digit(base)) {
        return None;
    }
    u64::from_str_radix(text, base).ok()
}

/// Permissions in octal digits; only the bits of `chmod` are kept.
pub(super) fn mode(word: &[u8]) -> Option<u16> {
    let mut bits = 0_u16;
    for byte in word {
        let digit = byte.wrapping_sub(b'0');
        if digit > 7 {
            return None;
        }
        bits = bits.wrapping_shl(3) | u16::from(digit);
    }
    (!word.is_empty()).then_some(bits & 0o7777)
}

/// A size as written for people; `None` if the word is not a size.
///
/// Thousands may be separated by `,`, `.`, `'` or a no-break space. The units of `33.5k`, `4K`,
/// `2KB` and `1.2G` are powers of 1024.
pub(super) fn size(word: &[u8]) -> Option<Size> {
    let (digits, rest) = leading_digits(word);
    if digits.is_empty() {
        return None;
    }
    match rest {
        [] => Some(Size(number(digits))),
        [b',' | b'.' | b'\'' | 0xa0 | 0xc2 | 0xe2, ..] if digits.len() <= 3 => {
            grouped(digits, rest).or_else(|| scaled(digits, rest))
        }
        _ => scaled(digits, rest),
    }
}

/// A size; `None` inside if it is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) Option<u64>);

fn grouped(first: &[u8], mut rest: &[u8]) -> Option<Size> {
    const NO_BREAK_SPACES: [&[u8]; 3] = [b"\xc2\xa0", b"\xe2\x80\xaf", b"\xe2\x80\x89"];
    let mut value = number(first);
    while !rest.is_empty() {
        let group = NO_BREAK_SPACES
            .iter()
            .find_map(|space| rest.strip_prefix(*space))
            .or(match rest {
                [b',' | b'.' | b'\'' | 0xa0, group @ ..] => Some(group),
                _ => None,
            })?;
        let (digits, after) = group.split_at_checked(3)?;
        let digits = number(digits)?;
        value = value
            .and_then(|value| value.checked_mul(1000))
            .and_then(|value| value.checked_add(digits));
        rest = after;
    }
    Some(Size(value))
}

/// `33.5k`: digits, a fraction, a unit.
fn scaled(digits: &[u8], rest: &[u8]) -> Option<Size> {
    let (fraction, unit) = match rest {
        [b'.' | b',', rest @ ..] => leading_digits(rest),
        rest => (&b""[..], rest),
    };
    let (power, tail) = match unit {
        [b'k' | b'K', tail @ ..] => (1, tail),
        [b'm' | b'M', tail @ ..] => (2, tail),
        [b'g' | b'G', tail @ ..] => (3, tail),
        [b't' | b'T', tail @ ..] => (4, tail),
        [b'B'] if fraction.is_empty() => (0, &b""[..]),
        _ => return None,
    };
    if !matches!(tail, b"" | b"B" | b"b" | b"iB") {
        return None;
    }
    let factor = 1024_u64.checked_pow(power)?;
    let fraction = fraction.get(..6).unwrap_or(fraction);
    let share = number(fraction).unwrap_or_default().saturating_mul(factor);
    let share = fraction
        .iter()
        .fold(share, |share, _digit| share.wrapping_div(10));
    Some(Size(
        number(digits)
            .and_then(|digits| digits.checked_mul(factor))
            .and_then(|value| value.checked_add(share)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_where_it_is_first() {
        for length in 0..20 {
            for at in 0..=length {
                for other in [b'<', b':', 0x00, 0xFF, b';' | 0x80] {
                    let mut text = [other; 20];
                    text[at.min(19)] = b';';
                    let text = &text[..length];
                    let first = text.iter().position(|byte| *byte == b';');
                    assert_eq!(position(text, b';'), first, "{}", text.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, value) in [
            (&b"0"[..], Some(0)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"9,730", Some(9730)),
            (b"1.234.567", Some(1_234_567)),
            (b"1'024", Some(1024)),
            (b"12\xc2\xa0345", Some(12_345)),
            (b"12\xa0345", Some(12_345)),
            (b"33.5k", Some(34_304)),
            (b"4.0K", Some(4096)),
            (b"2KB", Some(2048)),
            (b"1G", Some(1 << 30)),
            (b"99999999999999T", None),
        ] {
            assert_eq!(size(text), Some(Size(value)), "{}", text.escape_ascii());
        }
        for text in [
            &b""[..],
            b"x",
            b"1x",
            b"1,2",
            b"1,23,456",
            b"k",
            b"-1",
            b"1.2.3",
            b"1:2",
        ] {
            assert_eq!(size(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn columns_know_what_is_around_them() {
        let columns = Columns::of(b"  a  bc d ");
        assert_eq!(columns.count(), 3);
        assert_eq!(columns.get(1), b"bc");
        assert_eq!(columns.last(), b"d");
        assert_eq!(columns.before(1), b"a");
        assert_eq!(columns.after(0), b"bc d");
        assert_eq!(columns.get(3), b"");
    }
}
