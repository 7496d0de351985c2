//! `OPTS UTF8 ON` before `USER`, where the configuration has it.

use crate::common::{Dialogue, known};
use ftp_proto::client::{Config, Error, Login, Phase, Security, Utf8};

fn config(utf8: Utf8) -> Config {
    Config::new(Login::new("müller", "secret").unwrap())
        .security(Security::DangerousPlaintext)
        .utf8(utf8)
}

/// All that is sent up to `USER`, when the server says this.
fn sent(config: Config, replies: &[&str]) -> Vec<String> {
    let mut dialogue = Dialogue::new(config);
    dialogue.hear("220 Ready.\r\n");
    let mut sent = vec![dialogue.take_sent()];
    for reply in replies {
        dialogue.hear(format!("{reply}\r\n"));
        sent.push(dialogue.take_sent());
    }
    assert_eq!(dialogue.client.phase(), Phase::User);
    sent
}

#[test]
fn nothing_is_sent_unless_it_was_asked_for() {
    let login = Login::new("müller", "secret").unwrap();
    let config = Config::new(login).security(Security::DangerousPlaintext);
    assert_eq!(sent(config, &[]), ["USER müller\r\n"]);
}

#[test]
fn the_option_is_sent_before_the_name_and_need_not_be_known() {
    for reply in [
        "200 On.",
        "202 Always.",
        "500 What?",
        "451 Later.",
        "530 Not yet.",
    ] {
        assert_eq!(
            sent(config(Utf8::Always), &[reply]),
            ["OPTS UTF8 ON\r\n", "USER müller\r\n"],
            "{reply}"
        );
    }
}

#[test]
fn what_feat_lists_decides() {
    for listed in [
        "211-Features:\r\n UTF8\r\n211 End",
        "211-Features:\r\n SIZE\r\n utf8 \r\n MDTM\r\n211 End",
        "211-Features:\r\n211-UTF8\r\n211 End",
        "211-Features:\r\n\tUTF-8\r\n211 End",
    ] {
        assert_eq!(
            sent(config(Utf8::IfAnnounced), &[listed, "200 On."]),
            ["FEAT\r\n", "OPTS UTF8 ON\r\n", "USER müller\r\n"],
            "{listed}"
        );
    }
    for not in [
        "211 No features.",
        "211-Features:\r\n LANG EN\r\n XUTF8\r\n UTF8X\r\n MLST UTF8\r\n211 End",
        "500 What?",
        "530 Log in first.",
        "530-UTF8\r\n530 UTF8",
    ] {
        assert_eq!(
            sent(config(Utf8::IfAnnounced), &[not]),
            ["FEAT\r\n", "USER müller\r\n"],
            "{not}"
        );
    }
}

#[test]
fn it_comes_behind_host_and_before_a_question_for_the_name() {
    let login = Login::interactive();
    let config = Config::new(login).security(Security::DangerousPlaintext);
    let config = config.utf8(Utf8::Always).host("ftp.example.com").unwrap();
    let mut dialogue = Dialogue::new(config);
    dialogue.hear("220 Ready.\r\n");
    assert_eq!(dialogue.take_sent(), "HOST ftp.example.com\r\n");
    dialogue.hear("220 Yes.\r\n");
    assert_eq!(dialogue.take_sent(), "OPTS UTF8 ON\r\n");
    assert_eq!(dialogue.event_names(), [""; 0]);
    dialogue.hear("200 On.\r\n");
    assert_eq!(dialogue.event_names(), ["Challenge"]);
}

#[test]
fn a_421_ends_it_and_what_is_no_answer_is_a_fault() {
    for utf8 in [Utf8::IfAnnounced, Utf8::Always] {
        let mut dialogue = Dialogue::new(config(utf8));
        dialogue.hear("220 Ready.\r\n");
        dialogue.hear("421 No.\r\n");
        assert!(matches!(
            dialogue.error(),
            Error::ServiceUnavailable {
                phase: Phase::User,
                ..
            }
        ));
        let mut dialogue = Dialogue::new(config(utf8));
        dialogue.hear("220 Ready.\r\n");
        dialogue.hear("331 Password.\r\n");
        assert!(matches!(
            dialogue.error(),
            Error::PeerFault {
                phase: Phase::User,
                ..
            }
        ));
    }
}

#[test]
fn pipelined_the_option_goes_along_and_the_name_waits_for_what_feat_lists() {
    let config = |utf8| Config::new(known()).pipelining(true).utf8(utf8);
    let secured = |config: Config| {
        let mut dialogue = Dialogue::new(config.security(Security::ExplicitTls));
        dialogue.hear("220 Ready.\r\n");
        dialogue.hear("234 Go ahead.\r\n");
        dialogue.take_sent();
        dialogue.start_tls();
        dialogue
    };
    let mut dialogue = secured(config(Utf8::Always));
    assert_eq!(
        dialogue.take_sent(),
        "PBSZ 0\r\nPROT P\r\nOPTS UTF8 ON\r\nUSER developer\r\n"
    );
    for reply in ["200 x\r\n", "200 x\r\n", "501 x\r\n"] {
        dialogue.hear(reply);
        assert_eq!(dialogue.take_sent(), "");
    }
    dialogue.hear("331 x\r\n");
    assert_eq!(dialogue.take_sent(), "PASS correct horse\r\n");

    let mut dialogue = secured(config(Utf8::IfAnnounced));
    assert_eq!(dialogue.take_sent(), "PBSZ 0\r\nPROT P\r\nFEAT\r\n");
    dialogue.hear("200 x\r\n200 x\r\n");
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("211-x\r\n UTF8\r\n211 x\r\n");
    assert_eq!(dialogue.take_sent(), "OPTS UTF8 ON\r\n");
    dialogue.hear("200 x\r\n");
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
}

#[test]
fn after_rein_it_is_said_again() {
    let mut dialogue = Dialogue::new(config(Utf8::Always));
    for reply in ["220 x\r\n", "200 x\r\n", "331 x\r\n", "230 x\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    dialogue.forget();
    dialogue.hear("220 Again.\r\n");
    assert_eq!(dialogue.take_sent(), "OPTS UTF8 ON\r\n");
}
