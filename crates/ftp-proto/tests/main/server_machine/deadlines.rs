//! Deadlines on virtual time, and the ends of a connection.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::server::{Config, Connection, Misuse, Phase, Security, Timeouts};
use ftp_proto::wire::{Code, Reply};
use ftp_proto::{Action, Instant, Machine, Securable};

use super::dialogue::plain;
use super::harness::{Held, Pause, Server, seconds, tls_session};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// Sleeps until just before, then until `duration` has passed, and expects the end only then.
fn ends_after(server: &mut Server, duration: Duration, said: &str, why: &str) {
    server.sleep(duration - NANOSECOND);
    assert_eq!(server.said(), "");
    server.sleep(NANOSECOND);
    assert_eq!(server.said(), said);
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(server.events.last().unwrap(), &format!("Closed({why})"));
}

#[test]
fn the_first_command_has_its_deadline() {
    let mut server = Server::new(plain());
    server.said();
    server.receive(b"\r\n\xff\xf1NOO");
    ends_after(
        &mut server,
        seconds(30),
        "421 No command in time.\r\n",
        "FirstCommandTimeout",
    );
}

#[test]
fn the_login_deadline_is_extended_by_nothing() {
    for command in [
        "NOOP",
        "REIN",
        "USER anna",
        "XYZZY",
        "AUTH TLS",
        "HOST ftp.example.com",
        "PWD",
    ] {
        let config = Config::new()
            .security(Security::DangerousOptionalTls)
            .hosts(["ftp.example.com"]);
        let mut server = Server::new(config);
        server.said();
        for _ in 0..5 {
            server.sleep(seconds(10));
            server.send(command);
        }
        ends_after(
            &mut server,
            seconds(10),
            "421 Not logged in in time.\r\n",
            "LoginTimeout",
        );
    }
}

#[test]
fn the_login_deadline_goes_on_while_the_application_checks_and_during_the_delay() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    ends_after(
        &mut server,
        seconds(60),
        "421 Not logged in in time.\r\n",
        "LoginTimeout",
    );
    let attempt = server.held.attempt.take().unwrap();
    assert_eq!(
        server.connection.decide(server.now, attempt.accept()),
        Err(Misuse::Closed)
    );

    let mut server = Server::new(plain().failure_delay(seconds(100), seconds(100)));
    server.said();
    server.send("USER anna");
    server.send("PASS wrong");
    ends_after(
        &mut server,
        seconds(60),
        "421 Not logged in in time.\r\n",
        "LoginTimeout",
    );
}

#[test]
fn the_login_deadline_starts_again_when_a_login_ends() {
    let mut server = Server::new(plain());
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    server.sleep(seconds(100));
    assert_eq!(server.code("REIN"), "220");
    ends_after(
        &mut server,
        seconds(60),
        "421 Not logged in in time.\r\n",
        "LoginTimeout",
    );
}

#[test]
fn bytes_offered_after_a_deadline_do_not_outrun_it() {
    let mut server = Server::new(plain());
    server.said();
    server.now = Instant::START + seconds(30);
    server.receive(b"NOOP\r\n");
    assert_eq!(server.said(), "421 No command in time.\r\n");
}

#[test]
fn idle_time_counts_between_commands_and_noise_does_not_extend_it() {
    let mut server = Server::new(plain());
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    for _ in 0..3 {
        server.sleep(seconds(299));
        assert_eq!(server.code("NOOP"), "200");
    }
    server.sleep(seconds(200));
    server.receive(b"\r\n\xff\xf1\xff\xfd\x01NOO");
    server.said();
    ends_after(
        &mut server,
        seconds(100),
        "421 Idle for too long.\r\n",
        "IdleTimeout",
    );
}

/// Logged in, with a question to the application open that this command raised.
fn asked(command: &str) -> Server {
    let mut timeouts = Timeouts::default();
    timeouts.application = seconds(40);
    let mut server = Server::new(plain().takes_accounts(true).timeouts(timeouts));
    server.said();
    if command.starts_with("PASS") {
        server.send("USER anna");
    } else {
        server.send("USER anna");
        server.send("PASS right");
    }
    server.sleep(seconds(10));
    server.answers = false;
    assert_eq!(server.send(command), "");
    server
}

