//! The input that was not parsed yet: Telnet is removed, and commands are found.

use super::Config;
use crate::wire::foreign::{self, Signature};
use crate::wire::telnet_input::TelnetInput;
use crate::wire::{CommandErrorKind, CommandParser, CommandRef, ForeignProtocol, Status};

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Input {
    telnet: TelnetInput,
    parser: CommandParser,
    /// Only blank lines have come so far, so the first bytes may show another protocol.
    fresh: bool,
    /// A bare LF ends a line.
    bare_lf: bool,
}

/// What must wait for the end of a transfer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Delayed {
    /// A command at the front of the input, to be found again.
    Command,
    /// A line that is none, which was consumed.
    Bad(CommandErrorKind),
}

/// What is at the front of the input.
pub(super) enum Found<'b> {
    /// A command.
    Command {
        command: CommandRef<'b>,
        /// How many bytes to consume.
        length: usize,
        /// Something follows it, even a line end alone or a Telnet command.
        followed: bool,
    },
    /// An invalid line, and how many bytes of it to consume.
    Bad {
        kind: CommandErrorKind,
        length: usize,
    },
    /// Another protocol.
    Foreign(ForeignProtocol),
    /// No complete command. `length` bytes are not part of one, and must be consumed.
    Nothing { length: usize },
}

impl Input {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        let line = limits.command_line.max(limits.command_line_before_login);
        let capacity = limits.backlog.max(line.saturating_add(4));
        Self {
            // Telnet needs no limit of its own here: only commands extend deadlines.
            telnet: TelnetInput::new(capacity, usize::MAX),
            parser: CommandParser::new(limits.command_line_before_login, &config.lenience),
            fresh: true,
            bare_lf: config.lenience.bare_lf,
        }
    }

    /// Stops looking for other protocols.
    pub(super) fn expect_no_foreign_protocol(&mut self) {
        self.fresh = false;
    }

    pub(super) fn set_line_limit(&mut self, limit: usize) {
        self.parser.set_line_limit(limit);
    }

    /// Drops and wipes what was not parsed.
    pub(super) fn clear(&mut self) {
        self.telnet.reset();
    }

    /// Frees unused memory.
    pub(super) fn shrink(&mut self) {
        self.telnet.shrink();
    }

    pub(super) fn consume(&mut self, length: usize) {
        self.telnet.consume(length);
    }

    /// Whether `QUIT` is among what was not parsed yet.
    pub(super) fn has_quit(&self) -> bool {
        let mut lines = self.telnet.unread().split(|byte| *byte == b'\n');
        lines.any(|line| line.trim_ascii().eq_ignore_ascii_case(b"QUIT"))
    }

    /// Stores as many bytes as there is room for.
    pub(super) fn store(&mut self, offered: &[u8]) -> usize {
        self.telnet.store(offered)
    }

    /// Looks for the next command. Before it returns, refusals of Telnet options requested before
    /// the command's end go to `refuse`, so that their place among the replies does not depend on
    /// how the bytes arrived.
    pub(super) fn next_command(&mut self, refuse: impl FnMut(&[u8])) -> Found<'_> {
        let position = self.telnet.position();
        let more_follows = self.telnet.is_followed(self.telnet.unread().len());
        let (unread, refusals) = self.telnet.parts();
        let refuse_before = |length: usize| {
            refusals.send_before(position.saturating_add(length as u64), refuse);
        };
        let blank = blank_lines(unread, self.bare_lf);
        let start = unread
            .get(blank..)
            .filter(|_| self.fresh)
            .unwrap_or_default();
        // With one byte more than the limit a line is too long, whatever follows.
        let most = self.parser.line_limit().saturating_add(1);
        let start = start.get(..most).unwrap_or(start);
        if let Some((protocol, length)) = foreign_start(start) {
            refuse_before(blank.saturating_add(length));
            return Found::Foreign(protocol);
        }
        match self.parser.parse(unread) {
            Ok(Status::Complete(command, length)) => {
                refuse_before(length);
                self.fresh = false;
                Found::Command {
                    command,
                    length,
                    followed: length < unread.len() || more_follows,
                }
            }
            Err(error) => {
                refuse_before(self.parser.decided_by());
                self.fresh = false;
                Found::Bad {
                    kind: error.kind,
                    length: error.length,
                }
            }
            Ok(Status::Partial) => {
                refuse_before(usize::MAX);
                Found::Nothing {
                    length: self.parser.skip_blank(),
                }
            }
        }
    }
}

/// How many bytes at the front are complete blank lines. The result must be the same if some were
/// dropped before.
fn blank_lines(bytes: &[u8], bare_lf: bool) -> usize {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [b'\n', rest @ ..] if bare_lf => rest,
            _ => return bytes.len().saturating_sub(rest.len()),
        };
    }
}

/// The other protocol of the first bytes, and how many bytes decided it.
fn foreign_start(start: &[u8]) -> Option<(ForeignProtocol, usize)> {
    let Signature::Is(protocol) = foreign::of_client(start) else {
        return None;
    };
    let is_enough = |length: &usize| {
        let prefix = start.get(..*length).unwrap_or_default();
        matches!(foreign::of_client(prefix), Signature::Is(_))
    };
    Some((
        protocol,
        (1..start.len()).find(is_enough).unwrap_or(start.len()),
    ))
}
