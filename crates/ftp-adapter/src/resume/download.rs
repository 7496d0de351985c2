//! A download that goes on from where it was cut.

use std::mem::take;

use ftp_proto::Instant;

use super::{Fact, FileFacts, ResumeOptions, ResumeReport, Tries};
use crate::{Error, Report};

/// A download in one or several tries, without waiting and without I/O.
///
/// Each try: [`connected`](Self::connected), [`begin`](Self::begin) with what was [`asked`](Self::asked) before or is
/// asked now, then the transfer from the byte that
/// it says, with [`received`](Self::received) for the bytes. When the transfer is whole,
/// [`transferred`](Self::transferred) and [`finished`](Self::finished) with the facts asked for anew if [`is_resumed`](Self::is_resumed).
/// Any error on the way goes to [`failed`](Self::failed).
///
/// A try goes on where the one before was cut only if the server says the same size and time as at
/// the first, before and after it. Otherwise it starts over at byte 0, and so it does where a server sent all and
/// said then that it failed ([`Error::spoils`]). That a server began somewhere else
/// than it was told to shows in the number of bytes.
#[derive(Debug)]
pub struct ResumeDownload {
    tries: Tries,
    size_is_enough: bool,
    /// Of the file whose bytes were written.
    facts: FileFacts,
    /// How many of its bytes were written.
    written: u64,
    /// How long the sink is.
    sink_length: u64,
    /// The server was seen to begin where it was told to.
    is_restart_proven: bool,
    /// An earlier program wrote what the sink has, and there was no try yet.
    is_taken_up: bool,
}

impl ResumeDownload {
    /// The first try begins now. The sink, which is written from its start, has this length.
    pub fn start(now: Instant, options: ResumeOptions, sink_length: u64) -> Self {
        Self {
            size_is_enough: options.size_is_enough,
            facts: options.begun.unwrap_or_default(),
            written: options.begun.map_or(0, |_| sink_length),
            sink_length,
            is_restart_proven: false,
            is_taken_up: options.begun.is_some(),
            tries: Tries::start(now, options),
        }
    }

    /// The present try has a connection that is logged in.
    pub fn connected(&mut self) {
        self.tries.is_connected = true;
    }

    /// What the server says of the file, if the first try need not ask for it: [`ResumeOptions::asked`].
    pub fn asked(&mut self) -> Option<FileFacts> {
        self.tries.asked.take()
    }

    /// The server says this of the file. Returns the byte at which this try begins, in the server's
    /// file and in the sink. `None`: all has come already.
    pub fn begin(&mut self, facts: FileFacts) -> Option<u64> {
        let offset = self.offset(facts);
        self.tell_progress();
        offset
    }

    fn tell_progress(&self) {
        self.tries.tell_progress(self.written, self.size());
    }

    fn offset(&mut self, facts: FileFacts) -> Option<u64> {
        let is_taken_up = take(&mut self.is_taken_up);
        if self.written > 0 && self.is_same(facts) {
            if facts.size == Fact::Known(self.written) {
                let is_resumed = self.is_resumed() || is_taken_up;
                if !is_resumed || self.is_restart_proven {
                    return None;
                }
                // Only the end of a transfer shows that it began where it was told to.
                self.written -= 1;
            }
            if self.tries.can_restart && self.written > 0 {
                self.tries.offsets.push(self.written);
                return Some(self.written);
            }
        }
        self.facts = facts;
        self.written = 0;
        self.tries.offsets.push(0);
        Some(0)
    }

    /// Whether the bytes that were written and those of a file of which the server says this are
    /// certainly of the same file.
    fn is_same(&self, facts: FileFacts) -> bool {
        // Without the size, a server that begins at byte 0 all the same would go unnoticed.
        let Fact::Known(size) = facts.size else {
            return false;
        };
        let is_certain = self.size_is_enough || matches!(facts.modified, Fact::Known(_));
        is_certain && facts == self.facts && size >= self.written
    }

    /// The size of the whole file, if it is known: for
    /// [`Transfer::size`](ftp_proto::client::Transfer::size).
    pub fn size(&self) -> Option<u64> {
        self.facts.size.known()
    }

    /// This many bytes came, and are to be written.
    ///
    /// # Errors
    /// [`Error::FileChanged`] if the file is longer than the server said. Write nothing of these bytes.
    pub fn received(&mut self, count: usize) -> Result<(), Error> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.tries.bytes = self.tries.bytes.saturating_add(count);
        let written = self.written.saturating_add(count);
        if self.size().is_some_and(|size| size < written) {
            if self.is_resumed() {
                // It may have begun somewhere else than it was told to.
                self.tries.can_restart = false;
            }
            return Err(Error::FileChanged);
        }
        self.written = written;
        self.sink_length = self.sink_length.max(written);
        self.tell_progress();
        Ok(())
    }

    /// Whether the present try did not begin at byte 0.
    pub fn is_resumed(&self) -> bool {
        self.tries.offset() > 0
    }

    /// The transfer is whole, or had all come before. `now`: what the server says of the file after it,
    /// if that was to be asked for.
    ///
    /// # Errors
    /// [`Error::FileChanged`] if the file changed since the first try;
    /// [`Error::SinkTooLong`] if the sink holds more than the file.
    pub fn finished(&mut self, now: Option<FileFacts>) -> Result<ResumeReport, Error> {
        self.is_restart_proven |= self.is_resumed();
        if now.is_some_and(|now| now != self.facts) {
            return Err(Error::FileChanged);
        }
        if self.sink_length > self.written {
            let length = self.written;
            return Err(Error::SinkTooLong { length });
        }
        Ok(self.tries.report(self.written))
    }

    /// The server confirmed the transfer of this try like this.
    pub fn transferred(&mut self, report: Report) {
        self.tries.last = Some(report);
    }

    /// This try failed. Returns when the next is to begin, or `None` to give up and report the error.
    /// `random` as for [`Retrying::failed`](ftp_proto::connect::Retrying::failed).
    pub fn failed(&mut self, now: Instant, error: &Error, random: u64) -> Option<Instant> {
        if error.spoils(self.size() == Some(self.written)) {
            self.written = 0;
        }
        self.tries.failed(now, error, random)
    }
}
