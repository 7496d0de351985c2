//! Transfers that are tried again from where they were cut: what to do next, without waiting.
//!
//! An adapter makes each try: it takes a connection, asks for the [`FileFacts`], begins where
//! [`ResumeDownload::begin`] or [`ResumeUpload::begin`] says, and reports the bytes and the end. What is
//! decided here is where the next try begins, so that bytes of different files are never put together,
//! and whether there is one.

mod download;
mod facts;
mod upload;

use std::sync::Arc;

use ftp_proto::client::{self, PeerFault, TransferError};
use ftp_proto::connect::{Retry, Retrying};
use ftp_proto::wire::{Class, Code, Reply, Subject, Verb};
use ftp_proto::{Instant, TlsSession};

pub use self::download::ResumeDownload;
pub use self::facts::{AskFacts, Fact, FileFacts};
pub use self::upload::ResumeUpload;
use crate::progress::OnProgress;
use crate::{DataFailure, DriverError, Error, Progress, Report};

/// How often, and when, a transfer is tried again.
#[derive(Debug, Clone, Default)]
pub struct ResumeOptions {
    retry: Retry,
    size_is_enough: bool,
    on_progress: Option<OnProgress>,
    begun: Option<FileFacts>,
    asked: Option<FileFacts>,
}

impl ResumeOptions {
    /// The defaults: those of [`Retry`].
    pub const fn new() -> Self {
        Self {
            retry: Retry::new(),
            size_is_enough: false,
            on_progress: None,
            begun: None,
            asked: None,
        }
    }

    /// Goes on with a transfer that an earlier program began, at the first try already.
    ///
    /// * For a download, `facts` are what the server said of its file then, and the sink holds the
    ///   beginning of that file. If the server says the same now, the first try goes on at the end of the
    ///   sink; otherwise it starts over.
    /// * For an upload, `facts` are what the server says of its file now, which must be the beginning of
    ///   the source. If it still says that, and the file is no longer than the source, the first try
    ///   goes on at its end; otherwise it starts over.
    #[must_use]
    pub const fn begun(mut self, facts: FileFacts) -> Self {
        self.begun = Some(facts);
        self
    }

    /// What the server said of its file just now. The first try begins with that, and does not ask again:
    /// that saves two round trips. If it is not true any more, the transfer fails, and the next try starts
    /// over.
    ///
    /// With [`FileFacts::default`] for a file of which nothing was asked, a transfer that is cut starts over.
    /// For a small file that costs less than to ask.
    #[must_use]
    pub const fn asked(mut self, facts: FileFacts) -> Self {
        self.asked = Some(facts);
        self
    }

    /// How many tries, and the delays between them.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Whether a file of the server whose time is not known (no `MDTM`) is taken for the same if its size
    /// is the same. Default no: a download from such a server starts over after a cut. With yes, a
    /// file that was exchanged for one of the same length between two tries goes unnoticed.
    #[must_use]
    pub const fn size_is_enough(mut self, is_enough: bool) -> Self {
        self.size_is_enough = is_enough;
        self
    }

    /// Calls this with what is known when a try begins, and then again and again until the transfer is
    /// whole. The bytes are those of the file that have come, or were sent, in all tries; after a cut
    /// they may be fewer than before. A transfer that succeeds calls it at the end with
    /// all of them.
    #[must_use]
    pub fn on_progress(mut self, call: impl FnMut(Progress) + Send + 'static) -> Self {
        self.on_progress = Some(OnProgress::new(call));
        self
    }
}

/// What a transfer was that is whole, perhaps after several tries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeReport {
    /// The final reply to the last transfer; `None` if the last try found that nothing was missing.
    pub reply: Option<Reply>,
    /// The TLS session of its data connection, if there was one.
    pub tls: Option<Arc<TlsSession>>,
    /// How many bytes the file has.
    pub length: u64,
    /// How many bytes went over data connections in all tries.
    pub bytes: u64,
    /// How many tries it took, those included that failed before the transfer.
    pub tries: u32,
    /// At which byte each try began that came as far as the transfer. The first is 0, but for what was
    /// [begun](ResumeOptions::begun); a later 0 means that it started over.
    pub offsets: Vec<u64>,
}

/// The tries so far.
#[derive(Debug)]
struct Tries {
    retrying: Retrying,
    /// The present try has a connection that is logged in.
    is_connected: bool,
    offsets: Vec<u64>,
    bytes: u64,
    /// The server begins where it is told to (`REST`), as far as is known.
    can_restart: bool,
    /// What the first try need not ask.
    asked: Option<FileFacts>,
    on_progress: Option<OnProgress>,
    /// The last transfer that was whole.
    last: Option<Report>,
}

impl Tries {
    fn start(now: Instant, options: ResumeOptions) -> Self {
        Self {
            retrying: options.retry.start(now),
            is_connected: false,
            offsets: Vec::new(),
            bytes: 0,
            can_restart: true,
            asked: options.asked,
            on_progress: options.on_progress,
            last: None,
        }
    }

