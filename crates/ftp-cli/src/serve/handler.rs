//! The application of the server: who may log in, the replies after login, and the log.
//!
//! What a client chose (names, commands) is logged escaped and in quotes, so that it cannot look
//! like another field or line.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use ftp_guard::Ruling;
use ftp_proto::server::{
    AccountAttempt, AccountVerdict, Attempt, Outcome, Request, Rights, Verdict,
};
use ftp_proto::wire::{Code, CommandRef, Reply, Verb};
use ftp_tokio::{AttemptSummary, Handler, SessionEvent, SessionInfo};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::{debug, error, info, warn};

use super::guard::{option_for, option_for_lockout};
use super::metrics::Metrics;
use super::transfer_log::TransferLog;
use super::transfers::{log_end, log_start};
use super::users::{CurrentUsers, Decision};
use crate::certificate::CertificateName;

/// Lets in the users. Where no files are served, it answers for one empty directory.
#[derive(Debug)]
pub(crate) struct LoginHandler {
    users: Arc<CurrentUsers>,
    /// What nobody's rights exceed.
    most: Rights,
    /// One for each processor. More checks at a time would not be faster, and each takes 19 MiB: a
    /// flood of guesses would take gigabytes.
    checks: Semaphore,
    metrics: Arc<Metrics>,
    transfers: Option<Arc<TransferLog>>,
}

impl LoginHandler {
    pub(crate) fn new(
        users: Arc<CurrentUsers>,
        most: Rights,
        metrics: Arc<Metrics>,
        transfers: Option<Arc<TransferLog>>,
    ) -> Self {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            users,
            most,
            checks: Semaphore::new(processors),
            metrics,
            transfers,
        }
    }
}

impl Handler for LoginHandler {
    async fn authenticate(&self, session: &SessionInfo, attempt: Attempt) -> Verdict {
        let users = self.users.get();
        let name = attempt.username().clone();
        let (password, account) = (attempt.password().cloned(), attempt.account().cloned());
        // It is never closed.
        let _check = self.checks.acquire().await;
        let address = session.peer.ip();
        let checked = spawn_blocking(move || {
            let decision = users.decide(&name, password.as_ref(), account.as_ref());
            let is_here = users.may_come_from(&name, address);
            (decision, is_here, users.rights(&name))
        });
        // The result is logged when the attempt is settled.
        match checked.await {
            Ok((Decision::Reject, ..)) => attempt.reject(),
            Ok((_, false, _)) => {
                let (connection, peer) = (session.id, session.peer);
                let user = attempt.username().to_string();
                warn!(connection, %peer, user, "the password is right, but not the client's address");
                attempt.reject()
            }
            Ok((Decision::Accept, _, rights)) => attempt.accept().rights(both(rights, self.most)),
            Ok((Decision::NeedAccount, ..)) => attempt.need_account(),
            // A panic, which was already shown.
            Err(_) => attempt.unavailable(),
        }
    }

    async fn command(&self, session: &SessionInfo, request: Request) -> Option<Reply> {
        let command = request.command();
        let reply = answer(command);
        let code = reply
            .as_ref()
            .map_or(Code::NOT_IMPLEMENTED, Reply::code)
            .get();
        let command = command.to_string();
        info!(connection = session.id, peer = %session.peer, command, code, "command");
        reply
    }

