//! Whole sessions over `tokio::io::duplex`, on paused time.

use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use ftp_proto::client::{Event, LoggedInBy, Login, Misuse, Phase};
use ftp_proto::wire::{Code, Command, Verb};
use ftp_proto::{Account, Password, Username};
use ftp_tokio::{Connector, Error, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(start_paused = true)]
async fn a_plain_login_takes_commands_and_quits() {
    let handler = OneUser::default();
    let log = handler.log.clone();
    let mut client = log_in(plain(login()), plain_server(), handler, 1024)
        .await
        .unwrap();
    assert_eq!(client.session().unwrap().logged_in_by, LoggedInBy::Password);
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
    assert_eq!(
        client.command("DELE notes").await.unwrap().code(),
        Code::NOT_IMPLEMENTED
    );
    let built = Command::with_argument(Verb::Site, "WHO").unwrap();
    assert_eq!(
        client.command(built).await.unwrap().text(),
        b"developer false"
    );
    client.quit().await.unwrap();
    tokio::task::yield_now().await;
    assert!(log.contains("1 Connected"));
    assert!(log.contains("LoggedIn"));
    assert!(
        log.contains("1 closed: the client quit"),
        "{:?}",
        log.lines()
    );
    assert!(!log.contains(PASSWORD));
}

