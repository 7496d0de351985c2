//! `ftp-cli put`: sends files.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftp_adapter::{Error, Fact, FileFacts, UPLOAD_PIECE};
use ftp_proto::client::Transfer;
use futures_util::TryFutureExt;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::local::{LocalFile, modified};
use super::make::make_path;
use super::metered::{Metered, Throttle};
use super::mirror::tree::part_name;
use super::outcome::{Success, Trouble, Whole};
use super::session::Session;
use super::site::{Site, Sites};
use super::verify::{can_hash, compare_hash, compare_size, server_hash};
use crate::cli::{PutArguments, VerifyChoice};
use crate::exit::{Exit, Failure};
use crate::progress::Meter;
use crate::target::{RemotePath, Target, remote_name};

/// What is put behind the name of a file until it is whole.
const SUFFIX: &[u8] = b".part";

/// How many bytes a name may have on most servers.
const LONGEST_NAME: usize = 255;

const EXAMPLE: &str = "as in: ftp-cli put FILE ftp://user@host/directory/";

/// How files are sent.
#[derive(Clone, Copy)]
pub(super) struct Manner<'a> {
    pub(super) resume: bool,
    pub(super) append: bool,
    pub(super) atomic: bool,
    pub(super) make_dirs: bool,
    pub(super) keep_time: bool,
    pub(super) verify: Option<VerifyChoice>,
    pub(super) throttle: Option<&'a Throttle>,
}

/// One file to send.
struct Job {
    /// `None`: standard input.
    local: Option<PathBuf>,
    path: RemotePath,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the options.
pub(super) async fn run(
    arguments: &PutArguments,
    mut session: Session<'_>,
) -> Result<Exit, Failure> {
    let mut sites = Sites::new(&arguments.session, 1);
    let (site, jobs) = plan(arguments, &mut sites)?;
    let throttle = arguments.limit_rate.map(Throttle::new);
    let manner = Manner {
        resume: arguments.resume,
        append: arguments.append,
        atomic: arguments.atomic,
        make_dirs: arguments.make_dirs,
        keep_time: arguments.keep_time,
        verify: arguments.verify,
        throttle: throttle.as_ref(),
    };
    session.expect(jobs.len(), None);
    if !arguments.resume && !arguments.append {
        session.advice.cut = Some("--continue goes on with what has arrived");
    }
    session.advice.not_verified = Some("what the server has is not this file: send it again");
    if !arguments.make_dirs {
        session.advice.not_stored = Some(
            "may this user store there, and is the directory there? --make-dirs makes it; a URL of a directory ends with /",
        );
    }
    let session = &session;
    let work = async |job: Job| {
        let moves = async |meter: &Meter| {
            site.send(job.local.as_deref(), &job.path, manner, meter)
                .await
        };
        session.file(&site, job.path.as_bytes(), moves).await;
    };
    session.each(1, jobs, work).await;
    session.finish(&sites).await
}

fn plan(arguments: &PutArguments, sites: &mut Sites<'_>) -> Result<(Arc<Site>, Vec<Job>), Failure> {
    let (url, files) = match arguments.paths.as_slice() {
        [files @ .., url] if !files.is_empty() => (url, files),
        _ => {
            return Err(Failure::usage(
                "put needs a file, or several, and then the URL to send to",
            )
            .hint(EXAMPLE));
        }
    };
    let url = url
        .to_str()
        .filter(|url| url.contains("://"))
        .ok_or_else(|| {
            Failure::usage(format!(
                "the last argument says where to send the files, and {} is no URL",
                Path::new(url).display()
            ))
            .hint(EXAMPLE)
        })?;
    let mut target = Target::parse(url)?;
    if files.iter().filter(|file| *file == "-").count() > 1 {
        return Err(Failure::usage("standard input (-) can be sent once"));
    }
    let mut jobs = Vec::new();
    for file in files {
        jobs.push(job(arguments, file, &target.path, files.len() > 1)?);
    }
    Ok((sites.of(&mut target)?, jobs))
}

fn job(
    arguments: &PutArguments,
    file: &OsString,
    to: &RemotePath,
    is_one_of_many: bool,
) -> Result<Job, Failure> {
    let is_stdin = file == "-";
    let shown = Path::new(file).display();
    if is_stdin || is_stream(Path::new(file)) {
        let what = match is_stdin {
            true => "- (standard input)".to_owned(),
            false => format!("{shown} (no file)"),
        };
        let wrong = [
            ("--continue", arguments.resume),
            ("--keep-time", arguments.keep_time),
            (
                "--verify hash",
                arguments.verify == Some(VerifyChoice::Hash),
            ),
            (
                "--password-stdin",
                is_stdin && arguments.session.connection.password_stdin,
            ),
        ];
        if let Some((option, _)) = wrong.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::usage(format!(
                "{option} and {what} exclude each other"
            )));
        }
    }
    let local = (!is_stdin).then(|| PathBuf::from(file));
    if local.as_deref().is_some_and(Path::is_dir) {
        return Err(
            Failure::usage(format!("{shown} is a directory, and put sends files"))
                .hint("ftp-cli mirror sends directories"),
        );
    }
    let path = match (to.is_directory(), &local) {
        (true, Some(local)) => {
            let name = local.file_name().and_then(remote_name).ok_or_else(|| {
                Failure::usage(format!("{shown:?} has a name that FTP cannot send"))
                    .hint("send it alone, to a URL with another name at its end")
            })?;
            to.join(&name)
        }
        (true, None) => {
            return Err(
                Failure::usage("what comes from standard input needs a name")
                    .hint("put one at the end of the URL: ftp://user@host/directory/name"),
            );
        }
        (false, _) if is_one_of_many => {
            return Err(Failure::usage(format!(
                "several files need a directory, and the URL names {to}"
            ))
            .hint("if it is a directory, write it with / at its end"));
        }
        (false, _) => to.clone(),
    };
    Ok(Job { local, path })
}

