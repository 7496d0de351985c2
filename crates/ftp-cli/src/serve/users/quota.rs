//! How much may be stored: `BYTES` or `BYTES:FILES`.

use thiserror::Error;

/// A limit to what there may be in a directory and all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) bytes: u64,
    /// Files and directories.
    pub(crate) files: u64,
}

/// What is wrong with the text of a [`Quota`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum QuotaProblem {
    #[error(
        "the bytes are a number above 0, with or without K, M, G or T (of 1024), as in 10G or 10G:5000"
    )]
    Bytes,
    #[error("the files are a number above 0, as in 10G:5000")]
    Files,
}

impl Quota {
    /// As much as there is room for.
    pub(crate) const NONE: Self = Self {
        bytes: u64::MAX,
        files: u64::MAX,
    };

    /// Reads `BYTES[:FILES]`.
    pub(crate) fn parse(text: &str) -> Result<Self, QuotaProblem> {
        let (bytes, files) = match text.split_once(':') {
            Some((bytes, files)) => (bytes, Some(files)),
            None => (text, None),
        };
        let bytes = parse_bytes(bytes).ok_or(QuotaProblem::Bytes)?;
        let files = match files {
            Some(files) => number(files).ok_or(QuotaProblem::Files)?,
            None => u64::MAX,
        };
        Ok(Self { bytes, files })
    }
}

/// A number of bytes above 0, also as in `10M`.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let of_unit = units.iter().find_map(|(letter, shift)| {
        let digits = text.strip_suffix([*letter, letter.to_ascii_lowercase()])?;
        Some((digits, 1_u64 << shift))
    });
    let (digits, unit) = of_unit.unwrap_or((text, 1));
    number(digits)?.checked_mul(unit)
}

/// Digits and nothing else.
fn number(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .parse()
        .ok()
        .filter(|number| is_number && *number > 0)
}
