//! What is to be done so that the target has what the source has. Decided before anything is done.

use std::collections::{BTreeMap, BTreeSet};

use ftp_proto::wire::escape;

use super::filter::Filter;
use super::tree::{LeftOut, Node, Tree, is_part, name, parent};
use crate::exit::Exit;

/// How trees are compared.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) filter: Filter,
    pub(super) delete: bool,
    pub(super) only_newer: bool,
    pub(super) max_delete: Option<usize>,
    /// Names of the target that differ in case alone are the same.
    pub(super) folds_case: bool,
    /// Where times are not known, sizes decide; otherwise the transfer is unsure.
    pub(super) is_final: bool,
}

/// What is to be done, in this order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) directories: Vec<Vec<u8>>,
    pub(super) files: Vec<Transfer>,
    /// Files that are there already.
    pub(super) skipped: Vec<Vec<u8>>,
    /// What is in a directory comes before it.
    pub(super) deletions: Vec<(Vec<u8>, Node)>,
    pub(super) left_out: Vec<LeftOut>,
    /// Why nothing is deleted that would have been.
    pub(super) kept: Vec<String>,
}

/// A file that is to be transferred.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) path: Vec<u8>,
    /// A closer look has to show whether it is there already: one of the times is not known.
    pub(super) is_unsure: bool,
}

impl Plan {
    /// `parts` are the names of parts of files that may go on, by path.
    pub(super) fn new(
        source: &Tree,
        target: &Tree,
        rules: &Rules,
        parts: &BTreeSet<Vec<u8>>,
    ) -> Self {
        let mut plan = Self::default();
        let mut blocked: Vec<Vec<u8>> = Vec::new();
        let mut wanted = Vec::new();
        let mut folded = BTreeSet::new();
        for (path, node) in &source.nodes {
            let is_blocked = |above: &Vec<u8>| {
                path.strip_prefix(above.as_slice())
                    .is_some_and(|rest| rest.starts_with(b"/"))
            };
            let is_part = matches!(node, Node::File { .. }) && is_part(name(path));
            if rules.filter.excludes(path) || is_part || blocked.iter().any(is_blocked) {
                continue;
            }
            if rules.folds_case && !folded.insert(String::from_utf8_lossy(path).to_lowercase()) {
                plan.leave_out(path, "another name differs in case alone", Exit::LocalFile);
                blocked.push(path.clone());
                continue;
            }
            let there = target.nodes.get(path);
            match (*node, there) {
                (Node::Other(why), _) => plan.leave_out(path, why, Exit::Success),
                (Node::Directory, None) => wanted.push(path),
                (Node::Directory, Some(Node::Directory)) => {}
                (Node::File { .. }, _) if !rules.filter.includes_file(path) => {}
                (file @ Node::File { .. }, None) => plan.transfer(path, file, None, rules),
                (file @ Node::File { .. }, Some(there @ Node::File { .. })) => {
                    plan.transfer(path, file, Some(*there), rules);
                }
                (node, Some(there)) => {
                    let why = match there {
                        Node::Directory => "a directory is in its place",
                        Node::File { .. } => "a file is in its place",
                        Node::Other(_) => "something else is in its place: a link, perhaps",
                    };
                    plan.leave_out(path, why, Exit::Refused);
                    if node == Node::Directory {
                        blocked.push(path.clone());
                    }
                }
            }
        }
        plan.choose_directories(wanted, rules);
        if rules.delete {
            let known: BTreeSet<&Vec<u8>> = source
                .left_out
                .iter()
                .map(|left_out| &left_out.path)
                .collect();
            plan.choose_deletions(source, target, rules, parts, &known);
        }
        plan.left_out.extend(source.left_out.iter().cloned());
        if let Some(why) = &source.unread {
            plan.leave_out(b".", why, Exit::PeerFault);
        }
        plan
    }

    fn leave_out(&mut self, path: &[u8], why: &str, exit: Exit) {
        self.left_out.push(LeftOut {
            path: path.to_vec(),
            why: why.to_owned(),
            exit,
        });
    }

    fn transfer(&mut self, path: &[u8], source: Node, target: Option<Node>, rules: &Rules) {
        let path = path.to_vec();
        match target.map_or(Some(true), |target| is_wanted(source, target, rules)) {
            Some(false) => self.skipped.push(path),
            wanted => self.files.push(Transfer {
                path,
                is_unsure: wanted.is_none(),
            }),
        }
    }

    fn choose_directories(&mut self, wanted: Vec<&Vec<u8>>, rules: &Rules) {
        let mut needed = BTreeSet::new();
        for file in &self.files {
            let mut path = file.path.as_slice();
            while !path.is_empty() {
                path = parent(path);
                needed.insert(path);
            }
        }
        let is_needed = |path: &&Vec<u8>| {
            rules.filter.makes_all_directories() || needed.contains(path.as_slice())
        };
        self.directories = wanted.into_iter().filter(is_needed).cloned().collect();
    }