    async fn account(&self, _: &SessionInfo, attempt: AccountAttempt) -> AccountVerdict {
        let is_right = self
            .users
            .get()
            .is_account_of(attempt.username(), attempt.account());
        if is_right {
            attempt.accept()
        } else {
            attempt.reject()
        }
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        self.metrics.count(session, event);
        let (connection, peer) = (session.id, session.peer);
        match event {
            SessionEvent::Connected => info!(connection, %peer, "connected"),
            SessionEvent::TlsEstablished(tls) => {
                let certificate = CertificateName::of_peer(tls).map(|name| name.subject);
                info!(
                    connection, %peer, version = %tls.version, cipher_suite = tls.cipher_suite,
                    resumed = tls.resumed, server_name = tls.server_name.as_deref(), certificate,
                    "TLS established"
                );
            }
            SessionEvent::Refused(why) => {
                let option = option_for(*why);
                warn!(connection, %peer, ?why, option, "refused by the guard");
            }
            SessionEvent::OverLimit => {
                warn!(connection, %peer, option = "--max-sessions", "refused, the server is full");
            }
            SessionEvent::Ignored(why) => {
                warn!(connection, %peer, ?why, "refused, closed without a reply");
            }
            SessionEvent::Attempted(attempt) => log_attempt(session, attempt),
            SessionEvent::AccountAttempted(attempt) => log_account_attempt(session, attempt),
            SessionEvent::ClearCommandChannel => info!(connection, %peer, "TLS closed by CCC"),
            SessionEvent::LoggedIn(login) => {
                let (tls, failures) = (login.tls.is_some(), login.failures);
                let user = login.username.to_string();
                info!(connection, %peer, user, tls, failures, "logged in");
            }
            SessionEvent::LoggedOut => info!(connection, %peer, "logged out"),
            SessionEvent::TransferStarted(start) => log_start(session, start),
            SessionEvent::Transferred(transfer) => {
                log_end(session, transfer);
                if let Some(log) = &self.transfers {
                    log.write(session, transfer);
                }
            }
            SessionEvent::ReplyReplaced(reply) => {
                let reply = reply.to_string();
                error!(connection, %peer, reply, "a reply could not be sent as it was");
            }
            SessionEvent::Closed(why) => {
                let why = why.to_string();
                info!(connection, %peer, why, "closed");
            }
            SessionEvent::Failed(why) => {
                let why = why.to_string();
                if self.metrics.was_silent(peer) {
                    debug!(connection, %peer, why, "left without sending anything");
                } else {
                    warn!(connection, %peer, why, "broken");
                }
            }
            other => info!(connection, %peer, ?other, "event"),
        }
    }

    fn accept_failed(&self, error: &std::io::Error) {
        error!(%error, "cannot accept a connection");
    }
}

/// What both allow.
fn both(a: Rights, b: Rights) -> Rights {
    let mut rights = Rights::NONE;
    rights.read = a.read && b.read;
    rights.write = a.write && b.write;
    rights.append = a.append && b.append;
    rights.list = a.list && b.list;
    rights.make = a.make && b.make;
    rights.delete = a.delete && b.delete;
    rights.rename = a.rename && b.rename;
    rights.overwrite = a.overwrite && b.overwrite;
    rights
}

/// Logs the result of an attempt, and why. It shows why a right password was refused.
fn log_attempt(session: &SessionInfo, attempt: &AttemptSummary) {
    let (connection, peer, tls) = (session.id, session.peer, session.tls.is_some());
    let user = attempt.username.to_string();
    let failures = attempt.failures.saturating_add(1);
    match (attempt.ruling, attempt.checked) {
        (_, Outcome::Unavailable) => {
            error!(connection, %peer, user, "the check of a password failed");
        }
        (Some(Ruling::CheckAndReject), checked) => {
            let right = checked != Outcome::Failure;
            warn!(connection, %peer, user, right, "locked out, answered like a wrong password");
        }
        (_, Outcome::Failure) => warn!(connection, %peer, user, tls, failures, "login refused"),
        (_, Outcome::NeedsAccount) => info!(connection, %peer, user, tls, "account needed"),
        (_, Outcome::Success) if attempt.outcome != Outcome::Success => {
            let option = "--guard sessions-per-user=N";
            warn!(connection, %peer, user, option, "refused, the user has too many sessions");
        }
        // `LoggedIn` follows.
        (_, Outcome::Success) => {}
    }
    log_lockout(session, attempt);
}

