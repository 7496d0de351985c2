//! Clients that move one large file from a disk to a disk under TLS 1.3: what encryption and copying cost.
//!
//! The bare one decrypts in place by rustls' API without buffers, and reads 256 KiB at once.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use ::suppaftp::types::FileType;
use ::suppaftp::{FtpError, Mode, RustlsConnector, RustlsFtpStream};
use ftp_blocking::ftp_proto::client::{Config, Login};
use ftp_blocking::ftp_rustls::rustls::client::UnbufferedClientConnection;
use ftp_blocking::ftp_rustls::rustls::pki_types::ServerName;
use ftp_blocking::ftp_rustls::rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use ftp_blocking::ftp_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};
use ftp_blocking::ftp_rustls::{Roots, client_config, roots_from_pem};

use crate::copies::{Copy, copy_and_quit};
use crate::files::{LOGIN, PIECE, port, reply};
use crate::servers::tokio_runtime;
use crate::{PASSWORD, USER};

/// A client that is measured: logs in, copies the file, down or up, and ends. It trusts the certificate in this
/// file.
pub type Contestant = (&'static str, fn(Copy, bool, &Path));

/// All of them. (The script has curl besides.)
pub const ALL: [Contestant; 4] = [
    ("bare_rustls", bare),
    ("suppaftp", suppaftp),
    ("ftp_blocking", blocking),
    ("ftp_tokio", tokio),
];

/// The name in the server's certificate.
pub const NAME: &str = "localhost";
/// What the bare client reads at once, and has room for beside.
const LARGE: usize = 256 * 1024;
const RECORD: usize = 20 * 1024;

fn tls(certificate: &Path) -> Arc<ClientConfig> {
    let pem = fs::read(certificate).expect("a certificate");
    let roots = roots_from_pem(&pem).expect("a certificate");
    client_config(Roots::Store(roots), None).expect("a configuration")
}

fn name() -> ServerName<'static> {
    NAME.try_into().expect("a name")
}

/// A data connection of rustls alone.
struct Bare {
    client: UnbufferedClientConnection,
    stream: TcpStream,
    /// What came and is not used, and what goes out.
    came: Vec<u8>,
    filled: usize,
    outgoing: Vec<u8>,
}

impl Bare {
    fn shake_hands(tls: &Arc<ClientConfig>, stream: TcpStream) -> Self {
        let client = UnbufferedClientConnection::new(Arc::clone(tls), name());
        let mut bare = Self {
            client: client.expect("a client"),
            stream,
            came: vec![0; LARGE + RECORD],
            filled: 0,
            outgoing: vec![0; LARGE + RECORD],
        };
        let mut sealed = 0;
        loop {
            let status = bare
                .client
                .process_tls_records(&mut bare.came[..bare.filled]);
            let UnbufferedStatus { discard, state } = status;
            let mut waits = false;
            match state.expect("no error") {
                ConnectionState::EncodeTlsData(mut flight) => {
                    sealed += flight.encode(&mut bare.outgoing[sealed..]).expect("room");
                }
                ConnectionState::TransmitTlsData(sent) => {
                    (bare.stream)
                        .write_all(&bare.outgoing[..sealed])
                        .expect("sent");
                    sealed = 0;
                    sent.done();
                }
                ConnectionState::BlockedHandshake => waits = true,
                ConnectionState::WriteTraffic(_) => return bare,
                state => panic!("{state:?}"),
            }
            bare.used(discard);
            if waits {
                assert!(bare.read() > 0, "the server shakes hands");
            }
        }
    }

