//! Logs in under TLS, asks where it is, and says goodbye: with suppaftp, blocking.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Arc;

use suppaftp::rustls::{ClientConfig, RootCertStore};
use suppaftp::{RustlsConnector, RustlsFtpStream};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_default();
    let user = arguments.next().unwrap_or_default();
    let password = std::env::var("FTP_PASSWORD").unwrap_or_default();
    let host = address.split(':').next().unwrap_or_default();
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = RustlsConnector::from(Arc::new(config));
    let ftp = RustlsFtpStream::connect(&address)?;
    let mut ftp = ftp.into_secure(tls, host)?;
    ftp.login(&user, &password)?;
    println!("{}", ftp.pwd()?);
    ftp.quit()?;
    Ok(())
}
