//! What a client does with files: downloads and uploads.

use std::io;
use std::sync::Arc;
use std::time;

use ftp_adapter::{Error, SocketOption, TransferState};
use ftp_proto::client::Transfer;
use ftp_proto::data::Ticket;

use crate::transfer::Running;
use crate::{Aborter, Client, DataListener, DataTransport, Download, Transport, Upload};

impl<T: Transport> Client<T> {
    /// Receives a file (`RETR`).
    ///
    /// # Errors
    /// [`Error::Transfer`] if the server refuses, or the data connection cannot be made;
    /// [`Error::InvalidCommand`] if the path cannot be sent; whatever ended the control connection.
    pub fn retrieve(&mut self, path: impl AsRef<[u8]>) -> Result<Download<&mut Self>, Error> {
        self.download(Transfer::retrieve(path)?)
    }

    /// Receives a file from this byte on (`REST`, `RETR`).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn retrieve_from(
        &mut self,
        path: impl AsRef<[u8]>,
        offset: u64,
    ) -> Result<Download<&mut Self>, Error> {
        self.download(Transfer::retrieve(path)?.offset(offset))
    }

    /// Sends a file (`STOR`), in place of one that is there.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn store(&mut self, path: impl AsRef<[u8]>) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::store(path)?)
    }

    /// Sends the rest of a file, from this byte on (`REST`, `STOR`).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn store_from(
        &mut self,
        path: impl AsRef<[u8]>,
        offset: u64,
    ) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::store(path)?.offset(offset))
    }

    /// Sends bytes to be put behind the end of a file (`APPE`).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn append(&mut self, path: impl AsRef<[u8]>) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::append(path)?)
    }

    /// Sends a file under a name that the server chooses (`STOU`): [`Started::stored_as`], or
    /// [`Report::stored_as`].
    ///
    /// [`Started::stored_as`]: crate::Started::stored_as
    /// [`Report::stored_as`]: crate::Report::stored_as
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn store_unique(&mut self) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::store_unique()?)
    }

    /// Receives what this transfer says.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve); [`Error::InvalidCommand`] if it sends.
    pub fn download(&mut self, transfer: Transfer) -> Result<Download<&mut Self>, Error> {
        let running = Running::start(self, transfer);
        let running = running.map_err(|(_, error)| error)?;
        Ok(Download::new(running))
    }

    /// Sends what this transfer says.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    pub fn upload(&mut self, transfer: Transfer) -> Result<Upload<&mut Self>, Error> {
        let running = Running::start(self, transfer);
        let running = running.map_err(|(_, error)| error)?;
        Ok(Upload::new(running))
    }

    /// The same as [`download`](Self::download), for a thread of its own: the client goes along, and
    /// [`Download::into_inner`] gives it back.
    ///
    /// # Errors
    /// As [`download`](Self::download); the client comes back at once.
    #[expect(clippy::result_large_err, reason = "the client comes back")]
    pub fn into_download(self, transfer: Transfer) -> Result<Download<Self>, (Self, Error)> {
        match Running::start(self, transfer) {
            Ok(running) => Ok(Download::new(running)),
            Err(failed) => Err(failed),
        }
    }

    /// The same as [`upload`](Self::upload), for a thread of its own.
    ///
    /// # Errors
    /// As [`upload`](Self::upload); the client comes back at once.
    #[expect(clippy::result_large_err, reason = "the client comes back")]
    pub fn into_upload(self, transfer: Transfer) -> Result<Upload<Self>, (Self, Error)> {
        match Running::start(self, transfer) {
            Ok(running) => Ok(Upload::new(running)),
            Err(failed) => Err(failed),
        }
    }

    /// Makes data connections in this way from now on.
    pub fn data_transport(&mut self, transport: Arc<dyn DataTransport<T>>) {
        self.data = Some(transport);
    }

    /// A handle for other threads, which gives up the transfer under way.
    pub fn aborter(&self) -> Aborter {
        self.aborter.clone()
    }

    pub(crate) fn start_transfer(&mut self, transfer: Transfer) -> Result<TransferState, Error> {
        self.aborter.reset();
        let driver = &mut self.driver.state;
        TransferState::start(time::Instant::now(), driver, &mut self.pending, transfer)
    }

    pub(crate) fn connect_data(&self, ticket: &Ticket) -> io::Result<T> {
        let transport = self.data.as_ref().ok_or_else(no_data_transport)?;
        transport.connect(ticket.open(), ticket.timeouts().connect)
    }

    pub(crate) fn listen_for_data(&self) -> io::Result<Box<dyn DataListener<T>>> {
        let transport = self.data.as_ref().ok_or_else(no_data_transport)?;
        transport.listen()
    }

    /// The server is about to confirm something, unless it has already.
    pub(crate) fn acknowledge_at_once(&self) {
        if let Some(transport) = &self.data
            && !self.driver.machine().machine().has_more()
        {
            let control = self.driver.transport();
            transport.set_option(control, SocketOption::AcknowledgeAtOnce);
        }
    }

    pub(crate) fn set_option(&self, data: &T, option: Option<SocketOption>) {
        if let (Some(transport), Some(option)) = (&self.data, option) {
            transport.set_option(data, option);
        }
    }
}

fn no_data_transport() -> io::Error {
    let error = "data connections over this transport need a DataTransport";
    io::Error::new(io::ErrorKind::Unsupported, error)
}
