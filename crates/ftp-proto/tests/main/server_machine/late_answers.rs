//! Answers of the application that are late, or that are for another connection.

use ftp_proto::Machine;
use ftp_proto::server::{Misuse, Phase};
use ftp_proto::wire::{Code, Reply};

use super::dialogue::plain;
use super::harness::{Pause, Server, seconds};

#[test]
fn a_verdict_that_comes_too_late_is_refused() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    let attempt = server.held.attempt.take().unwrap();
    server.connection.received_eof(server.now);
    assert_eq!(server.run(), Pause::Closed);
    let verdict = attempt.accept();
    assert_eq!(
        server.connection.decide(server.now, verdict),
        Err(Misuse::Closed)
    );
    assert_eq!(server.events, ["Authenticate", "Closed(PeerClosed)"]);
}

#[test]
fn a_verdict_of_another_attempt_is_refused() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS account");
    let attempt = server.held.attempt.take().unwrap();
    // The other connection waits for a verdict as well, but not for this one.
    let mut other = Server::new(plain());
    other.answers = false;
    other.said();
    other.send("USER mallory");
    other.send("PASS guess");
    let verdict = attempt.accept();
    assert_eq!(
        other.connection.decide(other.now, verdict),
        Err(Misuse::NothingOpen)
    );
}

#[test]
fn a_verdict_of_another_account_is_refused() {
    let attempted = |name: &str| {
        let mut server = Server::new(plain().takes_accounts(true));
        server.said();
        server.send(&format!("USER {name}"));
        assert_eq!(server.code("PASS right"), "230");
        server.answers = false;
        assert_eq!(server.send("ACCT main"), "");
        server
    };
    let (mut server, mut other) = (attempted("anna"), attempted("mallory"));
    let verdict = server.held.account.take().unwrap().accept();
    assert_eq!(
        other.connection.decide_account(other.now, verdict),
        Err(Misuse::NothingOpen)
    );
    assert_eq!(other.said(), "");
    let verdict = other.held.account.take().unwrap().accept();
    assert_eq!(other.connection.decide_account(other.now, verdict), Ok(()));
    assert_eq!(other.said(), "230 Account accepted.\r\n");
}

#[test]
fn a_reply_to_a_command_that_was_answered_is_refused() {
    let mut server = Server::new(plain());
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    server.answers = false;
    let reply = Reply::new(Code::FILE_ACTION_OKAY, "By the application.").unwrap();
    server.send("PWD");
    let first = server.held.request.take().unwrap().id();
    assert_eq!(server.connection.reply(server.now, first, &reply), Ok(()));
    assert_eq!(server.said(), "250 By the application.\r\n");
    server.send("CDUP");
    assert_eq!(
        server.connection.reply(server.now, first, &reply),
        Err(Misuse::NothingOpen)
    );
    assert_eq!(server.said(), "");
    let second = server.held.request.take().unwrap().id();
    assert_eq!(server.connection.reply(server.now, second, &reply), Ok(()));
    assert_eq!(server.said(), "250 By the application.\r\n");
}

#[test]
fn an_account_is_asked_for_once_and_asking_again_is_a_rejection() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS account");
    let attempt = server.held.attempt.take().unwrap();
    server.decide(attempt);
    assert_eq!(server.code("ACCT other"), "332");
    let attempt = server.held.attempt.take().unwrap();
    let verdict = attempt.need_account();
    assert_eq!(server.connection.decide(server.now, verdict), Ok(()));
    server.sleep(seconds(1));
    assert_eq!(server.said(), "530 Login incorrect.\r\n");
    assert_eq!(server.connection.phase(), Phase::New);
}
