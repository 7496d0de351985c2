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
    let entry = find(&text, host, user).map_err(|NotNetrc| {
        Failure::usage(format!("{} is not a netrc file", path.display())).hint(
            "it is made of `machine NAME login NAME password PASSWORD`, separated by white space; \
             a password that holds some is put in quotes",
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

/// The text is no netrc file. What the parser says about it is not passed on: it repeats the word
/// that it could not place, which may be part of a password, and counts lines past the one at
/// fault.
#[derive(Debug, PartialEq, Eq)]
struct NotNetrc;

/// The first entry for the host and the user, else the default.
fn find(text: &str, host: &str, user: Option<&[u8]>) -> Result<Option<Entry>, NotNetrc> {
    let mut whole: Netrc = text.parse().map_err(|_| NotNetrc)?;
    // The parser keeps the last of several entries for one machine: look at each by itself.
    let mut entry = sections(text).find_map(|section| {
        // What begins in the middle of a macro may make no sense, and then it has no entry.
        let mut netrc: Netrc = section.parse().ok()?;
        let entry = named(&mut netrc, host, user);
        wipe(netrc);
        entry
    });
    if entry.is_none() {
        entry = named(&mut whole, host, user).or_else(|| take(&mut whole, "default", user));
    }
    wipe(whole);
    Ok(entry)
}

/// The entry that names the host, in any case.
fn named(netrc: &mut Netrc, host: &str, user: Option<&[u8]>) -> Option<Entry> {
    // The parser keeps the default under a name that no host has.
    let name = netrc
        .hosts
        .keys()
        .find(|name| name.eq_ignore_ascii_case(host) && *name != "default")
        .cloned()?;
    take(netrc, &name, user)
}

fn take(netrc: &mut Netrc, name: &str, user: Option<&[u8]>) -> Option<Entry> {
    let entry = Entry::take(netrc.hosts.get_mut(name)?);
    entry.is_for(user).then_some(entry)
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
        assert_eq!(
            found(FILE, "ftp.example.com", None),
            entry("anna", "one", "")
        );
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
    fn what_is_no_netrc_file_is_refused() {
        let text = "machine h login a\npassword open sesame";
        assert_eq!(find(text, "h", None).err(), Some(NotNetrc));
    }
}