    fn choose_deletions(
        &mut self,
        source: &Tree,
        target: &Tree,
        rules: &Rules,
        parts: &BTreeSet<Vec<u8>>,
        known: &BTreeSet<&Vec<u8>>,
    ) {
        let unproven = source.unproven();
        // A target that does not tell all names apart gives what comes the name that it has already.
        let missing = |path: &&Vec<u8>| !target.nodes.contains_key(path.as_slice());
        let new: BTreeMap<String, &Vec<u8>> = source
            .nodes
            .keys()
            .filter(missing)
            .map(|path| (alike(path), path))
            .collect();
        let mut kept: BTreeSet<&[u8]> = BTreeSet::new();
        let mut empty: BTreeSet<&[u8]> = BTreeSet::new();
        // What is in a directory comes before it.
        for (path, node) in target.nodes.iter().rev() {
            if source.nodes.contains_key(path) && !is_part(name(path)) {
                continue;
            }
            let above = nearest(source, path);
            let mut is_kept = kept.contains(path.as_slice())
                || rules.filter.excludes(path)
                || parts.contains(path)
                || known.contains(path)
                || matches!(node, Node::File { .. })
                    && !is_part(name(path))
                    && !rules.filter.includes_file(path)
                || !above.is_empty() && source.nodes.get(above) != Some(&Node::Directory);
            let is_unproven = unproven.contains(above);
            if !is_kept
                && !is_unproven
                && !is_part(name(path))
                && let Some(other) = new.get(&alike(path))
            {
                let (path, other) = (escape(path), escape(other));
                self.kept.push(format!(
                    "{path}, which may be {other} as the target writes names"
                ));
                is_kept = true;
            }
            if is_unproven && !is_kept {
                empty.insert(above);
            }
            if is_kept || is_unproven {
                // A directory with something in it stays.
                kept.insert(parent(path));
            } else {
                self.deletions.push((path.clone(), *node));
            }
        }
        for path in empty {
            let path = match path {
                b"" => "the source".to_owned(),
                path => String::from_utf8_lossy(path).into_owned(),
            };
            self.kept.push(format!(
                "nothing in {path}: it came empty, which does not prove that nothing is there"
            ));
        }
        let count = self.deletions.len();
        if count == 0 {
            return;
        }
        if let Some(doubt) = &source.doubt {
            self.kept.push(format!(
                "nothing of {count}, as not all of the source was seen: {doubt}"
            ));
            self.deletions.clear();
        } else if rules.max_delete.is_some_and(|most| count > most) {
            self.kept.push(format!(
                "nothing, as it would be {count}: more than --max-delete allows; --dry-run shows what"
            ));
            self.deletions.clear();
        }
    }
}

/// The nearest directory above that the source has.
fn nearest<'a>(source: &Tree, path: &'a [u8]) -> &'a [u8] {
    let mut above = parent(path);
    while !above.is_empty() && !source.nodes.contains_key(above) {
        above = parent(above);
    }
    above
}

/// The same for paths that file systems may not tell apart: by case, by how marks of letters are written, by
/// characters that they replace, and by what they drop at the end of names.
fn alike(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let names = path.split('/').map(|name| {
        let mut alike = String::new();
        for character in name.to_lowercase().chars() {
            match character {
                // A mark of its own, and a letter that has one.
                '\u{300}'..='\u{36f}' => {
                    alike.pop();
                    alike.push('^');
                }
                '\u{df}'..='\u{24f}' => alike.push('^'),
                character if character.is_alphanumeric() => alike.push(character),
                _ => alike.push('_'),
            }
        }
        match alike.trim_end_matches('_') {
            "" => name.to_owned(),
            alike => alike.to_owned(),
        }
    });
    names.collect::<Vec<_>>().join("/")
}

/// Whether the source's file is to replace the target's; `None` if that cannot be said yet.
fn is_wanted(source: Node, target: Node, rules: &Rules) -> Option<bool> {
    let (
        Node::File { size, time },
        Node::File {
            size: old_size,
            time: old_time,
        },
    ) = (source, target)
    else {
        return Some(true);
    };
    let newer = time.zip(old_time).map(|(time, old)| time > old);
    match size.zip(old_size) {
        Some((size, old)) if size != old && !rules.only_newer => Some(true),
        sizes if newer.is_none() && rules.is_final => Some(sizes.is_none() && !rules.only_newer),
        _ => newer,
    }
}

#[cfg(test)]
mod tests;
