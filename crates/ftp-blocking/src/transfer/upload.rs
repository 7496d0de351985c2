//! What a client sends.

use std::fmt;
use std::io::{self, Write};
use std::mem::take;

use ftp_adapter::{Error, Report};

use super::{HoldsClient, Running};

/// As much is gathered before it is sent, so that small writes cost no system call each.
const LARGE: usize = 64 * 1024;

/// A file that is being sent.
///
/// It can be written with [`Write`]. Small writes are gathered: they are sent when there are 64 KiB, at
/// [`flush`](Self::flush), and at [`finish`](Self::finish). **The file is whole only when `finish` says
/// so**: it waits until the server has confirmed it. Dropping it before gives the transfer up: the server
/// may keep a part of the file.
#[must_use = "the file is whole only when this is finished"]
pub struct Upload<C: HoldsClient> {
    pub(super) running: Running<C>,
    /// What was written and is not large enough to be sent.
    gathered: Vec<u8>,
}

impl<C: HoldsClient> Upload<C> {
    pub(crate) fn new(running: Running<C>) -> Self {
        Self {
            running,
            gathered: Vec::new(),
        }
    }

    ftp_adapter::upload_progress!();

    /// Writes some of the bytes, and returns how many.
    ///
    /// 64 KiB or more are sent without a copy in between, also under TLS, where up to 256 KiB are encrypted and
    /// sent at a time: larger pieces make fewer system calls. As much memory is kept for the next piece, until
    /// this is [flushed](Self::flush) or finished.
    ///
    /// Under TLS, what the transport does not take now waits for the next call.
    ///
    /// # Errors
    /// [`Error::Transfer`] if it is over, or whatever ended the control connection.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        if bytes.len() >= LARGE {
            self.send_gathered()?;
            return self.running.send(bytes);
        }
        if let Some(outcome) = self.running.outcome() {
            outcome?;
            // The server says that the file is whole, and there is more.
            return Err(Error::Closed);
        }
        let count = bytes.len().min(LARGE - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..count]);
        if self.gathered.len() == LARGE {
            self.send_gathered()?;
        }
        Ok(count)
    }

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() >= LARGE {
            self.send_gathered()?;
            return self.send_all(bytes);
        }
        while !bytes.is_empty() {
            let count = self.write(bytes)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Waits until what was written is on its way. Memory that the next piece might use is given back.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn flush(&mut self) -> Result<(), Error> {
        self.send_gathered()?;
        self.running.flush()
    }

    /// All was written: waits until the server has confirmed it, and says what was transferred.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(&mut self) -> Result<Report, Error> {
        self.send_gathered()?;
        loop {
            self.running.finish_writing();
            if let Some(report) = self.running.outcome() {
                return report.cloned();
            }
            self.running.turn()?;
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

    #[inline]
    pub(super) fn send_gathered(&mut self) -> Result<(), Error> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let gathered = take(&mut self.gathered);
        let sent = self.send_all(&gathered);
        self.gathered = gathered;
        if sent.is_ok() {
            self.gathered.clear();
        }
        sent
    }

    pub(super) fn send_all(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let count = self.running.send(bytes)?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}

impl<C: HoldsClient> Write for Upload<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(Self::write(self, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(Self::flush(self)?)
    }
}

impl<C: HoldsClient> fmt::Debug for Upload<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.running.fmt(f)
    }
}
