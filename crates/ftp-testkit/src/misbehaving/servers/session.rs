//! Cases under TLS.

use ftp_proto::client::{Phase, Timeout};
use ftp_proto::wire::ForeignProtocol;

use super::*;

const SECURITY: Phase = Phase::Security;

pub(super) fn cases() -> Vec<FaultyServer> {
    let under_tls = |name, case, steps: &[Step], outcome| {
        FaultyServer::new(name, case, and(to_tls(), steps.to_vec()), outcome).explicit()
    };
    let at_user = |name, case, steps: &[Step], outcome| {
        let script = [to_tls(), protected(), vec![hear("USER ")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).explicit()
    };
    let broken = tls_failed(TlsPhase::Session);
    let mut cases = vec![
        under_tls(
            "greeting-again-under-tls",
            "greets a second time under TLS",
            &[say(READY)],
            unexpected(SECURITY, 220),
        )
        .or(unsolicited(SECURITY, 220)),
        under_tls(
            "close-notify-after-handshake",
            "closes TLS as soon as there is one",
            &[hear("PBSZ "), Step::CloseTls],
            closed(SECURITY),
        ),
        under_tls(
            "eof-after-handshake",
            "closes without closing TLS",
            &[hear("PBSZ "), Step::Close],
            closed(SECURITY),
        ),
        under_tls(
            "reset-after-handshake",
            "resets under TLS",
            &[hear("PBSZ "), Step::Reset],
            lost(SECURITY),
        ),
        under_tls(
            "silence-after-handshake",
            "falls silent under TLS",
            &[hear("PBSZ ")],
            timed_out(SECURITY, Timeout::Reply),
        )
        .with(short_reply),
        under_tls(
            "ssh-under-tls",
            "speaks SSH under TLS",
            &[hear("PBSZ "), say("SSH-2.0-x\r\n")],
            no_reply(SECURITY),
        )
        .or(fault(SECURITY, Fault::Foreign(ForeignProtocol::Ssh))),
        at_user(
            "clear-beneath-tls",
            "welcomes in clear beneath TLS",
            &[Step::SayBeneathTls(WELCOME.as_bytes().into())],
            broken.clone(),
        ),
        at_user(
            "broken-record",
            "sends a record that cannot be decrypted",
            &[Step::SayBeneathTls(
                b"\x17\x03\x03\x00\x20abcdefghijklmnopqrstuvwxyz012345"[..].into(),
            )],
            broken.clone(),
        ),
        at_user(
            "record-too-long",
            "sends a record that is longer than any may be",
            &[Step::SayBeneathTls(b"\x17\x03\x03\x7f\xff"[..].into())],
            broken.clone(),
        ),
        at_user(
            "alert-in-clear",
            "sends a fatal alert that is not encrypted",
            &[Step::SayBeneathTls(
                b"\x15\x03\x03\x00\x02\x02\x28"[..].into(),
            )],
            broken.clone(),
        ),
        at_user(
            "close-notify-in-clear",
            "sends a close_notify that is not encrypted",
            &[Step::SayBeneathTls(
                b"\x15\x03\x03\x00\x02\x01\x00"[..].into(),
            )],
            broken,
        ),
        at_user(
            "half-a-record",
            "stops within a record",
            &[Step::SayBeneathTls(b"\x17\x03\x03\x00\x20abc"[..].into())],
            timed_out(Phase::User, Timeout::Reply),
        )
        .with(short_reply),
        at_user(
            "eof-within-a-record",
            "closes within a record",
            &[
                Step::SayBeneathTls(b"\x17\x03\x03\x00\x20abc"[..].into()),
                Step::Close,
            ],
            closed(Phase::User),
        ),
        at_user(
            "331-and-230-under-tls",
            "asks and welcomes in one record",
            &[say("331 Password?\r\n230 In.\r\n")],
            unsolicited(Phase::Password, 230),
        ),
        at_user(
            "user-421-under-tls",
            "is unavailable under TLS",
            &[say("421 Bye.\r\n"), Step::CloseTls, Step::Close],
            unavailable(Phase::User),
        ),
        at_user(
            "user-534",
            "wants a stronger protection than TLS",
            &[say("534 Not enough.\r\n")],
            refused(Phase::User, 534),
        ),
    ];
    cases.extend(protection());
    cases
}

/// Cases about `PBSZ` and `PROT`.
fn protection() -> Vec<FaultyServer> {
    let answers = |name, case, steps: &[Step], outcome| {
        let script = [to_tls(), vec![hear("PBSZ ")], steps.to_vec()].concat();
        FaultyServer::new(name, case, script, outcome).explicit()
    };
    let yes = say("200 Yes.\r\n");
    vec![
        answers(
            "pbsz-500",
            "does not know PBSZ",
            &[say("500 What?\r\n")],
            refused(SECURITY, 500),
        ),
        answers(
            "pbsz-331",
            "answers PBSZ with 331",
            &[say(GO_ON)],
            unexpected(SECURITY, 331),
        ),
        answers(
            "pbsz-twice",
            "answers PBSZ and PROT in one breath",
            &[say("200 Yes.\r\n200 Yes.\r\n")],
            unsolicited(SECURITY, 200),
        ),
        answers(
            "prot-536",
            "does not protect data",
            &[yes.clone(), hear("PROT "), say("536 No.\r\n")],
            refused(SECURITY, 536),
        ),
        answers(
            "prot-421",
            "is unavailable when data are to be protected",
            &[yes.clone(), hear("PROT "), say("421 Bye.\r\n")],
            unavailable(SECURITY),
        ),
        answers(
            "pbsz-503-for-ever",
            "puts PBSZ off, and off again after the login",
            &and(
                vec![say("503 Log in first.\r\n")],
                and(
                    rest_of_login(),
                    [hear("PBSZ "), say("503 Log in first.\r\n")],
                ),
            ),
            refused(SECURITY, 503),
        ),
        answers(
            "prot-silence-after-login",
            "puts PROT off, and is silent when asked again",
            &and(
                vec![yes.clone(), hear("PROT "), say("530 Log in first.\r\n")],
                and(rest_of_login(), [hear("PBSZ "), yes, hear("PROT ")]),
            ),
            timed_out(SECURITY, Timeout::Reply),
        )
        .with(short_reply),
    ]
}
