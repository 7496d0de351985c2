//! `ftp-cli decode`: turns captured bytes of a control connection into JSON. `listing` does it for
//! directory listings.

pub(crate) mod listing;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ftp_proto::Limits;
use ftp_proto::wire::{
    CommandError, CommandErrorKind, CommandParser, CommandRef, ReplyParser, ReplyRef, Status,
    TelnetFilter,
};
use serde::Serialize;

use crate::cli::{DecodeArguments, Direction};
use crate::encoding::hexadecimal;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(crate) use listing::parse_now;

/// One line of output.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Record {
    Reply(ReplyRecord),
    Command(CommandRecord),
    Incomplete { incomplete: u64 },
    Fault { error: String, at: u64 },
}

/// A reply as `decode` and `login --json` show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ReplyRecord {
    code: u16,
    lines: Vec<String>,
    multiline: bool,
    irregular: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Vec<String>>,
}

impl ReplyRecord {
    pub(crate) fn of(reply: ReplyRef<'_>) -> Self {
        let lines: Vec<&[u8]> = reply.lines().collect();
        Self {
            code: reply.code().get(),
            multiline: reply.is_multiline(),
            irregular: reply.is_irregular(),
            raw: hexadecimal_unless_utf8(&lines),
            lines: lines.into_iter().map(lossy).collect(),
        }
    }

