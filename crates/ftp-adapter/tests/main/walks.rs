//! Going through trees, and removing them.

use std::collections::{BTreeMap, BTreeSet};

use ftp_adapter::Error;
use ftp_adapter::files::{
    Exchange, Known, Removal, RemovalStep, SkipReason, Turn, Visit, Walk, WalkStep,
};
use ftp_proto::listing::{Entry, Kind, OwnedEntry};
use proptest::prelude::*;

use crate::common::{kind, reply};

fn entry(name: &str, kind: Kind, unique: Option<&str>) -> OwnedEntry {
    let mut entry = Entry::new(name.as_bytes(), kind);
    entry.unique = unique.map(str::as_bytes);
    entry.to_owned_entry()
}

fn text(path: &[u8]) -> String {
    String::from_utf8(path.to_vec()).unwrap()
}

/// Walks, and gives what was visited and what was skipped.
fn walk(
    root: Option<&str>,
    limit: usize,
    mut list: impl FnMut(Option<&str>) -> Result<Vec<OwnedEntry>, Error>,
) -> Result<(Vec<String>, Vec<String>), Error> {
    let mut walk = Walk::new(root.map(str::as_bytes), limit);
    let (mut seen, mut skipped) = (Vec::new(), Vec::new());
    let mut sort = |visit| match visit {
        Visit::Entry { path, entry } => {
            assert!(path.ends_with(entry.name()));
            seen.push(text(&path));
        }
        Visit::Skipped { path, reason } => {
            let reason = match reason {
                SkipReason::UnsafeName => "unsafe",
                SkipReason::TooDeep => "deep",
                SkipReason::Circle => "circle",
                SkipReason::NotListed(_) => "not listed",
                other => panic!("{other:?}"),
            };
            skipped.push(format!("{reason} {}", text(&path)));
        }
        other => panic!("{other:?}"),
    };
    while let WalkStep::List(path) = walk.step() {
        // It asks for the same until that is answered.
        assert_eq!(walk.step(), WalkStep::List(path.clone()));
        let path = path.as_deref().map(text);
        match list(path.as_deref()) {
            Ok(entries) => {
                for entry in entries {
                    walk.entry(entry).for_each(&mut sort);
                }
                walk.listed();
            }
            Err(error) => sort(walk.failed(error)?),
        }
    }
    Ok((seen, skipped))
}

/// A tree: directories have `Some`.
#[derive(Debug, Clone)]
struct Node(BTreeMap<String, Option<Node>>);

fn trees() -> impl Strategy<Value = Node> {
    let name = "[a-c -]{1,2}";
    let leaf = Just(Node(BTreeMap::new()));
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let child = proptest::option::of(inner);
        proptest::collection::btree_map(name, child, 0..5).prop_map(Node)
    })
}

impl Node {
    /// All paths below, each with its depth.
    fn paths(&self, prefix: &str, depth: usize, into: &mut Vec<(String, usize, bool)>) {
        for (name, child) in &self.0 {
            let path = format!("{prefix}{name}");
            into.push((path.clone(), depth, child.is_some()));
            if let Some(child) = child {
                child.paths(&format!("{path}/"), depth + 1, into);
            }
        }
    }

    fn at(&self, path: &str) -> &Self {
        let components = path.split('/').filter(|it| !it.is_empty());
        components.fold(self, |node, name| node.0[name].as_ref().unwrap())
    }
}

