//! Standard output and standard error. A closed reader is not a failure.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

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

fn write_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Prints a line on standard error.
pub(crate) fn complain(text: impl std::fmt::Display) {
    // If standard error is closed as well, the error cannot be shown.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
