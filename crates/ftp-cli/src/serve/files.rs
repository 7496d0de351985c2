//! The files that the server reads at the start and at SIGHUP: users and certificate.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use ftp_rustls::rustls::ServerConfig;
use ftp_rustls::{ClientCertificates, server_config};

use super::users::Users;
use crate::certificate::{SelfMade, read_identity, self_made};
use crate::cli::ServeArguments;
use crate::encoding;
use crate::exit::Failure;

/// Reads the users file.
pub(super) fn read_users(arguments: &ServeArguments) -> Result<Users, Failure> {
    let Some(path) = &arguments.users else {
        return Users::none(arguments.anonymous);
    };
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
    Users::parse(text, arguments.anonymous).map_err(|why| {
        Failure::usage(format!("the users file {shown}, {why}"))
            .hint("each line is name:hash or name:hash:account; `ftp-cli hash` makes the hash")
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
        let (identity, self_made) = match (&arguments.cert, &arguments.key) {
            (Some(chain), Some(key)) => (read_identity(chain, key)?, None),
            _ => {
                let names = ["localhost", "127.0.0.1", "::1"]
                    .map(str::to_owned)
                    .to_vec();
                let (identity, made) = self_made(names)?;
                (identity, Some(made))
            }
        };
        let config = server_config(identity, ClientCertificates::default())
            .map_err(|error| Failure::usage(format!("cannot set up TLS: {error}")))?;
        Ok(Self { config, self_made })
    }
}
