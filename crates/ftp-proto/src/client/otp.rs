//! What a reply's text gives away beyond its code.

use crate::wire::{Code, ReplyRef};

/// Whether a reply to `FEAT` lists `UTF8` (RFC 2640 §3.2).
pub(super) fn announces_utf8(reply: ReplyRef<'_>) -> bool {
    reply.lines().any(|line| {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        words.next().is_some_and(|word| {
            word.eq_ignore_ascii_case(b"UTF8") || word.eq_ignore_ascii_case(b"UTF-8")
        })
    })
}

/// Whether a reply carries the challenge of a one-time password system, which no fixed password
/// can answer (336 of RFC 2228; the texts of RFC 2289 and S/KEY).
pub(super) fn has_challenge(reply: ReplyRef<'_>) -> bool {
    const MARKS: [&[u8]; 3] = [b"otp-", b"s/key", b"skey"];
    reply.code() == Code::NEED_CHALLENGED_PASSWORD
        || reply.lines().any(|line| {
            MARKS.iter().any(|mark| {
                line.windows(mark.len())
                    .any(|window| window.eq_ignore_ascii_case(mark))
            })
        })
}
