//! `ftp-cli get`: receives files.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftp_adapter::{Error, Fact, FileFacts};
use tokio::io::AsyncWrite;

use super::local::{LocalFile, PartFile, modified, system_time};
use super::metered::{Metered, Stream, Throttle};
use super::outcome::{Success, Trouble, Whole};
use super::session::Session;
use super::site::{Site, Sites};
use super::verify::{compare_hash, compare_size, no_size, server_hash};
use crate::cli::{GetArguments, VerifyChoice};
use crate::exit::{Exit, Failure};
use crate::progress::Meter;
use crate::target::{RemotePath, Target, local_name};

/// How files are received.
#[derive(Clone, Copy)]
pub(super) struct Manner<'a> {
    /// Nobody is to see the part of a file: see [`PartFile::hidden`].
    pub(super) is_hidden: bool,
    pub(super) resume: bool,
    pub(super) verify: Option<VerifyChoice>,
    pub(super) keep_time: bool,
    pub(super) throttle: Option<&'a Throttle>,
}

/// One file to receive.
struct Job {
    site: Arc<Site>,
    path: RemotePath,
    to: Destination,
}

/// Where the bytes go.
enum Destination {
    StandardOutput,
    /// What takes bytes and is no file: a pipe, a device.
    Stream(PathBuf),
    File(PathBuf),
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the options.
pub(super) async fn run(
    arguments: &GetArguments,
    mut session: Session<'_>,
) -> Result<Exit, Failure> {
    let mut sites = Sites::new(&arguments.session, arguments.parallel);
    let jobs = plan(arguments, &mut sites)?;
    let throttle = arguments.limit_rate.map(Throttle::new);
    let manner = Manner {
        is_hidden: false,
        resume: arguments.resume,
        verify: arguments.verify,
        keep_time: arguments.keep_time,
        throttle: throttle.as_ref(),
    };
    session.expect(jobs.len(), None);
    session.advice.not_verified = Some("what came is not kept: receive it again");
    session.advice.spoilt = Some("receive it again");
    session.advice.not_received =
        Some("ftp-cli ls shows what is there; ftp-cli mirror receives directories");
    if !arguments.resume
        && jobs
            .iter()
            .any(|job| matches!(job.to, Destination::File(_)))
    {
        session.advice.cut = Some("what came is kept: --continue goes on with it");
    }
    let session = &session;
    let work = async |job: Job| {
        let moves = async |meter: &Meter| match &job.to {
            Destination::StandardOutput => {
                let stdout = tokio::io::stdout();
                let what = Path::new("standard output");
                job.site
                    .print(&job.path, (stdout, what), meter, manner.throttle)
                    .await
            }
            Destination::Stream(path) => {
                let opened = tokio::fs::OpenOptions::new().write(true).open(path).await;
                let stream = opened.map_err(|error| Trouble::local(path.display(), &error))?;
                job.site
                    .print(&job.path, (stream, path), meter, manner.throttle)
                    .await
            }
            Destination::File(local) => {
                job.site
                    .receive(&job.path, local, None, manner, meter)
                    .await
            }
        };
        session.file(&job.site, job.path.as_bytes(), moves).await;
    };
    session.each(arguments.parallel, jobs, work).await;
    session.finish(&sites).await
}

fn plan(arguments: &GetArguments, sites: &mut Sites<'_>) -> Result<Vec<Job>, Failure> {
    let is_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    if is_stdout {
        check_for_stream(arguments, "-o - (standard output)")?;
        if arguments.session.json {
            return Err(exclusive("--json", "-o - (standard output)"));
        }
    }
    let mut jobs = Vec::new();
    let mut taken = HashSet::new();
    for url in &arguments.urls {
        let mut target = Target::parse(url)?;
        let site = sites.of(&mut target)?;
        let path = target.path;
        if path.is_directory() {
            return Err(
                Failure::usage(format!("{path} is a directory, and get receives files"))
                    .hint("ftp-cli mirror receives directories, ftp-cli ls lists them"),
            );
        }
        let to = match is_stdout {
            true => Destination::StandardOutput,
            false => destination(arguments, &path)?,
        };
        if let Destination::File(local) = &to {
            // A file and its part must not be another one of them.
            for suffix in ["", ".part", ".part.json"] {
                let mut name = OsString::from(local);
                name.push(suffix);
                if !taken.insert(name) {
                    let local = local.display();
                    return Err(
                        Failure::usage(format!("two of the files would become {local}"))
                            .hint("receive them one by one, with -o"),
                    );
                }
            }
        }
        jobs.push(Job { site, path, to });
    }
    Ok(jobs)
}

fn check_for_stream(arguments: &GetArguments, what: &str) -> Result<(), Failure> {
    let wrong = [
        ("--continue", arguments.resume),
        ("--keep-time", arguments.keep_time),
        ("--verify", arguments.verify.is_some()),
        ("--parallel", arguments.parallel > 1),
    ];
    match wrong.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(exclusive(option, what)),
        None => Ok(()),
    }
}

fn exclusive(option: &str, what: &str) -> Failure {
    Failure::usage(format!("{option} and {what} exclude each other"))
}

