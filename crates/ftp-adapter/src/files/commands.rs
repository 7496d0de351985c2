//! What takes one command.

use std::fmt;

use ftp_proto::DateTime;
use ftp_proto::listing::{Line, OwnedEntry, Parser};
use ftp_proto::wire::{Command, Reply, Verb, parse_path, parse_size, parse_time};

use super::exchange::completed;
use super::{Exchange, Known, Turn};
use crate::Error;

/// One command, and what its reply says.
#[must_use = "nothing is sent before a client runs it"]
pub struct Ask<T> {
    command: Command,
    /// The reply comes back if it does not say it.
    read: fn(Reply) -> Result<T, Reply>,
}

impl<T> Ask<T> {
    fn new(command: Command, read: fn(Reply) -> Result<T, Reply>) -> Self {
        Self { command, read }
    }
}

impl<T> Exchange for Ask<T> {
    type Output = T;

    fn next(&mut self, _: &mut Known, reply: Option<Reply>) -> Result<Turn<T>, Error> {
        let Some(reply) = reply else {
            return Ok(Turn::Send(self.command.clone()));
        };
        let verb = self.command.verb();
        match (self.read)(completed(verb, reply)?) {
            Ok(said) => Ok(Turn::Done(said)),
            Err(reply) => Err(Error::UnusableReply { verb, reply }),
        }
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ask").field(&self.command).finish()
    }
}

/// That it was done is all.
fn done(_: Reply) -> Result<(), Reply> {
    Ok(())
}

fn with_path(verb: Verb, path: impl AsRef<[u8]>) -> Result<Ask<()>, Error> {
    Ok(Ask::new(Command::with_path(verb, path)?, done))
}

/// A command whose path may be left out.
fn of(verb: Verb, path: Option<&[u8]>) -> Result<Command, Error> {
    Ok(match path {
        Some(path) => Command::with_path(verb, path)?,
        None => Command::new(verb)?,
    })
}

/// `PWD`: the current directory.
///
/// # Errors
/// None in practice.
pub fn pwd() -> Result<Ask<Vec<u8>>, Error> {
    Ok(Ask::new(Command::new(Verb::Pwd)?, |reply| {
        parse_path(reply.borrow())
            .filter(|path| !path.is_empty())
            .ok_or(reply)
    }))
}

/// `CWD`: goes to this directory.
///
/// # Errors
/// [`Error::InvalidCommand`] if the path is empty or holds CR, LF or NUL; the same holds for all others.
pub fn cwd(path: impl AsRef<[u8]>) -> Result<Ask<()>, Error> {
    with_path(Verb::Cwd, path)
}

/// `CDUP`: goes to the directory above.
///
/// # Errors
/// None in practice.
pub fn cdup() -> Result<Ask<()>, Error> {
    Ok(Ask::new(Command::new(Verb::Cdup)?, done))
}

/// `MKD`: makes a directory. The path of it, if the reply has one.
///
/// # Errors
/// As [`cwd`].
pub fn make_dir(path: impl AsRef<[u8]>) -> Result<Ask<Option<Vec<u8>>>, Error> {
    Ok(Ask::new(Command::with_path(Verb::Mkd, path)?, |reply| {
        // `257 MKD command successful` names none.
        let is_quoted = reply.text().contains(&b'"');
        let path = parse_path(reply.borrow());
        Ok(path.filter(|path| path.starts_with(b"/") || (is_quoted && !path.is_empty())))
    }))
}

/// `RMD`: removes an empty directory.
///
/// # Errors
/// As [`cwd`].
pub fn remove_dir(path: impl AsRef<[u8]>) -> Result<Ask<()>, Error> {
    with_path(Verb::Rmd, path)
}

/// `DELE`: removes a file.
///
/// # Errors
/// As [`cwd`].
pub fn remove_file(path: impl AsRef<[u8]>) -> Result<Ask<()>, Error> {
    with_path(Verb::Dele, path)
}

