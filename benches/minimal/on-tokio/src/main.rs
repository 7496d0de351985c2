//! Logs in under TLS, asks where it is, and says goodbye.
#![forbid(unsafe_code)]

use ftp_tokio::{Client, Error, Login};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_default();
    let user = arguments.next().unwrap_or_default();
    let password = std::env::var("FTP_PASSWORD").unwrap_or_default();
    let mut ftp = Client::connect(&address, Login::new(user, password)?).await?;
    println!("{}", ftp.command("PWD").await?);
    ftp.quit().await
}