impl Site {
    /// Sends a file, or standard input.
    pub(super) async fn send(
        &self,
        local: Option<&Path>,
        path: &RemotePath,
        manner: Manner<'_>,
        meter: &Meter,
    ) -> Result<Whole, Trouble> {
        let source = match local {
            None => Source::Stream(Box::new(tokio::io::stdin())),
            Some(local) => Source::open(local).await?,
        };
        if manner.verify == Some(VerifyChoice::Hash) {
            can_hash(self).await?;
        }
        let here = match &source {
            Source::File(_, facts) => Some(facts.clone()),
            Source::Stream(_) => None,
        };
        let here = here.as_ref();
        if manner.resume && self.has_all(here, path).await? {
            return Ok(Whole {
                success: Success::Skipped,
                note: Some("the server has it already".to_owned()),
                ..Whole::default()
            });
        }
        if let (true, Some(parent)) = (manner.make_dirs, path.parent()) {
            self.ask(async |client| make_path(client, &parent).await)
                .await?;
        }
        let to = match manner.atomic {
            true => path.beside(&with_suffix(path.name())),
            false => path.clone(),
        };
        let time = here.and_then(modified);
        meter.set_size(here.map(Metadata::len));
        let sent = match source {
            Source::File(file, facts) if !manner.append => {
                let source = LocalFile::source(file, facts.clone());
                self.send_file(source, &facts, &to, manner, meter).await
            }
            Source::File(file, facts) => {
                let source = LocalFile::source(file, facts);
                self.send_stream(source, &to, manner, meter).await
            }
            Source::Stream(stream) => self.send_stream(stream, &to, manner, meter).await,
        };
        let whole = sent.map_err(|trouble| {
            trouble.of_file(local.unwrap_or_else(|| Path::new("standard input")))
        })?;
        match (manner.verify, local) {
            (Some(VerifyChoice::Hash), Some(local)) => {
                compare_hash(server_hash(self, &to).await?, local).await?;
            }
            (Some(_), _) => {
                let facts = self
                    .ask(async |client| client.file_facts(to.as_bytes()).await)
                    .await?;
                let length = match (here, local) {
                    (Some(_), Some(local)) => open(local)?.1.len(),
                    _ => meter.bytes(),
                };
                compare_size(facts.size.known(), length)?;
            }
            (None, _) => {}
        }
        let mut whole = whole;
        if manner.atomic
            && let Some(note) = self.rename_over(&to, path).await?
        {
            whole = whole.note(&note);
        }
        match time.filter(|_| manner.keep_time) {
            Some(time) => {
                let set = self.ask(async |client| client.set_modified(path.as_bytes(), time).await);
                Ok(match set.await {
                    Ok(_) => whole,
                    Err(Error::NotSupported(_)) => {
                        whole.note("the server cannot set its time (MFMT)")
                    }
                    Err(error) => return Err(error.into()),
                })
            }
            None => Ok(whole),
        }
    }

