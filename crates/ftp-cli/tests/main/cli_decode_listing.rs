//! `decode listing`: lines of a listing in, JSON out.

use crate::common::{Program, Run, TestFile};
use serde_json::json;

fn decode(listing: &[u8]) -> Run {
    Program::new(["decode", "listing", "--now", "2024-05-04T12:00:00Z"])
        .input(listing)
        .run()
}

#[test]
fn each_line_is_one_object() {
    let run =
        decode(b"total 5\r\n-rw-r-----   1 anna     staff      48213 May  3 09:07 a b\r\n\r\n");
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stdout,
        "{\"skipped\":\"total\"}\n\
         {\"name\":\"a b\",\"kind\":\"file\",\"size\":48213,\"modified\":\"2024-05-03T09:07:00Z\",\
         \"precision\":\"minute\",\"permissions\":\"0640\",\"owner\":\"anna\",\"group\":\"staff\",\
         \"unsafe_name\":false,\
         \"raw\":\"-rw-r-----   1 anna     staff      48213 May  3 09:07 a b\"}\n\
         {\"skipped\":\"blank\"}\n"
    );
}

#[test]
fn all_facts_are_shown_by_their_names_in_lower_case() {
    let run = decode(b"Type=OS.unix=slink:../x;Unique=a1;Media-Type=text/plain; link\n");
    assert_eq!(
        run.json_lines(),
        [json!({
            "name": "link",
            "kind": "link",
            "target": "../x",
            "unique": "a1",
            "facts": {"type": "OS.unix=slink:../x", "unique": "a1", "media-type": "text/plain"},
            "unsafe_name": false,
            "raw": "Type=OS.unix=slink:../x;Unique=a1;Media-Type=text/plain; link",
        })]
    );
}

#[test]
fn an_entry_over_two_lines_is_one_object() {
    let run =
        decode(b"A_LONG_NAME.TXT;1\r\n      10     2-JUL-2003 10:30:08.59  [A,B] (RWED,RWED,RE,)");
    let records = run.json_lines();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["name"], "A_LONG_NAME.TXT;1");
    assert_eq!(records[0]["precision"], "fraction");
    assert_eq!(
        records[0]["raw"],
        "A_LONG_NAME.TXT;1\n      10     2-JUL-2003 10:30:08.59  [A,B] (RWED,RWED,RE,)"
    );
}

#[test]
fn names_that_are_no_names_of_files_are_marked() {
    let names = ["..", "../x", "a\\b", "NUL.txt", "c:x", "fine"];
    let listing: String = names.map(|name| format!("type=file; {name}\n")).concat();
    let run = decode(listing.as_bytes());
    let marks: Vec<bool> = run
        .json_lines()
        .iter()
        .map(|record| record["unsafe_name"].as_bool().unwrap())
        .collect();
    assert_eq!(marks, [true, true, true, true, true, false]);
}

#[test]
fn bytes_that_are_not_utf8_are_also_given_in_hexadecimal() {
    let records = decode(b"type=file; caf\xe9\ntype=file; ok\n").json_lines();
    assert_eq!(records[0]["name"], "caf\u{fffd}");
    assert_eq!(records[0]["raw_hex"], "747970653d66696c653b20636166e9");
    assert!(records[1].get("raw_hex").is_none());
}

#[test]
fn a_listing_may_be_in_a_file_and_the_time_must_be_one() {
    let file = TestFile::new("+i1,m825718503,r,s280,\tplain\n");
    let run = Program::new(["decode", "listing", &file.path()]).run();
    assert_eq!(run.json_lines()[0]["modified"], "1996-03-01T22:15:03Z");
    let run = Program::new(["decode", "listing", "--now", "yesterday"]).run();
    assert_eq!(run.code, 2);
}
