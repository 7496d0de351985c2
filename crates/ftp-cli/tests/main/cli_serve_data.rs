//! `serve`: the settings of data connections.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_blocking::ftp_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};
use ftp_blocking::ftp_rustls::{Roots, client_config, roots_from_pem};
use ftp_blocking::{Connector, Login};
use ftp_proto::client::Config;

use crate::common::ftp::{download, log_in, upload};
use crate::common::{Peer, Program, SENTINEL, Server, TestDirectory, TestFile};

#[test]
fn only_if_asked_to_does_it_connect_to_clients() {
    let root = TestDirectory::new();
    root.write("file", "to the client");
    for (options, is_active) in [(&[][..], false), (&["--active"], true)] {
        let server = Server::start(&[&["--root", &root.path()], options].concat());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut peer = Peer::connect(&server);
        peer.log_in();
        let eprt = peer.ask(&format!("EPRT |1|127.0.0.1|{port}|"));
        let port = peer.ask(&format!("PORT 127,0,0,1,{},{}", port / 256, port % 256));
        if !is_active {
            assert!(
                eprt.starts_with('5') && port.starts_with('5'),
                "{eprt}{port}"
            );
            continue;
        }
        assert!(
            eprt.starts_with("200 ") && port.starts_with("200 "),
            "{eprt}{port}"
        );
        // Neither to others nor to the ports of services.
        for bad in ["PORT 192,0,2,7,200,200", "PORT 127,0,0,1,0,25"] {
            let reply = peer.ask(bad);
            assert!(reply.starts_with('5'), "{bad}: {reply}");
        }
        let address = listener.local_addr().unwrap();
        assert!(
            peer.ask(&format!("EPRT |1|127.0.0.1|{}|", address.port()))
                .starts_with("200 ")
        );
        peer.say("RETR file");
        let mut bytes = Vec::new();
        listener
            .accept()
            .unwrap()
            .0
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes, b"to the client");
    }
}

#[test]
fn more_transfers_than_allowed_are_told_to_come_again() {
    let root = TestDirectory::new();
    root.write("file", "later");
    let server = Server::start(&["--root", &root.path(), "--max-transfers", "1"]);
    let mut first = Peer::connect(&server);
    first.log_in();
    let reply = first.ask("EPSV");
    let port: u16 = reply.split('|').nth(3).unwrap().parse().unwrap();
    let data = TcpStream::connect((server.address.ip(), port)).unwrap();
    assert!(first.ask("STOR slow").starts_with("150 "));
    let mut second = log_in(&server, "anna");
    assert_eq!(
        crate::common::ftp::refused(download(&mut second, "file")),
        450
    );
    drop(data);
    assert!(first.hear().starts_with("226 "));
    assert_eq!(download(&mut second, "file").unwrap(), b"later");
}