    /// Whether the server's file has the size of the local one, and is not older.
    async fn has_all(&self, here: Option<&Metadata>, path: &RemotePath) -> Result<bool, Trouble> {
        let Some(here) = here else {
            return Ok(false);
        };
        let there = self
            .ask(async |client| client.file_facts(path.as_bytes()).await)
            .await?;
        let is_set = there
            .modified
            .known()
            .is_some_and(|there| Some(there) == modified(here));
        Ok(there.size == Fact::Known(here.len())
            && (is_set || self.is_newer(there, here, path).await?))
    }

    /// Sends a file, and goes on with it where it is cut.
    async fn send_file(
        &self,
        source: LocalFile,
        here: &Metadata,
        to: &RemotePath,
        manner: Manner<'_>,
        meter: &Meter,
    ) -> Result<Whole, Trouble> {
        let mut options = self.resume_options_for(here.len());
        if manner.resume {
            let there = self
                .ask(async |client| client.file_facts(to.as_bytes()).await)
                .await?;
            options = options.asked(there);
            // An older file is not the beginning of this one, which changed after it.
            if self.is_newer(there, here, to).await? {
                options = options.begun(there);
            }
        }
        let mut source = Metered::new(source, meter, manner.throttle);
        let sent = self
            .pool()
            .await?
            .upload_from(to.as_bytes(), &mut source, options)
            .await;
        Ok(Whole::of(sent?))
    }

    /// Whether the server's file, or the part of one, was written after the local one.
    async fn is_newer(
        &self,
        there: FileFacts,
        here: &Metadata,
        path: &RemotePath,
    ) -> Result<bool, Trouble> {
        let (Fact::Known(size), Fact::Known(there)) = (there.size, there.modified) else {
            return Ok(false);
        };
        if size == 0 || size > here.len() {
            return Ok(false);
        }
        let directory = path.parent().unwrap_or_else(|| path.top());
        let clock = self.clock(&directory).await?;
        Ok(modified(here).is_some_and(|here| clock.here(there) >= here))
    }

    /// Sends what cannot be sent twice.
    async fn send_stream(
        &self,
        source: impl AsyncRead + Unpin,
        to: &RemotePath,
        manner: Manner<'_>,
        meter: &Meter,
    ) -> Result<Whole, Trouble> {
        let transfer = match manner.append {
            true => Transfer::append(to.as_bytes()),
            false => Transfer::store(to.as_bytes()),
        };
        let transfer = transfer.map_err(Error::from)?;
        let mut source = Metered::new(source, meter, manner.throttle);
        let report = self
            .once(async |client| {
                let mut upload = client.upload(transfer).await?;
                let mut piece = vec![0; UPLOAD_PIECE];
                loop {
                    // What was written goes on meanwhile: nobody knows how long nothing comes.
                    let (count, ()) = tokio::try_join!(
                        source.read(&mut piece).map_err(Error::Local),
                        std::future::poll_fn(|cx| upload.poll_flush_all(cx)),
                    )?;
                    match count {
                        0 => return upload.finish().await,
                        count => upload.write_all(&piece[..count]).await?,
                    }
                }
            })
            .await?;
        Ok(Whole {
            reply: Some(report.reply),
            tls: report.tls,
            ..Whole::default()
        })
    }
}

/// What is sent.
enum Source {
    File(File, Metadata),
    /// What can be read once: standard input, a pipe, a device.
    Stream(Box<dyn AsyncRead + Unpin + Send>),
}

impl Source {
    async fn open(path: &Path) -> Result<Self, Trouble> {
        if is_stream(path) {
            // It may take as long as somebody likes.
            let opened = tokio::fs::File::open(path).await;
            let file = opened.map_err(|error| Trouble::local(path.display(), &error))?;
            return Ok(Self::Stream(Box::new(file)));
        }
        let (file, facts) = open(path)?;
        Ok(Self::File(file, facts))
    }
}

/// Whether something is there that is neither a file nor a directory.
fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The name of a file while it comes.
fn with_suffix(name: &[u8]) -> Vec<u8> {
    match name.len() + SUFFIX.len() <= LONGEST_NAME {
        true => [name, SUFFIX].concat(),
        false => part_name(&[name]).into_bytes(),
    }
}

fn open(path: &Path) -> Result<(File, Metadata), Trouble> {
    let opened = File::open(path).and_then(|file| {
        let facts = file.metadata()?;
        match facts.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok((file, facts)),
        }
    });
    opened.map_err(|error| Trouble::local(path.display(), &error))
}
