//! Transfers under TLS: when servers shake hands, and when the end is one.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ftp_blocking::ftp_rustls::rustls::{
    HandshakeKind, ServerConfig, ServerConnection, StreamOwned,
};
use ftp_blocking::ftp_rustls::{
    ClientCertificates, Identity, Roots, client_config, roots_from_pem, server_config,
};
use ftp_blocking::{Connector, Progress};
use ftp_proto::client::{Config, Security, Transfer, TransferError};
use ftp_proto::data;
use ftp_testkit::SelfMade;

use crate::scripted_server::{ScriptedServer, ask_where, config, file, play_with, secure};
use crate::transfers::why;

const SIZES: [usize; 3] = [0, 1, 5_000_000];

pub(crate) type Data = StreamOwned<ServerConnection, TcpStream>;

pub(crate) fn tls() -> (Connector, Arc<ServerConfig>) {
    tls_with(config())
}

pub(crate) fn tls_with(config: Config) -> (Connector, Arc<ServerConfig>) {
    let (connector, [server, _]) = tls_and_another(config);
    (connector, server)
}

/// The other one knows no sessions of the first.
fn tls_and_another(config: Config) -> (Connector, [Arc<ServerConfig>; 2]) {
    let made = SelfMade::for_loopback();
    let pem = made.certificate_pem.as_bytes();
    let servers = [0; 2].map(|_| {
        let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).unwrap();
        server_config(identity, ClientCertificates::NotAsked).unwrap()
    });
    let roots = Roots::Store(roots_from_pem(pem).unwrap());
    let config = config.security(Security::ExplicitTls);
    let connector = Connector::new(config).tls(client_config(roots, None).unwrap());
    (connector, servers)
}

/// A data connection after its handshake.
pub(crate) fn shake_hands(tls: &Arc<ServerConfig>, mut data: TcpStream) -> Data {
    let mut connection = ServerConnection::new(tls.clone()).unwrap();
    connection.complete_io(&mut data).unwrap();
    StreamOwned::new(connection, data)
}

#[test]
fn servers_may_shake_hands_before_or_after_they_say_that_they_begin() {
    let (connector, tls) = tls();
    let server_tls = tls.clone();
    let script = move |server: &mut ScriptedServer| {
        for size in [0, 1, 300_000] {
            let data = server.data("STOR before");
            let mut data = shake_hands(&tls, data);
            server.say("150 Send it.");
            let mut all = Vec::new();
            data.read_to_end(&mut all).unwrap();
            assert!(all == file(size));
            drop(data);
            server.say("226 Got it.");

            let data = server.data("STOR after");
            server.say("150 Send it.");
            let mut data = shake_hands(&tls, data);
            all.clear();
            data.read_to_end(&mut all).unwrap();
            assert!(all == file(size));
            drop(data);
            server.say("226 Got it.");
        }
        let _no_handshake = server.data("STOR refused");
        server.say("553 Not here.");
        server.tell_where();
    };
    play_with(connector, Some(server_tls), script, |client| {
        for size in [0, 1, 300_000] {
            for path in ["before", "after"] {
                let mut upload = client.store(path).unwrap();
                upload.write_all(&file(size)).unwrap();
                let report = upload.finish().unwrap();
                assert_eq!(report.bytes, size as u64);
                assert!(report.tls.is_some());
            }
        }
        let error = why(client.store("refused").unwrap_err());
        assert!(matches!(error, TransferError::Refused { .. }), "{error:?}");
        ask_where(client);
    });
}

/// As with servers that demand a resumed session, when there was none.
#[test]
fn an_upload_that_is_tried_once_more_ends_whatever_its_size() {
    for size in [0, 1, 300_000] {
        let (connector, [tls, forgetful]) = tls_and_another(config());
        let server_tls = tls.clone();
        let script = move |server: &mut ScriptedServer| {
            let data = server.data("STOR twice");
            server.say("150 Send it.");
            drop(shake_hands(&forgetful, data));
            server.say("425 Unable to build data connection: Operation not permitted");
            let data = server.data("STOR twice");
            server.say("150 Send it.");
            let mut all = Vec::new();
            let mut data = shake_hands(&tls, data);
            data.read_to_end(&mut all).unwrap();
            assert!(all == file(size));
            drop(data);
            server.say("226 Got it.");
        };
        play_with(connector, Some(server_tls), script, move |client| {
            let mut upload = client.store("twice").unwrap();
            upload.write_all(&file(size)).unwrap();
            assert_eq!(upload.finish().unwrap().bytes, size as u64);
        });
    }
}

