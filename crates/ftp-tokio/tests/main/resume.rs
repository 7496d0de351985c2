//! Downloads and uploads over a server that cuts them: in the end they are whole, or an error.

use std::io::Cursor;
use std::time::Duration;

use ftp_proto::connect::Retry;
use ftp_testkit::flaky::{Cut, FlakyFile, FlakyServer};
use ftp_tokio::{Connector, Error, Pool, ResumeOptions, ResumeReport};

use crate::common::{login, plain};

/// Many tries, soon after each other.
fn options() -> ResumeOptions {
    let retry = Retry::new().retries(20);
    let delay = Duration::from_millis(1);
    ResumeOptions::new().retry(retry.first_delay(delay).longest_delay(delay))
}

fn pool(server: &FlakyServer) -> Pool {
    Pool::new(
        Connector::new(plain(login())),
        server.address().to_string(),
        2,
    )
}

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    fn cut(&mut self, length: usize) -> Cut {
        let after = self.below(length + 1);
        match self.below(7) {
            0 | 1 => Cut::Reset(after),
            2 => Cut::Ended(after),
            3 => Cut::Concealed(after),
            4 => Cut::Lost(after),
            5 => Cut::Unconfirmed,
            _ => Cut::Refused("450 Busy."),
        }
    }
}

fn file(bytes: &[u8]) -> FlakyFile {
    FlakyFile {
        bytes: bytes.to_vec(),
        changed: 1000,
    }
}

async fn download(server: &FlakyServer) -> Result<(Vec<u8>, ResumeReport), Error> {
    let mut sink = Cursor::new(Vec::new());
    let report = pool(server)
        .download_into("/f", &mut sink, options())
        .await?;
    Ok((sink.into_inner(), report))
}

async fn upload(server: &FlakyServer, bytes: &[u8]) -> Result<ResumeReport, Error> {
    let mut source = Cursor::new(bytes);
    pool(server).upload_from("/f", &mut source, options()).await
}

#[tokio::test]
async fn downloads_that_are_cut_anywhere_come_whole() {
    for seed in 1..60 {
        let mut numbers = Numbers::new(seed);
        let bytes = numbers.bytes(300_000);
        let server = FlakyServer::start(10);
        let cuts: Vec<_> = (0..numbers.below(6))
            .map(|_| numbers.cut(bytes.len()))
            .collect();
        server.state().files.insert("/f".into(), file(&bytes));
        server.state().cuts.extend(cuts.clone());
        let (received, report) = download(&server).await.unwrap();
        assert!(received == bytes, "seed {seed}, {cuts:?}: {report:?}");
        assert_eq!(report.length, bytes.len() as u64);
        // Only a last byte is moved again.
        assert!(
            report.bytes <= report.length + u64::from(report.tries),
            "{report:?}"
        );
    }
}

#[tokio::test]
async fn uploads_that_are_cut_anywhere_arrive_whole() {
    for seed in 1..60 {
        let mut numbers = Numbers::new(seed);
        let bytes = numbers.bytes(300_000);
        let old = numbers.bytes(300_000);
        let server = FlakyServer::start(10);
        let cuts: Vec<_> = (0..numbers.below(6))
            .map(|_| numbers.cut(bytes.len()))
            .collect();
        if numbers.below(2) == 0 {
            server.state().files.insert("/f".into(), file(&old));
        }
        server.state().keeps_old = numbers.below(3) == 0;
        server.state().cuts.extend(cuts.clone());
        let report = upload(&server, &bytes).await.unwrap();
        let arrived = server.file("/f").unwrap();
        assert!(arrived == bytes, "seed {seed}, {cuts:?}: {report:?}");
        assert_eq!(report.length, bytes.len() as u64);
    }
}

