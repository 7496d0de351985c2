//! Downloads and uploads that come to their end, one way or the other.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ftp_blocking::{Client, Connector, DataTransport, Download, Error, SocketOption, Transport};
use ftp_proto::client::{DataMode, Transfer, TransferError};
use ftp_proto::data::{self, Open};
use ftp_proto::wire::{Code, Reply};

use crate::scripted_server::{ScriptedServer, ask_where, config, file, play, play_with, serve};
use crate::watched::watched;

/// Around the sizes at which the ways of reading and writing change.
const SIZES: [usize; 7] = [0, 1, 4096, 65_535, 65_536, 65_537, 1_000_003];

pub(crate) fn why(error: Error) -> TransferError {
    match error {
        Error::Transfer { error, .. } => *error,
        other => panic!("{other:?}"),
    }
}

/// Reads with a buffer of this size.
fn read_in_pieces(download: &mut Download<&mut Client>, size: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut space = vec![0; size];
    loop {
        match download.read(&mut space).unwrap() {
            0 => return all,
            count => all.extend_from_slice(&space[..count]),
        }
    }
}

#[test]
fn a_download_is_the_same_however_it_is_sent_and_read() {
    const WAYS: usize = 4;
    let script = |server: &mut ScriptedServer| {
        for size in SIZES {
            for way in 0..WAYS {
                let mut data = server.data("RETR a file");
                server.say("150 Here it comes.");
                for piece in file(size).chunks([1 << 20, 1 << 16, 5000, 77_777][way]) {
                    data.write_all(piece).unwrap();
                }
                drop(data);
                server.say("226 That was it.");
            }
        }
    };
    play(script, |client| {
        for size in SIZES {
            for way in 0..WAYS {
                let mut download = client.retrieve("a file").unwrap();
                let mut all = Vec::new();
                match way {
                    0 => assert_eq!(download.read_to_end(&mut all).unwrap(), size),
                    1 => all = read_in_pieces(&mut download, 7000),
                    2 => all = read_in_pieces(&mut download, 100_000),
                    _ => drop(io::copy(&mut download, &mut all).unwrap()),
                }
                assert!(all == file(size), "{size} {way}");
                assert_eq!(download.received(), size as u64);
                let report = download.finish().unwrap();
                assert_eq!(
                    (report.bytes, report.reply.text()),
                    (size as u64, &b"That was it."[..])
                );
            }
        }
    });
}

#[test]
fn the_replies_may_come_before_the_data_and_without_a_first_one() {
    let size = 300_000;
    let replies = [
        "150 Soon.\n226 Done.",
        "226 Done.",
        "150 Soon.\n150 Really.\n226 Done.",
    ];
    let script = move |server: &mut ScriptedServer| {
        for replies in replies {
            let mut data = server.data("RETR a file");
            server.say(replies);
            data.write_all(&file(size)).unwrap();
        }
    };
    play(script, move |client| {
        for replies in replies {
            let mut all = Vec::new();
            let mut download = client.retrieve("a file").unwrap();
            download.read_to_end(&mut all).unwrap();
            assert!(all == file(size), "{replies}");
        }
    });
}

#[test]
fn an_upload_is_the_same_however_it_is_written() {
    let pieces = [1000, 65_536, 100_000, 1 << 20];
    let script = move |server: &mut ScriptedServer| {
        for size in SIZES {
            for _ in pieces {
                let mut data = server.data("STOR a file");
                server.say("150 Send it.");
                let mut all = Vec::new();
                data.read_to_end(&mut all).unwrap();
                drop(data);
                assert!(all == file(size), "{size}");
                server.say("226 Got it.");
            }
        }
    };
    play(script, move |client| {
        for size in SIZES {
            for piece in pieces {
                let mut upload = client.store("a file").unwrap();
                for piece in file(size).chunks(piece) {
                    upload.write_all(piece).unwrap();
                }
                assert_eq!(upload.finish().unwrap().bytes, size as u64);
                assert_eq!(upload.sent(), size as u64);
                // Nothing goes behind it, little or much.
                for more in [&b"more"[..], &[0; 100_000]] {
                    let error = upload.write_all(more).unwrap_err();
                    assert!(matches!(error, Error::Closed), "{error}");
                }
                assert_eq!(upload.finish().unwrap().bytes, size as u64);
            }
        }
    });
}

#[test]
fn what_is_flushed_arrives_before_the_upload_is_finished() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("APPE log");
        server.say("150 Send it.");
        let mut line = [0; 5];
        data.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"first");
        server.say("226 Enough.");
        assert_eq!(data.read(&mut line).unwrap(), 0);
    };
    play(script, |client| {
        let mut upload = client.append("log").unwrap();
        upload.write_all(b"first").unwrap();
        Write::flush(&mut upload).unwrap();
        upload.finish().unwrap();
    });
}

