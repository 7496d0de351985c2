//! How data connections are made: where to listen, what clients are told, where to connect.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ftp_proto::Instant;
use ftp_proto::data::Open;
use ftp_proto::server::{Connection, ListenRequest};

use super::FileSession;
use super::job::{Done, FileJob};
use crate::ActiveListener;

/// How a data connection is made.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum DataOpening {
    /// This side connects.
    Connect(SocketAddr),
    /// The client does.
    Accept(ActiveListener),
}

impl FileSession {
    /// How the data connection is made. A listener is given once.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported) if there is no way.
    pub fn data_opening(&mut self, open: Open) -> io::Result<DataOpening> {
        let listener = self.listener.take();
        match (open, listener) {
            (Open::ConnectToPeer { port }, _) => {
                Ok(DataOpening::Connect(SocketAddr::new(self.peer.ip(), port)))
            }
            (Open::Connect(address), _) => Ok(DataOpening::Connect(address)),
            (Open::Accept, Some(listener)) => Ok(DataOpening::Accept(*listener)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The listener for the client's data connection, before there is a transfer for it: it will be under TLS,
    /// and there are clients that begin with that at once. Accept on it, and pass what came to
    /// [`Connection::early_data`]. A listener is given once.
    pub fn early_listener(&mut self, control: &Connection) -> Option<ActiveListener> {
        let listener = &mut self.listener;
        let early = listener.take_if(|_| control.is_data_protected() && control.tls().is_some());
        early.map(|listener| *listener)
    }

    /// Listens for the client's data connection, and tells the client where. If that takes long, it is a job.
    pub(super) fn listen(
        &mut self,
        now: Instant,
        control: &mut Connection,
        request: ListenRequest,
    ) -> Option<FileJob> {
        let peer = self.peer.ip();
        let listener = self
            .local
            .and_then(|local| self.server.passive.listen(local, peer).ok());
        let external = self.server.external.clone();
        match (listener, external.filter(|address| address.is_for(peer))) {
            (Some(listener), Some(external)) if external.blocks() => {
                Some(FileJob::new(move || {
                    Done::Listening(request, listener, external.find().ok())
                }))
            }
            (Some(listener), external) => {
                let external = external.and_then(|external| external.find().ok());
                let address = external.unwrap_or(listener.address.ip());
                self.listening(now, control, request, Some((listener, address)));
                None
            }
            (None, _) => {
                self.listening(now, control, request, None);
                None
            }
        }
    }

    pub(super) fn listening(
        &mut self,
        now: Instant,
        control: &mut Connection,
        request: ListenRequest,
        listener: Option<(ActiveListener, IpAddr)>,
    ) {
        let answer = match &listener {
            Some((listener, address)) => {
                request.listening(SocketAddr::new(*address, listener.address.port()))
            }
            None => request.not_listening(),
        };
        // It fails if nobody waits for it any more; then nobody connects.
        let is_told = control.answer(now, answer).is_ok();
        let listener = listener.filter(|_| is_told);
        self.listener = listener.map(|(listener, _)| Box::new(listener));
    }
}
