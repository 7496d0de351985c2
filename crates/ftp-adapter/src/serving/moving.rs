//! The bytes of a transfer, between its file and its data connection.

use std::io;
use std::mem::{swap, take};
use std::time::{self, Duration};

use ftp_files::{Listing, ReadFile, WriteFile};
use ftp_proto::Instant;
use ftp_proto::data::{self, Direction};
use ftp_proto::server::{FileError, TransferId};

use super::bandwidth::Pace;
use super::job::{Done, FileJob, OpenFile, Reading};
use super::piece::Piece;
use super::recheck::Recheck;

/// How many bytes of a file are read or written in one job, once they flow.
const PIECE: usize = 256 * 1024;
/// How many are read first, and after the client was slow: a small file needs no more, and to a client that
/// takes nothing no more is of use. Twice as many each time, up to a whole piece.
pub(super) const FIRST_PIECE: usize = 16 * 1024;
/// How many of a listing: it cannot be given back, so no more is read before it is sent. With the ends of lines as
/// they are sent it takes no more than 16 KiB in the queue of the machine, which else asks for room for 48.
const LISTING_PIECE: usize = 12 * 1024;
/// How long a piece may wait. Then what the client did not take of it is given back to the file, to be read
/// again later; what came is written, however little it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// A transfer under way.
pub(super) struct Moving {
    pub(super) id: TransferId,
    /// `None` while a job has it, and when all of a small one was read.
    pub(super) file: Option<OpenFile>,
    pub(super) bytes: Bytes,
    /// How many bytes of the file are to be handed on until its end; if that is known.
    expected: Option<u64>,
    /// How many are read next, and at most.
    size: usize,
    most: usize,
    /// Since when the piece waits, or space for more.
    since: Option<time::Instant>,
    /// It waits for too long.
    is_slow: bool,
    /// What was read cannot be given back.
    is_kept: bool,
    /// Nothing is read before the client has all that was handed on.
    is_resting: bool,
    /// How the data connection ended. The machine is told when no job has the file. What is left to be written
    /// then is written before the file is kept.
    pub(super) end: Option<data::End>,
    /// Nor is it told before this time, if that is set.
    pub(super) looks_until: Option<time::Instant>,
}

/// What was read and not handed on, or came and was not written. A job takes all of it along.
#[derive(Default)]
pub(super) struct Bytes {
    pub(super) piece: Piece,
    /// What was read ahead of the piece; nothing, or space for it.
    next: Piece,
    /// All was read.
    pub(super) is_read: bool,
    recheck: Recheck,
}

/// Why bytes do not move on.
pub(super) enum Pause {
    /// To keep the bandwidth, before this time.
    Until(time::Instant),
    /// What is read is not the file that was to be sent.
    Changed,
}

impl Moving {
    fn new(id: TransferId, file: Option<OpenFile>, size: usize, most: usize) -> Self {
        Self {
            id,
            file,
            bytes: Bytes::default(),
            expected: None,
            size,
            most,
            since: None,
            is_slow: false,
            is_kept: false,
            is_resting: false,
            end: None,
            looks_until: None,
        }
    }

    /// To be sent: so many bytes, if that is known.
    pub(super) fn reading(id: TransferId, file: Box<dyn ReadFile>, expected: Option<u64>) -> Self {
        Self {
            expected,
            ..Self::new(id, Some(OpenFile::Read(file)), FIRST_PIECE, PIECE)
        }
    }

    /// To be sent: all of it, which was read.
    pub(super) fn whole(id: TransferId, bytes: Vec<u8>) -> Self {
        Self {
            expected: Some(bytes.len() as u64),
            bytes: Bytes {
                piece: Piece::from(bytes),
                is_read: true,
                ..Bytes::default()
            },
            ..Self::new(id, None, FIRST_PIECE, PIECE)
        }
    }

    pub(super) fn listing(id: TransferId, listing: Listing) -> Self {
        let listing = OpenFile::Read(Box::new(listing));
        Self {
            is_kept: true,
            ..Self::new(id, Some(listing), LISTING_PIECE, LISTING_PIECE)
        }
    }

    fn is_listing(&self) -> bool {
        self.most == LISTING_PIECE
    }

    pub(super) fn writing(id: TransferId, file: Box<dyn WriteFile>) -> Self {
        Self::new(id, Some(OpenFile::Write(file)), PIECE, PIECE)
    }

    /// The same transfer, for a thread that moves all of its bytes. This one waits for its end.
    pub(super) fn take(&mut self) -> Option<Self> {
        let file = self.file.take()?;
        Some(Self {
            bytes: take(&mut self.bytes),
            expected: self.expected,
            ..Self::new(self.id, Some(file), self.size, self.most)
        })
    }

    /// Whether moving its bytes may take long: not all of a file was read, or more came than a small one has.
    pub(super) fn is_large(&self) -> bool {
        match &self.file {
            Some(OpenFile::Read(_)) => true,
            Some(OpenFile::Write(_)) => self.bytes.piece.len() >= FIRST_PIECE,
            None => false,
        }
    }

