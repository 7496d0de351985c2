//! Typical files, and what is found in each. `interop/netrc_files.py` gives such files to curl,
//! too.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::format::find;
use super::law::law;

/// `login/password/account`, `-` for what is not there; `none`; or the fault and its line.
fn read(text: impl AsRef<[u8]>, host: &str, user: Option<&str>) -> String {
    let shown = |value: Option<super::Value>| match value {
        Some(value) => value.bytes.escape_ascii().to_string(),
        None => "-".to_owned(),
    };
    match find(text.as_ref(), host.as_bytes(), user.map(str::as_bytes)) {
        Ok(None) => "none".to_owned(),
        Ok(Some(entry)) => {
            let mut text = shown(entry.login);
            let _ = write!(text, "/{}", shown(entry.password));
            if entry.account.is_some() {
                let _ = write!(text, "/{}", shown(entry.account));
            }
            text
        }
        Err(fault) => format!("{:?} {}", fault.problem, fault.line),
    }
}

/// For the host `h`, and no user.
fn read_h(text: impl AsRef<[u8]>) -> String {
    read(text, "h", None)
}

#[test]
fn an_entry_that_is_commented_out_is_never_used() {
    for before in [
        "",
        "\n",
        " \n\t\n",
        "\r\n\r\n",
        "machine a login b password c\n",
        "machine a login b password c \t\n",
        "machine a login b password c\r\n\r\n",
        "machine a login b password \"c\"\n",
        "machine a login b password \"c\" ",
        "machine a login b password c ",
        "machine a login b password c\n\n   \t",
        "\u{feff}",
        "\u{feff} ",
        "default\n",
        "protocol ",
        "macdef init\nbye\n\n",
        "# it's a \"comment\n",
    ] {
        for comment in [
            "#machine h login old password old",
            "# machine h login old password old",
            "## default login old password old",
            "#\tmachine h\tlogin old password \"old",
        ] {
            let new = "machine h login new password new";
            for end in ["\n", "\r\n", "\n\n"] {
                let text = format!("{before}{comment}{end}{new}{end}");
                assert_eq!(read_h(&text), "new/new", "{text:?}");
                let text = format!("{before}{comment}");
                assert_eq!(read_h(&text), "none", "{text:?}");
            }
        }
    }
}

#[test]
fn a_password_that_is_commented_out_is_not_sent() {
    for text in [
        "machine h login a password new # password old\n",
        "machine h login a password new #password old\n",
        "machine h login a # password old\n password new\n",
        "machine h # login old password old\n login a password new\n",
        "machine h login a\n# password old\npassword new",
        "machine h login a password\n# old\nnew",
        "machine h login a password\n# password old\r\n  new",
        "machine h login a password \"new\"# password old",
        // What is left after a pair belongs to no user.
        "machine h login a password new password old\n",
    ] {
        assert_eq!(read_h(text), "a/new", "{text:?}");
        assert_eq!(read(text, "h", Some("a")), "a/new", "{text:?}");
        assert_eq!(read(text, "h", Some("b")), "none", "{text:?}");
    }
}

#[test]
fn a_hash_inside_or_in_front_of_a_value_is_part_of_it() {
    for (text, found) in [
        ("machine h login a#b password c#", "a#b/c#"),
        ("machine h login a password #b\n", "a/#b"),
        ("machine h login a password #b # since May\n", "a/#b"),
        ("machine h password #b login #a", "#a/#b"),
        ("machine h login a password \"#b\" x", "a/#b"),
        // Value or comment: versions of curl disagree.
        ("\nmachine h login a password # b", "ValueOrComment 2"),
        ("machine h login a password #b c", "ValueOrComment 1"),
        (
            "machine h login a password #\nmachine i login b password c",
            "ValueOrComment 1",
        ),
    ] {
        assert_eq!(read_h(text), found, "{text:?}");
    }
}

#[test]
fn words_that_are_unknown_and_comments_of_words_are_passed_over() {
    for text in [
        "machine h protocol https port 21 login a password b",
        "machine i protocol https\nmachine h login a password b",
        "some words first\nmachine h login a password b",
        "# a note made of words\nmachine h login a password b",
        "machine h \"quoted\" login a \u{e9} password b open sesame",
        "login x password y\nmachine h login a password b",
        "machine i login machine password default account macdef\nmachine h login a password b",
    ] {
        assert_eq!(read_h(text), "a/b", "{text:?}");
    }
}

