//! What is planned is what the trees say, and nothing is deleted without proof.

use std::collections::BTreeSet;

use ftp_proto::DateTime;
use proptest::prelude::*;

use super::super::tree::{Node, Tree, parent};
use super::{Plan, Rules};
use crate::files::mirror::filter::Filter;

fn file(size: u64, day: u8) -> Node {
    Node::File {
        size: Some(size),
        time: DateTime::date(2024, 5, day),
    }
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        3 => (0..3_u64, 1..3_u8).prop_map(|(size, day)| file(size, day)),
        1 => Just(Node::File { size: Some(1), time: None }),
        2 => Just(Node::Directory),
        1 => Just(Node::Other("it is a link")),
    ]
}

/// A tree of few names, so that trees have many in common. Each path lies in directories.
fn tree() -> impl Strategy<Value = Tree> {
    prop::collection::btree_map("[abc](/[abc]){0,2}", node(), 0..10).prop_map(|nodes| {
        let mut tree = Tree::default();
        for (path, node) in nodes {
            let path = path.into_bytes();
            let mut above = parent(&path);
            while !above.is_empty() {
                tree.nodes.insert(above.to_vec(), Node::Directory);
                above = parent(above);
            }
            tree.nodes.entry(path).or_insert(node);
        }
        tree
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let filter = prop_oneof![
        3 => Just(Filter::default()),
        1 => Just(Filter::new(&[], &["b".to_owned()])),
        1 => Just(Filter::new(&["a".to_owned()], &[])),
    ];
    let most = prop::option::weighted(0.2, 0..4_usize);
    (filter, any::<bool>(), most).prop_map(|(filter, only_newer, max_delete)| Rules {
        filter,
        delete: true,
        only_newer,
        max_delete,
        folds_case: false,
        is_final: false,
    })
}

/// The target after the plan was carried out.
fn carried_out(plan: &Plan, source: &Tree, target: &Tree) -> Result<Tree, TestCaseError> {
    let mut after = Tree::default();
    after.nodes = target.nodes.clone();
    for path in &plan.directories {
        let above = parent(path);
        prop_assert!(above.is_empty() || after.nodes[above] == Node::Directory);
        prop_assert_eq!(after.nodes.insert(path.clone(), Node::Directory), None);
    }
    for transfer in &plan.files {
        let above = parent(&transfer.path);
        prop_assert!(above.is_empty() || after.nodes[above] == Node::Directory);
        let old = after
            .nodes
            .insert(transfer.path.clone(), source.nodes[&transfer.path]);
        prop_assert!(matches!(old, None | Some(Node::File { .. })), "{old:?}");
    }
    for (path, _) in &plan.deletions {
        prop_assert!(after.nodes.remove(path).is_some());
        let is_in_it = |other: &Vec<u8>| parent(other) == path.as_slice();
        prop_assert!(!after.nodes.keys().any(is_in_it), "{path:?} was not empty");
    }
    Ok(after)
}

proptest! {
    #[test]
    fn a_plan_can_be_carried_out_and_is_done_then(
        source in tree(), target in tree(), rules in rules(),
    ) {
        let parts = BTreeSet::new();
        let plan = Plan::new(&source, &target, &rules, &parts);
        let after = carried_out(&plan, &source, &target)?;
        for (path, _) in &plan.deletions {
            prop_assert!(!source.nodes.contains_key(path));
            prop_assert!(!rules.filter.excludes(path));
        }
        prop_assert!(rules.max_delete.is_none_or(|most| plan.deletions.len() <= most));
        // A second run transfers and deletes nothing more, but for what no look can decide.
        let again = Plan::new(&source, &after, &rules, &parts);
        prop_assert!(again.files.iter().all(|file| file.is_unsure), "{again:?}");
        let last = Rules { is_final: true, ..rules };
        let last = Plan::new(&source, &after, &last, &parts);
        prop_assert_eq!(last.files.len(), 0, "{:?}", last);
        prop_assert_eq!(again.directories.len(), 0);
        prop_assert_eq!(again.deletions.len(), 0, "{:?}", again);
    }

    #[test]
    fn nothing_is_deleted_on_the_strength_of_nothing(target in tree(), rules in rules()) {
        let nothing = Tree::default();
        let plan = Plan::new(&nothing, &target, &rules, &BTreeSet::new());
        prop_assert_eq!(plan.deletions.len(), 0);
    }

    #[test]
    fn nothing_is_deleted_if_not_all_was_seen(
        mut source in tree(), target in tree(), rules in rules(),
    ) {
        source.doubt = Some("a directory could not be listed".to_owned());
        let plan = Plan::new(&source, &target, &rules, &BTreeSet::new());
        prop_assert_eq!(plan.deletions.len(), 0);
    }
}

#[test]
fn names_that_would_be_one_file_are_one() {
    let mut source = Tree::default();
    for path in ["A/x", "a/x", "b", "B", "c"] {
        source.nodes.insert(path.into(), file(1, 1));
    }
    for path in ["A", "a"] {
        source.nodes.insert(path.into(), Node::Directory);
    }
    let rules = Rules {
        folds_case: true,
        ..Rules::default()
    };
    let plan = Plan::new(&source, &Tree::default(), &rules, &BTreeSet::new());
    let files: Vec<_> = plan.files.iter().map(|file| file.path.as_slice()).collect();
    assert_eq!(files, [&b"A/x"[..], b"B", b"c"]);
    assert_eq!(plan.directories, [b"A"]);
    assert_eq!(plan.left_out.len(), 2);
}
