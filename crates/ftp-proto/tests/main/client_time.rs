//! Deadlines on virtual time: what ends when, and what does not move a deadline.

use std::time::Duration;

use crate::common::{Dialogue, known, username};
use ftp_proto::client::{Config, Connection, Error, Login, Phase, Security, Timeout, Timeouts};
use ftp_proto::{Action, Instant, Lenience, Machine};

fn timed_out(dialogue: &Dialogue) -> (Phase, Timeout) {
    match dialogue.error() {
        Error::TimedOut { phase, what, .. } => (*phase, *what),
        other => panic!("not a time-out: {other}"),
    }
}

#[test]
fn the_greeting_has_its_deadline_and_120_starts_it_again() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.sleep(20);
    dialogue.hear("120 Wait.\r\n");
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(29);
    assert_eq!(dialogue.end, None);
    dialogue.pass(1);
    assert_eq!(timed_out(&dialogue), (Phase::Greeting, Timeout::Greeting));
}

#[test]
fn dripped_bytes_do_not_move_the_deadline_of_a_reply() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331-");
    for _ in 0..29 {
        dialogue.sleep(1);
        dialogue.hear("x");
        dialogue.pass(0);
    }
    assert_eq!(dialogue.end, None);
    dialogue.pass(1);
    assert_eq!(timed_out(&dialogue), (Phase::User, Timeout::Reply));
}

#[test]
fn the_whole_login_has_a_deadline_that_traffic_does_not_move() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    for _ in 0..11 {
        dialogue.pass(10);
        dialogue.hear("120 Wait.\r\n");
    }
    assert_eq!(dialogue.seconds_left(), Some(10));
    dialogue.pass(10);
    assert_eq!(timed_out(&dialogue), (Phase::Greeting, Timeout::Login));
}

#[test]
fn the_clock_of_the_login_stands_still_while_the_application_is_asked() {
    let mut dialogue = Dialogue::plain(Login::interactive());
    assert_eq!(dialogue.deadline, None);
    dialogue.pass(3600);
    let challenge = dialogue.take_challenge();
    dialogue
        .client
        .answer(dialogue.now, challenge.username(username(), None))
        .unwrap();
    dialogue.drive();
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(29);
    assert_eq!(dialogue.end, None);
}

#[test]
fn the_handshake_has_its_deadline() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear("220 x\r\n");
    dialogue.sleep(5);
    dialogue.hear("234 x\r\n");
    assert!(dialogue.waits);
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(30);
    assert_eq!(timed_out(&dialogue), (Phase::Security, Timeout::Handshake));
}

#[test]
fn a_server_that_does_not_read_is_noticed_although_some_bytes_go_out() {
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut client = Connection::new(config, Instant::START);
    let at = |seconds| Instant::from_start(Duration::from_secs(seconds));
    assert_eq!(client.received(at(1), b"220 Ready.\r\n"), 12);
    for seconds in 1..15 {
        assert!(matches!(
            client.poll(),
            Ok(Action::Write { deadline: Some(deadline), .. }) if deadline == at(31)
        ));
        client.wrote(at(seconds), 1);
    }
    client.timed_out(at(30));
    assert!(
        matches!(client.poll(), Ok(Action::Write { .. })),
        "too early"
    );
    client.timed_out(at(31));
    assert!(matches!(
        client.poll(),
        Err(Error::TimedOut {
            phase: Phase::User,
            what: Timeout::Write,
            ..
        })
    ));
}

#[test]
fn a_ready_connection_may_rest_and_each_command_has_its_own_deadline() {
    let mut dialogue = Dialogue::ready();
    assert_eq!(dialogue.deadline, None);
    dialogue.pass(100_000);
    assert_eq!(dialogue.end, None);
    dialogue.send("RETR a");
    dialogue.send("NOOP");
    dialogue.sleep(20);
    dialogue.hear("150 Begins.\r\n");
    assert_eq!(
        dialogue.seconds_left(),
        Some(30),
        "after a preliminary reply"
    );
    dialogue.sleep(20);
    dialogue.hear("226 Done.\r\n");
    assert_eq!(dialogue.seconds_left(), Some(30), "for the next command");
    dialogue.pass(30);
    assert_eq!(timed_out(&dialogue), (Phase::Ready, Timeout::Reply));
}

#[test]
fn early_and_spurious_calls_and_time_that_runs_backwards_change_nothing() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.pass(29);
    for _ in 0..10 {
        dialogue.client.timed_out(dialogue.now);
        dialogue.client.timed_out(Instant::START);
        dialogue.client.wrote(Instant::START, 100);
    }
    dialogue.now = Instant::START;
    dialogue.hear("331 x\r\n");
    // Counted from the latest time that was ever told.
    assert_eq!(
        dialogue.deadline,
        Some(Instant::from_start(Duration::from_secs(59)))
    );
}