proptest! {
    #[test]
    fn all_of_a_tree_is_seen_once_in_any_order(
        tree in trees(),
        limit in 0_usize..6,
        backwards: bool,
    ) {
        let (seen, skipped) = walk(None, limit, |path| {
            let node = tree.at(path.unwrap_or_default());
            let mut entries: Vec<_> = node.0.iter().map(|(name, child)| {
                let kind = if child.is_some() { Kind::Directory } else { Kind::File };
                entry(name, kind, None)
            }).collect();
            if backwards {
                entries.reverse();
            }
            Ok(entries)
        }).unwrap();
        let mut all = Vec::new();
        tree.paths("", 0, &mut all);
        let within: BTreeSet<_> = all.iter().filter(|it| it.1 <= limit).map(|it| it.0.clone()).collect();
        prop_assert_eq!(seen.len(), within.len());
        prop_assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), within);
        let deep: BTreeSet<_> = all.iter().filter(|it| it.1 == limit && it.2)
            .map(|it| format!("deep {}", it.0)).collect();
        prop_assert_eq!(skipped.into_iter().collect::<BTreeSet<_>>(), deep);
    }

    #[test]
    fn circles_end(
        edges in proptest::collection::vec((0_usize..5, 0_usize..5), 0..10),
        has_unique: bool,
        limit in 0_usize..5,
    ) {
        // Each directory has others for entries, perhaps itself and those above it.
        let edges: BTreeSet<_> = edges.into_iter().collect();
        let mut steps = 0_usize;
        let (seen, _) = walk(Some("/0"), limit, |path| {
            steps += 1;
            let here: usize = path.unwrap().rsplit('/').next().unwrap().parse().unwrap();
            let below = edges.iter().filter(|(from, _)| *from == here);
            Ok(below.map(|(_, to)| {
                let name = to.to_string();
                entry(&name, Kind::Directory, has_unique.then_some(&*name))
            }).collect())
        }).unwrap();
        prop_assert!(steps <= 5_usize.pow(u32::try_from(limit).unwrap() + 1));
        for path in seen {
            let names: Vec<_> = path.split('/').skip(2).collect();
            prop_assert!(names.len() <= limit + 1);
            let entered = &names[..names.len() - 1];
            let different: BTreeSet<_> = entered.iter().collect();
            prop_assert!(!has_unique || different.len() == entered.len(), "{}", path);
        }
    }
}

#[test]
fn links_are_not_followed_and_names_that_lead_elsewhere_are_skipped() {
    let mut listed = Vec::new();
    let (seen, skipped) = walk(Some("/a/"), 9, |path| {
        listed.push(path.map(str::to_owned));
        Ok(vec![
            entry("link", Kind::Link, None),
            entry("pipe", Kind::Other, None),
            entry(".", Kind::CurrentDirectory, None),
            entry("..", Kind::ParentDirectory, None),
            entry("..", Kind::Directory, None),
            entry("/etc", Kind::Directory, None),
            entry("../x", Kind::File, None),
            entry("..\\x", Kind::File, None),
            entry("a\\..\\b", Kind::File, None),
            entry("\\a", Kind::File, None),
            entry("c:\\a", Kind::File, None),
            entry("a\\b", Kind::File, None),
            entry("a\rb", Kind::Directory, None),
        ])
    })
    .unwrap();
    assert_eq!(seen, ["/a/link", "/a/pipe", "/a/a\\b"]);
    let unsafe_names = [
        "unsafe /a/..",
        "unsafe /a//etc",
        "unsafe /a/../x",
        "unsafe /a/..\\x",
        "unsafe /a/a\\..\\b",
        "unsafe /a/\\a",
        "unsafe /a/c:\\a",
        "unsafe /a/a\rb",
    ];
    assert_eq!(skipped, unsafe_names);
    assert_eq!(listed, [Some("/a/".to_owned())]);
}

#[test]
fn a_directory_that_cannot_be_listed_is_reported_and_the_first_is_an_error() {
    let refused = || Error::Refused(reply("550 no"));
    let list = |path: Option<&str>| match path {
        None => Ok(vec![
            entry("a", Kind::Directory, None),
            entry("b", Kind::Directory, None),
        ]),
        Some("a") => Err(refused()),
        Some(_) => Ok(vec![entry("c", Kind::File, None)]),
    };
    let (seen, skipped) = walk(None, 9, list).unwrap();
    assert_eq!(seen, ["a", "b", "b/c"]);
    assert_eq!(skipped, ["not listed a"]);
    assert_eq!(kind(walk(None, 9, |_| Err(refused()))), "refused");
    // That is no matter of one directory.
    let lost = walk(None, 9, |path| match path {
        None => Ok(vec![entry("a", Kind::Directory, None)]),
        Some(_) => Err(Error::Closed),
    });
    assert!(matches!(lost, Err(Error::Closed)));
}

