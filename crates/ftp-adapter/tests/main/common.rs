//! A server that is played from a table.

use ftp_adapter::files::{Exchange, Turn};
use ftp_adapter::{Error, PendingEvents};
use ftp_proto::client::{Config, Connection, Login};
use ftp_proto::wire::{Reply, ReplyParser, Status};
use ftp_proto::{Instant, Lenience, Limits};

/// A reply as it goes over the wire, without the last line's end.
pub(crate) fn reply(text: &str) -> Reply {
    let wire = format!("{}\r\n", text.replace('\n', "\r\n"));
    let mut parser = ReplyParser::new(&Limits::default(), &Lenience::default());
    match parser.parse(wire.as_bytes()).unwrap() {
        Status::Complete(reply, _) => reply.to_reply(),
        Status::Partial => panic!("unfinished: {text}"),
    }
}

pub(crate) struct Player {
    pub(crate) pending: PendingEvents,
    connection: Connection,
}

impl Player {
    pub(crate) fn new() -> Self {
        let login = Login::new("developer", "secret").unwrap();
        Self {
            pending: PendingEvents::default(),
            connection: Connection::new(Config::new(login), Instant::START),
        }
    }

    /// What the exchange does next.
    pub(crate) fn turn<E: Exchange>(
        &mut self,
        exchange: &mut E,
        answer: Option<Reply>,
    ) -> Result<Turn<E::Output>, Error> {
        self.pending.turn(exchange, &self.connection, answer)
    }

    /// Runs the exchange against commands and the replies to them. All must be used.
    pub(crate) fn play<E: Exchange>(
        &mut self,
        exchange: &mut E,
        table: &[(&str, &str)],
    ) -> Result<E::Output, Error> {
        let mut answer = None;
        let mut table = table.iter();
        loop {
            match self.turn(exchange, answer)? {
                Turn::Done(output) => {
                    assert_eq!(table.next(), None);
                    return Ok(output);
                }
                Turn::Send(command) => {
                    let mut sent = Vec::new();
                    command.encode(&mut sent);
                    let sent = String::from_utf8(sent).unwrap();
                    let (expected, text) = table.next().expect(&sent);
                    assert_eq!(sent.trim_end_matches("\r\n"), *expected);
                    answer = Some(reply(text));
                }
            }
        }
    }
}

/// Runs an exchange with a new connection.
pub(crate) fn play<E: Exchange>(
    exchange: Result<E, Error>,
    table: &[(&str, &str)],
) -> Result<E::Output, Error> {
    Player::new().play(&mut exchange?, table)
}

/// The error as a word: what the caller can tell from it.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.expect_err("it should fail") {
        Error::Refused(_) => "refused",
        Error::UnusableReply { .. } => "unusable",
        Error::NotSupported(_) => "not supported",
        Error::InvalidCommand(_) => "invalid",
        Error::UnsafeName => "unsafe name",
        Error::TooDeep => "too deep",
        Error::AtPath { error, .. } => kind::<()>(Err(*error)),
        other => panic!("{other}"),
    }
}
