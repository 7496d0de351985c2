//! Text files with byte order marks, or in UTF-16.

use zeroize::Zeroizing;

use crate::exit::Failure;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The text without the byte order mark that editors on Windows write. All other bytes stay as they
/// are.
///
/// # Errors
/// If the text is UTF-16 or UTF-32: its words would not be found, or would be sent with NULs
/// between their letters. `source` begins the message: "the password file x".
pub(crate) fn plain<'a>(source: &str, bytes: &'a [u8]) -> Result<&'a [u8], Failure> {
    match wide_encoding(bytes) {
        Some(encoding) => Err(Failure::usage(format!("{source} is {encoding} text")).hint(
            "save it as UTF-8; in PowerShell, write it with `Set-Content -Encoding utf8` instead \
             of `>`",
        )),
        None => Ok(bytes.strip_prefix(MARK).unwrap_or(bytes)),
    }
}

/// The same for a secret, without leaving a copy in memory.
///
/// # Errors
/// As [`plain`].
pub(crate) fn strip_mark(source: &str, bytes: &mut Zeroizing<Vec<u8>>) -> Result<(), Failure> {
    let mark = bytes.len() - plain(source, bytes)?.len();
    bytes.drain(..mark);
    Ok(())
}

/// PEM text without byte order marks, also inside, where files were joined. Otherwise a section
/// whose first line has one would be skipped without an error.
///
/// # Errors
/// As [`plain`].
pub(crate) fn plain_pem(source: &str, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = plain(source, bytes)?;
    // Room for all of it: a vector that grows leaves copies of the secret in memory.
    let mut pem = Zeroizing::new(Vec::with_capacity(text.len()));
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        pem.extend_from_slice(line.strip_prefix(MARK).unwrap_or(line));
    }
    Ok(pem)
}

/// Found by the byte order mark, or by the NULs beside the first ASCII characters.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        _ if has_nul_beside_each(bytes) => Some("UTF-16"),
        _ => None,
    }
}

/// Whether the first two pairs of bytes each have a NUL at the same place.
fn has_nul_beside_each(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    let nul_is_at = |place: usize| {
        let mut pairs = start.chunks(2);
        pairs.all(|pair| pair.len() == 2 && (pair[place] == 0) && (pair[1 - place] != 0))
    };
    !start.is_empty() && (nul_is_at(0) || nul_is_at(1))
}

/// Lower-case hexadecimal digits, two for a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        for (given, kept) in [
            (&b"\xef\xbb\xbfanna\r\n"[..], &b"anna\r\n"[..]),
            (b"\xef\xbb\xbf", b""),
            (b"\xef\xbb\xbf\xef\xbb\xbfa", b"\xef\xbb\xbfa"),
            (b"\xef\xbbanna", b"\xef\xbbanna"),
            (b"a\xff\xfe\0", b"a\xff\xfe\0"),
            (b"a\0b\n", b"a\0b\n"),
            (b"", b""),
        ] {
            assert_eq!(plain("x", given).unwrap(), kept);
        }
    }

    #[test]
    fn utf_16_is_refused_by_name_with_a_mark_and_without() {
        for text in ["\u{feff}anna", "\u{feff}пароль", "anna\r\n"] {
            for bytes in [utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)] {
                let failure = plain("the password file x", &bytes).unwrap_err();
                let message = failure.to_string();
                assert!(
                    message.contains("the password file x is UTF-16"),
                    "{message}"
                );
            }
        }
    }
}
