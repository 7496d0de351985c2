//! Whose files are served to whom.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use ftp_files::{Files, error_kind};
use ftp_proto::server::FileError;

use super::bandwidth::{Bandwidth, Pace};
use super::external::ExternalAddress;
use crate::acceptor::SessionSlot;
use crate::{ActiveMode, PeerCheck, SessionInfo};

/// What the sessions of a server with files share.
#[derive(Debug, Clone, Default)]
pub struct FileServer {
    pub(super) served: Option<ServedFiles>,
    pub(super) passive: ActiveMode,
    pub(super) external: Option<ExternalAddress>,
    pub(super) pace: Pace,
    max_transfers: Option<usize>,
    transfers: Arc<AtomicUsize>,
}

impl FileServer {
    /// Serves these files.
    pub fn set_served(&mut self, served: ServedFiles) {
        self.served = Some(served);
    }

    /// Whether any are served.
    pub fn serves(&self) -> bool {
        self.served.is_some()
    }

    /// Listens for data connections on a port in this range, beginning anywhere in it. Without one, on a
    /// dynamic port.
    pub fn set_passive_ports(&mut self, ports: RangeInclusive<u16>) {
        self.passive.set_ports(ports);
    }

    /// Tells clients this address instead of the own one of their control connection.
    pub fn set_external_address(&mut self, address: ExternalAddress) {
        self.external = Some(address);
    }

    /// Who may make a passive data connection.
    pub fn set_peer_check(&mut self, check: PeerCheck) {
        self.passive.set_peer_check(check);
    }

    /// How many bytes may move in a second in each session. At least 1.
    pub fn set_session_bandwidth(&mut self, bytes_per_second: u64) {
        self.pace.session = Some(Bandwidth::new(bytes_per_second));
    }

    /// The same for all sessions together.
    pub fn set_total_bandwidth(&mut self, bytes_per_second: u64) {
        self.pace.total = Some(Bandwidth::new(bytes_per_second));
    }

    /// How many transfers there may be at a time.
    pub fn set_max_transfers(&mut self, transfers: usize) {
        self.max_transfers = Some(transfers);
    }

    /// Room for a transfer, if there is any.
    pub(super) fn room_for_transfer(&self) -> Option<SessionSlot> {
        let most = self.max_transfers.unwrap_or(usize::MAX);
        SessionSlot::one_of(most, &self.transfers).map(|(slot, _)| slot)
    }
}

/// Whose files are served to whom.
#[derive(Clone)]
pub struct ServedFiles(Arc<ChooseFiles>);

type ChooseFiles = dyn Fn(&SessionInfo) -> io::Result<Arc<dyn Files>> + Send + Sync;

impl ServedFiles {
    /// The same to everybody.
    pub fn all(files: impl Files) -> Self {
        let files: Arc<dyn Files> = Arc::new(files);
        Self::chosen(move |_| Ok(Arc::clone(&files)))
    }

    /// Chosen after each login, when the first question about files is asked. The function may block.
    pub fn chosen(
        choose: impl Fn(&SessionInfo) -> io::Result<Arc<dyn Files>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(choose))
    }
}

impl fmt::Debug for ServedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServedFiles")
    }
}

/// Somebody who is logged in, and what is served to them.
pub(super) struct User {
    served: ServedFiles,
    info: SessionInfo,
    files: OnceLock<Result<Arc<dyn Files>, FileError>>,
}

impl User {
    pub(super) fn new(served: ServedFiles, info: SessionInfo) -> Self {
        Self {
            served,
            info,
            files: OnceLock::new(),
        }
    }

    /// Their files, if they were chosen already.
    pub(super) fn known_files(&self) -> Option<&dyn Files> {
        Some(&**self.files.get()?.as_ref().ok()?)
    }

    /// Whether their files were chosen already, and are near.
    pub(super) fn has_local_files(&self) -> bool {
        self.known_files().is_some_and(Files::is_local)
    }

    /// May block.
    pub(super) fn files(&self) -> Result<&dyn Files, FileError> {
        let choose = || (self.served.0)(&self.info).map_err(|error| error_kind(&error));
        match self.files.get_or_init(choose) {
            Ok(files) => Ok(&**files),
            Err(error) => Err(*error),
        }
    }
}
