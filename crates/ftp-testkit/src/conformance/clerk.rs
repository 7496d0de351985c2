//! The application behind the suite's servers.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use ftp_adapter::{SessionError, SessionEvent, SessionInfo};
use ftp_proto::server::{AccountAttempt, AccountVerdict, Attempt, Request, Verdict};
use ftp_proto::wire::{Code, Reply, Verb};

use crate::liar::{ACCOUNT, PASSWORD, USER};

/// Knows one user, answers `PWD`, and remembers what happened.
#[derive(Debug, Default)]
pub struct Clerk {
    wants_account: bool,
    log: Mutex<Vec<String>>,
}

impl Clerk {
    pub(super) fn new(wants_account: bool) -> Self {
        Self {
            wants_account,
            log: Mutex::default(),
        }
    }

    /// What happened, in order.
    pub fn log(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    fn check(&self, attempt: Attempt) -> Verdict {
        let is_right = attempt.username().as_bytes() == USER.as_bytes()
            && attempt
                .password()
                .is_some_and(|password| password.expose() == PASSWORD.as_bytes());
        match attempt.account() {
            _ if !is_right => attempt.reject(),
            None if self.wants_account => attempt.need_account(),
            Some(account) if account.expose() != ACCOUNT.as_bytes() => attempt.reject(),
            _ => attempt.accept(),
        }
    }

    fn answer(request: &Request) -> Option<Reply> {
        match request.command().verb() {
            Verb::Pwd => Reply::new(Code::PATH_CREATED, "\"/\" is the current directory.").ok(),
            _ => None,
        }
    }

    fn check_account(attempt: AccountAttempt) -> AccountVerdict {
        if attempt.account().expose() == ACCOUNT.as_bytes() {
            attempt.accept()
        } else {
            attempt.reject()
        }
    }

    fn note(&self, event: &SessionEvent) {
        let line = match event {
            SessionEvent::Connected => "connected".to_owned(),
            SessionEvent::LoggedIn(_) => "logged in".to_owned(),
            SessionEvent::LoggedOut => "logged out".to_owned(),
            SessionEvent::TlsEstablished(_) => "TLS".to_owned(),
            SessionEvent::ClearCommandChannel => "clear again".to_owned(),
            SessionEvent::Closed(why) => format!("closed: {why}"),
            SessionEvent::Failed(SessionError::Io(_)) => "broken".to_owned(),
            SessionEvent::Failed(error) => format!("failed: {error}"),
            _ => return,
        };
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(line);
    }
}

impl ftp_futures::Handler for Clerk {
    async fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        self.check(attempt)
    }

    async fn command(&self, _: &SessionInfo, request: Request) -> Option<Reply> {
        Self::answer(&request)
    }

    async fn account(&self, _: &SessionInfo, attempt: AccountAttempt) -> AccountVerdict {
        Self::check_account(attempt)
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        self.note(event);
    }
}

impl ftp_blocking::Handler for Clerk {
    fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        self.check(attempt)
    }

    fn command(&self, _: &SessionInfo, request: Request) -> Option<Reply> {
        Self::answer(&request)
    }

    fn account(&self, _: &SessionInfo, attempt: AccountAttempt) -> AccountVerdict {
        Self::check_account(attempt)
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        self.note(event);
    }
}
