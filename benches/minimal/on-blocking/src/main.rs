//! Logs in under TLS, asks where it is, and says goodbye.
#![forbid(unsafe_code)]

use ftp_blocking::ftp_proto::client::Config;
use ftp_blocking::ftp_rustls::{Provider, Roots, Versions, client_config_with_provider};
use ftp_blocking::{Connector, Error, Login};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_default();
    let user = arguments.next().unwrap_or_default();
    let password = std::env::var("FTP_PASSWORD").unwrap_or_default();
    let crypto = Provider::Ring.crypto();
    let tls = client_config_with_provider(Roots::Webpki, None, Versions::default(), crypto)?;
    let connector = Connector::new(Config::new(Login::new(user, password)?)).tls(tls);
    let mut ftp = connector.connect(&address)?;
    println!("{}", ftp.command("PWD")?);
    ftp.quit()
}
