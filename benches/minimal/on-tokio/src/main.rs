//! Logs in under TLS, asks where it is, and says goodbye.
#![forbid(unsafe_code)]

use ftp_tokio::ftp_proto::client::Config;
use ftp_tokio::ftp_rustls::{Provider, Roots, Versions, client_config_with_provider};
use ftp_tokio::{Connector, Error, Login};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_default();
    let user = arguments.next().unwrap_or_default();
    let password = std::env::var("FTP_PASSWORD").unwrap_or_default();
    let crypto = Provider::Ring.crypto();
    let tls = client_config_with_provider(Roots::Webpki, None, Versions::default(), crypto)?;
    let connector = Connector::new(Config::new(Login::new(user, password)?)).tls(tls);
    let mut ftp = connector.connect(&address).await?;
    println!("{}", ftp.command("PWD").await?);
    ftp.quit().await
}
