use ftp_proto::Lenience;
use ftp_proto::wire::{Command, CommandErrorKind, CommandParser, CommandRef, Status, Verb};

use super::{assert_lines_are_clean, cuts, decode_telnet, feed};

/// What a command parser finds in a stream, in order.
#[derive(Debug, PartialEq)]
enum Found {
    /// A command, and the offset in the stream behind it.
    Command(Command, usize),
    Fault(CommandErrorKind),
}

/// Commands come out the same however the bytes are cut, the same as from a plain reading line by
/// line; no more than a line is ever held back; and every command that was read can be sent and
/// read again.
pub fn command(bytes: &[u8]) {
    let lenient = Lenience::default();
    for (limit, lenience) in [
        (512, &lenient),
        (512, &Lenience::STRICT),
        (6, &lenient),
        (6, &Lenience::STRICT),
    ] {
        let expected = read_plainly(bytes, limit, lenience);
        for cut in cuts(bytes) {
            let found = read(bytes, &cut, limit, lenience);
            assert_eq!(
                found, expected,
                "limit {limit}, {lenience:?}, cut as {cut:?}"
            );
        }
        for found in &expected {
            if let Found::Command(command, _) = found {
                assert_survives_the_wire(command);
                assert_is_shown_safely(command.borrow());
            }
        }
    }
}

fn read(bytes: &[u8], cut: &[usize], limit: usize, lenience: &Lenience) -> Vec<Found> {
    let mut parser = CommandParser::new(limit, lenience);
    let mut found = Vec::new();
    let mut held = Vec::new();
    let mut dropped = 0;
    feed(bytes, cut, |chunk| {
        held.extend_from_slice(chunk);
        loop {
            let length = match parser.parse(&held) {
                Ok(Status::Partial) => break,
                Ok(Status::Complete(command, length)) => {
                    found.push(Found::Command(command.to_command(), dropped + length));
                    length
                }
                Err(error) => {
                    assert!(error.length > 0, "an error that makes no way");
                    found.push(Found::Fault(error.kind));
                    error.length
                }
            };
            held.drain(..length);
            dropped += length;
        }
        let skipped = parser.skip_blank();
        held.drain(..skipped);
        dropped += skipped;
        assert!(held.len() <= limit + 1, "{} bytes held back", held.len());
    });
    found
}

/// The same from all bytes at once, line by line.
fn read_plainly(bytes: &[u8], limit: usize, lenience: &Lenience) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = 0;
    for end in 1..=bytes.len() {
        let line = &bytes[start..end];
        let content = if let Some(content) = line.strip_suffix(b"\r\n") {
            content
        } else if lenience.bare_lf && line.ends_with(b"\n") {
            &line[..line.len() - 1]
        } else if end == bytes.len() {
            // Unfinished; but it may be too long already. A CR may belong to the line's end.
            let too_long = match line.get(limit..) {
                Some([b'\r'] | [b'\n'] | []) | None => false,
                Some(_) => true,
            };
            found.extend(too_long.then_some(Found::Fault(CommandErrorKind::TooLong)));
            break;
        } else {
            continue;
        };
        start = end;
        if content.len() > limit {
            found.push(Found::Fault(CommandErrorKind::TooLong));
        } else if !content.is_empty() {
            found.push(match Command::from_line(content) {
                Ok(command) => Found::Command(command, end),
                Err(_) => Found::Fault(fault_of(content)),
            });
        }
    }
    found
}

fn fault_of(line: &[u8]) -> CommandErrorKind {
    if line.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
        CommandErrorKind::ControlCharacter
    } else {
        CommandErrorKind::NotAVerb
    }
}

fn assert_survives_the_wire(command: &Command) {
    let mut sent = Vec::new();
    command.encode(&mut sent);
    assert_lines_are_clean(&sent);
    let received = decode_telnet(&sent);
    let mut parser = CommandParser::new(usize::MAX, &Lenience::STRICT);
    let Ok(Status::Complete(again, length)) = parser.parse(&received) else {
        panic!("{command:?} cannot be read again");
    };
    assert_eq!(length, received.len());
    assert_eq!(&again.to_command(), command);
    assert_eq!(Verb::from_name(again.name()), command.verb());
}

fn assert_is_shown_safely(command: CommandRef<'_>) {
    for shown in [command.to_string(), format!("{command:?}")] {
        assert!(!shown.contains(super::is_dangerous), "{shown:?}");
        if command.verb().carries_secret() && command.argument().is_some() {
            let expected = format!("{} ****", command.verb());
            assert!(
                shown == expected || shown == format!("Command({expected})"),
                "{shown:?}"
            );
        }
        if command.secret().is_some() {
            assert!(shown.trim_end_matches(')').ends_with(" ****"), "{shown:?}");
        }
    }
}
