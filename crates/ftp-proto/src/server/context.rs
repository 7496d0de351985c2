//! The context of a server connection, beside the state of the login: what is agreed, what is
//! counted, and the output.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use core::net::IpAddr;
use core::time::Duration;

use super::session::Session;
use super::timers::{Timer, Timers, after};
use super::{
    ClosedWhy, Config, DataProtectionPolicy, Error, Event, PeerFault, Rights, Security, replies,
};
use crate::buffer::Buffer;
use crate::ticket::Tickets;
use crate::wire::{CommandRef, Reply};
use crate::{Dialogue, Instant, TlsSession, log};

/// Our side in the log.
pub(super) const SIDE: &str = "server";

/// How the connection ends.
#[derive(Debug)]
pub(super) struct Ending {
    why: ClosedWhy,
    /// The application got the event.
    announced: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) now: Instant,
    pub(super) tls: Option<Arc<TlsSession>>,
    /// `PBSZ` was accepted.
    pub(super) buffer_size_agreed: bool,
    /// `PROT P` is in force.
    pub(super) data_protected: bool,
    /// The name that `HOST` chose.
    pub(super) host: Option<String>,
    /// What is agreed about files, while somebody is logged in.
    pub(super) session: Option<Box<Session>>,
    /// Who is at the other end.
    pub(super) peer: Option<IpAddr>,
    /// Failed attempts on this connection. Nothing resets it.
    pub(super) failures: u32,
    /// Invalid commands. Only a TLS switch resets it.
    bad_commands: u32,
    /// For the questions to the application.
    pub(super) tickets: Tickets,
    pub(super) output: Buffer,
    pub(super) events: VecDeque<Event>,
    pub(super) timers: Timers,
    ending: Option<Ending>,
    /// Bytes follow the current command.
    pub(super) bytes_follow: bool,
    /// A TLS handshake is running on the transport: nothing can be sent.
    pub(super) handshaking: bool,
}

impl Context {
    pub(super) fn new(config: Arc<Config>, now: Instant) -> Self {
        Self {
            config,
            now,
            tls: None,
            buffer_size_agreed: false,
            data_protected: false,
            host: None,
            session: None,
            peer: None,
            failures: 0,
            bad_commands: 0,
            tickets: Tickets::new(),
            output: Buffer::new(),
            events: VecDeque::new(),
            timers: Timers::default(),
            ending: None,
            bytes_follow: false,
            handshaking: false,
        }
    }

    /// A data connection on which TLS was begun is not to be used.
    pub(super) fn drop_early_data(&mut self) {
        if let Some(session) = &mut self.session {
            session.early = None;
        }
    }

    pub(super) fn observe(&self, dialogue: Dialogue<'_>) {
        if let Some(observer) = &self.config.observer {
            observer.observe(self.now, dialogue);
        }
    }

    pub(super) fn observe_command(&self, command: CommandRef<'_>) {
        log::command(SIDE, command);
        self.observe(Dialogue::Command(command));
    }

    /// Queues a reply.
    pub(super) fn say(&mut self, reply: &Reply) {
        log::reply(SIDE, reply.borrow());
        self.observe(Dialogue::Reply(reply.borrow()));
        reply.put(|bytes| self.send(bytes));
    }

