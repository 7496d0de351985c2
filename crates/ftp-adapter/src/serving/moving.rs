//! The bytes of a transfer, between its file and its data connection.

use std::fmt;
use std::fs::File;
use std::io;
use std::mem::{replace, swap, take};
use std::time;

use ftp_proto::Instant;
use ftp_proto::data::{self, Direction};
use ftp_proto::server::TransferId;

use super::bandwidth::Pace;
use super::job::{Done, FileDone, FileJob, OpenFile, fill};

/// How many bytes of a file are read or written in one job.
pub(super) const PIECE: usize = 256 * 1024;

/// A transfer under way.
pub(super) struct Moving {
    pub(super) id: TransferId,
    /// `None` while a job has it.
    pub(super) file: Option<OpenFile>,
    /// What was read and not sent, or came and was not written.
    pub(super) piece: Vec<u8>,
    /// How much of the piece was sent.
    sent: usize,
    /// What was read ahead of the piece; nothing, or a buffer for it.
    next: Vec<u8>,
    /// All was read.
    is_read: bool,
    /// How the data connection ended. The machine is told when all that came is written.
    pub(super) end: Option<data::End>,
}

impl Moving {
    pub(super) fn new(id: TransferId, file: OpenFile) -> Self {
        Self {
            id,
            file: Some(file),
            piece: Vec::new(),
            sent: 0,
            next: Vec::new(),
            is_read: false,
            end: None,
        }
    }

    /// Takes what came, or writes what was read, as much as may be now.
    ///
    /// # Errors
    /// When more may be.
    pub(super) fn exchange(
        &mut self,
        now: Instant,
        data: &mut data::Connection,
        pace: &Pace,
        clock: time::Instant,
    ) -> Result<(), time::Instant> {
        if data.direction() == Direction::Receive {
            loop {
                let room = PIECE.saturating_sub(self.piece.len());
                let count = data.readable().len().min(room);
                if count == 0 {
                    return Ok(());
                }
                let count = count.min(pace.allowance(clock)?);
                self.piece.extend_from_slice(&data.readable()[..count]);
                data.consume(now, count);
                pace.spend(clock, count);
            }
        }
        loop {
            while self.sent < self.piece.len() {
                let unsent = &self.piece[self.sent..];
                let most = pace.allowance(clock)?.min(unsent.len());
                let count = data.write(now, &unsent[..most]);
                if count == 0 {
                    return Ok(());
                }
                self.sent += count;
                pace.spend(clock, count);
            }
            if self.next.is_empty() {
                break;
            }
            swap(&mut self.piece, &mut self.next);
            self.next.clear();
            self.sent = 0;
        }
        if self.is_read {
            data.finish(now);
        }
        Ok(())
    }

    /// How the data ended, once all of it is written.
    pub(super) fn written_end(&mut self, is_working: bool) -> Option<data::End> {
        let is_written = self.piece.is_empty() && !is_working;
        self.end.take_if(|_| is_written)
    }

    /// The next read or write. What is read next is read while what was read before is sent.
    pub(super) fn job(&mut self) -> Option<FileJob> {
        let id = self.id;
        match self.file.take()? {
            OpenFile::Read(mut file) if self.next.is_empty() && !self.is_read => {
                let mut piece = take(&mut self.next);
                Some(FileJob::new(move || {
                    let result = fill(&mut *file, &mut piece);
                    Done::Read(id, OpenFile::Read(file), piece, result)
                }))
            }
            OpenFile::Write(mut file)
                if self.piece.len() >= PIECE || (self.end.is_some() && !self.piece.is_empty()) =>
            {
                let mut piece = replace(&mut self.piece, take(&mut self.next));
                Some(FileJob::new(move || {
                    let result = file.write_all(&piece);
                    piece.clear();
                    Done::Wrote(id, OpenFile::Write(file), piece, result)
                }))
            }
            file => {
                self.file = Some(file);
                None
            }
        }
    }

    /// A job has read this.
    pub(super) fn read(&mut self, piece: Vec<u8>, is_read: bool) {
        self.next = piece;
        self.is_read = is_read;
    }

    /// A job has written what was in this buffer.
    pub(super) fn wrote(&mut self, buffer: Vec<u8>) {
        self.next = buffer;
    }
}

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

    /// What is to be sent next. Reads the next piece of the file if there is nothing; nothing at its end.
    ///
    /// # Errors
    /// Those of reading.
    pub fn unsent(&mut self) -> io::Result<&[u8]> {
        let moving = &mut *self.moving;
        if moving.sent == moving.piece.len()
            && !moving.is_read
            && let Some(OpenFile::Read(file)) = &mut moving.file
        {
            moving.sent = 0;
            moving.is_read = fill(&mut **file, &mut moving.piece)?;
        }
        Ok(&moving.piece[moving.sent..])
    }

    /// So much of that is sent.
    pub fn sent(&mut self, count: usize) {
        let moving = &mut self.moving;
        moving.sent = moving.piece.len().min(moving.sent + count);
    }

    /// The file, if it is one of the system's that is being read, and nothing was read and not sent: the
    /// system can send it by itself, from its position on.
    pub fn file(&mut self) -> Option<&File> {
        let moving = &mut *self.moving;
        match &mut moving.file {
            Some(OpenFile::Read(file)) if moving.sent == moving.piece.len() && !moving.is_read => {
                file.as_file().map(|file| &*file)
            }
            _ => None,
        }
    }

    /// All of the file was sent by the system.
    pub fn all_sent(&mut self) {
        self.moving.is_read = true;
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
