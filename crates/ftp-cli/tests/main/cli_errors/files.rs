//! Errors of files and transfers.

use super::Page;
use crate::common::faulty::{Fault, Faulty};
use crate::common::{Program, Server, TestDirectory};

pub(super) fn files_of_the_server(page: &mut Page) {
    page.section("Files of the server");
    let root = TestDirectory::new();
    root.write("file", "content");
    root.write("big", vec![b'x'; 100_000]);
    std::fs::create_dir_all(root.0.join("directory/below")).unwrap();
    let server = Server::start(&["--root", &root.path()]);
    page.replace(server.address, "SERVER");
    let url = |path: &str| format!("{}/{path}", server.url("ftp", "anna"));
    let mut says = |title, exit, words: &[&str], paths: &[&str]| {
        let urls: Vec<_> = paths.iter().map(|path| url(path)).collect();
        let (command, rest) = words.split_first().unwrap();
        let urls = urls.iter().map(String::as_str);
        let target = if *command == "mirror" {
            &["mirrored"][..]
        } else {
            &[]
        };
        let words: Vec<_> = [*command, "--plaintext"]
            .into_iter()
            .chain(rest.iter().copied())
            .chain(urls)
            .chain(target.iter().copied())
            .collect();
        page.says(title, exit, &words);
    };
    says("no such file", 3, &["get"], &["missing"]);
    says(
        "a directory, and get wants files",
        3,
        &["get"],
        &["directory/below"],
    );
    says(
        "one of two is missing",
        3,
        &["get", "--quiet", "-o", "directory"],
        &["file", "missing"],
    );
    says(
        "no such directory to store it in",
        3,
        &["put", "file"],
        &["missing/file"],
    );
    says(
        "a directory is there already",
        3,
        &["put", "file"],
        &["directory"],
    );
    says("nothing to remove", 3, &["rm"], &["missing"]);
    says("rm of a directory", 3, &["rm"], &["directory"]);
    says("nothing to rename", 3, &["mv"], &["missing", "new"]);
    says(
        "the directory is there already",
        3,
        &["mkdir"],
        &["directory"],
    );
    says(
        "no directory for the new one",
        3,
        &["mkdir"],
        &["missing/new"],
    );
    says("nothing to look at", 3, &["stat"], &["missing"]);
    says("nothing to list", 3, &["ls"], &["missing/"]);
    says("no such directory to mirror", 3, &["mirror"], &["missing/"]);
    page.program(
        "a wrong password",
        3,
        &["ls", "--plaintext", &url("")],
        Program::new(["ls", "--plaintext", "--password-file", "other", &url("")]),
    );

    let server = Server::start(&["--root", &root.path(), "--read-only"]);
    page.replace(server.address, "SERVER");
    let url = format!("{}/file", server.url("ftp", "anna"));
    page.says(
        "nothing may be stored",
        3,
        &["put", "--plaintext", "file", &url],
    );
    page.says("nothing may be removed", 3, &["rm", "--plaintext", &url]);

    let server = Server::start(&["--root", &root.path(), "--quota", "100100"]);
    page.replace(server.address, "SERVER");
    page.here.write("big", vec![b'x'; 200_000]);
    let url = format!("{}/new", server.url("ftp", "anna"));
    page.says(
        "more than the quota",
        3,
        &["put", "--plaintext", "--retries", "0", "big", &url],
    );

    let server = Server::start(&["--root", &root.path(), "--require-data-tls"]);
    page.replace(server.address, "SERVER");
    let url = format!("{}/file", server.url("ftp", "anna"));
    page.says(
        "data must go under TLS",
        3,
        &[
            "get",
            "--danger-accept-any-cert",
            "--protection",
            "clear",
            "--retries",
            "0",
            "-o",
            "clear",
            &url,
        ],
    );
}

pub(super) fn local_files(page: &mut Page) {
    page.section("Files of this computer");
    let server = Faulty::start(&[("file", b"content")], |_, _| Fault::None);
    page.replace(server.address, "SERVER");
    let url = server.url("file");
    page.here.write("taken.part", "");
    std::fs::create_dir(page.here.0.join("way.part")).unwrap();
    let mut says = |title, exit, words: &[&str]| {
        let (command, rest) = words.split_first().unwrap();
        let words = [&[*command, "--plaintext"], rest].concat();
        page.says(title, exit, &words);
    };
    says("no such file to send", 8, &["put", "missing", &url]);
    says(
        "something is in the way of the part",
        8,
        &["get", "-o", "way", &url],
    );
    says("a path through a file", 8, &["get", "-o", "file/x", &url]);
    let shell = ["sh", "-c", "exec \"$0\" \"$@\" > /dev/full"];
    let words = ["get", "--plaintext", "-o", "-", &url];
    page.program("no space left", 8, &words, Program::of_shell(&shell, words));
    page.says(
        "nothing to mirror",
        8,
        &["mirror", "--plaintext", "missing", &server.url("")],
    );
    page.says(
        "a file to mirror into",
        2,
        &["mirror", "--plaintext", &server.url(""), "file"],
    );
}

