//! Downloads and uploads that go on from where they were cut, over the connections of a pool.

use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::ready;

use ftp_adapter::{
    AskFacts, Error, ResumeDownload, ResumeOptions, ResumeReport, ResumeUpload, UPLOAD_PIECE,
    jitter,
};
use ftp_proto::Instant;
use ftp_proto::client::Transfer;
use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};

use crate::runtime::{later, sleep_until};
use crate::{FuturesIo, Pool, Runtime};

/// How much is received at a time.
const PIECE: usize = 64 * 1024;

/// How a runtime writes to what a download goes into: a file, as a rule.
///
/// Implemented with the traits of tokio on tokio, with those of `futures-io` elsewhere.
pub trait SinkIo<S> {
    /// Writes all of the bytes.
    fn write(sink: &mut S, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Writes out what the sink itself holds.
    fn flush(sink: &mut S) -> impl Future<Output = io::Result<()>> + Send;

    /// Goes to this place, and says which byte that is.
    fn seek(sink: &mut S, to: SeekFrom) -> impl Future<Output = io::Result<u64>> + Send;
}

/// How a runtime reads what an upload comes from: a file, as a rule.
///
/// Implemented with the traits of tokio on tokio, with those of `futures-io` elsewhere.
pub trait SourceIo<S> {
    /// Reads some bytes. `Ok(0)`: the end.
    fn read(source: &mut S, space: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;

    /// Goes to this place, and says which byte that is.
    fn seek(source: &mut S, to: SeekFrom) -> impl Future<Output = io::Result<u64>> + Send;
}

impl<R: FuturesIo, S: AsyncWrite + AsyncSeek + Unpin + Send> SinkIo<S> for R {
    async fn write(sink: &mut S, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|cx| {
            while !bytes.is_empty() {
                let count = ready!(Pin::new(&mut *sink).poll_write(cx, bytes))?;
                if count == 0 {
                    return Err(io::ErrorKind::WriteZero.into()).into();
                }
                bytes = &bytes[count..];
            }
            Ok(()).into()
        })
        .await
    }

    async fn flush(sink: &mut S) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut *sink).poll_flush(cx)).await
    }

    async fn seek(sink: &mut S, to: SeekFrom) -> io::Result<u64> {
        poll_fn(|cx| Pin::new(&mut *sink).poll_seek(cx, to)).await
    }
}

impl<R: FuturesIo, S: AsyncRead + AsyncSeek + Unpin + Send> SourceIo<S> for R {
    async fn read(source: &mut S, space: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *source).poll_read(cx, space)).await
    }

    async fn seek(source: &mut S, to: SeekFrom) -> io::Result<u64> {
        poll_fn(|cx| Pin::new(&mut *source).poll_seek(cx, to)).await
    }
}

