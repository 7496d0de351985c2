//! Reading and writing commands, from outside.

use ftp_proto::Lenience;
use ftp_proto::wire::{
    Command, CommandErrorKind, CommandParser, Status, TextKind, TextProblem, Verb,
};
use ftp_testkit::laws;
use proptest::prelude::*;

/// Pieces that command streams are made of, and pieces that upset parsers.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(Verb::ALL)
        .prop_map(|verb| verb.name().unwrap_or_default().as_bytes().to_vec());
    let piece = prop_oneof![
        4 => known,
        4 => Just(b"\r\n".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        3 => Just(b" ".to_vec()),
        1 => Just(b"\0".to_vec()),
        1 => Just(b"\xff".to_vec()),
        2 => "[a-z]{0,9}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn commands_come_out_the_same_for_any_cut(bytes in stream()) {
        laws::command(&bytes);
    }

    #[test]
    fn a_command_that_can_be_built_is_read_as_it_was(
        verb in proptest::sample::select(Verb::ALL),
        argument in proptest::option::of(proptest::collection::vec(
            any::<u8>().prop_filter("cannot be sent", |b| ![0, b'\r', b'\n'].contains(b)), 0..40)),
    ) {
        let command = match &argument {
            None => Command::new(verb),
            Some(argument) => Command::with_argument(verb, argument),
        }.unwrap();
        let mut sent = Vec::new();
        command.encode(&mut sent);
        laws::command(&sent);
        prop_assert_eq!(command.argument(), argument.as_deref());
    }

    #[test]
    fn a_line_that_cannot_be_sent_cannot_be_built(line in "[A-Z]{3,4} [a-z]{0,5}[\0\r\n][a-z]{0,5}") {
        let problem = Command::from_line(&line).map_err(|error| error.problem);
        let refused = matches!(problem, Err(TextProblem::Control { .. }));
        prop_assert!(refused);
    }
}

fn parse_one(bytes: &[u8]) -> Result<Command, CommandErrorKind> {
    match CommandParser::default().parse(bytes) {
        Ok(Status::Complete(command, length)) => {
            assert_eq!(length, bytes.len());
            Ok(command.to_command())
        }
        Ok(Status::Partial) => panic!("unfinished"),
        Err(error) => Err(error.kind),
    }
}

#[test]
fn verbs_are_known_in_any_case_and_others_are_kept() {
    for verb in Verb::ALL {
        let name = verb.name().unwrap();
        assert_eq!(Verb::from_name(name.as_bytes()), *verb);
        assert_eq!(Verb::from_name(name.to_lowercase().as_bytes()), *verb);
    }
    let command = parse_one(b"XsHa256 notes\r\n").unwrap();
    assert_eq!(
        (command.verb(), command.name()),
        (Verb::Unknown, b"XsHa256".as_slice())
    );
    // The long s of Unicode upper-cases to S; only ASCII is folded.
    assert_eq!(
        parse_one("U\u{17f}ER anna\r\n".as_bytes()),
        Err(CommandErrorKind::NotAVerb)
    );
}

#[test]
fn only_the_letters_of_a_verb_in_any_case_are_that_verb() {
    for verb in Verb::ALL {
        let name = verb.name().unwrap().as_bytes();
        for at in 0..name.len() {
            for byte in 0..=255 {
                let mut other = name.to_vec();
                other[at] = byte;
                let known = Verb::ALL
                    .iter()
                    .find(|verb| verb.name().unwrap().as_bytes().eq_ignore_ascii_case(&other));
                assert_eq!(Verb::from_name(&other), *known.unwrap_or(&Verb::Unknown));
            }
        }
    }
    for byte in 0..=255 {
        assert_eq!(Verb::from_name(&[b'P', b'W', b'D', byte]), Verb::Unknown);
    }
}

#[test]
fn no_known_verb_hides_behind_a_nul() {
    assert_eq!(Verb::from_name(b"\0CWD"), Verb::Unknown);
    assert_eq!(Verb::from_name(b"CWD\0"), Verb::Unknown);
    assert_eq!(
        parse_one(b"\0CWD /\r\n"),
        Err(CommandErrorKind::ControlCharacter)
    );
    assert_eq!(
        parse_one(b"CWD\0 /\r\n"),
        Err(CommandErrorKind::ControlCharacter)
    );
}

