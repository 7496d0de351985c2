//! Removing a directory and all in it.

use ftp_proto::listing::{Kind, OwnedEntry};
use ftp_proto::wire::{Command, Reply, Verb};

use super::exchange::completed;
use super::walk::{is_plain, join};
use super::{Exchange, Known, Turn};
use crate::Error;

/// Directories deeper than this are taken for a circle.
const DEPTH_LIMIT: usize = 128;

/// Removes a file, or a directory and all in it, as a work list.
///
/// Everything is sent `DELE` first, directories too. That removes a link and not what it leads to, even
/// with a server that calls a link to a directory a directory. What the server refuses to remove like
/// this, and calls a directory, is listed, and removed with `RMD` after its entries.
///
/// Files that the server does not list are not removed, and so `RMD` fails.
///
/// It stops at the first error, and at the first name that is not one plain component. What was removed
/// until then is gone.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
pub struct Removal {
    /// The last is the next.
    todo: Vec<Task>,
    removed: u64,
}

#[derive(Debug, Clone)]
struct Task {
    path: Vec<u8>,
    depth: usize,
    may_be_directory: bool,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// `DELE` is to be sent.
    File,
    /// It is to be listed.
    List,
    /// `RMD` is to be sent.
    Directory,
}

/// What a [`Removal`], as an [`Exchange`], leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalStep {
    /// Call [`Removal::listed`] with all entries of this directory, and begin the exchange again.
    List(Vec<u8>),
    /// It is over; so many files and directories were removed.
    Done(u64),
}

impl Removal {
    /// Of the file or directory at this path.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if the path is empty or holds CR, LF or NUL.
    pub fn new(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        let path = path.as_ref();
        Command::with_path(Verb::Dele, path)?;
        Ok(Self {
            todo: vec![Task {
                path: path.to_vec(),
                depth: 0,
                may_be_directory: true,
                step: Step::File,
            }],
            removed: 0,
        })
    }

    /// All entries of the directory that was to be listed.
    ///
    /// # Errors
    /// [`Error::AtPath`] with [`Error::UnsafeName`] or [`Error::TooDeep`]; nothing of the directory is
    /// removed then.
    pub fn listed(&mut self, entries: Vec<OwnedEntry>) -> Result<(), Error> {
        let Some(task) = self.todo.last_mut() else {
            return Ok(());
        };
        task.step = Step::Directory;
        let depth = task.depth + 1;
        let directory = task.path.clone();
        for entry in entries.into_iter().rev() {
            let path = join(Some(&directory), entry.name());
            let problem = match entry.kind() {
                Kind::CurrentDirectory | Kind::ParentDirectory => continue,
                _ if !is_plain(&entry) => Some(Error::UnsafeName),
                _ if depth > DEPTH_LIMIT => Some(Error::TooDeep),
                _ => None,
            };
            if let Some(error) = problem {
                return Err(at(&path, error));
            }
            self.todo.push(Task {
                path,
                depth,
                may_be_directory: entry.kind() == Kind::Directory,
                step: Step::File,
            });
        }
        Ok(())
    }

    /// An error, with the path that it was met at.
    pub fn explain(&self, error: Error) -> Error {
        match self.todo.last() {
            Some(task) => at(&task.path, error),
            None => error,
        }
    }

    /// A reply to what was sent last.
    fn answered(&mut self, reply: Reply) -> Result<(), Error> {
        let Some(mut task) = self.todo.pop() else {
            return Ok(());
        };
        let is_refused = reply.code().is_negative();
        if task.step == Step::File && task.may_be_directory && is_refused {
            task.step = Step::List;
            self.todo.push(task);
            return Ok(());
        }
        let verb = match task.step {
            Step::Directory => Verb::Rmd,
            _ => Verb::Dele,
        };
        completed(verb, reply).map_err(|error| at(&task.path, error))?;
        self.removed += 1;
        Ok(())
    }
}

impl Exchange for Removal {
    type Output = RemovalStep;

    fn next(&mut self, _: &mut Known, reply: Option<Reply>) -> Result<Turn<RemovalStep>, Error> {
        if let Some(reply) = reply {
            self.answered(reply)?;
        }
        let Some(task) = self.todo.last() else {
            return Ok(Turn::Done(RemovalStep::Done(self.removed)));
        };
        let command = |verb| Command::with_path(verb, &task.path).map_err(Error::from);
        Ok(match task.step {
            Step::File => Turn::Send(command(Verb::Dele)?),
            Step::Directory => Turn::Send(command(Verb::Rmd)?),
            Step::List => Turn::Done(RemovalStep::List(task.path.clone())),
        })
    }
}

fn at(path: &[u8], error: Error) -> Error {
    Error::AtPath {
        path: path.to_vec(),
        error: Box::new(error),
    }
}
