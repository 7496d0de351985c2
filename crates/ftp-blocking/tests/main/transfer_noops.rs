//! `NOOP` during transfers, by option: it is sent although data moves all the time.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ftp_blocking::Connector;

use crate::scripted_server::{ScriptedServer, ask_where, config, play_with};

/// What the server hears next. One `NOOP` more, on a slow machine, is lost.
fn tell_where(server: &mut ScriptedServer) {
    let mut last = server.next_command();
    while last == "NOOP" {
        last = server.next_command();
    }
    assert_eq!(last, "PWD");
    server.say("257 \"/here\"");
}

fn connector() -> Connector {
    Connector::new(config().transfer_keep_alive(Duration::from_secs(1)))
}

#[test]
fn noops_are_sent_while_a_download_never_pauses() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("RETR a file");
        server.say("150 Here it comes.");
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
        tell_where(server);
    };
    play_with(connector(), None, script, |client| {
        let mut download = client.retrieve("a file").unwrap();
        let mut space = vec![0; 256 * 1024];
        while download.read(&mut space).unwrap() > 0 {}
        drop(download);
        ask_where(client);
    });
}

#[test]
fn noops_are_sent_while_an_upload_never_pauses() {
    for piece in [256 * 1024, 1000] {
        let is_enough = Arc::new(AtomicBool::new(false));
        let script = {
            let is_enough = Arc::clone(&is_enough);
            move |server: &mut ScriptedServer| {
                let mut data = server.data("STOR a file");
                server.say("150 Send it.");
                let reader = thread::spawn(move || {
                    let mut space = vec![0; 256 * 1024];
                    while data.read(&mut space).unwrap() > 0 {}
                });
                server.expect("NOOP");
                server.say("200 Still here.");
                // This one is lost.
                server.expect("NOOP");
                is_enough.store(true, Ordering::Release);
                reader.join().unwrap();
                server.say("226 Done.");
                // Once to be in step, and once for the test.
                tell_where(server);
                tell_where(server);
            }
        };
        play_with(connector(), None, script, move |client| {
            let mut upload = client.store("a file").unwrap();
            while !is_enough.load(Ordering::Acquire) {
                upload.write_all(&vec![7; piece]).unwrap();
            }
            upload.finish().unwrap();
            drop(upload);
            ask_where(client);
        });
    }
}