#[test]
fn bytes_are_what_they_are() {
    assert_eq!(
        read_h(b"machine h login \xff\xe9 password \xc3\x28\x80\x01\x0b\x0c\xa0"),
        r"\xff\xe9/\xc3(\x80\x01\x0b\x0c\xa0"
    );
    assert_eq!(
        read_h(b"machine h login a password \"\xfe \xff\""),
        r"a/\xfe \xff"
    );
    assert_eq!(
        read_h(b"machine h login a password b\0machine h"),
        r"a/b\x00machine"
    );
    let long = "x".repeat(20_000);
    assert_eq!(
        read_h(format!("machine h login a password {long}")),
        format!("a/{long}")
    );
}

#[test]
fn quotes_and_backslashes_are_read() {
    for (text, found) in [
        (
            r#"machine h login "a b" password "c\"d\\e\q""#,
            "a b/c\\\"d\\\\eq",
        ),
        (r#"machine h login a password "\n\r\t""#, r"a/\n\r\t"),
        (r#"machine h login a password """#, "a/"),
        (r#"machine h login a password b"c\d"#, r#"a/b\"c\\d"#),
        (r#"machine "h"login "a"password "b"account "c""#, "a/b/c"),
        // Not keywords.
        (r#""machine" h "login" a password b"#, "none"),
    ] {
        assert_eq!(read_h(text), found, "{text:?}");
    }
}

#[test]
fn marks_line_ends_and_capitals_of_windows_change_nothing() {
    for text in [
        "\u{feff}machine h login a password b\r\n",
        "\u{feff}# note\r\nMachine H\r\n  Login a\r\n  PASSWORD b\r\n",
        "MACHINE h LOGIN a PassWord b",
        "machine\r\nh\r\nlogin\r\na\r\npassword\r\nb",
        "machine i login x password y\r\n\u{feff}machine h login a password b\r\n",
        "machine h\rlogin a\rpassword b\r",
        "\tmachine\th\tlogin\ta\tpassword\tb\t",
    ] {
        assert_eq!(read_h(text), "a/b", "{text:?}");
    }
}

#[test]
fn a_carriage_return_alone_ends_no_comment_and_what_may_be_lost_is_said() {
    let text = "# note\rmachine h login a password b\r";
    assert_eq!(read_h(text), "LoneCarriageReturn 1");
    assert_eq!(read_h("# note\rother words\r\r\n"), "none");
    // What comes before it is found.
    let text = "machine h login a password b\r# note\rmachine i login c password d\r";
    assert_eq!(read_h(text), "a/b");
    assert_eq!(read(text, "i", None), "LoneCarriageReturn 1");
}

#[test]
fn entries_may_share_a_line() {
    let text = "machine g login x password y machine h login a password b default login c";
    assert_eq!(read(text, "g", None), "x/y");
    assert_eq!(read_h(text), "a/b");
    assert_eq!(read(text, "i", None), "c/-");
}

#[test]
fn nothing_in_a_macro_is_an_entry() {
    for (body_end, rest) in [("\n", "new/new"), (" \t\r\n", "new/new"), ("", "none")] {
        for line_end in ["\n", "\r\n"] {
            for before in ["", "machine i login x password y\n", "machine h\n"] {
                let text = format!(
                    "{before}macdef init{line_end}machine h login old password old{line_end}\
                     cd \"broken{line_end}# machine{line_end}\tdefault login old{line_end}\
                     {body_end}machine h login new password new"
                );
                assert_eq!(read_h(&text), rest, "{text:?}");
            }
        }
    }
    // The macro ends the entry that it follows.
    let text = "machine h macdef init\nlogin old\n\nlogin a password b";
    assert_eq!(read_h(text), "none");
    let text = "machine h login a password b MACDEF init\npassword old\n\npassword old";
    assert_eq!(read_h(text), "a/b");
}

#[test]
fn each_user_of_a_machine_is_found() {
    let separate = "machine h login a password 1\nmachine h password 2 login b account c\n";
    let together = "machine h login a password 1 password 2 login b account c\n";
    for text in [separate, together] {
        assert_eq!(read_h(text), "a/1", "{text:?}");
        assert_eq!(read(text, "H", Some("a")), "a/1", "{text:?}");
        assert_eq!(read(text, "h", Some("b")), "b/2/c", "{text:?}");
        assert_eq!(read(text, "h", Some("A")), "none", "{text:?}");
    }
    // An entry without a login is for everybody whose own does not come first.
    let text = "machine h login a\nmachine h password x login b\nmachine h password 3\n\
                machine h login a password 4";
    assert_eq!(read(text, "h", Some("a")), "-/3");
    assert_eq!(read_h(text), "a/-");
}

#[test]
fn the_default_is_for_every_host_that_comes_to_it() {
    let text = "machine h login a password b\ndefault login c password d\n\
                machine i login e password f";
    for (host, found) in [("h", "a/b"), ("x", "c/d"), ("default", "c/d"), ("i", "c/d")] {
        assert_eq!(read(text, host, None), found);
    }
    assert_eq!(read(text, "x", Some("q")), "none");
    assert_eq!(read("default\n", "x", None), "none");
    assert_eq!(read("default password d", "x", Some("q")), "-/d");
}

#[test]
fn an_account_is_found_where_there_is_no_password() {
    let text = "machine h login a account b\nmachine h login a password c";
    assert_eq!(read(text, "h", Some("a")), "a/c");
    let text = "machine h login a account b\nmachine h login x password c";
    assert_eq!(read(text, "h", Some("a")), "a/-/b");
}

#[test]
fn a_fault_is_said_only_of_the_entry_that_is_asked_for() {
    for (entry, fault) in [
        ("machine h login a password \"b c\n", "UnclosedQuote 2"),
        ("machine h login a password \"b\\\"\n", "UnclosedQuote 2"),
        ("machine h login \"a password b\n", "UnclosedQuote 2"),
        ("machine h\nlogin a\npassword \"b\\\n", "UnclosedQuote 4"),
        ("machine h login a password # b\n", "ValueOrComment 2"),
        ("machine h login a password\n", "MissingValue 2"),
        ("machine h\npassword\nlogin a\n", "MissingValue 3"),
    ] {
        let others = "machine g login x password 1\n";
        let after = "machine i login y password 2\nmachine h login z password 3";
        let text = format!("{others}{entry}{after}");
        assert_eq!(read_h(&text), fault, "{text:?}");
        assert_eq!(read(&text, "h", Some("a")), fault, "{text:?}");
        assert_eq!(read(&text, "g", None), "x/1", "{text:?}");
        assert_eq!(read(&text, "i", None), "y/2", "{text:?}");
        assert_eq!(read(&text, "j", None), "none", "{text:?}");
        if !entry.contains("\"a") {
            assert_eq!(read(&text, "h", Some("z")), "z/3", "{text:?}");
        }
    }
    for end in [
        "machine",
        "machine h login",
        "machine h login a password",
        "machine h account",
    ] {
        let fault = if end == "machine" {
            "none"
        } else {
            "MissingValue 1"
        };
        assert_eq!(read_h(end), fault, "{end}");
        assert_eq!(read(end, "g", None), "none", "{end}");
    }
}

#[test]
fn what_a_fault_may_hide_is_not_taken_to_be_missing() {
    let text = "machine g login x password \"y machine h login a password b\n";
    assert_eq!(read_h(text), "UnclosedQuote 1");
    // Nor is the default taken in its place.
    let text = format!("{text}default login c password d\n");
    assert_eq!(read_h(&text), "UnclosedQuote 1");
    // An entry before the fault was not hidden.
    let text = text.replace("default", "machine h");
    assert_eq!(read_h(&text), "c/d");
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "machine", "h", "login", "password", "account", "macdef", "default", "#", "\"", "\\", "\n",
        "\r", "\r\n", " ", "\t", "\u{feff}", "x",
    ];
    let piece = prop_oneof![
        prop::sample::select(words).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_written_in_quotes_is_read_back_whatever_is_around_it(
        sizes in any::<[u8; 2]>(),
        credentials in prop::collection::vec(any::<u8>(), 62),
        file in pieces(),
    ) {
        law(&[&sizes[..], &credentials, &file].concat());
        law(&[&[0, 0], &file[..]].concat());
    }
}

#[test]
fn the_seeds_of_the_fuzz_target_keep_the_law() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/netrc");
    let mut seeds = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        law(&fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds > 0);
}
