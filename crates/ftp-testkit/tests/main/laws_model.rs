//! The model of the login against the diagrams of RFC 959 §6, path by path.

use ftp_proto::wire::{Code, Command};
use ftp_testkit::laws::model::Model;

/// Who is logged in behind these commands and codes.
fn user(dialogue: &[(&str, u16)]) -> Option<String> {
    let mut model = Model::new();
    model.reply(Code::READY);
    for (line, code) in dialogue {
        model.command(Command::from_line(line).unwrap().borrow());
        model.reply(Code::new(*code).unwrap());
    }
    let user = model.user()?;
    Some(String::from_utf8(user.to_vec()).unwrap())
}

#[test]
fn each_path_to_success_logs_in() {
    let paths: [&[(&str, u16)]; 6] = [
        &[("USER anna", 230)],
        &[("USER anna", 331), ("PASS x", 230)],
        &[("USER anna", 331), ("PASS x", 202)],
        &[("USER anna", 331), ("PASS x", 332), ("ACCT y", 230)],
        &[("USER anna", 332), ("ACCT y", 202)],
        &[("USER otto", 230), ("USER anna", 331), ("PASS x", 230)],
    ];
    for path in paths {
        assert_eq!(user(path).as_deref(), Some("anna"), "{path:?}");
    }
}

#[test]
fn no_other_path_does() {
    let paths: [&[(&str, u16)]; 9] = [
        &[],
        &[("PASS x", 230)],
        &[("ACCT y", 230)],
        &[("USER anna", 331)],
        &[("USER anna", 530), ("PASS x", 230)],
        &[("USER anna", 331), ("PASS x", 530), ("PASS x", 230)],
        &[
            ("USER anna", 331),
            ("PASS x", 332),
            ("ACCT y", 530),
            ("ACCT y", 230),
        ],
        &[("USER anna", 230), ("REIN", 220)],
        &[("USER anna", 230), ("AUTH TLS", 234)],
    ];
    for path in paths {
        assert_eq!(user(path), None, "{path:?}");
    }
}

#[test]
fn what_fails_for_another_reason_leaves_the_login_as_it_is() {
    for (line, code) in [
        ("PASS x", 503),
        ("ACCT y", 530),
        ("REIN", 502),
        ("AUTH TLS", 504),
        ("USER otto", 503),
        ("PWD", 530),
        ("REIN", 120),
    ] {
        let path = [("USER anna", 230), (line, code)];
        assert_eq!(user(&path).as_deref(), Some("anna"), "{line} {code}");
    }
}
