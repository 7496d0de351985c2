use ftp_proto::wire::{Code, Reply, ReplyErrorKind, ReplyParser, Status};
use ftp_proto::{Lenience, Limits};

use super::{assert_lines_are_clean, cuts, decode_telnet, feed};

/// What a reply parser finds in a stream.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Each reply, and the offset in the stream behind it.
    replies: Vec<(Reply, usize)>,
    /// What stopped it, and at which offset in the stream.
    fault: Option<(ReplyErrorKind, usize)>,
    /// What the unfinished rest was when taken for ended by a foreign line.
    foreign_end: Option<Reply>,
}

/// Replies and faults come out the same, at the same offsets, however the bytes are cut, and the
/// same as from a plain reading line by line; never more is held back than the limits allow; and
/// every reply that was read can be sent and read again.
pub fn reply(bytes: &[u8]) {
    let lenient = Lenience::default();
    for (limits, lenience) in [
        (Limits::default(), lenient),
        (Limits::default(), Lenience::STRICT),
        (tight(24, 3, 48), lenient),
        (tight(9, 4, 12), Lenience::STRICT),
        (tight(5, 4, 5), lenient),
        (tight(0, 0, 0), lenient),
    ] {
        let whole = read(bytes, &[bytes.len()], &limits, &lenience);
        for cut in cuts(bytes) {
            let found = read(bytes, &cut, &limits, &lenience);
            assert_eq!(found, whole, "{limits:?}, {lenience:?}, cut as {cut:?}");
        }
        for reply in whole
            .replies
            .iter()
            .map(|(reply, _)| reply)
            .chain(&whole.foreign_end)
        {
            assert_survives_the_wire(reply);
            let shown = format!("{reply} {reply:?}");
            assert!(!shown.contains(super::is_dangerous), "{shown:?}");
        }
    }
    let unlimited = tight(usize::MAX, usize::MAX, usize::MAX);
    let found = read(bytes, &[bytes.len()], &unlimited, &lenient);
    let codes = found
        .replies
        .iter()
        .map(|(reply, end)| (reply.code(), *end))
        .collect::<Vec<_>>();
    assert_eq!(codes, read_plainly(bytes));
}

fn tight(line: usize, lines: usize, bytes: usize) -> Limits {
    let mut limits = Limits::default();
    limits.reply_line = line;
    limits.reply_lines = lines;
    limits.reply_bytes = bytes;
    limits
}

fn read(bytes: &[u8], cut: &[usize], limits: &Limits, lenience: &Lenience) -> Found {
    let mut parser = ReplyParser::new(limits, lenience);
    let mut found = Found::default();
    let mut held = Vec::new();
    let mut dropped = 0;
    feed(bytes, cut, |chunk| {
        if found.fault.is_some() {
            return;
        }
        held.extend_from_slice(chunk);
        loop {
            match parser.parse(&held) {
                Ok(Status::Partial) => break,
                Ok(Status::Complete(reply, length)) => {
                    assert!(!reply.is_irregular());
                    assert!(held[..length].ends_with(reply.raw()));
                    assert_eq!(reply.is_multiline(), reply.lines().count() > 1);
                    dropped += length;
                    found.replies.push((reply.to_reply(), dropped));
                    held.drain(..length);
                }
                Err(error) => {
                    assert_eq!(parser.parse(&held), Err(error), "the error does not stick");
                    found.fault = Some((error.kind, dropped + error.at));
                    return;
                }
            }
        }
        let skipped = parser.skip_blank();
        held.drain(..skipped);
        dropped += skipped;
        // Up to eight bytes are needed to know what is spoken.
        let bound = limits.reply_bytes.max(8);
        assert!(held.len() <= bound, "{} bytes held back", held.len());
    });
    if found.fault.is_none() {
        let expected = parser.has_foreign_end(&held);
        found.foreign_end = parser.foreign_end(&held).map(|(reply, length)| {
            assert_eq!(length, held.len());
            assert!(reply.is_irregular());
            reply.to_reply()
        });
        assert_eq!(found.foreign_end.is_some(), expected);
    }
    found
}

/// The codes of the replies and where each ends, as RFC 959 §4.2 has it, without limits.
fn read_plainly(bytes: &[u8]) -> Vec<(Code, usize)> {
    let mut found = Vec::new();
    let mut open = None;
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        let Some(line) = line.strip_suffix(b"\n") else {
            break;
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let code = line
            .get(..3)
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
            .and_then(Code::new);
        match (open, code, line.get(3)) {
            (None, None, None) if line.is_empty() => {}
            (None, Some(code), None | Some(b' ')) => found.push((code, end)),
            (None, Some(code), Some(b'-')) => open = Some(code),
            (None, ..) => break,
            (Some(open_code), Some(code), None | Some(b' ')) if code == open_code => {
                open = None;
                found.push((code, end));
            }
            (Some(_), ..) => {}
        }
    }
    found
}

fn assert_survives_the_wire(reply: &Reply) {
    let mut sent = Vec::new();
    reply.encode(&mut sent);
    assert_lines_are_clean(&sent);
    let received = decode_telnet(&sent);
    let unlimited = tight(usize::MAX, usize::MAX, usize::MAX);
    let mut parser = ReplyParser::new(&unlimited, &Lenience::STRICT);
    let Ok(Status::Complete(again, length)) = parser.parse(&received) else {
        panic!("{reply:?} cannot be read again from {received:?}");
    };
    assert_eq!(length, received.len());
    assert_eq!(again.code(), reply.code());
    let cleaned = reply.lines().map(|line| {
        line.iter()
            .map(|byte| {
                if matches!(byte, 0 | b'\r') {
                    b' '
                } else {
                    *byte
                }
            })
            .collect()
    });
    assert!(
        again
            .lines()
            .map(<[u8]>::to_vec)
            .eq(cleaned.collect::<Vec<Vec<u8>>>())
    );

    let mut sent_again = Vec::new();
    again.to_reply().encode(&mut sent_again);
    assert_eq!(sent_again, sent, "what is in order stays as it is");
}
