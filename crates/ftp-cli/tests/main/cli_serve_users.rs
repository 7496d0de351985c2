//! `serve` with files, rights and quotas of each user.
#![cfg(unix)]

use std::fs;

use crate::common::ftp::{download, log_in, names, refused, try_log_in, upload};
use crate::common::{Peer, Program, SENTINEL, Server, TestDirectory, TestFile, sentinel_hash};

/// A table of a user with the sentinel password.
fn table(name: &str, more: &str) -> String {
    format!("[users.{name}]\nhash = \"{}\"\n{more}\n", sentinel_hash())
}

fn made(root: &TestDirectory, names: &[&str]) {
    for name in names {
        fs::create_dir(root.0.join(name)).unwrap();
    }
}

#[test]
fn each_user_has_a_root_and_rights() {
    let root = TestDirectory::new();
    let elsewhere = TestDirectory::new();
    made(&root, &["drop"]);
    root.write("common", "for all");
    elsewhere.write("own", "carla's");
    let users = [
        table("anna", ""),
        table("bob", "root = \"drop\"\nrights = [\"write\"]"),
        table(
            "carla",
            &format!("root = \"{}\"\nrights = \"read-only\"", elsewhere.path()),
        ),
    ];
    let server = Server::start_with_tables(users.concat(), &["--root", &root.path()]);
    let mut anna = log_in(&server, "anna");
    assert_eq!(names(&mut anna, ""), ["common", "drop"]);
    let mut bob = log_in(&server, "bob");
    upload(&mut bob, "/letter", b"from bob").unwrap();
    assert_eq!(refused(download(&mut bob, "/letter")), 550);
    assert_eq!(refused(bob.list_all("")), 550);
    assert_eq!(download(&mut anna, "drop/letter").unwrap(), b"from bob");
    let mut carla = log_in(&server, "carla");
    assert_eq!(names(&mut carla, ""), ["own"]);
    assert_eq!(download(&mut carla, "../own").unwrap(), b"carla's");
    assert_eq!(refused(upload(&mut carla, "new", b"x")), 550);

    // What bounds all bounds each.
    let users = table("anna", "rights = \"all\"");
    let options = ["--root", &root.path(), "--read-only"];
    let server = Server::start_with_tables(users, &options);
    assert_eq!(
        refused(upload(&mut log_in(&server, "anna"), "new", b"x")),
        550
    );
}

#[test]
fn a_root_that_is_a_way_out_is_not_opened() {
    let outside = TestDirectory::new();
    let root = TestDirectory::new();
    outside.write("secret", "outside");
    std::os::unix::fs::symlink(&outside.0, root.0.join("anna")).unwrap();
    let hash = sentinel_hash();
    let users = format!("anna:{hash}\nbob:{hash}\n");
    let options = [
        "--danger-optional-tls",
        "--root",
        &root.path(),
        "--home-template",
        "{root}/{user}",
    ];
    let server = Server::start_with_users(users, &options);
    let mut anna = log_in(&server, "anna");
    assert_eq!(refused(download(&mut anna, "secret")), 550);
    assert_eq!(refused(anna.list_all("")), 550);
    server.log_has("cannot open the user's files", "anna");
    // A home may be made later.
    assert_eq!(refused(log_in(&server, "bob").list_all("")), 550);
    made(&root, &["bob"]);
    upload(&mut log_in(&server, "bob"), "mine", b"bob's").unwrap();
    assert_eq!(root.read("bob/mine").unwrap(), b"bob's");
}

#[test]
fn homes_are_apart_and_anonymous_reads_a_directory_of_its_own() {
    let root = TestDirectory::new();
    let public = TestDirectory::new();
    made(&root, &["anna", "bob"]);
    root.write("bob/private", "bob's");
    public.write("readme", "for all");
    let anonymous = format!("--anonymous={}", public.path());
    let options = [
        "--root",
        &root.path(),
        "--home-template={root}/{user}",
        &anonymous,
    ];
    let hash = sentinel_hash();
    let users = format!("anna:{hash}\nbob:{hash}\n");
    let options = [&["--danger-optional-tls"], &options[..]].concat();
    let server = Server::start_with_users(users, &options);
    let mut anna = log_in(&server, "anna");
    upload(&mut anna, "mine", b"anna's").unwrap();
    for path in ["../bob/private", "/bob/private", "private"] {
        assert_eq!(refused(download(&mut anna, path)), 550, "{path}");
    }
    assert_eq!(root.read("anna/mine").unwrap(), b"anna's");
    assert_eq!(names(&mut log_in(&server, "bob"), ""), ["private"]);
    for guest in ["anonymous", "FTP"] {
        let mut guest = log_in(&server, guest);
        assert_eq!(names(&mut guest, ""), ["readme"]);
        assert_eq!(download(&mut guest, "readme").unwrap(), b"for all");
        assert_eq!(refused(upload(&mut guest, "new", b"x")), 550);
        assert_eq!(refused(download(&mut guest, "/anna/mine")), 550);
    }
}

