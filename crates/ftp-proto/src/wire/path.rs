//! Paths in replies: 257, which answers `PWD` and `MKD` (RFC 959 §5.4 and its appendix II).

use alloc::vec::Vec;

use super::{Class, Code, ReplyRef};

/// The path that a reply to `PWD` or `MKD` names; `None` if there is none, or the reply says no.
///
/// It stands between quotes, and a quote in it is doubled. All after the closing quote is left out. What
/// servers do otherwise is read too:
///
/// * A quote in the path that is not doubled: it is part of the path unless a blank or the end of the
///   line follows. So is one before a blank if it is doubled.
/// * No closing quote: all up to the end of the line.
/// * 257 without quotes: the first word that begins with `/`; if there is none, the first word.
///
/// The path is empty if the quotes are.
///
/// ```
/// use ftp_proto::wire::{Code, Reply, parse_path};
///
/// let reply = Reply::new(Code::PATH_CREATED, r#""/a ""b"" c" is the current directory"#)?;
/// assert_eq!(parse_path(reply.borrow()).as_deref(), Some(br#"/a "b" c"#.as_slice()));
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
pub fn parse_path(reply: ReplyRef<'_>) -> Option<Vec<u8>> {
    if reply.code().class() != Class::Completion {
        return None;
    }
    let in_quotes = reply.lines().find_map(quoted);
    if in_quotes.is_some() || reply.code() != Code::PATH_CREATED {
        return in_quotes;
    }
    let mut words = reply
        .lines()
        .flat_map(|line| line.split(u8::is_ascii_whitespace))
        .filter(|word| !word.is_empty());
    let first = words.clone().next();
    let word = words.find(|word| word.starts_with(b"/")).or(first)?;
    Some(word.to_vec())
}

/// The path in quotes, each quote in it doubled, as 257 has it.
///
/// ```
/// use ftp_proto::wire::quote_path;
///
/// assert_eq!(quote_path(br#"/a "b""#), br#""/a ""b""""#);
/// ```
pub fn quote_path(path: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(path.len().saturating_add(2));
    quoted.push(b'"');
    for byte in path {
        if *byte == b'"' {
            quoted.push(b'"');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

/// What stands in quotes on this line; `None` if there is no quote.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memchr(b'"', line)?.saturating_add(1);
    let mut rest = line.get(start..)?;
    // How far from the end the last quote is that can be the closing one.
    let last = memchr::memrchr_iter(b'"', rest)
        .map(|at| rest.get(at..).unwrap_or_default())
        .find(|quote| can_close(quote))
        .map_or(usize::MAX, <[u8]>::len);
    let mut path = Vec::new();
    while let Some(at) = memchr::memchr(b'"', rest) {
        let (before, quote) = rest.split_at_checked(at)?;
        path.extend_from_slice(before);
        rest = match quote {
            [_, b'"', rest @ ..] => rest,
            quote if can_close(quote) || quote.len() <= last => return Some(path),
            quote => quote.get(1..)?,
        };
        path.push(b'"');
    }
    path.extend_from_slice(rest);
    Some(path)
}

/// Whether a blank or the end of the line follows the quote.
fn can_close(quote: &[u8]) -> bool {
    quote.get(1).is_none_or(u8::is_ascii_whitespace)
}
