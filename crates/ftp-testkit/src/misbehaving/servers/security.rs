//! Cases on the way to TLS: the password must never be heard in clear.

use ftp_proto::client::{Phase, Timeout};

use super::*;
use crate::misbehaving::script::{endlessly, slowly};

const SECURITY: Phase = Phase::Security;

pub(super) fn cases() -> Vec<FaultyServer> {
    let mut cases = auth();
    cases.extend(handshake());
    cases.extend(implicit());
    cases
}

fn auth() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        let script = [vec![say(READY), hear("AUTH ")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).explicit()
    };
    let says =
        |name, case, reply: &'static [u8], outcome| answers(name, case, &[say(reply)], outcome);
    let injected = fault(SECURITY, Fault::BytesBeforeTlsSwitch);
    vec![
        says(
            "auth-502",
            "does not know AUTH",
            b"502 No.\r\n",
            refused(SECURITY, 502),
        ),
        says(
            "auth-530",
            "wants a login before AUTH",
            b"530 Log in.\r\n",
            refused(SECURITY, 530),
        ),
        says(
            "auth-421",
            "is unavailable when TLS is wanted",
            b"421 Bye.\r\n",
            unavailable(SECURITY),
        ),
        says(
            "auth-200",
            "answers AUTH with 200",
            b"200 Fine.\r\n",
            unexpected(SECURITY, 200),
        ),
        says(
            "auth-230",
            "answers AUTH with 230",
            b"230 In.\r\n",
            unexpected(SECURITY, 230),
        ),
        says(
            "auth-331",
            "answers AUTH with 331",
            b"331 Password?\r\n",
            unexpected(SECURITY, 331),
        ),
        says(
            "auth-235",
            "answers AUTH with 235, as if it were done",
            b"235 Done.\r\n",
            unexpected(SECURITY, 235),
        ),
        answers(
            "auth-silence",
            "does not answer AUTH",
            &[],
            timed_out(SECURITY, Timeout::Reply),
        )
        .with(short_reply),
        answers(
            "auth-eof",
            "closes when TLS is wanted",
            &[Step::Close],
            closed(SECURITY),
        ),
        answers(
            "auth-reset",
            "resets when TLS is wanted",
            &[Step::Reset],
            lost(SECURITY),
        ),
        answers(
            "auth-fallback-refused",
            "knows neither AUTH TLS nor AUTH SSL",
            &[say("504 No.\r\n"), hear("AUTH SSL"), say("504 No.\r\n")],
            refused(SECURITY, 504),
        )
        .with(|config| config.auth_ssl_fallback(true)),
        says(
            "behind-234-a-reply",
            "has a reply behind its 234",
            b"234 Go.\r\n220 Injected.\r\n",
            injected.clone(),
        ),
        says(
            "behind-234-a-login",
            "has a whole login behind its 234",
            b"234 Go.\r\n200 a\r\n200 b\r\n331 c\r\n230 d\r\n",
            injected.clone(),
        ),
        says(
            "behind-234-a-byte",
            "has one byte behind its 234",
            b"234 Go.\r\n2",
            injected.clone(),
        ),
        says(
            "behind-234-a-blank-line",
            "has a blank line behind its 234",
            b"234 Go.\r\n\r\n",
            injected.clone(),
        ),
        says(
            "behind-234-telnet",
            "has a Telnet sequence behind its 234",
            b"234 Go.\r\n\xff\xf1",
            injected.clone(),
        ),
        says(
            "behind-234-a-421",
            "has a 421 behind its 234",
            b"234 Go.\r\n421 Bye.\r\n",
            injected,
        ),
        says(
            "auth-twice",
            "answers AUTH twice, refusing first",
            b"502 No.\r\n234 Go.\r\n",
            refused(SECURITY, 502),
        ),
    ]
}

