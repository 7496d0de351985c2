//! The machine's own `NOOP`: when it is sent, what it stays away from, and what its reply does.

use std::time::Duration;

use crate::common::{Dialogue, known};
use ftp_proto::client::{Config, Error, Event, KeepAlive, Misuse, Phase, Security, Timeout};
use ftp_proto::wire::{Command, Verb};
use ftp_proto::{Action, Limits, Machine};
use proptest::prelude::*;

const AFTER: u64 = 60;

fn config() -> Config {
    Config::new(known())
        .security(Security::DangerousPlaintext)
        .keep_alive(Some(Duration::from_secs(AFTER)))
}

fn logged_in(config: Config) -> Dialogue {
    let mut dialogue = Dialogue::new(config);
    for reply in ["220 Ready.\r\n", "331 Password.\r\n", "230 Welcome.\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.forget();
    dialogue
}

/// The NOOP is sent and unanswered.
fn asked() -> Dialogue {
    let mut dialogue = logged_in(config());
    dialogue.pass(AFTER);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
    dialogue
}

#[test]
fn silence_is_broken_again_and_again_and_nothing_is_told() {
    let mut dialogue = logged_in(config());
    for _ in 0..5 {
        assert_eq!(dialogue.seconds_left(), Some(AFTER));
        dialogue.pass(AFTER - 1);
        assert_eq!(dialogue.take_sent(), "");
        dialogue.pass(1);
        assert_eq!(dialogue.take_sent(), "NOOP\r\n");
        dialogue.sleep(2);
        dialogue.hear("200 Still here.\r\n");
        assert_eq!(dialogue.take_sent(), "");
    }
    assert!(dialogue.events.is_empty() && dialogue.end.is_none());
}

#[test]
fn it_is_off_unless_asked_for_and_never_more_often_than_once_a_second() {
    assert_eq!(Dialogue::ready().deadline, None);
    let dialogue = logged_in(config().keep_alive(None));
    assert_eq!(dialogue.deadline, None);
    let dialogue = logged_in(config().keep_alive(Some(Duration::ZERO)));
    assert_eq!(dialogue.seconds_left(), Some(1));
}

#[test]
fn traffic_either_way_starts_the_silence_again() {
    let mut dialogue = logged_in(config());
    dialogue.sleep(40);
    dialogue.hear("250 By the way.\r\n");
    assert_eq!(dialogue.seconds_left(), Some(AFTER));
    dialogue.pass(40);
    dialogue.send("PWD");
    assert_eq!(dialogue.seconds_left(), Some(30), "the reply's deadline");
    dialogue.sleep(20);
    dialogue.hear("257 \"/\"\r\n");
    assert_eq!(dialogue.seconds_left(), Some(AFTER));
    dialogue.pass(AFTER - 1);
    assert_eq!(dialogue.take_sent(), "PWD\r\n");
}

#[test]
fn silence_begins_behind_a_reply_whose_end_was_guessed() {
    let mut dialogue = Dialogue::new(config().keep_alive(Some(Duration::from_secs(2))));
    dialogue.hear("220 Ready.\r\n");
    dialogue.hear("331 Password.\r\n");
    dialogue.hear("230-Welcome.\r\n200 End.\r\n");
    dialogue.forget();
    dialogue.pass(3);
    assert_eq!(dialogue.event_names(), ["LoggedIn"]);
    assert_eq!(dialogue.take_sent(), "");
    assert_eq!(dialogue.seconds_left(), Some(2));
}

#[test]
fn no_login_and_no_open_command_is_disturbed() {
    let mut config = config();
    let mut timeouts = config.configured_timeouts();
    timeouts.reply = Duration::from_secs(100 * AFTER);
    config = config.timeouts(timeouts);
    let mut dialogue = Dialogue::new(config.clone());
    dialogue.hear("220 Ready.\r\n");
    dialogue.take_sent();
    dialogue.pass(AFTER + 30);
    dialogue.hear("331 Password.\r\n");
    assert_eq!(dialogue.take_sent(), "PASS correct horse\r\n");

    let mut dialogue = logged_in(config);
    dialogue.send("RETR a");
    dialogue.hear("150 Begins.\r\n");
    dialogue.take_sent();
    dialogue.pass(10 * AFTER);
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("226 Done.\r\n");
    assert_eq!(dialogue.seconds_left(), Some(AFTER));
}

#[test]
fn a_dead_connection_is_noticed() {
    let mut dialogue = asked();
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.pass(30);
    let timed_out = Error::TimedOut {
        phase: Phase::Ready,
        what: Timeout::Reply,
        secret_sent: true,
    };
    assert_eq!(*dialogue.error(), timed_out);
}

#[test]
fn a_421_ends_the_connection_as_ever() {
    let mut dialogue = asked();
    dialogue.hear("421 Too idle.\r\n");
    assert!(matches!(dialogue.error(), Error::ServiceUnavailable { .. }));
}

#[test]
fn a_reply_that_began_before_it_is_not_its_reply() {
    let mut dialogue = logged_in(config());
    dialogue.pass(AFTER - 1);
    dialogue.store("250 By the way.\r\n");
    dialogue.pass(AFTER);
    assert!(matches!(dialogue.events[..], [Event::Unsolicited(_)]));
    dialogue.hear("200 Here.\r\n");
    assert_eq!(dialogue.events.len(), 1);
    assert_eq!(dialogue.take_sent(), "NOOP\r\n");
}

#[test]
fn commands_wait_for_its_reply_and_keep_their_order_and_ids() {
    let mut dialogue = asked();
    let now = dialogue.now;
    let first = dialogue.client.send(now, "PWD".try_into().unwrap());
    let second = dialogue.client.send(now, "SYST".try_into().unwrap());
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "", "nothing beside the NOOP");
    dialogue.sleep(29);
    dialogue.hear("200 Here.\r\n");
    assert_eq!(dialogue.take_sent(), "PWD\r\nSYST\r\n");
    assert_eq!(dialogue.seconds_left(), Some(30));
    dialogue.hear("257 \"/\"\r\n215 UNIX\r\n");
    let told = dialogue.events.iter().map(|event| match event {
        Event::Reply { command, reply } => (*command, reply.code().get()),
        other => panic!("{other:?}"),
    });
    let told = told.collect::<Vec<_>>();
    assert_eq!(told, [(first.unwrap(), 257), (second.unwrap(), 215)]);
}

