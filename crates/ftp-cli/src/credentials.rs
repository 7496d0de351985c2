//! The user of a login, and the source of the password.
//!
//! What does not live here: the prompt, which waits until the server asks (see `login`), and the
//! netrc file's format (see `netrc`).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use ftp_proto::client::Login;
use ftp_proto::wire::{InvalidText, TextProblem};
use ftp_proto::{Account, Password, Username};
use zeroize::Zeroizing;

use crate::cli::ConnectionArguments;
use crate::encoding;
use crate::exit::Failure;
use crate::netrc::{self, Found, Value};
use crate::output::complain;
use crate::target::Target;

/// The longest password or account that is read. Far more than a command line holds, and a bound
/// for `--password-file /dev/zero`.
const LONGEST_SECRET: u64 = 64 * 1024;

/// The user and password, as far as they are known before the server asks.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// `None`: anonymous.
    pub(crate) username: Option<Username>,
    pub(crate) password: Option<Password>,
    pub(crate) account: Option<Account>,
}

impl Credentials {
    /// Gathers them from the options, the environment, the URL and the netrc file, in this order.
    ///
    /// # Errors
    /// If a named source cannot be read, or holds what cannot be sent.
    pub(crate) fn gather(
        arguments: &ConnectionArguments,
        target: &mut Target,
    ) -> Result<Self, Failure> {
        let given = given_username(arguments, target.username.take())?;
        let mut password = explicit_password(arguments)?;
        if password.is_none() {
            password = password_from_environment(given.is_some())?;
        }
        let password = password.or(target.password.take());
        let account = match &arguments.account {
            Some(account) => Some(
                Account::new(account).map_err(|why| unsendable("the account of --account", why))?,
            ),
            None => None,
        };
        let found = match password {
            Some(_) if given.is_some() => None,
            _ => netrc::entry_for(&target.host_name(), given.as_ref().map(Username::as_bytes))?,
        };
        Self {
            username: given,
            password,
            account,
        }
        .completed(found)
        .map(Self::with_customary_password)
    }

    /// Fills what is missing from the netrc file.
    fn completed(mut self, found: Option<Found>) -> Result<Self, Failure> {
        let Some(found) = found else {
            return Ok(self);
        };
        let unsendable_at = |what: &str, value: &Value, why| {
            unsendable(&format!("the {what} in {}", found.place(value)), why)
        };
        if let (None, Some(login)) = (&self.username, found.login()) {
            let name = Username::new(&*login.bytes);
            self.username = Some(name.map_err(|why| unsendable_at("login", login, why))?);
        }
        if let (None, Some(value)) = (&self.password, found.password()) {
            if self.username.is_none() {
                // Such an entry is not for an anonymous login.
                return Err(Failure::usage(format!(
                    "the entry in {} has a password and no login",
                    found.place(value)
                ))
                .hint("name the user there, in the URL or with --user"));
            }
            let password = Password::new(&*value.bytes);
            self.password = Some(password.map_err(|why| unsendable_at("password", value, why))?);
        }
        if let (None, Some(value)) = (&self.account, found.account()) {
            let account = Account::new(&*value.bytes);
            self.account = Some(account.map_err(|why| unsendable_at("account", value, why))?);
        }
        Ok(self)
    }

    /// The user `anonymous` has no password to ask for.
    fn with_customary_password(mut self) -> Self {
        if self.password.is_none() && self.username.as_ref().is_some_and(is_anonymous) {
            self.password = Password::new("anonymous@").ok();
        }
        self
    }

    /// For the client machine. `ask`: a terminal can answer the server's questions.
    pub(crate) fn to_login(&self, ask: bool) -> Login {
        let mut login = match &self.username {
            Some(name) => Login::user(name.clone()),
            None => Login::anonymous(),
        };
        if let Some(password) = &self.password {
            login = login.password(password.clone());
        }
        if let Some(account) = &self.account {
            login = login.account(account.clone());
        }
        if ask { login.ask() } else { login }
    }
}