#[test]
fn only_anonymous_has_files_if_only_a_directory_for_it_is_given() {
    let public = TestDirectory::new();
    public.write("readme", "for all");
    let server = Server::start(&[&format!("--anonymous={}", public.path())]);
    let mut guest = log_in(&server, "anonymous");
    assert_eq!(download(&mut guest, "readme").unwrap(), b"for all");
    let mut anna = log_in(&server, "anna");
    assert_eq!(refused(download(&mut anna, "readme")), 550);
    assert_eq!(refused(upload(&mut anna, "new", b"x")), 550);
}

#[test]
fn a_quota_holds_over_sessions_users_and_reloads() {
    let root = TestDirectory::new();
    made(&root, &["own"]);
    root.write("own/old", [0; 600]);
    let users = |quota: &str| {
        let own = format!("root = \"own\"\nquota = \"{quota}\"");
        [
            table("anna", &own),
            table("bob", &own),
            table("carla", "root = \".\""),
        ]
        .concat()
    };
    let server = Server::start_with_tables(users("1000:3"), &["--root", &root.path()]);
    let mut anna = log_in(&server, "anna");
    let mut bob = log_in(&server, "bob");
    // What came of it stays, so that the client can go on. It is there when the next command is answered.
    assert_eq!(refused(upload(&mut anna, "a", &[1; 401])), 552);
    assert_eq!(anna.size("a").unwrap(), 400);
    assert_eq!(root.read("own/a").unwrap(), [1; 400]);
    anna.remove_file("a").unwrap();
    upload(&mut anna, "a", &[1; 100]).unwrap();
    upload(&mut bob, "b", &[1; 200]).unwrap();
    assert_eq!(refused(upload(&mut anna, "c", b"")), 452);
    assert_eq!(refused(bob.make_dir("made")), 452);
    bob.remove_file("old").unwrap();
    upload(&mut bob, "c", &[1; 700]).unwrap();
    assert_eq!(refused(upload(&mut anna, "b", &[1; 400])), 452);
    assert_eq!(root.read("own/b").unwrap(), [1; 200]);
    // Others are not bound by it.
    upload(&mut log_in(&server, "carla"), "large", &[0; 5000]).unwrap();

    fs::write(&server.users.0, users("2000:9")).unwrap();
    server.signal("-HUP");
    server.log_has("reloaded users", "users=3");
    // It holds for the sessions before, too, once somebody logs in.
    let mut later = log_in(&server, "bob");
    assert_eq!(names(&mut later, ""), ["a", "b", "c"]);
    upload(&mut anna, "d", &[1; 900]).unwrap();
    assert_eq!(refused(upload(&mut later, "e", &[1; 200])), 552);
}

#[test]
fn the_quota_of_the_options_is_for_each_home() {
    let root = TestDirectory::new();
    made(&root, &["anna", "bob"]);
    let options = [
        "--root",
        &root.path(),
        "--home-template",
        "{root}/{user}",
        "--quota",
        "1K",
    ];
    let users = [table("anna", ""), table("bob", "quota = \"2K\"")].concat();
    let users = users + &table("carla", "root = \".\"\nquota = \"none\"");
    let server = Server::start_with_tables(users, &options);
    let mut anna = log_in(&server, "anna");
    upload(&mut anna, "a", &[1; 1024]).unwrap();
    assert_eq!(refused(upload(&mut anna, "b", &[1; 1])), 552);
    upload(&mut log_in(&server, "bob"), "b", &[1; 2048]).unwrap();
    // Who has none may have the directory that all are in.
    upload(&mut log_in(&server, "carla"), "large", &[1; 5000]).unwrap();
}

