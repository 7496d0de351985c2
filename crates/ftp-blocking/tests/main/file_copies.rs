//! Files on a disk: `copy_to_file` and `copy_from_file`, whoever copies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ftp_blocking::ftp_rustls::rustls::ServerConfig;
use ftp_blocking::{Connector, DataTransport, Transport};
use ftp_proto::client::Transfer;
use ftp_proto::data::{DataType, Open};
use ftp_testkit::flaky::{FlakyFile, FlakyServer};

use crate::scripted_server::{ScriptedServer, config, file, play, play_with, serve};
use crate::transfers_tls::{shake_hands, tls};
use crate::watched::watched;

/// Around the sizes of pieces.
const SIZES: [usize; 9] = [
    0, 1, 4097, 65_535, 65_536, 65_537, 262_144, 262_145, 3_000_003,
];

/// A file of this process, removed at its end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ftp-blocking-{}-{count}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn holding(bytes: &[u8]) -> Self {
        let scratch = Self::new();
        fs::write(&scratch.0, bytes).unwrap();
        scratch
    }

    pub(crate) fn create(&self) -> File {
        File::create(&self.0).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.0).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

/// How a file goes over the data connection.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Clear,
    Tls,
    Text,
}

impl Way {
    /// A file of this computer, of about this size.
    fn here(self, size: usize) -> Vec<u8> {
        match self {
            Self::Text => b"a line\n".repeat(size / 7),
            Self::Clear | Self::Tls => file(size),
        }
    }

    /// The same on the data connection.
    fn there(self, size: usize) -> Vec<u8> {
        match self {
            Self::Text => b"a line\r\n".repeat(size / 7),
            Self::Clear | Self::Tls => file(size),
        }
    }

    fn transfer(self, transfer: Transfer) -> Transfer {
        match self {
            Self::Text => transfer.data_type(DataType::Ascii),
            Self::Clear | Self::Tls => transfer,
        }
    }

    /// Without TLS there is none.
    fn connector(self) -> (Connector, Option<Arc<ServerConfig>>) {
        let (connector, tls) = tls();
        match self {
            Self::Tls => (connector, Some(tls)),
            Self::Clear | Self::Text => (Connector::new(config()), None),
        }
    }
}

#[test]
fn a_download_into_a_file_is_the_same_in_clear_under_tls_and_as_text() {
    for way in [Way::Clear, Way::Tls, Way::Text] {
        let (connector, tls) = way.connector();
        let server_tls = tls.clone();
        let script = move |server: &mut ScriptedServer| {
            for size in SIZES {
                let mut data = server.data("RETR a file");
                server.say("150 Here it comes.");
                match &tls {
                    Some(tls) => {
                        let mut data = shake_hands(tls, data);
                        data.write_all(&way.there(size)).unwrap();
                        data.conn.send_close_notify();
                        data.flush().unwrap();
                    }
                    None => {
                        for piece in way.there(size).chunks(77_777) {
                            data.write_all(piece).unwrap();
                        }
                    }
                }
                server.say("226 That was it.");
            }
        };
        play_with(connector, server_tls, script, move |client| {
            for size in SIZES {
                let whole = way.here(size);
                let scratch = Scratch::new();
                let mut file = scratch.create();
                file.write_all(b"before ").unwrap();
                let transfer = way.transfer(Transfer::retrieve("a file").unwrap());
                let mut download = client.download(transfer).unwrap();
                let copied = download.copy_to_file(&mut file).unwrap();
                assert_eq!(copied, whole.len() as u64);
                let report = download.finish().unwrap();
                assert_eq!(report.bytes, way.there(size).len() as u64);
                assert_eq!(download.received(), report.bytes);
                assert!(scratch.bytes() == [b"before ", &whole[..]].concat());
            }
        });
    }
}

#[test]
fn an_upload_from_a_file_is_the_same_in_clear_under_tls_and_as_text() {
    for way in [Way::Clear, Way::Tls, Way::Text] {
        let (connector, tls) = way.connector();
        let server_tls = tls.clone();
        let script = move |server: &mut ScriptedServer| {
            for size in SIZES {
                let mut data = server.data("STOR a file");
                server.say("150 Send it.");
                let mut all = Vec::new();
                match &tls {
                    Some(tls) => shake_hands(tls, data).read_to_end(&mut all).unwrap(),
                    None => data.read_to_end(&mut all).unwrap(),
                };
                assert!(all == [b"more ", &way.there(size)[..]].concat());
                server.say("226 Got it.");
            }
        };
        play_with(connector, server_tls, script, move |client| {
            for size in SIZES {
                let whole = way.here(size);
                let scratch = Scratch::holding(&[b"before ", &whole[..]].concat());
                let mut file = File::open(&scratch.0).unwrap();
                file.seek(SeekFrom::Start(7)).unwrap();
                let transfer = way.transfer(Transfer::store("a file").unwrap());
                let mut upload = client.upload(transfer).unwrap();
                // It is gathered, and goes first.
                upload.write_all(b"more ").unwrap();
                let copied = upload.copy_from_file(&mut file).unwrap();
                assert_eq!(copied, whole.len() as u64);
                let report = upload.finish().unwrap();
                assert_eq!(report.bytes, way.there(size).len() as u64 + 5);
                assert_eq!(upload.sent(), report.bytes);
            }
        });
    }
}