/// Where this file goes.
fn destination(arguments: &GetArguments, path: &RemotePath) -> Result<Destination, Failure> {
    let local = local_path(arguments, path)?;
    match fs::metadata(&local) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            let what = format!("{} (no file)", local.display());
            check_for_stream(arguments, &what)?;
            Ok(Destination::Stream(local))
        }
        _ => Ok(Destination::File(local)),
    }
}

fn local_path(arguments: &GetArguments, path: &RemotePath) -> Result<PathBuf, Failure> {
    let name = || {
        local_name(path.name()).ok_or_else(|| {
            Failure::usage(format!("{path} cannot be the name of a local file"))
                .hint("-o says under which name to store it")
        })
    };
    match &arguments.output {
        None => name().map(PathBuf::from),
        Some(output) if output.is_dir() => Ok(output.join(name()?)),
        Some(output) if output.to_string_lossy().ends_with('/') || arguments.urls.len() > 1 => {
            let output = output.display();
            Err(
                Failure::usage(format!("-o {output}: there is no such directory"))
                    .hint("make it first"),
            )
        }
        Some(output) => Ok(output.clone()),
    }
}

impl Site {
    /// Receives a file, which gets its name when it is whole. `facts` are those of the server's file, if
    /// they are known already.
    pub(super) async fn receive(
        &self,
        path: &RemotePath,
        local: &Path,
        facts: Option<FileFacts>,
        manner: Manner<'_>,
        meter: &Meter,
    ) -> Result<Whole, Trouble> {
        let (facts, is_fresh) = match facts {
            Some(facts) => (facts, Site::is_short(facts)),
            None => {
                let with_time = manner.resume || manner.keep_time;
                (self.facts(path, with_time).await?, true)
            }
        };
        if manner.resume && is_whole(local, facts) {
            return Ok(Whole {
                success: Success::Skipped,
                note: Some("it is here already".to_owned()),
                ..Whole::default()
            });
        }
        let hash = match manner.verify {
            Some(VerifyChoice::Hash) => Some(server_hash(self, path).await?),
            Some(VerifyChoice::Size) if facts.size.known().is_none() => return Err(no_size()),
            _ => None,
        };
        let source = self.source(path);
        let mut part = match manner.is_hidden {
            true => PartFile::hidden(local)?,
            false => PartFile::new(local)?,
        };
        let (file, begun) = part.open(manner.resume, &source, facts)?;
        part.remember(&source, facts)
            .inspect_err(|_| part.leave())?;
        meter.set_size(facts.size.known());
        let mut sink = Metered::new(LocalFile::sink(file), meter, manner.throttle);
        let mut options = self.resume_options();
        if begun {
            options = options.begun(facts);
        }
        if is_fresh {
            options = options.asked(facts);
        }
        let received = self
            .pool()
            .await?
            .download_into(path.as_bytes(), &mut sink, options)
            .await;
        let (length, whole) = match received {
            Ok(report) => (report.length, Whole::of(report)),
            // What was received at first was of another file, and longer. It is gone.
            Err(Error::SinkTooLong { length }) => (length, Whole::default()),
            Err(Error::Local(error)) => return Err(part.trouble(&error)),
            Err(error) => {
                drop(sink);
                part.leave_after(&error, facts);
                return Err(error.into());
            }
        };
        drop(sink);
        let verified = match (manner.verify, hash) {
            (_, Some(hash)) => compare_hash(hash, part.path()).await,
            (Some(_), None) => compare_size(facts.size.known(), length),
            (None, None) => Ok(()),
        };
        if let Err(trouble) = verified {
            // Nobody is to go on with it.
            part.discard()?;
            return Err(trouble);
        }
        let time = facts.modified.known().filter(|_| manner.keep_time);
        part.complete(time.and_then(system_time))?;
        Ok(match manner.keep_time && time.is_none() {
            true => whole.note("the server does not say its time"),
            false => whole,
        })
    }

    /// Receives a file and writes it to what takes bytes once, which has this name.
    async fn print(
        &self,
        path: &RemotePath,
        (stream, name): (impl AsyncWrite + Unpin + Send, &Path),
        meter: &Meter,
        throttle: Option<&Throttle>,
    ) -> Result<Whole, Trouble> {
        let mut sink = Metered::new(Stream::new(stream), meter, throttle);
        let options = self.resume_options();
        match self
            .pool()
            .await?
            .download_into(path.as_bytes(), &mut sink, options)
            .await
        {
            Ok(report) => Ok(Whole::of(report)),
            Err(Error::Local(error)) => Err(Trouble::local(name.display(), &error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Which file of which server it is.
    fn source(&self, path: &RemotePath) -> String {
        format!("{} {path}", self.name())
    }
}

/// Whether the local file is the server's: of its size, and not older.
fn is_whole(local: &Path, facts: FileFacts) -> bool {
    let (Fact::Known(size), Fact::Known(time)) = (facts.size, facts.modified) else {
        return false;
    };
    fs::metadata(local).is_ok_and(|here| {
        let is_new = modified(&here).is_some_and(|here| here >= time);
        here.is_file() && here.len() == size && is_new
    })
}