/// Receives all over this data connection, and sends it over the next.
fn take_and_give(server: &mut ScriptedServer, tls: Option<&Arc<ServerConfig>>) {
    let mut data = server.data("STOR a file");
    server.say("150 Send it.");
    let mut all = Vec::new();
    match tls {
        Some(tls) => shake_hands(tls, data).read_to_end(&mut all).unwrap(),
        None => data.read_to_end(&mut all).unwrap(),
    };
    server.say("226 Got it.");
    let mut data = server.data("RETR a file");
    server.say(&format!("150 Opening connection ({} bytes).", all.len()));
    match tls {
        Some(tls) => {
            let mut data = shake_hands(tls, data);
            data.write_all(&all).unwrap();
            data.conn.send_close_notify();
            data.flush().unwrap();
        }
        None => data.write_all(&all).unwrap(),
    }
    server.say("226 Done.");
}

#[test]
fn the_progress_goes_from_nothing_to_all() {
    for secured in [false, true] {
        let (mut connector, tls) = tls();
        let tls = secured.then_some(tls);
        if !secured {
            connector = Connector::new(config());
        }
        let server_tls = tls.clone();
        let script = move |server: &mut ScriptedServer| {
            for _ in SIZES {
                take_and_give(server, tls.as_ref());
            }
        };
        play_with(connector, server_tls, script, |client| {
            for size in SIZES {
                let (say, said) = mpsc::channel();
                let hear = say.clone();
                let transfer = Transfer::store("a file").unwrap();
                let upload = client.upload(transfer.size(Some(size as u64))).unwrap();
                let mut upload = upload.on_progress(move |sent| hear.send(sent).unwrap());
                for piece in file(size).chunks(100_000) {
                    upload.write_all(piece).unwrap();
                }
                upload.finish().unwrap();
                assert_eq!(upload.progress().bytes, size as u64);
                drop(upload);
                assert_progress(&said, size);

                let download = client.retrieve("a file").unwrap();
                let mut download = download.on_progress(move |came| say.send(came).unwrap());
                assert!(download.read_to_end(&mut Vec::new()).unwrap() == size);
                assert_progress(&said, size);
            }
        });
    }
}

fn assert_progress(said: &mpsc::Receiver<Progress>, size: usize) {
    let said: Vec<_> = said.try_iter().collect();
    let bytes = said.iter().map(|progress| progress.bytes);
    assert!(bytes.is_sorted_by(|before, next| before < next), "{said:?}");
    assert_eq!(said.last().unwrap().bytes, size as u64);
    assert!(
        said.iter()
            .all(|progress| progress.total == Some(size as u64))
    );
    // It is said while the file moves.
    assert!(said.len() > size / 1_000_000, "{said:?}");
}

#[test]
fn an_end_without_close_notify_is_cut_off_even_if_the_server_says_that_all_is_well() {
    let (connector, tls) = tls();
    let server_tls = tls.clone();
    let script = move |server: &mut ScriptedServer| {
        let data = server.data("RETR a file");
        server.say("150 Here it comes.");
        let mut data = secure(&tls, data);
        data.write_all(&file(100_000)).unwrap();
        data.flush().unwrap();
        drop(data);
        server.say("226 All is well.");
        server.tell_where();
    };
    play_with(connector, Some(server_tls), script, |client| {
        let mut download = client.retrieve("a file").unwrap();
        let mut all = Vec::new();
        let error = why(download.read_to_end(&mut all).unwrap_err());
        assert!(all == file(100_000));
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
        ask_where(client);
    });
}

