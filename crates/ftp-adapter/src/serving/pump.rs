//! A transfer whose bytes are moved by a thread of its own.

use std::fmt;
use std::fs::File;
use std::io;
use std::mem::take;
use std::time;

use ftp_proto::data;

use super::bandwidth::Pace;
use super::job::{Done, FileDone, OpenFile};
use super::moving::Moving;

/// A transfer for a thread of its own, which may block: it moves the bytes between the file and the data
/// connection by itself, until that ends or is given up. [`FileSession::pump`](super::FileSession::pump)
/// gives it, and [`FileSession::done`](super::FileSession::done) takes it back.
#[must_use = "the client waits for it"]
pub struct FilePump {
    moving: Box<Moving>,
    pace: Pace,
}

impl FilePump {
    pub(super) fn new(moving: Box<Moving>, pace: Pace) -> Self {
        Self { moving, pace }
    }

    /// How many bytes may move now, at least one.
    ///
    /// # Errors
    /// None before this time, to keep the bandwidth.
    pub fn allowance(&self, now: time::Instant) -> Result<usize, time::Instant> {
        self.pace.allowance(now)
    }

    /// So many have moved.
    pub fn spend(&self, now: time::Instant, count: usize) {
        self.pace.spend(now, count);
    }

    /// Whether nothing more is to be sent before the client has taken what waits in the machine: it took
    /// nothing for a second, and what was read for it is given back to the file. Ask before each
    /// [`unsent`](Self::unsent).
    ///
    /// # Errors
    /// Those of the file.
    pub fn rests(&mut self, data: &mut data::Connection, now: time::Instant) -> io::Result<bool> {
        self.moving.rests(data, now)
    }

    /// What is to be sent next. Reads the next piece of the file if there is nothing; nothing at its end.
    ///
    /// # Errors
    /// Those of reading; and if the file ends before all was sent that it had.
    pub fn unsent(&mut self) -> io::Result<&[u8]> {
        self.moving.refill()?;
        if self.moving.bytes.piece.is_empty() {
            self.moving.check_end()?;
        }
        Ok(self.moving.bytes.piece.bytes())
    }

    /// So much of that is sent.
    ///
    /// # Errors
    /// If what was read is not the file any more that was to be sent.
    pub fn sent(&mut self, count: usize) -> io::Result<()> {
        let count = count.min(self.moving.bytes.piece.len());
        Ok(self.moving.handed_on(count)?)
    }

    /// The file, if it is one of the system's that is being read, and nothing of it is here: what was read and
    /// not sent, or is to be compared with what is read again. The system can send it by itself, from its
    /// position on.
    pub fn file(&mut self) -> Option<&File> {
        let moving = &mut *self.moving;
        let is_clean = moving.is_clean();
        match &mut moving.file {
            Some(OpenFile::Read(file)) if is_clean => file.as_file().map(|file| &*file),
            _ => None,
        }
    }

    /// The system has sent so much; nothing at the end of the file.
    pub fn sent_by_system(&mut self, count: usize) {
        self.moving.passed(count);
        self.moving.bytes.is_read |= count == 0;
    }

    /// Writes what came before this thread took over.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_held(&mut self) -> io::Result<()> {
        let held = take(&mut self.moving.bytes.piece);
        self.write(held.bytes())
    }

    /// Writes what came to the file.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.moving.file {
            Some(OpenFile::Write(file)) => file.write_all(bytes),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// It is over, or the file can be read or written no more.
    pub fn done(self, result: io::Result<()>) -> FileDone {
        FileDone(Done::Pumped(self.moving, result))
    }
}

impl fmt::Debug for FilePump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FilePump")
    }
}
