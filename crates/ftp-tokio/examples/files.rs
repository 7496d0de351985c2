//! Scratch.
use ftp_tokio::ftp_proto::client::{Config, Security};
use ftp_tokio::{Connector, Login};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap();
    let config = Config::new(Login::new("me", "pw")?).security(Security::DangerousPlaintext);
    let mut ftp = Connector::new(config).connect(&address).await?;
    let mut text = Vec::new();
    let mut download = ftp.retrieve("notes").await?;
    download.read_to_end(&mut text).await?;
    println!("{:?}", download.finish().await?);
    println!("{}", String::from_utf8_lossy(&text));
    let mut download = ftp.retrieve("big").await?;
    text.clear();
    download.read_to_end(&mut text).await?;
    println!("{:?} {}", download.finish().await?, text.len());
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
