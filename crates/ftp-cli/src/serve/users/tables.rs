//! The users file as TOML.

use std::path::{Component, PathBuf};

use ftp_guard::Network;
use ftp_proto::server::Rights;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Entry, Fault, Problem, Quota, Terms, read_account, read_name};

type Value<'a> = Spanned<DeValue<'a>>;

const KEYS: &str = "hash, account, root, rights, quota, addresses";
const RIGHTS: &str = "read, write, append, list, make, delete, rename, overwrite";
const TEXT: &str = "a text in quotes";
const TEXTS: &str = "a list of texts in quotes";
const TABLE: &str = "a table";

pub(super) fn read(text: &str) -> Result<Vec<Entry>, Fault> {
    let lines = Lines::of_text(text);
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        Problem::Syntax(error.message().to_owned()).at(lines.at(at))
    })?;
    let mut entries = Vec::new();
    for (key, value) in in_order(document.get_ref()) {
        if key.get_ref() != "users" {
            return Err(unknown(key, "users").at(lines.of(key)));
        }
        let users = table(value, "users").map_err(|problem| problem.at(lines.of(key)))?;
        for (name, user) in in_order(users) {
            entries.push(read_user(name, user, &lines)?);
        }
    }
    Ok(entries)
}

fn read_user(
    name: &Spanned<DeString<'_>>,
    user: &Value<'_>,
    lines: &Lines,
) -> Result<Entry, Fault> {
    let line = lines.of(name);
    let begin = || {
        let name = read_name(name.get_ref())?;
        Ok((name, table(user, "a user")?))
    };
    let (name, table) = begin().map_err(|problem: Problem| problem.at(line))?;
    let mut hash = None;
    let mut account = None;
    let mut terms = Terms::default();
    for (key, value) in in_order(table) {
        let line = lines.of(key);
        let mut read = || {
            match &**key.get_ref() {
                "hash" => hash = Some((text(value, "hash")?.to_owned(), line)),
                "account" => account = Some(read_account(text(value, "account")?)?),
                "root" => terms.root = Some(read_root(text(value, "root")?)?),
                "rights" => terms.rights = Some(read_rights(value)?),
                "quota" => terms.quota = Some(read_quota(value)?),
                "addresses" => terms.addresses = read_addresses(value)?,
                _ => return Err(unknown(key, KEYS)),
            }
            Ok(())
        };
        read().map_err(|problem| problem.at(line))?;
    }
    match hash {
        Some((hash, hash_line)) => Ok(Entry {
            line,
            name,
            hash,
            hash_line,
            account,
            terms,
        }),
        None => Err(Problem::NoHash(name).at(line)),
    }
}

fn read_root(text: &str) -> Result<PathBuf, Problem> {
    let root = PathBuf::from(text);
    let is_plain = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    let is_below = root.components().all(is_plain);
    match text {
        "" => Err(Problem::Root(text.to_owned())),
        _ if text.contains('\0') => Err(Problem::Root(text.to_owned())),
        _ if root.is_absolute() || is_below => Ok(root),
        _ => Err(Problem::Root(text.to_owned())),
    }
}

fn read_rights(value: &Value<'_>) -> Result<Rights, Problem> {
    match value.get_ref().as_str() {
        Some("all") => return Ok(Rights::ALL),
        Some("read-only") => return Ok(Rights::READ_ONLY),
        Some(other) => {
            return Err(Problem::Right(
                other.to_owned(),
                "\"all\" and \"read-only\"",
            ));
        }
        None => {}
    }
    let mut rights = Rights::NONE;
    let expected = "\"all\", \"read-only\", or a list of rights";
    for name in texts(value, "rights", expected)? {
        let right = match name {
            "read" => &mut rights.read,
            "write" => &mut rights.write,
            "append" => &mut rights.append,
            "list" => &mut rights.list,
            "make" => &mut rights.make,
            "delete" => &mut rights.delete,
            "rename" => &mut rights.rename,
            "overwrite" => &mut rights.overwrite,
            other => return Err(Problem::Right(other.to_owned(), RIGHTS)),
        };
        *right = true;
    }
    Ok(rights)
}

/// A text, or a number of bytes; `"none"` where the options say another.
fn read_quota(value: &Value<'_>) -> Result<Quota, Problem> {
    let text = match value.get_ref() {
        DeValue::Integer(bytes) if bytes.radix() == 10 => bytes.as_str(),
        value => value.as_str().ok_or(Problem::Kind {
            what: "quota",
            expected: "a text such as \"10G:5000\", or a number of bytes",
        })?,
    };
    match text {
        "none" => Ok(Quota::NONE),
        text => Quota::parse(text).map_err(Problem::Quota),
    }
}

fn read_addresses(value: &Value<'_>) -> Result<Vec<Network>, Problem> {
    let texts = texts(value, "addresses", TEXTS)?;
    let networks = texts.into_iter().map(|text| {
        text.parse()
            .map_err(|why| Problem::Address(text.to_owned(), why))
    });
    let networks: Vec<_> = networks.collect::<Result<_, _>>()?;
    match networks.is_empty() {
        true => Err(Problem::NoAddresses),
        false => Ok(networks),
    }
}

fn table<'a, 'text>(
    value: &'a Value<'text>,
    what: &'static str,
) -> Result<&'a DeTable<'text>, Problem> {
    let expected = TABLE;
    let table = value.get_ref().as_table();
    table.ok_or(Problem::Kind { what, expected })
}

fn text<'a>(value: &'a Value<'_>, what: &'static str) -> Result<&'a str, Problem> {
    let expected = TEXT;
    let text = value.get_ref().as_str();
    text.ok_or(Problem::Kind { what, expected })
}

fn texts<'a>(
    value: &'a Value<'_>,
    what: &'static str,
    expected: &'static str,
) -> Result<Vec<&'a str>, Problem> {
    let array = value.get_ref().as_array();
    let texts = array.and_then(|array| {
        let texts = array.iter().map(|value| value.get_ref().as_str());
        texts.collect::<Option<_>>()
    });
    texts.ok_or(Problem::Kind { what, expected })
}

fn unknown(key: &Spanned<DeString<'_>>, known: &'static str) -> Problem {
    let key = key.get_ref().to_string();
    Problem::UnknownKey { key, known }
}

/// The keys in the order of the file, so that the first fault is found first.
fn in_order<'a, 'text>(
    table: &'a DeTable<'text>,
) -> Vec<(&'a Spanned<DeString<'text>>, &'a Value<'text>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Where the lines end.
struct Lines(Vec<usize>);

impl Lines {
    fn of_text(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(newlines.map(|(at, _)| at).collect())
    }

    /// The number of the line that has this byte.
    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }

    fn of(&self, key: &Spanned<DeString<'_>>) -> usize {
        self.at(key.span().start)
    }
}
