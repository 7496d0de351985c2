//! Transfers in the log on standard error.

use ftp_proto::data;
use ftp_proto::server::{TransferAction, TransferError};
use ftp_tokio::{SessionInfo, TransferStart, TransferSummary};
use tracing::{info, warn};

/// Logs the start of a transfer.
pub(super) fn log_start(session: &SessionInfo, start: &TransferStart) {
    let (connection, peer) = (session.id, session.peer);
    let user = session.username.as_ref().map(ToString::to_string);
    let (command, path) = described(&start.action);
    info!(connection, %peer, user, command, path, "transfer begins");
}

/// Logs its end.
pub(super) fn log_end(session: &SessionInfo, transfer: &TransferSummary) {
    let (connection, peer, bytes) = (session.id, session.peer, transfer.bytes);
    let user = session.username.as_ref().map(ToString::to_string);
    let (command, path) = described(&transfer.action);
    let (tls, resumed) = match &transfer.tls {
        Some(tls) => (true, Some(tls.resumed)),
        None => (false, None),
    };
    let seconds = transfer.duration.as_secs_f64();
    let outcome = outcome(&transfer.outcome);
    match transfer.outcome {
        Ok(()) => info!(
            connection, %peer, user, command, path, bytes, seconds, tls, resumed, outcome,
            "transferred"
        ),
        Err(why) => {
            let why = why.to_string();
            warn!(
                connection, %peer, user, command, path, bytes, seconds, tls, resumed, outcome, why,
                "transfer not whole"
            );
        }
    }
}

/// The command, and the path escaped.
fn described(action: &TransferAction) -> (String, String) {
    let path = match action {
        TransferAction::Retrieve { path, .. }
        | TransferAction::Store { path, .. }
        | TransferAction::List { path, .. } => path.to_string(),
        _ => String::new(),
    };
    (action.verb().to_string(), path)
}

/// One word for how a transfer ended. `OUTCOMES` has them all.
pub(super) fn outcome(outcome: &Result<(), TransferError>) -> &'static str {
    match outcome {
        Ok(()) => "ok",
        Err(TransferError::NotOpened) => "no_data_connection",
        Err(TransferError::Data(data::Error::CutOff)) => "cut_off",
        Err(TransferError::Data(data::Error::Stalled)) => "stalled",
        Err(TransferError::Data(data::Error::Handshake)) => "tls_failed",
        Err(TransferError::Data(data::Error::NotResumed)) => "not_resumed",
        Err(TransferError::Aborted) => "aborted",
        Err(TransferError::Failed(_)) => "refused",
        Err(TransferError::ConnectionClosed) => "connection_closed",
        Err(_) => "other",
    }
}

/// The results of [`outcome`].
pub(super) const OUTCOMES: [&str; 10] = [
    "ok",
    "no_data_connection",
    "cut_off",
    "stalled",
    "tls_failed",
    "not_resumed",
    "aborted",
    "refused",
    "connection_closed",
    "other",
];
