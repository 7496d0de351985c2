//! What the replies to a transfer command give away: the length of a file, the name that it got.

use alloc::vec::Vec;

use super::file_status::{strip_bytes, take_grouped};
use super::path::quoted;
use super::{Class, Code, ReplyRef};

/// The length in bytes that a 125 or 150 announces, as in
/// `150 Opening BINARY mode data connection for notes (1234 bytes).`
///
/// `path` is the argument of the command. It is needed since a file may be named `x (12 bytes)`, and
/// servers that announce no length may end the text with the name: what `path` ends with is no length.
///
/// Read are an exact number and the word `bytes`, in the last parentheses if the text ends with them, or
/// at the start of a line as `1234 bytes to download`. `None` for all else: rounded lengths (`1.2 kbytes`),
/// lines that contradict each other, other codes.
///
/// After `REST` some servers announce the length of the whole file, others what is left of it. In
/// `TYPE A` most announce the length that the file has on disk.
///
/// ```
/// use ftp_proto::wire::{Code, Reply, announced_length};
///
/// let text = "Opening BINARY mode data connection for x (12 bytes) (34 bytes).";
/// let reply = Reply::new(Code::OPENING_DATA_CONNECTION, text)?;
/// assert_eq!(announced_length(reply.borrow(), b"x (12 bytes)"), Some(34));
///
/// let reply = Reply::new(Code::OPENING_DATA_CONNECTION, "Opening x (12 bytes).")?;
/// assert_eq!(announced_length(reply.borrow(), b"/pub/x (12 bytes)"), None);
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
pub fn announced_length(reply: ReplyRef<'_>, path: &[u8]) -> Option<u64> {
    if !matches!(
        reply.code(),
        Code::TRANSFER_STARTING | Code::OPENING_DATA_CONNECTION
    ) {
        return None;
    }
    let mut lengths = reply.lines().map(without_ending).filter_map(|line| {
        let (length, text) = in_parentheses(line).or_else(|| to_download(line))?;
        (!ends_with(without_ending(path), text)).then_some(length)
    });
    let length = lengths.next()?;
    lengths.all(|other| other == length).then_some(length)
}

/// The name that the server gave to a file that was sent with `STOU` (RFC 1123 §4.1.2.9).
///
/// It is in the reply that begins the transfer, or in the one that ends it: call this for both. Read are
/// `FILE: name`, `(unique file name:name)` and `"name"`, where a doubled quote stands for one. `None` for
/// all else, and for 4yz and 5yz.
///
/// ```
/// use ftp_proto::wire::{Code, Reply, parse_store_unique_name};
///
/// let reply = Reply::new(Code::OPENING_DATA_CONNECTION, "FILE: notes.1")?;
/// assert_eq!(parse_store_unique_name(reply.borrow()).as_deref(), Some(b"notes.1".as_slice()));
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
pub fn parse_store_unique_name(reply: ReplyRef<'_>) -> Option<Vec<u8>> {
    let class = reply.code().class();
    if !matches!(class, Class::Preliminary | Class::Completion) {
        return None;
    }
    reply
        .lines()
        .find_map(|line| {
            let labelled = after_file(line).or_else(|| in_unique(line));
            labelled.map(<[u8]>::to_vec).or_else(|| quoted(line))
        })
        .filter(|name| !name.is_empty())
}

/// Takes off what may follow the length.
fn without_ending(line: &[u8]) -> &[u8] {
    const ENDINGS: [&[u8]; 3] = [b".", b" using SSL/TLS", b" using TLS"];
    let mut line = line.trim_ascii();
    while let Some(rest) = ENDINGS.iter().find_map(|ending| line.strip_suffix(*ending)) {
        line = rest.trim_ascii_end();
    }
    line
}

/// Whether a path ends with this text, whatever the server did to the case of its letters.
fn ends_with(path: &[u8], text: &[u8]) -> bool {
    let start = path.len().checked_sub(text.len());
    let end = start.and_then(|start| path.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(text))
}

/// `… (1234 bytes)`: the number, and the text from the parenthesis on.
fn in_parentheses(line: &[u8]) -> Option<(u64, &[u8])> {
    let before = line.strip_suffix(b")")?;
    let (start, inner) = before.split_at_checked(memchr::memrchr(b'(', before)?)?;
    let inner = inner.strip_prefix(b"(")?.trim_ascii();
    let (length, rest) = take_grouped(inner, b",")?;
    let text = line.get(start.len()..)?;
    strip_bytes(rest)?.is_empty().then_some((length, text))
}

/// `1234 bytes to download`, as Pure-FTPd has it: the number, and the text.
fn to_download(line: &[u8]) -> Option<(u64, &[u8])> {
    let (length, rest) = take_grouped(line, b",")?;
    let rest = strip_bytes(rest)?.trim_ascii();
    rest.eq_ignore_ascii_case(b"to download")
        .then_some((length, line))
}

/// What follows `FILE:` at the start of the text or after a blank.
fn after_file(line: &[u8]) -> Option<&[u8]> {
    const LABEL: &[u8] = b"FILE:";
    let line = line.trim_ascii();
    let (start, rest) = line.split_at_checked(LABEL.len())?;
    if start.eq_ignore_ascii_case(LABEL) {
        return Some(rest.trim_ascii());
    }
    let at = line.windows(6).position(|window| window == b" FILE:")?;
    Some(line.get(at.saturating_add(6)..)?.trim_ascii())
}

/// What follows `(unique file name:`, as servers of the BSD family have it.
fn in_unique(line: &[u8]) -> Option<&[u8]> {
    const LABEL: &[u8] = b"unique file name:";
    let mut windows = line.windows(LABEL.len());
    let start = windows.position(|window| window.eq_ignore_ascii_case(LABEL))?;
    let name = line.get(start.saturating_add(LABEL.len())..)?;
    let end = memchr::memrchr(b')', name)?;
    Some(name.get(..end)?.trim_ascii())
}
