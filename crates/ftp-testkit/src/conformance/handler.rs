//! The application behind the suite's servers.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
    sessions: Arc<AtomicUsize>,
    log: Mutex<Vec<String>>,
}

/// What is kept for one session, to hold the order of its events against what is documented.
#[derive(Debug, Default)]
pub struct Visit {
    begun: AtomicBool,
    ended: AtomicBool,
    /// Where it is counted while it lasts.
    counted: OnceLock<Arc<AtomicUsize>>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(sessions) = self.counted.get() {
            sessions.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Visit {
    fn count(&self, sessions: &Arc<AtomicUsize>) {
        if self.counted.set(Arc::clone(sessions)).is_ok() {
            sessions.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    fn is_in_order(&self, event: &SessionEvent) -> bool {
        let is_first = matches!(event, SessionEvent::Connected | SessionEvent::Ignored(_));
        let is_last = matches!(
            event,
            SessionEvent::Closed(_) | SessionEvent::Failed(_) | SessionEvent::Ignored(_)
        );
        let had_begun = self.begun.swap(true, Ordering::SeqCst);
        let had_ended = self.ended.fetch_or(is_last, Ordering::SeqCst);
        had_begun != is_first && !had_ended
    }
}

impl TestHandler {
    pub(super) fn new(settings: &ServerSettings) -> Self {
        Self {
            wants_account: settings.wants_account,
            hangs: settings.hangs,
            ..Self::default()
        }
    }

    /// How many sessions there are: what is kept for them has not been dropped.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
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

    fn check(&self, session: &SessionInfo<Visit>, attempt: Attempt) -> Verdict {
        let is_right = session.data.has_begun()
            && attempt.username().as_bytes() == USER.as_bytes()
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

    fn answer(session: &SessionInfo<Visit>, request: &Request) -> Option<Reply> {
        match request.command().verb() {
            Verb::Pwd if session.data.has_begun() => {
                Reply::new(Code::PATH_CREATED, "\"/\" is the current directory.").ok()
            }
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

    fn note(&self, session: &SessionInfo<Visit>, event: &SessionEvent) {
        session.data.count(&self.sessions);
        if !session.data.is_in_order(event) {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push(format!("out of order: {event:?}"));
        }
        let line = match event {
            SessionEvent::Connected => "connected".to_owned(),
            SessionEvent::LoggedIn(_) => "logged in".to_owned(),
            SessionEvent::LoggedOut => "logged out".to_owned(),
            SessionEvent::TlsEstablished(_) => "TLS".to_owned(),
            SessionEvent::ClearCommandChannel => "clear again".to_owned(),
            SessionEvent::Closed(why) => format!("closed: {why}"),
            SessionEvent::Transferred(summary) => {
                let verb = summary.action.verb();
                format!("transferred {verb}: {:?}", summary.outcome)
            }
            SessionEvent::Failed(SessionError::Io(_)) => "broken".to_owned(),
            SessionEvent::Failed(error) => format!("failed: {error}"),
            _ => return,
        };
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(line);
    }
}

impl ftp_futures::Handler<Visit> for TestHandler {
    async fn authenticate(&self, session: &SessionInfo<Visit>, attempt: Attempt) -> Verdict {
        if self.hangs_at_check(&attempt) {
            return pending().await;
        }
        self.check(session, attempt)
    }

    async fn command(&self, session: &SessionInfo<Visit>, request: Request) -> Option<Reply> {
        if self.hangs_at_command(&request) {
            return pending().await;
        }
        Self::answer(session, &request)
    }

    async fn account(&self, _: &SessionInfo<Visit>, attempt: AccountAttempt) -> AccountVerdict {
        if self.hangs_at(true) {
            return pending().await;
        }
        Self::check_account(attempt)
    }

    fn event(&self, session: &SessionInfo<Visit>, event: &SessionEvent) {
        self.note(session, event);
    }
}

impl ftp_blocking::Handler<Visit> for TestHandler {
    fn authenticate(&self, session: &SessionInfo<Visit>, attempt: Attempt) -> Verdict {
        if self.hangs_at_check(&attempt) {
            hang();
        }
        self.check(session, attempt)
    }

    fn command(&self, session: &SessionInfo<Visit>, request: Request) -> Option<Reply> {
        if self.hangs_at_command(&request) {
            hang();
        }
        Self::answer(session, &request)
    }

    fn account(&self, _: &SessionInfo<Visit>, attempt: AccountAttempt) -> AccountVerdict {
        if self.hangs_at(true) {
            hang();
        }
        Self::check_account(attempt)
    }

    fn event(&self, session: &SessionInfo<Visit>, event: &SessionEvent) {
        self.note(session, event);
    }
}

/// Until the process ends.
fn hang() -> ! {
    loop {
        thread::park();
    }
}
