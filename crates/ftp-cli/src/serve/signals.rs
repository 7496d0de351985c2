//! The signals that end the server.

use std::io;

/// A future that is ready at SIGINT or SIGTERM.
#[cfg(unix)]
pub(super) fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Unless it is caught, it ends the server: a client stored more than `RLIMIT_FSIZE`. So the write fails.
    let too_large = rustix::process::Signal::XFSZ.as_raw();
    let _caught = signal(SignalKind::from_raw(too_large))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A future that is ready at Ctrl-C.
#[cfg(not(unix))]
pub(super) fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