/// A file is transferred, and this goes wrong.
pub(super) fn transfers(page: &mut Page) {
    page.section("Transfers that fail");
    let bytes = vec![b'x'; 100_000];
    let files: &[(&str, &[u8])] = &[("file", &bytes), ("sub/a", b"a"), ("sub/b", b"b")];
    let on = |verb: &'static str, fault: Fault| {
        Faulty::start(files, move |line, _| match line.starts_with(verb) {
            true => fault.clone(),
            false => Fault::None,
        })
    };
    let reply = |text: &str| Fault::Reply(text.to_owned());
    let get: &[&str] = &["get", "-o", "got"];
    let put: &[&str] = &["put", "big"];
    for (title, exit, verb, fault, words) in [
        (
            "the server fails in the middle of a download",
            7,
            "RETR",
            Fault::CutAfter(5000),
            get,
        ),
        (
            "the server goes away in the middle of a download",
            7,
            "RETR",
            Fault::VanishAfter(5000),
            get,
        ),
        (
            "less comes than the server has",
            7,
            "RETR",
            Fault::DoneAfter(5000),
            get,
        ),
        (
            "the server fails in the middle of an upload",
            7,
            "STOR",
            Fault::CutAfter(5000),
            put,
        ),
        (
            "no data connection",
            4,
            "RETR",
            reply("425 Cannot open data connection."),
            get,
        ),
        (
            "no space on the server",
            3,
            "STOR",
            reply("452 Insufficient storage space."),
            put,
        ),
        (
            "the quota of the server",
            3,
            "STOR",
            reply("552 Quota exceeded."),
            put,
        ),
        (
            "nothing may be read",
            3,
            "RETR",
            reply("550 Permission denied."),
            get,
        ),
        (
            "a name that is not allowed",
            3,
            "STOR",
            reply("553 File name not allowed."),
            put,
        ),
        (
            "the server stops",
            4,
            "RETR",
            reply("421 Shutting down."),
            get,
        ),
        ("it may pass", 3, "RETR", reply("450 File busy."), get),
        (
            "an answer that means nothing there",
            7,
            "RETR",
            reply("331 Password?"),
            get,
        ),
        (
            "the hash is another",
            9,
            "HASH",
            reply(
                "213 SHA-256 0-7 0000000000000000000000000000000000000000000000000000000000000000 file",
            ),
            &["get", "--verify", "hash", "-o", "got"],
        ),
        (
            "the server has no hash",
            9,
            "FEAT",
            reply("502 No."),
            &["get", "--verify", "hash", "-o", "got"],
        ),
        (
            "the size is another",
            7,
            "SIZE",
            reply("213 5"),
            &["put", "--verify", "size", "file"],
        ),
        (
            "the server does not say the size",
            9,
            "SIZE",
            reply("502 No."),
            &["put", "--verify", "size", "file"],
        ),
        (
            "a directory cannot be listed",
            3,
            "MLSD",
            reply("550 Permission denied."),
            &["ls"],
        ),
    ] {
        let server = on(verb, fault);
        page.replace(server.address, "SERVER");
        let url = server.url("file");
        let (command, rest) = words.split_first().unwrap();
        page.says(
            title,
            exit,
            &[&[*command, "--plaintext", "--retries", "0"], rest, &[&url]].concat(),
        );
    }
}

pub(super) fn mirrors(page: &mut Page) {
    page.section("Mirrors");
    let bytes: &[(&str, &[u8])] = &[("sub/a", b"a"), ("sub/b", b"b")];
    let server = Faulty::start(bytes, |line, _| match line {
        "RETR sub/a" => Fault::Reply("550 Permission denied.".to_owned()),
        _ => Fault::None,
    });
    page.replace(server.address, "SERVER");
    let options = ["mirror", "--plaintext", "--retries", "0"];
    page.says(
        "a file that cannot be read",
        3,
        &[&options[..], &[&server.url("sub/"), "mirrored"]].concat(),
    );
    let server = Faulty::start(bytes, |_, _| Fault::None);
    page.replace(server.address, "SERVER");
    page.here.write("mirrored/c", "c");
    page.here.write("mirrored/d", "d");
    let limit = ["--delete", "--max-delete", "1"];
    page.says(
        "more to delete than is allowed",
        3,
        &[&options[..], &limit, &[&server.url("sub/"), "mirrored"]].concat(),
    );
}
