//! Where data connections lead: `PASV`, `EPSV`, `PORT`, `EPRT` (RFC 959 §4.1.2, RFC 2428).

use alloc::format;
use core::net::{IpAddr, SocketAddr, SocketAddrV4};

use super::builtin_commands::trimmed;
use super::context::Context;
use super::files::ListenRequest;
use super::session::{Next, Opening, Session, Then};
use super::{Event, replies};
use crate::wire::{
    AddressFamily, Code, CommandRef, ExtendedPassive, HostPortError, Passive, Reply, Verb,
    parse_eprt, parse_epsv, parse_port,
};

/// The lowest port that an active data connection leads to (RFC 2577 §3).
const LOWEST_PORT: u16 = 1024;

impl Session {
    /// Nobody listens any more, and nothing is to be connected to.
    pub(super) fn close_listener(&mut self, context: &mut Context) {
        self.early = None;
        if core::mem::replace(&mut self.opening, Opening::None) == Opening::Passive {
            context.tell(Event::StopListening);
        }
    }

    pub(super) fn pasv(&mut self, context: &mut Context) -> Next {
        if self.refuses_all_but_epsv(context) {
            return Next::Answered;
        }
        if family_of_peer(context) == Some(AddressFamily::V6) {
            context.say(&replies::USE_EPSV);
            return Next::Answered;
        }
        self.listen(Verb::Pasv, Some(AddressFamily::V4), context)
    }

    pub(super) fn epsv(&mut self, command: CommandRef<'_>, context: &mut Context) -> Next {
        let family = match parse_epsv(command.argument()) {
            Ok(ExtendedPassive::All) => {
                self.only_epsv = true;
                context.say(&replies::ONLY_EPSV_FROM_NOW);
                return Next::Answered;
            }
            Ok(ExtendedPassive::SameFamily) => family_of_peer(context),
            Ok(ExtendedPassive::Family(family)) => {
                if family_of_peer(context).is_some_and(|of_peer| of_peer != family) {
                    say_families(context);
                    return Next::Answered;
                }
                Some(family)
            }
            Err(error) => {
                say_error(error, context);
                return Next::Answered;
            }
        };
        self.listen(Verb::Epsv, family, context)
    }

    fn listen(&mut self, verb: Verb, family: Option<AddressFamily>, context: &mut Context) -> Next {
        self.close_listener(context);
        let id = context.tickets.issue();
        context.ask(Event::Listen(ListenRequest { id, family }));
        Next::Ask(id, Then::Listen(verb))
    }

    /// The driver listens, and is reached there.
    pub(super) fn on_listening(&mut self, verb: Verb, address: SocketAddr, context: &mut Context) {
        let told = match (verb, address.ip().to_canonical()) {
            _ if address.port() == 0 => None,
            (Verb::Pasv, IpAddr::V4(ip)) => {
                Some(Passive::Address(SocketAddrV4::new(ip, address.port())))
            }
            (Verb::Pasv, IpAddr::V6(_)) => None,
            _ => Some(Passive::Port(address.port())),
        };
        self.opening = Opening::Passive;
        match told {
            Some(passive) => context.say(&passive.reply()),
            None => {
                self.close_listener(context);
                context.say(&replies::CANNOT_LISTEN);
            }
        }
    }

    pub(super) fn port(&mut self, command: CommandRef<'_>, context: &mut Context) {
        if let Some(peer) = self.active_peer(context) {
            let address = parse_port(trimmed(&command).unwrap_or_default());
            self.connect_to(peer, address.map(SocketAddr::V4), context);
        }
    }

    pub(super) fn eprt(&mut self, command: CommandRef<'_>, context: &mut Context) {
        if let Some(peer) = self.active_peer(context) {
            let address = parse_eprt(trimmed(&command).unwrap_or_default());
            if let Ok(address) = &address
                && AddressFamily::of(address.ip()) != AddressFamily::of(peer)
            {
                return say_families(context);
            }
            self.connect_to(peer, address, context);
        }
    }

    /// The only host that may be connected to; if there is none, this is said.
    fn active_peer(&self, context: &mut Context) -> Option<IpAddr> {
        let is_allowed = context
            .config
            .files
            .as_ref()
            .is_some_and(|files| files.active);
        if !is_allowed || context.peer.is_none() {
            context.say(&replies::NO_ACTIVE);
            return None;
        }
        if self.refuses_all_but_epsv(context) {
            return None;
        }
        context.peer
    }

    fn connect_to(
        &mut self,
        peer: IpAddr,
        address: Result<SocketAddr, HostPortError>,
        context: &mut Context,
    ) {
        match address {
            Err(error) => say_error(error, context),
            Ok(address)
                if address.ip().to_canonical() != peer.to_canonical()
                    || address.port() < LOWEST_PORT =>
            {
                context.say(&replies::FOREIGN_ADDRESS);
            }
            Ok(address) => {
                self.close_listener(context);
                self.opening = Opening::Active(address.port());
                context.say(&replies::OKAY);
            }
        }
    }

    fn refuses_all_but_epsv(&self, context: &mut Context) -> bool {
        if self.only_epsv {
            context.say(&replies::ONLY_EPSV);
        }
        self.only_epsv
    }
}

fn family_of_peer(context: &Context) -> Option<AddressFamily> {
    context.peer.map(AddressFamily::of)
}

fn say_error(error: HostPortError, context: &mut Context) {
    match error {
        HostPortError::UnsupportedFamily => say_families(context),
        HostPortError::Malformed => context.say_bad(&replies::MALFORMED_ADDRESS),
    }
}

/// 522 with the network protocols that can be used (RFC 2428 §2).
fn say_families(context: &mut Context) {
    let families = match family_of_peer(context) {
        Some(family) => format!("({})", family.number()),
        None => "(1,2)".into(),
    };
    let text = format!("Network protocol not supported, use {families}");
    match Reply::new(Code::NETWORK_PROTOCOL_UNSUPPORTED, text) {
        Ok(reply) => context.say(&reply),
        Err(_) => context.say(&replies::UNKNOWN_PARAMETER),
    }
}
