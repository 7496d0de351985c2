//! Lists files, downloads one, uploads a copy: `files HOST[:PORT]`, FTP_USER, FTP_PASSWORD, FTP_CA.
#![forbid(unsafe_code)]
use async_std::{fs, io};
use ftp_async_std::ftp_proto::client::{Config, Transfer};
use ftp_async_std::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_async_std::{Connector, Login};
fn main() -> Result<(), Box<dyn std::error::Error>> {
    async_std::task::block_on(async {
        let address = std::env::args().nth(1).ok_or("usage: files HOST[:PORT]")?;
        let login = Login::new(std::env::var("FTP_USER")?, std::env::var("FTP_PASSWORD")?)?;
        let mut server = Connector::new(Config::new(login));
        if let Ok(file) = std::env::var("FTP_CA") {
            let roots = Roots::Store(roots_from_pem(&fs::read(file).await?)?);
            server = server.tls(client_config(roots, None)?);
        }
        let mut ftp = server.connect(&address).await?; // under TLS, or `Err`
        for entry in ftp.list_all("").await? {
            println!("{}", String::from_utf8_lossy(entry.name()));
        }
        let mut download = ftp.retrieve("data.bin").await?;
        io::copy(&mut download, &mut fs::File::create("data.bin").await?).await?; // whole, or `Err`
        let mut file = fs::File::open("data.bin").await?;
        let copy = Transfer::store("copy.bin")?.size(Some(file.metadata().await?.len()));
        let upload = ftp.upload(copy).await?;
        let mut upload = upload.on_progress(|sent| println!("sent {sent}"));
        io::copy(&mut file, &mut upload).await?;
        println!("{}", upload.finish().await?.reply); // now it is whole
        Ok(ftp.quit().await?)
    })
}
