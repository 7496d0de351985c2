//! A server that requires TLS, with users of its own, which locks out whoever guesses and stops cleanly.
//!
//! ```sh
//! FTP_PASSWORD=… cargo run -p ftp-async-std --example server_async_std -- 127.0.0.1:2121 cert.pem key.pem
//! ```
//!
//! The only user is `developer`. The server stops when its standard input ends (Ctrl-D).
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::{env, fs};

use async_std::io;
use async_std::net::TcpListener;
use ftp_async_std::ftp_guard::{Guard, GuardConfig, Seed};
use ftp_async_std::ftp_proto::server::{Attempt, Config, Request, Verdict};
use ftp_async_std::ftp_proto::wire::Reply;
use ftp_async_std::ftp_rustls::{ClientCertificates, Identity, config, rustls, server_config};
use ftp_async_std::{Handler, Server, SessionEvent, SessionInfo, SharedGuard};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, certificate, key] = arguments.as_slice() else {
        let usage = "usage: server ADDRESS:PORT CERT.pem KEY.pem (password in FTP_PASSWORD)";
        return Err(usage.into());
    };
    let password = env::var("FTP_PASSWORD")?.into_bytes();
    let users = Users(HashMap::from([(b"developer".to_vec(), password)]));
    let identity = Identity::from_pem(&fs::read(certificate)?, &fs::read(key)?)?;
    let tls = server_config(identity, ClientCertificates::NotAsked)?;
    let server = Server::new(Arc::new(Config::new()), Some(tls))?.guard(guard()?);
    async_std::task::block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on {}", listener.local_addr()?);
        let stop = async { drop(io::copy(&mut io::stdin(), &mut io::sink()).await) };
        server.serve(listener, users, stop).await;
        Ok(())
    })
}

/// Counts failures across connections, and locks out by address and by name.
fn guard() -> Result<SharedGuard, Box<dyn Error>> {
    let mut seed = [0; 16];
    let random = config::provider()?.secure_random;
    random.fill(&mut seed).map_err(rustls::Error::from)?;
    let guard = Guard::new(GuardConfig::new(), Seed::new(seed));
    Ok(SharedGuard::new(guard))
}

/// Names and passwords. A real database keeps slow, salted hashes instead: the crate `argon2` makes
/// and verifies them, which belongs into `async_std::task::spawn_blocking`.
struct Users(HashMap<Vec<u8>, Vec<u8>>);

impl Handler for Users {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        let wanted = self.0.get(attempt.username().as_bytes());
        let given = attempt.password();
        let given = given.map_or(&[][..], |password| password.expose());
        // The time it takes shows neither how much is right nor whether there is such a user.
        let compared = wanted.map_or(given, Vec::as_slice);
        let pairs = compared.iter().zip(given);
        let differing = pairs.fold(0, |bits, (a, b)| bits | (a ^ b));
        if wanted.is_some() && compared.len() == given.len() && differing == 0 {
            attempt.accept()
        } else {
            attempt.reject()
        }
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None // A server without files: 502, not implemented.
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        eprintln!("{}: {event:?}", session.peer);
    }
}
