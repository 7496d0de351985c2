//! Clients, or attackers on the way, that break the rules of TLS.

use super::*;
use crate::misbehaving::script::hear;

pub(super) fn cases() -> Vec<FaultyClient> {
    let mut cases = switching();
    cases.extend(under_tls());
    cases
}

fn switching() -> Vec<FaultyClient> {
    let new = |name, case, script: &[Step], hears, end| {
        FaultyClient::new(name, case, script.to_vec(), hears, end).with(with_tls)
    };
    let injected = fault(PeerFault::BytesBeforeTlsSwitch);
    let agreed = [say("AUTH TLS\r\n"), hear("234")];
    let then = |bytes: &'static [u8]| [agreed.to_vec(), vec![say(bytes)]].concat();
    vec![
        new(
            "login-in-clear",
            "logs in in clear where TLS is demanded",
            &[say([LOG_IN, QUIT].concat())],
            "220 530 503 221",
            BY_QUIT,
        ),
        new(
            "behind-auth-a-command",
            "has a command behind AUTH in the same packet",
            &[say("AUTH TLS\r\nUSER developer\r\n")],
            "220 421",
            injected.clone(),
        ),
        new(
            "behind-auth-a-byte",
            "has one byte behind AUTH in the same packet",
            &[say("AUTH TLS\r\nU")],
            "220 421",
            injected.clone(),
        ),
        new(
            "behind-auth-telnet",
            "has a Telnet sequence behind AUTH in the same packet",
            &[say(b"AUTH TLS\r\n\xff\xf1")],
            "220 421",
            injected,
        ),
        new(
            "login-behind-234",
            "goes on in clear after the 234",
            &then(b"USER developer\r\nPASS correct horse sentinel\r\n"),
            "220 234",
            ServerEnd::TlsFailed,
        ),
        new(
            "handshake-silence",
            "says nothing after the 234",
            &agreed,
            "220 234",
            closed(ClosedWhy::HandshakeTimeout),
        )
        .with(|config| short_handshake(with_tls(config))),
        new(
            "handshake-half-a-record",
            "stops within its first record",
            &then(b"\x16\x03\x01\x02\x00\x01\x00"),
            "220 234",
            closed(ClosedWhy::HandshakeTimeout),
        )
        .with(|config| short_handshake(with_tls(config))),
        new(
            "handshake-record-too-long",
            "announces a record of 65535 bytes",
            &then(b"\x16\x03\x01\xff\xff\x01\x00\x00"),
            "220 234",
            ServerEnd::TlsFailed,
        ),
        new(
            "handshake-data-first",
            "sends application data before the handshake",
            &then(b"\x17\x03\x03\x00\x05hello"),
            "",
            ServerEnd::TlsFailed,
        )
        .unheard(),
        new(
            "handshake-eof",
            "closes instead of the handshake",
            &[agreed.to_vec(), vec![Step::Close]].concat(),
            "220 234",
            ServerEnd::TlsFailed,
        ),
        new(
            "handshake-reset",
            "resets instead of the handshake",
            &[agreed.to_vec(), vec![Step::Reset]].concat(),
            "220 234",
            ServerEnd::Lost,
        )
        .or(ServerEnd::TlsFailed),
        new(
            "auth-kerberos",
            "wants another mechanism",
            &[say("AUTH GSSAPI\r\nADAT x\r\nQUIT\r\n")],
            "220 504 503 221",
            BY_QUIT,
        ),
        new(
            "prot-in-clear",
            "wants data protected before TLS",
            &[say("PBSZ 0\r\nPROT P\r\nQUIT\r\n")],
            "220 503 503 221",
            BY_QUIT,
        ),
        new(
            "auth-without-tls",
            "wants TLS where there is none",
            &[say("AUTH TLS\r\nQUIT\r\n")],
            "220 502 221",
            BY_QUIT,
        )
        .with(|config| config),
        new(
            "implicit-in-clear",
            "speaks in clear where TLS is due from the first byte",
            &[say([LOG_IN, QUIT].concat())],
            "",
            ServerEnd::TlsFailed,
        )
        .with(with_implicit_tls)
        .unheard(),
        new(
            "implicit-http",
            "is a browser where TLS is due from the first byte",
            &[say("GET / HTTP/1.1\r\n\r\n")],
            "",
            ServerEnd::TlsFailed,
        )
        .with(with_implicit_tls)
        .unheard(),
    ]
}

fn under_tls() -> Vec<FaultyClient> {
    let new = |name, case, steps: &[Step], hears, end| {
        let start = vec![say("AUTH TLS\r\n"), hear("234"), Step::StartTls];
        FaultyClient::new(name, case, [start, steps.to_vec()].concat(), hears, end).with(with_tls)
    };
    let in_clear = |bytes: &'static [u8]| Step::SayBeneathTls(bytes.into());
    vec![
        new(
            "auth-again",
            "wants TLS under TLS",
            &[say("AUTH TLS\r\nQUIT\r\n")],
            "220 234 503 221",
            BY_QUIT,
        ),
        new(
            "clear-beneath-tls",
            "goes on in clear beneath TLS",
            &[say("NOOP\r\n"), hear("200"), in_clear(LOG_IN.as_bytes())],
            "220 234 200",
            ServerEnd::TlsFailed,
        ),
        new(
            "broken-record",
            "sends a record that cannot be decrypted",
            &[in_clear(b"\x17\x03\x03\x00\x18abcdefghijklmnopqrstuvwx")],
            "220 234",
            ServerEnd::TlsFailed,
        ),
        new(
            "eof-under-tls",
            "closes without closing TLS",
            &[say("NOOP\r\n"), hear("200"), Step::Close],
            "220 234 200",
            BY_CLIENT,
        ),
        new(
            "close-notify",
            "closes TLS and stays",
            &[say("NOOP\r\n"), hear("200"), Step::CloseTls],
            "220 234 200",
            BY_CLIENT,
        ),
        new(
            "pipelined-under-tls",
            "sends everything in one record",
            &[say(["PBSZ 0\r\nPROT P\r\n", LOG_IN, QUIT].concat())],
            "220 234 200 200 331 230 221",
            BY_QUIT,
        )
        .checked(1, 1),
        new(
            "injected-before-tls",
            "was logged in in clear by someone between",
            &[say("PWD\r\nQUIT\r\n")],
            "220 234 530 221",
            BY_QUIT,
        ),
        new(
            "ccc-refused",
            "wants to leave TLS",
            &[say(["CCC\r\n", QUIT].concat())],
            "220 234 534 221",
            BY_QUIT,
        ),
        new(
            "idle-under-tls",
            "falls silent under TLS",
            &[],
            "220 234 421",
            closed(ClosedWhy::LoginTimeout),
        )
        .with(|config| short_login(with_tls(config))),
    ]
}
