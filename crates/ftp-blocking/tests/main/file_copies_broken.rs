//! `copy_to_file` and `copy_from_file` that come to no good end: what was moved is known.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use ftp_adapter::socket2::SockRef;
use ftp_blocking::{Client, Connector, Error};
use ftp_proto::client::TransferError;
use ftp_proto::data;
use ftp_proto::wire::Code;

use crate::file_copies::Scratch;
use crate::scripted_server::{ScriptedServer, ask_where, config, file, play, play_with};
use crate::transfers::why;

#[test]
fn a_download_that_is_cut_leaves_what_came_in_the_file() {
    for is_reset in [false, true] {
        let (came, all_came) = channel();
        let script = move |server: &mut ScriptedServer| {
            let mut data = server.data("RETR a file");
            server.say("150 Opening data connection (5000000 bytes).");
            data.write_all(&file(1_000_001)).unwrap();
            all_came.recv().unwrap();
            if is_reset {
                SockRef::from(&data)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
            }
            drop(data);
            server.say("226 All is well.");
            server.tell_where();
        };
        play(script, move |client| {
            let scratch = Scratch::new();
            let mut sink = scratch.create();
            let download = client.retrieve("a file").unwrap();
            let mut download = download.on_progress(move |progress| {
                if progress.bytes == 1_000_001 {
                    came.send(()).unwrap();
                }
            });
            let error = why(download.copy_to_file(&mut sink).unwrap_err());
            match error {
                TransferError::LengthDiffers { bytes, .. } if !is_reset => {
                    assert_eq!(bytes, 1_000_001)
                }
                TransferError::CutOff { bytes, error, .. } if is_reset => {
                    assert_eq!((bytes, error), (1_000_001, data::Error::CutOff));
                }
                error => panic!("{error:?}"),
            }
            assert_eq!(download.received(), 1_000_001);
            assert_eq!(sink.stream_position().unwrap(), 1_000_001);
            assert!(scratch.bytes() == file(1_000_001));
            drop(download);
            ask_where(client);
        });
    }
}

