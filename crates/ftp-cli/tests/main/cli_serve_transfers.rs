//! `serve`: how uploads replace files, and the logs of transfers.
#![cfg(unix)]

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::common::ftp::{download, log_in, names, refused, upload};
use crate::common::{Peer, Program, Server, TestDirectory, TestFile, sentinel_hash};
use serde_json::Value;

fn serving(root: &TestDirectory, options: &[&str]) -> Server {
    Server::start(&[&["--root", &root.path()], options].concat())
}

/// Logs anna in, and opens a data connection for the next command.
fn with_data(server: &Server) -> (Peer, TcpStream) {
    let mut peer = Peer::connect(server);
    peer.log_in();
    let reply = peer.ask("EPSV");
    let port: u16 = reply.split('|').nth(3).unwrap().parse().unwrap();
    let data = TcpStream::connect((server.address.ip(), port)).unwrap();
    (peer, data)
}

/// Waits until a file has this content.
fn comes_to_be(root: &TestDirectory, name: &str, content: &[u8]) {
    for _ in 0..3000 {
        if root.read(name).as_deref() == Some(content) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{name} is {:?}", root.read(name));
}

#[test]
fn uploads_replace_files_at_once_or_in_place() {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    for (options, in_place) in [
        (&[][..], false),
        (&["--uploads", "atomic"], false),
        (&["--uploads", "in-place"], true),
        (&["--uploads", "in-place", "--quota", "2M"], true),
    ] {
        let root = TestDirectory::new();
        root.write("file", [0; 600_000]);
        let inode = || fs::metadata(root.0.join("file")).unwrap().ino();
        let before = inode();
        let server = serving(&root, options);
        upload(&mut log_in(&server, "anna"), "file", &[1; 500_000]).unwrap();
        assert_eq!(root.read("file").unwrap(), [1; 500_000]);
        assert_eq!(inode() == before, in_place, "{options:?}");

        // Half of one, and then ABOR.
        let (mut peer, mut data) = with_data(&server);
        assert!(peer.ask("STOR file").starts_with("150 "));
        let half = vec![2; 262_144];
        data.write_all(&half).unwrap();
        if in_place {
            let seen = [&half[..], &[1; 500_000 - 262_144]].concat();
            comes_to_be(&root, "file", &seen);
        }
        assert!(peer.ask("ABOR").starts_with("426 "));
        let left = if in_place { half } else { vec![1; 500_000] };
        comes_to_be(&root, "file", &left);
    }
}

#[test]
fn each_transfer_of_a_file_is_a_line_of_the_transfer_log() {
    let root = TestDirectory::new();
    let logs = TestDirectory::new();
    fs::create_dir(root.0.join("my files")).unwrap();
    let log = format!("{}/xferlog", logs.path());
    let server = serving(&root, &["--transfer-log", &log, "--anonymous"]);
    let mut anna = log_in(&server, "anna");
    upload(&mut anna, "my files/a\u{1b}b c", &[0; 1000]).unwrap();
    assert_eq!(names(&mut anna, "my files").len(), 1);
    let mut guest = log_in(&server, "anonymous");
    assert_eq!(
        download(&mut guest, "my files/a\u{1b}b c").unwrap().len(),
        1000
    );
    assert_eq!(refused(download(&mut guest, "missing")), 550);

    // Renamed, and opened anew; a session goes on.
    comes_to_lines(&logs, "xferlog", 3);
    let older = format!("{log}.1");
    fs::rename(&log, older).unwrap();
    server.signal("-HUP");
    server.log_has("opened the transfer log anew", "");
    upload(&mut anna, "b", b"").unwrap();
    server.stop("-TERM");

    let lines = comes_to_lines(&logs, "xferlog.1", 3);
    for (line, rest) in lines.iter().zip([
        "127.0.0.1 1000 /my_files/a_b_c b _ i r anna ftp 0 * c",
        "127.0.0.1 1000 /my_files/a_b_c b _ o a anonymous ftp 0 * c",
        "127.0.0.1 0 /missing b _ o a anonymous ftp 0 * i",
    ]) {
        assert!(line.ends_with(rest), "{line}");
        let fields: Vec<_> = line.split_whitespace().collect();
        assert_eq!(fields.len(), 18, "{line}");
        let year: u16 = fields[4].parse().unwrap();
        assert!(year >= 2024, "{line}");
        assert!(fields[5].parse::<u64>().is_ok(), "{line}");
    }
    let lines = comes_to_lines(&logs, "xferlog", 1);
    assert!(
        lines[0].ends_with("127.0.0.1 0 /b b _ i r anna ftp 0 * c"),
        "{}",
        lines[0]
    );
}

/// Waits for as many lines.
fn comes_to_lines(logs: &TestDirectory, name: &str, count: usize) -> Vec<String> {
    for _ in 0..3000 {
        let text = String::from_utf8(logs.read(name).unwrap()).unwrap();
        if text.lines().count() == count {
            return text.lines().map(str::to_owned).collect();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{:?}", logs.read(name));
}

#[test]
fn a_transfer_log_that_cannot_be_written_is_an_error_or_stays_as_it_is() {
    let root = TestDirectory::new();
    let logs = TestDirectory::new();
    let path = root.path();
    let run = Program::new([
        "serve",
        "--anonymous",
        "--root",
        &path,
        "--transfer-log",
        &path,
    ])
    .run();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("transfer log"), "{run:?}");

    fs::create_dir(logs.0.join("there")).unwrap();
    let log = format!("{}/there/xferlog", logs.path());
    let server = serving(&root, &["--transfer-log", &log]);
    fs::rename(logs.0.join("there"), logs.0.join("moved")).unwrap();
    server.signal("-HUP");
    server.log_has("cannot open the transfer log anew", "");
    upload(&mut log_in(&server, "anna"), "a", b"1").unwrap();
    server.stop("-TERM");
    comes_to_lines(&logs, "moved/xferlog", 1);
}

#[test]
fn a_server_that_stops_lets_transfers_end_for_a_while() {
    use std::io::Write;
    for (seconds, is_whole) in [("120", true), ("0.1", false)] {
        let root = TestDirectory::new();
        let server = serving(&root, &["--drain-timeout", seconds]);
        let (mut peer, mut data) = with_data(&server);
        assert!(peer.ask("STOR file").starts_with("150 "));
        data.write_all(b"one, ").unwrap();
        server.signal("-TERM");
        server.log_has("stopping", "");
        if is_whole {
            data.write_all(b"two").unwrap();
            drop(data);
            assert!(peer.hear().starts_with("226 "));
            assert!(peer.hear().starts_with("421 "));
        }
        let (status, ..) = server.stop("-TERM");
        assert_eq!(status.code(), Some(0));
        let file = root.read("file");
        if is_whole {
            assert_eq!(file.as_deref(), Some(&b"one, two"[..]));
        } else {
            // The client can go on from there.
            assert!(peer.hear().starts_with("421 "));
            assert_eq!(file.as_deref(), Some(&b"one, "[..]));
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        }
    }
}

#[test]
fn transfers_are_json_in_the_log() {
    let root = TestDirectory::new();
    root.write("file", "12345");
    let server = serving(&root, &["--log-format", "json"]);
    let mut client = log_in(&server, "anna");
    download(&mut client, "file").unwrap();
    refused(upload(&mut client, "missing/file", b"1"));
    client.quit().unwrap();
    let log = server.stop("-TERM").2;
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |message: &str| {
        let mut found = lines.iter().filter(|line| line["message"] == *message);
        found.next().unwrap_or_else(|| panic!("{message}: {log}"))
    };
    for message in ["transfer begins", "transferred"] {
        let line = of(message);
        assert_eq!(line["user"], "anna");
        assert_eq!(
            (&line["command"], &line["path"]),
            (&"RETR".into(), &"/file".into())
        );
        assert_eq!(line["connection"], 1);
    }
    let line = of("transferred");
    assert_eq!(
        (&line["bytes"], &line["outcome"]),
        (&5.into(), &"ok".into())
    );
    assert!(line["seconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(line["tls"], false);
    let line = of("transfer not whole");
    assert_eq!(
        (&line["command"], &line["outcome"]),
        (&"STOR".into(), &"refused".into())
    );
}

/// The system would end a program that does not expect it.
#[test]
fn a_limit_of_the_size_of_files_fails_uploads_and_not_the_server() {
    let root = TestDirectory::new();
    root.write("file", "old");
    let users = TestFile::new(format!("anna:{}\n", sentinel_hash()));
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -f 8; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_ftp-cli"))
        .args(["serve", "--listen", "127.0.0.1:0", "--danger-optional-tls"])
        .args(["--users", &users.path(), "--root", &root.path()])
        .stdin(Stdio::null());
    let server = Server::of_command(command, users);
    let mut client = log_in(&server, "anna");
    assert_eq!(refused(upload(&mut client, "file", &[b'x'; 100_000])), 552);
    assert_eq!(download(&mut client, "file").unwrap(), b"old");
}
