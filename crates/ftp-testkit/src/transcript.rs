//! Dialogues written down in files, and replayed against both machines.
//!
//! A transcript is text, one step a line:
//!
//! ```text
//! # a remark
//! S: 220 Ready.
//! C: USER developer
//! TLS
//! CLIENT ENDS
//! ```
//!
//! `S:` is a line of the server (a reply may take several), `C:` one of the client, `TLS` a
//! handshake at this point. `CLIENT ENDS` says that our client takes no part in what follows: it
//! does not guess on after a refusal, for example. The server is always replayed to the end.

use std::path::Path;

use ftp_proto::client::{self, Login};
use ftp_proto::wire::{Command, Reply, ReplyParser, Status, Verb};
use ftp_proto::{Account, Limits, Password, TlsSession, TlsVersion, Username};

use crate::lines::{Line, lines};

/// A dialogue.
#[derive(Debug, Clone)]
pub struct Transcript {
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A command line, without its end.
    Command(String),
    /// A whole reply, as on the wire.
    Reply(Reply),
    Tls,
    ClientEnds,
}

impl Transcript {
    /// Reads a transcript from a file.
    ///
    /// # Panics
    /// If it cannot be read, or is not a transcript.
    pub fn load(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match Self::parse(&text) {
            Ok(transcript) => transcript,
            Err(line) => panic!("{}:{line}: not a line of a transcript", path.display()),
        }
    }

    /// Reads a transcript.
    ///
    /// # Errors
    /// The number of the line that does not belong into one.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut steps = Vec::new();
        let mut reply = Vec::new();
        let mut parser = ReplyParser::new(&Limits::default(), &ftp_proto::Lenience::STRICT);
        for (number, line) in lines(text) {
            if let Line::Server(said) = line {
                reply.extend_from_slice(said.as_bytes());
                reply.extend_from_slice(b"\r\n");
                match parser.parse(&reply) {
                    Ok(Status::Partial) => continue,
                    Ok(Status::Complete(whole, _)) => steps.push(Step::Reply(whole.to_reply())),
                    Err(_) => return Err(number),
                }
                reply.clear();
                continue;
            }
            if !reply.is_empty() {
                return Err(number);
            }
            steps.push(match line {
                Line::Client(said) => Step::Command(said.to_owned()),
                Line::Word("TLS") => Step::Tls,
                Line::Word("CLIENT ENDS") => Step::ClientEnds,
                _ => return Err(number),
            });
        }
        if reply.is_empty() {
            Ok(Self { steps })
        } else {
            Err(text.lines().count())
        }
    }

    pub(crate) fn security(&self) -> client::Security {
        match self.steps.first() {
            Some(Step::Tls) => client::Security::ImplicitTls,
            _ if self.has_command("AUTH ") => client::Security::ExplicitTls,
            _ => client::Security::DangerousPlaintext,
        }
    }

    /// Whether the client says a line that begins like this.
    pub(crate) fn has_command(&self, start: &str) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Command(line) if line.starts_with(start)))
    }

    /// Whether the client sends several commands at a time.
    pub(crate) fn is_pipelined(&self) -> bool {
        let both = |pair: &[Step]| matches!(pair, [Step::Command(_), Step::Command(_)]);
        self.steps.windows(2).any(both)
    }

    /// What follows these words in the first line of the client that begins with them, from this
    /// step on.
    pub(crate) fn argument(&self, from: usize, start: &str) -> Option<&str> {
        self.steps[from..].iter().find_map(|step| match step {
            Step::Command(line) => line.strip_prefix(start),
            _ => None,
        })
    }

    /// The credentials that the client names first, from this step on.
    pub(crate) fn login(&self, from: usize) -> Login {
        let argument = |start: &str| self.argument(from, start);
        // Some dialogues end before the client names anyone.
        let name = argument("USER ").unwrap_or("nobody");
        let mut login = Login::user(Username::new(name).expect("a user name"));
        if let Some(password) = argument("PASS ") {
            login = login.password(Password::new(password).expect("a password"));
        }
        if let Some(account) = argument("ACCT ") {
            login = login.account(Account::new(account).expect("an account"));
        }
        login
    }

    /// The reply that answers the command at this step: the first behind it, unless commands before
    /// it are still unanswered.
    pub(crate) fn reply_to(&self, step: usize) -> Option<&Reply> {
        let before = &self.steps[..step];
        let commands = before
            .iter()
            .filter(|step| matches!(step, Step::Command(_)));
        let replies = before.iter().filter(|step| matches!(step, Step::Reply(_)));
        // The greeting answers no command.
        let unanswered = (commands.count() + 1).saturating_sub(replies.count());
        let mut behind = self.steps[step + 1..].iter().filter_map(|step| match step {
            Step::Reply(reply) => Some(reply),
            _ => None,
        });
        behind.nth(unanswered)
    }
}

pub(crate) fn command(line: &str) -> Command {
    Command::from_line(line).unwrap_or_else(|error| panic!("\"{line}\": {error}"))
}

pub(crate) fn is_quit(line: &str) -> bool {
    Verb::from_name(line.as_bytes()) == Verb::Quit
}

/// What the machines are told about a handshake that is only written down.
pub(crate) fn tls_session() -> TlsSession {
    TlsSession::new(TlsVersion::Tls13, "TLS13_AES_128_GCM_SHA256")
}
