//! Which command lists a directory, and what its failure means.

use ftp_adapter::Error;
use ftp_adapter::files::{Listing, ListingStep, Return};
use ftp_proto::client::TransferError;
use ftp_proto::wire::Verb;

use crate::common::*;

const MLST: (&str, &str) = ("FEAT", "211-Features:\n MLST type*;size*;\n211 End");
const NONE: (&str, &str) = ("FEAT", "502 no");
const HERE: (&str, &str) = ("PWD", "257 \"/home\"");

/// The command of the transfer; `None` if the directory is empty.
fn command(step: Result<ListingStep, Error>) -> Option<String> {
    match step.unwrap() {
        ListingStep::Transfer(transfer) => Some(transfer.command().to_string()),
        ListingStep::Empty => None,
    }
}

fn refused(verb: Verb, text: &str) -> Error {
    let reply = reply(text);
    of_transfer(TransferError::Refused { verb, reply })
}

fn of_transfer(error: TransferError) -> Error {
    Error::Transfer {
        error: Box::new(error),
        cause: None,
    }
}

#[test]
fn mlsd_is_used_where_mlst_is_listed_whatever_the_path() {
    for (path, sent) in [
        (None, "MLSD"),
        (Some("a"), "MLSD a"),
        (Some("-a b*"), "MLSD -a b*"),
    ] {
        let listing = Listing::entries(path.map(str::as_bytes));
        assert_eq!(command(play(listing, &[MLST])).unwrap(), sent);
    }
    // Names have no better command.
    let listing = Listing::names(Some(b"a"));
    assert_eq!(command(play(listing, &[])).unwrap(), "NLST a");
}

#[test]
fn a_path_that_list_would_take_for_something_else_is_entered_and_left() {
    for path in ["a b", "-a", "a*", "a[1]", "a?", "a\tb", "{a,b}"] {
        let cwd = format!("CWD {path}");
        let there = [HERE, (cwd.as_str(), "250 x")];
        let mut player = Player::new();
        let mut listing = Listing::entries(Some(path.as_bytes())).unwrap();
        let table = [&[NONE][..], &there].concat();
        let sent = command(player.play(&mut listing, &table));
        assert_eq!(sent.unwrap(), "LIST", "{path}");
        assert!(player.pending.known().is_away());
        let back = [("CWD /home", "250 x")];
        player.play(&mut Return, &back).unwrap();
        assert!(!player.pending.known().is_away());
        player.play(&mut Return, &[]).unwrap();

        let names = Listing::names(Some(path.as_bytes()));
        assert_eq!(command(play(names, &there)).unwrap(), "NLST");
    }
    for path in ["a", "/pub/x-y", "..", "Übung"] {
        let listing = Listing::entries(Some(path.as_bytes()));
        let sent = command(play(listing, &[NONE])).unwrap();
        assert_eq!(sent, format!("LIST {path}"));
    }
}

#[test]
fn a_directory_that_cannot_be_entered_is_not_left() {
    let mut player = Player::new();
    let mut listing = Listing::entries(Some(b"a b")).unwrap();
    let result = player.play(&mut listing, &[NONE, HERE, ("CWD a b", "550 x")]);
    assert_eq!(kind(result), "refused");
    assert!(!player.pending.known().is_away());
    // Without a way back it is not entered.
    let mut listing = Listing::entries(Some(b"a b")).unwrap();
    let result = player.play(&mut listing, &[("PWD", "250 somewhere")]);
    assert_eq!(kind(result), "unusable");
}

#[test]
fn a_way_back_that_is_refused_is_still_to_go() {
    let mut player = Player::new();
    let mut listing = Listing::names(Some(b"a b")).unwrap();
    let there = [HERE, ("CWD a b", "250 x")];
    player.play(&mut listing, &there).unwrap();
    let result = player.play(&mut Return, &[("CWD /home", "550 gone")]);
    assert_eq!(kind(result), "refused");
    assert!(player.pending.known().is_away());
}

#[test]
fn a_server_that_does_not_understand_mlsd_gets_list_from_then_on() {
    let mut player = Player::new();
    let mut listing = Listing::entries(Some(b"a")).unwrap();
    let sent = command(player.play(&mut listing, &[MLST]));
    assert_eq!(sent.unwrap(), "MLSD a");
    let error = refused(Verb::Mlsd, "500 what?");
    assert!(listing.failed(&error, player.pending.known_mut()));
    let sent = command(player.play(&mut listing, &[]));
    assert_eq!(sent.unwrap(), "LIST a");
    // It is not tried without end.
    let error = refused(Verb::List, "500 what?");
    assert!(!listing.failed(&error, player.pending.known_mut()));

    let mut listing = Listing::entries(None).unwrap();
    let sent = command(player.play(&mut listing, &[]));
    assert_eq!(sent.unwrap(), "LIST");
}

#[test]
fn a_server_that_says_that_there_is_nothing_is_believed_if_there_is_a_directory() {
    for (text, is_empty) in [
        ("450 No files found", true),
        ("550 No files found.", true),
        ("550 Directory is empty", true),
        ("550 No members found.", true),
        ("550 No such file or directory", false),
        ("550 Permission denied", false),
        ("553 No files found", false),
    ] {
        let mut player = Player::new();
        let mut listing = Listing::names(Some(b"a")).unwrap();
        player.play(&mut listing, &[]).unwrap();
        let error = refused(Verb::Nlst, text);
        let goes_on = listing.failed(&error, player.pending.known_mut());
        assert_eq!(goes_on, is_empty, "{text}");
        if is_empty {
            let table = [HERE, ("CWD a", "250 x")];
            let step = player.play(&mut listing, &table);
            assert_eq!(command(step), None);
            assert!(player.pending.known().is_away());
        }
    }
}

#[test]
fn a_directory_that_is_missing_is_not_empty() {
    let mut player = Player::new();
    let mut listing = Listing::names(Some(b"a")).unwrap();
    player.play(&mut listing, &[]).unwrap();
    let error = refused(Verb::Nlst, "550 no files");
    assert!(listing.failed(&error, player.pending.known_mut()));
    let result = player.play(&mut listing, &[HERE, ("CWD a", "550 missing")]);
    assert_eq!(kind(result), "refused");
    assert!(!player.pending.known().is_away());
}

#[test]
fn a_directory_that_was_entered_needs_no_other_proof() {
    let mut player = Player::new();
    let mut listing = Listing::names(Some(b"a b")).unwrap();
    let table = [HERE, ("CWD a b", "250 x")];
    player.play(&mut listing, &table).unwrap();
    let error = of_transfer(TransferError::Failed {
        reply: reply("450 No files found"),
        bytes: 0,
        tls: None,
    });
    assert!(listing.failed(&error, player.pending.known_mut()));
    assert_eq!(command(player.play(&mut listing, &[])), None);
}

#[test]
fn other_failures_stand() {
    let reply = || reply("550 No files found");
    for error in [
        TransferError::Refused {
            verb: Verb::Pasv,
            reply: reply(),
        },
        TransferError::Failed {
            reply: reply(),
            bytes: 7,
            tls: None,
        },
        TransferError::NotOpened,
        TransferError::Unknown,
    ] {
        let mut player = Player::new();
        let mut listing = Listing::names(None).unwrap();
        player.play(&mut listing, &[]).unwrap();
        let error = of_transfer(error);
        let known = player.pending.known_mut();
        assert!(!listing.failed(&error, known), "{error}");
        assert!(!listing.failed(&Error::Closed, known));
    }
}
