use super::*;

fn entry(line: &str) -> Entry<'_> {
    parse(line.as_bytes()).unwrap_or_else(|| panic!("not read: {line}"))
}

#[test]
fn the_known_facts_become_fields() {
    let entry = entry(
        "Type=file;Size=1830;Modify=19940916055648.25;Perm=r;Unique=aA+1;UNIX.mode=0100640;\
         UNIX.owner=7;UNIX.ownername=anna;UNIX.gid=100;Charset=; some  name; with all ",
    );
    assert_eq!(entry.name, b"some  name; with all ");
    assert_eq!(entry.kind, Kind::File);
    assert_eq!(entry.size, Some(1830));
    assert_eq!(entry.permissions, Some(0o640));
    assert_eq!(entry.owner, Some(&b"anna"[..]));
    assert_eq!(entry.group, Some(&b"100"[..]));
    assert_eq!(entry.unique, Some(&b"aA+1"[..]));
    let modified = entry.modified.unwrap();
    assert_eq!(modified.precision, Precision::Fraction);
    assert!(modified.is_utc);
    assert_eq!(modified.time.nanosecond(), 250_000_000);
    assert_eq!(entry.facts.get("CHARSET"), Some(&b""[..]));
    assert_eq!(entry.facts.iter().count(), 10);
}

#[test]
fn each_type_is_a_kind() {
    for (value, kind, target) in [
        ("file", Kind::File, None),
        ("DIR", Kind::Directory, None),
        ("cdir", Kind::CurrentDirectory, None),
        ("PDir", Kind::ParentDirectory, None),
        ("OS.unix=slink:../a b", Kind::Link, Some("../a b")),
        ("OS.UNIX=symlink", Kind::Link, None),
        ("OS.unix=slink:", Kind::Link, None),
        ("OS.unix=chr-13/29", Kind::Other, None),
    ] {
        let line = std::format!("perm=r;type={value};size=1; name");
        let entry = entry(&line);
        assert_eq!(
            (entry.kind, entry.target),
            (kind, target.map(str::as_bytes)),
            "{line}"
        );
        assert_eq!(entry.name, b"name");
    }
}

#[test]
fn what_lacks_a_type_is_told_from_what_it_has() {
    for (line, kind) in [
        ("size=1; x", Kind::File),
        ("sizd=4096; x", Kind::Directory),
        ("perm=adfr; x", Kind::File),
        ("perm=el; x", Kind::Directory),
        ("type=; x", Kind::Other),
        ("anything=something; x", Kind::Other),
    ] {
        assert_eq!(entry(line).kind, kind, "{line}");
    }
}

#[test]
fn irregular_lines_are_read() {
    assert_eq!(entry("type=file no semicolon").name, b"no semicolon");
    assert_eq!(entry("type=file; \t leading").name, b"\t leading");
    assert_eq!(entry("type=file;\ta tab").name, b"a tab");
    assert_eq!(entry(" type=cdir;size=1; /a/b").name, b"/a/b");
    assert_eq!(entry("type=dir; ..").kind, Kind::ParentDirectory);
    assert_eq!(entry("size=x;modify=1999;unix.mode=9; a").size, None);
}

#[test]
fn what_is_no_line_of_facts_is_left() {
    for line in [
        "",
        " ",
        "type",
        "type=file",
        "type=file;",
        "type=file; ",
        "=x; y",
        "a b=c; d",
        "/a=b",
    ] {
        assert_eq!(parse(line.as_bytes()), None, "{line}");
    }
}
