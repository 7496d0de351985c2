//! A server with files: what the blocking dialect does in a way of its own.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ftp_blocking::ftp_files::{Directory, Entries, Facts, Files, Opened, ReadFile, WriteFile};
use ftp_blocking::ftp_proto::listing::FactNames;
use ftp_blocking::ftp_proto::server::{
    Attempt, Config, FileError, FilesConfig, Request, Security, StoreMode, Verdict, VirtualPath,
};
use ftp_blocking::ftp_proto::wire::Reply;
use ftp_blocking::ftp_proto::{client, data};
use ftp_blocking::{Connector, Handler, Login, Server, SessionInfo, Shutdown};

const SIZE: usize = 6_000_011;

struct Everybody;

impl Handler for Everybody {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept()
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

/// A directory whose files count what is read of them by hand.
struct Counted {
    files: Directory,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    read: AtomicUsize,
    /// How often what was read was given back.
    given_back: AtomicUsize,
}

struct CountedFile(Box<dyn ReadFile>, Arc<Counts>);

impl Read for CountedFile {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(space)?;
        self.1.read.fetch_add(count, Ordering::SeqCst);
        Ok(count)
    }
}

impl ReadFile for CountedFile {
    fn as_file(&mut self) -> Option<&mut File> {
        self.0.as_file()
    }

    fn go_back(&mut self, count: u64) -> io::Result<bool> {
        self.1.read.fetch_sub(count as usize, Ordering::SeqCst);
        self.1.given_back.fetch_add(1, Ordering::SeqCst);
        self.0.go_back(count)
    }
}

impl Files for Counted {
    fn enter(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.enter(path)
    }

    fn facts(&self, path: &VirtualPath, facts: FactNames) -> Result<Facts, FileError> {
        self.files.facts(path, facts)
    }

    fn list(&self, path: &VirtualPath, facts: FactNames) -> Result<Entries, FileError> {
        self.files.list(path, facts)
    }

    fn open(&self, path: &VirtualPath, offset: u64) -> Result<Opened, FileError> {
        let Opened { reader, size } = self.files.open(path, offset)?;
        let reader = Box::new(CountedFile(reader, Arc::clone(&self.counts)));
        Ok(Opened { reader, size })
    }

    fn store(&self, path: &VirtualPath, mode: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
        self.files.store(path, mode)
    }

    fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.remove(path)
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.make_directory(path)
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<(), FileError> {
        self.files.remove_directory(path)
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath, over: bool) -> Result<(), FileError> {
        self.files.rename(from, to, over)
    }
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// Downloads a file, from an offset on; how much of it was read by hand.
fn read_by_hand(data_type: data::DataType, offset: usize) -> usize {
    download(data_type, SIZE, offset, |_| ())
}

/// The same, with a file of this size, and after something was waited for.
fn download(
    data_type: data::DataType,
    size: usize,
    offset: usize,
    wait: impl FnOnce(&Counts),
) -> usize {
    let name = format!(
        "ftp-blocking-{}-{data_type:?}-{size}-{offset}",
        std::process::id()
    );
    let scratch = Scratch(std::env::temp_dir().join(name));
    fs::create_dir(&scratch.0).unwrap();
    let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8 | 0x20).collect();
    fs::write(scratch.0.join("a"), &bytes).unwrap();
    let counts = Arc::new(Counts::default());
    let files = Counted {
        files: Directory::open(&scratch.0).unwrap(),
        counts: Arc::clone(&counts),
    };
    let config = Config::new().security(Security::DangerousPlaintext);
    let config = Arc::new(config.files(FilesConfig::new()));
    let server = Server::new(config, None).unwrap().files(files);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let shutdown = Shutdown::new();
    thread::scope(|scope| {
        let serving = scope.spawn(|| server.serve(listener, Everybody, &shutdown));
        let login = Login::new("anna", "right").unwrap();
        let plain = client::Config::new(login).security(client::Security::DangerousPlaintext);
        let mut ftp = Connector::new(plain).connect(&address).unwrap();
        let transfer = client::Transfer::retrieve("a").unwrap();
        let transfer = transfer.data_type(data_type).offset(offset as u64);
        let mut came = Vec::new();
        let mut download = ftp.download(transfer).unwrap();
        wait(&counts);
        download.read_to_end(&mut came).unwrap();
        drop(download);
        assert!(came == bytes[offset..]);
        ftp.quit().unwrap();
        shutdown.stop();
        serving.join().unwrap().unwrap();
    });
    counts.read.load(Ordering::SeqCst)
}

#[test]
fn the_system_sends_files_by_itself_where_nothing_is_converted() {
    for offset in [0, 1000] {
        let count = read_by_hand(data::DataType::Image, offset);
        // While the client is slow, a piece may be read.
        let most = if cfg!(target_os = "linux") {
            SIZE / 2
        } else {
            SIZE
        };
        assert!(count <= most, "{count}");
    }
    assert_eq!(read_by_hand(data::DataType::Ascii, 0), SIZE);
}

/// Also where the system sends the rest: what was given back is compared first, and the file is whole.
#[test]
fn what_a_client_does_not_take_is_given_back_to_the_file() {
    for data_type in [data::DataType::Image, data::DataType::Ascii] {
        // More than the system keeps for the client.
        download(data_type, 24_000_000, 0, |counts| {
            let until = Instant::now() + Duration::from_secs(60);
            while counts.given_back.load(Ordering::SeqCst) == 0 {
                assert!(Instant::now() < until, "nothing is given back");
                thread::sleep(Duration::from_millis(20));
            }
        });
    }
}