#[test]
fn what_waits_behind_it_has_the_whole_time_to_be_written() {
    let mut dialogue = asked();
    dialogue
        .client
        .send(dialogue.now, "PWD".try_into().unwrap())
        .unwrap();
    dialogue.sleep(29);
    dialogue.store("200 Here.\r\n");
    let at = dialogue.now + Duration::from_secs(30);
    assert!(matches!(
        dialogue.client.poll(),
        Ok(Action::Write { deadline: Some(deadline), .. }) if deadline == at
    ));
}

#[test]
fn nothing_behind_it_is_offered_while_it_is_half_written() {
    let mut dialogue = logged_in(config());
    dialogue.sleep(AFTER);
    dialogue.client.timed_out(dialogue.now);
    let offered = |dialogue: &mut Dialogue| match dialogue.client.poll() {
        Ok(Action::Write { bytes, .. }) => bytes.to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(offered(&mut dialogue), b"NOOP\r\n");
    dialogue.client.wrote(dialogue.now, 2);
    let pwd = "PWD".try_into().unwrap();
    dialogue.client.send(dialogue.now, pwd).unwrap();
    assert_eq!(offered(&mut dialogue), b"OP\r\n");
    // More than was offered counts as all of that, and of no more.
    dialogue.client.wrote(dialogue.now, 100);
    assert!(matches!(dialogue.client.poll(), Ok(Action::Read { .. })));
    dialogue.hear("200 Here.\r\n");
    assert_eq!(dialogue.take_sent(), "PWD\r\n");
}

#[test]
fn it_takes_no_room_and_no_turn_of_the_application() {
    let mut limits = Limits::default();
    limits.outstanding_commands = 1;
    let mut dialogue = logged_in(config().limits(limits));
    dialogue.pass(AFTER);
    dialogue.take_sent();
    dialogue.send("PWD");
    let full = dialogue
        .client
        .send(dialogue.now, "PWD".try_into().unwrap());
    assert_eq!(full, Err(Misuse::TooManyOutstanding));

    let mut dialogue = asked();
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("200 Here.\r\n");
    assert_eq!(dialogue.take_sent(), "REIN\r\n");
    dialogue.hear("220 Again.\r\n");
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
}

#[test]
fn its_reply_is_no_consent_to_leave_tls() {
    let mut dialogue = Dialogue::secured(config().clear_command_channel(true));
    for reply in ["200 PBSZ=0\r\n", "200 Private.\r\n", "230 Welcome.\r\n"] {
        dialogue.hear(reply);
    }
    dialogue.pass(AFTER);
    dialogue.client.clear_command_channel(dialogue.now).unwrap();
    dialogue.drive();
    dialogue.forget();
    dialogue.hear("200 Here.\r\n");
    assert_eq!(dialogue.take_sent(), "CCC\r\n");
    assert!(dialogue.events.is_empty() && !dialogue.waits);
    dialogue.hear("533 Never.\r\n");
    assert!(matches!(dialogue.events[..], [Event::Reply { .. }]));
}

#[test]
fn quitting_waits_for_its_reply_or_for_its_deadline() {
    let mut dialogue = asked();
    dialogue.quit();
    assert_eq!(dialogue.take_sent(), "");
    dialogue.hear("500 What?\r\n");
    assert_eq!(dialogue.take_sent(), "QUIT\r\n");
    dialogue.hear("221 Bye.\r\n");
    assert!(dialogue.is_closed());

    let mut dialogue = asked();
    dialogue.quit();
    assert_eq!(dialogue.seconds_left(), Some(3));
    dialogue.pass(3);
    assert!(dialogue.is_closed());
}

#[test]
fn nobody_being_logged_in_after_all_is_told() {
    let mut dialogue = Dialogue::new(config());
    for reply in [
        "220 Ready.\r\n",
        "331 Password.\r\n",
        "202 Superfluous.\r\n",
    ] {
        dialogue.hear(reply);
    }
    dialogue.forget();
    dialogue.pass(AFTER);
    dialogue.hear("530 Who?\r\n");
    assert!(matches!(dialogue.events[..], [Event::NotLoggedIn { .. }]));
}

/// What the application and the network do, and when.
#[derive(Debug, Clone, Copy)]
enum Move {
    Pass(u64),
    Poll,
    Send,
    Hear,
    HearUnasked,
    Reinitialize,
    Quit,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let any_move = prop_oneof![
        4 => (0..2 * AFTER).prop_map(Move::Pass),
        2 => Just(Move::Poll),
        3 => Just(Move::Send),
        6 => Just(Move::Hear),
        1 => Just(Move::HearUnasked),
        1 => Just(Move::Reinitialize),
        1 => Just(Move::Quit),
    ];
    prop::collection::vec(any_move, 0..60)
}

fn reply_to(command: &str) -> &'static str {
    match command {
        "NOOP" => "200 Here.\r\n",
        "REIN" => "220 Again.\r\n",
        "USER developer" => "331 Password.\r\n",
        "PASS correct horse" => "230 Welcome.\r\n",
        "QUIT" => "221 Bye.\r\n",
        _ => "257 \"/\"\r\n",
    }
}