fn handshake() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        let start = vec![say(READY), hear("AUTH "), say("234 Go.\r\n")];
        FaultyServer::new(name, case, [start, steps.to_vec()].concat(), outcome).explicit()
    };
    // The client speaks first; what is sent once it has is sent into the handshake.
    let then = |bytes: &'static [u8]| [Step::HearAnything, say(bytes)];
    let failed = tls_failed(TlsPhase::Handshake);
    let late = timed_out(SECURITY, Timeout::Handshake);
    vec![
        answers(
            "handshake-in-clear",
            "goes on in clear where TLS is due",
            &then(b"220 Never mind.\r\n230 Logged in.\r\n"),
            failed.clone(),
        ),
        answers(
            "handshake-alert",
            "refuses the handshake by an alert",
            &then(b"\x15\x03\x03\x00\x02\x02\x28"),
            failed.clone(),
        ),
        answers(
            "handshake-close-notify",
            "closes TLS before there is any",
            &[
                Step::HearAnything,
                say(b"\x15\x03\x03\x00\x02\x01\x00"),
                Step::Close,
            ],
            failed.clone(),
        ),
        answers(
            "handshake-record-too-long",
            "announces a record of 65535 bytes",
            &then(b"\x16\x03\x03\xff\xff\x02\x00\x00"),
            failed.clone(),
        ),
        answers(
            "handshake-of-nothing",
            "sends a record that is no handshake message",
            &then(b"\x16\x03\x03\x00\x04\x63\x00\x00\x00"),
            failed.clone(),
        ),
        answers(
            "handshake-data-first",
            "sends application data before the handshake",
            &then(b"\x17\x03\x03\x00\x05hello"),
            failed.clone(),
        ),
        answers(
            "handshake-ssl-2",
            "answers in SSL 2",
            &then(b"\x80\x2e\x04\x00\x01\x00\x02"),
            failed.clone(),
        ),
        answers(
            "handshake-endless-records",
            "sends empty handshake records without an end",
            &[Step::HearAnything, endlessly(b"\x16\x03\x03\x00\x00")],
            failed.clone(),
        ),
        answers(
            "handshake-endless-message",
            "sends a handshake message of 16 MiB",
            &[
                Step::HearAnything,
                say(b"\x16\x03\x03\x40\x00\x02\xff\xff\xff"),
                say("\0".repeat(0x3ffc)),
                endlessly(format!("\x16\x03\x03\x40\0{}", "\0".repeat(0x4000))),
            ],
            failed.clone(),
        ),
        answers(
            "handshake-silence",
            "says nothing to the handshake",
            &[],
            late.clone(),
        )
        .with(short_handshake),
        answers(
            "handshake-half-a-record",
            "stops within a record",
            &then(b"\x16\x03\x03\x00\x7a\x02\x00"),
            late.clone(),
        )
        .with(short_handshake),
        answers(
            "handshake-dripped",
            "sends a long record byte by byte",
            &[
                Step::HearAnything,
                say(b"\x16\x03\x03\x10\x00\x02\x00\x0f\xfc\x03\x03"),
                slowly("\0"),
            ],
            late,
        )
        .with(short_handshake),
        answers(
            "handshake-eof",
            "closes instead of the handshake",
            &[Step::HearAnything, Step::Close],
            failed.clone(),
        ),
        answers(
            "handshake-reset",
            "resets instead of the handshake",
            &[Step::HearAnything, Step::Reset],
            failed.clone(),
        )
        .or(lost(SECURITY)),
        answers(
            "another-certificate",
            "shows a certificate that is not trusted",
            &[Step::StartTls],
            failed,
        )
        .untrusted(),
    ]
}

fn implicit() -> Vec<FaultyServer> {
    let new = |name, case, script: &[Step], outcome| {
        FaultyServer::new(name, case, script.to_vec(), outcome).implicit()
    };
    let failed = tls_failed(TlsPhase::Handshake);
    vec![
        new(
            "implicit-in-clear",
            "greets in clear where TLS is due from the first byte",
            &[say(READY)],
            failed.clone(),
        ),
        new(
            "implicit-silence",
            "says nothing where TLS is due from the first byte",
            &[],
            timed_out(SECURITY, Timeout::Handshake),
        )
        .with(short_handshake),
        new(
            "implicit-eof",
            "closes where TLS is due from the first byte",
            &[Step::Close],
            failed.clone(),
        ),
        new(
            "implicit-421-in-clear",
            "is unavailable in clear where TLS is due",
            &[say("421 Bye.\r\n"), Step::Close],
            failed,
        ),
        new(
            "implicit-no-greeting",
            "does not greet under TLS",
            &[Step::StartTls],
            timed_out(Phase::Greeting, Timeout::Greeting),
        )
        .with(short_greeting),
        new(
            "implicit-230",
            "lets everyone in at once under TLS",
            &and(vec![Step::StartTls, say("230 Come in.\r\n")], protected()),
            Outcome::LoggedIn {
                by: ftp_proto::client::LoggedInBy::Greeting,
                then: None,
            },
        ),
    ]
}