#[tokio::test(start_paused = true)]
async fn one_byte_at_a_time_is_enough_room() {
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 1)
        .await
        .unwrap();
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
    client.quit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_account_is_sent_when_the_server_asks() {
    let account = Account::new(ACCOUNT).unwrap();
    let handler = || OneUser {
        wants_account: true,
        ..OneUser::default()
    };
    let client = log_in(
        plain(login().account(account)),
        plain_server(),
        handler(),
        64,
    );
    let session = client.await.unwrap().session().cloned().unwrap();
    assert_eq!(session.logged_in_by, LoggedInBy::Account);

    let error = log_in(plain(login()), plain_server(), handler(), 64)
        .await
        .unwrap_err();
    assert_eq!(
        (error.phase_name(), error.is_transient()),
        ("password", false)
    );
    assert!(error.to_string().contains("ACCT"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_account_can_be_switched_long_after_the_login() {
    let server = plain_server().takes_accounts(true);
    let mut client = log_in(plain(login()), server, OneUser::default(), 64)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(200)).await;
    let right = Account::new(ACCOUNT).unwrap();
    assert_eq!(client.account(right).await.unwrap().code(), Code::LOGGED_IN);
    let wrong = Account::new("day shift").unwrap();
    assert_eq!(
        client.account(wrong).await.unwrap().code(),
        Code::NOT_LOGGED_IN
    );
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_asked_for_once_and_not_retried() {
    let guesses = Login::user(Username::new(USER).unwrap()).ask();
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let wire = serve_one(server, OneUser::default(), 64);
    let mut asked = 0;
    let connecting = Connector::new(plain(guesses))
        .start(wire, "localhost")
        .unwrap();
    let answered = connecting.answered_by(|challenge| {
        asked += 1;
        async move { challenge.password(Password::new("wrong").unwrap()) }
    });
    let error = answered.await.unwrap_err();
    assert_eq!(error.phase_name(), "password");
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::NOT_LOGGED_IN),
        "{error}"
    );
    assert!(!error.is_transient());
    assert_eq!(asked, 1);
}

#[tokio::test(start_paused = true)]
async fn the_third_wrong_password_is_answered_with_421_and_the_end() {
    let handler = OneUser::default();
    let log = handler.log.clone();
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let mut wire = serve_one(server, handler, 1024);
    // In one packet: neither the delays nor the count can be slipped past.
    wire.write_all("USER developer\r\nPASS wrong\r\n".repeat(5).as_bytes())
        .await
        .unwrap();
    let begun = tokio::time::Instant::now();
    let mut heard = String::new();
    wire.read_to_string(&mut heard).await.unwrap();
    let codes: Vec<&str> = heard.lines().map(|line| &line[..3]).collect();
    assert_eq!(
        codes,
        ["220", "331", "530", "331", "530", "331", "530", "421"]
    );
    assert!(begun.elapsed() >= Duration::from_secs(1 + 2 + 4));
    assert_eq!(
        log.lines()
            .iter()
            .filter(|line| line.starts_with("checked"))
            .count(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn the_server_listens_a_little_longer_than_it_speaks() {
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let mut wire = serve_one(server, OneUser::default(), 1024);
    wire.write_all(b"QUIT\r\n").await.unwrap();
    let mut heard = String::new();
    wire.read_to_string(&mut heard).await.unwrap();
    assert!(heard.contains("\r\n221 "), "{heard}");
    // Closing on a client that still talks would reset the connection and could lose the 221.
    wire.write_all(b"NOOP\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(wire.write_all(b"NOOP\r\n").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_challenge_ends_the_login() {
    let ask = || plain(Login::interactive());
    let server = || {
        serve_one(
            Server::new(Arc::new(plain_server()), None).unwrap(),
            OneUser::default(),
            64,
        )
    };
    let error = Connector::new(ask())
        .over(server(), "localhost")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unanswered(_)), "{error}");
    let connecting = Connector::new(ask()).start(server(), "localhost").unwrap();
    let error = connecting
        .answered_by(|_| async { None })
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unanswered(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_user_can_answer_by_hand() {
    let server = Server::new(Arc::new(plain_server()), None).unwrap();
    let wire = serve_one(server, OneUser::default(), 64);
    let connector = Connector::new(plain(Login::interactive()));
    let mut connecting = connector.start(wire, "localhost").unwrap();
    loop {
        match connecting.next_event().await.unwrap() {
            Event::Challenge(challenge) => {
                tokio::time::sleep(Duration::from_secs(20)).await;
                let name = Username::new(USER).unwrap();
                let password = Password::new(PASSWORD).unwrap();
                connecting
                    .answer(challenge.username(name, Some(password)))
                    .unwrap();
            }
            Event::LoggedIn(_) => break,
            _ => {}
        }
    }
    let mut client = connecting.await.unwrap();
    assert_eq!(client.phase(), Phase::Ready);
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
}

#[tokio::test(start_paused = true)]
async fn rein_logs_in_again_and_again() {
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 64)
        .await
        .unwrap();
    for _ in 0..2 {
        client.reinitialize(login()).await.unwrap();
        assert_eq!(
            client.command("PWD").await.unwrap().code(),
            Code::PATH_CREATED
        );
    }
    let error = client
        .reinitialize(Login::new(USER, "wrong").unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.phase_name(), "password");
}

#[tokio::test(start_paused = true)]
async fn a_challenge_after_rein_can_be_answered() {
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 64)
        .await
        .unwrap();
    let asking = Login::user(Username::new(USER).unwrap()).ask();
    let error = client.reinitialize(asking).await.unwrap_err();
    assert!(matches!(error, Error::Unanswered(_)), "{error}");
    loop {
        match client.next_event().await.unwrap().unwrap() {
            Event::Challenge(challenge) => {
                client
                    .answer(challenge.password(Password::new(PASSWORD).unwrap()))
                    .unwrap();
            }
            Event::LoggedIn(_) => break,
            _ => {}
        }
    }
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
}

#[tokio::test(start_paused = true)]
async fn replies_that_a_handler_must_not_give_become_451() {
    let handler = OneUser::default();
    let log = handler.log.clone();
    let mut client = log_in(plain(login()), plain_server(), handler, 64)
        .await
        .unwrap();
    assert_eq!(
        client.command("MKD x").await.unwrap().code(),
        Code::LOCAL_ERROR
    );
    assert_eq!(
        client.command("RMD x").await.unwrap().code(),
        Code::LOCAL_ERROR
    );
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
    assert!(log.contains("ReplyReplaced"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 64)
        .await
        .unwrap();
    let injected = client.command("NOOP\r\nDELE notes").await.unwrap_err();
    assert!(matches!(injected, Error::InvalidCommand(_)), "{injected}");
    let by_hand = client.command("QUIT").await.unwrap_err();
    assert!(
        matches!(by_hand, Error::Misuse(Misuse::DedicatedMethod(Verb::Quit))),
        "{by_hand}"
    );
    assert_eq!(
        client.command("PWD").await.unwrap().code(),
        Code::PATH_CREATED
    );
}

#[tokio::test(start_paused = true)]
async fn replies_find_their_commands_in_any_order_of_asking() {
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 64)
        .await
        .unwrap();
    let first = client.send("PWD").unwrap();
    let second = client.send("DELE notes").unwrap();
    assert_eq!(
        client.next_reply(second).await.unwrap().code(),
        Code::NOT_IMPLEMENTED
    );
    assert_eq!(
        client.next_reply(first).await.unwrap().code(),
        Code::PATH_CREATED
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_is_told_421() {
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 64)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(301)).await;
    let error = client.command("PWD").await.unwrap_err();
    assert_eq!(
        error.reply().map(|reply| reply.code()),
        Some(Code::SERVICE_UNAVAILABLE),
        "{error}"
    );
    assert!(error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn two_sessions_run_in_one_task() {
    let connect = || log_in(plain(login()), plain_server(), OneUser::default(), 16);
    let (one, two) = tokio::join!(connect(), connect());
    let (mut one, mut two) = (one.unwrap(), two.unwrap());
    let (first, second) = tokio::join!(one.command("PWD"), two.command("DELE x"));
    assert_eq!(first.unwrap().code(), Code::PATH_CREATED);
    assert_eq!(second.unwrap().code(), Code::NOT_IMPLEMENTED);
}

#[test]
fn every_future_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    fn check(connector: &'static Connector, mut client: ftp_tokio::Client) {
        is_send(connector.connect("host"));
        is_send(connector.connect_with("host", |_| async { None }));
        is_send(client.command("PWD"));
        is_send(client.next_event());
        is_send(client.reinitialize(login()));
        is_send(client.quit());
    }
    fn serving(server: &'static Server, listener: tokio::net::TcpListener) {
        is_send(server.serve(listener, OneUser::default(), std::future::pending()));
    }
    let _ = (check, serving);
}

/// A server that says the first of these at once, and one more after each line.
fn scripted(replies: &'static [&'static str]) -> tokio::io::DuplexStream {
    let (near, mut far) = tokio::io::duplex(256);
    tokio::spawn(async move {
        for (index, reply) in replies.iter().enumerate() {
            while index > 0 && far.read_u8().await? != b'\n' {}
            far.write_all(reply.as_bytes()).await?;
        }
        std::io::Result::Ok(())
    });
    near
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nothing_asked_for_is_an_error_of_one_call_unless_it_is_read() {
    const SCRIPT: &[&str] = &[
        "220 Ready.\r\n",
        "331 Password?\r\n",
        "230 In.\r\n226 Done.\r\n",
        "257 \"/a\"\r\n",
        "257 \"/b\"\r\n",
        "221 Bye.\r\n",
    ];
    let connector = Connector::new(plain(login()));
    let connect = || connector.over(scripted(SCRIPT), "localhost");
    let code = |error: Error| {
        assert!(error.is_out_of_step(), "{error}");
        error.code().unwrap().get()
    };

    let mut client = connect().await.unwrap();
    assert_eq!(code(client.command("PWD").await.unwrap_err()), 226);
    assert!(client.session().unwrap().unsolicited);
    let event = client.next_event().await.unwrap().unwrap();
    assert!(matches!(event, Event::Reply { reply, .. } if reply.text() == b"\"/a\""));
    assert_eq!(client.command("PWD").await.unwrap().text(), b"\"/b\"");
    client.quit().await.unwrap();

    let mut client = connect().await.unwrap();
    let event = client.next_event().await.unwrap().unwrap();
    assert!(matches!(event, Event::Unsolicited(reply) if reply.code().get() == 226));
    assert_eq!(client.command("PWD").await.unwrap().text(), b"\"/a\"");

    let mut client = connect().await.unwrap();
    let pwd = client.send("PWD").unwrap();
    assert_eq!(code(client.next_reply(pwd).await.unwrap_err()), 226);
    assert_eq!(client.next_reply(pwd).await.unwrap().text(), b"\"/a\"");

    let client = connect().await.unwrap();
    let error = client.quit().await.unwrap_err();
    assert_eq!(code(error), 257, "this reply is not one to QUIT either");
}
