//! Whole dialogues, as a client sees them.

use ftp_proto::server::{Config, NameRule, Phase, Security};

use super::harness::{Pause, Server, seconds};

pub(crate) fn plain() -> Config {
    Config::new().security(Security::DangerousPlaintext)
}

pub(crate) fn optional() -> Config {
    Config::new().security(Security::DangerousOptionalTls)
}

#[test]
fn user_and_password_log_in() {
    let mut server = Server::new(plain());
    assert_eq!(server.said(), "220 Ready.\r\n");
    assert_eq!(server.send("USER anna"), "331 Password required.\r\n");
    assert_eq!(server.connection.phase(), Phase::PasswordNeeded);
    assert_eq!(server.send("PASS right"), "230 Logged in.\r\n");
    assert_eq!(server.connection.phase(), Phase::LoggedIn);
    assert_eq!(server.send("PWD"), "250 By the application.\r\n");
    assert_eq!(server.send("QUIT"), "221 Goodbye.\r\n");
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(
        server.events,
        ["Authenticate", "LoggedIn", "Command(PWD)", "Closed(Quit)"]
    );
}

#[test]
fn three_wrong_passwords_end_with_421() {
    let mut server = Server::new(plain());
    server.said();
    for (try_, delay) in [(1, 1), (2, 2), (3, 4)] {
        assert_eq!(server.code("USER anna"), "331");
        assert_eq!(
            server.send("PASS wrong"),
            "",
            "before the delay, try {try_}"
        );
        server.sleep(seconds(delay) - core::time::Duration::from_nanos(1));
        assert_eq!(server.said(), "");
        server.sleep(core::time::Duration::from_nanos(1));
        let expected = if try_ < 3 {
            "530 Login incorrect.\r\n"
        } else {
            "530 Login incorrect.\r\n421 Too many failed logins.\r\n"
        };
        assert_eq!(server.said(), expected);
    }
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(server.events.last().unwrap(), "Closed(TooManyAttempts)");
}

#[test]
fn user_password_and_account_log_in() {
    let mut server = Server::new(plain().takes_accounts(true));
    server.said();
    assert_eq!(server.code("USER anna"), "331");
    assert_eq!(server.send("PASS account"), "332 Account required.\r\n");
    assert_eq!(server.code("PASS account"), "503");
    assert_eq!(server.send("ACCT main"), "230 Logged in.\r\n");
    assert_eq!(server.send("ACCT main"), "230 Account accepted.\r\n");
    assert_eq!(server.send("ACCT other"), "");
    server.sleep(seconds(1));
    assert_eq!(server.said(), "530 Login incorrect.\r\n");
    assert_eq!(server.connection.phase(), Phase::LoggedIn);
}

#[test]
fn a_pass_out_of_turn_is_told_what_comes_first() {
    let mut server = Server::new(plain());
    server.said();
    assert_eq!(server.send("PASS right"), "503 Send USER first.\r\n");
    server.send("USER anna");
    server.send("PASS account");
    assert_eq!(server.send("PASS right"), "503 Send ACCT or USER.\r\n");
    server.send("ACCT main");
    assert_eq!(server.send("PASS right"), "503 Already logged in.\r\n");
    assert_eq!(server.connection.phase(), Phase::LoggedIn);
}

#[test]
fn explicit_tls_with_private_data_connections() {
    let mut server = Server::new(Config::new());
    server.said();
    assert_eq!(server.code("USER anna"), "530");
    assert_eq!(server.code("AUTH TLS"), "234");
    assert_eq!(server.happened(), ["StartTls", "TlsEstablished"]);
    assert_eq!(server.code("PROT P"), "503");
    assert_eq!(server.send("PBSZ 0"), "200 PBSZ=0\r\n");
    assert_eq!(server.code("PROT P"), "200");
    assert!(server.connection.is_data_protected());
    assert_eq!(server.code("USER anna"), "331");
    assert_eq!(server.code("PASS right"), "230");
}