/// Plays the moves with a server that answers everything at once. Returns what was sent, but for
/// the NOOPs, and what was told.
fn play_answered(config: Config, moves: &[Move]) -> (Vec<String>, Vec<String>) {
    let mut dialogue = logged_in(config);
    let mut sent = Vec::new();
    for step in moves {
        match step {
            Move::Pass(seconds) => dialogue.pass(*seconds),
            Move::Send => {
                // Two at once, and time that passes before anyone looks.
                for _ in 0..2 {
                    let _ = dialogue
                        .client
                        .send(dialogue.now, "PWD".try_into().unwrap());
                }
                dialogue.sleep(7);
            }
            Move::Reinitialize => {
                let _ = dialogue.client.reinitialize(dialogue.now, known());
            }
            Move::Quit => {
                let _ = dialogue.client.quit(dialogue.now);
            }
            _ => {}
        }
        loop {
            dialogue.drive();
            let lines = dialogue.take_sent();
            if lines.is_empty() {
                break;
            }
            for line in lines.lines() {
                dialogue.hear(reply_to(line));
                sent.extend((line != "NOOP").then(|| line.to_owned()));
            }
        }
    }
    let events = dialogue.events.iter().map(|event| format!("{event:?}"));
    (sent, events.collect())
}

/// Plays the moves with a server that answers one command a time when it is told to. Returns the
/// commands that were sent, and holds that a NOOP is never sent beside another command.
fn play(config: Config, moves: &[Move]) -> (Vec<String>, Vec<String>) {
    let mut dialogue = logged_in(config);
    let mut sent = Vec::new();
    let mut owed: Vec<String> = Vec::new();
    for step in moves {
        match step {
            Move::Pass(seconds) => dialogue.pass(*seconds),
            Move::Poll => dialogue.pass(0),
            Move::Send => {
                let command = "PWD".try_into().unwrap();
                let _ = dialogue.client.send(dialogue.now, command);
            }
            Move::Hear if !owed.is_empty() => {
                dialogue.hear(reply_to(&owed.remove(0)));
            }
            // Only where no command could take it for its reply.
            Move::HearUnasked if owed.is_empty() && dialogue.client.phase() == Phase::Ready => {
                dialogue.hear("250 By the way.\r\n");
            }
            Move::Reinitialize => {
                let _ = dialogue.client.reinitialize(dialogue.now, known());
            }
            Move::Quit => {
                let _ = dialogue.client.quit(dialogue.now);
            }
            _ => {}
        }
        dialogue.drive();
        for line in dialogue.take_sent().lines() {
            let alone = line != "NOOP" && !owed.contains(&"NOOP".to_owned());
            assert!(alone || owed.is_empty(), "{line} beside {owed:?}");
            owed.push(line.to_owned());
            sent.push(line.to_owned());
        }
        if dialogue.end.is_some() {
            break;
        }
    }
    let events = dialogue.events.iter().map(|event| format!("{event:?}"));
    (sent, events.collect())
}

