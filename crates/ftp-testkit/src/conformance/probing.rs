//! What the example `probe` of each adapter does.

use std::net::TcpStream;
use std::sync::Arc;

use ftp_adapter::Error;
use ftp_futures::Runtime;

use crate::misbehaving::Outcome;
use crate::probe::files::{self, Content, FileStep, FileWork, Sessions};
use crate::probe::{Step, Task};

/// How much is read at a time.
const PIECE: usize = 64 * 1024;

/// Does one thing with files and gives the line for it. Written once for both dialects: the last
/// argument is what follows a call.
macro_rules! work {
    ($client:expr, $work:expr, $sessions:expr, [$($await:tt)*]) => {{
        let client = $client;
        Ok(match $work {
            FileWork::Retrieve(path, offset) => {
                let mut download = client.retrieve_from(path, *offset)$($await)*?;
                let (mut content, mut space) = (Content::default(), vec![0; PIECE]);
                loop {
                    match download.read(&mut space)$($await)*? {
                        0 => break,
                        count => content.add(&space[..count]),
                    }
                }
                $sessions.count(&download.finish()$($await)*?);
                format!("Received {}", content.done())
            }
            FileWork::Count(path) => {
                let mut download = client.retrieve(path)$($await)*?;
                let (mut bytes, mut space) = (0, vec![0; PIECE]);
                loop {
                    match download.read(&mut space)$($await)*? {
                        0 => break,
                        count => bytes += count,
                    }
                }
                format!("Counted {bytes}")
            }
            FileWork::Store(path, offset, pattern) => {
                let bytes = pattern.make();
                let mut upload = client.store_from(path, *offset)$($await)*?;
                upload.write_all(&bytes[usize::try_from(*offset).unwrap_or(0)..])$($await)*?;
                let report = upload.finish()$($await)*?;
                $sessions.count(&report);
                format!("Sent {}", report.bytes)
            }
            FileWork::Append(path, pattern) => {
                let mut upload = client.append(path)$($await)*?;
                upload.write_all(&pattern.make())$($await)*?;
                let report = upload.finish()$($await)*?;
                $sessions.count(&report);
                format!("Sent {}", report.bytes)
            }
            FileWork::CutDownload(path, bytes) => {
                let mut download = client.retrieve(path)$($await)*?;
                let (mut left, mut space) = (*bytes, vec![0; PIECE]);
                while left > 0 {
                    match download.read(&mut space)$($await)*? {
                        0 => return Ok("ended before it was cut".to_owned()),
                        count => left = left.saturating_sub(count as u64),
                    }
                }
                drop(download);
                format!("Cut {}", client.command("PWD")$($await)*?.code())
            }
            FileWork::CutUpload(path, pattern) => {
                let mut upload = client.store(path)$($await)*?;
                upload.write_all(&pattern.make())$($await)*?;
                drop(upload);
                format!("Cut {}", client.command("PWD")$($await)*?.code())
            }
            FileWork::List(path) => {
                let entries = client.list_all(path)$($await)*?;
                format!("Listed{}", files::entries(entries))
            }
            FileWork::Names(path) => {
                let (mut listing, mut names) = (client.names(path)$($await)*?, Vec::new());
                while let Some(name) = listing.next()$($await)* {
                    names.push(name?);
                }
                format!("Named{}", files::names(names))
            }
            FileWork::Size(path) => format!("Size {}", client.size(path)$($await)*?),
            FileWork::Modified(path) => format!("Modified {}", client.modified(path)$($await)*?),
            FileWork::Facts(path) => {
                let entry = client.facts(path)$($await)*?;
                format!("Facts{}", files::facts(&entry))
            }
            FileWork::Rename(from, to) => {
                client.rename(from, to)$($await)*?;
                "Renamed".to_owned()
            }
            FileWork::MakeDir(path) => {
                client.make_dir(path)$($await)*?;
                "Made".to_owned()
            }
            FileWork::RemoveDir(path) => {
                client.remove_dir(path)$($await)*?;
                "RemovedDir".to_owned()
            }
            FileWork::RemoveFile(path) => {
                client.remove_file(path)$($await)*?;
                "RemovedFile".to_owned()
            }
        })
    }};
}

/// Does what standard input says, on this runtime.
pub async fn probe<R: Runtime + 'static>() {
    let task = Task::read(std::io::stdin().lock());
    if let Err(error) = run::<R>(task).await {
        println!("{}", words(&error));
    }
}

