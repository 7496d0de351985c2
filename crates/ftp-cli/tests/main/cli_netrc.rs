//! What is said to a server for a netrc file: the bytes, or an error and not a word.
#![cfg(unix)]

use crate::common::{Program, Run, SENTINEL, TestFile, recorded};

/// The lines that the server heard, and the run.
fn login(netrc: &[u8], user: &str) -> (Vec<Vec<u8>>, Run) {
    let (address, server) = recorded();
    let file = TestFile::new(netrc);
    let at = if user.is_empty() { "" } else { "@" };
    let url = format!("ftp://{user}{at}{address}");
    let run = Program::new(["login", "--plaintext", "--quiet", url.as_str()])
        .env("NETRC", &file.0)
        .run();
    (server.lines(), run)
}

fn credentials(netrc: impl AsRef<[u8]>, user: &str) -> Vec<Vec<u8>> {
    login(netrc.as_ref(), user).0
}

/// Nothing was said, and the error has the file, the line and these words.
fn refused(netrc: impl AsRef<[u8]>, user: &str, line: usize, words: &str) {
    let file = TestFile::new(netrc);
    let run = Program::new(["login", &format!("ftp://{user}127.0.0.1:1")])
        .env("NETRC", &file.0)
        .run();
    assert_eq!(run.code, 2, "{run:?}");
    let place = format!("{}, line {line}", file.path());
    assert!(run.stderr.contains(&place), "{run:?}");
    assert!(run.stderr.contains(words), "{words}: {run:?}");
}

#[test]
fn bytes_that_are_not_utf8_are_sent_as_they_are() {
    let netrc = b"machine 127.0.0.1 login m\xfcller password \xe9t\xe9\xc3\x28\n";
    assert_eq!(
        credentials(netrc, ""),
        [&b"USER m\xfcller"[..], b"PASS \xe9t\xe9\xc3\x28"]
    );
}

#[test]
fn an_old_password_in_a_comment_is_never_sent() {
    for before in [
        "",
        "\n\n",
        "machine x login y password \"z\" \r\n",
        "\u{feff}",
    ] {
        let netrc = format!(
            "{before}# machine 127.0.0.1 login anna password old\r\n\
             machine 127.0.0.1 login anna password new # password old\r\n"
        );
        for user in ["", "anna"] {
            assert_eq!(
                credentials(&netrc, user),
                [b"USER anna".to_vec(), b"PASS new".to_vec()],
                "{netrc:?}"
            );
        }
    }
}

#[test]
fn an_empty_password_is_one() {
    assert_eq!(
        credentials("machine 127.0.0.1 login root password \"\"", ""),
        [b"USER root".to_vec(), b"PASS ".to_vec()]
    );
}

#[test]
fn an_entry_that_cannot_be_used_is_named_by_file_and_line_and_nobody_logs_in() {
    let of = |entry: &str| format!("# mine\nmachine 127.0.0.1 {entry}");
    let unclosed = of(&format!("login anna\npassword \"{SENTINEL}\n"));
    refused(&unclosed, "", 3, "quote is not closed");
    refused(&unclosed, "anna@", 3, "quote is not closed");
    refused(of("login anna password"), "", 2, "without a value");
    refused(of("login anna password # x"), "", 2, "comment");
    refused(of(&format!("password {SENTINEL}")), "", 2, "no login");
    refused(of("login \"\" password x"), "", 2, "must not be empty");
    refused(of("login anna password x\0y"), "", 2, "a NUL");
    refused(
        of(&format!("login anna\npassword \"{SENTINEL}\\r\\nDELE x\"")),
        "",
        3,
        "a carriage return",
    );
    refused(
        "# mine\rmachine 127.0.0.1 login a",
        "",
        1,
        "carriage return",
    );
    // Somebody else's is no reason to refuse.
    let netrc = format!("{unclosed}machine 127.0.0.1 login bob password new\n");
    assert_eq!(
        credentials(netrc, "bob"),
        [b"USER bob".to_vec(), b"PASS new".to_vec()]
    );
}

#[test]
fn utf_16_is_named() {
    let text = "\u{feff}machine 127.0.0.1 login anna password x\r\n";
    let netrc: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (said, run) = login(&netrc, "");
    assert_eq!((said.len(), run.code), (0, 2), "{run:?}");
    assert!(run.stderr.contains("UTF-16"), "{run:?}");
}