#[test]
fn a_reply_that_is_there_is_in_time_even_if_nobody_polled() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.sleep(29);
    dialogue.store("331 x\r\n");
    dialogue.pass(1);
    assert_eq!(dialogue.end, None);
    assert!(dialogue.take_sent().ends_with("PASS correct horse\r\n"));
}

#[test]
fn without_lenience_a_foreign_end_is_none() {
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut dialogue = Dialogue::new(config.lenience(Lenience::STRICT));
    dialogue.hear("220-x\r\n200 y\r\n");
    dialogue.pass(29);
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("220 z\r\n");
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
}

#[test]
fn bytes_behind_a_possible_foreign_end_show_that_it_was_none() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.take_sent();
    dialogue.hear("331-x\r\n332 y\r\n");
    assert_eq!(dialogue.seconds_left(), Some(3));
    dialogue.sleep(2);
    dialogue.hear("more");
    dialogue.pass(20);
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("\r\n331 z\r\n");
    assert_eq!(dialogue.take_sent(), "PASS correct horse\r\n");
}

#[test]
fn each_phase_is_accounted_its_own_time() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    let step = |dialogue: &mut Dialogue, seconds, reply: &str| {
        dialogue.sleep(seconds);
        dialogue.hear(reply);
    };
    step(&mut dialogue, 1, "220 x\r\n");
    step(&mut dialogue, 2, "234 x\r\n");
    dialogue.sleep(3);
    dialogue.start_tls();
    step(&mut dialogue, 4, "200 x\r\n");
    step(&mut dialogue, 5, "200 x\r\n");
    step(&mut dialogue, 6, "331 x\r\n");
    step(&mut dialogue, 7, "332 x\r\n");
    step(&mut dialogue, 8, "230 x\r\n");
    let phases = dialogue.session().phases;
    let seconds = [
        phases.greeting,
        phases.security,
        phases.user,
        phases.password,
        phases.account,
    ]
    .map(|duration| duration.as_secs());
    assert_eq!(seconds, [1, 14, 6, 7, 8]);
}

#[test]
fn no_deadline_lies_beyond_what_was_configured() {
    let config = Config::new(known()).timeouts(Timeouts::uniform(Duration::from_secs(1)));
    let mut dialogue = Dialogue::new(config);
    assert_eq!(dialogue.seconds_left(), Some(1));
    dialogue.pass(1);
    assert_eq!(timed_out(&dialogue), (Phase::Greeting, Timeout::Greeting));
}

#[test]
fn an_unanswered_quit_is_a_goodbye_all_the_same_and_soon() {
    for heard in ["", "22", "221-Bye\r\n", "\r\n"] {
        let mut dialogue = Dialogue::ready();
        dialogue.quit();
        assert_eq!(dialogue.seconds_left(), Some(3));
        dialogue.pass(2);
        dialogue.hear(heard);
        assert_eq!(dialogue.seconds_left(), Some(1), "{heard}");
        dialogue.pass(1);
        assert!(dialogue.is_closed(), "{heard}");
    }
}

#[test]
fn a_quit_that_is_not_even_taken_delays_nothing_longer() {
    let mut dialogue = Dialogue::ready();
    dialogue.client.quit(dialogue.now).unwrap();
    for taken in [2, 1, 0] {
        assert!(matches!(dialogue.client.poll(), Ok(Action::Write { .. })));
        dialogue.client.wrote(dialogue.now, taken);
        dialogue.sleep(1);
    }
    dialogue.client.timed_out(dialogue.now);
    dialogue.drive();
    assert!(dialogue.is_closed());
}

#[test]
fn what_is_unanswered_before_quit_has_its_time_and_quit_its_own_behind_it() {
    let mut dialogue = Dialogue::ready();
    dialogue.send("PWD");
    dialogue.quit();
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(29);
    dialogue.hear("257 \"/\"\r\n");
    assert_eq!(dialogue.seconds_left(), Some(3));
    dialogue.pass(3);
    assert!(dialogue.is_closed());

    let mut dialogue = Dialogue::ready();
    dialogue.send("PWD");
    dialogue.quit();
    dialogue.pass(30);
    assert_eq!(timed_out(&dialogue), (Phase::Closing, Timeout::Reply));
}

#[test]
fn the_time_for_quit_is_configured_and_never_more_than_that_of_a_step() {
    let mut timeouts = Timeouts::uniform(Duration::from_secs(1));
    assert_eq!(timeouts.quit, Duration::from_secs(1));
    timeouts.quit = Duration::from_secs(7);
    timeouts.reply = Duration::from_secs(5);
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut dialogue = Dialogue::new(config.timeouts(timeouts));
    for reply in ["220 x\r\n", "331 x\r\n", "230 x\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.quit();
    assert_eq!(dialogue.seconds_left(), Some(5));
    dialogue.pass(5);
    assert!(dialogue.is_closed());
    assert_eq!(Timeouts::default().quit, Duration::from_secs(3));
}

#[test]
fn an_orderly_end_does_not_time_out_afterwards() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear("220 x\r\n");
    dialogue.hear("234 x\r\n");
    dialogue.quit();
    dialogue.pass(100_000);
    assert!(dialogue.is_closed());
}

