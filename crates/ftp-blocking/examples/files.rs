//! Downloads a file under TLS, uploads it again with progress, says goodbye: `files HOST USER FROM TO` (password in FTP_PASSWORD).
#![forbid(unsafe_code)]

use ftp_blocking::{Client, Login};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, user, from, to] = arguments.as_slice() else {
        return Err("usage: files HOST[:PORT] USER FROM TO (password in FTP_PASSWORD)".into());
    };
    let login = Login::new(user, std::env::var("FTP_PASSWORD")?)?;
    let mut ftp = Client::connect(host, login)?;

    let mut file = Vec::new();
    let mut download = ftp.retrieve(from)?;
    download.read_to_end(&mut file)?;
    println!("received {} bytes", file.len());

    let mut upload = ftp.store(to)?;
    for piece in file.chunks(1 << 20) {
        upload.write_all(piece)?;
        println!("sent {} of {} bytes", upload.sent(), file.len());
    }
    println!("{}", upload.finish()?.reply);
    Ok(ftp.quit()?)
}
