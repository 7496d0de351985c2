//! Listings as streams: whole, cut, empty, dropped.

use super::*;
use ftp_proto::client::Misuse;
use ftp_proto::listing::Kind;
use ftp_tokio::Error;

const MLST: &str = "211-x\n MLST type*;size*;\n211 x";
const LINES: &str = "total 2\n\
    drwxr-xr-x 2 a a 4096 Jan  1 2020 .\n\
    -rw-r--r-- 1 a a 5 Jan  1 2020 one\n\
    drwxr-xr-x 2 a a 4096 Jan  1 2020 two\n\
    who knows what this line is\n";

#[tokio::test(start_paused = true)]
async fn entries_come_one_by_one_and_a_report_after_them() {
    let (mut ftp, log) = log_in_to_script([
        ("FEAT", say(MLST)),
        (
            "MLSD pub",
            send("type=cdir; .\ntype=file;size=5; one\ntype=dir; two words\n"),
        ),
        ("PWD", say("257 \"/\"")),
    ])
    .await;
    let mut entries = ftp.list("pub").await.unwrap();
    let one = entries.next().await.unwrap().unwrap();
    assert_eq!(
        (one.name(), one.borrow().size),
        (b"one".as_slice(), Some(5))
    );
    let two = entries.next().await.unwrap().unwrap();
    assert_eq!(
        (two.name(), two.kind()),
        (b"two words".as_slice(), Kind::Directory)
    );
    assert!(entries.next().await.is_none());
    assert!(entries.next().await.is_none());
    assert_eq!(entries.skipped(), 0);
    assert!(entries.finish().await.unwrap().unwrap().bytes > 0);
    assert_eq!(ftp.pwd().await.unwrap(), b"/");
    let sent = ["FEAT", "TYPE A", "EPSV", "MLSD pub", "PWD"];
    assert_eq!(log.lines(), sent);
}

#[tokio::test(start_paused = true)]
async fn without_mlst_list_is_read_and_lines_that_are_none_are_counted() {
    let (mut ftp, _) = log_in_to_script([
        ("FEAT", say("502 no")),
        ("LIST", send(LINES)),
        ("LIST", send(LINES.trim_end())),
        ("NLST", send("one\ntwo")),
    ])
    .await;
    let mut entries = ftp.list("").await.unwrap();
    assert_eq!(entries.collect().await.unwrap().len(), 2);
    assert_eq!((entries.skipped(), entries.is_unfinished()), (1, false));
    let mut entries = ftp.list("").await.unwrap();
    assert_eq!(entries.collect().await.unwrap().len(), 2);
    assert!(entries.is_unfinished());
    let names = ftp.names("").await.unwrap().collect().await.unwrap();
    assert_eq!(names, [b"one", b"two"]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_cut_ends_with_an_error() {
    for last in ["426 cut", "451 broken"] {
        let half = &LINES[..LINES.len() - 40];
        let answer = move |command: &str| match command {
            "FEAT" => say("502 no"),
            "LIST" => send_and_say(half, last),
            _ => say("200 x"),
        };
        let (mut ftp, _) = log_in_to(answer).await;
        let mut entries = ftp.list("").await.unwrap();
        assert_eq!(entries.next().await.unwrap().unwrap().name(), b"one");
        let error = entries.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Transfer { .. }), "{error}");
        assert!(entries.next().await.is_none());
        assert!(ftp.list_all("").await.is_err());
        ftp.noop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_is_one_error_and_the_last_item() {
    let (mut ftp, _) = log_in_to(|command| match command {
        "PWD" => say("257 \"/home\""),
        "NLST" => send_and_end("one\ntwo"),
        _ => say("250 x"),
    })
    .await;
    let mut names = ftp.names("a b").await.unwrap();
    assert_eq!(names.next().await.unwrap().unwrap(), b"one");
    let error = names.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Transfer { .. }), "{error}");
    assert!(names.next().await.is_none());
    assert!(names.finish().await.unwrap().is_none());
    assert!(ftp.noop().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn all_of_it_can_be_done_in_a_task() {
    fn is_for_tasks<T: Send>(_: &T) {}
    let (mut ftp, _) = log_in_to(|_| say("550 x")).await;
    is_for_tasks(&ftp.list_all(""));
    is_for_tasks(&ftp.names(""));
    is_for_tasks(&ftp.remove_all("a"));
    is_for_tasks(&ftp.hash("a"));
    let mut walk = ftp.walk("", 1);
    is_for_tasks(&walk);
    is_for_tasks(&walk.next());
}

#[tokio::test(start_paused = true)]
async fn a_path_with_blanks_is_entered_and_left() {
    let (mut ftp, log) = log_in_to_script([
        ("FEAT", say("502 no")),
        ("PWD", say("257 \"/home\"")),
        ("CWD a b", say("250 x")),
        ("LIST", send(LINES)),
        ("CWD /home", say("250 x")),
        ("PWD", say("257 \"/home\"")),
        ("CWD c d", say("550 no")),
        ("NOOP", say("200 x")),
    ])
    .await;
    assert_eq!(ftp.list_all("a b").await.unwrap().len(), 2);
    let result = ftp.list_all("c d").await;
    assert!(matches!(result, Err(Error::Refused(_))));
    ftp.noop().await.unwrap();
    assert!(!log.contains("599"));
}

#[tokio::test(start_paused = true)]
async fn the_way_back_is_gone_after_an_error_too() {
    let (mut ftp, _) = log_in_to_script([
        ("PWD", say("257 \"/home\"")),
        ("CWD a b", say("250 x")),
        ("NLST", say("450 try later")),
        ("CWD /home", say("250 x")),
        ("NOOP", say("200 x")),
    ])
    .await;
    let error = ftp.names("a b").await.unwrap_err();
    assert!(matches!(error, Error::Transfer { .. }), "{error}");
    ftp.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_is_dropped_is_settled_before_the_next_command() {
    let (mut ftp, log) = log_in_to_script([
        ("PWD", say("257 \"/home\"")),
        ("CWD a b", say("250 x")),
        ("NLST", send_and_hang("one\ntwo")),
        ("CWD /home", say("250 x")),
        ("DELE c", say("250 x")),
    ])
    .await;
    let mut names = ftp.names("a b").await.unwrap();
    assert_eq!(names.next().await.unwrap().unwrap(), b"one");
    drop(names);
    // It would be carried out in another directory.
    let error = ftp.send("DELE c").unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::Transferring)));
    ftp.remove_file("c").await.unwrap();
    let lines = log.lines();
    assert_eq!(lines[lines.len() - 3..], ["ABOR", "CWD /home", "DELE c"]);
}

