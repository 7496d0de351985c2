//! Local files that are being received: under another name until they are whole.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ftp_adapter::{Error, Fact, FileFacts};
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
    /// Nobody else gives files such names.
    is_hidden: bool,
    /// Locked from when it is opened until it has its name.
    file: Option<File>,
}

/// What is remembered of the server's file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Notes {
    /// The server and the path there.
    source: String,
    size: Option<u64>,
    modified: Option<String>,
}

impl PartFile {
    /// Its part has `.part` behind the name, unless that is too long. What a link leads to is replaced, not the
    /// link.
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
        match fs::symlink_metadata(with_suffix(&part, ".json")) {
            Err(error) if error.kind() == ErrorKind::InvalidFilename => Self::hidden(&target),
            _ => Self::with_part(target, part, false),
        }
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
        Self::with_part(target.to_path_buf(), part, true)
    }

    fn with_part(target: PathBuf, part: PathBuf, is_hidden: bool) -> Result<Self, Trouble> {
        if let Ok(found) = fs::metadata(&target)
            && !found.is_file()
        {
            let what = match found.is_dir() {
                true => "is a directory",
                false => "is there, and is no file",
            };
            return Err(Trouble::Local(format!("{} {what}", target.display())));
        }
        let notes = with_suffix(&part, ".json");
        Ok(Self {
            target,
            part,
            notes,
            is_hidden,
            file: None,
        })
    }

    /// Opens it to be written to. `resume`: what is there of this very file, of which the server says
    /// these facts now, is kept; whether there is something is returned.
    ///
    /// # Errors
    /// If it cannot be opened, another program is receiving it, or a file of somebody else is in the way.
    pub(crate) fn open(
        &mut self,
        resume: bool,
        source: &str,
        facts: FileFacts,
    ) -> Result<(File, bool), Trouble> {
        let trouble = |error: io::Error| self.trouble(&error);
        let old = self.old().map_err(trouble)?;
        let notes = self.notes().filter(|notes| notes.source == source);
        let is_known = notes.is_some_and(|notes| notes.facts() == Some(facts));
        let (file, begun) = match old {
            Some(old) if resume && is_known => (old, true),
            old => {
                if let Some(old) = &old {
                    self.check_own(old).map_err(trouble)?;
                    fs::remove_file(&self.part).map_err(trouble)?;
                }
                self.forget()?;
                (self.create().map_err(trouble)?, false)
            }
        };
        self.file = Some(file.try_clone().map_err(trouble)?);
        Ok((file, begun))
    }

    /// What is there of an earlier run.
    fn old(&self) -> io::Result<Option<File>> {
        match fs::symlink_metadata(&self.part) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
            Ok(found) if !found.is_file() => {
                return Err(io::Error::other(
                    "it is in the way, and no file: remove it, or choose another name",
                ));
            }
            Ok(_) => {}
        }
        let file = OpenOptions::new().write(true).open(&self.part)?;
        self.lock(&file)?;
        Ok(Some(file))
    }

    /// A file that only has such a name is not to be lost: there are notes beside what was left here.
    fn check_own(&self, old: &File) -> io::Result<()> {
        let is_own = self.is_hidden
            || old.metadata()?.len() == 0
            || fs::symlink_metadata(&self.notes).is_ok();
        match is_own {
            true => Ok(()),
            false => Err(io::Error::other(
                "it is in the way, and no earlier run left it: remove it, or choose another name",
            )),
        }
    }

    /// It is new: a link that somebody puts there is not followed.
    fn create(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if let Some(old) = self.old_permissions() {
            // Nobody may read it who may not read the old one.
            use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
            options.mode(old.mode() | 0o600);
        }
        let file = options.open(&self.part)?;
        self.lock(&file)?;
        Ok(file)
    }

    /// Who may do what with the file that is to be replaced.
    #[cfg(unix)]
    fn old_permissions(&self) -> Option<fs::Permissions> {
        let old = fs::metadata(&self.target).ok()?;
        Some(permissions(&old))
    }

    /// Two programs that receive the same file would take each other's part for a whole one.
    #[cfg(unix)]
    fn lock(&self, file: &File) -> io::Result<()> {
        use rustix::fs::{FlockOperation, flock};
        use std::os::unix::fs::MetadataExt;
        let is_other = || {
            let (mine, there) = (file.metadata()?, fs::symlink_metadata(&self.part)?);
            Ok::<_, io::Error>((mine.dev(), mine.ino()) != (there.dev(), there.ino()))
        };
        // Not all file systems have locks.
        let is_locked = flock(file, FlockOperation::NonBlockingLockExclusive)
            == Err(rustix::io::Errno::WOULDBLOCK);
        match is_locked || is_other()? {
            true => Err(io::Error::other("another program is receiving it")),
            false => Ok(()),
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    fn lock(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    /// Remembers what the server says of its file, for a later run. To be called before the first byte of
    /// that file is written.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn remember(&self, source: &str, facts: FileFacts) -> Result<(), Trouble> {
        let notes = Notes {
            source: source.to_owned(),
            size: facts.size.known(),
            modified: facts.modified.known().map(|time| time.to_string()),
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
        self.leave_if(|length| length > 0);
    }

    /// The transfer failed like this; the server said this of the file. What no later run may go on with is not left.
    pub(crate) fn leave_after(&self, error: &Error, facts: FileFacts) {
        self.leave_if(|length| length > 0 && !error.spoils(facts.size.known() == Some(length)));
    }

    fn leave_if(&self, is_left: impl FnOnce(u64) -> bool) {
        if fs::symlink_metadata(&self.part).is_ok_and(|part| part.is_file() && !is_left(part.len()))
        {
            // The failure itself is what the user must know.
            let _left = self.discard();
        }
    }

    /// It is whole: it gets its name, and perhaps this time.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub(crate) fn complete(&self, time: Option<SystemTime>) -> Result<(), Trouble> {
        self.set_facts(time).map_err(|error| self.trouble(&error))?;
        fs::rename(&self.part, &self.target)
            .map_err(|error| Trouble::local(self.target.display(), &error))?;
        self.forget()
    }

    fn set_facts(&self, time: Option<SystemTime>) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        #[cfg(unix)]
        if let Some(old) = self.old_permissions()
            && permissions(&file.metadata()?) != old
        {
            // Not all file systems can change them.
            file.set_permissions(old)?;
        }
        match time {
            Some(time) => file.set_modified(time),
            None => Ok(()),
        }
    }
}

