//! How files are served.

use alloc::vec::Vec;
use core::time::Duration;

use super::{HashAlgorithm, Rights};
use crate::data;
use crate::listing::FactNames;

/// Whether protected data connections resume the TLS session of the control connection (RFC 4217 §10,
/// RFC 8446 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Resumption {
    /// None does: each has a full handshake, for clients that fail when they resume a session.
    Off,
    /// Where the client does. [`Event::Transferred`](super::Event::Transferred) has the session, which says
    /// [whether it was resumed](crate::TlsSession::resumed). The default.
    #[default]
    Report,
    /// Each must. If one does not, the client gets 522 before the first byte, and the control connection
    /// goes on.
    Require,
}

/// How a server serves files: for [`Config::files`](super::Config::files).
///
/// One file is served here, to anyone, and a data connection without a socket carries it:
///
/// ```
/// use std::sync::Arc;
/// use ftp_proto::server::{
///     Config, Connection, Event, FileError, FilesConfig, NameRule, Security, TransferAction,
/// };
/// use ftp_proto::{Action, Instant, Machine};
///
/// let config = Config::new()
///     .security(Security::DangerousPlaintext)
///     .name_rule(|_| NameRule::Open)
///     .files(FilesConfig::new());
/// let now = Instant::START; // your clock
/// let mut connection = Connection::new(Arc::new(config), now);
/// let said = b"USER anna\r\nTYPE I\r\nEPSV\r\nRETR notes\r\nQUIT\r\n";
/// assert_eq!(connection.received(now, said), said.len());
/// let (mut replies, mut sent) = (Vec::new(), Vec::new());
/// loop {
///     match connection.poll()? {
///         Action::Event(Event::Listen(request)) => {
///             connection.answer(now, request.listening("192.0.2.7:6446".parse()?))?;
///         }
///         Action::Event(Event::Transfer(request)) => {
///             let is_here = matches!(
///                 request.action(),
///                 TransferAction::Retrieve { path, .. } if path.as_bytes() == b"/notes"
///             );
///             connection.answer(now, match is_here {
///                 true => request.begin(Some(5)),
///                 false => request.refused(FileError::NotFound),
///             })?;
///         }
///         Action::Event(Event::OpenData(ticket)) => {
///             let mut data = connection.data_opened(now, ticket)?;
///             data.write(now, b"Notes");
///             data.finish(now);
///             loop {
///                 match data.poll()? {
///                     Action::Write { bytes, .. } => {
///                         sent.extend_from_slice(bytes);
///                         let count = bytes.len();
///                         data.wrote(now, count);
///                     }
///                     Action::Shutdown { .. } => data.shut_down(now),
///                     _ => break,
///                 }
///             }
///             connection.data_ended(now, data.into_end())?;
///         }
///         Action::Event(_) => {}
///         Action::Write { bytes, .. } => {
///             replies.extend_from_slice(bytes);
///             let count = bytes.len();
///             connection.wrote(now, count);
///         }
///         Action::Closed => break,
///         other => panic!("{other:?}"),
///     }
/// }
/// assert_eq!(sent, b"Notes");
/// let replies = String::from_utf8(replies)?;
/// let codes: Vec<&str> = replies.lines().map(|line| &line[..3]).collect();
/// assert_eq!(codes, ["220", "230", "200", "229", "150", "226", "221"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "hand it to Config::files"]
pub struct FilesConfig {
    pub(super) rights: Rights,
    pub(super) active: bool,
    pub(super) facts: FactNames,
    pub(super) hashes: Vec<HashAlgorithm>,
    pub(super) space: bool,
    pub(super) sets_times: bool,
    pub(super) resumption: Resumption,
    pub(super) timeouts: data::Timeouts,
}

impl Default for FilesConfig {
    fn default() -> Self {
        let timeouts = data::Timeouts {
            connect: Duration::from_secs(30),
            ..data::Timeouts::default()
        };
        Self {
            rights: Rights::READ_ONLY,
            active: false,
            facts: FactNames::TYPE
                | FactNames::SIZE
                | FactNames::MODIFY
                | FactNames::PERM
                | FactNames::UNIQUE
                | FactNames::UNIX_MODE,
            hashes: Vec::new(),
            space: false,
            sets_times: true,
            resumption: Resumption::default(),
            timeouts,
        }
    }
}

impl FilesConfig {
    /// Read-only, passive data connections only.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a user may do if the verdict has no [`Verdict::rights`](super::Verdict::rights).
    /// Default [`Rights::READ_ONLY`].
    pub fn rights(mut self, rights: Rights) -> Self {
        self.rights = rights;
        self
    }

    /// Whether `PORT` and `EPRT` are accepted: the server then connects to the client, at the address
    /// of the control connection's peer and a port from 1024 on, and to nothing else (RFC 2577 §3).
    /// [`Connection::set_peer`](super::Connection::set_peer) must have been called. Default off.
    pub fn active(mut self, allowed: bool) -> Self {
        self.active = allowed;
        self
    }

    /// Whether protected data connections resume the TLS session of the control connection, which proves
    /// that the same client made them. Default [`Resumption::Report`]: not all clients do so.
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.resumption = resumption;
        self
    }

    /// The facts that the application can give in answers to `MLST` and `MLSD`. Default all but the
    /// names of owner and group. A client may choose fewer with `OPTS MLST`.
    pub fn facts(mut self, facts: FactNames) -> Self {
        self.facts = facts;
        self
    }

    /// The algorithms that the application can hash files with (`HASH`, `OPTS HASH`); the first is the
    /// default of a session. A user needs the right to [read](Rights::read). Default none: hashing reads
    /// the whole file, and the application must answer within
    /// [`Timeouts::application`](super::Timeouts::application).
    pub fn hashes(mut self, algorithms: impl IntoIterator<Item = HashAlgorithm>) -> Self {
        self.hashes = algorithms.into_iter().collect();
        self
    }

    /// Whether the application can say how much space there is (`AVBL`). A user needs the right to
    /// [write](Rights::write) or to [append](Rights::append). Default off.
    pub fn space(mut self, is_known: bool) -> Self {
        self.space = is_known;
        self
    }

    /// Whether the application can set when a file was changed last (`MFMT`). Default on. If off, `FEAT`
    /// does not list it, and it is answered with 502.
    pub fn sets_times(mut self, can: bool) -> Self {
        self.sets_times = can;
        self
    }

    /// How long data connections may take. Default [`data::Timeouts::default`], but 30 s to connect: it
    /// may be the client that does.
    pub fn timeouts(mut self, timeouts: data::Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}
