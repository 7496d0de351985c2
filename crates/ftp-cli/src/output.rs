//! Standard output and standard error, as they are when nobody listens any more.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use crate::exit::{Exit, Failure};

/// Standard output that goes quiet when its reader is gone (`ftp-cli … | head`), and remembers
/// any other trouble until [`finish`](Self::finish).
#[derive(Debug, Default)]
pub(crate) struct Output {
    error: Mutex<Option<io::Error>>,
}

impl Output {
    /// Prints one line at once: whoever reads on a pipe waits for it.
    pub(crate) fn line(&self, line: &str) {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        if error.is_none() {
            *error = write_line(line).err();
        }
    }

    /// Whether anything printed from now on will be seen.
    pub(crate) fn is_open(&self) -> bool {
        self.error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none()
    }

    /// # Errors
    /// What stopped the output, unless its reader just left.
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

/// Tells the user something on standard error.
pub(crate) fn complain(text: impl std::fmt::Display) {
    // If standard error is gone as well, there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