    fn tell_progress(&self, bytes: u64, total: Option<u64>) {
        if let Some(on_progress) = &self.on_progress {
            on_progress.call(Progress::new(bytes, total));
        }
    }

    /// Where the present try, or the last one that came so far, began.
    fn offset(&self) -> u64 {
        self.offsets.last().copied().unwrap_or(0)
    }

    fn failed(&mut self, now: Instant, error: &Error, random: u64) -> Option<Instant> {
        let refused_restart = self.is_connected && is_refused_restart(error, self.offset());
        if refused_restart {
            self.can_restart = false;
        }
        let may_pass = match self.is_connected {
            true => refused_restart || may_pass(error),
            false => error.is_transient(),
        };
        self.is_connected = false;
        self.retrying.failed(now, may_pass, random)
    }

    fn report(&mut self, length: u64) -> ResumeReport {
        let (reply, tls) = match self.last.take() {
            Some(last) => (Some(last.reply), last.tls),
            None => (None, None),
        };
        ResumeReport {
            reply,
            tls,
            length,
            bytes: self.bytes,
            tries: self.retrying.attempts(),
            offsets: self.offsets.clone(),
        }
    }
}

/// Whether the server does not begin at a byte that is not the first.
fn is_refused_restart(error: &Error, offset: u64) -> bool {
    let Error::Transfer { error, .. } = error else {
        return false;
    };
    let TransferError::Refused { verb, reply } = &**error else {
        return false;
    };
    offset > 0 && (*verb == Verb::Rest || reply.code() == Code::BAD_RESTART)
}

impl Error {
    /// Whether what came of a download may be of another file, or not what is in the file: nothing is to go on
    /// with it. `is_all`: it is as long as the server says.
    ///
    /// So it is if the file changed, and if the server had sent all and said then that the transfer failed, other
    /// than for its connection (425, 426).
    pub fn spoils(&self, is_all: bool) -> bool {
        matches!(self, Self::FileChanged) || is_all && is_denied(self)
    }

    /// Whether the same may come to another end over another connection that is logged in: it was cut off,
    /// no answer came, or the answer says that it may pass (4yz). It says nothing of a login that failed;
    /// see [`is_transient`](Self::is_transient).
    ///
    /// What was cut off may have been done all the same: make only what can be done twice again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::AtPath { error, .. } => error.may_pass(),
            error => may_pass(error),
        }
    }
}

/// Whether the server says, after bytes were moved, that the transfer failed, and not because of a connection.
fn is_denied(error: &Error) -> bool {
    let Error::Transfer { error, .. } = error else {
        return false;
    };
    let TransferError::Failed { reply, .. } = &**error else {
        return false;
    };
    reply.code().is_negative() && reply.code().subject() != Subject::Connections
}

/// Whether another try, over another connection that is logged in, may come to another end.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Transfer { error, cause } => {
            !cause.as_deref().is_some_and(is_tls_failure) && transfer_may_pass(error)
        }
        Error::Io { .. } | Error::Closed | Error::Unsolicited(_) | Error::FileChanged => true,
        Error::Protocol(error) => match error {
            client::Error::ServiceUnavailable { .. }
            | client::Error::TimedOut { .. }
            | client::Error::ConnectionClosed { .. }
            | client::Error::PeerFault {
                fault: PeerFault::OutOfStep { .. },
                ..
            } => true,
            _ => error.reply().is_some_and(is_transient),
        },
        Error::Refused(reply) => is_transient(reply),
        _ => false,
    }
}

fn transfer_may_pass(error: &TransferError) -> bool {
    match error {
        TransferError::Refused { reply, .. } | TransferError::Failed { reply, .. } => {
            is_transient(reply)
        }
        TransferError::CutOff { reply, .. } => {
            let is_final = |reply: &Reply| reply.code().class() == Class::PermanentNegative;
            !reply.as_ref().is_some_and(is_final)
        }
        TransferError::NotOpened
        | TransferError::LengthDiffers { .. }
        | TransferError::NotBegun
        | TransferError::Unknown => true,
        _ => false,
    }
}

fn is_transient(reply: &Reply) -> bool {
    reply.code().class() == Class::TransientNegative
}

/// Whether TLS failed on the data connection, which does not go away.
fn is_tls_failure(cause: &DataFailure) -> bool {
    match cause {
        DataFailure::Broken(DriverError::Machine(error)) => !matches!(
            error,
            ftp_rustls::Error::Machine(_) | ftp_rustls::Error::HandshakeEof
        ),
        DataFailure::Broken(DriverError::Io { .. }) | DataFailure::NotMade(_) => false,
        DataFailure::ControlLost(error) => matches!(**error, Error::Tls { .. }),
    }
}
