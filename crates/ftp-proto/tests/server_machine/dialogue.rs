//! Whole dialogues, as a client sees them.

use ftp_proto::server::{Config, NameRule, Security, State};

use crate::harness::{Pause, Server, seconds};

pub(crate) fn plain() -> Config {
    Config::new().security(Security::DangerousPlaintext)
}

#[test]
fn user_and_password_log_in() {
    let mut server = Server::new(plain());
    assert_eq!(server.said(), "220 Ready.\r\n");
    assert_eq!(server.send("USER anna"), "331 Password required.\r\n");
    assert_eq!(server.connection.state(), State::PasswordNeeded);
    assert_eq!(server.send("PASS right"), "230 Logged in.\r\n");
    assert_eq!(server.connection.state(), State::LoggedIn);
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
    assert_eq!(server.connection.state(), State::LoggedIn);
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
        crate::harness::tls_session(),
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