/// Though all was read that has come: an end would tell the server that nothing comes from here, and its next
/// write would find a broken pipe.
#[test]
fn a_download_that_is_given_up_is_reset_and_one_that_ended_is_not() {
    let (connector, tls) = tls();
    let server_tls = tls.clone();
    let script = move |server: &mut ScriptedServer| {
        let data = server.data("RETR part");
        server.say("150 Here it comes.");
        let mut data = shake_hands(&tls, data);
        data.write_all(b"some").unwrap();
        server.expect("ABOR");
        let end = data.sock.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        server.say("426 Gone.\n226 Aborted.");

        let data = server.data("RETR all");
        server.say("150 Here it comes.");
        let mut data = shake_hands(&tls, data);
        data.write_all(b"some").unwrap();
        data.conn.send_close_notify();
        data.flush().unwrap();
        assert_eq!(data.read(&mut [0]).unwrap(), 0);
        assert_eq!(data.sock.read(&mut [0]).unwrap(), 0);
        server.say("226 Done.");
    };
    play_with(connector, Some(server_tls), script, |client| {
        let mut download = client.retrieve("part").unwrap();
        download.read_exact(&mut [0; 4]).unwrap();
        drop(download);
        let mut download = client.retrieve("all").unwrap();
        assert_eq!(download.read_to_end(&mut Vec::new()).unwrap(), 4);
    });
}

/// A ticket is used once. What an upload brings must not be lost with it: some servers close both
/// connections when a session is not resumed.
#[test]
fn an_upload_that_is_given_up_leaves_a_session_for_the_next() {
    let (connector, tls) = tls();
    let mut one_ticket = ServerConfig::clone(&tls);
    one_ticket.send_tls13_tickets = 1;
    let tls = Arc::new(one_ticket);
    let server_tls = tls.clone();
    let (shaken, hands) = mpsc::channel();
    let script = move |server: &mut ScriptedServer| {
        for _ in 0..3 {
            let data = server.data("STOR part");
            server.say("150 Send it.");
            let mut data = shake_hands(&tls, data);
            data.read_exact(&mut [0]).unwrap();
            assert_eq!(data.conn.handshake_kind(), Some(HandshakeKind::Resumed));
            // The ticket is there.
            shaken.send(()).unwrap();
            server.expect("ABOR");
            server.say("426 Gone.");
            server.say("226 Aborted.");
            server.tell_where();
        }
    };
    play_with(connector, Some(server_tls), script, move |client| {
        for _ in 0..3 {
            let mut upload = client.store("part").unwrap();
            upload.write_all(b"x").unwrap();
            upload.flush().unwrap();
            hands.recv().unwrap();
            upload.write_all(b"y").unwrap();
            upload.flush().unwrap();
            drop(upload);
            ask_where(client);
        }
    });
}

/// The server says another length the second time, when it has the data connection already.
#[test]
fn a_download_that_was_tried_once_more_is_not_reset_at_its_end() {
    let (connector, [tls, other]) = tls_and_another(config());
    let server_tls = tls.clone();
    let script = move |server: &mut ScriptedServer| {
        let data = server.data("RETR all");
        server.say("150 Here it comes.");
        drop(shake_hands(&other, data));
        server.say("522 Session not resumed.");

        let data = server.data("RETR all");
        server.say("150 Here it comes (4 bytes).");
        let mut data = shake_hands(&tls, data);
        data.write_all(b"so").unwrap();
        // The client looks at the control connection only when nothing comes.
        thread::sleep(Duration::from_millis(500));
        data.write_all(b"me").unwrap();
        data.conn.send_close_notify();
        data.flush().unwrap();
        assert_eq!(data.read(&mut [0]).unwrap(), 0);
        assert_eq!(data.sock.read(&mut [0]).unwrap(), 0);
        server.say("226 Done.");
    };
    play_with(connector, Some(server_tls), script, |client| {
        let mut download = client.retrieve("all").unwrap();
        assert_eq!(download.read_to_end(&mut Vec::new()).unwrap(), 4);
    });
}