/// To count a large directory at each login would take long.
#[test]
fn what_a_quota_has_counted_is_kept_between_sessions() {
    let root = TestDirectory::new();
    let options = ["--root", &root.path(), "--quota", "1000"];
    let server = Server::start_with_tables(table("anna", ""), &options);
    let mut client = log_in(&server, "anna");
    upload(&mut client, "a", &[1; 400]).unwrap();
    client.quit().unwrap();
    fs::remove_file(root.0.join("a")).unwrap();
    let mut client = log_in(&server, "anna");
    assert_eq!(refused(upload(&mut client, "b", &[1; 601])), 552);
    client.remove_file("b").unwrap();
    upload(&mut client, "b", &[1; 600]).unwrap();
}

#[test]
fn a_user_logs_in_only_from_the_allowed_addresses() {
    let root = TestDirectory::new();
    let users = [
        table("anna", "addresses = [\"127.0.0.0/8\", \"::1\"]"),
        table("bob", "addresses = [\"192.0.2.0/24\"]"),
    ];
    let server = Server::start_with_tables(users.concat(), &["--root", &root.path()]);
    log_in(&server, "anna").quit().unwrap();
    let right = refused(try_log_in(&server, "bob", SENTINEL));
    let wrong = refused(try_log_in(&server, "bob", "wrong"));
    assert_eq!((right, wrong), (530, 530));
    server.log_has("not the client's address", "bob");
    assert!(Peer::connect(&server).ask("USER bob").starts_with("331 "));
}

#[test]
fn users_that_do_not_fit_are_usage_errors_with_their_line() {
    let root = TestDirectory::new();
    let root = root.path();
    let lines = |text: String| TestFile::new(text);
    let tables = |text: String| TestFile::ending(text, ".toml");
    let hash = sentinel_hash();
    let template = ["--root", &root, "--home-template", "{root}/{user}"];
    for (users, options, named) in [
        (
            lines(format!("anna:{hash}\n..:{hash}\n")),
            &template[..],
            "line 2: ",
        ),
        (
            lines(format!("a/b:{hash}\n")),
            &template,
            "line 1: the name \"a/b\"",
        ),
        (lines(table("anna", "")), &template, "named *.toml"),
        (tables(table("anna", "colour = 3")), &template, "line 3: "),
        (
            tables(table("anna", "root = \"x\"")),
            &[],
            "line 1: no files",
        ),
        (tables(table("anna", "quota = 1")), &[], "line 1: no files"),
        (
            tables([table("anna", "quota = 1"), table("bob", "quota = 2")].concat()),
            &template[..2],
            "the root is that of anna",
        ),
        (
            tables([table("anna", ""), table("bob", "root = \"b/o\"")].concat()),
            &["--root", &root, "--quota", "1G"],
            "the root of bob lies in that of anna",
        ),
        (
            tables(table("anna", "root = \"x\"")),
            &["--home-template", "/srv/{user}"],
            "below --root, which is missing",
        ),
        (
            tables(String::new()),
            &["--home-template", "{root}/{user}"],
            "--root",
        ),
        (
            tables(String::new()),
            &["--home-template", "{root}/x"],
            "{user} is missing",
        ),
        (
            tables(String::new()),
            &["--root", &root, "--quota", "0"],
            "--quota",
        ),
        (tables(String::new()), &["--quota", "1"], "--root"),
        (
            tables(String::new()),
            &[
                "--root",
                &root,
                "--home-template={root}/{user}",
                "--anonymous",
            ],
            "--anonymous=DIR",
        ),
        (
            tables(String::new()),
            &["--anonymous=/missing-directory"],
            "/missing-directory",
        ),
    ] {
        let path = users.path();
        let first = ["serve", "--listen", "127.0.0.1:0", "--users", &path];
        let run = Program::new(first.iter().chain(options)).run();
        assert_eq!((run.code, &*run.stdout), (2, ""), "{options:?}: {run:?}");
        assert!(run.stderr.contains(named), "{named}: {run:?}");
        assert!(!run.stderr.contains("argon2id$"), "{run:?}");
    }
}

#[test]
fn a_reload_that_does_not_fit_leaves_the_old_users() {
    let root = TestDirectory::new();
    let options = ["--root", &root.path(), "--home-template={root}/{user}"];
    made(&root, &["anna"]);
    let server = Server::start_with_tables(table("anna", ""), &options);
    let mut anna = log_in(&server, "anna");
    fs::write(&server.users.0, table("\"..\"", "")).unwrap();
    server.signal("-HUP");
    server.log_has("cannot reload", "line 1: the name");
    upload(&mut anna, "still", b"here").unwrap();
    upload(&mut log_in(&server, "anna"), "again", b"here").unwrap();
}