    fn used(&mut self, count: usize) {
        self.came.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    fn read(&mut self) -> usize {
        let space = &mut self.came[self.filled..];
        let count = self.stream.read(space).expect("bytes");
        self.filled += count;
        count
    }

    fn take(mut self, mut file: File) -> io::Result<()> {
        loop {
            let mut start = 0;
            loop {
                let waiting = &mut self.came[start..self.filled];
                let UnbufferedStatus { mut discard, state } =
                    self.client.process_tls_records(waiting);
                let mut is_all = true;
                match state.expect("no error") {
                    ConnectionState::ReadTraffic(mut traffic) => {
                        is_all = false;
                        while let Some(record) = traffic.next_record() {
                            let record = record.expect("it decrypts");
                            discard += record.discard;
                            file.write_all(record.payload)?;
                        }
                    }
                    ConnectionState::PeerClosed => return Ok(()),
                    ConnectionState::WriteTraffic(_) => {}
                    state => panic!("{state:?}"),
                }
                start += discard;
                if is_all {
                    break;
                }
            }
            self.used(start);
            assert!(self.read() > 0, "it ends with close_notify");
        }
    }

    fn send(mut self, mut file: File) -> io::Result<()> {
        let mut piece = vec![0; LARGE];
        loop {
            let count = file.read(&mut piece)?;
            let status = self.client.process_tls_records(&mut []);
            let ConnectionState::WriteTraffic(mut traffic) = status.state.expect("no error") else {
                panic!("nothing was read");
            };
            let sealed = if count == 0 {
                traffic
                    .queue_close_notify(&mut self.outgoing)
                    .expect("room")
            } else {
                let sealed = traffic.encrypt(&piece[..count], &mut self.outgoing);
                sealed.expect("room")
            };
            self.stream.write_all(&self.outgoing[..sealed])?;
            if count == 0 {
                self.stream.shutdown(std::net::Shutdown::Write)?;
                // The tickets are there.
                while self.stream.read(&mut piece)? > 0 {}
                return Ok(());
            }
        }
    }
}

fn bare(copy: Copy, down: bool, certificate: &Path) {
    let tls = tls(certificate);
    let mut clear = TcpStream::connect(copy.server).expect("connected");
    clear.set_nodelay(true).expect("no delay");
    let mut space = [0; 512];
    reply(&mut clear, &mut space);
    clear.write_all(b"AUTH TLS\r\n").expect("sent");
    reply(&mut clear, &mut space);
    let client = ClientConnection::new(Arc::clone(&tls), name()).expect("a client");
    let mut control = StreamOwned::new(client, clear);
    let mut say = |command: &[u8]| {
        control.write_all(command).expect("sent");
        let length = control.read(&mut space).expect("a reply");
        String::from_utf8_lossy(&space[..length]).into_owned()
    };
    for command in [b"PBSZ 0\r\n", b"PROT P\r\n"] {
        say(command);
    }
    for command in LOGIN {
        say(command);
    }
    let address = (copy.server.ip(), port(say(b"EPSV\r\n").as_bytes()));
    let data = TcpStream::connect(address).expect("connected");
    data.set_nodelay(true).expect("no delay");
    let verb = if down { "RETR" } else { "STOR" };
    let begun = say(format!("{verb} {}\r\n", copy.path).as_bytes());
    assert!(begun.starts_with("150"), "{begun}");
    let data = Bare::shake_hands(&tls, data);
    let copied = match down {
        true => data.take(File::create(&copy.local).expect("a file")),
        false => data.send(File::open(&copy.local).expect("a file")),
    };
    copied.expect("copied");
    let end = say(b"");
    assert!(end.starts_with("226"), "{end}");
}

fn suppaftp(copy: Copy, down: bool, certificate: &Path) {
    let connector = RustlsConnector::from(tls(certificate));
    let client = RustlsFtpStream::connect(copy.server).expect("connected");
    let mut client = client.into_secure(connector, NAME).expect("under TLS");
    client.set_mode(Mode::ExtendedPassive);
    client.login(USER, PASSWORD).expect("logged in");
    client.transfer_type(FileType::Binary).expect("a type");
    if down {
        let mut file = File::create(copy.local).expect("a file");
        let moved = client.retr(&copy.path, |mut data| {
            io::copy(&mut data, &mut file).map_err(FtpError::ConnectionError)
        });
        moved.expect("whole");
    } else {
        let mut file = File::open(copy.local).expect("a file");
        client.put_file(copy.path, &mut file).expect("whole");
    }
    client.quit().expect("goodbye");
}

fn config() -> Config {
    Config::new(Login::new(USER, PASSWORD).expect("a login"))
}

fn host(copy: &Copy) -> String {
    format!("{NAME}:{}", copy.server.port())
}

fn blocking(copy: Copy, down: bool, certificate: &Path) {
    let client = ftp_blocking::Connector::new(config())
        .tls(tls(certificate))
        .connect(&host(&copy))
        .expect("logged in");
    copy_and_quit(client, copy, down);
}

fn tokio(copy: Copy, down: bool, certificate: &Path) {
    let tls = tls(certificate);
    tokio_runtime().block_on(async {
        let mut client = ftp_tokio::Connector::new(config())
            .tls(tls)
            .connect(&host(&copy))
            .await
            .expect("logged in");
        let mut piece = vec![0; if down { PIECE } else { LARGE }];
        if down {
            let mut file = File::create(copy.local).expect("a file");
            let mut download = client.retrieve(copy.path).await.expect("it begins");
            loop {
                match download.read(&mut piece).await.expect("whole") {
                    0 => break,
                    count => file.write_all(&piece[..count]).expect("written"),
                }
            }
        } else {
            let mut file = File::open(copy.local).expect("a file");
            let mut upload = client.store(copy.path).await.expect("it begins");
            loop {
                match file.read(&mut piece).expect("read") {
                    0 => break,
                    count => upload.write_all(&piece[..count]).await.expect("sent"),
                }
            }
            upload.finish().await.expect("whole");
        }
        client.quit().await.expect("goodbye");
    });
}
