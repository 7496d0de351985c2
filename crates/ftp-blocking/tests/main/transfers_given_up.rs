//! Transfers that the program gives up: what comes after them is in step.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ftp_blocking::socket2::SockRef;
use ftp_blocking::{Connector, DataListener, DataTransport, SocketOption};
use ftp_proto::client::{DataMode, TransferError};
use ftp_proto::data::Open;

use crate::scripted_server::{ScriptedServer, ask_where, config, file, play, play_with};
use crate::transfers::why;
use crate::watched::watched;

/// What servers were seen to answer to a transfer that ends with `ABOR`.
const ANSWERS: [&str; 5] = [
    "426 Broken.\n226 Aborted.",
    "226 Done.\n225 Nothing to abort.",
    "226 Done.\n226 Aborted.",
    "426 Broken.\n500 What?",
    "426 Broken.",
];

#[test]
fn a_download_that_is_dropped_is_settled_before_the_next_command() {
    let script = |server: &mut ScriptedServer| {
        for answer in ANSWERS {
            let mut data = server.data("RETR a file");
            server.say("150 Here it comes.");
            data.write_all(b"some").unwrap();
            server.expect("ABOR");
            server.say(answer);
            if server.next_command() == "NOOP" {
                server.say("200 Still here.");
                server.tell_where();
            } else {
                server.say("257 \"/here\"");
            }
        }
    };
    play(script, |client| {
        for _ in ANSWERS {
            let mut download = client.retrieve("a file").unwrap();
            assert!(download.read(&mut [0; 3]).unwrap() > 0);
            drop(download);
            ask_where(client);
        }
    });
}

/// Though all was read that has come: an end would tell the server that nothing comes from here, and its next
/// write would find a broken pipe.
#[test]
fn a_download_that_is_dropped_is_reset_and_one_that_ended_is_not() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR part");
        server.say("150 Here it comes.");
        data.write_all(b"some").unwrap();
        server.expect("ABOR");
        let end = data.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        server.say("426 Broken.\n226 Aborted.");

        let mut data = server.data("RETR all");
        server.say("150 Here it comes.");
        data.write_all(b"some").unwrap();
        data.shutdown(Shutdown::Write).unwrap();
        assert_eq!(data.read(&mut [0]).unwrap(), 0);
        server.say("226 Done.");
    };
    play(script, |client| {
        let mut download = client.retrieve("part").unwrap();
        download.read_exact(&mut [0; 4]).unwrap();
        drop(download);
        let mut download = client.retrieve("all").unwrap();
        assert_eq!(download.read_to_end(&mut Vec::new()).unwrap(), 4);
    });
}

/// Whatever comes first: the data connection of active mode, or that the transfer begins, which may not be said at all.
#[test]
fn the_same_in_active_mode_whatever_comes_first() {
    let begins = "150 Here it comes.";
    let script = move |server: &mut ScriptedServer| {
        for is_early in [false, true] {
            let mut data = connect(server, "RETR part", is_early.then_some(begins));
            data.write_all(b"some").unwrap();
            if !is_early {
                server.say(begins);
            }
            server.expect("ABOR");
            let end = data.read(&mut [0]).unwrap_err();
            assert_eq!(end.kind(), ErrorKind::ConnectionReset);
            server.say("426 Broken.\n226 Aborted.");
        }
        for (early, late) in [(Some(begins), None), (None, Some(begins)), (None, None)] {
            let mut data = connect(server, "RETR all", early);
            data.write_all(b"some").unwrap();
            late.iter().for_each(|reply| server.say(reply));
            data.shutdown(Shutdown::Write).unwrap();
            assert_eq!(data.read(&mut [0]).unwrap(), 0);
            server.say("226 Done.");
        }
    };
    let connector = Connector::new(config().data_mode(DataMode::Active));
    play_with(connector, None, script, |client| {
        for _ in 0..2 {
            let mut download = client.retrieve("part").unwrap();
            download.read_exact(&mut [0; 4]).unwrap();
        }
        for _ in 0..3 {
            let mut download = client.retrieve("all").unwrap();
            assert_eq!(download.read_to_end(&mut Vec::new()).unwrap(), 4);
        }
    });
}

/// The data connection that the client asks for, made after this reply to the command.
fn connect(server: &mut ScriptedServer, command: &str, reply: Option<&str>) -> TcpStream {
    let line = server.next_command();
    let mut numbers = line
        .rsplit(',')
        .map(|number| number.parse::<u16>().unwrap());
    let (low, high) = (numbers.next().unwrap(), numbers.next().unwrap());
    server.say("200 Fine.");
    server.expect(command);
    reply.iter().for_each(|reply| server.say(reply));
    TcpStream::connect((Ipv4Addr::LOCALHOST, high * 256 + low)).unwrap()
}

#[test]
fn an_upload_that_is_dropped_is_settled_before_the_next_transfer() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("STOR a file");
        server.say("150 Send it.");
        server.expect("ABOR");
        // A reset: an end would be that of a whole file.
        let end = data.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        server.say("426 Broken.\n226 Aborted.");
        drop(server.data("RETR a file"));
        server.say("150 Here it comes.\n226 It is empty.");
    };
    play(script, |client| {
        let mut upload = client.store("a file").unwrap();
        // Some of it is sent, some gathered.
        upload.write_all(&file(100_000)).unwrap();
        upload.write_all(&file(100)).unwrap();
        drop(upload);
        assert_eq!(
            client.retrieve("a file").unwrap().finish().unwrap().bytes,
            0
        );
    });
}

