//! Servers of other protocols, and of none.

use ftp_proto::client::Phase;
use ftp_proto::wire::ForeignProtocol;

use super::*;

pub(super) fn cases() -> Vec<FaultyServer> {
    use ForeignProtocol::{Http, Imap, Pop3, Smtp, Ssh, Tls};
    let speaks = |name, case, greeting: &'static [u8], protocol| {
        let outcome = fault(Phase::Greeting, Fault::Foreign(protocol));
        FaultyServer::new(name, case, [say(greeting)], outcome)
    };
    let babbles = |name, case, greeting: &'static [u8]| {
        FaultyServer::new(name, case, [say(greeting)], no_reply(Phase::Greeting))
    };
    vec![
        speaks("ssh", "speaks SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n", Ssh),
        speaks(
            "http",
            "speaks HTTP",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            Http,
        ),
        speaks(
            "smtp",
            "speaks SMTP",
            b"220 mail.example.com ESMTP ready\r\n",
            Smtp,
        ),
        speaks("pop3", "speaks POP3", b"+OK POP3 ready\r\n", Pop3),
        speaks("imap", "speaks IMAP", b"* OK IMAP4rev1 ready\r\n", Imap),
        speaks(
            "tls-alert",
            "answers with a TLS alert: it wants TLS from the first byte",
            b"\x15\x03\x01\x00\x02\x02\x0a",
            Tls,
        ),
        speaks(
            "tls-record",
            "begins a TLS handshake",
            b"\x16\x03\x03\x00\x40\x02",
            Tls,
        ),
        FaultyServer::new(
            "smtp-of-several-lines",
            "speaks SMTP in several lines",
            [say("220-mail.example.com ESMTP\r\n220 no UCE\r\n")],
            fault(Phase::Greeting, Fault::Foreign(Smtp)),
        ),
        babbles("vnc", "speaks RFB", b"RFB 003.008\n"),
        babbles("mysql", "speaks MySQL", b"J\0\0\0\n8.0.36\0\x08\0\0\0"),
        babbles(
            "letters",
            "says hello in plain English",
            b"Hello there.\r\n",
        ),
        babbles("code-of-two-digits", "greets with 22", b"22 Ready.\r\n"),
        babbles(
            "code-of-four-digits",
            "greets with 2200",
            b"2200 Ready.\r\n",
        ),
        babbles("code-000", "greets with 000", b"000 Ready.\r\n"),
        babbles("code-099", "greets with 099", b"099 Ready.\r\n"),
        FaultyServer::new(
            "code-600",
            "greets with 600, which RFC 2228 has for protected replies",
            [say("600 Ready.\r\n")],
            unexpected(Phase::Greeting, 600),
        ),
        babbles("code-999", "greets with 999", b"999 Ready.\r\n"),
        babbles(
            "code-without-space",
            "puts no space behind the code",
            b"220Ready.\r\n",
        ),
        babbles(
            "code-and-tab",
            "puts a tab behind the code",
            b"220\tReady.\r\n",
        ),
        babbles(
            "space-before-code",
            "puts a space before the code",
            b" 220 Ready.\r\n",
        ),
        babbles("negative-code", "greets with -220", b"-220 Ready.\r\n"),
        babbles(
            "digits-of-unicode",
            "writes the code in full-width digits",
            "\u{ff12}\u{ff12}\u{ff10} Ready.\r\n".as_bytes(),
        ),
        babbles(
            "utf-16",
            "speaks UTF-16",
            b"\xfe\xff\x002\x002\x000\x00 \x00R\r\x00\n\x00",
        ),
        babbles(
            "byte-order-mark",
            "begins with a byte order mark",
            b"\xef\xbb\xbf220 Ready.\r\n",
        ),
        babbles(
            "noise",
            "sends noise",
            b"\x9d\xc3\x01\x80\xee\x12\x00\x7f\r\n\xaa",
        ),
        babbles("nul-first", "begins with a NUL", b"\x00220 Ready.\r\n"),
    ]
}
