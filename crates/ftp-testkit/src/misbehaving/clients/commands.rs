//! Clients whose commands are none, or of another protocol.

use ftp_proto::wire::ForeignProtocol;

use super::*;
use crate::misbehaving::script::in_bytes;

pub(super) fn cases() -> Vec<FaultyClient> {
    use ForeignProtocol::{Http, Smtp, Ssh, Tls};
    let speaks = |name, case, said: &'static [u8], protocol| {
        let end = fault(PeerFault::ForeignProtocol(protocol));
        FaultyClient::new(name, case, [say(said)], "220 421", end)
    };
    let says = |name, case, said: &'static [u8], hears| {
        FaultyClient::new(name, case, [say(said)], hears, BY_QUIT)
    };
    vec![
        speaks(
            "http-get",
            "is a browser",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            Http,
        ),
        speaks(
            "http-post",
            "is a browser with a login in its form",
            b"POST / HTTP/1.1\r\nHost: x\r\n\r\nUSER developer\r\nPASS correct horse sentinel\r\n",
            Http,
        ),
        speaks(
            "http-2",
            "speaks HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            Http,
        ),
        speaks("ssh", "speaks SSH", b"SSH-2.0-OpenSSH_9.2\r\n", Ssh),
        speaks(
            "smtp",
            "speaks SMTP",
            b"EHLO mail.example.com\r\nQUIT\r\n",
            Smtp,
        ),
        speaks(
            "tls-in-clear",
            "shakes hands for TLS where AUTH is due",
            b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
            Tls,
        ),
        says(
            "bare-lf",
            "ends its commands in LF",
            b"NOOP\nQUIT\n",
            "220 200 221",
        ),
        says(
            "blank-lines",
            "sends blank lines between commands",
            b"\r\n\r\nNOOP\r\n\r\n\nQUIT\r\n",
            "220 200 221",
        ),
        says(
            "nul-in-command",
            "has a NUL in its name",
            b"USER a\0b\r\nQUIT\r\n",
            "220 501 221",
        ),
        says(
            "cr-in-command",
            "has a bare CR in its name",
            b"USER a\rPASS b\r\nQUIT\r\n",
            "220 501 221",
        ),
        says(
            "long-name",
            "has a name longer than the limit",
            LONG_NAME,
            "220 500 221",
        ),
        says(
            "unknown-verb",
            "sends a verb that there is not",
            b"XYZZY\r\nQUIT\r\n",
            "220 500 221",
        ),
        says(
            "binary",
            "sends noise",
            b"\x80\x81\x82\r\nQUIT\r\n",
            "220 500 221",
        ),
        says(
            "space-first",
            "puts a space before the verb",
            b" NOOP\r\nQUIT\r\n",
            "220 500 221",
        ),
        says(
            "behind-quit",
            "says more behind QUIT",
            b"QUIT\r\nUSER developer\r\nPASS correct horse sentinel\r\n",
            "220 221",
        ),
        says(
            "telnet-interrupt",
            "sends a Telnet interrupt and Synch before a command",
            b"\xff\xf4\xff\xf2NOOP\r\nQUIT\r\n",
            "220 200 221",
        ),
        says(
            "telnet-within-verb",
            "has Telnet sequences within a verb",
            b"QU\xff\xf1IT\r\n",
            "220 221",
        ),
        FaultyClient::new(
            "only-nonsense",
            "says nothing that is a command",
            [say("XYZZY\r\n".repeat(100))],
            "220 500 500 500 421",
            closed(ClosedWhy::TooManyBadCommands),
        )
        .with(|config| config.max_bad_commands(3)),
        FaultyClient::new(
            "in-bytes",
            "sends each byte in a packet of its own",
            [in_bytes(
                "USER developer\r\nPASS correct horse sentinel\r\nQUIT\r\n",
            )],
            "220 331 230 221",
            BY_QUIT,
        )
        .checked(1, 1),
    ]
}

/// 600 bytes, where 512 are permitted.
const LONG_NAME: &[u8] = &{
    let mut line = [b'a'; 614];
    let (start, end) = (b"USER ", b"\r\nQUIT\r\n");
    let mut at = 0;
    while at < start.len() {
        line[at] = start[at];
        at += 1;
    }
    let mut at = 0;
    while at < end.len() {
        line[614 - end.len() + at] = end[at];
        at += 1;
    }
    line
};