#[test]
fn an_argument_is_the_rest_of_the_line_verbatim() {
    for (line, argument) in [
        (&b"PASS  two spaces \r\n"[..], Some(&b" two spaces "[..])),
        (b"PASS \r\n", Some(b"")),
        (b"PASS\r\n", None),
        (b"CWD \r\n", Some(b"")),
        (b"PWD\r\n", None),
        (b"PASS \tx\t\n", Some(b"\tx\t")),
        (b"PASS caf\xe9\xff\r\n", Some(b"caf\xe9\xff")),
    ] {
        assert_eq!(parse_one(line).unwrap().argument(), argument);
    }
}

#[test]
fn nul_and_carriage_return_inside_a_command_are_faults_of_their_own() {
    for line in [
        &b"USER a\0b\r\n"[..],
        b"USER a\rb\r\n",
        b"USER a\r\r\n",
        b"U\0ER a\r\n",
    ] {
        assert_eq!(parse_one(line), Err(CommandErrorKind::ControlCharacter));
    }
    for line in [
        &b" USER a\r\n"[..],
        b"USER\ta\r\n",
        b"\xff\xff\r\n",
        b"?\r\n",
    ] {
        assert_eq!(parse_one(line), Err(CommandErrorKind::NotAVerb));
    }
}

#[test]
fn empty_lines_are_ignored() {
    assert_eq!(parse_one(b"\r\n\n\r\nNOOP\r\n").unwrap().verb(), Verb::Noop);
    let mut parser = CommandParser::default();
    assert_eq!(parser.parse(b"\r\n\r\nNO"), Ok(Status::Partial));
    assert_eq!(parser.skip_blank(), 4);
    assert!(matches!(
        parser.parse(b"NOOP\r\n"),
        Ok(Status::Complete(_, 6))
    ));
}

#[test]
fn the_tail_of_an_over_long_line_is_never_a_command() {
    let mut parser = CommandParser::new(8, &Lenience::default());
    let too_long = CommandErrorKind::TooLong;
    assert_eq!(
        parser
            .parse(b"USER aaaaaaaa")
            .map_err(|error| (error.kind, error.length)),
        Err((too_long, 13)),
        "at once, not when the line ends"
    );
    for _ in 0..1000 {
        assert_eq!(parser.parse(b"DELE all"), Ok(Status::Partial));
        assert_eq!(parser.skip_blank(), 8, "nothing of it is kept");
    }
    let bytes = b"DELE all\r\nNOOP\r\n";
    let Ok(Status::Complete(command, length)) = parser.parse(bytes) else {
        panic!()
    };
    assert_eq!((command.verb(), length), (Verb::Noop, bytes.len()));
}

#[test]
fn an_over_long_line_ends_at_a_line_end_that_is_cut_in_two() {
    let mut parser = CommandParser::new(8, &Lenience::STRICT);
    assert_eq!(
        parser.parse(b"USER aaaaaaaa\r").unwrap_err().length,
        13,
        "the CR is kept"
    );
    let bytes = b"\r\nNOOP\r\n";
    let Ok(Status::Complete(command, _)) = parser.parse(bytes) else {
        panic!()
    };
    assert_eq!(command.verb(), Verb::Noop);
}

#[test]
fn the_limit_does_not_count_the_line_end() {
    for end in ["\r\n", "\n"] {
        let mut parser = CommandParser::new(8, &Lenience::default());
        assert!(matches!(
            parser.parse(format!("USER abc{end}").as_bytes()),
            Ok(Status::Complete(..))
        ));
        assert!(parser.parse(format!("USER abcd{end}").as_bytes()).is_err());
    }
}

#[test]
fn a_bare_line_feed_ends_a_command_only_by_policy() {
    assert_eq!(parse_one(b"NOOP\n").unwrap().verb(), Verb::Noop);
    let mut strict = CommandParser::new(100, &Lenience::STRICT);
    assert_eq!(
        strict.parse(b"USER a\nDELE b\r\n").unwrap_err().kind,
        CommandErrorKind::ControlCharacter
    );
}

#[test]
fn secrets_are_masked_wherever_a_command_is_shown() {
    for line in [
        "PASS sesame",
        "acct sesame",
        "ADAT sesame",
        "MIC sesame",
        "ENC sesame",
    ] {
        let command: Command = line.parse().unwrap();
        let shown = format!("{command} {command:?} {:?}", command.borrow());
        assert!(!shown.contains("sesame"), "{shown}");
        assert!(shown.contains("****"), "{shown}");
        assert_eq!(format!("{command:?}"), format!("Command({command})"));
    }
    assert_eq!(Command::try_from("PASS").unwrap().to_string(), "PASS");
}

