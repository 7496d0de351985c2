//! Downloads and uploads that go on from where they were cut, over the connections of a pool.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::thread::sleep;
use std::time;

use ftp_adapter::{
    AskFacts, Error, ResumeDownload, ResumeOptions, ResumeReport, ResumeUpload, UPLOAD_PIECE,
    jitter,
};
use ftp_proto::Instant;
use ftp_proto::client::Transfer;

use crate::{Client, Download, Pool, Upload};

/// How much is received at a time.
const PIECE: usize = 64 * 1024;

impl Pool {
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
    /// # Errors
    /// The error of the last try. [`Error::Local`] if the sink fails; [`Error::SinkTooLong`] if it was
    /// longer than the file is.
    pub fn download_into<S: Write + Seek>(
        &self,
        path: impl AsRef<[u8]>,
        sink: &mut S,
        options: ResumeOptions,
    ) -> Result<ResumeReport, Error> {
        self.download_by(path.as_ref(), sink, options, receive)
    }

    /// The same into a file, as [`Download::copy_to_file`] does: on Linux, the system copies what comes in
    /// clear.
    ///
    /// # Errors
    /// As [`download_into`](Self::download_into).
    pub fn download_into_file(
        &self,
        path: impl AsRef<[u8]>,
        file: &mut File,
        options: ResumeOptions,
    ) -> Result<ResumeReport, Error> {
        self.download_by(path.as_ref(), file, options, |download, file, state| {
            let received = download.copy_pieces_to(file, |count| state.received(count));
            received.map(drop)
        })
    }

    fn download_by<S: Write + Seek>(
        &self,
        path: &[u8],
        sink: &mut S,
        options: ResumeOptions,
        receive: impl Fn(&mut Download<&mut Client>, &mut S, &mut ResumeDownload) -> Result<(), Error>,
    ) -> Result<ResumeReport, Error> {
        let now = clock();
        let length = sink.seek(SeekFrom::End(0)).map_err(Error::Local)?;
        let mut state = ResumeDownload::start(now(), options, length);
        let mut again = false;
        loop {
            let error = match self.try_download(&mut state, path, sink, again, &receive) {
                Ok(report) => return Ok(report),
                Err(error) => error,
            };
            match state.failed(now(), &error, jitter()) {
                Some(at) => sleep(at - now()),
                None => return Err(error),
            }
            again = true;
        }
    }

    fn try_download<S: Write + Seek>(
        &self,
        state: &mut ResumeDownload,
        path: &[u8],
        sink: &mut S,
        again: bool,
        receive: impl Fn(&mut Download<&mut Client>, &mut S, &mut ResumeDownload) -> Result<(), Error>,
    ) -> Result<ResumeReport, Error> {
        let mut ftp = self.lend(again)?;
        state.connected();
        let facts = match state.asked() {
            Some(facts) => facts,
            None => ftp.file_facts(path)?,
        };
        let Some(offset) = state.begin(facts) else {
            return state.finished(None);
        };
        sink.seek(SeekFrom::Start(offset)).map_err(Error::Local)?;
        let transfer = Transfer::retrieve(path)?.offset(offset).size(state.size());
        let mut download = ftp.download(transfer)?;
        receive(&mut download, sink, state)?;
        let report = download.finish()?;
        drop(download);
        state.transferred(report);
        sink.flush().map_err(Error::Local)?;
        let now = match state.is_resumed() {
            true => Some(ftp.file_facts(path)?),
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
    /// # Errors
    /// The error of the last try. [`Error::Local`] if the source fails, or became shorter.
    pub fn upload_from<S: Read + Seek>(
        &self,
        path: impl AsRef<[u8]>,
        source: &mut S,
        options: ResumeOptions,
    ) -> Result<ResumeReport, Error> {
        self.upload_by(path.as_ref(), source, options, send)
    }

    /// The same from a file, as [`Upload::copy_from_file`] does: on Linux, the system copies what goes out in
    /// clear.
    ///
    /// # Errors
    /// As [`upload_from`](Self::upload_from).
    pub fn upload_from_file(
        &self,
        path: impl AsRef<[u8]>,
        file: &mut File,
        options: ResumeOptions,
    ) -> Result<ResumeReport, Error> {
        self.upload_by(path.as_ref(), file, options, |upload, file, state| {
            let left = state.left();
            let sent = upload.copy_pieces_from(file, left, |count| state.sending(count))?;
            is_all(sent == left)
        })
    }

    fn upload_by<S: Read + Seek>(
        &self,
        path: &[u8],
        source: &mut S,
        options: ResumeOptions,
        send: impl Fn(&mut Upload<&mut Client>, &mut S, &mut ResumeUpload) -> Result<(), Error>,
    ) -> Result<ResumeReport, Error> {
        let now = clock();
        let length = source.seek(SeekFrom::End(0)).map_err(Error::Local)?;
        let mut state = ResumeUpload::start(now(), options, length);
        let mut again = false;
        loop {
            let error = match self.try_upload(&mut state, path, source, again, &send) {
                Ok(report) => return Ok(report),
                Err(error) => error,
            };
            match state.failed(now(), &error, jitter()) {
                Some(at) => sleep(at - now()),
                None => return Err(error),
            }
            again = true;
        }
    }

    fn try_upload<S: Read + Seek>(
        &self,
        state: &mut ResumeUpload,
        path: &[u8],
        source: &mut S,
        again: bool,
        send: impl Fn(&mut Upload<&mut Client>, &mut S, &mut ResumeUpload) -> Result<(), Error>,
    ) -> Result<ResumeReport, Error> {
        let mut ftp = self.lend(again)?;
        state.connected();
        let facts = match state.asked() {
            Some(facts) => facts,
            None => ftp.file_facts(path)?,
        };
        let Some(offset) = state.begin(facts) else {
            return state.finished(facts);
        };
        source.seek(SeekFrom::Start(offset)).map_err(Error::Local)?;
        let transfer = Transfer::store(path)?.offset(offset);
        let mut upload = ftp.upload(transfer)?;
        send(&mut upload, source, state)?;
        let report = upload.finish()?;
        drop(upload);
        state.transferred(report);
        state.finished(ftp.converse(AskFacts::size(path)?)?)
    }
}

fn receive<S: Write>(
    download: &mut Download<&mut Client>,
    sink: &mut S,
    state: &mut ResumeDownload,
) -> Result<(), Error> {
    let mut piece = vec![0; PIECE];
    loop {
        let count = download.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        state.received(count)?;
        sink.write_all(&piece[..count]).map_err(Error::Local)?;
    }
}

fn send<S: Read>(
    upload: &mut Upload<&mut Client>,
    source: &mut S,
    state: &mut ResumeUpload,
) -> Result<(), Error> {
    let left = |state: &ResumeUpload| usize::try_from(state.left()).unwrap_or(UPLOAD_PIECE);
    let mut piece = vec![0; left(state).min(UPLOAD_PIECE)];
    while let left @ 1.. = left(state) {
        let most = left.min(piece.len());
        let space = &mut piece[..most];
        let count = match source.read(space) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Local(error)),
        };
        is_all(count > 0)?;
        state.sending(count);
        upload.write_all(&piece[..count])?;
    }
    Ok(())
}

/// The source must not become shorter.
fn is_all(is_all: bool) -> Result<(), Error> {
    match is_all {
        true => Ok(()),
        false => Err(Error::Local(ErrorKind::UnexpectedEof.into())),
    }
}

/// The time since now.
fn clock() -> impl Fn() -> Instant {
    let start = time::Instant::now();
    move || Instant::from_start(start.elapsed())
}