/// Whether this is one of the names that anyone may log in with (RFC 1635).
pub(crate) fn is_anonymous(name: &Username) -> bool {
    [b"anonymous".as_slice(), b"ftp"]
        .iter()
        .any(|known| name.as_bytes().eq_ignore_ascii_case(known))
}

fn given_username(
    arguments: &ConnectionArguments,
    from_url: Option<Username>,
) -> Result<Option<Username>, Failure> {
    let Some(name) = &arguments.user else {
        return Ok(from_url);
    };
    let name = Username::new(name).map_err(|why| unsendable("the name of --user", why))?;
    match from_url {
        Some(other) if other != name => Err(Failure::usage(format!(
            "--user is {name}, and the URL has {other}: give only one"
        ))),
        _ => Ok(Some(name)),
    }
}

/// The password of `--password-file` or `--password-stdin`.
fn explicit_password(arguments: &ConnectionArguments) -> Result<Option<Password>, Failure> {
    let (source, bytes) = if let Some(path) = &arguments.password_file {
        (
            format!("the password in {}", path.display()),
            secret_of_file(path)?,
        )
    } else if arguments.password_stdin {
        let line = first_line_of_stdin()?.ok_or_else(|| {
            Failure::usage("standard input is empty: --password-stdin needs a password there")
        })?;
        ("the password on standard input".to_owned(), line)
    } else {
        return Ok(None);
    };
    Password::new(&*bytes)
        .map(Some)
        .map_err(|why| unsendable(&source, why))
}

fn password_from_environment(user_given: bool) -> Result<Option<Password>, Failure> {
    let Some(value) = std::env::var_os("FTP_PASSWORD") else {
        return Ok(None);
    };
    if !user_given {
        complain("note: FTP_PASSWORD is not used, because no user was given");
        return Ok(None);
    }
    Password::new(OsStr::as_encoded_bytes(&value))
        .map(Some)
        .map_err(|why| unsendable("the password in FTP_PASSWORD", why))
}

fn secret_of_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unreadable = |error: io::Error| {
        Failure::usage(format!(
            "cannot read the password file {}: {error}",
            path.display()
        ))
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = read_bounded(file).map_err(unreadable)?;
    encoding::strip_mark(&format!("the password file {}", path.display()), &mut bytes)?;
    strip_line_end(&mut bytes);
    Ok(bytes)
}

/// The first line of standard input without its end; `None` if there is nothing at all.
pub(crate) fn first_line_of_stdin() -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    // Room for all of it: a vector that grows leaves copies of the secret in memory.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_SECRET as usize));
    io::stdin()
        .lock()
        .take(LONGEST_SECRET)
        .read_until(b'\n', &mut line)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    if line.is_empty() {
        return Ok(None);
    }
    // PowerShell puts a byte order mark before piped text.
    encoding::strip_mark("standard input", &mut line)?;
    strip_line_end(&mut line);
    Ok(Some(line))
}

fn read_bounded(reader: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it: a vector that grows leaves copies of the secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_SECRET as usize));
    reader.take(LONGEST_SECRET).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == LONGEST_SECRET {
        return Err(io::Error::other("it is longer than any password"));
    }
    Ok(bytes)
}

fn strip_line_end(bytes: &mut Vec<u8>) {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
}

fn unsendable(what: &str, why: InvalidText) -> Failure {
    let failure = Failure::usage(format!("{what} {}", why.problem));
    match why.problem {
        TextProblem::Control { .. } => {
            failure.hint("FTP cannot send it: it would end the command early")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_line_end_is_taken_off() {
        for (given, kept) in [
            (&b" a b \n"[..], &b" a b "[..]),
            (b"a\r\n", b"a"),
            (b"a\n\n", b"a\n"),
            (b"a\r", b"a\r"),
            (b"a", b"a"),
            (b"", b""),
        ] {
            let mut bytes = given.to_vec();
            strip_line_end(&mut bytes);
            assert_eq!(bytes, kept);
        }
    }
}
