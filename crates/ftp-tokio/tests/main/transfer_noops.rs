//! `NOOP` during transfers, by option: it is sent although data moves all the time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ftp_tokio::{Client, Connector};
use tokio::io::AsyncWriteExt;

use crate::common::{login, plain};

/// The server's end after the login.
struct Server {
    lines: BufReader<TcpStream>,
    out: TcpStream,
    passive: TcpListener,
}

impl Server {
    /// The next command that has to do with the test.
    fn next(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            let port = self.passive.local_addr().unwrap().port();
            let reply = match line.split([' ', '\r']).next().unwrap() {
                "USER" => "331 Password.".to_owned(),
                "PASS" => "230 Welcome.".to_owned(),
                "TYPE" => "200 Fine.".to_owned(),
                "EPSV" => format!("229 Go there (|||{port}|)"),
                _ => return line.trim_end().to_owned(),
            };
            self.say(&reply);
        }
    }

    fn say(&mut self, reply: &str) {
        let reply = format!("{}\r\n", reply.replace('\n', "\r\n"));
        self.out.write_all(reply.as_bytes()).unwrap();
    }

    fn expect(&mut self, command: &str) {
        assert_eq!(self.next(), command);
    }
}

/// Logs in, and plays the script after the transfer command with the data connection.
async fn play(
    command: &'static str,
    script: impl FnOnce(&mut Server, TcpStream) + Send + 'static,
) -> (Client, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let out = listener.accept().unwrap().0;
        let mut server = Server {
            lines: BufReader::new(out.try_clone().unwrap()),
            out,
            passive: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
        };
        server.say("220 Ready.");
        server.expect(command);
        let data = server.passive.accept().unwrap().0;
        server.say("150 Go.");
        script(&mut server, data);
        // One more on a slow machine is lost.
        let mut last = server.next();
        while last == "NOOP" {
            last = server.next();
        }
        assert_eq!(last, "QUIT");
        server.say("221 Goodbye.");
    });
    let config = plain(login()).transfer_keep_alive(Duration::from_secs(1));
    let client = Connector::new(config).connect(&address).await.unwrap();
    (client, server)
}

#[tokio::test]
async fn noops_are_sent_while_a_download_never_pauses() {
    for size in [256 * 1024, 1000] {
        let (mut client, server) = play("RETR a file", |server, mut data| {
            let is_enough = Arc::new(AtomicBool::new(false));
            let sender = thread::spawn({
                let is_enough = Arc::clone(&is_enough);
                move || {
                    while !is_enough.load(Ordering::Acquire) {
                        data.write_all(&[7; 64 * 1024]).unwrap();
                    }
                }
            });
            server.expect("NOOP");
            server.say("200 Still here.");
            server.expect("NOOP");
            is_enough.store(true, Ordering::Release);
            sender.join().unwrap();
            server.say("226 Done.\n200 Still here.");
        })
        .await;
        let mut download = client.retrieve("a file").await.unwrap();
        let mut space = vec![0; size];
        while download.read(&mut space).await.unwrap() > 0 {}
        drop(download);
        client.quit().await.unwrap();
        server.join().unwrap();
    }
}

#[tokio::test]
async fn noops_are_sent_while_an_upload_never_pauses() {
    for piece in [256 * 1024, 1000] {
        let is_enough = Arc::new(AtomicBool::new(false));
        let (mut client, server) = play("STOR a file", {
            let is_enough = Arc::clone(&is_enough);
            move |server, mut data| {
                let reader = thread::spawn(move || {
                    let mut space = vec![0; 256 * 1024];
                    while data.read(&mut space).unwrap() > 0 {}
                });
                server.expect("NOOP");
                // It is lost.
                server.expect("NOOP");
                is_enough.store(true, Ordering::Release);
                reader.join().unwrap();
                server.say("226 Done.\n200 Still here.");
                server.expect("PWD");
                server.say("257 \"/\"");
            }
        })
        .await;
        let mut upload = client.store("a file").await.unwrap();
        while !is_enough.load(Ordering::Acquire) {
            upload.write_all(&vec![7; piece]).await.unwrap();
        }
        upload.shutdown().await.unwrap();
        drop(upload);
        client.quit().await.unwrap();
        server.join().unwrap();
    }
}
