//! Standard output and standard error. A closed reader is not a failure.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use indicatif::MultiProgress;

use crate::exit::{Exit, Failure};

/// Standard output. It ignores a reader that closed its end (`ftp-cli … | head`), and keeps any
/// other error until [`finish`](Self::finish).
#[derive(Debug, Default)]
pub(crate) struct Output {
    error: Mutex<Option<io::Error>>,
}

impl Output {
    /// Prints one line and flushes: a reader on a pipe waits for it.
    pub(crate) fn line(&self, line: &str) {
        self.bytes(line.as_bytes());
    }

    /// The same for a line that is no text.
    pub(crate) fn bytes(&self, line: &[u8]) {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        if error.is_none() {
            *error = write_line(line).err();
        }
    }

    /// Whether the reader is still there.
    pub(crate) fn is_open(&self) -> bool {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// # Errors
    /// The error that stopped the output, except that its reader closed it.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        match &*self.error.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
                Exit::Unavailable,
                format!("cannot write to standard output: {error}"),
            )),
            _ => Ok(()),
        }
    }
}

/// What is drawn at the bottom of the terminal, and has to make room for lines.
static DRAWN: OnceLock<MultiProgress> = OnceLock::new();

/// From now on, lines go above these bars.
pub(crate) fn draw_below(bars: &MultiProgress) {
    DRAWN.get_or_init(|| bars.clone());
}

fn above_bars<T>(write: impl FnOnce() -> T) -> T {
    match DRAWN.get() {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

fn write_line(line: &[u8]) -> io::Result<()> {
    above_bars(|| write_line_alone(line))
}

fn write_line_alone(line: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Prints a line on standard error.
pub(crate) fn complain(text: impl std::fmt::Display) {
    above_bars(|| {
        // If standard error is closed as well, the error cannot be shown.
        let _ = writeln!(io::stderr().lock(), "{text}");
    });
}