#[tokio::test(start_paused = true)]
async fn to_leave_there_is_no_need_to_go_back() {
    let (mut ftp, log) = log_in_to_script([
        ("PWD", say("257 \"/home\"")),
        ("CWD a b", say("250 x")),
        ("NLST", send_and_hang("one\ntwo")),
    ])
    .await;
    drop(ftp.names("a b").await.unwrap());
    ftp.quit().await.unwrap();
    assert_eq!(log.lines().last().unwrap(), "QUIT");
    assert!(!log.contains("CWD /home"));
}

#[tokio::test(start_paused = true)]
async fn nothing_found_is_an_empty_listing_of_a_directory_that_is_there() {
    let (mut ftp, _) = log_in_to_script([
        ("NLST a", say("550 No files found.")),
        ("PWD", say("257 \"/home\"")),
        ("CWD a", say("250 x")),
        ("CWD /home", say("250 x")),
        ("NLST b", send_and_say("", "450 No files found")),
        ("PWD", say("257 \"/home\"")),
        ("CWD b", say("250 x")),
        ("CWD /home", say("250 x")),
        ("NLST c", say("550 No files found.")),
        ("PWD", say("257 \"/home\"")),
        ("CWD c", say("550 No such directory")),
        ("NOOP", say("200 x")),
    ])
    .await;
    for path in [b"a", b"b"] {
        let mut names = ftp.names(path).await.unwrap();
        assert!(names.next().await.is_none());
        assert!(names.finish().await.unwrap().is_none());
    }
    let result = ftp.names("c").await;
    assert!(matches!(result, Err(Error::Refused(_))));
    ftp.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn mlsd_that_is_not_understood_is_not_tried_again() {
    let (mut ftp, log) = log_in_to(|command| match command {
        "FEAT" => say(MLST),
        "MLSD" => say("502 not here"),
        "LIST" => send(LINES),
        _ => say("599 x"),
    })
    .await;
    for _ in 0..2 {
        assert_eq!(ftp.list_all("").await.unwrap().len(), 2);
    }
    let lines = log.lines();
    assert_eq!(lines.iter().filter(|it| *it == "MLSD").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_future_of_the_next_item_can_be_dropped_at_any_time() {
    let (mut ftp, _) = log_in_to(|command| match command {
        "FEAT" => say("502 no"),
        "PWD" => say("257 \"/home\""),
        "LIST" => send(LINES),
        _ => say("250 x"),
    })
    .await;
    let mut entries = ftp.list("a b").await.unwrap();
    let mut names = Vec::new();
    let mut dropped = 0;
    loop {
        let next = tokio::select! {
            biased;
            next = entries.next() => next,
            () = std::future::ready(()) => {
                dropped += 1;
                tokio::task::yield_now().await;
                continue;
            }
        };
        match next {
            Some(entry) => names.push(entry.unwrap().name().to_vec()),
            None => break,
        }
    }
    assert_eq!(names, [b"one", b"two"]);
    assert!(dropped > 2);
    ftp.noop().await.unwrap();
}