async fn run<R: Runtime + 'static>(task: Task) -> Result<(), Error> {
    let mut connector = ftp_futures::Connector::<R>::new(task.config);
    if let Some(tls) = &task.tls {
        connector = connector.tls(Arc::clone(tls));
    }
    let mut client = connector.connect(&task.address).await?;
    println!("LoggedIn");
    let mut sessions = Sessions::default();
    for step in task.steps {
        match step {
            Step::File(step) => file(&mut client, &step, &mut sessions).await?,
            Step::Sessions => println!("{sessions}"),
            Step::Command(command) => println!("{}", client.command(&*command).await?.code()),
            Step::Reinitialize(login) => {
                client.reinitialize(login).await?;
                println!("Reinitialized");
            }
            Step::ClearCommandChannel => {
                client.clear_command_channel().await?;
                println!("Clear");
            }
            Step::Wait => {
                while client.next_event().await?.is_some() {}
                println!("Closed");
            }
            Step::Quit => {
                client.quit().await?;
                println!("Left");
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn file<R: Runtime + 'static>(
    client: &mut ftp_futures::Client<R, R::TcpStream>,
    step: &FileStep,
    sessions: &mut Sessions,
) -> Result<(), Error> {
    let mut lines = Lines::default();
    for _ in 0..step.times {
        lines.add(work(client, &step.work, sessions).await)?;
    }
    lines.print();
    Ok(())
}

async fn work<R: Runtime + 'static>(
    client: &mut ftp_futures::Client<R, R::TcpStream>,
    work: &FileWork,
    sessions: &mut Sessions,
) -> Result<String, Error> {
    work!(client, work, sessions, [.await])
}

/// Does what standard input says, on blocking sockets.
pub fn probe_blocking() {
    let task = Task::read(std::io::stdin().lock());
    if let Err(error) = run_blocking(task) {
        println!("{}", words(&error));
    }
}

fn run_blocking(task: Task) -> Result<(), Error> {
    let mut connector = ftp_blocking::Connector::new(task.config);
    if let Some(tls) = &task.tls {
        connector = connector.tls(Arc::clone(tls));
    }
    let mut client = connector.connect(&task.address)?;
    println!("LoggedIn");
    let mut sessions = Sessions::default();
    for step in task.steps {
        match step {
            Step::Command(command) => println!("{}", client.command(&*command)?.code()),
            Step::Reinitialize(login) => {
                client.reinitialize(login)?;
                println!("Reinitialized");
            }
            Step::ClearCommandChannel => {
                client.clear_command_channel()?;
                println!("Clear");
            }
            Step::Wait => {
                while client.next_event()?.is_some() {}
                println!("Closed");
            }
            Step::File(step) => file_blocking(&mut client, &step, &mut sessions)?,
            Step::Sessions => println!("{sessions}"),
            Step::Quit => {
                client.quit()?;
                println!("Left");
                return Ok(());
            }
        }
    }
    Ok(())
}

fn file_blocking(
    client: &mut ftp_blocking::Client<TcpStream>,
    step: &FileStep,
    sessions: &mut Sessions,
) -> Result<(), Error> {
    let mut lines = Lines::default();
    for _ in 0..step.times {
        lines.add(work_blocking(client, &step.work, sessions))?;
    }
    lines.print();
    Ok(())
}

fn work_blocking(
    client: &mut ftp_blocking::Client<TcpStream>,
    work: &FileWork,
    sessions: &mut Sessions,
) -> Result<String, Error> {
    work!(client, work, sessions, [])
}

/// What came each time.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    /// An error only if the connection is over.
    fn add(&mut self, came: Result<String, Error>) -> Result<(), Error> {
        let line = match came {
            Ok(line) => line,
            Err(error) => match files::refusal(&error) {
                Some(line) => {
                    eprintln!("{error}");
                    line
                }
                None => return Err(error),
            },
        };
        if self.0.last() != Some(&line) {
            self.0.push(line);
        }
        Ok(())
    }

    fn print(&self) {
        println!("{}", self.0.join(", then "));
    }
}

/// The code of the reply that ended it, or what else did.
fn words(error: &Error) -> String {
    match (error.code(), Outcome::of_adapter(error)) {
        (Some(code), _) => code.to_string(),
        (None, Outcome::Other(words)) => words,
        (None, outcome) => format!("{outcome:?}"),
    }
}