/// Listens, and accepts when the transfer is over: when the client has learned that its server has left.
struct Belated(Mutex<Option<Receiver<()>>>);

struct BelatedListener {
    listener: TcpListener,
    left: Receiver<()>,
    looks: AtomicUsize,
}

impl DataTransport<TcpStream> for Belated {
    fn connect(&self, _: Open, _: Duration) -> io::Result<TcpStream> {
        Err(ErrorKind::Unsupported.into())
    }

    fn listen(&self) -> io::Result<Box<dyn DataListener<TcpStream>>> {
        Ok(Box::new(BelatedListener {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
            left: self.0.lock().unwrap().take().unwrap(),
            looks: AtomicUsize::new(0),
        }))
    }

    fn set_option(&self, connection: &TcpStream, option: SocketOption) {
        option.set(&SockRef::from(connection));
    }
}

impl DataListener<TcpStream> for BelatedListener {
    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    fn accept(&self) -> io::Result<Option<TcpStream>> {
        match self.looks.fetch_add(1, Ordering::Relaxed) {
            // The command is sent before the next look.
            0 => {}
            // The server gets it, connects, and leaves. If that takes longer, it is what the client sees next.
            1 if self.left.try_recv().is_err() => self.left.recv().unwrap(),
            _ => return Ok(Some(self.listener.accept()?.0)),
        }
        Ok(None)
    }
}

/// Its end must not be that of an empty file. Sometimes it comes before the client has taken in that the server has left.
#[test]
fn a_data_connection_that_comes_when_its_upload_is_over_is_reset() {
    for _ in 0..10 {
        watched(store_as_the_server_leaves);
    }
}

fn store_as_the_server_leaves() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (leaves, left) = channel();
    let server = thread::spawn(move || {
        let mut server = ScriptedServer::log_in(listener.accept().unwrap().0, None);
        let told = server.next_command();
        let mut numbers = told
            .rsplit(',')
            .map(|number| number.parse::<u16>().unwrap());
        let (low, high) = (numbers.next().unwrap(), numbers.next().unwrap());
        server.say("200 Fine.");
        server.expect("STOR a file");
        let mut data = TcpStream::connect((Ipv4Addr::LOCALHOST, high << 8 | low)).unwrap();
        drop(server);
        leaves.send(()).unwrap();
        let end = data.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    });
    let connector = Connector::new(config().data_mode(DataMode::Active));
    let mut client = connector.connect(&address).unwrap();
    client.data_transport(Arc::new(Belated(Mutex::new(Some(left)))));
    let error = client.store("a file").map(drop).unwrap_err();
    assert_eq!(why(error), TransferError::Unknown);
    server.join().unwrap();
}

#[test]
fn another_thread_ends_a_read_that_waits() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR a file");
        server.say("150 Here it comes.");
        data.write_all(b"some").unwrap();
        server.expect("ABOR");
        server.say("426 Broken.\n226 Aborted.");
        server.tell_where();
    };
    play(script, |client| {
        let aborter = client.aborter();
        let mut download = client.retrieve("a file").unwrap();
        let (has_read, may_abort) = channel();
        let aborting = thread::spawn(move || {
            may_abort.recv().unwrap();
            aborter.abort();
        });
        let mut space = vec![0; 100_000];
        let mut all = Vec::new();
        while all.len() < 4 {
            let count = download.read(&mut space).unwrap();
            all.extend_from_slice(&space[..count]);
        }
        has_read.send(()).unwrap();
        let error = download.read(&mut space).unwrap_err();
        assert_eq!(why(error), TransferError::Aborted);
        aborting.join().unwrap();
        drop(download);
        ask_where(client);
    });
}

#[test]
fn another_thread_ends_a_write_that_waits() {
    let script = |server: &mut ScriptedServer| {
        let _never_read = server.data("STOR a file");
        server.say("150 Send it.");
        server.expect("ABOR");
        server.say("426 Broken.\n226 Aborted.");
        server.tell_where();
    };
    play(script, |client| {
        let aborter = client.aborter();
        let mut upload = client.store("a file").unwrap();
        let aborting = thread::spawn(move || aborter.abort());
        let piece = file(1 << 20);
        let error = loop {
            if let Err(error) = upload.write_all(&piece) {
                break why(error);
            }
        };
        assert_eq!(error, TransferError::Aborted);
        aborting.join().unwrap();
        drop(upload);
        ask_where(client);
    });
}

#[test]
fn what_another_thread_wanted_to_end_does_not_end_what_comes_later() {
    let script = |server: &mut ScriptedServer| {
        server.data("RETR a file").write_all(b"all of it").unwrap();
        server.say("150 Here it comes.\n226 Done.");
    };
    play(script, |client| {
        client.aborter().abort();
        let mut download = client.retrieve("a file").unwrap();
        assert_eq!(download.finish().unwrap().bytes, 9);
    });
}
