//! Transfers that the program gives up: what comes after them is in step.

use std::io::{ErrorKind, Read, Write};
use std::sync::mpsc::channel;
use std::thread;

use ftp_proto::client::TransferError;

use crate::scripted_server::{ScriptedServer, ask_where, file, play};
use crate::transfers::why;

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
