//! Logs in under TLS, asks where it is, and says goodbye.
#![forbid(unsafe_code)]

use ftp_smol::{Client, Error, Login};

fn main() -> Result<(), Error> {
    smol::block_on(run())
}

async fn run() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_default();
    let user = arguments.next().unwrap_or_default();
    let password = std::env::var("FTP_PASSWORD").unwrap_or_default();
    let mut ftp = Client::connect(&address, Login::new(user, password)?).await?;
    println!("{}", ftp.command("PWD").await?);
    ftp.quit().await
}
