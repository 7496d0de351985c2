//! What a reply to one of the transfer's commands leads to.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::mem::replace;
use core::net::SocketAddr;

use super::{Ahead, Data, Ended, Next, Step, Transferring};
use crate::TlsSession;
use crate::client::context::Context;
use crate::client::login::quit;
use crate::client::outstanding::{Awaited, Purpose};
use crate::client::state::State;
use crate::client::transfer::{TransferError, Transferred, is_about_resumption};
use crate::client::{Event, Protection};
use crate::data::{self, Direction, Open};
use crate::wire::{Class, Passive, Reply, ReplyRef, Verb, announced_length};

impl Transferring {
    /// A reply to one of the commands.
    pub(in crate::client) fn on_reply(
        mut self: Box<Self>,
        reply: ReplyRef<'_>,
        answered: Awaited,
        context: &mut Context,
    ) -> Next {
        let class = reply.code().class();
        if let Purpose::Ahead(_) = answered.purpose {
            return self.on_ahead(reply, answered, context);
        }
        if self.kept.take().is_some() {
            // That one was not the transfer's, since this one is.
            context.ahead = Ahead::Nothing;
        }
        if answered.purpose == Purpose::TransferNoop {
            self.on_noop_answered(reply.code());
            return Ok(self.on_settling(reply, answered, context));
        }
        if class == Class::Preliminary {
            context.still_open(answered);
            return Ok(match self.step {
                Step::Begin { .. } | Step::Final => {
                    self.on_begun(reply, context);
                    State::Transferring(self)
                }
                Step::Settle(_) => self.on_settling(reply, answered, context),
                _ => State::Transferring(self),
            });
        }
        match self.step {
            Step::Type => self.on_type(reply, context),
            Step::Passive(verb) => self.on_passive(verb, reply, context),
            Step::Active(verb) => self.on_active(verb, reply, context),
            Step::Restart => self.on_restart(reply, context),
            Step::Begin { .. } | Step::Final => Ok(match self.keeps(reply, context) {
                true => State::Transferring(self),
                false => self.on_final(reply.to_reply(), context),
            }),
            Step::Settle(_) => Ok(self.on_settling(reply, answered, context)),
            // Nothing is owed.
            Step::Listen { .. } | Step::Open(_) | Step::DataEnd { .. } => {
                State::Transferring(self).on_unsolicited(reply, context)
            }
        }
    }

    /// This reply ends the connection. If it is a 421 and the first to the transfer command, and nothing was moved,
    /// the transfer was refused as by any other.
    pub(in crate::client) fn on_last_reply(&self, reply: ReplyRef<'_>, context: &mut Context) {
        self.on_lost(context);
        let is_first = matches!(self.step, Step::Begin { .. } | Step::Final) && !self.has_begun;
        let is_broken = matches!(&self.data, Data::Ended(Ended { result: Err(_), .. }));
        if is_first && !is_broken && self.moved() == 0 && reply.code().is_negative() {
            let verb = self.transfer.command.verb();
            context.transfer_ends_with(TransferError::refusal(verb, reply.to_reply()));
        }
    }

    fn on_begun(&mut self, reply: ReplyRef<'_>, context: &mut Context) {
        // Of what we send the server does not know the length.
        if self.transfer.direction == Direction::Receive {
            let path = self.transfer.command.argument().unwrap_or_default();
            self.announced = self.announced.or_else(|| announced_length(reply, path));
        }
        self.has_begun = true;
        context.restart_left = false;
        self.started(Some(reply.to_reply()), context);
    }

    /// Tells it once.
    pub(super) fn started(&mut self, reply: Option<Reply>, context: &mut Context) {
        if let Step::Begin { .. } = self.step {
            self.step = Step::Final;
            context.tell(Event::Started {
                transfer: self.id,
                announced: self.announced,
                reply,
            });
        }
    }

