//! Lists files, downloads one, uploads a copy: `files HOST[:PORT]`, FTP_USER, FTP_PASSWORD, FTP_CA.
#![forbid(unsafe_code)]
use async_std::{fs, io};
use ftp_async_std::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_async_std::{Connector, Login, ftp_proto::client::Config};
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
        let file = fs::read("data.bin").await?;
        let mut upload = ftp.store("copy.bin").await?;
        for piece in file.chunks(1 << 16) {
            upload.write_all(piece).await?;
            println!("sent {} of {} bytes", upload.sent(), file.len());
        }
        println!("{}", upload.finish().await?.reply); // now it is whole
        Ok(ftp.quit().await?)
    })
}
