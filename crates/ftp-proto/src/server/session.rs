//! What is agreed with a user about files, and who answers which command about them. Only with
//! [`Config::files`](super::Config::files).

use alloc::boxed::Box;

use super::context::Context;
use super::files::{FileAction, FileRequest};
use super::state::State;
use super::transferring::Transferring;
use super::{Event, FilesConfig, HashAlgorithm, Rights, VirtualPath, replies};
use crate::data::DataType;
use crate::listing::FactNames;
use crate::ticket::Ticket;
use crate::wire::{CommandRef, Reply, Verb};
use crate::{DateTime, Username};

/// From login to logout.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) rights: Rights,
    /// The current directory.
    pub(super) current: VirtualPath,
    pub(super) data_type: DataType,
    /// What `REST` said, for the next transfer.
    pub(super) restart: u64,
    /// What `RNFR` said, for the next command.
    pub(super) rename_from: Option<VirtualPath>,
    pub(super) opening: Opening,
    /// The data connection that stands already, and on which TLS may begin.
    pub(super) early: Option<Ticket>,
    /// After `EPSV ALL`.
    pub(super) only_epsv: bool,
    /// What `OPTS MLST` chose.
    pub(super) facts: FactNames,
    /// What `OPTS HASH` chose, if files are hashed.
    pub(super) hash: Option<HashAlgorithm>,
}

/// How the next data connection is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    None,
    /// The driver listens.
    Passive,
    /// To this port of the peer.
    Active(u16),
}

/// What follows a command.
pub(super) enum Next {
    /// It is no command about files.
    NotOurs,
    /// It was answered.
    Answered,
    /// The application was asked.
    Ask(Ticket, Then),
    /// The application was asked to open a file.
    Transfer(Transfer),
}

/// What to do with the application's answer.
#[derive(Debug)]
pub(super) enum Then {
    /// Say this.
    Say(&'static Reply),
    /// This is the current directory.
    Enter(VirtualPath),
    /// A file was removed.
    RemovedFile,
    /// A directory was removed.
    RemovedDirectory,
    /// This directory was made.
    Made(VirtualPath),
    /// The file has this time.
    TimeSet(VirtualPath, DateTime),
    /// Tell its size.
    Size,
    /// Tell its time.
    Modified,
    /// Tell its facts.
    Facts,
    /// It may be renamed.
    RenameFrom(VirtualPath),
    /// Tell its hash.
    Hash(VirtualPath, HashAlgorithm),
    /// Tell how much space there is.
    Space,
    /// Say where the driver listens, in the reply to this command.
    Listen(Verb),
}

/// A transfer that the application was asked to begin.
pub(super) struct Transfer {
    pub(super) id: Ticket,
    pub(super) verb: Verb,
    pub(super) data_type: DataType,
}

/// A command after login, if it is about files.
pub(super) fn command(
    username: Username,
    command: CommandRef<'_>,
    context: &mut Context,
) -> Result<State, Username> {
    let Some(mut session) = context.session.take() else {
        return Err(username);
    };
    let next = session.command(command, context);
    context.session = Some(session);
    Ok(match next {
        Next::NotOurs => return Err(username),
        Next::Answered => State::LoggedIn { username },
        Next::Ask(id, then) => State::Asking {
            id,
            username,
            then: Box::new(then),
        },
        Next::Transfer(transfer) => Transferring::start(username, transfer),
    })
}

impl Session {
    pub(super) fn new(rights: Rights, config: &FilesConfig) -> Self {
        Self {
            rights,
            current: VirtualPath::root(),
            data_type: DataType::Ascii,
            restart: 0,
            rename_from: None,
            opening: Opening::None,
            early: None,
            only_epsv: false,
            facts: config.facts,
            hash: config.hashes.first().copied(),
        }
    }

    fn command(&mut self, command: CommandRef<'_>, context: &mut Context) -> Next {
        // `RNTO` must follow `RNFR` at once (RFC 959 §4.1.3).
        let rename_from = self.rename_from.take();
        match command.verb() {
            Verb::Type => self.data_type(command, context),
            Verb::Stru => self.structure(command, context),
            Verb::Mode => self.mode(command, context),
            Verb::Rest => self.restart(command, context),
            Verb::Allo => context.say(&replies::NO_ALLOCATION_NEEDED),
            Verb::Opts => return self.options(command, context),
            Verb::Pasv => return self.pasv(context),
            Verb::Epsv => return self.epsv(command, context),
            Verb::Port => self.port(command, context),
            Verb::Eprt => self.eprt(command, context),
            Verb::Abor => {
                self.close_listener(context);
                context.say(&replies::NOTHING_TO_ABORT);
            }
            Verb::Pwd | Verb::Xpwd => self.print_directory(context),
            Verb::Cwd | Verb::Xcwd => return self.change_directory(command, context),
            Verb::Cdup | Verb::Xcup => return self.enter(self.current.resolve(b".."), context),
            Verb::Mkd | Verb::Xmkd => return self.make_directory(command, context),
            Verb::Rmd | Verb::Xrmd => return self.remove_directory(command, context),
            Verb::Dele => return self.remove(command, context),
            Verb::Rnfr => return self.rename_from(command, context),
            Verb::Rnto => return self.rename_to(rename_from, command, context),
            Verb::Size => return self.size(command, context),
            Verb::Mdtm => return self.modified(command, context),
            Verb::Mfmt => return self.set_modified(command, context),
            Verb::Mlst => return self.facts(command, context),
            Verb::Hash => return self.hash(command, context),
            Verb::Avbl => return self.space(command, context),
            Verb::Site => return self.site(command, context),
            Verb::Retr
            | Verb::Stor
            | Verb::Stou
            | Verb::Appe
            | Verb::List
            | Verb::Nlst
            | Verb::Mlsd => return self.transfer(command, context),
            _ => return Next::NotOurs,
        }
        Next::Answered
    }

    /// The path that a command names.
    pub(super) fn path(
        &self,
        command: CommandRef<'_>,
        context: &mut Context,
    ) -> Option<VirtualPath> {
        match command.argument().filter(|argument| !argument.is_empty()) {
            Some(argument) => self.resolve(argument, context),
            None => {
                context.say_bad(&replies::ARGUMENT_NEEDED);
                None
            }
        }
    }

    /// Against the current directory, up to the length of a command line: a client could go deeper and
    /// deeper otherwise.
    pub(super) fn resolve(&self, path: &[u8], context: &mut Context) -> Option<VirtualPath> {
        let resolved = self.current.resolve(path);
        if resolved.as_bytes().len() > context.config.limits.command_line {
            context.say(&replies::PATH_TOO_LONG);
            return None;
        }
        Some(resolved)
    }

    /// Whether the user may; if not, this is said.
    pub(super) fn may(is_allowed: bool, context: &mut Context) -> bool {
        if !is_allowed {
            context.say(&replies::NOT_ALLOWED);
        }
        is_allowed
    }
}

/// Asks the application.
pub(super) fn ask(action: FileAction, then: Then, context: &mut Context) -> Next {
    let id = context.tickets.issue();
    context.ask(Event::Files(FileRequest { id, action }));
    Next::Ask(id, then)
}
