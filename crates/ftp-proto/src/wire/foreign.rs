//! Other protocols, recognised by their first bytes.

use core::fmt;

use super::{Code, ReplyRef};

/// Another protocol than FTP on the control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForeignProtocol {
    /// A TLS record: the port uses TLS from the first byte (implicit TLS).
    Tls,
    /// An SSH identification string.
    Ssh,
    /// An HTTP response or request.
    Http,
    /// An SMTP greeting.
    Smtp,
    /// A POP3 greeting.
    Pop3,
    /// An IMAP greeting.
    Imap,
}

impl ForeignProtocol {
    /// The protocol of a well-formed greeting; `None` if it is not certain.
    ///
    /// SMTP greets with 220 as FTP does: a 220 that has the word `ESMTP` or `SMTP` in its first
    /// line, and no word with `FTP` in it, comes from a mail server.
    pub fn of_greeting(greeting: ReplyRef<'_>) -> Option<Self> {
        let mut words = greeting.text().split(|byte| *byte == b' ');
        let is_ftp = |word: &[u8]| {
            word.windows(3)
                .any(|part| part.eq_ignore_ascii_case(b"FTP"))
        };
        let is_smtp = greeting.code() == Code::READY
            && words
                .clone()
                .any(|word| word == b"ESMTP" || word == b"SMTP")
            && !words.any(is_ftp);
        is_smtp.then_some(Self::Smtp)
    }
}

impl fmt::Display for ForeignProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS (the port wants TLS from the first byte: use implicit TLS)",
            Self::Ssh => "SSH",
            Self::Http => "HTTP",
            Self::Smtp => "SMTP",
            Self::Pop3 => "POP3",
            Self::Imap => "IMAP",
        })
    }
}

/// The result of comparing the start of a stream with the starts of other protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Certainly this protocol.
    Is(ForeignProtocol),
    /// It may still be another protocol; more bytes decide.
    Undecided,
    /// No known protocol.
    None,
}

/// The first bytes of servers of other protocols. None of these can begin a reply.
const SERVERS: &[(&[u8], ForeignProtocol)] = &[
    (b"SSH-", ForeignProtocol::Ssh),
    (b"HTTP/", ForeignProtocol::Http),
    (b"+OK", ForeignProtocol::Pop3),
    (b"-ERR", ForeignProtocol::Pop3),
    (b"* OK", ForeignProtocol::Imap),
    (b"* PREAUTH", ForeignProtocol::Imap),
    (b"* BYE", ForeignProtocol::Imap),
    // Handshake and alert records. One byte decides: it cannot be FTP.
    (b"\x16", ForeignProtocol::Tls),
    (b"\x15", ForeignProtocol::Tls),
];

/// The first bytes of clients of other protocols. The space after HTTP methods distinguishes them
/// from verbs such as `OPTS`.
const CLIENTS: &[(&[u8], ForeignProtocol)] = &[
    (b"SSH-", ForeignProtocol::Ssh),
    (b"GET ", ForeignProtocol::Http),
    (b"HEAD ", ForeignProtocol::Http),
    (b"POST ", ForeignProtocol::Http),
    (b"PUT ", ForeignProtocol::Http),
    (b"DELETE ", ForeignProtocol::Http),
    (b"CONNECT ", ForeignProtocol::Http),
    (b"OPTIONS ", ForeignProtocol::Http),
    (b"TRACE ", ForeignProtocol::Http),
    (b"PATCH ", ForeignProtocol::Http),
    (b"PRI * HTTP/2", ForeignProtocol::Http),
    (b"EHLO ", ForeignProtocol::Smtp),
    (b"HELO ", ForeignProtocol::Smtp),
    (b"\x16", ForeignProtocol::Tls),
    (b"\x15", ForeignProtocol::Tls),
];

/// Compares the first bytes that a server sent.
pub(crate) fn of_server(start: &[u8]) -> Signature {
    compare(start, SERVERS)
}

/// Compares the first bytes that a client sent.
pub(crate) fn of_client(start: &[u8]) -> Signature {
    compare(start, CLIENTS)
}

fn compare(start: &[u8], signatures: &[(&[u8], ForeignProtocol)]) -> Signature {
    let mut result = Signature::None;
    for (signature, protocol) in signatures {
        if start.starts_with(signature) {
            return Signature::Is(*protocol);
        }
        if signature.starts_with(start) {
            result = Signature::Undecided;
        }
    }
    result
}
