//! Logins from the netrc file: which file, and which entry of it. The format itself is read by the
//! `rust-netrc` crate.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ::netrc::{Authenticator, Netrc};
use zeroize::{Zeroize, Zeroizing};

use crate::exit::Failure;
use crate::output::complain;

/// What a netrc file says about one machine. Empty fields are not given.
pub(crate) struct Entry {
    pub(crate) login: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
    pub(crate) account: Zeroizing<String>,
}

impl Entry {
    fn take(authenticator: &mut Authenticator) -> Self {
        let mut take = |field: fn(&mut Authenticator) -> &mut String| {
            Zeroizing::new(std::mem::take(field(authenticator)))
        };
        Self {
            login: take(|entry| &mut entry.login),
            password: take(|entry| &mut entry.password),
            account: take(|entry| &mut entry.account),
        }
    }

    fn is_for(&self, user: Option<&[u8]>) -> bool {
        user.is_none_or(|user| self.login.is_empty() || self.login.as_bytes() == user)
    }
}

/// The entry for a host, and for this user if one is given already: from the file that `NETRC`
/// names, else from `.netrc` in the home directory.
///
/// # Errors
/// A file that is there and cannot be read or understood.
pub(crate) fn entry_for(host: &str, user: Option<&[u8]>) -> Result<Option<Entry>, Failure> {
    let Some(path) = path() else { return Ok(None) };
    let text = match fs::read(&path) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(
                Failure::usage(format!("cannot read {}: {error}", path.display()))
                    .hint("it is read for a user name or password; give both to do without it"),
            );
        }
    };
    let entry = find(&text, host, user).map_err(|line| {
        let place = line
            .map(|line| format!(", line {line}"))
            .unwrap_or_default();
        Failure::usage(format!("{} is not a netrc file{place}", path.display())).hint(
            "it is made of `machine NAME login NAME password PASSWORD`, separated by white space",
        )
    })?;
    if entry
        .as_ref()
        .is_some_and(|entry| !entry.password.is_empty())
    {
        warn_if_others_can_read(&path);
    }
    Ok(entry)
}

fn path() -> Option<PathBuf> {
    match env::var_os("NETRC") {
        Some(path) if !path.is_empty() => {
            let path = PathBuf::from(path);
            if !path.exists() {
                complain(format_args!(
                    "note: NETRC names {}, which is not there",
                    path.display()
                ));
            }
            Some(path)
        }
        _ => env::home_dir().map(|home| home.join(".netrc")),
    }
}

/// # Errors
/// The number of the line that is wrong, where known. Nothing more: what the parser says may repeat a password.
fn find(text: &str, host: &str, user: Option<&[u8]>) -> Result<Option<Entry>, Option<u32>> {
    let mut whole: Netrc = text
        .parse()
        .map_err(|error: <Netrc as std::str::FromStr>::Err| {
            let message = Zeroizing::new(error.to_string());
            let line = message
                .rsplit_once("(line ")
                .and_then(|(_, line)| line.strip_suffix(')'));
            line.and_then(|line| line.parse().ok())
        })?;
    let entry = entry_of(&mut whole, host, user);
    wipe(whole);
    if entry.is_some() || user.is_none() {
        return Ok(entry);
    }
    // The parser keeps the last of several entries for one machine: look at each by itself.
    for section in sections(text) {
        // The body of a macro may look like an entry that is none: it has no user to find.
        if let Ok(mut netrc) = section.parse::<Netrc>() {
            let entry = entry_of(&mut netrc, host, user);
            wipe(netrc);
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }
    Ok(None)
}

fn entry_of(netrc: &mut Netrc, host: &str, user: Option<&[u8]>) -> Option<Entry> {
    let named = netrc
        .hosts
        .keys()
        .find(|name| name.eq_ignore_ascii_case(host) && *name != "default")
        .cloned();
    [named.as_deref(), Some("default")]
        .into_iter()
        .flatten()
        .find_map(|name| {
            let authenticator = netrc.hosts.get_mut(name)?;
            let entry = Entry::take(authenticator);
            entry.is_for(user).then_some(entry)
        })
}

/// The text from each line that begins with `machine` to the next.
fn sections(text: &str) -> impl Iterator<Item = &str> {
    let begins = |line: &str| line.split_whitespace().next() == Some("machine");
    let mut starts: Vec<usize> = text
        .split_inclusive('\n')
        .scan(0, |offset, line| {
            let start = *offset;
            *offset += line.len();
            Some((start, begins(line)))
        })
        .filter_map(|(start, begins)| begins.then_some(start))
        .collect();
    starts.push(text.len());
    (1..starts.len()).map(move |index| &text[starts[index - 1]..starts[index]])
}

fn wipe(mut netrc: Netrc) {
    for entry in netrc.hosts.values_mut() {
        entry.password.zeroize();
        entry.account.zeroize();
    }
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open {
        complain(format_args!(
            "warning: other users can read the passwords in {0}; chmod 600 {0}",
            path.display()
        ));
    }
}

#[cfg(not(unix))]
fn warn_if_others_can_read(_path: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# logins
machine ftp.example.com login anna password one
machine ftp.example.com
    login bob
    password two account payroll
macdef init
machine nonsense
bye

default login anonymous password me@example.com
";

    fn found(text: &str, host: &str, user: Option<&str>) -> Option<(String, String, String)> {
        find(text, host, user.map(str::as_bytes)).unwrap().map(|e| {
            (
                e.login.to_string(),
                e.password.to_string(),
                e.account.to_string(),
            )
        })
    }

    fn entry(login: &str, password: &str, account: &str) -> Option<(String, String, String)> {
        Some((login.into(), password.into(), account.into()))
    }

    #[test]
    fn each_user_of_a_machine_is_found() {
        assert_eq!(
            found(FILE, "FTP.example.com", Some("anna")),
            entry("anna", "one", "")
        );
        assert_eq!(
            found(FILE, "ftp.example.com", Some("bob")),
            entry("bob", "two", "payroll")
        );
        assert_eq!(found(FILE, "ftp.example.com", Some("carol")), None);
    }

    #[test]
    fn another_machine_gets_the_default() {
        assert_eq!(
            found(FILE, "h", None),
            entry("anonymous", "me@example.com", "")
        );
        assert_eq!(
            found(FILE, "default", None),
            entry("anonymous", "me@example.com", "")
        );
        assert_eq!(found("machine a login b password c", "h", None), None);
    }

    #[test]
    fn the_error_names_the_line_and_nothing_more() {
        assert_eq!(
            find("machine h login a\npassword open sesame", "h", None).err(),
            Some(Some(2))
        );
    }
}
