//! Downloads and uploads over a server that cuts them: in the end they are whole, or an error. What is
//! decided is tested in `ftp-adapter`.

use std::fs::File;
use std::io::{Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::time::Duration;

use ftp_blocking::{Error, PoolConfig, ResumeOptions};
use ftp_proto::connect::Retry;
use ftp_testkit::flaky::{Cut, FlakyFile, FlakyServer};

use crate::file_copies::Scratch;
use crate::pool::pool;

/// Many tries, soon after each other.
fn options() -> ResumeOptions {
    let retry = Retry::new().retries(20);
    let delay = Duration::from_millis(1);
    ResumeOptions::new().retry(retry.first_delay(delay).longest_delay(delay))
}

fn cuts(after: usize) -> [Cut; 6] {
    [
        Cut::Ended(after),
        Cut::Refused("450 Busy."),
        Cut::Lost(after),
        Cut::Reset(after),
        Cut::Concealed(after),
        Cut::Unconfirmed,
    ]
}

fn bytes() -> Vec<u8> {
    (0..300_000_u32)
        .map(|number| (number % 251) as u8)
        .collect()
}

#[test]
fn downloads_that_are_cut_come_whole() {
    for after in [0, 1, 1000, 65_536, 150_000, 299_999, 300_000] {
        let server = FlakyServer::start(10);
        let (bytes, changed) = (bytes(), 7);
        let file = FlakyFile { bytes, changed };
        server.state().files.insert("/f".into(), file);
        server.state().cuts.extend(cuts(after));
        let mut sink = Cursor::new(Vec::new());
        let pool = pool(&server, PoolConfig::new(1));
        let report = pool.download_into("/f", &mut sink, options()).unwrap();
        assert!(sink.into_inner() == self::bytes(), "{report:?}");
        assert!(report.tries > 1);

        server.state().cuts.extend(cuts(after));
        let scratch = Scratch::new();
        let mut file = scratch.create();
        let report = pool.download_into_file("/f", &mut file, options()).unwrap();
        assert!(scratch.bytes() == self::bytes(), "{report:?}");
        assert!(report.tries > 1);
    }
}

#[test]
fn uploads_that_are_cut_arrive_whole() {
    for after in [0, 1, 1000, 65_536, 150_000, 299_999, 300_000] {
        let server = FlakyServer::start(10);
        server.state().cuts.extend(cuts(after));
        let pool = pool(&server, PoolConfig::new(1));
        let mut source = Cursor::new(bytes());
        let report = pool.upload_from("/f", &mut source, options()).unwrap();
        assert!(server.file("/f").unwrap() == bytes(), "{report:?}");
        assert!(report.tries > 1);

        server.state().cuts.extend(cuts(after));
        let scratch = Scratch::holding(&bytes());
        let mut file = File::open(&scratch.0).unwrap();
        let report = pool.upload_from_file("/g", &mut file, options()).unwrap();
        assert!(server.file("/g").unwrap() == bytes(), "{report:?}");
        assert!(report.tries > 1);
    }
}

#[test]
fn what_fails_here_or_is_refused_for_good_is_not_tried_again() {
    let server = FlakyServer::start(10);
    let pool = pool(&server, PoolConfig::new(1));
    let mut sink = Cursor::new(Vec::new());
    let error = pool.download_into("/f", &mut sink, options()).unwrap_err();
    assert_eq!(error.code().unwrap().get(), 550);
    assert_eq!(server.state().count("RETR"), 1);
    let error = pool.upload_from("/f", &mut Shorter, options()).unwrap_err();
    assert!(matches!(error, Error::Local(error) if error.kind() == ErrorKind::UnexpectedEof));
    assert_eq!(server.state().count("STOR"), 1);
    let scratch = Scratch::holding(&bytes());
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(&scratch.0)
        .unwrap();
    let shortening = file.try_clone().unwrap();
    let shorten = options().on_progress(move |_| shortening.set_len(100).unwrap());
    let error = pool.upload_from_file("/f", &mut file, shorten).unwrap_err();
    assert!(matches!(error, Error::Local(error) if error.kind() == ErrorKind::UnexpectedEof));
    assert_eq!(server.state().count("STOR"), 2);
    // The connection goes on.
    pool.upload_from("/f", &mut Cursor::new(b"all"), options())
        .unwrap();
    assert_eq!(server.file("/f").unwrap(), b"all");
}

/// Has less than it says.
struct Shorter;

impl Read for Shorter {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
}

impl Seek for Shorter {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        Ok(match to {
            SeekFrom::Start(at) => at,
            _ => 10,
        })
    }
}