    /// Queues bytes. The write deadline starts with the first byte in the queue.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        if self.output.is_empty() {
            self.set_timer(Timer::Write, self.config.timeouts.write);
        }
        self.output.extend(bytes);
    }

    /// Frees unused memory.
    pub(super) fn shrink(&mut self) {
        self.output.shrink();
        self.events.shrink_to_fit();
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Answers an invalid command, and counts it.
    pub(super) fn say_bad(&mut self, reply: &Reply) {
        self.say(reply);
        self.bad_commands = self.bad_commands.saturating_add(1);
        if self.bad_commands >= self.config.max_bad_commands {
            self.end(
                &replies::TOO_MANY_BAD_COMMANDS,
                ClosedWhy::TooManyBadCommands,
            );
        }
    }

    /// After a TLS switch: commands injected before it must not count.
    pub(super) fn forget_bad_commands(&mut self) {
        self.bad_commands = 0;
    }

    /// Sends the last reply, then ends.
    pub(super) fn end(&mut self, reply: &Reply, why: ClosedWhy) {
        if self.is_over() {
            return;
        }
        if !self.handshaking {
            self.say(reply);
        }
        self.end_silently(why);
    }

    /// Ends after the queue has been written.
    pub(super) fn end_silently(&mut self, why: ClosedWhy) {
        if self.is_over() {
            return;
        }
        log::phase(SIDE, &why);
        self.ending = Some(Ending {
            why,
            announced: false,
        });
        self.timers.keep_write_only();
        self.events.retain(|event| {
            !matches!(
                event,
                Event::Authenticate(_)
                    | Event::Account(_)
                    | Event::Command(_)
                    | Event::Files(_)
                    | Event::Listen(_)
                    | Event::StartTls
                    | Event::StopTls
            )
        });
    }

    pub(super) fn fault(&mut self, reply: &Reply, fault: PeerFault) {
        self.end(reply, ClosedWhy::PeerFault(fault));
    }

    /// The peer does not read: nothing more is written.
    pub(super) fn give_up_writing(&mut self) {
        self.output.clear();
        self.timers.stop(Timer::Write);
        self.end_silently(ClosedWhy::WriteTimeout);
    }

    pub(super) fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    /// The last event; returned once.
    pub(super) fn announce_end(&mut self) -> Option<Event> {
        let ending = self.ending.as_mut().filter(|ending| !ending.announced)?;
        ending.announced = true;
        Some(Event::Closed(ending.why.clone()))
    }

    /// The error, if the connection ended with one. It stays.
    pub(super) fn error(&self) -> Option<Error> {
        match self.ending.as_ref()?.why {
            ClosedWhy::PeerFault(fault) => Some(Error::PeerFault(fault)),
            _ => None,
        }
    }

    /// Counts a failed attempt. Returns when its reply is due: after the delay, or, if the check
    /// took longer, at the next whole step after it.
    pub(super) fn count_failure(&mut self, attempted: Instant) -> Instant {
        let doublings = self.failures.min(31);
        self.failures = self.failures.saturating_add(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let delay = self.config.failure_delay.saturating_mul(factor);
        let due = attempted + delay.min(self.config.max_failure_delay);
        let late = (self.now - due).as_nanos();
        let step = self.config.failure_step.as_nanos().max(1);
        let steps = late.div_ceil(step).saturating_mul(step);
        due + Duration::from_nanos(u64::try_from(steps).unwrap_or(u64::MAX))
    }

    pub(super) fn has_too_many_failures(&self) -> bool {
        self.failures >= self.config.max_attempts
    }

    /// Whether `USER` is refused because TLS is not in force.
    pub(super) fn lacks_tls(&self) -> bool {
        self.tls.is_none()
            && matches!(
                self.config.security,
                Security::ExplicitTls | Security::ImplicitTls
            )
    }

    pub(super) fn offers_tls(&self) -> bool {
        self.config.security != Security::DangerousPlaintext
    }

    /// Whether commands that lead to a data connection are refused because `PROT P` is not in
    /// force.
    pub(super) fn lacks_data_protection(&self) -> bool {
        self.config.data_protection == DataProtectionPolicy::Required && !self.data_protected
    }

    pub(super) fn drop_protection(&mut self) {
        self.buffer_size_agreed = false;
        self.data_protected = false;
    }

    /// Starts the login timer.
    pub(super) fn start_login_timer(&mut self) {
        self.set_timer(Timer::Login, self.config.timeouts.login);
    }

    pub(super) fn set_timer(&mut self, timer: Timer, duration: Duration) {
        self.timers.set(timer, after(self.now, duration));
    }

    /// Asks the application, and starts the timer for its answer.
    pub(super) fn ask(&mut self, event: Event) {
        self.tell(event);
        self.wait_for_application();
    }

    /// Starts the application's timer, or starts it again.
    pub(super) fn wait_for_application(&mut self) {
        self.set_timer(Timer::Application, self.config.timeouts.application);
    }

    /// The application has answered.
    pub(super) fn application_answered(&mut self) {
        self.timers.stop(Timer::Application);
    }

    /// A line has come.
    pub(super) fn stop_waiting_for_command(&mut self) {
        self.timers.stop(Timer::FirstCommand);
        self.timers.stop(Timer::Idle);
    }

    /// Logs out. Another login may follow.
    pub(super) fn log_out(&mut self) {
        log::phase(SIDE, "logged out");
        self.timers.stop(Timer::Idle);
        self.start_login_timer();
        self.end_session();
        self.tell(Event::LoggedOut);
    }

    /// Somebody is logged in.
    pub(super) fn begin_session(&mut self, rights: Option<Rights>) {
        self.session = self.config.files.as_ref().map(|files| {
            let rights = rights.unwrap_or(files.rights);
            Box::new(Session::new(rights, files))
        });
    }

    /// Nobody listens any more.
    pub(super) fn close_listener(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.close_listener(self);
            self.session = Some(session);
        }
    }

    /// What was agreed about files is over; nobody listens any more.
    pub(super) fn end_session(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.close_listener(self);
        }
    }
}