#[test]
fn a_refusal_leaves_the_client_usable() {
    let script = |server: &mut ScriptedServer| {
        let data = server.data("RETR nothing");
        server.say("550 No such file.");
        server.tell_where();
        drop(data);
        server.expect("EPSV");
        server.say("421-Not\n421 now.");
    };
    watched(move || {
        let (address, server) = serve(None, script);
        let mut client = Connector::new(config())
            .connect(&address.to_string())
            .unwrap();
        let error = client.retrieve("nothing").unwrap_err();
        assert_eq!(error.code(), Code::new(550));
        assert!(matches!(why(error), TransferError::Refused { .. }));
        ask_where(&mut client);
        let (_, error) = client
            .into_upload(Transfer::store("x").unwrap())
            .unwrap_err();
        assert_eq!(error.code(), Code::new(421), "{error:?}");
        // The script wants a QUIT, which cannot come any more.
        server.join().unwrap_err();
    });
}

#[test]
fn a_server_that_gives_up_without_reading_on_is_heard() {
    let script = |server: &mut ScriptedServer| {
        let _never_read = server.data("STOR a file");
        server.say("150 Send it.");
        server.say("552 The disk is full.");
        server.tell_where();
    };
    play(script, |client| {
        let piece = file(1 << 20);
        let mut upload = client.store("a file").unwrap();
        let error = loop {
            if let Err(error) = upload.write_all(&piece) {
                break why(error);
            }
        };
        assert_eq!(error.reply().map(Reply::code), Code::new(552));
        drop(upload);
        ask_where(client);
    });
}

#[test]
fn a_client_goes_along_with_its_transfer_and_comes_back() {
    let script = |server: &mut ScriptedServer| {
        server.data("RETR a file").write_all(&file(1000)).unwrap();
        server.say("150 Here it comes.\n226 Done.");
        server.data("RETR nothing");
        server.say("550 No such file.");
        server.tell_where();
    };
    watched(move || {
        let (address, server) = serve(None, script);
        let client = Connector::new(config())
            .connect(&address.to_string())
            .unwrap();
        let transfer = Transfer::retrieve("a file").unwrap().size(Some(1000));
        let mut download = client.into_download(transfer).unwrap();
        let reading = thread::spawn(move || {
            assert_eq!(download.finish().unwrap().bytes, 1000);
            download.into_inner()
        });
        let client = reading.join().unwrap();
        let transfer = Transfer::retrieve("nothing").unwrap();
        let (mut client, _) = client.into_download(transfer).unwrap_err();
        ask_where(&mut client);
        client.quit().unwrap();
        server.join().unwrap();
    });
}

#[test]
fn fewer_bytes_than_announced_are_no_success_whatever_the_server_says() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR a file");
        server.say("150 Opening data connection for a file (5000 bytes).");
        data.write_all(&file(4000)).unwrap();
        drop(data);
        server.say("226 All is well.");
        server.tell_where();
    };
    play(script, |client| {
        let mut download = client.retrieve("a file").unwrap();
        assert_eq!(download.started().unwrap().announced, Some(5000));
        let error = io::copy(&mut download, &mut io::sink()).unwrap_err();
        let error = why(error.downcast().unwrap());
        assert!(matches!(
            error,
            TransferError::LengthDiffers { bytes: 4000, .. }
        ));
        drop(download);
        ask_where(client);
    });
}

#[test]
fn a_data_connection_that_stays_silent_is_given_up() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR a file");
        server.say("150 Here it comes.");
        data.write_all(b"some").unwrap();
        server.expect("ABOR");
        server.say("426 Gave up.\n226 Fine.");
        server.tell_where();
    };
    let mut timeouts = data::Timeouts::default();
    timeouts.stall = Duration::from_millis(200);
    let connector = Connector::new(config().data_timeouts(timeouts));
    play_with(connector, None, script, |client| {
        let mut download = client.retrieve("a file").unwrap();
        let mut all = Vec::new();
        let error = why(download.read_to_end(&mut all).unwrap_err());
        assert_eq!(all, b"some");
        assert!(
            matches!(error, TransferError::Failed { bytes: 4, .. }),
            "{error:?}"
        );
        drop(download);
        ask_where(client);
    });
}

#[test]
fn in_active_mode_the_server_connects_to_a_port_of_the_range() {
    // A port that is free now, and most probably still is a moment later.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let script = move |server: &mut ScriptedServer| {
        for _ in 0..3 {
            let [high, low] = port.to_be_bytes();
            server.expect(&format!("PORT 127,0,0,1,{high},{low}"));
            server.say("200 Fine.");
            server.expect("RETR a file");
            server.say("150 Here it comes.");
            let mut data = TcpStream::connect(("127.0.0.1", port)).unwrap();
            data.write_all(b"all of it").unwrap();
            drop(data);
            server.say("226 Done.");
        }
        server.next_command();
        server.say("200 Fine.");
        server.expect("RETR nothing");
        server.say("550 No such file.");
    };
    let connector = Connector::new(config().data_mode(DataMode::Active)).active_ports(port..=port);
    play_with(connector, None, script, |client| {
        for _ in 0..3 {
            let mut all = String::new();
            let mut download = client.retrieve("a file").unwrap();
            download.read_to_string(&mut all).unwrap();
            assert_eq!(all, "all of it");
        }
        let error = why(client.retrieve("nothing").unwrap_err());
        assert!(matches!(error, TransferError::Refused { .. }));
    });
}

