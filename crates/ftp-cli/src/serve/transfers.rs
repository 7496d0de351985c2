//! Transfers in the log.

use ftp_proto::server::{ListKind, StoreMode, TransferAction};
use ftp_tokio::{SessionInfo, TransferSummary};
use tracing::{info, warn};

/// Logs the end of a transfer.
pub(super) fn log_transfer(session: &SessionInfo, transfer: &TransferSummary) {
    let (connection, peer, bytes) = (session.id, session.peer, transfer.bytes);
    let user = session.username.as_ref().map(ToString::to_string);
    let (command, path) = described(&transfer.action);
    let (tls, resumed) = match &transfer.tls {
        Some(tls) => (true, Some(tls.resumed)),
        None => (false, None),
    };
    match transfer.outcome {
        Ok(()) => info!(
            connection, %peer, user, command, path, bytes, tls, resumed, "transferred"
        ),
        Err(why) => {
            let why = why.to_string();
            warn!(
                connection, %peer, user, command, path, bytes, tls, resumed, why,
                "transfer not whole"
            );
        }
    }
}

/// The command, and the path escaped.
fn described(action: &TransferAction) -> (&'static str, String) {
    match action {
        TransferAction::Retrieve { path, .. } => ("RETR", path.to_string()),
        TransferAction::Store { path, mode } => {
            let command = match mode {
                StoreMode::Append => "APPE",
                StoreMode::Unique => "STOU",
                _ => "STOR",
            };
            (command, path.to_string())
        }
        TransferAction::List { path, kind } => {
            let command = match kind {
                ListKind::Names => "NLST",
                ListKind::Facts(_) => "MLSD",
                _ => "LIST",
            };
            (command, path.to_string())
        }
        _ => ("", String::new()),
    }
}
