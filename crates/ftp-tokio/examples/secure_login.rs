//! Logs in to a server under TLS, asks where it is, and says goodbye; tells every kind of failure
//! apart.
//!
//! ```sh
//! FTP_PASSWORD=… cargo run -p ftp-tokio --example secure_login_tokio -- ftp.example.com developer
//! ```
//!
//! `FTP_ACCOUNT` is sent if the server asks for an account. `FTP_CA` names a PEM file with the
//! certificates to trust, in place of the platform's. The same program is in every adapter's crate.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use ftp_tokio::ftp_proto::client::{self, Config, Timeouts};
use ftp_tokio::ftp_proto::{Account, wire::Reply};
use ftp_tokio::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_tokio::{Connector, Error, Login};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, user] = arguments.as_slice() else {
        eprintln!("usage: secure_login HOST[:PORT] USER (password in FTP_PASSWORD)");
        return ExitCode::from(2);
    };
    let connector = match connector(user) {
        Ok(connector) => connector,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match where_am_i(&connector, address).await {
        Ok(reply) => {
            println!("{reply}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Everything that is settled before the first connection.
fn connector(user: &str) -> Result<Connector, Box<dyn std::error::Error>> {
    let mut login = Login::new(user, env::var("FTP_PASSWORD")?)?;
    if let Ok(account) = env::var("FTP_ACCOUNT") {
        login = login.account(Account::new(account)?);
    }
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_secs(10);
    let mut connector = Connector::new(Config::new(login).timeouts(timeouts));
    if let Ok(path) = env::var("FTP_CA") {
        let roots = Roots::Store(roots_from_pem(&std::fs::read(path)?)?);
        connector = connector.tls(client_config(roots, None)?);
    }
    Ok(connector)
}

async fn where_am_i(connector: &Connector, address: &str) -> Result<Reply, Error> {
    let mut ftp = connector.connect(address).await?;
    if let Some(tls) = ftp.session().and_then(|session| session.tls.as_ref()) {
        println!("logged in under {} with {}", tls.version, tls.cipher_suite);
    }
    let reply = ftp.command("PWD").await?;
    ftp.quit().await?;
    Ok(reply)
}

/// What went wrong, and what to do about it. Every error says the details itself.
fn explain(error: &Error) -> String {
    let what = match error {
        Error::Address(_) | Error::Resolve { .. } => "There is no such server",
        Error::Connect(_) => "The server cannot be reached",
        Error::ConnectTimedOut { .. } | Error::Protocol(client::Error::TimedOut { .. }) => {
            "The server takes too long; try again later"
        }
        Error::Protocol(client::Error::ServiceUnavailable { .. }) => {
            "The server has no time for us; try again later"
        }
        Error::Protocol(client::Error::AccountNeeded { .. }) => {
            "The password is right, but an account is needed: set FTP_ACCOUNT"
        }
        Error::Protocol(client::Error::Refused { .. }) => "The server refuses the login",
        Error::Protocol(client::Error::PeerFault { .. }) => "This does not speak FTP as it should",
        Error::Protocol(client::Error::ConnectionClosed { .. }) | Error::Io { .. } => {
            "The connection was lost; try again later"
        }
        Error::Tls { .. } => "The connection is not secure, so nothing was sent over it",
        _ => "The login failed",
    };
    format!("{what}.\n{error}")
}