/// Logs the result of `ACCT` after login.
fn log_account_attempt(session: &SessionInfo, attempt: &AttemptSummary) {
    let (connection, peer) = (session.id, session.peer);
    let user = attempt.username.to_string();
    let failures = attempt.failures.saturating_add(1);
    match (attempt.ruling, attempt.checked) {
        (_, Outcome::Unavailable) => {
            error!(connection, %peer, user, "the check of an account failed");
        }
        (Some(Ruling::CheckAndReject), checked) => {
            let right = checked != Outcome::Failure;
            warn!(connection, %peer, user, right, "locked out, answered like a wrong account");
        }
        (_, Outcome::Failure) => warn!(connection, %peer, user, failures, "account refused"),
        (_, Outcome::NeedsAccount | Outcome::Success) => {
            info!(connection, %peer, user, "account accepted");
        }
    }
    log_lockout(session, attempt);
}

fn log_lockout(session: &SessionInfo, attempt: &AttemptSummary) {
    let (connection, peer) = (session.id, session.peer);
    if let Some(scope) = attempt.locked_out {
        let user = attempt.username.to_string();
        let option = option_for_lockout(scope);
        warn!(
            connection, %peer, user, ?scope, option,
            "lockout begins: for now even the right password is refused"
        );
    }
}

/// The reply to a command after login; `None` if it is not implemented.
fn answer(command: CommandRef<'_>) -> Option<Reply> {
    let argument = command.argument().unwrap_or_default().trim_ascii();
    let (code, text) = match command.verb() {
        Verb::Pwd | Verb::Xpwd => (Code::PATH_CREATED, "\"/\" is the current directory."),
        Verb::Cwd | Verb::Xcwd if argument.is_empty() => (Code::BAD_ARGUMENT, "Which directory?"),
        Verb::Cwd | Verb::Xcwd if argument == b"/" => (Code::FILE_ACTION_OKAY, "Still in \"/\"."),
        Verb::Cwd | Verb::Xcwd => (Code::FILE_UNAVAILABLE, "There is only \"/\"."),
        Verb::Cdup | Verb::Xcup => (Code::FILE_ACTION_OKAY, "Still in \"/\"."),
        Verb::Type => of_choice(
            argument,
            |argument| matches!(argument, b"A" | b"A N" | b"I" | b"L 8"),
            "Type set.",
        ),
        Verb::Mode => of_choice(argument, |argument| argument == b"S", "Mode set."),
        Verb::Stru => of_choice(argument, |argument| argument == b"F", "Structure set."),
        Verb::Allo => (Code::SUPERFLUOUS, "No storage needs to be allocated."),
        Verb::Opts => (Code::BAD_ARGUMENT, "There is no such option."),
        _ => return None,
    };
    // The texts are constants without control characters.
    Reply::new(code, text).ok()
}

/// 200 if the argument is known, in any letter case; otherwise 504, or 501 if there is none.
fn of_choice(
    argument: &[u8],
    is_known: impl Fn(&[u8]) -> bool,
    done: &'static str,
) -> (Code, &'static str) {
    match argument.to_ascii_uppercase().as_slice() {
        [] => (Code::BAD_ARGUMENT, "An argument is needed."),
        upper if is_known(upper) => (Code::OKAY, done),
        _ => (
            Code::PARAMETER_NOT_IMPLEMENTED,
            "Not implemented for that argument.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftp_proto::wire::Command;

    #[test]
    fn commands_after_login_are_answered() {
        for (line, code) in [
            ("PWD", 257),
            ("XPWD", 257),
            ("CWD /", 250),
            ("CWD /pub", 550),
            ("CWD", 501),
            ("CDUP", 250),
            ("TYPE A", 200),
            ("TYPE a n", 200),
            ("TYPE I", 200),
            ("type l 8", 200),
            ("TYPE E", 504),
            ("TYPE", 501),
            ("MODE S", 200),
            ("MODE B", 504),
            ("STRU F", 200),
            ("STRU R", 504),
            ("ALLO 1024", 202),
            ("OPTS MLST size", 501),
        ] {
            let command = Command::from_line(line).unwrap();
            assert_eq!(
                answer(command.borrow()).unwrap().code().get(),
                code,
                "{line}"
            );
        }
        let list = Command::from_line("LIST").unwrap();
        assert_eq!(answer(list.borrow()), None);
    }
}