/// A client that waited for the server's end of the data connection would wait for an hour.
#[test]
fn an_upload_in_clear_ends_with_its_close() {
    let mut timeouts = data::Timeouts::default();
    timeouts.close = Duration::from_secs(3600);
    let script = |server: &mut ScriptedServer| {
        for size in SIZES {
            let mut data = server.data("STOR a file");
            server.say("150 Send it.");
            let mut all = Vec::new();
            data.read_to_end(&mut all).unwrap();
            assert!(all == file(size), "{size}");
            server.say("226 Kept.");
            server.tell_where();
            drop(data);
        }
    };
    let connector = Connector::new(config().data_timeouts(timeouts));
    play_with(connector, None, script, |client| {
        for size in SIZES {
            let mut upload = client.store("a file").unwrap();
            upload.write_all(&file(size)).unwrap();
            assert_eq!(upload.finish().unwrap().bytes, size as u64);
            ask_where(client);
        }
    });
}

/// Breaks after so many bytes.
struct Breaking(TcpStream, usize);

impl Read for Breaking {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = space.len().min(self.1);
        let count = self.0.read(&mut space[..most])?;
        self.1 -= count;
        Ok(count)
    }
}

impl Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transport for Breaking {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        Transport::set_read_timeout(&mut self.0, timeout)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        Transport::set_write_timeout(&mut self.0, timeout)
    }

    fn close(&mut self) -> io::Result<()> {
        self.0.close()
    }
}

/// How often it was asked to send at once.
#[derive(Default)]
struct ToLoopback(AtomicUsize);

impl DataTransport<Breaking> for ToLoopback {
    fn connect(&self, open: Open, _: Duration) -> io::Result<Breaking> {
        let Open::ConnectToPeer { port } = open else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Ok(Breaking(TcpStream::connect(address)?, 100_000))
    }

    fn set_option(&self, _: &Breaking, option: SocketOption) {
        if option == SocketOption::SendAtOnce {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn small_packets_go_at_once_when_an_upload_is_flushed() {
    const FLUSHES: [(usize, usize); 4] = [(0, 0), (3, 1), (1, 2), (0, 2)];
    let script = |server: &mut ScriptedServer| {
        for (flushes, _) in FLUSHES {
            let mut data = server.data("STOR a file");
            server.say("150 Send it.");
            let mut all = Vec::new();
            data.read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), flushes);
            drop(data);
            server.say("226 Kept.");
        }
    };
    watched(move || {
        let (address, server) = serve(None, script);
        let control = Breaking(TcpStream::connect(address).unwrap(), usize::MAX);
        let mut client = Connector::new(config()).over(control, "localhost").unwrap();
        let asked = Arc::new(ToLoopback::default());
        client.data_transport(asked.clone());
        for (flushes, wanted) in FLUSHES {
            let mut upload = client.store("a file").unwrap();
            for _ in 0..flushes {
                upload.write_all(b"x").unwrap();
                upload.flush().unwrap();
            }
            upload.finish().unwrap();
            assert_eq!(asked.0.load(Ordering::Relaxed), wanted);
        }
        client.quit().unwrap();
        server.join().unwrap();
    });
}

#[test]
fn a_data_connection_that_breaks_is_no_end_even_if_the_server_says_so() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR a file");
        server.say("150 Here it comes.\n226 All is well.");
        data.write_all(&file(200_000)).unwrap();
    };
    for space in [1000, 70_000] {
        watched(move || {
            let (address, server) = serve(None, script);
            let control = Breaking(TcpStream::connect(address).unwrap(), usize::MAX);
            let mut client = Connector::new(config()).over(control, "localhost").unwrap();
            client.data_transport(Arc::new(ToLoopback::default()));
            let mut download = client.retrieve("a file").unwrap();
            let mut space = vec![0; space];
            let mut all = Vec::new();
            let error = loop {
                match download.read(&mut space) {
                    Ok(0) => panic!("that was not the end"),
                    Ok(count) => all.extend_from_slice(&space[..count]),
                    Err(error) => break why(error),
                }
            };
            assert!(all == file(200_000)[..100_000]);
            let is_cut = matches!(
                error,
                TransferError::CutOff {
                    bytes: 100_000,
                    error: data::Error::CutOff,
                    ..
                }
            );
            assert!(is_cut, "{error:?}");
            drop(download);
            client.quit().unwrap();
            server.join().unwrap();
        });
    }
}
