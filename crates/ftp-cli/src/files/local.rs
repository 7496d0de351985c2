//! Local files that are being received: under another name until they are whole.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ftp_adapter::{Fact, FileFacts};
use ftp_proto::DateTime;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use super::mirror::tree::part_name;
use super::outcome::Trouble;
use crate::target::remote_name;

/// A file that is being received. `NAME.part` (by default) has its bytes, `NAME.part.json` says which file of which
/// server they are of.
pub(crate) struct PartFile {
    target: PathBuf,
    part: PathBuf,
    notes: PathBuf,
}

/// What is remembered of the server's file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Notes {
    /// The server and the path there.
    source: String,
    size: u64,
    modified: String,
}

impl PartFile {
    /// Its part has `.part` behind the name. What a link leads to is replaced, not the link.
    ///
    /// # Errors
    /// If something is there under its name that is not a file.
    pub(crate) fn new(target: &Path) -> Result<Self, Trouble> {
        let target = match fs::symlink_metadata(target) {
            Ok(found) if found.is_symlink() => {
                fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf())
            }
            _ => target.to_path_buf(),
        };
        let part = with_suffix(&target, ".part");
        Self::with_part(target, part)
    }

    /// Its part has a name that is no other file's, and as long as all of them. Links are not followed.
    ///
    /// # Errors
    /// If something is there under its name that is not a file.
    pub(crate) fn hidden(target: &Path) -> Result<Self, Trouble> {
        let name = target.file_name().and_then(remote_name).unwrap_or_default();
        let part = target.with_file_name(part_name(&[&name]));
        if fs::symlink_metadata(target).is_ok_and(|found| !found.is_file()) {
            let target = target.display();
            return Err(Trouble::Local(format!("{target} is there, and is no file")));
        }
        Self::with_part(target.to_path_buf(), part)
    }

    fn with_part(target: PathBuf, part: PathBuf) -> Result<Self, Trouble> {
        if target.is_dir() {
            let target = target.display();
            return Err(Trouble::Local(format!("{target} is a directory")));
        }
        let notes = with_suffix(&part, ".json");
        Ok(Self {
            target,
            part,
            notes,
        })
    }

    /// Opens it to be written to. `resume`: what is there of this very file, of which the server says
    /// these facts now, is kept; whether there is something is returned.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn open(
        &self,
        resume: bool,
        source: &str,
        facts: FileFacts,
    ) -> Result<(File, bool), Trouble> {
        let trouble = |error: io::Error| self.trouble(&error);
        match fs::symlink_metadata(&self.part) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(trouble(error)),
            Ok(found) if !found.is_file() => {
                return Err(trouble(io::Error::other(
                    "it is in the way, and no file: remove it, or choose another name",
                )));
            }
            Ok(_) => {
                let notes = self.notes().filter(|notes| notes.source == source);
                if resume && notes.is_some_and(|notes| notes.facts() == Some(facts)) {
                    let file = OpenOptions::new().write(true).open(&self.part);
                    return Ok((file.map_err(trouble)?, true));
                }
                fs::remove_file(&self.part).map_err(trouble)?;
            }
        }
        self.forget()?;
        // It is new: a link that somebody puts there is not followed.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.part);
        Ok((file.map_err(trouble)?, false))
    }

    /// Remembers what the server says of its file, for a later run. To be called before the first byte of
    /// that file is written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn remember(&self, source: &str, facts: FileFacts) -> Result<(), Trouble> {
        let (Fact::Known(size), Fact::Known(modified)) = (facts.size, facts.modified) else {
            return self.forget();
        };
        let notes = Notes {
            source: source.to_owned(),
            size,
            modified: modified.to_string(),
        };
        // Plain data: writing it as JSON cannot fail.
        let text = serde_json::to_string(&notes).unwrap_or_default();
        fs::write(&self.notes, text).map_err(|error| Trouble::local(self.notes.display(), &error))
    }

    fn notes(&self) -> Option<Notes> {
        serde_json::from_slice(&fs::read(&self.notes).ok()?).ok()
    }

    fn forget(&self) -> Result<(), Trouble> {
        match fs::remove_file(&self.notes) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Trouble::local(self.notes.display(), &error))
            }
            _ => Ok(()),
        }
    }

    /// Where its bytes are until it is whole.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// A failure of the bytes so far.
    pub(crate) fn trouble(&self, error: &io::Error) -> Trouble {
        Trouble::local(self.part.display(), error)
    }

    /// What came is not what was wanted.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(crate) fn discard(&self) -> Result<(), Trouble> {
        self.forget()?;
        fs::remove_file(&self.part).map_err(|error| self.trouble(&error))
    }

    /// It failed. If nothing came, there is nothing to go on with, and nothing is left.
    pub(crate) fn leave(&self) {
        if fs::symlink_metadata(&self.part).is_ok_and(|part| part.is_file() && part.len() == 0) {
            // The failure itself is what the user must know.
            let _left = self.discard();
        }
    }

    /// It is whole: it gets its name, and perhaps this time.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub(crate) fn complete(&self, time: Option<SystemTime>) -> Result<(), Trouble> {
        if let Some(time) = time {
            let file = OpenOptions::new().write(true).open(&self.part);
            let set = file.and_then(|file| file.set_modified(time));
            set.map_err(|error| self.trouble(&error))?;
        }
        fs::rename(&self.part, &self.target)
            .map_err(|error| Trouble::local(self.target.display(), &error))?;
        self.forget()
    }
}

impl Notes {
    fn facts(&self) -> Option<FileFacts> {
        let digits = |text: &str| text.replace(['-', 'T', ':'], "");
        let modified = DateTime::parse(digits(&self.modified).as_bytes())?;
        Some(FileFacts {
            size: Fact::Known(self.size),
            modified: Fact::Known(modified),
        })
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file of this computer, which is read and written at once: what that takes is nothing beside the network.
pub(crate) struct LocalFile {
    file: File,
    position: u64,
}

impl From<File> for LocalFile {
    fn from(file: File) -> Self {
        Self { file, position: 0 }
    }
}

impl AsyncRead for LocalFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.file.read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LocalFile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.file.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for LocalFile {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.position = self.file.seek(to)?;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}

/// The time in UTC, to the second, as servers say it.
pub(crate) fn modified(file: &Metadata) -> Option<DateTime> {
    let time = file.modified().ok()?;
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok()?,
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?;
            -seconds - i64::from(before.subsec_nanos() > 0)
        }
    };
    Some(DateTime::from_unix(seconds))
}

/// The same as the computer has it.
pub(crate) fn system_time(time: DateTime) -> Option<SystemTime> {
    let seconds = time.unix();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    }
}
