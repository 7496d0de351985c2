//! The application of a [`Server`](crate::Server): its answers and the events it gets.

use std::future::ready;
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
/// Its futures run at the same time as the connection, and the connection's deadlines still apply.
/// Run blocking work, such as slow password hashes, on other threads: with tokio's
/// `spawn_blocking`, or the crate `blocking`.
pub trait Handler<S: SessionData = ()>: Send + Sync + 'static {
    /// Decides about a login. The future runs to its end even if the client leaves, so that the
    /// attempt is counted; the verdict is dropped then. A future that does not end is dropped half
    /// a minute after the end of the connection, and the attempt counts as failed.
    /// [`Timeouts`](ftp_proto::server::Timeouts) bound the connection.
    ///
    /// If there is a [guard](crate::Server::guard), it decides before this is called, and may
    /// overrule the verdict: [`SessionEvent::Attempted`](crate::SessionEvent::Attempted) reports it.
    fn authenticate(
        &self,
        session: &SessionInfo<S>,
        attempt: Attempt,
    ) -> impl Future<Output = Verdict> + Send;

    /// A command after login. `None`: not implemented here (502). A reply that is not final, or is
    /// 421, is replaced by 451. The future is dropped if the client leaves, or if it takes longer
    /// than [`Timeouts::application`](ftp_proto::server::Timeouts::application), after which the
    /// client gets a 421.
    fn command(
        &self,
        session: &SessionInfo<S>,
        request: Request,
    ) -> impl Future<Output = Option<Reply>> + Send;

    /// `ACCT` after login, where [`takes_accounts`](ftp_proto::server::Config::takes_accounts) is
    /// on. The default rejects it. The [guard](crate::Server::guard) decides and counts as for a
    /// password: [`SessionEvent::AccountAttempted`](crate::SessionEvent::AccountAttempted) reports it.
    fn account(
        &self,
        session: &SessionInfo<S>,
        attempt: AccountAttempt,
    ) -> impl Future<Output = AccountVerdict> + Send {
        let _ = session;
        ready(attempt.reject())
    }

    handler_defaults!();

    /// A connection could not be accepted, for example because there are too many open files. The
    /// server continues after a short pause.
    fn accept_failed(&self, error: &io::Error) {
        let _ = error;
    }
}

impl<S: SessionData, H: Handler<S>> Handler<S> for Arc<H> {
    fn authenticate(
        &self,
        session: &SessionInfo<S>,
        attempt: Attempt,
    ) -> impl Future<Output = Verdict> + Send {
        (**self).authenticate(session, attempt)
    }

    fn command(
        &self,
        session: &SessionInfo<S>,
        request: Request,
    ) -> impl Future<Output = Option<Reply>> + Send {
        (**self).command(session, request)
    }

    fn account(
        &self,
        session: &SessionInfo<S>,
        attempt: AccountAttempt,
    ) -> impl Future<Output = AccountVerdict> + Send {
        (**self).account(session, attempt)
    }

    handler_of_arc!();
}
