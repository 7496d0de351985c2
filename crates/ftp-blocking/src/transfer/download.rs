//! What a client receives.

use std::fmt;
use std::io::{self, Read};

use ftp_adapter::{Error, Report};

use super::{HoldsClient, Running};

/// A buffer of this size is read into directly. For smaller ones this much is read ahead, so that a
/// caller with a small buffer costs no more system calls.
const LARGE: usize = 64 * 1024;

/// A file or a listing that is being received.
///
/// It can be read with [`Read`]. **The end of the stream is reported only when the transfer is whole**: the
/// data ended as it should, its length is what the server announced, and the server confirmed it.
/// Anything else is an error, so [`io::copy`] alone is safe. Dropping it before gives the transfer up.
///
/// [`io::copy`] moves 8 KiB at a time, but into a
/// [`BufWriter::with_capacity`](std::io::BufWriter::with_capacity) as much as that takes: 256 KiB make
/// large files faster. Flush that writer at the end. Into a file, [`copy_to_file`](Self::copy_to_file)
/// is faster still.
#[must_use = "nothing is received before it is read"]
pub struct Download<C: HoldsClient> {
    pub(super) running: Running<C>,
}

impl<C: HoldsClient> Download<C> {
    pub(crate) fn new(running: Running<C>) -> Self {
        Self { running }
    }

    ftp_adapter::download_progress!();

    /// Reads some bytes. 0: the transfer is whole.
    ///
    /// A buffer of 64 KiB or more is filled without a copy in between, also under TLS.
    ///
    /// # Errors
    /// [`Error::Transfer`], or whatever ended the control connection.
    pub fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        if space.is_empty() {
            return Ok(0);
        }
        self.running.check_abort();
        if space.len() >= LARGE {
            let count = self.running.read_past(space);
            if count > 0 {
                return Ok(count);
            }
        }
        let bytes = self.fill()?;
        let count = bytes.len().min(space.len());
        space[..count].copy_from_slice(&bytes[..count]);
        self.running.consume(count);
        Ok(count)
    }

    /// Reads all to the end.
    ///
    /// # Errors
    /// As [`read`](Self::read). What had come until then is in `into`.
    pub fn read_to_end(&mut self, into: &mut Vec<u8>) -> Result<usize, Error> {
        let before = into.len();
        let mut filled = before;
        let read = loop {
            if into.len() - filled < LARGE {
                // Doubled: each byte is cleared and moved a few times at most.
                into.resize((filled + LARGE).max(2 * filled), 0);
            }
            match self.read(&mut into[filled..]) {
                Ok(0) => break Ok(()),
                Ok(count) => filled += count,
                Err(error) => break Err(error),
            }
        };
        into.truncate(filled);
        read.map(|()| filled - before)
    }

    /// Waits for the end; bytes that were not read are read and dropped. Says what was transferred.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn finish(&mut self) -> Result<Report, Error> {
        loop {
            let count = self.fill()?.len();
            if count == 0 {
                break;
            }
            self.running.consume(count);
        }
        match self.running.outcome() {
            Some(report) => report.cloned(),
            None => Err(Error::Closed),
        }
    }

    /// Gives the transfer up, and waits until the server has taken that in: `ABOR`, if it has begun. Dropping
    /// this does the same before the client's next command.
    ///
    /// # Errors
    /// Whatever ended the control connection.
    pub fn abort(self) -> Result<(), Error> {
        self.running.into_client().client().settle()
    }

    /// Gives the client back. If the transfer is not over, that gives it up.
    pub fn into_inner(self) -> C {
        self.running.into_client()
    }

    /// Some bytes; none at the end.
    fn fill(&mut self) -> Result<&[u8], Error> {
        while self.running.readable().is_empty() {
            if let Some(outcome) = self.running.outcome() {
                outcome?;
                return Ok(&[]);
            }
            self.running.turn()?;
        }
        Ok(self.running.readable())
    }
}

impl<C: HoldsClient> Read for Download<C> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        Ok(Self::read(self, space)?)
    }

    fn read_to_end(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        Ok(Self::read_to_end(self, into)?)
    }
}

impl<C: HoldsClient> fmt::Debug for Download<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.running.fmt(f)
    }
}
