//! The dialogues that users know best, from files, against both real machines.

use std::path::{Path, PathBuf};

use ftp_proto::client::{self, LoggedInBy, Phase, Protection};
use ftp_proto::server::ClosedWhy;
use ftp_proto::wire::Code;
use ftp_testkit::{ClientReplay, Transcript, replay_client, replay_server};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

fn both(name: &str) -> (ClientReplay, Option<ClosedWhy>) {
    let transcript = Transcript::load(&folder().join(name));
    (replay_client(&transcript), replay_server(&transcript))
}

/// The files of this folder itself.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

fn codes(replay: &ClientReplay) -> Vec<u16> {
    replay
        .replies
        .iter()
        .map(|reply| reply.code().get())
        .collect()
}

#[test]
fn every_transcript_is_said_by_both_machines() {
    let mut count = 0;
    for path in files(&folder()) {
        let transcript = Transcript::load(&path);
        replay_client(&transcript);
        replay_server(&transcript);
        count += 1;
    }
    assert!(count >= 4);
}

#[test]
fn a_plain_login_ends_with_quit() {
    let (client, server) = both("plain.txt");
    assert_eq!(client.logins.len(), 1);
    assert_eq!(client.logins[0].logged_in_by, LoggedInBy::Password);
    assert!(client.logins[0].greeting.as_ref().unwrap().is_multiline());
    assert_eq!(codes(&client), [257]);
    assert_eq!(client.outcome, Some(Ok(())));
    assert_eq!(server, Some(ClosedWhy::Quit));
}

#[test]
fn wrong_passwords_end_in_a_lock_out() {
    let (client, server) = both("lock-out.txt");
    match client.outcome {
        Some(Err(client::Error::Refused { phase, reply, .. })) => {
            assert_eq!(
                (phase, reply.code()),
                (Phase::Password, Code::NOT_LOGGED_IN)
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(client.logins.is_empty());
    assert_eq!(server, Some(ClosedWhy::TooManyAttempts));
}

#[test]
fn an_account_completes_the_login_and_can_be_switched() {
    let (client, server) = both("account.txt");
    assert_eq!(client.logins[0].logged_in_by, LoggedInBy::Account);
    assert_eq!(codes(&client), [257, 530, 230, 257]);
    assert_eq!(client.outcome, Some(Ok(())));
    assert_eq!(server, Some(ClosedWhy::Quit));
}

#[test]
fn explicit_tls_protects_the_login_and_the_data() {
    let (client, server) = both("explicit-tls.txt");
    assert!(client.logins[0].tls.is_some());
    assert_eq!(client.logins[0].protection, Protection::Private);
    assert_eq!(client.outcome, Some(Ok(())));
    assert_eq!(server, Some(ClosedWhy::Quit));
}

#[test]
fn what_is_no_transcript_is_named_by_its_line() {
    assert_eq!(Transcript::parse("# fine\n\nX: what\n").err(), Some(3));
    assert_eq!(
        Transcript::parse("S: 220-unfinished\nC: USER x\n").err(),
        Some(2)
    );
    assert_eq!(Transcript::parse("S: 220-unfinished\n").err(), Some(1));
    assert_eq!(Transcript::parse("S: hello\n").err(), Some(1));
}

#[test]
#[should_panic(expected = "the server says")]
fn a_server_that_differs_from_the_transcript_is_noticed() {
    let wrong = Transcript::parse("S: 220 Ready.\nC: NOOP\nS: 500 What?\n").unwrap();
    replay_server(&wrong);
}

#[test]
#[should_panic(expected = "expected \"PASS early\\r\\n\"")]
fn a_client_that_differs_from_the_transcript_is_noticed() {
    let text = "S: 220 Ready.\nC: PASS early\nC: USER anna\n";
    replay_client(&Transcript::parse(text).unwrap());
}
