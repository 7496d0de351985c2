//! Commands and what their replies say.

use ftp_adapter::files::{self, FeaturesOf, Rename, SetModified, Size};
use ftp_adapter::files::{Exchange, Hashing, Listing, Removal, Return, Turn};
use ftp_adapter::{AskFacts, Error, Fact};
use ftp_proto::DateTime;
use ftp_proto::listing::Kind;

use proptest::prelude::*;

use crate::common::*;

const FEAT: &str = "211-Features:\n MDTM\n MFMT\n SIZE\n211 End";

#[test]
fn the_current_directory_is_read_from_the_reply() {
    for (text, path) in [
        (r#"257 "/" is the current directory"#, "/"),
        (r#"257 "/a ""b"" c""#, r#"/a "b" c"#),
        ("257 /pub", "/pub"),
        (r#"250 "/home""#, "/home"),
    ] {
        let here = play(files::pwd(), &[("PWD", text)]).unwrap();
        assert_eq!(String::from_utf8(here).unwrap(), path, "{text}");
    }
    for (text, error) in [
        ("250 fine", "unusable"),
        (r#"257 """#, "unusable"),
        ("350 more", "unusable"),
        ("550 no", "refused"),
        ("421 busy", "refused"),
    ] {
        assert_eq!(kind(play(files::pwd(), &[("PWD", text)])), error, "{text}");
    }
}

#[test]
fn what_is_done_or_refused_takes_one_command() {
    type Ask = files::Ask<()>;
    let table: [(Result<Ask, ftp_adapter::Error>, &str); 8] = [
        (files::cwd("a b"), "CWD a b"),
        (files::cdup(), "CDUP"),
        (files::remove_dir("-x"), "RMD -x"),
        (files::remove_file("a"), "DELE a"),
        (files::chmod("a b", 0o644), "SITE CHMOD 644 a b"),
        (files::chmod("a", 0o17), "SITE CHMOD 017 a"),
        (files::allocate(7), "ALLO 7"),
        (files::noop(), "NOOP"),
    ];
    for (ask, command) in table {
        let mut ask = ask.unwrap();
        for good in ["200 x", "202 x", "250 x"] {
            Player::new().play(&mut ask, &[(command, good)]).unwrap();
        }
        for (bad, error) in [
            ("550 x", "refused"),
            ("450 x", "refused"),
            ("332 x", "unusable"),
        ] {
            let result = Player::new().play(&mut ask, &[(command, bad)]);
            assert_eq!(kind(result), error, "{command}: {bad}");
        }
    }
}

#[test]
fn facts_are_asked_for_in_image_type_and_refusals_are_told_apart() {
    let ask = |replies: [&str; 3]| {
        let commands = ["TYPE I", "SIZE a file", "MDTM a file"];
        let table = [0, 1, 2].map(|at| (commands[at], replies[at]));
        play(AskFacts::new("a file"), &table).unwrap()
    };
    let facts = ask(["200 x", "213 123", "213 20240501123400"]);
    assert_eq!(facts.size, Fact::Known(123));
    let time = DateTime::parse(b"20240501123400").unwrap();
    assert_eq!(facts.modified, Fact::Known(time));
    let facts = ask(["200 x", "550 x", "502 x"]);
    assert_eq!((facts.size, facts.modified), (Fact::Missing, Fact::Unknown));
    let table = [("TYPE I", "504 x"), ("MDTM a file", "213 20240501123400")];
    let facts = play(AskFacts::new("a file"), &table).unwrap();
    assert_eq!(facts.size, Fact::Unknown);
    let table = [("TYPE I", "200 x"), ("SIZE a file", "213 123")];
    let facts = play(AskFacts::size("a file"), &table).unwrap();
    assert_eq!(
        (facts.size, facts.modified),
        (Fact::Known(123), Fact::Unknown)
    );
    // MDTM would set the time of `b`.
    let table = [("TYPE I", "200 x"), ("SIZE 20240501123400 b", "213 1")];
    play(AskFacts::new("20240501123400 b"), &table).unwrap();
}

#[test]
fn paths_that_cannot_be_sent_are_refused_before_anything_is() {
    for path in ["", "a\r\nDELE b", "a\nb", "a\0b"] {
        assert_eq!(kind(files::cwd(path)), "invalid");
        assert_eq!(kind(files::chmod(path, 0)), "invalid");
        assert_eq!(kind(files::modified(path)), "invalid");
        assert_eq!(kind(Rename::new("a", path)), "invalid");
        assert_eq!(kind(Rename::new(path, "a")), "invalid");
        assert_eq!(kind(Size::new(path)), "invalid");
        assert_eq!(kind(SetModified::new(path, DateTime::FIRST)), "invalid");
        assert_eq!(kind(files::Hashing::new(path)), "invalid");
        assert_eq!(
            kind(files::Listing::entries(Some(path.as_bytes()))),
            "invalid"
        );
        assert_eq!(kind(files::Removal::new(path)), "invalid");
        assert_eq!(kind(files::status(Some(path.as_bytes()))), "invalid");
    }
}

#[test]
fn a_new_directory_is_named_if_the_reply_names_it() {
    for (text, path) in [
        (r#"257 "/a/b" created"#, Some("/a/b")),
        (r#"257 "b" - Directory successfully created"#, Some("b")),
        ("257 MKD command successful.", None),
        ("250 done", None),
        ("257 /a/b", Some("/a/b")),
    ] {
        let made = play(files::make_dir("b"), &[("MKD b", text)]).unwrap();
        assert_eq!(made.as_deref(), path.map(str::as_bytes), "{text}");
    }
    let result = play(files::make_dir("b"), &[("MKD b", "550 exists")]);
    assert_eq!(kind(result), "refused");
}

#[test]
fn a_file_is_renamed_in_two_steps() {
    let rename = || Rename::new("a", "b");
    let first = ("RNFR a", "350 go on");
    play(rename(), &[first, ("RNTO b", "250 x")]).unwrap();
    assert_eq!(kind(play(rename(), &[("RNFR a", "550 x")])), "refused");
    assert_eq!(kind(play(rename(), &[("RNFR a", "250 x")])), "unusable");
    let result = play(rename(), &[first, ("RNTO b", "553 x")]);
    assert_eq!(kind(result), "refused");
    let result = play(rename(), &[first, ("RNTO b", "350 x")]);
    assert_eq!(kind(result), "unusable");
}

#[test]
fn a_size_is_asked_in_type_i() {
    let size = || Size::new("a");
    let first = ("TYPE I", "200 x");
    for (text, expected) in [("213 1234", 1234), ("213 1,234 bytes", 1234), ("213 0", 0)] {
        assert_eq!(play(size(), &[first, ("SIZE a", text)]).unwrap(), expected);
    }
    for text in ["213 much", "213 99999999999999999999", "250 12"] {
        assert_eq!(kind(play(size(), &[first, ("SIZE a", text)])), "unusable");
    }
    assert_eq!(kind(play(size(), &[("TYPE I", "504 x")])), "refused");
    assert_eq!(kind(play(size(), &[first, ("SIZE a", "550 x")])), "refused");
}

#[test]
fn times_are_asked_and_set() {
    let time = DateTime::parse(b"20240501123400").unwrap();
    let asked = play(files::modified("a"), &[("MDTM a", "213 20240501123400")]);
    assert_eq!(asked.unwrap(), time);
    let result = play(files::modified("a"), &[("MDTM a", "213 yesterday")]);
    assert_eq!(kind(result), "unusable");

    let set = |time| SetModified::new("a b", time);
    let command = "MFMT 20240501123400 a b";
    for (text, said) in [
        ("213 Modify=20240501123400; a b", Some(time)),
        ("253 Date/time changed okay.", None),
    ] {
        let table = [("FEAT", FEAT), (command, text)];
        let result = play(set(time.with_nanosecond(5)), &table);
        assert_eq!(result.unwrap(), said);
    }
    for feat in ["502 x", "211 no features"] {
        assert_eq!(kind(play(set(time), &[("FEAT", feat)])), "not supported");
    }
}

#[test]
fn a_time_is_never_set_by_asking_for_that_of_a_strange_name() {
    let command = "MDTM ./20240501123400 a";
    let ask = files::modified("20240501123400 a");
    play(ask, &[(command, "213 20240501123400")]).unwrap();
}

#[test]
fn facts_are_read_from_any_line() {
    for text in [
        "250-Listing a\n type=file;size=12;modify=20240501123400; /pub/a b\n250 End",
        "250-x\n250-type=file;size=12; /pub/a b\n250 End",
        "250 type=file;size=12; /pub/a b",
    ] {
        let facts = play(files::facts("a b"), &[("MLST a b", text)]).unwrap();
        assert_eq!(facts.name(), b"/pub/a b");
        assert_eq!((facts.kind(), facts.borrow().size), (Kind::File, Some(12)));
    }
    for text in [
        "250 fine",
        "250-x\n drwxr-xr-x 1 a a 0 Jan 1 2020 b\n250 End",
    ] {
        let result = play(files::facts("a"), &[("MLST a", text)]);
        assert_eq!(kind(result), "unusable");
    }
}

#[test]
fn features_are_asked_once() {
    let mut player = Player::new();
    let features = player.play(&mut FeaturesOf, &[("FEAT", FEAT)]).unwrap();
    assert!(features.size() && features.set_modified());
    assert_eq!(player.play(&mut FeaturesOf, &[]).unwrap(), features);
    let time = DateTime::parse(b"20240501123400").unwrap();
    let mut set = SetModified::new("a", time).unwrap();
    let table = [("MFMT 20240501123400 a", "213 x")];
    player.play(&mut set, &table).unwrap();
}

#[test]
fn a_server_without_feat_has_no_features_and_one_that_is_busy_is_asked_again() {
    for text in ["500 what?", "502 no", "530 not now"] {
        assert!(play(Ok(FeaturesOf), &[("FEAT", text)]).unwrap().is_empty());
    }
    let mut player = Player::new();
    let result = player.play(&mut FeaturesOf, &[("FEAT", "450 later")]);
    assert_eq!(kind(result), "refused");
    let table = [("FEAT", FEAT)];
    assert!(player.play(&mut FeaturesOf, &table).unwrap().size());
}

#[test]
fn what_is_said_for_people_is_given_as_it_is() {
    let system = play(files::system(), &[("SYST", "215 UNIX Type: L8")]);
    assert_eq!(system.unwrap(), "UNIX Type: L8");
    let status = play(files::status(None), &[("STAT", "211-a\n b\n211 c")]).unwrap();
    assert_eq!(status.lines().count(), 3);
    let status = play(files::status(Some(b"a")), &[("STAT a", "213 b")]).unwrap();
    assert_eq!(status.text(), b"b");
    assert_eq!(play(files::space(None), &[("AVBL", "213 77")]).unwrap(), 77);
    let result = play(files::space(Some(b"a")), &[("AVBL a", "213 lots")]);
    assert_eq!(kind(result), "unusable");
    let table = [("OPTS UTF8 ON", "200 on")];
    assert_eq!(
        play(files::options("UTF8 ON"), &table).unwrap().text(),
        b"on"
    );
    let table = [("SITE HELP", "214 help")];
    assert_eq!(play(files::site("HELP"), &table).unwrap().text(), b"help");
}

/// How many turns it takes with these replies.
fn turns<E: Exchange>(exchange: Result<E, Error>, replies: &[String]) -> usize {
    let mut player = Player::new();
    let mut exchange = exchange.unwrap();
    let mut replies = replies.iter().cycle();
    let mut answer = None;
    for count in 0..100 {
        match player.turn(&mut exchange, answer) {
            Ok(Turn::Send(_)) => answer = Some(reply(replies.next().unwrap())),
            Ok(Turn::Done(_)) | Err(_) => return count,
        }
    }
    panic!("it does not end")
}

fn replies() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        "[ -~]{0,20}",
        "\"[ -~]{0,9}\"",
        "[0-9]{1,25}",
        Just("SHA-1 0-1 x".to_owned()),
        Just("no files".to_owned()),
    ];
    let code = prop_oneof![2 => 200..400_u16, 1 => 400..600_u16];
    let one = (code, text).prop_map(|(code, text)| format!("{code} {text}"));
    let features = "[A-Z]{3,4}|HASH MD5;SHA-1\\*|MFMT|XMD5|MLST a\\*;";
    let list = features.prop_map(|line| format!("211-x\n {line}\n211 x"));
    proptest::collection::vec(prop_oneof![3 => one, 1 => list], 1..6)
}

proptest! {
    #[test]
    fn every_exchange_ends_whatever_the_server_says(replies in replies()) {
        let path = Some(b"a b".as_slice());
        let counts = [
            turns(files::pwd(), &replies),
            turns(files::make_dir("a"), &replies),
            turns(files::modified("a"), &replies),
            turns(files::facts("a"), &replies),
            turns(files::space(path), &replies),
            turns(Rename::new("a", "b"), &replies),
            turns(Size::new("a"), &replies),
            turns(SetModified::new("a", DateTime::FIRST), &replies),
            turns(Hashing::new("a"), &replies),
            turns(Listing::entries(path), &replies),
            turns(Listing::names(path), &replies),
            turns(Removal::new("a"), &replies),
            turns(Ok(FeaturesOf), &replies),
            turns(Ok(Return), &replies),
        ];
        prop_assert!(counts.iter().all(|count| *count <= 3), "{:?}", counts);
    }
}
