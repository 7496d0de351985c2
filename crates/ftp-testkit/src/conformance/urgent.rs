//! What clients send as urgent data in the middle of a transfer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use crate::misbehaving::{PASSWORD, USER};

/// How an `ABOR` is sent: as usual, then as urgent, which the last byte of it is, then as usual.
const WAYS: [[&[u8]; 3]; 3] = [
    // RFC 959 §4.1.3: Interpret Process, and Data Mark behind it.
    [b"\xff\xf4", b"\xff", b"\xf2ABOR\r\n"],
    [b"\xff\xf4\xff", b"\xf2", b"ABOR\r\n"],
    // As Python's ftplib does: a read of the system ends in front of the line feed.
    [b"", b"ABOR\r\n", b""],
];

/// For each reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// An upload is aborted in each of the ways, and the session goes on.
pub(super) fn aborts(address: &str) {
    let control = TcpStream::connect(address).expect("a server");
    control.set_read_timeout(Some(PATIENCE)).expect("an option");
    let mut control = BufReader::new(control);
    expect(&mut control, "220");
    for (line, code) in [
        (format!("USER {USER}"), "331"),
        (format!("PASS {PASSWORD}"), "230"),
        ("TYPE I".to_owned(), "200"),
    ] {
        ask(&mut control, &line, code);
    }
    for [before, urgent, rest] in WAYS {
        let data = passive(&mut control);
        ask(&mut control, "STOR aborted", "150");
        control.get_mut().write_all(before).expect("sent");
        let socket = SockRef::from(control.get_ref());
        let sent = socket.send_out_of_band(urgent).expect("sent");
        assert_eq!(sent, urgent.len());
        control.get_mut().write_all(rest).expect("sent");
        expect(&mut control, "426");
        expect(&mut control, "226");
        drop(data);
        ask(&mut control, "NOOP", "200");
    }
    ask(&mut control, "QUIT", "221");
    let mut rest = Vec::new();
    control.read_to_end(&mut rest).expect("an end");
    assert_eq!(rest, b"");
}

fn passive(control: &mut BufReader<TcpStream>) -> TcpStream {
    let reply = ask(control, "EPSV", "229");
    let port = reply.split('|').nth(3).expect("a port");
    let host = control.get_ref().peer_addr().expect("a peer").ip();
    TcpStream::connect((host, port.parse().expect("a port"))).expect("a listener")
}

fn ask(control: &mut BufReader<TcpStream>, line: &str, code: &str) -> String {
    write!(control.get_mut(), "{line}\r\n").expect("sent");
    expect(control, code)
}

fn expect(control: &mut BufReader<TcpStream>, code: &str) -> String {
    let mut line = String::new();
    control.read_line(&mut line).expect("a reply");
    assert!(line.starts_with(&format!("{code} ")), "{line} for {code}");
    line
}