/// Only a lower bound is certain: a machine may always be slower.
#[test]
fn bytes_move_no_faster_than_allowed() {
    for options in [["--limit-rate", "100K"], ["--limit-total-rate", "102400"]] {
        let root = TestDirectory::new();
        root.write("file", [7; 300_000]);
        let server = Server::start(&[&["--root", &root.path()], &options[..]].concat());
        let mut client = log_in(&server, "anna");
        let began = Instant::now();
        assert_eq!(download(&mut client, "file").unwrap().len(), 300_000);
        assert!(
            began.elapsed() >= Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        upload(&mut client, "new", &[7; 150_000]).unwrap();
        assert!(
            began.elapsed() >= Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
    }
}

/// A client under TLS, spoken by hand, whose data connections know nothing of its login.
struct TlsPeer {
    control: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    tls: Arc<ClientConfig>,
}

impl TlsPeer {
    fn log_in(server: &Server, tls: &Arc<ClientConfig>) -> Self {
        let mut clear = BufReader::new(TcpStream::connect(server.address).unwrap());
        let mut line = String::new();
        clear.read_line(&mut line).unwrap();
        clear.get_mut().write_all(b"AUTH TLS\r\n").unwrap();
        clear.read_line(&mut line).unwrap();
        assert!(line.contains("\n234 "), "{line}");
        let control = BufReader::new(under_tls(clear.into_inner(), tls));
        let mut peer = Self {
            control,
            tls: tls.clone(),
        };
        peer.ask("USER anna");
        assert!(peer.ask(&format!("PASS {SENTINEL}")).starts_with("230 "));
        assert!(peer.ask("PBSZ 0").starts_with("200 "));
        assert!(peer.ask("PROT P").starts_with("200 "));
        peer
    }

    fn ask(&mut self, line: &str) -> String {
        let control = self.control.get_mut();
        control.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.hear()
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.control.read_line(&mut line).unwrap();
        line
    }

    /// Asks for the file, and gives what came and the last reply.
    fn retrieve(&mut self) -> (Vec<u8>, String) {
        let reply = self.ask("EPSV");
        let port: u16 = reply.split('|').nth(3).unwrap().parse().unwrap();
        let address = (self.control.get_ref().sock.peer_addr().unwrap().ip(), port);
        let data = TcpStream::connect(address).unwrap();
        assert!(self.ask("RETR file").starts_with("150 "));
        // A configuration of its own has no sessions.
        let mut tls = ClientConfig::clone(&self.tls);
        tls.resumption =
            ftp_blocking::ftp_rustls::rustls::client::Resumption::in_memory_sessions(1);
        let mut bytes = Vec::new();
        // It fails if the server refuses.
        drop(under_tls(data, &Arc::new(tls)).read_to_end(&mut bytes));
        (bytes, self.hear())
    }
}

fn under_tls(tcp: TcpStream, tls: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = "127.0.0.1".try_into().unwrap();
    StreamOwned::new(ClientConnection::new(tls.clone(), name).unwrap(), tcp)
}

#[test]
fn data_connections_resume_the_session_of_the_login_as_the_option_says() {
    let root = TestDirectory::new();
    root.write("file", "under TLS");
    for (options, resumes, code) in [
        (&[][..], true, "226 "),
        (&["--tls-resumption", "off"], false, "226 "),
        (&["--tls-resumption", "report"], true, "226 "),
        (&["--tls-resumption", "require"], true, "522 "),
    ] {
        let certificate = TestFile::new("");
        let (root, path) = (root.path(), certificate.path());
        let fixed = ["--root", &root, "--require-data-tls", "--write-cert", &path];
        let server = Server::start_with(&[&fixed, options].concat());
        let roots = roots_from_pem(&fs::read(&certificate.0).unwrap()).unwrap();
        let tls = client_config(Roots::Store(roots), None).unwrap();
        let config = Config::new(Login::new("anna", SENTINEL).unwrap());
        let connector = Connector::new(config).tls(tls.clone());
        let mut client = connector.connect(&server.address.to_string()).unwrap();
        for _ in 0..3 {
            assert_eq!(
                download(&mut client, "file").unwrap(),
                b"under TLS",
                "{options:?}"
            );
        }
        client.quit().unwrap();
        server.log_has("transferred", &format!("resumed={resumes}"));

        let (bytes, reply) = TlsPeer::log_in(&server, &tls).retrieve();
        assert!(reply.starts_with(code), "{options:?}: {reply}");
        let sent = if code == "226 " {
            &b"under TLS"[..]
        } else {
            b""
        };
        assert_eq!(bytes, sent, "{options:?}");
    }
}

#[test]
fn an_external_address_may_be_a_name() {
    let root = TestDirectory::new();
    let root = root.path();
    let server = Server::start(&["--root", &root, "--external-address", "localhost"]);
    let mut peer = Peer::connect(&server);
    peer.log_in();
    let reply = peer.ask("PASV");
    assert!(reply.contains("(127,0,0,1,"), "{reply}");

    for options in [
        ["--external-address", "fe80::1"],
        ["--external-address", "a name"],
        ["--limit-rate", "0"],
        ["--max-transfers", "0"],
        ["--tls-resumption", "maybe"],
    ] {
        let first = ["serve", "--anonymous", "--root", &root];
        let run = Program::new(first.iter().chain(&options)).run();
        assert_eq!(run.code, 2, "{options:?}: {run:?}");
        assert!(run.stderr.contains(options[0]), "{options:?}: {run:?}");
    }
}
