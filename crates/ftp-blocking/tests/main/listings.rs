//! Listings and walks over sockets: whole, cut, empty, dropped.

use std::io::Write;

use ftp_blocking::{Error, Visit};
use ftp_proto::client::Misuse;

use crate::scripted_server::{ScriptedServer, ask_where, play};

const MLST: &str = "211-x\n MLST type*;size*;\n211 x";
const LINES: &str = "total 2\n\
    drwxr-xr-x 2 a a 4096 Jan  1 2020 .\n\
    -rw-r--r-- 1 a a 5 Jan  1 2020 one\n\
    drwxr-xr-x 2 a a 4096 Jan  1 2020 two\n\
    who knows what this line is\n";

/// Answers this command with this listing, and says this at last.
fn send_and_say(server: &mut ScriptedServer, command: &str, lines: &str, last: &str) {
    let mut data = server.data(command);
    server.say("150 Here it comes.");
    data.write_all(lines.replace('\n', "\r\n").as_bytes())
        .unwrap();
    drop(data);
    server.say(last);
}

fn send(server: &mut ScriptedServer, command: &str, lines: &str) {
    send_and_say(server, command, lines, "226 Done.");
}

/// Says this to a command that lists, once its data connection is there.
fn refuse(server: &mut ScriptedServer, command: &str, reply: &str) {
    let _unused = server.data(command);
    server.say(reply);
}

fn answer(server: &mut ScriptedServer, command: &str, reply: &str) {
    server.expect(command);
    server.say(reply);
}

/// The client wants to list `a b`, which is no path for the command that lists.
fn enter(server: &mut ScriptedServer) {
    server.tell_where();
    answer(server, "CWD a b", "250 There.");
}

fn leave(server: &mut ScriptedServer) {
    answer(server, "CWD /here", "250 Back.");
}

#[test]
fn entries_come_one_by_one_and_a_report_after_them() {
    let script = |server: &mut ScriptedServer| {
        answer(server, "FEAT", MLST);
        let lines = "type=cdir; .\ntype=file;size=5; one\ntype=dir; two words\n";
        send(server, "MLSD pub", lines);
        server.tell_where();
    };
    play(script, |client| {
        let mut entries = client.list("pub").unwrap();
        let one = entries.next().unwrap().unwrap();
        assert_eq!(
            (one.name(), one.borrow().size),
            (b"one".as_slice(), Some(5))
        );
        assert_eq!(entries.next().unwrap().unwrap().name(), b"two words");
        assert!(entries.next().is_none());
        assert!(entries.next().is_none());
        assert_eq!(entries.skipped(), 0);
        assert!(entries.finish().unwrap().unwrap().bytes > 0);
        ask_where(client);
    });
}

#[test]
fn without_mlst_list_is_read_and_lines_that_are_none_are_counted() {
    let script = |server: &mut ScriptedServer| {
        answer(server, "FEAT", "502 no");
        send(server, "LIST", LINES);
        send(server, "LIST", LINES.trim_end());
        send(server, "NLST", "one\ntwo");
        send(server, "NLST", "one\ntwo");
    };
    play(script, |client| {
        let mut entries = client.list("").unwrap();
        assert_eq!(entries.by_ref().filter(Result::is_ok).count(), 2);
        assert_eq!((entries.skipped(), entries.is_unfinished()), (1, false));
        let mut entries = client.list("").unwrap();
        assert_eq!(entries.by_ref().filter(Result::is_ok).count(), 2);
        assert!(entries.is_unfinished());
        let names: Result<Vec<_>, _> = client.names("").unwrap().collect();
        assert_eq!(names.unwrap(), [b"one", b"two"]);
        let report = client.names("").unwrap().finish().unwrap();
        assert_eq!(report.unwrap().bytes, 8);
    });
}

#[test]
fn a_listing_that_is_cut_ends_with_an_error_where_it_began() {
    let script = |server: &mut ScriptedServer| {
        answer(server, "FEAT", "502 no");
        let half = &LINES[..LINES.len() - 40];
        enter(server);
        send_and_say(server, "LIST", half, "426 Cut.");
        leave(server);
        enter(server);
        send_and_say(server, "LIST", half, "451 Broken.");
        leave(server);
        server.tell_where();
    };
    play(script, |client| {
        let mut entries = client.list("a b").unwrap();
        assert_eq!(entries.next().unwrap().unwrap().name(), b"one");
        let error = entries.next().unwrap().unwrap_err();
        assert!(matches!(error, Error::Transfer { .. }), "{error}");
        assert!(entries.next().is_none());
        assert!(entries.finish().unwrap().is_none());
        assert!(client.list_all("a b").is_err());
        ask_where(client);
    });
}

