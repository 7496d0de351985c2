//! A client of `serve` that moves files.

use ftp_blocking::{Client, Connector, Error, Login};
use ftp_proto::client::{Config, Security};

use super::{SENTINEL, Server};

/// Logs in without TLS, with the password of all tests.
pub fn log_in(server: &Server, user: &str) -> Client {
    try_log_in(server, user, SENTINEL).unwrap()
}

pub fn try_log_in(server: &Server, user: &str, password: &str) -> Result<Client, Error> {
    let config = Config::new(Login::new(user, password).unwrap());
    let config = config.security(Security::DangerousPlaintext);
    Connector::new(config).connect(&server.address.to_string())
}

/// The names in a directory, sorted.
pub fn names(client: &mut Client, directory: &str) -> Vec<String> {
    let entries = client.list_all(directory).unwrap();
    let name = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    let mut names: Vec<_> = entries.iter().map(|entry| name(entry.name())).collect();
    names.sort();
    names
}

pub fn download(client: &mut Client, path: &str) -> Result<Vec<u8>, Error> {
    let mut download = client.retrieve(path)?;
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

pub fn upload(client: &mut Client, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut upload = client.store(path)?;
    upload.write_all(bytes)?;
    upload.finish().map(drop)
}

/// The code of the refusal.
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> u16 {
    let error = result.unwrap_err();
    let reply = error.reply().unwrap_or_else(|| panic!("{error:?}"));
    reply.code().get()
}
