//! The application of a [`Server`](crate::Server): its answers and the events it gets.

use std::future::ready;
use std::io;
use std::sync::Arc;

use ftp_adapter::{SessionData, SessionEvent, SessionInfo, TransferStart};
use ftp_proto::server::{
    AccountAttempt, AccountVerdict, Attempt, FileAction, FileError, Request, Verdict,
};
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
    /// overrule the verdict: [`SessionEvent::Attempted`] reports it.
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
    /// password: [`SessionEvent::AccountAttempted`] reports it.
    fn account(
        &self,
        session: &SessionInfo<S>,
        attempt: AccountAttempt,
    ) -> impl Future<Output = AccountVerdict> + Send {
        let _ = session;
        ready(attempt.reject())
    }

    /// Whether an operation on files may be done: an error is what the client gets. It is asked after the
    /// user's [rights](ftp_proto::server::Rights), and before the files are. The default allows all. Be
    /// quick: the session waits.
    ///
    /// # Errors
    /// Why not: for example [`FileError::NotAllowed`].
    fn allow_operation(
        &self,
        session: &SessionInfo<S>,
        operation: &FileAction,
    ) -> Result<(), FileError> {
        let _ = (session, operation);
        Ok(())
    }

    /// The same for a transfer, before its file is opened: for example, the time of day, or
    /// [`FileError::Busy`] (450) if there are too many. A transfer that is allowed is reported with
    /// [`SessionEvent::TransferStarted`] at once.
    ///
    /// # Errors
    /// As there.
    fn allow_transfer(
        &self,
        session: &SessionInfo<S>,
        transfer: &TransferStart,
    ) -> Result<(), FileError> {
        let _ = (session, transfer);
        Ok(())
    }

    /// Gets an event of a session, for logs. [`SessionEvent`] explains the order of events. Be
    /// quick: the session waits.
    fn event(&self, session: &SessionInfo<S>, event: &SessionEvent) {
        let _ = (session, event);
    }

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

    fn allow_operation(
        &self,
        session: &SessionInfo<S>,
        operation: &FileAction,
    ) -> Result<(), FileError> {
        (**self).allow_operation(session, operation)
    }

    fn allow_transfer(
        &self,
        session: &SessionInfo<S>,
        transfer: &TransferStart,
    ) -> Result<(), FileError> {
        (**self).allow_transfer(session, transfer)
    }

    fn event(&self, session: &SessionInfo<S>, event: &SessionEvent) {
        (**self).event(session, event);
    }

    fn accept_failed(&self, error: &io::Error) {
        (**self).accept_failed(error);
    }
}
