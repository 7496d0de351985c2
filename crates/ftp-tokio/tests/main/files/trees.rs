//! Going through directories, and removing them.

use std::collections::BTreeMap;

use super::*;
use ftp_tokio::{Error, Visit};

/// A server with these directories. It has links, and names that lead elsewhere.
fn tree(command: &str) -> Answer {
    let (verb, path) = command.split_once(' ').unwrap_or((command, ""));
    match (verb, path) {
        ("FEAT", _) => say("211-x\n MLST type*;unique*;\n211 x"),
        ("MLSD", "top") => send(
            "type=cdir;unique=1; .\ntype=dir;unique=2; a b\ntype=file; f\n\
             type=OS.unix=slink:/etc; link\ntype=file; ../evil\ntype=dir;unique=3; locked\n",
        ),
        ("MLSD", "top/a b") => send("type=file; g\ntype=dir;unique=2; again\n"),
        ("MLSD", _) => say("550 no"),
        _ => say("250 x"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_sees_all_and_says_what_it_leaves_out() {
    let (mut ftp, _) = log_in_to(tree).await;
    let mut walk = ftp.walk("top", 9);
    let mut seen = Vec::new();
    while let Some(visit) = walk.next().await {
        seen.push(match visit.unwrap() {
            Visit::Entry { path, entry } => {
                format!("{} {}", entry.kind(), String::from_utf8(path).unwrap())
            }
            Visit::Skipped { path, reason } => {
                let reason = format!("{reason:?}");
                let reason = reason.split('(').next().unwrap();
                format!("{reason} {}", String::from_utf8(path).unwrap())
            }
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(
        seen,
        [
            "dir top/a b",
            "file top/f",
            "link top/link",
            "UnsafeName top/../evil",
            "dir top/locked",
            "file top/a b/g",
            "dir top/a b/again",
            "Circle top/a b/again",
            "NotListed top/locked",
        ]
    );
    assert_eq!((walk.skipped(), walk.is_unfinished()), (0, false));
    ftp.noop().await.unwrap();
    let mut walk = ftp.walk("missing", 9);
    let error = walk.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Transfer { .. }), "{error}");
    assert!(walk.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_is_dropped_leaves_the_connection_usable() {
    let (mut ftp, _) = log_in_to(tree).await;
    let mut walk = ftp.walk("top", 9);
    walk.next().await.unwrap().unwrap();
    drop(walk);
    ftp.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn all_of_a_directory_is_removed_and_links_stay_unfollowed() {
    let mut files = BTreeMap::from([
        ("top", "dir"),
        ("top/a b", "dir"),
        ("top/a b/f", "file"),
        // The server calls it a directory.
        ("top/link", "link"),
        ("top/empty", "dir"),
    ]);
    let (mut ftp, log) = log_in_to(move |command| {
        let (verb, path) = command.split_once(' ').unwrap_or((command, ""));
        let below = |path: &str| format!("{path}/");
        match verb {
            "FEAT" => say("211-x\n MLST type*;\n211 x"),
            "MLSD" if path == "top/link" => panic!("the link was followed"),
            "MLSD" => {
                let lines = files.iter().filter_map(|(name, kind)| {
                    let name = name.strip_prefix(&below(path))?;
                    let kind = if *kind == "link" { "dir" } else { kind };
                    (!name.contains('/')).then(|| format!("type={kind}; {name}\n"))
                });
                send(&lines.collect::<String>())
            }
            "DELE" if files.get(path).is_some_and(|kind| *kind != "dir") => {
                files.remove(path);
                say("250 x")
            }
            "RMD" if !files.keys().any(|it| it.starts_with(&below(path))) => {
                say(if files.remove(path).is_some() {
                    "250 x"
                } else {
                    "550 x"
                })
            }
            _ => say("550 x"),
        }
    })
    .await;
    assert_eq!(ftp.remove_all("top").await.unwrap(), 5);
    assert!(log.contains("DELE top/link"));
    let error = ftp.remove_all("top").await.unwrap_err();
    assert!(matches!(error, Error::AtPath { .. }), "{error}");
    assert_eq!(error.code().unwrap().get(), 550);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_leads_elsewhere_stops_a_removal() {
    let (mut ftp, log) = log_in_to(|command| match command {
        "FEAT" => say("211-x\n MLST type*;\n211 x"),
        "MLSD top" => send("type=file; a\ntype=file; ../b\n"),
        _ => say("550 x"),
    })
    .await;
    let error = ftp.remove_all("top").await.unwrap_err();
    let text = "top/../b: the server names a file that may be elsewhere";
    assert_eq!(error.to_string(), text);
    assert!(!log.contains("DELE top/"));
}