#[test]
fn a_listing_that_is_dropped_is_settled_before_the_next_command() {
    let script = |server: &mut ScriptedServer| {
        enter(server);
        let mut data = server.data("NLST");
        server.say("150 Here it comes.");
        data.write_all(b"one\r\ntwo").unwrap();
        server.expect("ABOR");
        server.say("426 Broken.\n226 Aborted.");
        leave(server);
        answer(server, "DELE c", "250 Gone.");
        enter(server);
        send(server, "NLST", "one\ntwo\n");
        leave(server);
        drop(server.data("RETR c"));
        server.say("150 Here it comes.\n226 It is empty.");
    };
    play(script, |client| {
        let mut names = client.names("a b").unwrap();
        assert_eq!(names.next().unwrap().unwrap(), b"one");
        drop(names);
        // It would be carried out in another directory.
        let error = client.send("DELE c").unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Transferring)));
        client.remove_file("c").unwrap();
        let mut names = client.names("a b").unwrap();
        assert_eq!(names.by_ref().map(Result::unwrap).count(), 2);
        let mut download = client.retrieve("c").unwrap();
        assert_eq!(download.finish().unwrap().bytes, 0);
    });
}

#[test]
fn to_leave_there_is_no_need_to_go_back() {
    let script = |server: &mut ScriptedServer| {
        enter(server);
        let _hangs = server.data("NLST");
        server.say("150 Here it comes.");
        server.expect("ABOR");
        server.say("426 Broken.\n226 Aborted.");
    };
    play(script, |client| {
        drop(client.names("a b").unwrap());
    });
}

#[test]
fn nothing_found_is_an_empty_listing_of_a_directory_that_is_there() {
    let script = |server: &mut ScriptedServer| {
        refuse(server, "NLST a", "550 No files found.");
        for there in ["250 There.", "550 No such directory."] {
            server.tell_where();
            answer(server, "CWD a", there);
            if there.starts_with('2') {
                leave(server);
                send_and_say(server, "NLST a", "", "450 No files found.");
            }
        }
        server.tell_where();
    };
    play(script, |client| {
        let mut names = client.names("a").unwrap();
        assert!(names.next().is_none());
        assert!(names.finish().unwrap().is_none());
        let result: Result<Vec<_>, _> = client.names("a").and_then(Iterator::collect);
        assert!(matches!(result, Err(Error::Refused(_))), "{result:?}");
        ask_where(client);
    });
}

#[test]
fn a_walk_sees_all_and_says_what_it_leaves_out() {
    let script = |server: &mut ScriptedServer| {
        answer(server, "FEAT", MLST);
        let top = "type=dir; a b\ntype=file; f\ntype=file; ../evil\ntype=dir; locked\nwhat?\n";
        send(server, "MLSD top", top);
        send(server, "MLSD top/a b", "type=file; g");
        refuse(server, "MLSD top/locked", "550 No.");
        server.tell_where();
        let mut data = server.data("MLSD top");
        server.say("150 Here it comes.");
        data.write_all(b"type=file; f\r\n").unwrap();
        server.expect("ABOR");
        server.say("426 Broken.\n226 Aborted.");
        server.tell_where();
    };
    play(script, |client| {
        let mut walk = client.walk("top", 9);
        let seen = walk.by_ref().map(|visit| match visit.unwrap() {
            Visit::Entry { path, .. } => String::from_utf8(path).unwrap(),
            Visit::Skipped { path, .. } => format!("not {}", String::from_utf8(path).unwrap()),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [
                "top/a b",
                "top/f",
                "not top/../evil",
                "top/locked",
                "top/a b/g",
                "not top/locked"
            ]
        );
        assert_eq!((walk.skipped(), walk.is_unfinished()), (1, true));
        ask_where(client);
        client.walk("top", 9).next().unwrap().unwrap();
        ask_where(client);
    });
}

#[test]
fn all_of_a_directory_is_removed_until_something_fails() {
    let script = |server: &mut ScriptedServer| {
        answer(server, "DELE top", "550 A directory.");
        answer(server, "FEAT", MLST);
        send(server, "MLSD top", "type=dir; link\ntype=file; f\n");
        // The server calls the link a directory.
        answer(server, "DELE top/link", "250 Gone.");
        answer(server, "DELE top/f", "250 Gone.");
        answer(server, "RMD top", "250 Gone.");
        answer(server, "DELE b", "550 A directory.");
        send(server, "MLSD b", "type=file; g\n");
        answer(server, "DELE b/g", "550 No.");
        server.tell_where();
    };
    play(script, |client| {
        assert_eq!(client.remove_all("top").unwrap(), 3);
        match client.remove_all("b").unwrap_err() {
            Error::AtPath { path, error } => {
                assert_eq!(path, b"b/g");
                assert!(matches!(*error, Error::Refused(_)), "{error}");
            }
            other => panic!("{other}"),
        }
        ask_where(client);
    });
}
