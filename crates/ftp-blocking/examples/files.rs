//! Lists files, downloads one, uploads a copy: `files HOST[:PORT]`, FTP_USER, FTP_PASSWORD, FTP_CA.
#![forbid(unsafe_code)]
use ftp_blocking::ftp_proto::client::{Config, Transfer};
use ftp_blocking::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_blocking::{Connector, Login};
use std::{fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: files HOST[:PORT]")?;
    let login = Login::new(std::env::var("FTP_USER")?, std::env::var("FTP_PASSWORD")?)?;
    let mut server = Connector::new(Config::new(login));
    if let Ok(file) = std::env::var("FTP_CA") {
        let roots = Roots::Store(roots_from_pem(&fs::read(file)?)?);
        server = server.tls(client_config(roots, None)?);
    }
    let mut ftp = server.connect(&address)?; // under TLS, or `Err`
    for entry in ftp.list_all("")? {
        println!("{}", String::from_utf8_lossy(entry.name()));
    }
    let mut download = ftp.retrieve("data.bin")?;
    io::copy(&mut download, &mut fs::File::create("data.bin")?)?; // whole, or `Err`
    let mut file = fs::File::open("data.bin")?;
    let copy = Transfer::store("copy.bin")?.size(Some(file.metadata()?.len()));
    let upload = ftp.upload(copy)?;
    let mut upload = upload.on_progress(|sent| println!("sent {sent}"));
    io::copy(&mut file, &mut upload)?;
    println!("{}", upload.finish()?.reply); // now it is whole
    Ok(ftp.quit()?)
}
