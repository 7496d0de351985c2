use super::*;
use std::format;
use std::string::{String, ToString};

/// Time, precision and the text after them.
fn read_from(text: &[u8]) -> String {
    let limit = DateTime::parse(b"20240302000000").unwrap();
    let mut words = Words::new(text);
    let Some(stamp) = read(&mut words, limit) else {
        return "none".to_string();
    };
    let rest = String::from_utf8_lossy(words.rest).into_owned();
    match stamp.modified {
        Some(modified) => {
            let zone = if modified.is_utc { "Z" } else { "" };
            format!(
                "{}{zone} {}{rest}",
                modified.time,
                modified.precision.as_str()
            )
        }
        None => format!("unknown{rest}"),
    }
}

#[test]
fn english_dates_are_read() {
    for (text, expected) in [
        ("Jan 29 03:26 a", "2024-01-29T03:26:00 minute a"),
        ("Apr  8  1994 a b", "1994-04-08T00:00:00 day a b"),
        ("Oct 08, 2002 09:47 a", "2002-10-08T09:47:00 minute a"),
        ("Mar  4 16:45:27 1999 a", "1999-03-04T16:45:27 second a"),
        ("Sept 14, 99 2:30 pm a", "1999-09-14T14:30:00 minute a"),
        ("Jun 17 93 12:22 a", "1993-06-17T12:22:00 minute a"),
        ("Jan 21 09.17 a", "2024-01-21T09:17:00 minute a"),
        ("Apr 20  9.51 a", "2023-04-20T09:51:00 minute a"),
        ("Apr   4 24:00 a", "2023-04-05T00:00:00 minute a"),
        ("Dec 29,2002   8:58 a", "2002-12-29T08:58:00 minute a"),
        ("29 Jul 02:27 2014 x", "2023-07-29T02:27:00 minute 2014 x"),
        ("01 oct 2004 a", "2004-10-01T00:00:00 day a"),
        ("Feb 29 10:00 a", "2024-02-29T10:00:00 minute a"),
        ("Jan 12 2012 12:30", "2012-01-12T00:00:00 day 12:30"),
    ] {
        assert_eq!(read_from(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn numeric_dates_are_read() {
    for (text, expected) in [
        ("2005-06-07 21:22 a", "2005-06-07T21:22:00 minute a"),
        ("1999/10/12 17:12 a", "1999-10-12T17:12:00 minute a"),
        ("24-04-2003 17:12 a", "2003-04-24T17:12:00 minute a"),
        ("2004.07.15   a", "2004-07-15T00:00:00 day   a"),
        ("09-26 2000 a", "2000-09-26T00:00:00 day a"),
        ("09-26 13:45 a", "2023-09-26T13:45:00 minute a"),
        ("3 29 03:26 a", "2023-03-29T03:26:00 minute a"),
        ("01-jun-99 a", "1999-06-01T00:00:00 day a"),
        ("11/ 6 14:21 a", "2023-11-06T14:21:00 minute a"),
        (
            "2024-02-01 12:00:00.250000000 +0200 a",
            "2024-02-01T10:00:00.25Z fraction a",
        ),
        ("2024-02-01T12:00:00Z a", "2024-02-01T12:00:00Z second a"),
        (
            "2024-02-01T12:00:00-05:30 a",
            "2024-02-01T17:30:00Z second a",
        ),
    ] {
        assert_eq!(read_from(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn other_languages_are_read() {
    for (text, expected) in [
        (
            "26. Juli, 20:10 a".as_bytes(),
            "2023-07-26T20:10:00 minute a",
        ),
        (b"2.   Okt.  2003 a", "2003-10-02T00:00:00 day a"),
        (b"szept 26 20:10 a", "2023-09-26T20:10:00 minute a"),
        (b"30. Jan., 12:40 a", "2024-01-30T12:40:00 minute a"),
        ("4月 18日 2003年 a".as_bytes(), "2003-04-18T00:00:00 day a"),
        ("8月 17 08:52 a".as_bytes(), "2023-08-17T08:52:00 minute a"),
        ("2005년  1월  6일 a".as_bytes(), "2005-01-06T00:00:00 day a"),
        (
            "11月12日 14時21分  a".as_bytes(),
            "2023-11-12T14:21:00 minute  a",
        ),
        (
            b"4\x8c\x8e 18\x93\xfa 2003\x94\x4e a",
            "2003-04-18T00:00:00 day a",
        ),
        (b"2003   3\xed\xef 20 a", "2003-03-20T00:00:00 day a"),
        ("Xyz 12 10:00 a".as_bytes(), "unknown a"),
    ] {
        assert_eq!(read_from(text), expected, "{}", text.escape_ascii());
    }
}

#[test]
fn what_has_no_form_of_a_date_is_left() {
    for text in [
        "",
        "Jan",
        "Jan x 10:00",
        "Jan 100 2000",
        "Jan 5 512",
        "5",
        "5 5 5",
        "512 Jan",
        "2001 x",
        "1/2",
        "12:30",
    ] {
        assert_eq!(read_from(text.as_bytes()), "none", "{text}");
    }
    assert_eq!(read_from(b"Feb 30 2001 a"), "unknown a");
}
