//! The application of a [`Server`](crate::Server): its answers and the events it gets.

use std::io;
use std::sync::Arc;

use ftp_adapter::{SessionData, SessionInfo, handler_defaults, handler_of_arc};
use ftp_proto::server::{AccountAttempt, AccountVerdict, Attempt, Request, Verdict};
use ftp_proto::wire::Reply;

/// The application of a [`Server`](crate::Server). One value serves all sessions.
///
/// Its data for one session is in [`SessionInfo::data`], of a type `S` that you choose: `impl
/// Handler<Visit> for App`. Each session begins with the type's default.
///
/// [`authenticate`](Self::authenticate), [`command`](Self::command) and [`account`](Self::account)
/// run in a second thread of the session, which exists only while it is needed. Meanwhile the
/// connection's own thread checks four times a second for deadlines, a client that left, and a
/// server that stops. A thread cannot be stopped: a method that never returns keeps both threads,
/// and the session still counts for [`max_sessions`](crate::Server::max_sessions). But its client
/// gets a 421 in time, and the connection is closed.
pub trait Handler<S: SessionData = ()>: Send + Sync + 'static {
    /// Decides about a login. If the client leaves, or its login deadline passes, the server still
    /// waits for the verdict, so that the attempt is counted, and then drops it. After half a
    /// minute the attempt counts as failed.
    ///
    /// If there is a [guard](crate::Server::guard), it decides before this is called, and may
    /// overrule the verdict: [`SessionEvent::Attempted`](crate::SessionEvent::Attempted) reports it.
    fn authenticate(&self, session: &SessionInfo<S>, attempt: Attempt) -> Verdict;

    /// A command after login. `None`: not implemented here (502). A reply that is not final, or is
    /// 421, is replaced by 451. One that comes later than
    /// [`Timeouts::application`](ftp_proto::server::Timeouts::application) is dropped: the client
    /// has got a 421.
    fn command(&self, session: &SessionInfo<S>, request: Request) -> Option<Reply>;

    /// `ACCT` after login, where [`takes_accounts`](ftp_proto::server::Config::takes_accounts) is
    /// on. The default rejects it. The [guard](crate::Server::guard) decides and counts as for a
    /// password: [`SessionEvent::AccountAttempted`](crate::SessionEvent::AccountAttempted) reports it.
    fn account(&self, session: &SessionInfo<S>, attempt: AccountAttempt) -> AccountVerdict {
        let _ = session;
        attempt.reject()
    }

    handler_defaults!();

    /// A connection could not be accepted, for example because there are too many open files or
    /// threads. The server continues after a short pause.
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

    handler_of_arc!();
}