#[test]
fn an_application_that_does_not_answer_or_drops_the_question_ends_in_421() {
    for command in ["PASS right", "ACCT main", "RETR notes"] {
        for drops in [true, false] {
            let mut server = asked(command);
            if drops {
                server.held = Held::default();
            }
            // Nothing that the client does moves it.
            server.sleep(seconds(20));
            server.receive(b"NOOP\r\nNOOP\r\n\xff\xf1");
            assert_eq!(server.said(), "");
            ends_after(
                &mut server,
                seconds(20),
                "421 Service not available.\r\n",
                "ApplicationTimeout",
            );
            // What comes too late is refused.
            let Held {
                attempt,
                account,
                request,
                ..
            } = std::mem::take(&mut server.held);
            let (connection, now) = (&mut server.connection, server.now);
            for late in [
                attempt.map(|attempt| connection.decide(now, attempt.accept())),
                account.map(|account| connection.decide_account(now, account.accept())),
                request.map(|request| connection.not_implemented(now, request.id())),
            ] {
                assert!(late.is_none_or(|late| late == Err(Misuse::Closed)));
            }
        }
    }
}

#[test]
fn an_answer_in_time_leaves_no_deadline_behind() {
    for command in ["PASS right", "ACCT main", "ACCT wrong", "RETR notes"] {
        let mut server = asked(command);
        server.sleep(seconds(40) - NANOSECOND);
        let (connection, now) = (&mut server.connection, server.now);
        if let Some(attempt) = server.held.attempt.take() {
            connection.decide(now, attempt.accept()).unwrap();
        }
        if let Some(attempt) = server.held.account.take() {
            let verdict = match command {
                "ACCT main" => attempt.accept(),
                _ => attempt.reject(),
            };
            connection.decide_account(now, verdict).unwrap();
        }
        if let Some(request) = server.held.request.take() {
            connection.not_implemented(now, request.id()).unwrap();
        }
        let answered = server.said();
        server.sleep(seconds(299));
        let later = server.said();
        assert!(
            [&answered, &later].iter().any(|said| said.len() > 3),
            "{command}"
        );
        assert_eq!(server.code("NOOP"), "200", "{command}");
    }
}

#[test]
fn each_preliminary_reply_gives_the_application_its_time_again() {
    let mut server = asked("RETR notes");
    let id = server.held.request.take().unwrap().id();
    let begin = Reply::new(Code::OPENING_DATA_CONNECTION, "Wait.").unwrap();
    for _ in 0..3 {
        server.sleep(seconds(39));
        let said = server.connection.preliminary(server.now, id, &begin);
        assert_eq!(said, Ok(()));
        assert_eq!(server.said(), "150 Wait.\r\n");
    }
    ends_after(
        &mut server,
        seconds(40),
        "421 Service not available.\r\n",
        "ApplicationTimeout",
    );
}

#[test]
fn an_account_may_be_answered_later_and_not_at_all() {
    let mut server = asked("ACCT main");
    let account = server.held.account.take().unwrap();
    let due = server.now + seconds(500);
    let verdict = account.accept().not_before(due);
    server
        .connection
        .decide_account(server.now, verdict)
        .unwrap();
    server.sleep(seconds(500) - NANOSECOND);
    assert_eq!(server.said(), "");
    assert_eq!(server.connection.phase(), Phase::LoggedIn);
    server.sleep(NANOSECOND);
    assert_eq!(server.said(), "230 Account accepted.\r\n");

    let mut server = asked("ACCT main");
    let verdict = server.held.account.take().unwrap().unavailable();
    server
        .connection
        .decide_account(server.now, verdict)
        .unwrap();
    assert_eq!(server.said(), "421 Login not available, try later.\r\n");
    assert_eq!(server.happened().last().unwrap(), "Closed(Shutdown)");
}