/// Those of the owner, the group and others.
#[cfg(unix)]
fn permissions(file: &fs::Metadata) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(file.permissions().mode() & 0o777)
}

impl Notes {
    /// If they are enough to say that it is the same file.
    fn facts(&self) -> Option<FileFacts> {
        let digits = |text: &str| text.replace(['-', 'T', ':'], "");
        let modified = DateTime::parse(digits(self.modified.as_deref()?).as_bytes())?;
        Some(FileFacts {
            size: Fact::Known(self.size?),
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
    way: FileWay,
}

enum FileWay {
    Sink,
    /// What was known of it before it was read.
    Source(Metadata),
}

impl LocalFile {
    /// What is received goes into it. What is behind the place where a try begins is removed: it may be of another
    /// file, and a later run would take it for the beginning of this one.
    pub(crate) fn sink(file: File) -> Self {
        Self {
            file,
            position: 0,
            way: FileWay::Sink,
        }
    }

    /// It is sent. If somebody writes to it meanwhile, other than at its end, reading it fails at the end: what was
    /// read is no state of it.
    pub(crate) fn source(file: File, facts: Metadata) -> Self {
        Self {
            file,
            position: 0,
            way: FileWay::Source(facts),
        }
    }

    fn check_unchanged(&self) -> io::Result<()> {
        let FileWay::Source(before) = &self.way else {
            return Ok(());
        };
        let now = self.file.metadata()?;
        let is_written = now.modified().ok() != before.modified().ok();
        match is_written && now.len() <= before.len() {
            true => Err(io::Error::other("it changed while it was read")),
            false => Ok(()),
        }
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
        self.position += count as u64;
        if let FileWay::Source(before) = &self.way
            && (count == 0 || self.position >= before.len())
        {
            self.check_unchanged()?;
        }
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
        match (&self.way, to) {
            (FileWay::Sink, SeekFrom::Start(length)) => self.file.set_len(length),
            _ => Ok(()),
        }
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