#[test]
fn the_rest_of_a_file_comes_and_goes_from_an_offset() {
    const SIZE: usize = 300_000;
    const HERE: usize = 100_001;
    watched(|| {
        let server = FlakyServer::start(1);
        let bytes = file(SIZE);
        let there = FlakyFile { bytes, changed: 1 };
        server.state().files.insert("/f".into(), there);
        let address = server.address().to_string();
        let mut client = Connector::new(config()).connect(&address).unwrap();
        // The system moves nothing to a file that is opened to append.
        for append in [false, true] {
            let scratch = Scratch::holding(&file(HERE));
            let mut options = OpenOptions::new();
            let mut sink = options.write(true).append(append).open(&scratch.0).unwrap();
            sink.seek(SeekFrom::End(0)).unwrap();
            let mut download = client.retrieve_from("/f", HERE as u64).unwrap();
            let copied = download.copy_to_file(&mut sink).unwrap();
            assert_eq!(copied, (SIZE - HERE) as u64);
            drop(download);
            assert!(scratch.bytes() == file(SIZE));
        }
        let there = FlakyFile {
            bytes: file(HERE),
            changed: 1,
        };
        server.state().files.insert("/f".into(), there);
        let scratch = Scratch::holding(&file(SIZE));
        let mut source = File::open(&scratch.0).unwrap();
        source.seek(SeekFrom::Start(HERE as u64)).unwrap();
        let mut upload = client.store_from("/f", HERE as u64).unwrap();
        upload.copy_from_file(&mut source).unwrap();
        upload.finish().unwrap();
        assert!(server.file("/f").unwrap() == file(SIZE));
        client.quit().unwrap();
    });
}

#[test]
fn a_server_that_pauses_is_waited_for() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR a file");
        server.say("150 Here it comes.");
        for piece in file(100_000).chunks(25_000) {
            thread::sleep(Duration::from_millis(120));
            data.write_all(piece).unwrap();
        }
        drop(data);
        server.say("226 That was it.");
        let mut data = server.data("STOR a file");
        server.say("150 Send it.");
        let mut all = vec![0; 30_000_000];
        for piece in all.chunks_mut(10_000_000) {
            thread::sleep(Duration::from_millis(250));
            data.read_exact(piece).unwrap();
        }
        assert!(all == file(30_000_000));
        assert_eq!(data.read(&mut [0]).unwrap(), 0);
        server.say("226 Got it.");
    };
    play(script, |client| {
        let scratch = Scratch::new();
        let mut sink = scratch.create();
        let mut download = client.retrieve("a file").unwrap();
        assert_eq!(download.copy_to_file(&mut sink).unwrap(), 100_000);
        drop(download);
        assert!(scratch.bytes() == file(100_000));

        let scratch = Scratch::holding(&file(30_000_000));
        let mut upload = client.store("a file").unwrap();
        let mut source = File::open(&scratch.0).unwrap();
        assert_eq!(upload.copy_from_file(&mut source).unwrap(), 30_000_000);
        upload.finish().unwrap();
    });
}

/// Counts the bytes that are read and written by this program.
struct Counted {
    socket: TcpStream,
    bytes: Arc<AtomicUsize>,
    /// Says that it is a socket.
    is_open: bool,
}

impl Read for Counted {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(space)?;
        self.bytes.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.socket.write(bytes)?;
        self.bytes.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Transport for Counted {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        Transport::set_read_timeout(&mut self.socket, timeout)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        Transport::set_write_timeout(&mut self.socket, timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.socket.close()
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.is_open.then_some(&self.socket)
    }
}

/// Makes them.
struct ToLoopback {
    bytes: Arc<AtomicUsize>,
    is_open: bool,
}

impl DataTransport<Counted> for ToLoopback {
    fn connect(&self, open: Open, _: Duration) -> io::Result<Counted> {
        let Open::ConnectToPeer { port } = open else {
            return Err(ErrorKind::Unsupported.into());
        };
        Ok(Counted {
            socket: TcpStream::connect(("127.0.0.1", port))?,
            bytes: Arc::clone(&self.bytes),
            is_open: self.is_open,
        })
    }
}

#[test]
fn the_system_copies_if_it_can_reach_the_socket() {
    // So little that sockets hold it, whenever the other side reads.
    const SIZE: usize = 60_000;
    for is_open in [false, true] {
        let script = |server: &mut ScriptedServer| {
            let mut data = server.data("RETR a file");
            data.write_all(&file(SIZE)).unwrap();
            drop(data);
            server.say("150 Here it comes.\n226 That was it.");
            let mut data = server.data("STOR a file");
            server.say("150 Send it.");
            let mut all = Vec::new();
            data.read_to_end(&mut all).unwrap();
            assert!(all == file(SIZE));
            server.say("226 Got it.");
        };
        watched(move || {
            let (address, server) = serve(None, script);
            let bytes = Arc::new(AtomicUsize::new(0));
            let copied = Arc::clone(&bytes);
            let control = Counted {
                socket: TcpStream::connect(address).unwrap(),
                bytes: Arc::default(),
                is_open,
            };
            let mut client = Connector::new(config()).over(control, "localhost").unwrap();
            client.data_transport(Arc::new(ToLoopback { bytes, is_open }));
            let by_system = is_open && cfg!(all(target_os = "linux", feature = "kernel-copy"));
            let expected = if by_system { 0 } else { SIZE };

            let scratch = Scratch::new();
            let mut download = client.retrieve("a file").unwrap();
            download.copy_to_file(&mut scratch.create()).unwrap();
            drop(download);
            assert!(scratch.bytes() == file(SIZE));
            assert_eq!(copied.swap(0, Ordering::Relaxed), expected);

            let mut upload = client.store("a file").unwrap();
            let mut source = File::open(&scratch.0).unwrap();
            upload.copy_from_file(&mut source).unwrap();
            assert_eq!(upload.finish().unwrap().bytes, SIZE as u64);
            drop(upload);
            assert_eq!(copied.load(Ordering::Relaxed), expected);
            client.quit().unwrap();
            server.join().unwrap();
        });
    }
}
