//! The server's connection machine: the methods for the application. `machine.rs` has those for the
//! driver.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::context::Context;
use super::input::{Delayed, Input};
use super::login::greet;
use super::state::{State, Switched};
use super::timers::Timer;
use super::{
    AccountVerdict, ClosedWhy, Config, Misuse, Phase, RequestId, Security, Verdict, replies,
};
use crate::wire::{Class, Code, Reply};
use crate::{Instant, TlsSession, TlsSwitch};

/// The server's machine for one control connection, from greeting to close.
///
/// Drive it as [`Machine`](crate::Machine) says, and answer its events:
///
/// | event | answer |
/// |---|---|
/// | [`Event::StartTls`], [`Event::StopTls`] | [`Securable::tls_started`], [`Securable::tls_stopped`] |
/// | [`Event::Authenticate`] | [`decide`](Self::decide) |
/// | [`Event::Account`] | [`decide_account`](Self::decide_account) |
/// | [`Event::Command`] | [`reply`](Self::reply) or [`not_implemented`](Self::not_implemented) |
/// | [`Event::Files`], [`Event::Transfer`], [`Event::Commit`], [`Event::Listen`] | [`answer`](Self::answer) |
/// | [`Event::OpenData`] | [`data_opened`](Self::data_opened) or [`data_failed`](Self::data_failed) |
///
/// **One command at a time.** The next command is read when the previous one has been answered and
/// its reply written. Earlier bytes are kept, up to [`Limits::backlog`](crate::Limits::backlog).
/// `received` does not take more than that.
///
/// **Transfers.** During a transfer `ABOR`, `NOOP`, `STAT` and `QUIT` are read at once; other commands wait
/// for its end. The machine then asks to read, but it also needs the driver's reports about the data
/// connection: wait for both.
///
/// **An answer that does not come** in [`Timeouts::application`](super::Timeouts::application) ends
/// the connection with 421.
///
/// **The end.** The last reply is written, then [`Event::Closed`] reports why, then `poll` returns
/// [`Action::Closed`], or the error if the client broke the protocol. From the reply that announces
/// a TLS switch until the switch is done no other reply can be sent, and the connection ends
/// without one.
///
/// [`Action::Closed`]: crate::Action::Closed
/// [`Event::Account`]: super::Event::Account
/// [`Event::Authenticate`]: super::Event::Authenticate
/// [`Event::Closed`]: super::Event::Closed
/// [`Event::Commit`]: super::Event::Commit
/// [`Event::Files`]: super::Event::Files
/// [`Event::Listen`]: super::Event::Listen
/// [`Event::OpenData`]: super::Event::OpenData
/// [`Event::Transfer`]: super::Event::Transfer
/// [`Event::Command`]: super::Event::Command
/// [`Event::StartTls`]: super::Event::StartTls
/// [`Event::StopTls`]: super::Event::StopTls
/// [`Securable::tls_started`]: crate::Securable::tls_started
/// [`Securable::tls_stopped`]: crate::Securable::tls_stopped
#[derive(Debug)]
pub struct Connection {
    pub(super) context: Context,
    pub(super) state: State,
    pub(super) input: Input,
    pub(super) eof: bool,
    /// A command that waits for the end of a transfer.
    pub(super) delayed: Option<Delayed>,
    /// `poll` offered the output, and not all of it is reported as written.
    pub(super) offered: bool,
}

