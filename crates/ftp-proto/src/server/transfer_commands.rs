//! Commands that need a data connection: what is checked before the application is asked.

use alloc::vec::Vec;

use super::context::Context;
use super::files::{ListKind, StoreMode, TransferAction, TransferRequest};
use super::session::{Next, Opening, Session, Transfer};
use super::{Event, VirtualPath, replies};
use crate::data::DataType;
use crate::wire::{CommandRef, Verb};

impl Session {
    /// `RETR`, `STOR`, `APPE`, `STOU`, `LIST`, `NLST`, `MLSD`.
    pub(super) fn transfer(&mut self, command: CommandRef<'_>, context: &mut Context) -> Next {
        let verb = command.verb();
        // Used up, whatever comes of it: it must not serve a later transfer.
        let offset = core::mem::take(&mut self.restart);
        let is_restart = offset > 0 && matches!(verb, Verb::Retr | Verb::Stor);
        let rights = &self.rights;
        let is_allowed = match verb {
            Verb::Retr => rights.read,
            Verb::Stor => rights.write && (rights.overwrite || !is_restart),
            Verb::Stou => rights.write,
            Verb::Appe => rights.append,
            _ => rights.list,
        };
        if !Self::may(is_allowed, context) {
            return Next::Answered;
        }
        let is_listing = matches!(verb, Verb::List | Verb::Nlst | Verb::Mlsd);
        let Some(path) = self.path_of_transfer(command, context) else {
            return Next::Answered;
        };
        let refusal = if context.lacks_data_protection() {
            Some(&replies::TRANSFER_UNPROTECTED)
        } else if self.opening == Opening::None {
            Some(&replies::PASSIVE_FIRST)
        } else if is_restart && self.data_type == DataType::Ascii {
            Some(&replies::RESTART_NEEDS_IMAGE)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            context.say(refusal);
            return Next::Answered;
        }
        let id = context.tickets.issue();
        let action = self.action(command, path, offset);
        // Listings are text, whatever `TYPE` says.
        let data_type = match is_listing {
            true => DataType::Ascii,
            false => self.data_type,
        };
        context.ask(Event::Transfer(TransferRequest {
            id,
            action,
            data_type,
        }));
        Next::Transfer(Transfer {
            id,
            verb,
            data_type,
        })
    }

    fn path_of_transfer(
        &self,
        command: CommandRef<'_>,
        context: &mut Context,
    ) -> Option<VirtualPath> {
        let argument = command.argument().unwrap_or_default();
        match command.verb() {
            Verb::List | Verb::Nlst => self.resolve(without_options(argument), context),
            Verb::Mlsd | Verb::Stou => self.resolve(argument, context),
            _ => self.path(command, context),
        }
    }

    fn action(&self, command: CommandRef<'_>, path: VirtualPath, offset: u64) -> TransferAction {
        let verb = command.verb();
        let mode = match verb {
            Verb::Retr => return TransferAction::Retrieve { path, offset },
            Verb::Stor if offset > 0 => StoreMode::At(offset),
            Verb::Stor if self.rights.overwrite => StoreMode::Replace,
            Verb::Stor => StoreMode::New,
            Verb::Appe => StoreMode::Append,
            Verb::Stou => StoreMode::Unique,
            _ => {
                let kind = match verb {
                    Verb::Nlst => ListKind::Names,
                    Verb::Mlsd => ListKind::Facts(self.facts),
                    _ => ListKind::Long,
                };
                let written = match kind {
                    ListKind::Names => {
                        without_options(command.argument().unwrap_or_default()).to_vec()
                    }
                    _ => Vec::new(),
                };
                return TransferAction::List {
                    path,
                    kind,
                    written,
                };
            }
        };
        TransferAction::Store { path, mode }
    }
}

/// Drops the options of `ls` that many clients send: words at the front that begin with `-`.
fn without_options(argument: &[u8]) -> &[u8] {
    let mut rest = argument;
    while rest.first() == Some(&b'-') {
        let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
    }
    rest
}