#[tokio::test]
async fn a_file_that_was_exchanged_starts_over() {
    for length in [100, 80, 120] {
        let server = FlakyServer::start(10);
        server.state().files.insert("/f".into(), file(&[b'a'; 100]));
        server.state().cuts.push_back(Cut::Ended(60));
        let changing = server.clone();
        let downloading = tokio::spawn(async move { download(&changing).await });
        while server.state().count("RETR") == 0 {
            tokio::task::yield_now().await;
        }
        let changed = 2000;
        let bytes = vec![b'b'; length];
        let new = FlakyFile { bytes, changed };
        server.state().files.insert("/f".into(), new);
        let (received, report) = downloading.await.unwrap().unwrap();
        // Whichever it was: the first file was never sent whole.
        assert_eq!(received, vec![b'b'; length], "{report:?}");
        assert_eq!(report.offsets[..], [0, 0]);
    }
}

#[tokio::test]
async fn a_sink_that_was_longer_is_an_error() {
    let server = FlakyServer::start(10);
    server.state().files.insert("/f".into(), file(b"short"));
    let mut sink = Cursor::new(vec![0; 10]);
    let downloaded = pool(&server)
        .download_into("/f", &mut sink, options())
        .await;
    assert!(matches!(downloaded, Err(Error::SinkTooLong { length: 5 })));
}

#[tokio::test]
async fn an_upload_that_arrived_but_was_not_confirmed_is_not_sent_again() {
    let server = FlakyServer::start(10);
    server.state().cuts.push_back(Cut::Unconfirmed);
    let report = upload(&server, b"all of it").await.unwrap();
    assert_eq!(server.file("/f").unwrap(), b"all of it");
    assert_eq!((report.tries, report.bytes), (2, 9));
    assert_eq!(server.state().count("STOR"), 1);
    // A file of the same length that was there before proves nothing.
    server.state().keeps_old = true;
    server.state().cuts.push_back(Cut::Lost(9));
    upload(&server, b"not of it").await.unwrap();
    assert_eq!(server.file("/f").unwrap(), b"not of it");
    assert_eq!(server.state().count("STOR"), 3);
}

#[tokio::test]
async fn servers_that_cannot_resume_start_over_and_none_mixes() {
    let bytes = Numbers::new(7).bytes(300_000);
    for (unknown, ignores_rest) in [
        (vec!["SIZE"], false),
        (vec!["MDTM"], false),
        (vec!["REST"], false),
        (vec![], true),
        (vec!["MDTM"], true),
    ] {
        let server = FlakyServer::start(10);
        server.state().unknown = unknown;
        server.state().ignores_rest = ignores_rest;
        server.state().files.insert("/f".into(), file(&bytes));
        server
            .state()
            .cuts
            .extend([Cut::Ended(1000), Cut::Reset(500)]);
        assert!(download(&server).await.unwrap().0 == bytes);
        server
            .state()
            .cuts
            .extend([Cut::Ended(1000), Cut::Reset(500)]);
        upload(&server, &bytes[1..]).await.unwrap();
        assert!(server.file("/f").unwrap() == bytes[1..]);
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let server = FlakyServer::start(10);
    let error = download(&server).await.unwrap_err();
    assert_eq!(error.code().unwrap().get(), 550);
    assert_eq!(server.state().count("RETR"), 1);
    server.state().cuts.push_back(Cut::Refused("552 Full."));
    let error = upload(&server, b"much").await.unwrap_err();
    assert_eq!(error.code().unwrap().get(), 552);
    assert_eq!(server.state().count("STOR"), 1);
    // A password that is wrong after a cut is not sent twice.
    server.state().files.insert("/f".into(), file(b"all"));
    server.state().cuts.push_back(Cut::Lost(1));
    server
        .state()
        .logins
        .extend(["230 In.", "530 Wrong.", "230 In."]);
    let before = server.state().accepted();
    let error = download(&server).await.unwrap_err();
    assert_eq!(error.code().unwrap().get(), 530);
    assert_eq!(server.state().accepted(), before + 2);
}