proptest! {
    #[test]
    fn it_never_goes_out_beside_another_command(moves in moves()) {
        play(config(), &moves);
    }

    #[test]
    fn the_application_notices_nothing_of_it(moves in moves()) {
        prop_assert_eq!(
            play_answered(config(), &moves),
            play_answered(config().keep_alive(None), &moves)
        );
    }

    #[test]
    fn without_silence_it_makes_no_difference(moves in moves()) {
        let never = config().keep_alive(Some(Duration::MAX));
        prop_assert_eq!(
            play(never, &moves),
            play(config().keep_alive(None), &moves)
        );
    }
}

#[test]
fn what_says_nothing_does_not_break_the_silence() {
    for nothing in [&b"\r\n"[..], b"\xff\xf1", b"\xff\xfa\x18x\xff\xf0"] {
        let mut dialogue = logged_in(config());
        for _ in 0..AFTER - 1 {
            dialogue.sleep(1);
            dialogue.hear(nothing);
        }
        assert_eq!(dialogue.take_sent(), "");
        dialogue.sleep(1);
        dialogue.hear(nothing);
        assert_eq!(dialogue.take_sent(), "NOOP\r\n", "{nothing:?}");
    }
}

#[test]
fn another_command_may_keep_it_alive() {
    for (line, answer) in [
        ("NOOP", "200 Yes.\r\n"),
        ("PWD", "257 \"/\"\r\n"),
        ("STAT", "211-Status\r\n of it\r\n211 End\r\n"),
        ("TYPE I", "200 Type set.\r\n"),
        ("CWD .", "250 Here.\r\n"),
        ("SITE IDLE 7200", "200 Idle.\r\n"),
        ("site noop", "500 What?\r\n"),
        ("SYST", "215 UNIX\r\n"),
    ] {
        let keep_alive = KeepAlive::every(Duration::from_secs(AFTER));
        let keep_alive = keep_alive.command(line.parse().unwrap()).unwrap();
        let mut dialogue = logged_in(config().keep_alive(keep_alive));
        dialogue.pass(AFTER);
        assert_eq!(dialogue.take_sent(), format!("{line}\r\n"));
        // What the application sends waits behind it, as behind a NOOP.
        dialogue.send("PWD");
        assert_eq!(dialogue.take_sent(), "");
        dialogue.hear(answer);
        assert_eq!(dialogue.event_names(), [""; 0], "{line}");
        assert_eq!(dialogue.take_sent(), "PWD\r\n");
        dialogue.hear("257 \"/\"\r\n");
        assert_eq!(dialogue.event_names(), ["Reply"]);
        dialogue.forget();
        dialogue.pass(AFTER);
        assert_eq!(dialogue.take_sent(), format!("{line}\r\n"), "again");
    }
}

#[test]
fn what_the_application_must_know_of_cannot_keep_a_connection_alive() {
    let fit = [
        "CLNT", "CWD", "FEAT", "HELP", "MDTM", "MLST", "MODE", "NOOP", "PWD", "SITE", "SIZE",
        "STAT", "STRU", "SYST", "TYPE", "XCWD", "XPWD",
    ];
    for verb in Verb::ALL {
        let name = verb.name().unwrap();
        let command = Command::with_argument(*verb, "x").unwrap();
        let kept = KeepAlive::every(Duration::from_secs(1)).command(command);
        assert_eq!(kept.is_ok(), fit.contains(&name), "{name}");
        if let Err(unfit) = kept {
            assert_eq!(unfit.verb(), *verb);
            assert!(unfit.to_string().starts_with(name), "{unfit}");
        }
    }
    for line in ["XYZZY", "SITE PSWD old new", "SITE CHPASS anna secret"] {
        let command = Command::from_line(line).unwrap();
        let kept = KeepAlive::every(Duration::from_secs(1)).command(command);
        assert!(kept.is_err(), "{line}");
    }
}

#[test]
fn a_keep_alive_is_a_time_or_none_or_more() {
    let default = format!("{:?}", config().keep_alive(KeepAlive::off()));
    assert_eq!(format!("{:?}", config().keep_alive(None)), default);
    let minute = Duration::from_secs(60);
    let shown = format!("{:?}", config().keep_alive(Some(minute)));
    assert_eq!(format!("{:?}", config().keep_alive(minute)), shown);
    assert_eq!(
        format!("{:?}", config().keep_alive(KeepAlive::every(minute))),
        shown
    );
}
