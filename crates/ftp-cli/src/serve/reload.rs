//! Reads users and certificate again at SIGHUP, while the server runs, and opens the transfer log
//! anew.
//!
//! A file can be a pipe, or on a file system that hangs, and reading it may never end. So each read
//! has a thread of its own. Neither the sessions, nor the next SIGHUP, nor the end of the program
//! wait for it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ftp_tokio::Server;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::{error, info};

use super::inputs::{Inputs, Tls};
use super::service::Service;
use super::transfer_log::TransferLog;
use super::users::{CurrentUsers, Users};
use crate::exit::Failure;

/// How long a read may take before the log says so.
const READ_TIME: Duration = Duration::from_secs(10);
/// How many reads may hang at a time. Each occupies a thread.
const MOST_READS: usize = 8;

type Files = Result<(Users, Tls), Failure>;

/// A read in progress. If it is dropped, its result is dropped, too.
struct Reading {
    files: oneshot::Receiver<Files>,
    until: Instant,
}

/// Reads the users file and the certificate again at each hangup. Both are used only if both are
/// valid; otherwise the old ones stay. A hangup during a read starts a new read in its place. The
/// transfer log does not depend on it. Never ends.
pub(super) async fn reload(
    mut hangups: Hangups,
    inputs: Inputs,
    server: &Server,
    current: &CurrentUsers,
    transfers: Option<&TransferLog>,
    service: &Service,
) {
    let inputs = Arc::new(inputs);
    let mut reading = None;
    loop {
        let read = tokio::select! {
            () = hangups.next() => {
                info!("reading users and certificate again");
                service.reloading();
                if let Some(log) = transfers {
                    log.reopen();
                }
                match begin(&inputs) {
                    Ok(began) => reading = Some(began),
                    Err(why) => refused(service, &why.to_string()),
                }
                continue;
            }
            read = end(&mut reading) => read,
        };
        reading = None;
        match read.and_then(|files| usable(files, &inputs, current)) {
            Ok((users, tls)) => {
                info!(users = users.len(), "reloaded users and certificate");
                service.ready();
                current.replace(users);
                if tls.self_made.is_none() {
                    server.replace_tls(tls.config);
                }
            }
            Err(failure) => refused(service, &failure.to_string()),
        }
    }
}

fn refused(service: &Service, why: &str) {
    error!(why, "cannot reload, the old users and certificate stay");
    service.not_reloaded();
}

fn begin(inputs: &Arc<Inputs>) -> io::Result<Reading> {
    // Each reading thread holds one more.
    if Arc::strong_count(inputs) > MOST_READS {
        return Err(io::Error::other(format!(
            "{MOST_READS} earlier reads still hang"
        )));
    }
    let (sender, files) = oneshot::channel();
    let inputs = Arc::clone(inputs);
    let read = move || {
        let tls = || Tls::new(&inputs.arguments);
        let files = inputs.users().and_then(|users| Ok((users, tls()?)));
        // The receiver is gone if it took too long.
        drop(sender.send(files));
    };
    thread::Builder::new()
        .name("reload".to_owned())
        .spawn(read)?;
    Ok(Reading {
        files,
        until: Instant::now() + READ_TIME,
    })
}

/// The result of the read. Never ready if there is none.
async fn end(reading: &mut Option<Reading>) -> Files {
    let Some(reading) = reading else {
        return std::future::pending().await;
    };
    match timeout_at(reading.until, &mut reading.files).await {
        Ok(Ok(files)) => files,
        Ok(Err(_)) => Err(Failure::usage("reading the files failed")),
        Err(_) => Err(Failure::usage(format!(
            "the files could not be read within {} s: is one a pipe, or on a file system that hangs?",
            READ_TIME.as_secs()
        ))),
    }
}

/// A pipe that was read at the start, as with `--users <(…)`, is empty now. That must not lock out
/// all users.
fn usable((users, tls): (Users, Tls), inputs: &Inputs, current: &CurrentUsers) -> Files {
    let is_file = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.is_file());
    let made = inputs.made_users();
    let is_emptied = users.len() == made && current.get().len() > made;
    match &inputs.arguments.who.file {
        Some(path) if is_emptied && !is_file(path) => Err(Failure::usage(format!(
            "{} is not a regular file, and is empty now",
            path.display()
        ))),
        _ => Ok((users, tls)),
    }
}

/// SIGHUP, on systems that have it.
#[cfg(unix)]
pub(super) struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangups {
    async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

#[cfg(unix)]
pub(super) fn hangups() -> io::Result<Hangups> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::hangup()).map(Hangups)
}

#[cfg(not(unix))]
pub(super) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(not(unix))]
pub(super) fn hangups() -> io::Result<Hangups> {
    Ok(Hangups)
}