#[test]
fn accounts_refused_after_login_count_as_failures_of_the_connection() {
    let mut server = Server::new(plain().takes_accounts(true).max_attempts(3));
    server.said();
    server.send("USER anna");
    server.send("PASS wrong");
    server.sleep(seconds(1));
    assert_eq!(server.said(), "530 Login incorrect.\r\n");
    server.send("USER anna");
    assert_eq!(server.send("PASS right"), "230 Logged in.\r\n");
    server.send("ACCT wrong");
    server.sleep(seconds(2));
    assert_eq!(server.said(), "530 Login incorrect.\r\n");
    assert_eq!(server.send("ACCT main"), "230 Account accepted.\r\n");
    server.send("ACCT wrong");
    server.sleep(seconds(4));
    let said = server.said();
    assert!(said.contains("421 Too many failed logins."), "{said}");
}

#[test]
fn a_busy_application_is_not_idle() {
    let mut timeouts = Timeouts::default();
    timeouts.application = seconds(20_000);
    let mut server = Server::new(plain().timeouts(timeouts));
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    server.answers = false;
    server.send("RETR notes");
    let ends = server.now + seconds(20_000);
    assert_eq!(server.sleep(seconds(10_000)), Pause::Wait(Some(ends)));
    let id = server.held.request.take().unwrap().id();
    let begin = Reply::new(Code::OPENING_DATA_CONNECTION, "Here it comes.").unwrap();
    let end = Reply::new(Code::CLOSING_DATA_CONNECTION, "There it was.").unwrap();
    let connection = &mut server.connection;
    assert_eq!(
        connection.reply(server.now, id, &begin),
        Err(Misuse::WrongClass)
    );
    assert_eq!(
        connection.preliminary(server.now, id, &end),
        Err(Misuse::WrongClass)
    );
    let protected = Reply::new(Code::INTEGRITY_PROTECTED, "MjI2IHg=").unwrap();
    assert_eq!(
        connection.reply(server.now, id, &protected),
        Err(Misuse::WrongClass)
    );
    assert_eq!(connection.preliminary(server.now, id, &begin), Ok(()));
    let gone = Reply::new(Code::SERVICE_UNAVAILABLE, "Gone.").unwrap();
    assert_eq!(
        connection.reply(server.now, id, &gone),
        Err(Misuse::DedicatedMethod)
    );
    assert_eq!(connection.reply(server.now, id, &end), Ok(()));
    assert_eq!(
        connection.reply(server.now, id, &end),
        Err(Misuse::NothingOpen)
    );
    assert_eq!(server.said(), "150 Here it comes.\r\n226 There it was.\r\n");
    ends_after(
        &mut server,
        seconds(300),
        "421 Idle for too long.\r\n",
        "IdleTimeout",
    );
}

#[test]
fn a_client_that_does_not_read_is_left_without_another_word() {
    let mut server = Server::new(plain());
    let mut written = 0;
    for second in 0..30 {
        server.now = Instant::START + seconds(second);
        server.connection.timed_out(server.now);
        let Ok(Action::Write { deadline, .. }) = server.connection.poll() else {
            panic!("nothing to write after {written} bytes");
        };
        assert_eq!(deadline, Some(Instant::START + seconds(30)));
        if written < 5 {
            server.connection.wrote(server.now, 1);
            written += 1;
        }
    }
    server.now = Instant::START + seconds(30);
    server.connection.timed_out(server.now);
    assert_eq!(server.said(), "");
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(server.events, ["Closed(WriteTimeout)"]);
}

#[test]
fn a_handshake_has_its_deadline_and_ends_in_silence() {
    for security in [Security::ImplicitTls, Security::ExplicitTls] {
        let mut server = Server::new(Config::new().security(security));
        server.handshakes = false;
        server.said();
        if security == Security::ExplicitTls {
            assert_eq!(server.code("AUTH TLS"), "234");
        }
        assert_eq!(server.connection.phase(), Phase::SwitchingTls);
        ends_after(&mut server, seconds(20), "", "HandshakeTimeout");
    }
}

#[test]
fn early_and_backward_time_has_no_effect() {
    let mut server = Server::new(plain());
    server.said();
    server.sleep(seconds(29));
    server.connection.timed_out(Instant::START);
    server.connection.timed_out(server.now);
    assert_eq!(
        server.run(),
        Pause::Read(Some(Instant::START + seconds(30)))
    );
}