    pub(crate) fn code(&self) -> u16 {
        self.code
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct CommandRecord {
    verb: String,
    argument: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Vec<String>>,
}

impl CommandRecord {
    fn of(command: CommandRef<'_>) -> Self {
        let argument = command.argument();
        Self {
            verb: lossy(command.name()).to_ascii_uppercase(),
            argument: argument.map(lossy),
            raw: argument.and_then(|argument| hexadecimal_unless_utf8(&[argument])),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes of all lines, if one of them is not UTF-8.
fn hexadecimal_unless_utf8(lines: &[&[u8]]) -> Option<Vec<String>> {
    lines
        .iter()
        .any(|line| std::str::from_utf8(line).is_err())
        .then(|| lines.iter().map(|line| hexadecimal(line)).collect())
}

/// Runs the command.
///
/// # Errors
/// If the input cannot be read. A fault in the bytes is not an error here: it is printed.
pub(crate) fn run(arguments: &DecodeArguments, output: &Output) -> Result<Exit, Failure> {
    let exit = match &arguments.file {
        Some(path) if path != Path::new("-") => {
            let file = File::open(path).map_err(|error| {
                Failure::usage(format!("cannot open {}: {error}", path.display()))
            })?;
            decode(arguments, file, output)
        }
        _ => decode(arguments, io::stdin().lock(), output),
    }
    .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot read the input: {error}")))?;
    output.finish()?;
    Ok(exit)
}

fn decode(arguments: &DecodeArguments, input: impl Read, output: &Output) -> io::Result<Exit> {
    match Parser::of(arguments.direction) {
        Some(parser) => stream(parser, input, output),
        None => listing::stream(arguments.now, input, output),
    }
}

fn stream(parser: Parser, mut input: impl Read, output: &Output) -> io::Result<Exit> {
    let mut decoder = Decoder::new(parser);
    let mut exit = Exit::Success;
    let mut chunk = vec![0; 64 * 1024];
    let mut print = |record: Record| {
        if matches!(record, Record::Fault { .. }) {
            exit = Exit::PeerFault;
        }
        // Plain data: writing it as JSON cannot fail.
        output.line(&serde_json::to_string(&record).unwrap_or_default());
    };
    while !decoder.is_over && output.is_open() {
        match input.read(&mut chunk) {
            Ok(0) => decoder.end(&mut print),
            Ok(count) => decoder.push(&chunk[..count], &mut print),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(exit)
}

/// Splits a stream into messages, however its bytes arrive. Holds at most one message within the
/// limits and one piece of input.
struct Decoder {
    parser: Parser,
    telnet: TelnetFilter,
    /// The bytes not consumed yet, without Telnet sequences.
    bytes: Vec<u8>,
    offsets: Offsets,
    /// The stream has ended, or a fault made the rest unreadable.
    is_over: bool,
}

enum Parser {
    Replies(ReplyParser),
    Commands(CommandParser),
}

impl Parser {
    /// The decoder for a control connection; `None` for a listing.
    fn of(direction: Direction) -> Option<Self> {
        match direction {
            Direction::Replies => Some(Self::Replies(ReplyParser::default())),
            Direction::Commands => Some(Self::Commands(CommandParser::default())),
            Direction::Listing => None,
        }
    }
}

impl Decoder {
    fn new(parser: Parser) -> Self {
        Self {
            parser,
            telnet: TelnetFilter::new(),
            bytes: Vec::new(),
            offsets: Offsets::default(),
            is_over: false,
        }
    }

    fn push(&mut self, input: &[u8], print: &mut impl FnMut(Record)) {
        self.filter(input);
        // Consumed at the end: dropping each message from the front would cost quadratic time.
        let mut position = 0;
        while let Some(taken) = self.next(position, print) {
            position += taken;
        }
        let position = position + self.skip_blank();
        self.bytes.drain(..position.min(self.bytes.len()));
        self.offsets.consume(position as u64);
    }

    /// Removes Telnet sequences, and remembers where they were.
    fn filter(&mut self, input: &[u8]) {
        let mut rest = input;
        while !rest.is_empty() {
            // Bytes up to the next 0xFF are kept at once; the others go one by one.
            let run = match rest.iter().position(|byte| *byte == 0xff) {
                _ if self.telnet.is_inside_sequence() => 1,
                Some(0) => 1,
                Some(at) => at,
                None => rest.len(),
            };
            let (piece, after) = rest.split_at(run);
            let mut kept = 0;
            self.telnet.filter(
                piece,
                |data| {
                    self.bytes.extend_from_slice(data);
                    kept += data.len();
                },
                |_refusal| {},
            );
            self.offsets.push(piece.len() as u64, kept as u64);
            rest = after;
        }
    }

    /// Prints the message at `position`; returns how many bytes it took, `None` if there is none.
    fn next(&mut self, position: usize, print: &mut impl FnMut(Record)) -> Option<usize> {
        let bytes = self.bytes.get(position..).unwrap_or_default();
        let fault = match &mut self.parser {
            Parser::Replies(parser) => match parser.parse(bytes) {
                Ok(Status::Complete(reply, length)) => {
                    print(Record::Reply(ReplyRecord::of(reply)));
                    return Some(length);
                }
                Ok(Status::Partial) => return None,
                Err(error) => (error.to_string(), error.at),
            },
            Parser::Commands(parser) => match parser.parse(bytes) {
                Ok(Status::Complete(command, length)) => {
                    print(Record::Command(CommandRecord::of(command)));
                    return Some(length);
                }
                Ok(Status::Partial) => return None,
                Err(error) => (error.to_string(), offending_byte(&error, bytes)),
            },
        };
        let (error, at) = fault;
        let at = self.offsets.original((position + at) as u64);
        print(Record::Fault { error, at });
        self.is_over = true;
        None
    }

    fn skip_blank(&mut self) -> usize {
        match &mut self.parser {
            Parser::Replies(parser) => parser.skip_blank(),
            Parser::Commands(parser) => parser.skip_blank(),
        }
    }

    /// Handles the end of the stream.
    fn end(&mut self, print: &mut impl FnMut(Record)) {
        self.is_over = true;
        let mut rest = 0;
        if let Parser::Replies(parser) = &mut self.parser {
            // Nothing follows, so a line with another code was the end of the reply.
            if let Some((reply, length)) = parser.foreign_end(&self.bytes) {
                print(Record::Reply(ReplyRecord::of(reply)));
                rest = length as u64;
            }
        }
        let incomplete = self.offsets.total - self.offsets.original(rest);
        if incomplete > 0 {
            print(Record::Incomplete { incomplete });
        }
    }
}

/// The offset of the fault in a command line: the parser reports only the line's length.
fn offending_byte(error: &CommandError, bytes: &[u8]) -> usize {
    let line = bytes.get(..error.length).unwrap_or(bytes);
    // After the blank lines, which are valid.
    let start = line
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(0);
    let body = line.get(start..).unwrap_or_default();
    start
        + match error.kind {
            CommandErrorKind::TooLong => Limits::default().command_line,
            CommandErrorKind::ControlCharacter => body
                .iter()
                .position(|byte| matches!(byte, 0 | b'\r'))
                .unwrap_or(0),
            _ => body
                .iter()
                .position(|byte| !byte.is_ascii_alphanumeric())
                .unwrap_or(0),
        }
}

/// Turns offsets in the filtered bytes into offsets in the stream as it was captured.
#[derive(Debug, Default)]
struct Offsets {
    /// Bytes of the stream so far.
    total: u64,
    /// Filtered bytes so far.
    filtered: u64,
    /// Filtered bytes consumed so far.
    consumed: u64,
    /// From which filtered byte on the two offsets differ, and by how much. The front holds at
    /// `consumed`.
    shifts: VecDeque<(u64, u64)>,
}

impl Offsets {
    /// Records that the filter kept `kept` of `input` bytes.
    fn push(&mut self, input: u64, kept: u64) {
        if kept > 0 {
            // The last byte kept stands for the last byte read.
            let shift = (self.total + input).saturating_sub(self.filtered + kept);
            if self
                .shifts
                .back()
                .map(|(_, shift)| *shift)
                .unwrap_or_default()
                != shift
            {
                self.shifts.push_back((self.filtered, shift));
            }
        }
        self.total += input;
        self.filtered += kept;
    }

    /// Drops `count` filtered bytes from the front.
    fn consume(&mut self, count: u64) {
        self.consumed += count;
        while self
            .shifts
            .get(1)
            .is_some_and(|(from, _)| *from <= self.consumed)
        {
            self.shifts.pop_front();
        }
    }

    /// The offset in the stream of the filtered byte at `offset` after the consumed ones.
    fn original(&self, offset: u64) -> u64 {
        let at = self.consumed + offset;
        if at >= self.filtered {
            return self.total;
        }
        let in_force = self.shifts.iter().rev().find(|(from, _)| *from <= at);
        at + in_force.map(|(_, shift)| *shift).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(direction: Direction, chunks: &[&[u8]]) -> Vec<String> {
        let mut records = Vec::new();
        let mut decoder = Decoder::new(Parser::of(direction).unwrap());
        let mut print = |record: Record| records.push(serde_json::to_string(&record).unwrap());
        for chunk in chunks {
            if !decoder.is_over {
                decoder.push(chunk, &mut print);
            }
        }
        if !decoder.is_over {
            decoder.end(&mut print);
        }
        records
    }

    fn replies(bytes: &[u8]) -> Vec<String> {
        decode(Direction::Replies, &[bytes])
    }

    fn commands(bytes: &[u8]) -> Vec<String> {
        decode(Direction::Commands, &[bytes])
    }

    #[test]
    fn replies_have_the_documented_shape() {
        assert_eq!(
            replies(b"\r\n220-first\r\n second\r\n220 end\r\n331\r\n53"),
            [
                r#"{"code":220,"lines":["first"," second","end"],"multiline":true,"irregular":false}"#,
                r#"{"code":331,"lines":[""],"multiline":false,"irregular":false}"#,
                r#"{"incomplete":2}"#,
            ]
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_also_given_in_hexadecimal() {
        assert_eq!(
            replies(b"220-ok\r\n220 caf\xe9\r\n"),
            [concat!(
                r#"{"code":220,"lines":["ok","caf"#,
                "\u{fffd}",
                r#""],"multiline":true,"irregular":false,"raw":["6f6b","636166e9"]}"#
            )]
        );
    }

    #[test]
    fn a_foreign_end_counts_when_nothing_follows() {
        assert_eq!(
            replies(b"230-hello\r\n200 done\r\n"),
            [r#"{"code":230,"lines":["hello","200 done"],"multiline":true,"irregular":true}"#]
        );
    }

    #[test]
    fn protected_replies_are_shown_as_they_are() {
        assert_eq!(
            replies(b"631-MjIwLWZpcnN0\r\n631 MjIwIGxhc3Q=\r\n632 eA==\r\n633 eQ==\r\n700 x\r\n"),
            [
                r#"{"code":631,"lines":["MjIwLWZpcnN0","MjIwIGxhc3Q="],"multiline":true,"irregular":false}"#,
                r#"{"code":632,"lines":["eA=="],"multiline":false,"irregular":false}"#,
                r#"{"code":633,"lines":["eQ=="],"multiline":false,"irregular":false}"#,
                r#"{"error":"a reply must begin with a code from 100 to 699 and a space or hyphen","at":56}"#,
            ]
        );
    }

    #[test]
    fn commands_have_the_documented_shape() {
        assert_eq!(
            commands(b"user anna\r\nPASS  two spaces \r\nNOOP\nCWD \r\nQUI"),
            [
                r#"{"verb":"USER","argument":"anna"}"#,
                r#"{"verb":"PASS","argument":" two spaces "}"#,
                r#"{"verb":"NOOP","argument":null}"#,
                r#"{"verb":"CWD","argument":""}"#,
                r#"{"incomplete":3}"#,
            ]
        );
    }

    #[test]
    fn telnet_sequences_are_taken_out_and_offsets_are_those_of_the_capture() {
        assert_eq!(
            replies(b"220 \xff\xfb\x01a\xff\xff\r\n\xff\xf4\xff\xf2331 x\r\nbad")[2],
            r#"{"error":"a reply must begin with a code from 100 to 699 and a space or hyphen","at":23}"#
        );
        assert_eq!(
            replies(b"220 a\r\n\xff\xfb\x01331"),
            [
                r#"{"code":220,"lines":["a"],"multiline":false,"irregular":false}"#,
                r#"{"incomplete":3}"#
            ]
        );
    }

    #[test]
    fn a_fault_ends_the_output_at_the_offending_byte() {
        for (bytes, at) in [
            (&b"NOOP\r\nUSER a\0b\r\nNOOP\r\n"[..], 12),
            (b"\r\nUS-ER x\r\n", 4),
        ] {
            let records = commands(bytes);
            let last = records.last().unwrap();
            assert!(last.ends_with(&format!(r#","at":{at}}}"#)), "{last}");
        }
        assert!(
            replies(b"220 hi\r\n9")
                .last()
                .unwrap()
                .ends_with(r#","at":8}"#)
        );
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_output(
            bytes in proptest::collection::vec(
                prop_oneof![
                    Just(b"220 a\r\n".to_vec()), Just(b"230-x\r\n".to_vec()), Just(b"\r\n".to_vec()),
                    Just(b"\xff\xfb\x01".to_vec()), Just(b"\xff\xff".to_vec()), Just(b"230 \xe9\r\n".to_vec()),
                    Just(b"USER anna\r\n".to_vec()), Just(b"\0".to_vec()), Just(b"5".to_vec()),
                ],
                0..12,
            ).prop_map(|parts| parts.concat()),
            cuts in proptest::collection::vec(0_usize..64, 0..6),
            replies: bool,
        ) {
            let direction = if replies { Direction::Replies } else { Direction::Commands };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(decode(direction, &chunks), decode(direction, &[&bytes]));
        }
    }
}