impl<R: Runtime + 'static> Pool<R> {
    /// Receives a file, from its first byte to its last, and writes it to the sink from its start. A
    /// transfer that is cut is tried again, over a connection that answers, as often as the options
    /// say.
    ///
    /// The next try goes on where the one before was cut, if the server says the same size (`SIZE`) and
    /// time (`MDTM`) of the file as at first, before and after the try. If it says others, or does
    /// not say them, the next try starts over at byte 0. So the sink gets the bytes of one file, and
    /// never a mixture. Only a change that leaves size and time as they were goes unnoticed, and a
    /// server that does not begin where it is told to and besides claims a transfer whole that is not.
    ///
    /// Not tried again: what is refused for good (5yz), failures of a login that may mean a wrong
    /// password, failures of TLS, and failures of the sink.
    ///
    /// Dropping the future gives the transfer up.
    ///
    /// # Errors
    /// The error of the last try. [`Error::Local`] if the sink fails; [`Error::SinkTooLong`] if it was longer
    /// than the file is.
    pub async fn download_into<S>(
        &self,
        path: impl AsRef<[u8]>,
        sink: &mut S,
        options: ResumeOptions,
    ) -> Result<ResumeReport, Error>
    where
        R: SinkIo<S>,
    {
        let (path, now) = (path.as_ref(), clock::<R>());
        let length = <R as SinkIo<S>>::seek(sink, SeekFrom::End(0)).await;
        let mut state = ResumeDownload::start(now(), options, length.map_err(Error::Local)?);
        let mut again = false;
        loop {
            let error = match self.try_download(&mut state, path, sink, again).await {
                Ok(report) => return Ok(report),
                Err(error) => error,
            };
            match state.failed(now(), &error, jitter()) {
                Some(at) => sleep_until::<R>(later::<R>(at - now())).await,
                None => return Err(error),
            }
            again = true;
        }
    }

    async fn try_download<S>(
        &self,
        state: &mut ResumeDownload,
        path: &[u8],
        sink: &mut S,
        again: bool,
    ) -> Result<ResumeReport, Error>
    where
        R: SinkIo<S>,
    {
        let mut ftp = self.lend(again).await?;
        state.connected();
        let facts = match state.asked() {
            Some(facts) => facts,
            None => ftp.file_facts(path).await?,
        };
        let Some(offset) = state.begin(facts) else {
            return state.finished(None);
        };
        let to = SeekFrom::Start(offset);
        <R as SinkIo<S>>::seek(sink, to)
            .await
            .map_err(Error::Local)?;
        let transfer = Transfer::retrieve(path)?.offset(offset).size(state.size());
        let mut download = ftp.download(transfer).await?;
        let mut piece = vec![0; PIECE];
        loop {
            let count = download.read(&mut piece).await?;
            if count == 0 {
                break;
            }
            state.received(count)?;
            R::write(sink, &piece[..count])
                .await
                .map_err(Error::Local)?;
        }
        let report = download.finish().await?;
        drop(download);
        state.transferred(report);
        R::flush(sink).await.map_err(Error::Local)?;
        let now = match state.is_resumed() {
            true => Some(ftp.file_facts(path).await?),
            false => None,
        };
        state.finished(now)
    }

    /// Sends a file, from its first byte to its last, in place of one that is there. A transfer that is
    /// cut is tried again, over a connection that answers, as often as the options say.
    ///
    /// The next try goes on after what has arrived, which is the size that the server says of its file
    /// (`SIZE`), if that is not more than was sent, and the file is not the one that was there before
    /// (by its size and `MDTM`). Otherwise it starts over at byte 0. In the end the size is compared
    /// with that of the source, which must not change meanwhile.
    ///
    /// Not tried again: what is refused for good (5yz), failures of a login that may mean a wrong
    /// password, failures of TLS, and failures of the source.
    ///
    /// Dropping the future gives the transfer up; the server may keep a part of the file.
    ///
    /// # Errors
    /// The error of the last try. [`Error::Local`] if the source fails, or became shorter.
    pub async fn upload_from<S>(
        &self,
        path: impl AsRef<[u8]>,
        source: &mut S,
        options: ResumeOptions,
    ) -> Result<ResumeReport, Error>
    where
        R: SourceIo<S>,
    {
        let (path, now) = (path.as_ref(), clock::<R>());
        let length = <R as SourceIo<S>>::seek(source, SeekFrom::End(0)).await;
        let mut state = ResumeUpload::start(now(), options, length.map_err(Error::Local)?);
        let mut again = false;
        loop {
            let error = match self.try_upload(&mut state, path, source, again).await {
                Ok(report) => return Ok(report),
                Err(error) => error,
            };
            match state.failed(now(), &error, jitter()) {
                Some(at) => sleep_until::<R>(later::<R>(at - now())).await,
                None => return Err(error),
            }
            again = true;
        }
    }

    async fn try_upload<S>(
        &self,
        state: &mut ResumeUpload,
        path: &[u8],
        source: &mut S,
        again: bool,
    ) -> Result<ResumeReport, Error>
    where
        R: SourceIo<S>,
    {
        let mut ftp = self.lend(again).await?;
        state.connected();
        let facts = match state.asked() {
            Some(facts) => facts,
            None => ftp.file_facts(path).await?,
        };
        let Some(offset) = state.begin(facts) else {
            return state.finished(facts);
        };
        let to = SeekFrom::Start(offset);
        <R as SourceIo<S>>::seek(source, to)
            .await
            .map_err(Error::Local)?;
        let transfer = Transfer::store(path)?.offset(offset);
        let mut upload = ftp.upload(transfer).await?;
        let left = |state: &ResumeUpload| usize::try_from(state.left()).unwrap_or(UPLOAD_PIECE);
        let mut piece = vec![0; left(state).min(UPLOAD_PIECE)];
        while let left @ 1.. = left(state) {
            let most = left.min(piece.len());
            let space = &mut piece[..most];
            let count = R::read(source, space).await.map_err(Error::Local)?;
            if count == 0 {
                return Err(Error::Local(io::ErrorKind::UnexpectedEof.into()));
            }
            state.sending(count);
            upload.write_all(&piece[..count]).await?;
        }
        let report = upload.finish().await?;
        drop(upload);
        state.transferred(report);
        state.finished(ftp.converse(AskFacts::size(path)?).await?)
    }
}

/// The time since now.
fn clock<R: Runtime>() -> impl Fn() -> Instant {
    let start = R::now();
    move || Instant::from_start(R::now().saturating_duration_since(start))
}
