//! Several 220 replies as one greeting: taken only where that is asked for, and then at any cut and
//! at any time before the first other reply.

use std::time::Duration;

use crate::common::{Dialogue, known};
use ftp_proto::Lenience;
use ftp_proto::client::{
    Config, DataProtection, Error, Login, PeerFault, Phase, Security, Timeout,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const THREE: &[u8] = b"220 Welcome to FTP\r\n220 By David\r\n220 Version 0.1\r\n";

fn lenient(config: Config, most: usize) -> Config {
    let mut lenience = Lenience::default();
    lenience.repeated_greetings = most;
    config.lenience(lenience)
}

fn plain(login: Login) -> Config {
    Config::new(login).security(Security::DangerousPlaintext)
}

/// The ways to begin a login, each with the line that must come after the greeting and the replies
/// that lead from there to a login.
fn ways() -> Vec<(Config, &'static str, Vec<&'static str>)> {
    let explicit = Config::new(known()).data_protection(DataProtection::Clear);
    let implicit = Config::new(known()).security(Security::ImplicitTls);
    let in_tls = vec!["200", "200", "331", "230"];
    vec![
        (plain(known()), "USER developer\r\n", vec!["331", "230"]),
        (explicit, "AUTH TLS\r\n", vec!["234", "331", "230"]),
        (implicit.clone(), "PBSZ 0\r\n", in_tls.clone()),
        (
            implicit.pipelining(true),
            "PBSZ 0\r\nPROT P\r\nUSER developer\r\n",
            in_tls,
        ),
        (
            plain(known()).host("ftp.example.com").unwrap(),
            "HOST ftp.example.com\r\n",
            vec!["220", "331", "230"],
        ),
    ]
}

fn log_in(config: &Config, greeting: &[&[u8]], replies: &[&str]) -> (Dialogue, String) {
    let mut dialogue = Dialogue::new(config.clone());
    if dialogue.waits {
        dialogue.start_tls();
    }
    for piece in greeting {
        dialogue.hear(piece);
    }
    let first = dialogue.take_sent();
    for reply in replies {
        dialogue.hear(format!("{reply} x\r\n"));
        if dialogue.waits {
            dialogue.start_tls();
        }
    }
    (dialogue, first)
}

proptest! {
    #[test]
    fn a_greeting_of_several_replies_is_taken_at_any_cut_where_that_is_asked_for(
        way in select(ways()),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let mut points: Vec<_> = cuts.iter().map(|cut| cut.index(THREE.len() + 1)).collect();
        points.extend([0, THREE.len()]);
        points.sort_unstable();
        let pieces: Vec<_> = points.windows(2).map(|pair| &THREE[pair[0]..pair[1]]).collect();
        let (config, first, replies) = way;
        let (dialogue, sent) = log_in(&lenient(config, 2), &pieces, &replies);
        prop_assert_eq!(dialogue.end, None);
        prop_assert!(dialogue.client.phase() == Phase::Ready);
        prop_assert!(dialogue.client.session().unwrap().irregular);
        // HOST may have had a 220 for its answer, so that USER was sent early.
        prop_assert!(sent.starts_with(first), "{sent:?}");
        let passwords = dialogue.sent.windows(5).filter(|window| window == b"PASS ").count();
        prop_assert_eq!(passwords, 1);
    }
}

#[test]
fn unless_it_is_asked_for_a_second_220_is_a_fault_at_any_cut() {
    for (config, ..) in ways().into_iter().take(4) {
        for cut in 0..=THREE.len() {
            let (dialogue, _) = log_in(&config, &[&THREE[..cut], &THREE[cut..]], &[]);
            assert!(
                matches!(
                    dialogue.error(),
                    Error::PeerFault {
                        fault: PeerFault::UnsolicitedReply(_) | PeerFault::UnexpectedCode { .. },
                        ..
                    }
                ),
                "{:?}",
                dialogue.error()
            );
        }
    }
}

#[test]
fn no_more_are_taken_than_the_limit_says() {
    for (most, is_taken) in [(1, false), (2, true)] {
        for together in [true, false] {
            let pieces: Vec<&[u8]> = if together {
                vec![THREE]
            } else {
                THREE.split_inclusive(|byte| *byte == b'\n').collect()
            };
            let (dialogue, _) = log_in(&lenient(plain(known()), most), &pieces, &["331", "230"]);
            assert_eq!(dialogue.end.is_none(), is_taken, "{most} {together}");
        }
    }
}

#[test]
fn after_another_reply_a_220_is_a_fault_again() {
    for reply in ["331 Password.\r\n220 x\r\n", "331 Password.\r\n"] {
        let mut dialogue = Dialogue::new(lenient(plain(known()), 5));
        dialogue.hear("220 x\r\n220 y\r\n");
        dialogue.hear(reply);
        dialogue.hear("220 x\r\n");
        assert!(matches!(dialogue.error(), Error::PeerFault { .. }));
    }
    // Under TLS, where the greeting was in clear.
    let config = Config::new(known()).data_protection(DataProtection::Clear);
    let mut dialogue = Dialogue::new(lenient(config, 5));
    dialogue.hear("220 x\r\n220 y\r\n");
    dialogue.hear("234 x\r\n");
    dialogue.start_tls();
    dialogue.hear("220 x\r\n");
    assert!(matches!(dialogue.error(), Error::PeerFault { .. }));
    // After REIN, which is answered with one.
    let mut dialogue = Dialogue::new(lenient(plain(known()), 5));
    dialogue.hear("220 x\r\n");
    dialogue.hear("230 x\r\n");
    dialogue.client.reinitialize(dialogue.now, known()).unwrap();
    dialogue.drive();
    dialogue.hear("220 x\r\n");
    dialogue.hear("220 x\r\n");
    assert!(matches!(dialogue.error(), Error::PeerFault { .. }));
}

#[test]
fn a_220_behind_the_234_is_an_injection_all_the_same() {
    let mut dialogue = Dialogue::new(lenient(Config::new(known()), 5));
    dialogue.hear("220 x\r\n");
    dialogue.hear("234 x\r\n220 y\r\n");
    assert!(matches!(
        dialogue.error(),
        Error::PeerFault {
            fault: PeerFault::BytesBeforeTlsSwitch,
            ..
        }
    ));
}

#[test]
fn further_greetings_do_not_move_the_deadline_of_the_reply() {
    let mut dialogue = Dialogue::new(lenient(plain(known()), 5));
    dialogue.hear("220 x\r\n");
    for _ in 0..2 {
        dialogue.sleep(10);
        dialogue.hear("220 y\r\n");
    }
    assert_eq!(dialogue.seconds_left(), Some(10));
    dialogue.now = dialogue.now + Duration::from_secs(10);
    dialogue.pass(0);
    assert!(matches!(
        dialogue.error(),
        Error::TimedOut {
            phase: Phase::User,
            what: Timeout::Reply,
            ..
        }
    ));
}

#[test]
fn the_name_is_still_asked_for_and_the_question_stays_open() {
    let mut dialogue = Dialogue::new(lenient(plain(Login::interactive()), 5));
    dialogue.hear("220 x\r\n");
    dialogue.hear("220 y\r\n");
    assert_eq!(dialogue.event_names(), ["Challenge"]);
    let challenge = dialogue.take_challenge();
    let answer = challenge.username(crate::common::username(), None);
    dialogue.client.answer(dialogue.now, answer).unwrap();
    dialogue.drive();
    assert_eq!(dialogue.take_sent(), "USER developer\r\n");
}
