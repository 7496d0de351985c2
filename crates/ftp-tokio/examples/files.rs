//! Scratch.
use ftp_tokio::ftp_proto::client::Config;
use ftp_tokio::ftp_rustls::{self, Roots};
use ftp_tokio::{Connector, Login};

struct Show;
impl ftp_tokio::ftp_proto::Observer for Show {
    fn observe(&self, _: ftp_tokio::ftp_proto::Instant, d: ftp_tokio::ftp_proto::Dialogue<'_>) {
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{d:?}");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap();
    let n: usize = std::env::args().nth(2).unwrap().parse()?;
    let config = Config::new(Login::new("ftpme", "pw")?).observer(std::sync::Arc::new(Show));
    let tls = ftp_rustls::client_config(Roots::DangerousAnyCertificate, None)?;
    let mut ftp = Connector::new(config).tls(tls).connect(&address).await?;
    let mut text = Vec::new();
    let mut resumed = 0;
    for _ in 0..n {
        text.clear();
        let mut download = ftp.retrieve("notes").await?;
        download.read_to_end(&mut text).await?;
        resumed += usize::from(download.finish().await?.tls.unwrap().resumed);
    }
    println!("{n} downloads, {resumed} resumed");
    resumed = 0;
    for _ in 0..n {
        let mut upload = ftp.store("copy").await?;
        upload.write_all(b"hello you").await?;
        resumed += usize::from(upload.finish().await?.tls.unwrap().resumed);
    }
    println!("{n} uploads, {resumed} resumed");
    let mut download = ftp.retrieve("big").await?;
    text.clear();
    download.read_to_end(&mut text).await?;
    println!("{:?}", download.finish().await?);
    let mut upload = ftp.store("copy").await?;
    upload.write_all(&text).await?;
    println!("{:?}", upload.finish().await?);
    println!("{}", ftp.retrieve("nothing").await.unwrap_err());
    let mut download = ftp.retrieve("big").await?;
    let mut some = [0; 1000];
    println!("{}", download.read(&mut some).await?);
    drop(download);
    println!("{}", ftp.command("PWD").await?);
    ftp.quit().await?;
    Ok(())
}