/// `MDTM`: when a file was changed last, in UTC.
///
/// # Errors
/// As [`cwd`].
pub fn modified(path: impl AsRef<[u8]>) -> Result<Ask<DateTime>, Error> {
    // Servers take `MDTM 20240501123400 name` for an order to change the time.
    let mut path = path.as_ref().to_vec();
    if path.len() > 14 && path[..14].iter().all(u8::is_ascii_digit) && path.contains(&b' ') {
        path.splice(..0, *b"./");
    }
    Ok(Ask::new(Command::with_path(Verb::Mdtm, path)?, |reply| {
        parse_time(reply.borrow()).ok_or(reply)
    }))
}

/// `MLST`: what the server knows of a file or a directory.
///
/// # Errors
/// As [`cwd`].
pub fn facts(path: impl AsRef<[u8]>) -> Result<Ask<OwnedEntry>, Error> {
    Ok(Ask::new(Command::with_path(Verb::Mlst, path)?, |reply| {
        // Facts say the year: the time does not matter.
        let mut parser = Parser::new(DateTime::FIRST);
        let found = reply.lines().find_map(|line| match parser.line(line) {
            Line::Entry(entry) if !entry.facts.is_empty() => Some(entry.to_owned_entry()),
            _ => None,
        });
        found.ok_or(reply)
    }))
}

/// `SITE CHMOD`: changes the bits of a file, of which those in `0o7777` count.
///
/// # Errors
/// As [`cwd`].
pub fn chmod(path: impl AsRef<[u8]>, mode: u16) -> Result<Ask<()>, Error> {
    let path = path.as_ref();
    Command::with_path(Verb::Site, path)?;
    let arguments = [format!("CHMOD {:03o} ", mode & 0o7777).as_bytes(), path].concat();
    Ok(Ask::new(
        Command::with_argument(Verb::Site, arguments)?,
        done,
    ))
}

/// `SYST`: the system, as in `UNIX Type: L8`. What is not UTF-8 becomes U+FFFD.
///
/// # Errors
/// None in practice.
pub fn system() -> Result<Ask<String>, Error> {
    Ok(Ask::new(Command::new(Verb::Syst)?, |reply| {
        Ok(String::from_utf8_lossy(reply.text()).into_owned())
    }))
}

/// `STAT`: the state of the server, or what it says of this path.
///
/// # Errors
/// As [`cwd`].
pub fn status(path: Option<&[u8]>) -> Result<Ask<Reply>, Error> {
    Ok(Ask::new(of(Verb::Stat, path)?, Ok))
}

/// `AVBL`: how many bytes there is room for, here or at this path.
///
/// # Errors
/// As [`cwd`].
pub fn space(path: Option<&[u8]>) -> Result<Ask<u64>, Error> {
    Ok(Ask::new(of(Verb::Avbl, path)?, |reply| {
        parse_size(reply.borrow()).ok_or(reply)
    }))
}

/// `ALLO`: announces how many bytes will be stored. Most servers need none of it (202), which is good,
/// too.
///
/// # Errors
/// None in practice.
pub fn allocate(bytes: u64) -> Result<Ask<()>, Error> {
    let command = Command::with_argument(Verb::Allo, bytes.to_string())?;
    Ok(Ask::new(command, done))
}

/// `SITE`: a service of this server.
///
/// # Errors
/// As [`cwd`].
pub fn site(arguments: impl AsRef<[u8]>) -> Result<Ask<Reply>, Error> {
    Ok(Ask::new(Command::with_path(Verb::Site, arguments)?, Ok))
}

/// `OPTS`: sets an option of a command, as in `MLST type;size;`.
///
/// # Errors
/// As [`cwd`].
pub fn options(arguments: impl AsRef<[u8]>) -> Result<Ask<Reply>, Error> {
    Ok(Ask::new(Command::with_path(Verb::Opts, arguments)?, Ok))
}

/// `NOOP`.
///
/// # Errors
/// None in practice.
pub fn noop() -> Result<Ask<()>, Error> {
    Ok(Ask::new(Command::new(Verb::Noop)?, done))
}
