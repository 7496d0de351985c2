//! Logs in to a server with explicit TLS, asks where it is, and says goodbye.
//!
//! `FTP_PASSWORD=… cargo run -p ftp-tokio --example secure_login -- ftp.example.com developer`
#![forbid(unsafe_code)]

use std::env;
use std::error::Error;

use ftp_proto::client::Login;
use ftp_tokio::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(user)) = (arguments.next(), arguments.next()) else {
        return Err("usage: secure_login HOST[:PORT] USER (password in FTP_PASSWORD)".into());
    };
    let login = Login::new(user, env::var("FTP_PASSWORD")?)?;
    let mut ftp = Client::connect(&address, login).await?;
    if let Some(tls) = ftp.session().and_then(|session| session.tls.as_ref()) {
        println!("logged in under {} with {}", tls.version, tls.cipher_suite);
    }
    println!("{}", ftp.command("PWD").await?);
    ftp.quit().await?;
    Ok(())
}
