//! Paths are resolved and never leave the root.

use ftp_proto::server::VirtualPath;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn resolve(current: &str, path: &str) -> String {
    let current = VirtualPath::root().resolve(current.as_bytes());
    String::from_utf8(current.resolve(path.as_bytes()).as_bytes().to_vec()).unwrap()
}

#[test]
fn dots_and_slashes_are_taken_out() {
    for (current, path, resolved) in [
        ("/", "", "/"),
        ("/a", "", "/a"),
        ("/a", "b", "/a/b"),
        ("/a", "/b", "/b"),
        ("/a", "b/", "/a/b"),
        ("/a", ".//b/./c//", "/a/b/c"),
        ("/a/b", "..", "/a"),
        ("/a/b", "../..", "/"),
        ("/a/b", "../../../..", "/"),
        ("/a", "../../etc/passwd", "/etc/passwd"),
        ("/", "/..", "/"),
        ("/", "...", "/..."),
        ("/", "..a", "/..a"),
        ("/", " ", "/ "),
        ("/a", "b\\..\\c", "/a/b\\..\\c"),
    ] {
        assert_eq!(resolve(current, path), resolved, "{current} {path}");
    }
}

#[test]
fn parts_of_a_path_are_told() {
    let path = VirtualPath::root().resolve(b"/a/b c");
    assert_eq!(
        path.components().collect::<Vec<_>>(),
        [b"a".as_slice(), b"b c"]
    );
    assert_eq!(path.name(), Some(b"b c".as_slice()));
    assert_eq!(path.parent().unwrap().as_bytes(), b"/a");
    let root = path.parent().unwrap().parent().unwrap();
    assert!(root.is_root() && root.parent().is_none() && root.name().is_none());
    assert_eq!(root.components().count(), 0);
    assert_eq!(root.as_bytes(), b"/");
}

fn paths() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![b"/", b"/", b"..", b".", b"a", b"b", b"...", b" ", b"\xff"];
    vec(select(pieces), 0..20).prop_map(|pieces| pieces.concat())
}

/// The same by another way: a stack of names.
fn by_stack(stack: &mut Vec<Vec<u8>>, path: &[u8]) {
    if path.starts_with(b"/") {
        stack.clear();
    }
    for name in path.split(|byte| *byte == b'/') {
        if name == b".." {
            stack.pop();
        } else if !name.is_empty() && name != b"." {
            stack.push(name.to_vec());
        }
    }
}

proptest! {
    #[test]
    fn no_path_leads_above_the_root(first in paths(), second in paths()) {
        let current = VirtualPath::root().resolve(&first);
        let resolved = current.resolve(&second);
        let mut stack = Vec::new();
        by_stack(&mut stack, &first);
        by_stack(&mut stack, &second);
        let components: Vec<Vec<u8>> = resolved.components().map(<[u8]>::to_vec).collect();
        prop_assert_eq!(&components, &stack);
        for component in &components {
            prop_assert!(!component.is_empty() && component != b"." && component != b"..");
            prop_assert!(!component.contains(&b'/'));
        }
        // The shortest form is itself.
        prop_assert_eq!(&VirtualPath::root().resolve(resolved.as_bytes()), &resolved);
        prop_assert_eq!(resolved.resolve(b"."), resolved.clone());
        prop_assert!(resolved.as_bytes().starts_with(b"/"));
        prop_assert!(resolved.is_root() || !resolved.as_bytes().ends_with(b"/"));
    }
}
