//! What a users file says: one user a line, or TOML. Hashes are not looked at here.
//!
//! It uses nothing else of this program, so that a fuzz target can include it alone. No fault shows
//! a hash or an account.

#[path = "quota.rs"]
mod quota;
#[path = "tables.rs"]
mod tables;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ftp_guard::{Network, NetworkError};
use ftp_proto::server::Rights;
use ftp_proto::wire::TextProblem;
use ftp_proto::{Account, Username};
use thiserror::Error;

pub(crate) use self::quota::{Quota, QuotaProblem, parse_bytes};

/// How a users file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `name:hash` or `name:hash:account`. Blank lines, and lines that begin with `#`, are skipped.
    Lines,
    /// A table for each user, `[users.NAME]`.
    Toml,
}

impl Form {
    /// A file whose name ends in `.toml` is TOML.
    pub(crate) fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("toml") => Self::Toml,
            _ => Self::Lines,
        }
    }
}

/// A user as the file has it. It has no `Debug`: hash and account are secrets.
pub(crate) struct Entry {
    /// Where it begins. The first line is 1.
    pub(crate) line: usize,
    pub(crate) name: Username,
    pub(crate) hash: String,
    /// The line of the hash.
    pub(crate) hash_line: usize,
    pub(crate) account: Option<Account>,
    pub(crate) terms: Terms,
}

/// What a user may do, and where. What is not said is as the options of the program say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// An absolute path of the host, or one below `--root`.
    pub(crate) root: Option<PathBuf>,
    pub(crate) rights: Option<Rights>,
    pub(crate) quota: Option<Quota>,
    /// Where the user may log in from; empty for anywhere.
    pub(crate) addresses: Vec<Network>,
}

/// A fault, and its line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub(crate) struct Fault {
    /// The first line is 1.
    pub(crate) line: usize,
    pub(crate) problem: Problem,
}

/// What is wrong in a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Problem {
    #[error("no colon; it is name:hash or name:hash:account")]
    NoColon,
    #[error("the name {0}")]
    Name(TextProblem),
    #[error("{0} is there already")]
    Twice(Username),
    #[error("the account {0}")]
    Account(TextProblem),
    #[error("the account is empty; leave it out, and a colon before it")]
    EmptyAccount,
    #[error("{0} has no hash")]
    NoHash(Username),
    #[error("{0}")]
    Syntax(String),
    #[error("the key {key:?} is not known here; known are: {known}")]
    UnknownKey { key: String, known: &'static str },
    #[error("{what} must be {expected}")]
    Kind {
        what: &'static str,
        expected: &'static str,
    },
    #[error("{0:?} is not a right; there are {1}")]
    Right(String, &'static str),
    #[error("{0}")]
    Quota(QuotaProblem),
    #[error("the address {0:?}: {1}")]
    Address(String, NetworkError),
    #[error("no address is allowed; leave the key out to allow all")]
    NoAddresses,
    #[error("the root {0:?} is empty, or leads out of --root")]
    Root(String),
}

impl Problem {
    pub(crate) fn at(self, line: usize) -> Fault {
        Fault {
            line,
            problem: self,
        }
    }
}

/// The users in the order of the file. No name is there twice.
///
/// # Errors
/// The first fault.
pub(crate) fn read(text: &str, form: Form) -> Result<Vec<Entry>, Fault> {
    match form {
        Form::Lines => read_lines(text),
        Form::Toml => tables::read(text),
    }
}

fn read_lines(text: &str) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    for (index, text) in text.lines().enumerate() {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let line = index + 1;
        let entry = read_line(text, line).map_err(|problem| problem.at(line))?;
        if !names.insert(entry.name.as_bytes().to_vec()) {
            return Err(Problem::Twice(entry.name).at(line));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn read_line(text: &str, line: usize) -> Result<Entry, Problem> {
    let (name, rest) = text.split_once(':').ok_or(Problem::NoColon)?;
    let (hash, account) = match rest.split_once(':') {
        Some((hash, account)) => (hash, Some(account)),
        None => (rest, None),
    };
    Ok(Entry {
        line,
        name: read_name(name)?,
        hash: hash.to_owned(),
        hash_line: line,
        account: account.map(read_account).transpose()?,
        terms: Terms::default(),
    })
}

fn read_name(text: &str) -> Result<Username, Problem> {
    Username::new(text).map_err(|why| Problem::Name(why.problem))
}

fn read_account(text: &str) -> Result<Account, Problem> {
    match text {
        "" => Err(Problem::EmptyAccount),
        text => Account::new(text).map_err(|why| Problem::Account(why.problem)),
    }
}
