//! The application of a [`Server`](crate::Server): its answers and the events it gets.

use std::io;
use std::sync::Arc;

use ftp_adapter::{SessionData, SessionEvent, SessionInfo};
use ftp_proto::server::{AccountAttempt, AccountVerdict, Attempt, Request, Verdict};
use ftp_proto::wire::Reply;

/// The application of a [`Server`](crate::Server). One value serves all sessions.
///
/// What it keeps for one session alone is in [`SessionInfo::data`], of a type `S` of its own: `impl
/// Handler<Visit> for App`. Each session begins with the type's default.
///
/// [`authenticate`](Self::authenticate), [`command`](Self::command) and [`account`](Self::account)
/// run in a second thread of the session, which is there while there is something to do. The
/// connection's own thread looks at deadlines, at a client that leaves and at a server that is to
/// stop every quarter of a second meanwhile. A thread cannot be told to stop: a method that never
/// returns keeps both threads, and the session still counts as one of
/// [`max_sessions`](crate::Server::max_sessions), but its client is told 421 in time, and the
/// connection is closed.
pub trait Handler<S: SessionData = ()>: Send + Sync + 'static {
    /// Someone wants to log in. If the client leaves meanwhile, or its login deadline passes, the
    /// verdict is still waited for, so that leaving does not escape being counted, and then dropped.
    /// After half a minute the attempt counts as failed.
    ///
    /// Where there is a [guard](crate::Server::guard), it has ruled before this is asked, and may
    /// overrule what is said here: [`SessionEvent::Attempted`] tells.
    fn authenticate(&self, session: &SessionInfo<S>, attempt: Attempt) -> Verdict;

    /// A command after login. `None`: not implemented here (502). A reply that is not final, or is
    /// 421, is replaced by 451. One that comes later than
    /// [`Timeouts::application`](ftp_proto::server::Timeouts::application) is dropped: the client
    /// was told 421 then.
    fn command(&self, session: &SessionInfo<S>, request: Request) -> Option<Reply>;

    /// `ACCT` after login, where
    /// [`takes_accounts`](ftp_proto::server::Config::takes_accounts) is on. Rejects by default.
    /// The [guard](crate::Server::guard) rules and counts as it does for a password:
    /// [`SessionEvent::AccountAttempted`] tells.
    fn account(&self, session: &SessionInfo<S>, attempt: AccountAttempt) -> AccountVerdict {
        let _ = session;
        attempt.reject()
    }

    /// Something to log happened in a session: [`SessionEvent`] says which events pair up. Be
    /// quick: the session waits.
    fn event(&self, session: &SessionInfo<S>, event: &SessionEvent) {
        let _ = (session, event);
    }

    /// A connection could not be accepted, for example because there are too many open files or
    /// threads. The server pauses a little and goes on.
    fn accept_failed(&self, error: &io::Error) {
        let _ = error;
    }
}

impl<S: SessionData, H: Handler<S>> Handler<S> for Arc<H> {
    fn authenticate(&self, session: &SessionInfo<S>, attempt: Attempt) -> Verdict {
        (**self).authenticate(session, attempt)
    }

    fn command(&self, session: &SessionInfo<S>, request: Request) -> Option<Reply> {
        (**self).command(session, request)
    }

    fn account(&self, session: &SessionInfo<S>, attempt: AccountAttempt) -> AccountVerdict {
        (**self).account(session, attempt)
    }

    fn event(&self, session: &SessionInfo<S>, event: &SessionEvent) {
        (**self).event(session, event);
    }

    fn accept_failed(&self, error: &io::Error) {
        (**self).accept_failed(error);
    }
}
