//! What an application tells a [`Server`](crate::Server), and what it is told.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ftp_proto::server::guard::RefusedWhy;
use ftp_proto::server::{
    AccountAttempt, AccountVerdict, Attempt, ClosedWhy, LoginSummary, Request, Verdict,
};
use ftp_proto::wire::Reply;
use ftp_proto::{TlsSession, Username};

use crate::{AttemptSummary, SessionError};

/// The application behind a [`Server`](crate::Server). One value serves all sessions.
///
/// Its futures run beside the connection, whose deadlines are kept all the while. Work that blocks
/// (password hashes are made to be slow) belongs on `tokio::task::spawn_blocking`.
pub trait Handler: Send + Sync + 'static {
    /// Someone wants to log in. The future runs to its end even if the client leaves meanwhile, so
    /// that leaving does not escape being counted; the verdict is dropped then.
    ///
    /// Where there is a [guard](crate::Server::guard), it has ruled before this is asked, and may
    /// overrule what is said here: [`SessionEvent::Attempted`] tells.
    fn authenticate(
        &self,
        attempt: Attempt,
        peer: SocketAddr,
    ) -> impl Future<Output = Verdict> + Send;

    /// A command after login. `None`: not implemented here (502). A reply that is not final, or is
    /// 421, is replaced by 451. The future is dropped if the client leaves.
    fn command(
        &self,
        session: &SessionInfo,
        request: Request,
    ) -> impl Future<Output = Option<Reply>> + Send;

    /// `ACCT` after login, where
    /// [`takes_accounts`](ftp_proto::server::Config::takes_accounts) is on. Rejects by default.
    fn account(
        &self,
        session: &SessionInfo,
        attempt: AccountAttempt,
    ) -> impl Future<Output = AccountVerdict> + Send {
        let _ = session;
        ready(attempt.reject())
    }

    /// Something to log happened in a session. Be quick: the session waits.
    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        let _ = (session, event);
    }

    /// A connection could not be accepted, for example because there are too many open files. The
    /// server pauses a little and goes on.
    fn accept_failed(&self, error: &io::Error) {
        let _ = error;
    }
}

/// Who is at the other end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionInfo {
    /// A number of its own, counted from 1 in each server.
    pub id: u64,
    /// The client's address.
    pub peer: SocketAddr,
    /// Who is logged in.
    pub username: Option<Username>,
    /// The TLS session in force.
    pub tls: Option<Arc<TlsSession>>,
    /// Whether data connections are to be protected (`PROT P` is in force).
    pub data_protected: bool,
}

/// What a session tells for the log.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The connection was accepted.
    Connected,
    /// The guard refused the connection, which is told 421. The reason is not for the client.
    Refused(RefusedWhy),
    /// There are as many sessions as there may be
    /// ([`max_sessions`](crate::Server::max_sessions)); the client is told 421.
    OverLimit,
    /// The connection was closed without a word, by the guard for this reason, or because there are
    /// as many sessions as there may be: as many clients as are told so at a time were being told.
    /// Its only event.
    Ignored(Option<RefusedWhy>),
    /// An attempt to log in was checked; its reply may be held back for a while yet.
    Attempted(AttemptSummary),
    /// TLS is in force.
    TlsEstablished(Arc<TlsSession>),
    /// TLS was closed (`CCC`).
    ClearCommandChannel,
    /// Someone logged in.
    LoggedIn(LoginSummary),
    /// The login is over, the connection goes on: `REIN`, `USER` again, or `AUTH`.
    LoggedOut,
    /// The handler's reply could not be sent as it was, and was replaced by 451.
    ReplyReplaced(Reply),
    /// The connection ended in due form. The last event.
    Closed(ClosedWhy),
    /// The connection broke. The last event.
    Failed(SessionError),
}

impl SessionInfo {
    pub(crate) fn new(id: u64, peer: SocketAddr) -> Self {
        Self {
            id,
            peer,
            username: None,
            tls: None,
            data_protected: false,
        }
    }
}

impl<H: Handler> Handler for Arc<H> {
    fn authenticate(
        &self,
        attempt: Attempt,
        peer: SocketAddr,
    ) -> impl Future<Output = Verdict> + Send {
        (**self).authenticate(attempt, peer)
    }

    fn command(
        &self,
        session: &SessionInfo,
        request: Request,
    ) -> impl Future<Output = Option<Reply>> + Send {
        (**self).command(session, request)
    }

    fn account(
        &self,
        session: &SessionInfo,
        attempt: AccountAttempt,
    ) -> impl Future<Output = AccountVerdict> + Send {
        (**self).account(session, attempt)
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        (**self).event(session, event);
    }

    fn accept_failed(&self, error: &io::Error) {
        (**self).accept_failed(error);
    }
}