#[test]
fn implicit_tls_greets_after_the_handshake() {
    let mut server = Server::new(Config::new().security(Security::ImplicitTls));
    server.handshakes = false;
    assert!(matches!(server.run(), Pause::Wait(Some(_))));
    assert_eq!(server.said(), "");
    assert_eq!(server.happened(), ["StartTls"]);
    ftp_proto::Securable::tls_started(
        &mut server.connection,
        server.now,
        super::harness::tls_session(),
    );
    assert_eq!(server.said(), "220 Ready.\r\n");
    assert_eq!(server.code("USER anna"), "331");
}

#[test]
fn a_name_may_log_in_alone_or_with_an_account() {
    let rule = |name: &ftp_proto::Username| match name.as_bytes() {
        b"open" => NameRule::Open,
        b"account" => NameRule::AccountOnly,
        _ => NameRule::Password,
    };
    let mut server = Server::new(plain().name_rule(rule));
    server.said();
    assert_eq!(server.code("USER open"), "230");
    assert_eq!(server.code("USER account"), "332");
    assert_eq!(server.code("ACCT main"), "230");
    assert_eq!(
        server.happened(),
        ["LoggedIn", "LoggedOut", "Authenticate", "LoggedIn"]
    );
}

#[test]
fn a_password_that_was_not_needed_logs_in_with_202() {
    let mut server = Server::new(plain());
    server.said();
    server.send("USER anna");
    assert_eq!(server.code("PASS superfluous"), "202");
    assert_eq!(server.connection.phase(), Phase::LoggedIn);
}

#[test]
fn an_attempt_tells_all_that_the_application_needs() {
    let mut server = Server::new(Config::new());
    server.said();
    server.send("AUTH TLS");
    server.send("USER anna");
    server.send("PASS wrong");
    server.sleep(seconds(1));
    server.answers = false;
    server.send("USER  anna ");
    server.send("PASS  two spaces ");
    let attempt = server.held.attempt.take().unwrap();
    assert_eq!(attempt.username().as_bytes(), b" anna ");
    assert_eq!(attempt.password().unwrap().expose(), b" two spaces ");
    assert!(attempt.account().is_none());
    assert_eq!(attempt.tls().unwrap().version, ftp_proto::TlsVersion::Tls13);
    assert_eq!(attempt.failures(), 1);
    server.decide(attempt);
    server.sleep(seconds(2));
    server.send("USER anna");
    server.send("PASS account");
    let attempt = server.held.attempt.take().unwrap();
    server.decide(attempt);
    assert_eq!(server.code("ACCT main"), "332");
    let attempt = server.held.attempt.take().unwrap();
    assert_eq!(attempt.password().unwrap().expose(), b"account");
    assert_eq!(attempt.account().unwrap().expose(), b"main");
}

#[test]
fn user_after_login_may_be_refused() {
    let policy = ftp_proto::server::UserAfterLogin::Refused;
    let mut server = Server::new(plain().user_after_login(policy));
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(server.code("USER bert"), "503");
    assert_eq!(server.connection.phase(), Phase::LoggedIn);
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    let mut server = Server::new(plain());
    server.receive(b"USER anna\r\nPASS right\r\nSYST\r\nPWD\r\nNOOP\r\nQUIT\r\nNOOP\r\n");
    let said = server.said();
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["220", "331", "230", "215", "250", "200", "221"]);
}

#[test]
fn long_lines_are_allowed_after_login_only() {
    let mut server = Server::new(plain());
    server.said();
    let long = format!("CWD {}", "x".repeat(2000));
    assert_eq!(server.code(&long), "500");
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(server.code(&long), "250");
    assert_eq!(server.code(&format!("CWD {}", "x".repeat(9000))), "500");
    server.send("REIN");
    assert_eq!(server.code(&long), "500");
}
