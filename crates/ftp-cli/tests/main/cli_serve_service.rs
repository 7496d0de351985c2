//! `serve` under a service manager, and the files of `packaging/`.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::ftp::{log_in, upload};
use crate::common::{Peer, Program, Server, TestDirectory, TestFile, sentinel_hash};

/// The server, started by a shell that has set these variables.
fn command(setup: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{setup} exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_ftp-cli"))
        .args(["serve", "--listen", "127.0.0.1:0", "--danger-optional-tls"]);
    command
}

fn users() -> TestFile {
    TestFile::new(format!("anna:{}\n", sentinel_hash()))
}

#[test]
fn the_service_manager_is_told_what_the_server_does() {
    let directory = TestDirectory::new();
    let path = directory.0.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let next = || {
        let mut bytes = [0; 1000];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let users = users();
    let mut command = command("");
    command.env("NOTIFY_SOCKET", &path).stdin(Stdio::null());
    command.args(["--users", &users.path()]);
    let server = Server::of_command(command, users);
    let address = server.address;
    assert_eq!(next(), format!("READY=1\nSTATUS=listening on {address}\n"));
    let mut session = Peer::connect(&server);
    session.log_in();

    server.signal("-HUP");
    let reloading = next();
    assert!(reloading.starts_with("RELOADING=1\nSTATUS="), "{reloading}");
    let time = reloading
        .lines()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(time.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
    assert_eq!(next(), format!("READY=1\nSTATUS=listening on {address}\n"));
    fs::write(&server.users.0, "no colon").unwrap();
    server.signal("-HUP");
    assert!(next().starts_with("RELOADING=1\n"));
    let failed = next();
    assert!(
        failed.starts_with("READY=1\n") && failed.contains("cannot reload"),
        "{failed}"
    );

    assert!(session.ask("NOOP").starts_with("200 "));
    server.stop("-TERM");
    assert!(next().starts_with("STOPPING=1\n"));
}

#[test]
fn a_service_manager_that_does_not_listen_stops_nothing() {
    let users = users();
    let mut command = command("");
    command
        .env("NOTIFY_SOCKET", "/missing/notify")
        .stdin(Stdio::null());
    command.args(["--users", &users.path()]);
    let server = Server::of_command(command, users);
    Peer::connect(&server).log_in();
    server.log_has("cannot tell the service manager", "");
}

/// The shell gives it the standard input as the socket, as systemd would.
const PASSED: &str = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$;";

#[test]
fn the_socket_of_the_service_manager_is_used_and_stays_open_over_a_restart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..2 {
        let users = users();
        let mut command = command(PASSED);
        let socket = OwnedFd::from(listener.try_clone().unwrap());
        command.stdin(Stdio::from(socket));
        command.args(["--users", &users.path()]);
        let server = Server::of_command(command, users);
        assert_eq!(server.address, address);
        Peer::connect(&server).log_in();
        server.stop("-TERM");
    }
}

#[test]
fn what_is_no_control_socket_is_a_usage_error() {
    let several = PASSED.replace("LISTEN_FDS=1", "LISTEN_FDS=2");
    for (setup, named) in [(PASSED, "cannot be used"), (&several, "2 sockets")] {
        let mut command = command(setup);
        let output = command
            .arg("--anonymous")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(named), "{error}");
    }
}

fn packaged(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    fs::read_to_string(path.join(name)).unwrap()
}

/// The words of the command that the unit starts.
fn command_of_unit() -> Vec<String> {
    let unit = packaged("ftp-cli.service").replace("\\\n", " ");
    let mut lines = unit.lines();
    let command = lines
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    command.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_options_of_the_packages_exist() {
    let help = Program::new(["serve", "--help"]).run().stdout;
    let container = packaged("Containerfile");
    // Those before the name of the image are podman's.
    let start = container.find("--users").unwrap();
    let options = container[start..].split(|letter: char| letter.is_whitespace() || letter == '"');
    let mut count = 0;
    for option in command_of_unit().iter().map(String::as_str).chain(options) {
        if option.starts_with("--") && !["--locked", "--release", "--package"].contains(&option) {
            let is_podmans = ["--signal", "--build-arg", "--from=build"].contains(&option);
            assert!(
                is_podmans || help.contains(&format!(" {option} ")),
                "{option}"
            );
            count += 1;
        }
    }
    assert!(count > 10);
}

/// As the unit starts it, but for the places.
#[test]
fn the_command_of_the_unit_serves() {
    let place = TestDirectory::new();
    for directory in ["etc", "files", "log"] {
        fs::create_dir(place.0.join(directory)).unwrap();
    }
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    place.write("etc/server.pem", made.cert.pem());
    place.write("etc/server.key", made.signing_key.serialize_pem());
    let users = TestFile::ending(
        format!("[users.anna]\nhash = \"{}\"\n", sentinel_hash()),
        ".toml",
    );
    fs::copy(&users.0, place.0.join("etc/users.toml")).unwrap();
    let mut words = command_of_unit().into_iter();
    assert_eq!(words.next().as_deref(), Some("/usr/local/bin/ftp-cli"));
    assert_eq!(words.next().as_deref(), Some("serve"));
    let moved = words.map(|word| {
        word.replace("/etc/ftp-cli", &format!("{}/etc", place.path()))
            .replace("/srv/ftp", &format!("{}/files", place.path()))
            .replace("/var/log/ftp-cli", &format!("{}/log", place.path()))
            .replace("127.0.0.1:9521", "127.0.0.1:0")
            .replace("--require-data-tls", "--danger-optional-tls")
    });
    let moved: Vec<String> = moved.collect();
    let options: Vec<&str> = moved.iter().map(String::as_str).collect();
    let server = Server::start_without_users(&options);
    upload(&mut log_in(&server, "anna"), "file", b"served").unwrap();
    assert_eq!(place.read("files/file").unwrap(), b"served");
    server.stop("-TERM");
    assert!(place.read("log/xferlog").unwrap().ends_with(b" c\n"));
}
