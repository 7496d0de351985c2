//! An upload that goes on from where it was cut.

use ftp_proto::Instant;

use super::{Fact, FileFacts, ResumeOptions, ResumeReport, Tries, is_denied};
use crate::{Error, Report};

/// An upload in one or several tries, without waiting and without I/O.
///
/// Each try: [`connected`](Self::connected), [`begin`](Self::begin), then the transfer from the byte that
/// it says, with [`sending`](Self::sending) before bytes are written. When the transfer is whole,
/// [`transferred`](Self::transferred) and [`finished`](Self::finished) with the facts asked for anew. Any error on the way goes to
/// [`failed`](Self::failed).
///
/// What the server has of the file is its size, if that is not more than was sent, and the file is not
/// the one that was there before. Then the next try goes on from there; otherwise it starts over at
/// byte 0, and so it does where all was sent and the server said then that it failed, other than for its connection
/// (425, 426). That a server began somewhere else than it was told to shows in the size at the end.
#[derive(Debug)]
pub struct ResumeUpload {
    tries: Tries,
    length: u64,
    /// Of a file that an earlier program began.
    begun: Option<FileFacts>,
    /// Of the file that was there before the last try that began at byte 0.
    before: Option<FileFacts>,
    /// The byte after the last that was handed to a data connection, in that try and those after it.
    most_sent: u64,
    /// The same, of the present try.
    sent: u64,
}

impl ResumeUpload {
    /// The first try begins now. The source has this length.
    pub fn start(now: Instant, options: ResumeOptions, length: u64) -> Self {
        Self {
            length,
            begun: options.begun,
            before: None,
            most_sent: 0,
            sent: 0,
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

    /// The server says this of the file that is there. Returns the byte of the source at which this try
    /// begins. `None`: the server has all of it.
    pub fn begin(&mut self, facts: FileFacts) -> Option<u64> {
        let arrived = match self.before {
            None => self.arrived_before(facts),
            Some(before) => self.arrived(before, facts),
        };
        if arrived == self.length && arrived > 0 {
            return None;
        }
        let offset = if self.tries.can_restart { arrived } else { 0 };
        self.sent = offset;
        if offset == 0 {
            self.before = Some(facts);
            self.most_sent = 0;
        }
        self.tries.offsets.push(offset);
        self.tell_progress();
        Some(offset)
    }

    fn tell_progress(&self) {
        self.tries.tell_progress(self.sent, Some(self.length));
    }

    /// How many bytes of the source the server has from an earlier program.
    fn arrived_before(&mut self, facts: FileFacts) -> u64 {
        match facts.size {
            Fact::Known(size) if self.begun == Some(facts) && size <= self.length => {
                // From here on it is as if this program had sent them.
                self.before = Some(FileFacts {
                    size: Fact::Missing,
                    modified: Fact::Missing,
                });
                self.most_sent = size;
                size
            }
            _ => 0,
        }
    }

    /// How many bytes of the source the server has.
    fn arrived(&self, before: FileFacts, facts: FileFacts) -> u64 {
        match facts.size {
            Fact::Known(size) if size <= self.most_sent && is_new(before, facts) => size,
            _ => 0,
        }
    }

    /// How many bytes this try still has to send.
    pub fn left(&self) -> u64 {
        self.length.saturating_sub(self.sent)
    }

    /// This many bytes are about to be handed to the data connection.
    pub fn sending(&mut self, count: usize) {
        // What was handed over before went out.
        if self.sent > self.tries.offset() {
            self.tell_progress();
        }
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.tries.bytes = self.tries.bytes.saturating_add(count);
        self.sent = self.sent.saturating_add(count);
        self.most_sent = self.most_sent.max(self.sent);
    }

    /// The server confirmed the transfer, or had all of it before. `now`: what it says of the file after
    /// that.
    ///
    /// # Errors
    /// [`Error::FileChanged`] if its file is not as long as the source.
    pub fn finished(&mut self, now: FileFacts) -> Result<ResumeReport, Error> {
        let is_resumed = self.tries.offset() > 0;
        let is_whole = match now.size {
            Fact::Known(size) => size == self.length,
            // There is only its word.
            Fact::Missing | Fact::Unknown => !is_resumed,
        };
        if !is_whole {
            // It may have begun somewhere else than it was told to.
            self.tries.can_restart &= !is_resumed;
            return Err(Error::FileChanged);
        }
        self.sent = self.length;
        self.tell_progress();
        Ok(self.tries.report(self.length))
    }

    /// The server confirmed the transfer of this try like this.
    pub fn transferred(&mut self, report: Report) {
        self.tries.last = Some(report);
    }

    /// This try failed. Returns when the next is to begin, or `None` to give up and report the error.
    /// `random` as for [`Retrying::failed`](ftp_proto::connect::Retrying::failed).
    pub fn failed(&mut self, now: Instant, error: &Error, random: u64) -> Option<Instant> {
        if self.sent == self.length && is_denied(error) {
            // A file of this length is there, perhaps, and not kept as it was sent.
            self.most_sent = 0;
        }
        self.tries.failed(now, error, random)
    }
}

/// Whether the file that is there now is certainly not the one from before.
fn is_new(before: FileFacts, now: FileFacts) -> bool {
    match before.size {
        Fact::Missing => true,
        Fact::Known(_) => {
            let modified = (before.modified.known(), now.modified.known());
            let changed = matches!(modified, (Some(before), Some(now)) if before != now);
            before.size != now.size || changed
        }
        Fact::Unknown => false,
    }
}
