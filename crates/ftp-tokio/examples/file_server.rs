//! Serves a directory to everybody, for reading, under TLS. The example `server` checks passwords.
//!
//! ```sh
//! cargo run -p ftp-tokio --example file_server_tokio -- 127.0.0.1:2121 DIRECTORY cert.pem key.pem
//! ```
#![forbid(unsafe_code)]
use std::{env, error::Error, fs, sync::Arc};

use ftp_tokio::ftp_files::Directory;
use ftp_tokio::ftp_proto::server::{Attempt, Config, FilesConfig, Request, Verdict};
use ftp_tokio::ftp_proto::wire::Reply;
use ftp_tokio::ftp_rustls::{ClientCertificates, Identity, server_config};
use ftp_tokio::{Handler, Server, SessionInfo};

struct Everybody;

impl Handler for Everybody {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept() // for reading, if nothing else is said
    }
    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [address, directory, certificate, key] = args.as_slice() else {
        return Err("usage: file_server ADDRESS:PORT DIRECTORY CERT.pem KEY.pem".into());
    };
    let identity = Identity::from_pem(&fs::read(certificate)?, &fs::read(key)?)?;
    let tls = server_config(identity, ClientCertificates::NotAsked)?;
    let config = Arc::new(Config::new().files(FilesConfig::new()));
    let server = Server::new(config, Some(tls))?.files(Directory::open(directory)?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    server.serve(listener, Everybody, stop).await;
    Ok(())
}
