//! The application behind the suite's servers.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use ftp_adapter::{SessionError, SessionEvent, SessionInfo};
use ftp_proto::server::{AccountAttempt, AccountVerdict, Attempt, Request, Verdict};
use ftp_proto::wire::{Code, Reply, Verb};

use crate::misbehaving::{ACCOUNT, PASSWORD, USER};

use super::ServerSettings;

/// The password whose check never ends, if the settings say that it hangs.
pub(super) const HANGING_PASSWORD: &str = "let it take its time";

/// Knows one user, answers `PWD`, and remembers what happened.
#[derive(Debug, Default)]
pub struct TestHandler {
    wants_account: bool,
    hangs: bool,
    hanging: AtomicBool,
    log: Mutex<Vec<String>>,
}

impl TestHandler {
    pub(super) fn new(settings: &ServerSettings) -> Self {
        Self {
            wants_account: settings.wants_account,
            hangs: settings.hangs,
            ..Self::default()
        }
    }

    /// Whether something that never ends has begun.
    pub fn is_hanging(&self) -> bool {
        self.hanging.load(Ordering::SeqCst)
    }

    /// Whether what is asked is never to be answered.
    fn hangs_at(&self, question: bool) -> bool {
        let hangs = self.hangs && question;
        self.hanging.fetch_or(hangs, Ordering::SeqCst);
        hangs
    }

    fn hangs_at_check(&self, attempt: &Attempt) -> bool {
        let password = attempt.password();
        self.hangs_at(password.is_some_and(|given| given.expose() == HANGING_PASSWORD.as_bytes()))
    }

    fn hangs_at_command(&self, request: &Request) -> bool {
        self.hangs_at(request.command().verb() == Verb::Mlst)
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

impl ftp_futures::Handler for TestHandler {
    async fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        if self.hangs_at_check(&attempt) {
            return pending().await;
        }
        self.check(attempt)
    }

    async fn command(&self, _: &SessionInfo, request: Request) -> Option<Reply> {
        if self.hangs_at_command(&request) {
            return pending().await;
        }
        Self::answer(&request)
    }

    async fn account(&self, _: &SessionInfo, attempt: AccountAttempt) -> AccountVerdict {
        if self.hangs_at(true) {
            return pending().await;
        }
        Self::check_account(attempt)
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        self.note(event);
    }
}

impl ftp_blocking::Handler for TestHandler {
    fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        if self.hangs_at_check(&attempt) {
            hang();
        }
        self.check(attempt)
    }

    fn command(&self, _: &SessionInfo, request: Request) -> Option<Reply> {
        if self.hangs_at_command(&request) {
            hang();
        }
        Self::answer(&request)
    }

    fn account(&self, _: &SessionInfo, attempt: AccountAttempt) -> AccountVerdict {
        if self.hangs_at(true) {
            hang();
        }
        Self::check_account(attempt)
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        self.note(event);
    }
}

/// Until the process ends.
fn hang() -> ! {
    loop {
        thread::park();
    }
}
