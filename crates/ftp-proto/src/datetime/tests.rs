use super::*;
use proptest::prelude::*;
use std::string::ToString;
use std::vec::Vec;

#[test]
fn known_days_are_where_the_calendar_has_them() {
    for (date, unix) in [
        ((1970, 1, 1), 0),
        ((1969, 12, 31), -86_400),
        ((2000, 2, 29), 951_782_400),
        ((2024, 5, 1), 1_714_521_600),
        ((9999, 12, 31), 253_402_214_400),
    ] {
        let (year, month, day) = date;
        assert_eq!(DateTime::date(year, month, day).unwrap().unix(), unix);
    }
    assert_eq!(DateTime::from_unix(i64::MIN), DateTime::FIRST);
    assert_eq!(DateTime::from_unix(i64::MAX), DateTime::LAST);
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        &b""[..],
        b"2024",
        b"20240501",
        b"2024050112340",
        b"20240501123400.",
        b"20240501123400.5x",
        b"20240501123400 ",
        b"20240501123400ZZ",
        b"20240501243400",
        b"20240501126000",
        b"20240501123461",
        b"20240532123400",
        b"20230229123400",
        b"2024+501123400",
        b"192240501123400",
    ] {
        assert_eq!(DateTime::parse(text), None, "{}", text.escape_ascii());
    }
}

#[test]
fn the_flaw_of_2000_is_understood() {
    let time = DateTime::parse(b"191000509123456").unwrap();
    assert_eq!(time.to_string(), "2000-05-09T12:34:56");
}

proptest! {
    #[test]
    fn seconds_and_fields_say_the_same(seconds in -62_167_219_200_i64..=253_402_300_799) {
        let time = DateTime::from_unix(seconds);
        prop_assert_eq!(time.unix(), seconds);
        prop_assert!(DateTime::from_unix(seconds + 1) >= time);
    }

    #[test]
    fn what_is_written_is_read_again(
        seconds in -62_167_219_200_i64..=253_402_300_799,
        nanosecond in prop_oneof![Just(0), 0_u32..1_000_000_000],
    ) {
        let time = DateTime::from_unix(seconds).with_nanosecond(nanosecond);
        let text = time.compact().to_string();
        prop_assert_eq!(DateTime::parse(text.as_bytes()), Some(time));
    }

    #[test]
    fn any_text_is_survived(text: Vec<u8>) {
        if let Some(time) = DateTime::parse(&text) {
            prop_assert!(text.len() >= time.compact().to_string().len().min(14));
        }
    }
}