    /// Reads the first of it. A file that has no more is closed. Blocks.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        let Some(OpenFile::Read(file)) = &mut self.file else {
            return Ok(());
        };
        // One more than there should be, to see the end.
        let all = self.expected.and_then(|all| usize::try_from(all).ok());
        let size = all.map_or(self.size, |all| self.size.min(all.saturating_add(1)));
        self.bytes.is_read = self.bytes.piece.fill(&mut **file, size)?;
        if self.bytes.is_read {
            self.file = None;
        }
        Ok(())
    }

    /// Takes what came, or hands on what was read, as much as may be now. What a driver sends by itself stays.
    ///
    /// # Errors
    /// Why it stops, unless that is the client.
    pub(super) fn exchange(
        &mut self,
        now: Instant,
        data: &mut data::Connection,
        pace: &Pace,
        clock: time::Instant,
    ) -> Result<(), Pause> {
        let exchanged = match data.direction() {
            Direction::Receive => self.take_in(now, data, pace, clock),
            Direction::Send => self.hand_on(now, data, pace, clock),
        };
        self.look_at_time(data, clock);
        exchanged
    }

    fn take_in(
        &mut self,
        now: Instant,
        data: &mut data::Connection,
        pace: &Pace,
        clock: time::Instant,
    ) -> Result<(), Pause> {
        loop {
            let room = PIECE.saturating_sub(self.bytes.piece.len());
            let count = data.readable().len().min(room);
            if count == 0 {
                return Ok(());
            }
            let count = count.min(pace.allowance(clock).map_err(Pause::Until)?);
            self.bytes.piece.push(&data.readable()[..count]);
            data.consume(now, count);
            pace.spend(clock, count);
        }
    }

    /// Space for what comes, if there is much of it.
    pub(super) fn space_past(&mut self, most: usize) -> Option<&mut [u8]> {
        let piece = &mut self.bytes.piece;
        let room = PIECE.saturating_sub(piece.len()).min(most);
        piece.large_space(room).filter(|space| !space.is_empty())
    }

    fn hand_on(
        &mut self,
        now: Instant,
        data: &mut data::Connection,
        pace: &Pace,
        clock: time::Instant,
    ) -> Result<(), Pause> {
        self.is_resting &= !data.is_flushed();
        loop {
            while !self.bytes.piece.is_empty() {
                if self.bytes.piece.large_bytes().is_some() {
                    return Ok(());
                }
                let unsent = self.bytes.piece.bytes();
                let allowed = pace.allowance(clock).map_err(Pause::Until)?;
                let count = data.write(now, &unsent[..allowed.min(unsent.len())]);
                if count == 0 {
                    return Ok(());
                }
                pace.spend(clock, count);
                self.handed_on(count)?;
            }
            if !self.bytes.turn_over() {
                break;
            }
        }
        if self.is_listing() && !data.is_flushed() {
            // Nor is space kept for more.
            (self.is_resting, self.bytes.piece) = (true, Piece::default());
        }
        if self.bytes.is_read {
            self.check_end()?;
            data.finish(now);
        }
        Ok(())
    }

    /// So much of the piece was.
    pub(super) fn handed_on(&mut self, count: usize) -> Result<(), Pause> {
        let bytes = &mut self.bytes;
        let is_same = bytes.recheck.hand_on(&bytes.piece.bytes()[..count]);
        bytes.piece.consume(count);
        self.passed(count);
        if self.bytes.piece.is_empty() {
            (self.since, self.is_slow) = (None, false);
            self.size = (self.size * 2).min(self.most);
        }
        if is_same { Ok(()) } else { Err(Pause::Changed) }
    }

    /// So many bytes of the file are on their way.
    pub(super) fn passed(&mut self, count: usize) {
        let expected = self.expected.as_mut();
        // A file may have grown.
        let _grown = expected.map(|expected| *expected = expected.saturating_sub(count as u64));
    }

    /// All that can be read was handed on.
    pub(super) fn check_end(&self) -> Result<(), Pause> {
        match self.expected {
            Some(1..) => Err(Pause::Changed),
            _ if self.bytes.recheck.left() > 0 => Err(Pause::Changed),
            _ => Ok(()),
        }
    }

    /// Whether bytes, or space for them, wait for too long.
    fn look_at_time(&mut self, data: &mut data::Connection, clock: time::Instant) {
        if !self.bytes.takes_memory() {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(clock);
        if !self.is_slow && clock.saturating_duration_since(since) >= PATIENCE {
            data.shrink();
            if self.bytes.is_empty() {
                (self.bytes.piece, self.bytes.next) = Default::default();
                self.since = None;
            } else {
                self.is_slow = true;
            }
        }
    }

    /// When to [exchange](Self::exchange) again, whatever happens.
    pub(super) fn patience_ends(&self) -> Option<time::Instant> {
        let since = self.since.filter(|_| !self.is_slow)?;
        since.checked_add(PATIENCE)
    }

    /// The file, and what came and is not written.
    pub(super) fn into_upload(self) -> Option<(Box<dyn WriteFile>, Piece)> {
        match self.file {
            Some(OpenFile::Write(file)) => Some((file, self.bytes.piece)),
            _ => None,
        }
    }

    /// The next read or write.
    pub(super) fn job(&mut self) -> Option<FileJob> {
        let id = self.id;
        match self.file.take()? {
            OpenFile::Read(mut file) if self.is_slow && !self.is_kept => {
                let mut bytes = take(&mut self.bytes);
                Some(FileJob::new(move || {
                    let result = bytes.give_back(&mut *file);
                    Done::GaveBack(id, OpenFile::Read(file), bytes, result)
                }))
            }
            OpenFile::Read(file) if self.is_reading() => {
                let unsent = self.bytes.piece.len() as u64;
                Some(FileJob::read(Reading {
                    id,
                    file,
                    space: take(&mut self.bytes.next),
                    size: self.size,
                    is_end_due: self.expected.is_some_and(|left| left <= unsent),
                }))
            }
            OpenFile::Write(mut file) if self.is_writing() => {
                let bytes = take(&mut self.bytes);
                let mut piece = bytes.piece;
                // Little comes to one that is slow: it needs no space for much.
                let is_slow = take(&mut self.is_slow);
                if !is_slow {
                    self.bytes.piece = bytes.next;
                }
                self.since = None;
                Some(FileJob::new(move || {
                    let result = file.write_all(piece.bytes());
                    piece.clear();
                    let space = if is_slow { Piece::default() } else { piece };
                    Done::Wrote(id, OpenFile::Write(file), space, result)
                }))
            }
            file => {
                self.file = Some(file);
                None
            }
        }
    }

    /// What is read next is read while what was read before is sent, once whole pieces flow.
    fn is_reading(&self) -> bool {
        let bytes = &self.bytes;
        let has_room = bytes.piece.is_empty() || self.size == PIECE;
        has_room && bytes.next.is_empty() && !bytes.is_read && !self.is_resting
    }

    fn is_writing(&self) -> bool {
        let length = self.bytes.piece.len();
        length >= PIECE || (length > 0 && self.is_slow)
    }

    /// Reads the next piece at once. Blocks.
    pub(super) fn refill(&mut self) -> io::Result<()> {
        let bytes = &mut self.bytes;
        if let Some(OpenFile::Read(file)) = &mut self.file
            && bytes.piece.is_empty()
            && !bytes.is_read
        {
            bytes.is_read = bytes.piece.fill(&mut **file, self.size)?;
        }
        Ok(())
    }

    /// Whether the client is to have all that was handed on before more is read. What waits for too long is
    /// given back to the file. Blocks.
    pub(super) fn rests(
        &mut self,
        data: &mut data::Connection,
        clock: time::Instant,
    ) -> io::Result<bool> {
        self.is_resting &= !data.is_flushed();
        self.look_at_time(data, clock);
        if self.is_slow
            && !self.is_kept
            && let Some(OpenFile::Read(file)) = &mut self.file
        {
            let is_given_back = self.bytes.give_back(&mut **file)?;
            let bytes = take(&mut self.bytes);
            self.gave_back(bytes, is_given_back);
        }
        Ok(self.is_resting)
    }

    /// Nothing is in memory that must be sent first, or compared with what is read next.
    pub(super) fn is_clean(&self) -> bool {
        let bytes = &self.bytes;
        bytes.piece.is_empty() && !bytes.is_read && bytes.recheck.left() == 0
    }

    /// A job has read this.
    pub(super) fn read(&mut self, piece: Piece, is_read: bool) {
        self.bytes.next = piece;
        self.bytes.is_read = is_read;
    }

    /// A job has written what was in this space.
    pub(super) fn wrote(&mut self, space: Piece) {
        self.bytes.next = space;
    }

    /// A job has given back what was read, or could not.
    pub(super) fn gave_back(&mut self, bytes: Bytes, is_given_back: bool) {
        self.bytes = bytes;
        (self.since, self.is_slow) = (None, false);
        self.size = FIRST_PIECE;
        (self.is_resting, self.is_kept) = (is_given_back, !is_given_back);
    }
}

impl Bytes {
    fn is_empty(&self) -> bool {
        self.piece.is_empty() && self.next.is_empty()
    }

    fn takes_memory(&self) -> bool {
        self.piece.takes_memory() || self.next.takes_memory()
    }

    /// The piece is handed on; what was read ahead is the next. `false` if nothing was.
    fn turn_over(&mut self) -> bool {
        self.piece.clear();
        if self.next.is_empty() {
            return false;
        }
        swap(&mut self.piece, &mut self.next);
        true
    }

    /// Gives all of it back to the file, if that can be, and `true`: it is read again later.
    fn give_back(&mut self, file: &mut dyn ReadFile) -> io::Result<bool> {
        if !file.go_back((self.piece.len() + self.next.len()) as u64)? {
            return Ok(false);
        }
        let mut recheck = take(&mut self.recheck);
        recheck.give_back([self.piece.bytes(), self.next.bytes()]);
        *self = Self {
            recheck,
            ..Self::default()
        };
        Ok(true)
    }
}

impl From<Pause> for io::Error {
    fn from(_: Pause) -> Self {
        Self::other(FileError::Failed)
    }
}