/// All that a server can send without saying anything, and the beginnings of replies.
const NOTHING_WHOLE: [&[u8]; 7] = [
    b"\r\n",
    b"\n",
    b"\xff\xf1",
    b"\xff\xfd\x18",
    b"\xff\xfa\x18x\xff\xf0",
    b"\xff\xfax",
    b"331-More\r\n",
];

#[test]
fn bytes_that_never_stop_move_no_deadline_even_if_nobody_tells_the_time() {
    for bytes in NOTHING_WHOLE {
        let mut dialogue = Dialogue::plain(known());
        for _ in 0..29 {
            dialogue.sleep(1);
            dialogue.hear(bytes);
        }
        assert_eq!(dialogue.end, None, "{bytes:?}");
        dialogue.sleep(1);
        dialogue.hear(bytes);
        assert_eq!(timed_out(&dialogue), (Phase::User, Timeout::Reply));
    }
}

#[test]
fn a_reply_that_arrives_late_is_late_and_one_that_was_there_is_not() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.sleep(30);
    dialogue.hear("331 x\r\n");
    assert_eq!(timed_out(&dialogue), (Phase::User, Timeout::Reply));

    let mut dialogue = Dialogue::plain(known());
    dialogue.sleep(29);
    dialogue.store("331 x\r\n");
    dialogue.sleep(2);
    dialogue.hear("\r\n");
    assert_eq!(dialogue.end, None);
    assert!(dialogue.take_sent().ends_with("PASS correct horse\r\n"));
}

#[test]
fn all_replies_that_are_there_are_in_time_however_late_they_are_looked_at() {
    let mut dialogue = Dialogue::ready();
    for _ in 0..3 {
        dialogue.send("NOOP");
    }
    dialogue.sleep(29);
    dialogue.store("200 1\r\n200 2\r\n200 3\r\n");
    dialogue.pass(1000);
    assert_eq!((dialogue.end, dialogue.deadline), (None, None));
    assert_eq!(dialogue.events.len(), 3);
}

#[test]
fn what_the_application_says_late_ends_no_wait_whose_reply_is_handed_over_next() {
    let mut dialogue = Dialogue::ready();
    dialogue.send("NOOP");
    let command = "PWD".try_into().unwrap();
    let late = dialogue.now + Duration::from_secs(100);
    dialogue.client.send(late, command).unwrap();
    dialogue.sleep(29);
    dialogue.store("200 Done.\r\n");
    dialogue.pass(71);
    assert_eq!(dialogue.end, None);
    assert_eq!(dialogue.event_names(), ["Reply"]);
}

#[test]
fn refusals_that_are_not_taken_do_not_put_off_what_is_owed() {
    let mut dialogue = Dialogue::plain(known());
    dialogue.sleep(29);
    let mut client = dialogue.client;
    assert_eq!(client.received(dialogue.now, b"\xff\xfd\x18"), 3);
    let due = Instant::from_start(Duration::from_secs(30));
    assert!(matches!(
        client.poll(),
        Ok(Action::Write { deadline: Some(at), .. }) if at == due
    ));
    client.timed_out(due);
    assert!(matches!(
        client.poll(),
        Err(Error::TimedOut {
            what: Timeout::Reply,
            ..
        })
    ));
}

#[test]
fn a_write_that_is_not_taken_is_given_up_while_bytes_come() {
    let config = Config::new(known()).security(Security::DangerousPlaintext);
    let mut client = Connection::new(config, Instant::START);
    let at = |seconds| Instant::from_start(Duration::from_secs(seconds));
    assert_eq!(client.received(at(0), b"220 Ready.\r\n"), 12);
    for second in 1..30 {
        assert!(matches!(client.poll(), Ok(Action::Write { .. })));
        assert_eq!(client.received(at(second), b"\r\n"), 2);
    }
    let _ = client.received(at(30), b"\r\n");
    assert!(matches!(
        client.poll(),
        Err(Error::TimedOut {
            what: Timeout::Write,
            ..
        })
    ));
}

#[test]
fn a_handshake_that_is_done_late_is_too_late() {
    let mut dialogue = Dialogue::new(Config::new(known()));
    dialogue.hear("220 x\r\n");
    dialogue.hear("234 x\r\n");
    dialogue.sleep(30);
    dialogue.start_tls();
    assert_eq!(timed_out(&dialogue), (Phase::Security, Timeout::Handshake));
}
