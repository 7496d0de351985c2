//! Commands: what goes out, what comes of it, and what is remembered.

use super::*;
use ftp_proto::DateTime;
use ftp_tokio::Error;

#[tokio::test(start_paused = true)]
async fn each_method_sends_its_commands() {
    let feat = "211-x\n MFMT\n XMD5\n211 x";
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let (mut ftp, log) = log_in_to_script([
        ("PWD", say("257 \"/home\"")),
        ("CWD pub", say("250 x")),
        ("CDUP", say("200 x")),
        ("MKD new", say("257 \"/home/new\" made")),
        ("RNFR new", say("350 x")),
        ("RNTO old", say("250 x")),
        ("RMD old", say("250 x")),
        ("DELE a", say("250 x")),
        ("SIZE a", say("213 3")),
        ("SIZE a", say("213 3")),
        ("RETR a", send("abc")),
        ("MDTM a", say("213 20240501123400")),
        ("FEAT", say(feat)),
        ("MFMT 20240501123400 a", say("213 Modify=20240501123400; a")),
        ("MLST a", say("250-x\n type=file;size=3; /home/a\n250 x")),
        ("SITE CHMOD 640 a", say("200 x")),
        ("XMD5 a", say(&format!("250 {md5}"))),
        ("SYST", say("215 UNIX Type: L8")),
        ("STAT", say("211 x")),
        ("AVBL", say("213 7")),
        ("ALLO 3", say("202 x")),
        ("SITE HELP", say("214 x")),
        ("OPTS MLST size;", say("200 x")),
        ("NOOP", say("200 x")),
    ])
    .await;
    assert_eq!(ftp.pwd().await.unwrap(), b"/home");
    ftp.cwd("pub").await.unwrap();
    ftp.cdup().await.unwrap();
    let made = ftp.make_dir("new").await.unwrap();
    assert_eq!(made.as_deref(), Some(b"/home/new".as_slice()));
    ftp.rename("new", "old").await.unwrap();
    ftp.remove_dir("old").await.unwrap();
    ftp.remove_file("a").await.unwrap();
    assert_eq!(ftp.size("a").await.unwrap(), 3);
    assert_eq!(ftp.size("a").await.unwrap(), 3);
    let mut bytes = Vec::new();
    let mut download = ftp.retrieve("a").await.unwrap();
    download.read_to_end(&mut bytes).await.unwrap();
    let time = ftp.modified("a").await.unwrap();
    assert_eq!(time, DateTime::parse(b"20240501123400").unwrap());
    assert_eq!(ftp.set_modified("a", time).await.unwrap(), Some(time));
    assert_eq!(ftp.facts("a").await.unwrap().borrow().size, Some(3));
    ftp.chmod("a", 0o640).await.unwrap();
    let hash = ftp.hash("a").await.unwrap();
    assert_eq!((hash.algorithm, hash.hex.as_str()), ("MD5", md5));
    assert!(ftp.features().await.unwrap().set_modified());
    assert_eq!(ftp.system().await.unwrap(), "UNIX Type: L8");
    assert_eq!(ftp.status(None).await.unwrap().text(), b"x");
    assert_eq!(ftp.space(None).await.unwrap(), 7);
    ftp.allocate(3).await.unwrap();
    ftp.site("HELP").await.unwrap();
    ftp.options("MLST size;").await.unwrap();
    ftp.noop().await.unwrap();
    ftp.quit().await.unwrap();
    // One for all of them, and for the file.
    let types = log.lines().iter().filter(|it| *it == "TYPE I").count();
    assert_eq!(types, 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_the_connection_goes_on() {
    let (mut ftp, _) = log_in_to_script([
        ("CWD a", say("550 no")),
        ("RNFR a", say("350 x")),
        ("RNTO b", say("553 no")),
        ("PWD", say("257 nothing said")),
        ("PWD", say("257 \"/\"")),
    ])
    .await;
    assert!(matches!(ftp.cwd("a").await, Err(Error::Refused(_))));
    assert!(matches!(ftp.cwd("").await, Err(Error::InvalidCommand(_))));
    assert!(matches!(ftp.rename("a", "b").await, Err(Error::Refused(_))));
    assert_eq!(ftp.pwd().await.unwrap(), b"nothing");
    assert_eq!(ftp.pwd().await.unwrap(), b"/");
}

#[tokio::test(start_paused = true)]
async fn features_are_asked_again_after_a_new_login() {
    let (mut ftp, log) = log_in_to(|_| say("211-x\n SIZE\n211 x")).await;
    assert!(ftp.features().await.unwrap().size());
    assert!(ftp.features().await.unwrap().size());
    assert_eq!(log.lines(), ["FEAT"]);
    ftp.reinitialize(login()).await.unwrap();
    log.clear();
    assert!(ftp.features().await.unwrap().size());
    assert_eq!(log.lines(), ["FEAT"]);
}