#[test]
fn passwords_in_commands_of_servers_own_making_are_masked() {
    for (line, shown) in [
        ("SITE PSWD sesame sesame2", "SITE PSWD ****"),
        ("site pswd  sesame", "SITE pswd ****"),
        ("SITE CHPASS anna sesame", "SITE CHPASS ****"),
        ("SITE\tCHPASS anna sesame", ""),
        ("SITE  PASSWD\tsesame", "SITE  PASSWD ****"),
        ("SITE GPASS sesame", "SITE GPASS ****"),
        ("SITE GROUPPASS sesame", "SITE GROUPPASS ****"),
        ("SITE CPWD sesame", "SITE CPWD ****"),
        ("SITE ADDUSER anna sesame *@*", "SITE ADDUSER ****"),
        ("SITE GADDUSER staff anna sesame", "SITE GADDUSER ****"),
        ("SITE SET PASSWORD=sesame", "SITE SET PASSWORD= ****"),
        ("SITE PASSWORD$esame", "SITE PASSWORD ****"),
        ("SITE EXEC passwd anna sesame", "SITE EXEC passwd ****"),
        ("SITE HELP PSWD", "SITE HELP PSWD"),
        ("SITE CHMOD 644 notes", "SITE CHMOD 644 notes"),
        ("SITE", "SITE"),
        ("CHPWD sesame", "CHPWD ****"),
        ("PASSWD sesame", "PASSWD ****"),
        ("passphrase sesame", "passphrase ****"),
        ("LOGIN anna sesame", "LOGIN ****"),
        ("QUOTE PASS sesame", "QUOTE PASS ****"),
        ("PASSsesame", "PASS****"),
        ("acctsesame sesame", "acct**** sesame"),
        ("XYZZY plugh", "XYZZY plugh"),
        ("XPWD", "XPWD"),
        ("CWD passwords/sesame2", "CWD passwords/sesame2"),
    ] {
        if shown.is_empty() {
            assert!(Command::from_line(line).is_err(), "{line}");
            continue;
        }
        let command = Command::from_line(line).unwrap();
        assert_eq!(command.to_string(), shown);
        assert_eq!(format!("{command:?}"), format!("Command({shown})"));
        let borrowed = command.borrow();
        assert_eq!(borrowed.carries_secret(), shown.contains("****"), "{line}");
        if let Some(secret) = borrowed.secret() {
            assert!(command.argument().unwrap().ends_with(secret), "{line}");
        }
    }
}

#[test]
fn a_command_that_cannot_be_sent_says_which_part_and_why() {
    let argument = Command::with_argument(Verb::Cwd, "a\0b");
    for (command, kind, problem, text) in [
        (
            Command::from_line(""),
            TextKind::Command,
            TextProblem::Empty,
            "the command must not be empty",
        ),
        (
            Command::from_line(" PWD"),
            TextKind::Command,
            TextProblem::NotAVerb,
            "the command must begin with a command verb: letters and digits only",
        ),
        (
            Command::from_line("PWD\r\n"),
            TextKind::Command,
            TextProblem::Control { byte: b'\r', at: 3 },
            "the command holds a carriage return at byte 3",
        ),
        (
            Command::new(Verb::Unknown),
            TextKind::Command,
            TextProblem::NotAVerb,
            "the command must begin with a command verb: letters and digits only",
        ),
        (
            argument,
            TextKind::Argument,
            TextProblem::Control { byte: 0, at: 1 },
            "the command argument holds a NUL at byte 1",
        ),
    ] {
        let error = command.unwrap_err();
        assert_eq!((error.kind, error.problem), (kind, problem));
        assert_eq!(error.to_string(), text);
    }
}

/// Whatever was searched is overwritten with line ends, which the parser would find if it looked
/// there again.
#[test]
fn no_byte_is_searched_twice_however_the_bytes_arrive() {
    let line = [b"STOR ".as_slice(), &[b'x'; 500], b"\r\n"].concat();
    for limit in [usize::MAX, 100] {
        let mut parser = CommandParser::new(limit, &Lenience::default());
        let mut is_too_long = false;
        for end in 1..line.len() {
            let mut seen = vec![b'\n'; end];
            seen[end - 1] = line[end - 1];
            if is_too_long {
                // What is left of it is dropped as it comes.
                assert_eq!(parser.parse(&seen[end - 1..]), Ok(Status::Partial));
                parser.skip_blank();
                continue;
            }
            match parser.parse(&seen) {
                Ok(found) => assert_eq!(found, Status::Partial),
                Err(error) => {
                    assert_eq!((error.kind, error.length), (CommandErrorKind::TooLong, end));
                    is_too_long = true;
                }
            }
        }
        assert_eq!(is_too_long, limit == 100);
    }
}
