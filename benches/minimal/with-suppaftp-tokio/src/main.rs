//! Logs in under TLS, asks where it is, and says goodbye: with suppaftp on tokio.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Arc;

use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_default();
    let user = arguments.next().unwrap_or_default();
    let password = std::env::var("FTP_PASSWORD").unwrap_or_default();
    let host = address.split(':').next().unwrap_or_default();
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = AsyncRustlsConnector::from(TlsConnector::from(Arc::new(config)));
    let ftp = AsyncRustlsFtpStream::connect(&address).await?;
    let mut ftp = ftp.into_secure(tls, host).await?;
    ftp.login(&user, &password).await?;
    println!("{}", ftp.pwd().await?);
    ftp.quit().await?;
    Ok(())
}