#[test]
fn a_delayed_greeting_looks_at_nothing_before_it() {
    let soon = Reply::new(Code::READY_SOON, "In a minute.").unwrap();
    let connection = Connection::new_delayed(Arc::new(plain()), Instant::START, soon);
    let mut server = Server::of(connection);
    assert_eq!(server.said(), "120 In a minute.\r\n");
    assert_eq!(server.send("NOOP"), "");
    assert_eq!(server.connection.phase(), Phase::Delayed);
    assert_eq!(server.sleep(seconds(1000)), Pause::Wait(None));
    server.connection.ready(server.now);
    assert_eq!(server.said(), "220 Ready.\r\n200 Done.\r\n");
    server.connection.ready(server.now);
    assert_eq!(server.said(), "");
}

#[test]
fn under_implicit_tls_a_delayed_greeting_waits_for_the_handshake_too() {
    let soon = || Reply::new(Code::READY_SOON, "In a minute.").unwrap();
    let config = Arc::new(Config::new().security(Security::ImplicitTls));
    let delayed = || {
        let connection = Connection::new_delayed(Arc::clone(&config), Instant::START, soon());
        let mut server = Server::of(connection);
        server.handshakes = false;
        assert_eq!(server.said(), "");
        server
    };
    let mut server = delayed();
    server.connection.tls_started(server.now, tls_session());
    assert_eq!(server.said(), "120 In a minute.\r\n");
    assert_eq!(server.connection.phase(), Phase::Delayed);
    assert_eq!(server.sleep(seconds(1000)), Pause::Wait(None));
    server.connection.ready(server.now);
    assert_eq!(server.said(), "220 Ready.\r\n");
    assert_eq!(server.code("USER anna"), "331");

    let mut server = delayed();
    server.connection.ready(server.now);
    assert_eq!(server.said(), "", "the handshake comes first");
    server.connection.tls_started(server.now, tls_session());
    assert_eq!(
        server.said(),
        "220 Ready.\r\n",
        "and there is no more delay"
    );
}

#[test]
fn what_holds_the_greeting_back_is_a_120() {
    let reply = Reply::new(Code::READY, "Ready.").unwrap();
    let connection = Connection::new_delayed(Arc::new(plain()), Instant::START, reply);
    let said = Server::of(connection).said();
    assert!(said.starts_with("120 "), "{said}");
}

#[test]
fn shutdown_comes_after_what_is_being_written() {
    let mut server = Server::new(plain());
    server.said();
    assert_eq!(server.connection.received(server.now, b"NOOP\r\n"), 6);
    assert!(matches!(server.connection.poll(), Ok(Action::Write { .. })));
    server.connection.wrote(server.now, 4);
    server.connection.shutdown(server.now, "Going down.");
    assert_eq!(server.said(), "Done.\r\n421 Going down.\r\n");
    assert_eq!(server.run(), Pause::Closed);
    assert_eq!(server.events, ["Closed(Shutdown)"]);
    server.connection.shutdown(server.now, "Again.");
    assert_eq!(server.said(), "");
}

#[test]
fn shutdown_in_the_middle_of_a_check_drops_the_attempt() {
    let mut server = Server::new(plain());
    server.answers = false;
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    server.connection.shutdown(server.now, "bad\ntext");
    assert_eq!(server.said(), "421 Service not available.\r\n");
    let attempt = server.held.attempt.take().unwrap();
    assert_eq!(
        server.connection.decide(server.now, attempt.accept()),
        Err(Misuse::Closed)
    );
}

#[test]
fn an_unavailable_check_ends_with_421() {
    let mut server = Server::new(plain());
    server.said();
    server.send("USER anna");
    assert_eq!(
        server.send("PASS unavailable"),
        "421 Login not available, try later.\r\n"
    );
    assert_eq!(server.events.last().unwrap(), "Closed(Shutdown)");
}

#[test]
fn commands_before_an_end_of_file_are_answered() {
    let mut server = Server::new(plain());
    server.said();
    let bytes = b"NOOP\r\nSYST\r\nUSER anna\r\nPASS right\r\n";
    assert_eq!(server.connection.received(server.now, bytes), bytes.len());
    server.connection.received_eof(server.now);
    assert_eq!(server.said().matches("\r\n").count(), 3);
    assert_eq!(server.run(), Pause::Closed);
    // Nobody would hear the verdict: the application is not asked.
    assert_eq!(server.events, ["Closed(PeerClosed)"]);
}
