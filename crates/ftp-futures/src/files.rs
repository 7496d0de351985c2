//! What a client does with files: downloads and uploads.

use std::sync::Arc;
use std::{future::poll_fn, io};

use ftp_adapter::files::Return;
use ftp_adapter::{Error, SocketOption, TransferState};
use ftp_proto::client::{Event, Transfer};
use ftp_proto::data::Open;

use crate::operations::Conversation;
use crate::transfer::{BoxFuture, Listening, Running};
use crate::{Client, DataTransport, Download, Io, Timer, Upload};

impl<R: Timer + Io<T>, T: Unpin> Client<R, T> {
    /// Receives a file (`RETR`).
    ///
    /// # Errors
    /// [`Error::Transfer`] if the server refuses, or the data connection cannot be made;
    /// [`Error::InvalidCommand`] if the path cannot be sent; whatever ended the control connection.
    pub async fn retrieve(&mut self, path: impl AsRef<[u8]>) -> Result<Download<&mut Self>, Error> {
        self.download(Transfer::retrieve(path)?).await
    }

    /// Receives a file from this byte on (`REST`, `RETR`).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub async fn retrieve_from(
        &mut self,
        path: impl AsRef<[u8]>,
        offset: u64,
    ) -> Result<Download<&mut Self>, Error> {
        self.download(Transfer::retrieve(path)?.offset(offset))
            .await
    }

    /// Sends a file (`STOR`), in place of one that is there.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub async fn store(&mut self, path: impl AsRef<[u8]>) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::store(path)?).await
    }

    /// Sends the rest of a file, from this byte on (`REST`, `STOR`).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub async fn store_from(
        &mut self,
        path: impl AsRef<[u8]>,
        offset: u64,
    ) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::store(path)?.offset(offset)).await
    }

    /// Sends bytes to be put behind the end of a file (`APPE`).
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub async fn append(&mut self, path: impl AsRef<[u8]>) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::append(path)?).await
    }

    /// Sends a file under a name that the server chooses (`STOU`): [`Started::stored_as`], or
    /// [`Report::stored_as`].
    ///
    /// [`Started::stored_as`]: crate::Started::stored_as
    /// [`Report::stored_as`]: crate::Report::stored_as
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub async fn store_unique(&mut self) -> Result<Upload<&mut Self>, Error> {
        self.upload(Transfer::store_unique()?).await
    }

    /// Receives what this transfer says.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve); [`Error::InvalidCommand`] if it sends.
    pub async fn download(&mut self, transfer: Transfer) -> Result<Download<&mut Self>, Error> {
        let running = Running::start(self, transfer).await;
        let running = running.map_err(|(_, error)| error)?;
        Ok(Download::new(running))
    }

    /// Sends what this transfer says.
    ///
    /// # Errors
    /// As [`download`](Self::download).
    pub async fn upload(&mut self, transfer: Transfer) -> Result<Upload<&mut Self>, Error> {
        let running = Running::start(self, transfer).await;
        let running = running.map_err(|(_, error)| error)?;
        Ok(Upload::new(running))
    }

    /// The same as [`download`](Self::download), for a task of its own: the client goes along, and
    /// [`Download::into_inner`] gives it back.
    ///
    /// # Errors
    /// As [`download`](Self::download); the client comes back at once.
    pub async fn into_download(self, transfer: Transfer) -> Result<Download<Self>, (Self, Error)> {
        match Running::start(self, transfer).await {
            Ok(running) => Ok(Download::new(running)),
            Err(failed) => Err(failed),
        }
    }

    /// The same as [`upload`](Self::upload), for a task of its own.
    ///
    /// # Errors
    /// As [`upload`](Self::upload); the client comes back at once.
    pub async fn into_upload(self, transfer: Transfer) -> Result<Upload<Self>, (Self, Error)> {
        match Running::start(self, transfer).await {
            Ok(running) => Ok(Upload::new(running)),
            Err(failed) => Err(failed),
        }
    }

    /// Makes data connections in this way from now on.
    pub fn data_transport(&mut self, transport: Arc<dyn DataTransport<T>>) {
        self.data = Some(transport);
    }

    pub(crate) fn start_transfer(&mut self, transfer: Transfer) -> Result<TransferState, Error> {
        let driver = &mut self.driver.state;
        TransferState::start(R::now(), driver, &mut self.pending, transfer)
    }

    /// See [`poll_settle`](Self::poll_settle).
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        let mut back = Conversation::new(Return);
        poll_fn(|cx| self.poll_settle(cx, &mut back)).await
    }

    pub(crate) fn keep(&mut self, event: Event) -> Result<(), Error> {
        self.pending.keep(event)
    }

    pub(crate) fn open_data(&self, open: Open) -> BoxFuture<io::Result<T>> {
        match &self.data {
            Some(transport) => transport.connect(open),
            None => Box::pin(async { Err(no_transport()) }),
        }
    }

    /// Listens for a data connection that the server makes.
    pub(crate) fn listen(&self) -> BoxFuture<io::Result<Listening<T>>> {
        match &self.data {
            Some(transport) => transport.listen(self.driver.transport()),
            None => Box::pin(async { Err(no_transport()) }),
        }
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

fn no_transport() -> io::Error {
    let error = "data connections over this transport need a DataTransport";
    io::Error::new(io::ErrorKind::Unsupported, error)
}