/// Files of a server: paths to kinds; a link has its target.
type Files = BTreeMap<String, (Kind, &'static str)>;

/// Runs a removal against these files. The server calls links to directories directories if it `hides_links`.
fn remove(files: &mut Files, path: &str, hides_links: bool) -> Result<u64, Error> {
    let mut removal = Removal::new(path)?;
    let mut answer = None;
    for _ in 0..10_000 {
        match removal.next(&mut Known::default(), answer.take())? {
            Turn::Done(RemovalStep::Done(count)) => return Ok(count),
            Turn::Done(RemovalStep::List(path)) => {
                let path = text(&path);
                let place = match files.get(&path) {
                    Some((Kind::Link, target)) => (*target).to_owned(),
                    _ => path,
                };
                let prefix = format!("{place}/");
                let below = files.iter().filter_map(|(path, (kind, _))| {
                    let name = path.strip_prefix(&prefix)?;
                    let kind = match kind {
                        Kind::Link if hides_links => Kind::Directory,
                        kind => *kind,
                    };
                    (!name.contains('/')).then(|| entry(name, kind, None))
                });
                removal.listed(below.collect())?;
            }
            Turn::Send(command) => {
                let path = text(command.argument().unwrap());
                let found = files.get(&path).map(|(kind, _)| *kind);
                let is_full = files.keys().any(|it| it.starts_with(&format!("{path}/")));
                let is_done = match (command.name(), found) {
                    (b"DELE", Some(kind)) => kind != Kind::Directory,
                    (b"RMD", Some(kind)) => kind == Kind::Directory && !is_full,
                    _ => false,
                };
                if is_done {
                    files.remove(&path);
                }
                answer = Some(reply(if is_done { "250 x" } else { "550 x" }));
            }
        }
    }
    panic!("it does not end");
}

fn with_links(tree: &Node) -> Files {
    let mut all = Vec::new();
    tree.paths("top/", 0, &mut all);
    let mut files = Files::from([
        ("top".to_owned(), (Kind::Directory, "")),
        ("other".to_owned(), (Kind::Directory, "")),
        ("other/precious".to_owned(), (Kind::File, "")),
        ("top/link".to_owned(), (Kind::Link, "other")),
        ("top/circle".to_owned(), (Kind::Link, "top")),
    ]);
    for (path, _, is_directory) in all {
        let kind = if is_directory {
            Kind::Directory
        } else {
            Kind::File
        };
        files.insert(path, (kind, ""));
    }
    files
}

proptest! {
    #[test]
    fn a_tree_is_removed_and_nothing_that_links_lead_to(tree in trees(), hides_links: bool) {
        let mut files = with_links(&tree);
        let before = files.len();
        let removed = remove(&mut files, "top", hides_links).unwrap();
        prop_assert_eq!(files.keys().collect::<Vec<_>>(), ["other", "other/precious"]);
        prop_assert_eq!(removed, u64::try_from(before - 2).unwrap());
    }
}

#[test]
fn a_file_and_a_link_are_removed_as_they_are() {
    let tree = Node(BTreeMap::new());
    let mut files = with_links(&tree);
    assert_eq!(remove(&mut files, "top/link", true).unwrap(), 1);
    assert_eq!(remove(&mut files, "other/precious", true).unwrap(), 1);
    assert!(files.contains_key("other"));
    let error = remove(&mut files, "missing", false).unwrap_err();
    assert_eq!(error.to_string(), "missing: the server refused: 550 x");
}

#[test]
fn names_that_lead_elsewhere_stop_it_before_anything_of_the_directory_is_removed() {
    for name in ["..", "/etc", "a/b", "..\\a", "\\a", "a\\\\b", "a\rb", ""] {
        let mut removal = Removal::new("top").unwrap();
        let mut known = Known::default();
        removal.next(&mut known, None).unwrap();
        removal.next(&mut known, Some(reply("550 x"))).unwrap();
        let entries = vec![
            entry("good", Kind::File, None),
            entry(name, Kind::File, None),
        ];
        assert_eq!(kind(removal.listed(entries)), "unsafe name");
    }
}

#[test]
fn a_directory_in_itself_without_end_stops_it() {
    let mut removal = Removal::new("a").unwrap();
    let mut known = Known::default();
    let mut answer = None;
    for _ in 0..10_000 {
        match removal.next(&mut known, answer.take()).unwrap() {
            Turn::Send(_) => answer = Some(reply("550 x")),
            Turn::Done(_) => {
                let same = vec![entry("a", Kind::Directory, None)];
                if let Err(error) = removal.listed(same) {
                    return assert_eq!(kind::<()>(Err(error)), "too deep");
                }
            }
        }
    }
    panic!("it does not end");
}