impl Connection {
    /// Starts at `now`, when the transport was accepted. It sends the greeting, under implicit TLS
    /// after the handshake.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        Self::start(config, now, None)
    }

    /// Starts with a 120 instead of the greeting, which [`ready`](Self::ready) sends later. A reply
    /// with another code is replaced by a default 120. Commands are not read before `ready`, and
    /// the timeouts of the first command and the login start with it.
    pub fn new_delayed(config: Arc<Config>, now: Instant, reply: Reply) -> Self {
        let reply = if reply.code() == Code::READY_SOON {
            reply
        } else {
            replies::DELAYED.clone()
        };
        Self::start(config, now, Some(reply))
    }

    /// Sends a 421 with this text and closes, for clients over a limit or blocked. Text that cannot
    /// be sent is replaced. Under implicit TLS it closes without a reply, to save the cost of a
    /// handshake.
    pub fn refused(config: Arc<Config>, now: Instant, text: &str) -> Self {
        let mut connection = Self::idle(config, now);
        connection.shutdown(now, text);
        connection
    }

    fn start(config: Arc<Config>, now: Instant, delay: Option<Reply>) -> Self {
        let mut connection = Self::idle(config, now);
        let context = &mut connection.context;
        if context.handshaking {
            context.set_timer(Timer::Handshake, context.config.timeouts.handshake);
            context.start_login_timer();
            let then = Switched::Greeting { delay };
            connection.state = State::Switching {
                switch: TlsSwitch::Start,
                announced: false,
                then,
            };
        } else if let Some(reply) = delay {
            context.say(&reply);
        } else {
            connection.state = greet(context);
        }
        connection
    }

    /// A connection without a greeting yet.
    fn idle(config: Arc<Config>, now: Instant) -> Self {
        let input = Input::new(&config);
        let handshaking = config.security == Security::ImplicitTls;
        let mut context = Context::new(config, now);
        context.handshaking = handshaking;
        Self {
            context,
            state: State::Delayed,
            input,
            eof: false,
            delayed: None,
            offered: false,
        }
    }

    /// Sends the greeting that [`new_delayed`](Self::new_delayed) delayed. No effect otherwise.
    pub fn ready(&mut self, now: Instant) {
        self.pass_time(now);
        self.transition(State::ready);
    }

    /// The phase of the connection.
    pub fn phase(&self) -> Phase {
        if self.context.is_over() {
            return Phase::Closing;
        }
        self.state.phase()
    }

    /// The TLS session in force.
    pub fn tls(&self) -> Option<&Arc<TlsSession>> {
        self.context.tls.as_ref()
    }

    /// Whether data connections must be protected: `PROT P` is in force.
    pub fn is_data_protected(&self) -> bool {
        self.context.data_protected
    }

    /// Answers an attempt.
    ///
    /// # Errors
    /// [`Misuse::Closed`] if the connection has ended; [`Misuse::NothingOpen`] if this attempt is
    /// not the open one. The verdict is dropped then.
    pub fn decide(&mut self, now: Instant, verdict: Verdict) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            State::Verifying { id, .. } if *id == verdict.id => {
                self.transition(|state, context| state.verdict(verdict, context));
                Ok(())
            }
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// Answers an account attempt.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn decide_account(&mut self, now: Instant, verdict: AccountVerdict) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            State::VerifyingAccount { id, .. } if *id == verdict.id => {
                self.transition(|state, context| state.account_verdict(verdict, context));
                Ok(())
            }
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// Sends a 1yz reply to a request, which stays open.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the open one,
    /// [`Misuse::WrongClass`] if the code is not 1yz.
    pub fn preliminary(
        &mut self,
        now: Instant,
        request: RequestId,
        reply: &Reply,
    ) -> Result<(), Misuse> {
        self.expect_request(now, request)?;
        if reply.code().class() != Class::Preliminary {
            return Err(Misuse::WrongClass);
        }
        self.context.say(reply);
        self.context.wait_for_application();
        Ok(())
    }

    /// Sends the final reply to a request.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the open one,
    /// [`Misuse::WrongClass`] if the code is 1yz or 6yz, [`Misuse::DedicatedMethod`] for 421, which
    /// is [`shutdown`](Self::shutdown)'s.
    pub fn reply(&mut self, now: Instant, request: RequestId, reply: &Reply) -> Result<(), Misuse> {
        self.expect_request(now, request)?;
        if matches!(reply.code().class(), Class::Preliminary | Class::Protected) {
            return Err(Misuse::WrongClass);
        }
        if reply.code() == Code::SERVICE_UNAVAILABLE {
            return Err(Misuse::DedicatedMethod);
        }
        self.context.say(reply);
        self.transition(State::answered);
        Ok(())
    }

    /// Answers a request with 502.
    ///
    /// # Errors
    /// [`Misuse::Closed`], [`Misuse::NothingOpen`] if this request is not the open one.
    pub fn not_implemented(&mut self, now: Instant, request: RequestId) -> Result<(), Misuse> {
        self.reply(now, request, &replies::NOT_IMPLEMENTED)
    }

    /// Sends a 421 with this text after the reply that is being written, then closes. Text that
    /// cannot be sent (with CR, LF or NUL) is replaced. Open requests are dropped.
    ///
    /// From the first byte of the reply that announces a TLS switch until the switch is done no
    /// other reply can be sent, and the connection closes without a 421.
    pub fn shutdown(&mut self, now: Instant, text: &str) {
        self.pass_time(now);
        let reply = Reply::new(Code::SERVICE_UNAVAILABLE, text)
            .unwrap_or_else(|_| replies::SHUTDOWN.clone());
        self.end(&reply, ClosedWhy::Shutdown);
        self.settle();
    }

    pub(super) fn expect_open(&mut self, now: Instant) -> Result<(), Misuse> {
        self.pass_time(now);
        if self.context.is_over() {
            Err(Misuse::Closed)
        } else {
            Ok(())
        }
    }

    fn expect_request(&mut self, now: Instant, request: RequestId) -> Result<(), Misuse> {
        self.expect_open(now)?;
        match &self.state {
            State::Busy { id, .. } if *id == request => Ok(()),
            _ => Err(Misuse::NothingOpen),
        }
    }

    /// Whether bytes have moved since this was asked last.
    pub(super) fn has_moved(&mut self) -> bool {
        match &mut self.state {
            State::Transferring(transfer) => transfer.has_moved(&mut self.context),
            _ => false,
        }
    }

    /// Makes a transition.
    pub(super) fn transition(&mut self, transition: impl FnOnce(State, &mut Context) -> State) {
        let state = core::mem::replace(&mut self.state, State::Closing);
        self.state = transition(state, &mut self.context);
        self.settle();
    }

    /// Drops what the current state does not need.
    pub(super) fn settle(&mut self) {
        if self.eof && self.state.is_open() {
            // The peer is gone, so the application is not asked.
            self.context.end_silently(ClosedWhy::PeerClosed);
        }
        if self.context.is_over() {
            if let State::Transferring(transfer) = &self.state {
                transfer.cut(&mut self.context);
            }
            self.context.end_session();
            self.state = State::Closing;
            self.input.clear();
        }
        let limits = &self.context.config.limits;
        self.input.set_line_limit(if self.state.is_logged_in() {
            limits.command_line
        } else {
            limits.command_line_before_login
        });
    }

    /// Sends the last reply, if one can be sent, and ends.
    pub(super) fn end(&mut self, reply: &Reply, why: ClosedWhy) {
        let can_speak = match self.state {
            State::Switching { switch, .. } => self.take_back_announcement(switch),
            _ => true,
        };
        if can_speak {
            self.context.end(reply, why);
        } else {
            self.context.end_silently(why);
        }
    }

    /// Removes the reply that announces this TLS switch from the output, if no byte of it can have
    /// been written. Otherwise no more replies are allowed: for the peer the switch has begun.
    fn take_back_announcement(&mut self, switch: TlsSwitch) -> bool {
        let reply = match switch {
            TlsSwitch::Start => &replies::START_TLS,
            // The TLS layer may have encrypted the offered bytes.
            TlsSwitch::Stop if self.offered => return false,
            TlsSwitch::Stop => &replies::CLEAR_COMMAND_CHANNEL,
        };
        let output = &mut self.context.output;
        let front = output
            .unread()
            .strip_suffix(reply.borrow().raw())
            .map(Vec::from);
        let Some(front) = front else {
            return false;
        };
        output.clear();
        output.extend(&front);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server has ten thousand of these. The test only checks sizes.
    #[test]
    fn a_connection_is_small() {
        assert!(
            size_of::<Connection>() <= 512,
            "{}",
            size_of::<Connection>()
        );
    }
}