    fn on_type(mut self: Box<Self>, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        if reply.code().class() == Class::Completion {
            context.data_type = Some(self.transfer.data_type);
        } else if !self.transfer.is_listing {
            return Ok(self.refused(Verb::Type, reply, context));
        }
        self.open(context);
        Ok(State::Transferring(self))
    }

    fn on_passive(
        mut self: Box<Self>,
        verb: Verb,
        reply: ReplyRef<'_>,
        context: &mut Context,
    ) -> Next {
        let is_consent = reply.code().class() == Class::Completion;
        match Passive::parse(reply).filter(|_| is_consent) {
            Some(passive) => self.open_passively(verb, passive, context),
            None if self.falls_back(verb, context) => {}
            None => return Ok(self.refused(verb, reply, context)),
        }
        Ok(State::Transferring(self))
    }

    /// The server listens there, by what it said to this command.
    pub(super) fn open_passively(&mut self, verb: Verb, passive: Passive, context: &mut Context) {
        let open = match passive {
            Passive::Port(port) => Open::ConnectToPeer { port },
            Passive::Address(address) => {
                self.passive_address = Some(address);
                match context.settings.lenience.passive_address {
                    true => Open::Connect(SocketAddr::V4(address)),
                    false => Open::ConnectToPeer {
                        port: address.port(),
                    },
                }
            }
        };
        self.issue(open, context);
        self.step = Step::Open(verb);
    }

    fn on_active(
        mut self: Box<Self>,
        verb: Verb,
        reply: ReplyRef<'_>,
        context: &mut Context,
    ) -> Next {
        if reply.code().class() != Class::Completion {
            return Ok(self.refused(verb, reply, context));
        }
        // The server connects when it has the command.
        self.issue(Open::Accept, context);
        self.begin(context);
        Ok(State::Transferring(self))
    }

    fn on_restart(mut self: Box<Self>, reply: ReplyRef<'_>, context: &mut Context) -> Next {
        let is_taken = !reply.code().is_negative();
        if self.transfer.offset > 0 {
            if !is_taken {
                return Ok(self.refused(Verb::Rest, reply, context));
            }
            context.restart_left = true;
        } else if is_taken {
            context.restart_left = false;
        }
        self.command(context);
        Ok(State::Transferring(self))
    }

    /// The server refused one of the commands.
    fn refused(self: Box<Self>, verb: Verb, reply: ReplyRef<'_>, context: &mut Context) -> State {
        let (bytes, reply) = (self.moved(), reply.to_reply());
        let error = match bytes {
            0 => TransferError::refusal(verb, reply),
            // The server sent before it was asked to.
            _ => TransferError::Failed {
                reply,
                bytes,
                tls: None,
            },
        };
        self.conclude(Err(error), context)
    }

    pub(super) fn on_final(mut self: Box<Self>, reply: Reply, context: &mut Context) -> State {
        let is_consent = reply.code().class() == Class::Completion;
        if is_consent || self.has_begun {
            context.restart_left = false;
        }
        let (waits, is_sent) = match &self.data {
            Data::None | Data::Ended(_) => (false, true),
            Data::Awaited { .. } => (is_consent, false),
            Data::Open { held, .. } => {
                // Only the data connection knows how far it came and what TLS there was.
                let has_more_to_say = self.has_begun
                    || held.moved() > 0
                    || (context.protection == Protection::Private
                        && is_about_resumption(reply.code()));
                (is_consent || has_more_to_say, held.is_sent())
            }
        };
        if is_consent {
            self.started(None, context);
        } else if waits {
            context.transfer_ends_with(TransferError::Failed {
                reply: reply.clone(),
                bytes: self.moved(),
                tls: None,
            });
        }
        self.step = Step::DataEnd {
            is_early: is_consent && self.transfer.direction == Direction::Send && !is_sent,
            reply,
            since: context.now,
        };
        match waits {
            true => State::Transferring(self),
            false => self.judge(context),
        }
    }

    /// How many bytes went over the data connection, as far as is known.
    pub(super) fn moved(&self) -> u64 {
        match &self.data {
            Data::Open { held, .. } => held.moved(),
            Data::Ended(ended) => ended.bytes,
            Data::None | Data::Awaited { .. } => 0,
        }
    }

