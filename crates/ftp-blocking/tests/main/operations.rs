//! Commands against a server on the loopback that is played from a table.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use ftp_adapter::Fact;
use ftp_blocking::{Client, Connector, Error};
use ftp_proto::client::{Config, Login, Security};

/// Logs in to a server that wants these commands, in this order. It says what it did not get.
fn log_in_to(script: &'static [(&'static str, &'static str)]) -> (Client, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut out = stream;
        out.write_all(b"220 hello\r\n").unwrap();
        let login = [("USER", "331 and?"), ("PASS", "230 welcome")];
        for (expected, reply) in login.iter().chain(script) {
            let command = lines.next().unwrap().unwrap();
            assert!(command.starts_with(expected), "{command}, not {expected}");
            let reply = reply.replace('\n', "\r\n");
            out.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
        }
    });
    let login = Login::new("developer", "secret").unwrap();
    let config = Config::new(login).security(Security::DangerousPlaintext);
    let client = Connector::new(config).connect(&address.to_string());
    (client.unwrap(), server)
}

#[test]
fn commands_are_sent_one_after_the_other_and_their_replies_read() {
    let (mut ftp, server) = log_in_to(&[
        ("PWD", "257 \"/home\""),
        ("RNFR a", "350 x"),
        ("RNTO b", "250 x"),
        ("TYPE I", "200 x"),
        ("SIZE b", "213 7"),
        ("SIZE b", "213 7"),
        ("MDTM b", "213 20240501123400"),
        ("FEAT", "211-x\n MFMT\n211 x"),
        ("DELE b", "550 no"),
        ("MKD c", "250 x"),
        ("QUIT", "221 bye"),
    ]);
    assert_eq!(ftp.pwd().unwrap(), b"/home");
    ftp.rename("a", "b").unwrap();
    assert_eq!(ftp.size("b").unwrap(), 7);
    assert_eq!(ftp.file_facts("b").unwrap().size, Fact::Known(7));
    assert!(ftp.features().unwrap().set_modified());
    assert!(matches!(ftp.hash("b"), Err(Error::NotSupported("HASH"))));
    assert!(matches!(ftp.remove_file("b"), Err(Error::Refused(_))));
    assert!(matches!(ftp.cwd("a\r\nb"), Err(Error::InvalidCommand(_))));
    assert_eq!(ftp.make_dir("c").unwrap(), None);
    ftp.quit().unwrap();
    server.join().unwrap();
}