#[test]
fn an_upload_that_is_cut_says_how_many_bytes_went_out() {
    let script = |server: &mut ScriptedServer| {
        let mut data = server.data("STOR a file");
        server.say("150 Send it.");
        data.read_exact(&mut [0; 100_000]).unwrap();
        // Unread bytes make it a reset.
        drop(data);
        server.say("426 Cut.");
        server.tell_where();
    };
    play(script, |client| {
        let scratch = Scratch::holding(&file(30_000_000));
        let mut source = File::open(&scratch.0).unwrap();
        let mut upload = client.store("a file").unwrap();
        let error = why(upload.copy_from_file(&mut source).unwrap_err());
        let TransferError::Failed { bytes, reply, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(Some(reply.code()), Code::new(426));
        assert!((100_000..30_000_000).contains(bytes));
        assert_eq!(upload.sent(), *bytes);
        let read = source.stream_position().unwrap();
        assert!(
            (*bytes..=*bytes + 262_144).contains(&read),
            "{bytes} {read}"
        );
        drop(upload);
        ask_where(client);
    });
}

/// Sends a file without end until the client gives it up.
fn endless(server: &mut ScriptedServer) {
    let mut data = server.data("RETR a file");
    server.say("150 Here it comes.");
    let sending = thread::spawn(move || while data.write_all(&file(100_000)).is_ok() {});
    server.expect("ABOR");
    sending.join().unwrap();
    server.say("426 Broken.\n226 Aborted.");
    server.tell_where();
}

/// What the disk has no room for is an error of this computer, and the transfer is given up.
fn assert_given_up(client: &mut Client, sink: &mut File) -> io::Error {
    let mut download = client.retrieve("a file").unwrap();
    let error = match download.copy_to_file(sink).unwrap_err() {
        Error::Local(error) => error,
        other => panic!("{other:?}"),
    };
    assert!(download.received() > sink.stream_position().unwrap());
    let after = download.read(&mut [0; 100]).unwrap_err();
    assert_eq!(why(after), TransferError::Aborted);
    drop(download);
    ask_where(client);
    error
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_of_this_computer() {
    play(endless, |client| {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = assert_given_up(client, &mut full);
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    });
}

#[cfg(all(target_os = "linux", feature = "kernel-copy"))]
#[test]
fn what_a_file_took_before_it_was_full_is_exactly_known() {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    const ROOM: u64 = 40 * 4096;
    play(endless, |client| {
        let sealable = memfd_create("room", MemfdFlags::ALLOW_SEALING).unwrap();
        let mut sink = File::from(sealable);
        sink.set_len(ROOM).unwrap();
        fcntl_add_seals(&sink, SealFlags::GROW).unwrap();
        let error = assert_given_up(client, &mut sink);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        let written = sink.stream_position().unwrap();
        assert!(written <= ROOM);
        let mut all = Vec::new();
        sink.rewind().unwrap();
        sink.read_to_end(&mut all).unwrap();
        let (there, rest) = all.split_at(usize::try_from(written).unwrap());
        let sent = file(100_000);
        assert!(there.iter().eq(sent.iter().cycle().take(there.len())));
        assert!(rest.iter().all(|byte| *byte == 0));
        // A piece was too long for what was left.
        assert!(there.len() >= 100_000, "{}", there.len());
    });
}

/// Begins a download, and then an upload, and moves no more until the client gives it up.
fn stand_still(server: &mut ScriptedServer) {
    let mut data = server.data("RETR a file");
    server.say("150 Here it comes.");
    data.write_all(b"some").unwrap();
    server.expect("ABOR");
    server.say("426 Broken.\n226 Aborted.");
    let _never_read = server.data("STOR a file");
    server.say("150 Send it.");
    server.expect("ABOR");
    server.say("426 Broken.\n226 Aborted.");
    server.tell_where();
}

#[test]
fn a_server_that_stands_still_is_given_up() {
    let mut timeouts = data::Timeouts::default();
    timeouts.stall = Duration::from_millis(200);
    let connector = Connector::new(config().data_timeouts(timeouts));
    play_with(connector, None, stand_still, |client| {
        let scratch = Scratch::new();
        let mut sink = scratch.create();
        let mut download = client.retrieve("a file").unwrap();
        let error = why(download.copy_to_file(&mut sink).unwrap_err());
        assert!(
            matches!(error, TransferError::Failed { bytes: 4, .. }),
            "{error:?}"
        );
        assert_eq!(download.received(), 4);
        assert_eq!(scratch.bytes(), b"some");
        drop(download);

        let scratch = Scratch::holding(&file(30_000_000));
        let mut source = File::open(&scratch.0).unwrap();
        let mut upload = client.store("a file").unwrap();
        let error = why(upload.copy_from_file(&mut source).unwrap_err());
        let TransferError::Failed { bytes, .. } = error else {
            panic!("{error:?}");
        };
        assert!(bytes < 30_000_000);
        drop(upload);
        ask_where(client);
    });
}

#[test]
fn another_thread_ends_a_copy_that_waits() {
    play(stand_still, |client| {
        let scratch = Scratch::new();
        let mut sink = scratch.create();
        let aborter = client.aborter();
        let download = client.retrieve("a file").unwrap();
        let mut download = download.on_progress(move |progress| {
            if progress.bytes == 4 {
                aborter.abort();
            }
        });
        let error = download.copy_to_file(&mut sink).unwrap_err();
        assert_eq!(why(error), TransferError::Aborted);
        assert_eq!(download.received(), 4);
        assert_eq!(scratch.bytes(), b"some");
        drop(download);

        let scratch = Scratch::holding(&file(30_000_000));
        let mut source = File::open(&scratch.0).unwrap();
        let aborter = client.aborter();
        let upload = client.store("a file").unwrap();
        let mut upload = upload.on_progress(move |progress| {
            if progress.bytes > 0 {
                aborter.abort();
            }
        });
        let error = upload.copy_from_file(&mut source).unwrap_err();
        assert_eq!(why(error), TransferError::Aborted);
        assert!(upload.sent() > 0);
        drop(upload);
        ask_where(client);
    });
}