    /// Both ends are known, or no more will be.
    pub(super) fn judge(mut self: Box<Self>, context: &mut Context) -> State {
        let moved = self.moved();
        let Step::DataEnd {
            reply, is_early, ..
        } = replace(&mut self.step, Step::Final)
        else {
            return State::Transferring(self);
        };
        let Ended {
            bytes,
            result,
            tls,
            is_touched,
            ..
        } = match replace(&mut self.data, Data::None) {
            Data::Ended(ended) => ended,
            _ => Ended {
                bytes: moved,
                result: Err(data::Error::Unfinished),
                tls: None,
                is_touched: true,
                at: context.now,
            },
        };
        let is_full = tls.as_ref().is_some_and(|tls| !tls.resumed);
        let is_owed = context.outstanding.transfer_noops() > 0 || self.noops.has_extra;
        let may_again = !is_touched && !self.is_again && !is_owed;
        if is_full && is_about_resumption(reply.code()) && may_again {
            // The handshake that was refused brought new sessions, and nothing else is lost.
            return self.again(reply, tls, context);
        }
        if let Some(tls) = &tls
            && reply.code().class() == Class::Completion
        {
            context.takes_sessions.resumed |= tls.resumed;
            context.takes_sessions.new |= !tls.resumed;
        }
        let result = match is_early {
            // What was sent after the consent is not what the server consented to.
            true => result.and(Err(data::Error::CutOff)),
            false => result,
        };
        let differs = self.transfer.differs(bytes, self.announced);
        let outcome = match (reply.code().class(), result, differs) {
            (Class::Completion, Ok(()), None) => Ok(Transferred {
                reply,
                bytes,
                announced: self.announced,
                tls,
                passive_address: self.passive_address,
            }),
            (Class::Completion, Ok(()), Some(expected)) => Err(TransferError::LengthDiffers {
                bytes,
                expected,
                reply,
            }),
            (Class::Completion, Err(error), _) => Err(TransferError::CutOff {
                bytes,
                error,
                reply: Some(reply),
            }),
            _ => {
                let tls = tls.map(|tls| Box::new(TlsSession::clone(&tls)));
                // Some servers shake hands, and judge the TLS session, before they say that they
                // begin.
                let is_about_tls = tls.is_some() && is_about_resumption(reply.code());
                Err(match self.has_begun || bytes > 0 || is_about_tls {
                    true => TransferError::Failed { reply, bytes, tls },
                    false => TransferError::refusal(self.transfer.command.verb(), reply),
                })
            }
        };
        self.conclude(outcome, context)
    }

    /// Once more, from the data connection on.
    fn again(
        mut self: Box<Self>,
        reply: Reply,
        tls: Option<Arc<TlsSession>>,
        context: &mut Context,
    ) -> State {
        // Some servers close the control connection, too.
        context.begin_transfer(self.id);
        context.transfer_ends_with(TransferError::Failed {
            reply,
            bytes: 0,
            tls: tls.map(|tls| Box::new(TlsSession::clone(&tls))),
        });
        self.is_again = true;
        self.has_begun = false;
        self.announced = None;
        self.open(context);
        State::Transferring(self)
    }

    /// The transfer is over.
    pub(super) fn conclude(
        self: Box<Self>,
        outcome: Result<Transferred, TransferError>,
        context: &mut Context,
    ) -> State {
        match context.outstanding.transfer_noops() > 0 || self.noops.has_extra {
            true => self.count(outcome, context),
            false => self.finish(outcome, context),
        }
    }

    /// The transfer is over, and the connection in step.
    pub(super) fn finish(
        self: Box<Self>,
        outcome: Result<Transferred, TransferError>,
        context: &mut Context,
    ) -> State {
        context.end_transfer(outcome);
        if self.quits {
            return quit(self.ready, context);
        }
        State::Ready(self.ready)
    }
}
