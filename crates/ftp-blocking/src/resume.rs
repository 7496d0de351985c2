//! Downloads and uploads that go on from where they were cut, over the connections of a pool.

use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::thread::sleep;
use std::time;

use ftp_adapter::{
    AskFacts, Error, ResumeDownload, ResumeOptions, ResumeReport, ResumeUpload, jitter,
};
use ftp_proto::Instant;
use ftp_proto::client::Transfer;

use crate::Pool;

/// How much is moved at a time.
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
        let (path, now) = (path.as_ref(), clock());
        let length = sink.seek(SeekFrom::End(0)).map_err(Error::Local)?;
        let mut state = ResumeDownload::start(now(), options, length);
        let mut again = false;
        loop {
            let error = match self.try_download(&mut state, path, sink, again) {
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
        let mut piece = vec![0; PIECE];
        loop {
            let count = download.read(&mut piece)?;
            if count == 0 {
                break;
            }
            state.received(count)?;
            sink.write_all(&piece[..count]).map_err(Error::Local)?;
        }
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
        let (path, now) = (path.as_ref(), clock());
        let length = source.seek(SeekFrom::End(0)).map_err(Error::Local)?;
        let mut state = ResumeUpload::start(now(), options, length);
        let mut again = false;
        loop {
            let error = match self.try_upload(&mut state, path, source, again) {
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
        let mut piece = vec![0; PIECE];
        while let left @ 1.. = usize::try_from(state.left()).unwrap_or(PIECE) {
            let space = &mut piece[..left.min(PIECE)];
            let count = match source.read(space) {
                Ok(0) => return Err(Error::Local(ErrorKind::UnexpectedEof.into())),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::Local(error)),
            };
            state.sending(count);
            upload.write_all(&piece[..count])?;
        }
        let report = upload.finish()?;
        drop(upload);
        state.transferred(report);
        state.finished(ftp.converse(AskFacts::size(path)?)?)
    }
}

/// The time since now.
fn clock() -> impl Fn() -> Instant {
    let start = time::Instant::now();
    move || Instant::from_start(start.elapsed())
}
