use ftp_proto::wire::{
    Code, Command, CommandParser, InvalidText, Reply, ReplyParser, Status, Verb,
};
use ftp_proto::{Account, Lenience, Limits, Password, Username};

use super::{assert_lines_are_clean, decode_telnet};

/// What can be built can be sent, and is read again as it was; what cannot be said safely cannot
/// be built. The first byte chooses the verb, the next two the code, the rest is text: all of it
/// as an argument, its lines as those of a reply.
pub fn roundtrip(data: &[u8]) {
    let [verb, high, low, text @ ..] = data else {
        return;
    };
    let verb = Verb::ALL[usize::from(*verb) % Verb::ALL.len()];
    let is_safe = !text.iter().any(|byte| b"\r\n\0".contains(byte));
    assert_eq!(Username::new(text).is_ok(), is_safe && !text.is_empty());
    assert_eq!(Password::new(text).is_ok(), is_safe);
    assert_eq!(Account::new(text).is_ok(), is_safe);

    let command = Command::with_argument(verb, text);
    assert_eq!(command.is_ok(), is_safe);
    for command in [Command::new(verb), command, Command::from_line(text)]
        .into_iter()
        .flatten()
    {
        assert_same_command(&command);
    }

    let number = 100 + u16::from_be_bytes([*high, *low]) % 500;
    let code = Code::new(number).expect("a code");
    assert_eq!(Reply::new(code, text).is_ok(), is_safe);
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    for reply in [
        Reply::new(code, text),
        Reply::multiline(code, &lines),
        listing(code, &lines),
    ]
    .into_iter()
    .flatten()
    {
        assert_same_reply(&reply);
    }
}

/// The first line, those between, the last.
fn listing(code: Code, lines: &[&[u8]]) -> Result<Reply, InvalidText> {
    match lines {
        [] => Reply::multiline(code, lines),
        [only] => Reply::new(code, only),
        [first, inner @ .., last] => Reply::listing(code, first, inner, last),
    }
}

fn assert_same_command(command: &Command) {
    let mut sent = Vec::new();
    command.encode(&mut sent);
    assert_lines_are_clean(&sent);
    let received = decode_telnet(&sent);
    let mut parser = CommandParser::new(usize::MAX, &Lenience::STRICT);
    match parser.parse(&received) {
        Ok(Status::Complete(again, length)) => {
            assert_eq!(length, received.len(), "one command");
            assert_eq!(&again.to_command(), command);
        }
        other => panic!("{command:?} is read as {other:?}"),
    }
}

fn assert_same_reply(reply: &Reply) {
    let mut sent = Vec::new();
    reply.encode(&mut sent);
    assert_lines_are_clean(&sent);
    let received = decode_telnet(&sent);
    let mut limits = Limits::default();
    (limits.reply_line, limits.reply_lines, limits.reply_bytes) =
        (usize::MAX, usize::MAX, usize::MAX);
    let mut parser = ReplyParser::new(&limits, &Lenience::STRICT);
    match parser.parse(&received) {
        Ok(Status::Complete(again, length)) => {
            assert_eq!(length, received.len(), "one reply");
            assert_eq!(again.code(), reply.code());
            assert!(again.lines().eq(reply.lines()), "{again:?} was {reply:?}");
        }
        other => panic!("{reply:?} is read as {other:?}"),
    }
}
