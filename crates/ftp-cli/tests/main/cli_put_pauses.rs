//! `ftp-cli put -`: what a program has written is sent, though it pauses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::common::SENTINEL;

/// More than all buffers on the way hold.
const SIZE: usize = 12 * 1024 * 1024;

/// A server that reads slowly, so that the buffers are full, until all was written and much of it has come. Says how
/// much came, again and again.
fn serve(listener: &TcpListener, is_written: &AtomicBool, came: &mpsc::Sender<usize>) {
    let mut control = listener.accept().unwrap().0;
    let passive = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = passive.local_addr().unwrap().port();
    control.write_all(b"220 Ready.\r\n").unwrap();
    for line in BufReader::new(control.try_clone().unwrap()).lines() {
        let reply = match line.unwrap().split(' ').next().unwrap() {
            "USER" => "331 Password.".to_owned(),
            "PASS" => "230 Welcome.".to_owned(),
            "EPSV" => format!("229 Go there (|||{port}|)"),
            "STOR" => {
                control.write_all(b"150 Send it.\r\n").unwrap();
                receive(passive.accept().unwrap().0, is_written, came);
                "226 Kept.".to_owned()
            }
            "FEAT" => "502 No.".to_owned(),
            _ => "250 Fine.".to_owned(),
        };
        control
            .write_all(format!("{reply}\r\n").as_bytes())
            .unwrap();
    }
}

fn receive(mut data: TcpStream, is_written: &AtomicBool, came: &mpsc::Sender<usize>) {
    let mut space = vec![0; 64 * 1024];
    let (mut all, mut slowly) = (0, 1024 * 1024_usize);
    loop {
        match data.read(&mut space).unwrap() {
            0 => return,
            count => {
                all += count;
                came.send(all).unwrap();
                if is_written.load(Ordering::Relaxed) {
                    slowly = slowly.saturating_sub(count);
                }
            }
        }
        if slowly > 0 {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn send(size: usize) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("ftp://anna@{}/file", listener.local_addr().unwrap());
    let is_written = Arc::new(AtomicBool::new(false));
    let (came, coming) = mpsc::channel();
    let seen = Arc::clone(&is_written);
    let server = thread::spawn(move || serve(&listener, &seen, &came));
    let mut program = Command::new(env!("CARGO_BIN_EXE_ftp-cli"))
        .args(["put", "--plaintext", "--quiet", "-", &url])
        .env("FTP_PASSWORD", SENTINEL)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    input.write_all(&vec![7; size]).unwrap();
    is_written.store(true, Ordering::Relaxed);
    // The input is still open.
    let mut all = 0;
    while all < size {
        let next = coming.recv_timeout(Duration::from_secs(60));
        all = next.unwrap_or_else(|_| panic!("{all} of {size} came"));
    }
    drop(input);
    assert!(program.wait().unwrap().success());
    server.join().unwrap();
}

#[test]
fn what_came_before_a_pause_is_sent() {
    // Of some of these the last bytes come when the buffers are full.
    thread::scope(|scope| {
        for number in 0..24 {
            scope.spawn(move || send(SIZE + number * 50_000));
        }
    });
}
