//! What the server reads at the start and at SIGHUP: users and certificate.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ftp_rustls::rustls::ServerConfig;
use ftp_rustls::{ClientCertificates, server_config};
use zeroize::Zeroizing;

use super::homes::Homes;
use super::made_user::MadeUser;
use super::users::{Form, Users};
use crate::certificate::{SelfMade, read_identity, self_made};
use crate::cli::ServeArguments;
use crate::encoding;
use crate::exit::Failure;

/// What the options say about users and certificate, and what was made for this run.
pub(super) struct Inputs {
    pub(super) arguments: ServeArguments,
    homes: Arc<Homes>,
    made_user: Option<MadeUser>,
}

impl Inputs {
    /// Makes the user of `--user`. Returns the password, too, which is kept nowhere else.
    pub(super) fn new(
        arguments: ServeArguments,
        homes: Arc<Homes>,
    ) -> Result<(Self, Option<Zeroizing<String>>), Failure> {
        let made = match &arguments.who.user {
            Some(name) => Some(MadeUser::new(name.clone())?),
            None => None,
        };
        let (made_user, password) = made.unzip();
        let inputs = Self {
            arguments,
            homes,
            made_user,
        };
        Ok((inputs, password))
    }

    /// How many users are not from the file.
    pub(super) fn made_users(&self) -> usize {
        usize::from(self.made_user.is_some())
    }

    /// Reads the users file, and adds the user of `--user`.
    pub(super) fn users(&self) -> Result<Users, Failure> {
        let who = &self.arguments.who;
        let anonymous = who.anonymous.is_some();
        if !anonymous && who.file.is_none() && self.made_user.is_none() {
            return Err(Failure::usage("nobody could log in: no users are named").hint(
                "--users FILE names them, --user NAME makes one for this run, --anonymous lets all in to read",
            ));
        }
        let mut users = match &who.file {
            Some(path) => read_users(path, anonymous)?,
            None => Users::none(anonymous)?,
        };
        if let Some(made) = &self.made_user
            && !users.add_hash(&made.name, made.hash.clone())
        {
            let name = &made.name;
            return Err(Failure::usage(format!(
                "{name} is in the users file already; --user makes a new one"
            )));
        }
        self.homes.check(&users).map_err(|why| match &who.file {
            Some(path) => Failure::usage(format!("the users file {}, {why}", path.display())),
            None => Failure::usage(why),
        })?;
        Ok(users)
    }
}

/// Reads the users file.
fn read_users(path: &Path, anonymous: bool) -> Result<Users, Failure> {
    let shown = path.display();
    let bytes = read_at_most(LONGEST_USERS, path).map_err(|error| {
        let failure = Failure::usage(format!("cannot read the users file {shown}: {error}"));
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint(format!(
                "this makes it, with one user: echo \"anna:$(ftp-cli hash)\" > '{shown}'"
            )),
            _ => failure,
        }
    })?;
    let text = encoding::plain(&format!("the users file {shown}"), &bytes)?;
    let text = str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        Failure::usage(format!(
            "the users file {shown}, line {line}: it is not UTF-8"
        ))
    })?;
    let form = Form::of(path);
    Users::parse(text, form, anonymous).map_err(|why| {
        let failure = Failure::usage(format!("the users file {shown}, {why}"));
        failure.hint(match form {
            Form::Lines => {
                "each line is name:hash or name:hash:account; `ftp-cli hash` makes the hash. \
                 A file with TOML is named *.toml"
            }
            Form::Toml => {
                "each user is a table, [users.NAME] with hash = \"…\"; `ftp-cli hash` makes the hash"
            }
        })
    })
}

/// The longest users file: about a hundred thousand users. An endless device must not fill the
/// memory.
const LONGEST_USERS: u64 = 16 * 1024 * 1024;

fn read_at_most(longest: u64, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(path)?.take(longest + 1);
    file.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::other(format!(
            "it has more than {longest} bytes"
        )));
    }
    Ok(bytes)
}

/// The configuration for TLS, from files or made here.
pub(super) struct Tls {
    pub(super) config: Arc<ServerConfig>,
    /// The certificate, if it was made here.
    pub(super) self_made: Option<SelfMade>,
}

impl Tls {
    pub(super) fn new(arguments: &ServeArguments) -> Result<Self, Failure> {
        let (identity, self_made) = match (&arguments.tls.cert, &arguments.tls.key) {
            (Some(chain), Some(key)) => (read_identity(chain, key)?, None),
            _ => {
                let (identity, made) = self_made(names(arguments))?;
                (identity, Some(made))
            }
        };
        let config = server_config(identity, ClientCertificates::default())
            .map_err(|error| Failure::usage(format!("cannot set up TLS: {error}")))?;
        Ok(Self { config, self_made })
    }
}

/// What clients may call a server with a new certificate.
fn names(arguments: &ServeArguments) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    let listens_at = arguments.listen.parse::<SocketAddr>().ok();
    let own = listens_at.map(|address| address.ip());
    let own = own.filter(|own| !own.is_unspecified());
    let external = arguments.files.external_address.as_ref();
    let further = own.map(|own| own.to_string());
    for name in further.into_iter().chain(external.map(ToString::to_string)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
