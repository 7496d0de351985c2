//! Serves a directory to everybody, for reading, under TLS. The example `server` checks passwords.
//!
//! ```sh
//! cargo run -p ftp-smol --example file_server_smol -- 127.0.0.1:2121 DIRECTORY cert.pem key.pem
//! ```
#![forbid(unsafe_code)]
use std::{env, error::Error, fs, future::pending, sync::Arc};

use ftp_smol::ftp_files::Directory;
use ftp_smol::ftp_proto::server::{Attempt, Config, FilesConfig, Request, Verdict};
use ftp_smol::ftp_proto::wire::Reply;
use ftp_smol::ftp_rustls::{ClientCertificates, Identity, server_config};
use ftp_smol::{Handler, Server, SessionInfo};

struct Everybody;

impl Handler for Everybody {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept() // for reading, if nothing else is said
    }
    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
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
    smol::block_on(async {
        let listener = smol::net::TcpListener::bind(address).await?;
        server.serve(listener, Everybody, pending()).await;
        Ok(())
    })
}
