//! Servers of a directory on a disk, each of which serves until its process ends: what files cost a server.
//!
//! The bare ones have a thread for each session and a listener for its data connections, look at no more of a command
//! than its verb and its path, and ask nobody. They differ in how they move bytes.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ftp_blocking::Shutdown;
use ftp_blocking::ftp_files::Directory;
use ftp_blocking::ftp_proto::server::{Config, FilesConfig, Rights, Security};
use ftp_blocking::ftp_rustls::{ClientCertificates, Identity, server_config};

use crate::copies::{Kernel, Moves};
use crate::sealed::NAME;
use crate::servers::{OpenDoor, of_tokio, tokio_runtime};

/// A server that is measured.
pub type Contestant = (&'static str, fn(TcpListener, &Path));

/// All of them.
pub const ALL: [Contestant; 4] = [
    ("bare_loop", |listener, root| bare(&listener, root, false)),
    ("bare_kernel", |listener, root| bare(&listener, root, true)),
    ("ftp_blocking", ftp_blocking),
    ("ftp_tokio", ftp_tokio),
];

/// What the bare server reads and writes at once, if it does so itself.
const PIECE: usize = 64 * 1024;

fn bare(listener: &TcpListener, root: &Path, by_kernel: bool) {
    for control in listener.incoming() {
        let control = control.expect("a connection");
        let session = Session {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener"),
            root: root.to_owned(),
            by_kernel,
            piece: vec![0; PIECE],
        };
        // What ends one early is the client's matter.
        thread::spawn(move || session.talk(&control));
    }
}

struct Session {
    listener: TcpListener,
    root: PathBuf,
    by_kernel: bool,
    piece: Vec<u8>,
}

impl Session {
    fn talk(mut self, control: &TcpStream) -> io::Result<()> {
        control.set_nodelay(true)?;
        let mut say = control;
        say.write_all(b"220 FTP server ready.\r\n")?;
        for line in BufReader::new(control).lines() {
            let line = line?;
            let (verb, path) = line.split_once(' ').unwrap_or((&line, ""));
            let port = self.listener.local_addr()?.port();
            let reply = match verb {
                "USER" => "331 Please specify the password.\r\n",
                "PASS" => "230 Login successful.\r\n",
                "TYPE" => "200 Type set.\r\n",
                "EPSV" => &format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
                "RETR" | "STOR" | "LIST" | "NLST" => {
                    let (mut data, _) = self.listener.accept()?;
                    say.write_all(b"150 Here it comes.\r\n")?;
                    match verb {
                        "RETR" => self.send(File::open(self.root.join(path))?, data)?,
                        "STOR" => self.take(&mut data, File::create(self.root.join(path))?)?,
                        _ => self.list(data, verb == "LIST")?,
                    }
                    "226 Transfer complete.\r\n"
                }
                "QUIT" => "221 Goodbye.\r\n",
                _ => "502 Not known.\r\n",
            };
            say.write_all(reply.as_bytes())?;
        }
        Ok(())
    }

    fn send(&mut self, mut file: File, mut data: TcpStream) -> io::Result<()> {
        if self.by_kernel {
            return Kernel.send(file, &data);
        }
        loop {
            match file.read(&mut self.piece)? {
                0 => return Ok(()),
                count => data.write_all(&self.piece[..count])?,
            }
        }
    }

    fn take(&mut self, data: &mut TcpStream, mut file: File) -> io::Result<()> {
        if self.by_kernel {
            return Kernel.take(data, file);
        }
        loop {
            match data.read(&mut self.piece)? {
                0 => return Ok(()),
                count => file.write_all(&self.piece[..count])?,
            }
        }
    }

    /// Looks at each file for `LIST`, and at none for `NLST`.
    fn list(&self, data: TcpStream, is_long: bool) -> io::Result<()> {
        let mut lines = io::BufWriter::with_capacity(PIECE, data);
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name();
            if is_long {
                let size = entry.metadata()?.len();
                write!(
                    lines,
                    "-rw-r--r--   1 ftp      ftp      {size:>12} Nov 29 09:00 "
                )?;
            }
            lines.write_all(name.as_encoded_bytes())?;
            lines.write_all(b"\r\n")?;
        }
        lines.flush()
    }
}

/// One more, under TLS: says its certificate first. It is not among [`ALL`], which are measured.
pub const UNDER_TLS: Contestant = ("ftp_blocking_tls", ftp_blocking_tls);

fn config(security: Security) -> Arc<Config> {
    let files = FilesConfig::new().rights(Rights::ALL);
    Arc::new(Config::new().security(security).files(files))
}

fn ftp_blocking(listener: TcpListener, root: &Path) {
    let config = config(Security::DangerousPlaintext);
    let server = ftp_blocking::Server::new(config, None).expect("no TLS is asked for");
    serve_blocking(server, listener, root);
}

fn ftp_blocking_tls(listener: TcpListener, root: &Path) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("they fit");
    let tls = server_config(identity, ClientCertificates::NotAsked).expect("a configuration");
    println!("{certificate}");
    let config = config(Security::ExplicitTls);
    let server = ftp_blocking::Server::new(config, Some(tls)).expect("TLS is there");
    serve_blocking(server, listener, root);
}

fn serve_blocking(server: ftp_blocking::Server, listener: TcpListener, root: &Path) {
    let server = server.files(Directory::open(root).expect("a directory"));
    let served = server.serve(listener, OpenDoor, &Shutdown::new());
    served.expect("served");
}

fn ftp_tokio(listener: TcpListener, root: &Path) {
    let config = config(Security::DangerousPlaintext);
    let server = ftp_tokio::Server::new(config, None).expect("no TLS is asked for");
    let server = server.files(Directory::open(root).expect("a directory"));
    tokio_runtime().block_on(async {
        let never = std::future::pending();
        server.serve(of_tokio(listener), OpenDoor, never).await;
    });
}
