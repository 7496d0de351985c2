//! Serves a directory to everybody, for reading, under TLS. The example `server` checks passwords.
//!
//! ```sh
//! cargo run -p ftp-blocking --example file_server_blocking -- 127.0.0.1:2121 DIRECTORY cert.pem key.pem
//! ```
#![forbid(unsafe_code)]
use std::{env, error::Error, fs, net::TcpListener, sync::Arc};

use ftp_blocking::ftp_files::Directory;
use ftp_blocking::ftp_proto::server::{Attempt, Config, FilesConfig, Request, Verdict};
use ftp_blocking::ftp_proto::wire::Reply;
use ftp_blocking::ftp_rustls::{ClientCertificates, Identity, server_config};
use ftp_blocking::{Handler, Server, SessionInfo, Shutdown};

struct Everybody;

impl Handler for Everybody {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept() // for reading, if nothing else is said
    }
    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address, directory, certificate, key] = args.as_slice() else {
        return Err("usage: file_server ADDRESS:PORT DIRECTORY CERT.pem KEY.pem".into());
    };
    let identity = Identity::from_pem(&fs::read(certificate)?, &fs::read(key)?)?;
    let tls = server_config(identity, ClientCertificates::NotAsked)?;
    let config = Arc::new(Config::new().files(FilesConfig::new()));
    let server = Server::new(config, Some(tls))?.files(Directory::open(directory)?);
    server.serve(TcpListener::bind(address)?, Everybody, &Shutdown::new())?;
    Ok(())
}
