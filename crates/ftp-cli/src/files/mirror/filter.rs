//! Which files of a tree are meant: `--include` and `--exclude`.

/// Patterns of paths.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    include: Vec<Vec<u8>>,
    exclude: Vec<Vec<u8>>,
}

impl Filter {
    pub(super) fn new(include: &[String], exclude: &[String]) -> Self {
        let bytes =
            |patterns: &[String]| patterns.iter().map(|it| it.clone().into_bytes()).collect();
        Self {
            include: bytes(include),
            exclude: bytes(exclude),
        }
    }

    /// Whether this is left alone on both sides: it, or a directory that it is in, is excluded.
    pub(super) fn excludes(&self, path: &[u8]) -> bool {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let above = ends.map(|(end, _)| path.get(..end).unwrap_or(path));
        above
            .chain([path])
            .any(|path| self.exclude.iter().any(|pattern| is_meant(pattern, path)))
    }

    /// Whether this file is meant.
    pub(super) fn includes_file(&self, path: &[u8]) -> bool {
        let is_included =
            self.include.is_empty() || self.include.iter().any(|pattern| is_meant(pattern, path));
        is_included && !self.excludes(path)
    }

    /// Whether directories are made that no file needs.
    pub(super) fn makes_all_directories(&self) -> bool {
        self.include.is_empty()
    }
}

/// A pattern with a slash is for the whole path, one without for the last name.
fn is_meant(pattern: &[u8], path: &[u8]) -> bool {
    let pattern = pattern.strip_suffix(b"/").unwrap_or(pattern);
    match pattern.strip_prefix(b"/") {
        Some(pattern) => matches(pattern, path),
        None if pattern.contains(&b'/') => matches(pattern, path),
        None => {
            let start = path.iter().rposition(|byte| *byte == b'/');
            let name = path.get(start.map_or(0, |start| start + 1)..);
            matches(pattern, name.unwrap_or(path))
        }
    }
}

/// `*` and `?` stand for all but a slash, `**` for slashes, too; `[a-z]` for one of these.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            matches(rest, text)
                || (0..text.len()).any(|at| text[at] == b'/' && matches(rest, &text[at + 1..]))
        }
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        [b'*', rest @ ..] => {
            let end = text
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(text.len());
            (0..=end).any(|at| matches(rest, &text[at..]))
        }
        [first, rest @ ..] => {
            let Some((byte, text)) = text.split_first() else {
                return false;
            };
            let (is_one, rest) = match first {
                b'?' => (*byte != b'/', rest),
                b'[' => match class(rest, *byte) {
                    Some(found) => found,
                    None => (*byte == b'[', rest),
                },
                b'\\' if !rest.is_empty() => (*byte == rest[0], &rest[1..]),
                first => (byte == first, rest),
            };
            is_one && matches(rest, text)
        }
    }
}

/// What follows `[`: whether the byte is one of these, and what comes after `]`. `None`: there is no end.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (is_negated, pattern) = match pattern {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // One at the front stands for itself.
    let end = 1 + pattern.get(1..)?.iter().position(|byte| *byte == b']')?;
    let mut members = &pattern[..end];
    let mut is_member = false;
    while let [first, rest @ ..] = members {
        (is_member, members) = match rest {
            [b'-', last, rest @ ..] => (is_member || (*first..=*last).contains(&byte), rest),
            rest => (is_member || *first == byte, rest),
        };
    }
    Some((is_member != is_negated && byte != b'/', &pattern[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_mean_what_shells_mean() {
        for (pattern, path, is) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "x/y/a.csv", true),
            ("*.csv", "a.csv.gz", false),
            ("x/*.csv", "x/a.csv", true),
            ("x/*.csv", "x/y/a.csv", false),
            ("x/**/*.csv", "x/y/z/a.csv", true),
            ("x/**/*.csv", "x/a.csv", true),
            ("**/tmp", "a/tmp", true),
            ("/tmp", "a/tmp", false),
            ("/tmp", "tmp", true),
            ("tmp/", "a/tmp", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("[a", "[a", true),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("", "", true),
        ] {
            assert_eq!(
                is_meant(pattern.as_bytes(), path.as_bytes()),
                is,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn what_is_excluded_is_so_with_all_below() {
        let filter = Filter::new(&["*.csv".to_owned()], &["old".to_owned()]);
        for (path, is) in [
            ("a.csv", true),
            ("a.txt", false),
            ("x/a.csv", true),
            ("x/old/y/a.csv", false),
            ("old", false),
        ] {
            assert_eq!(filter.includes_file(path.as_bytes()), is, "{path}");
        }
        assert!(filter.excludes(b"x/old/y"));
        assert!(!filter.excludes(b"x"));
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern: Vec<u8>, path: Vec<u8>) {
            is_meant(&pattern, &path);
        }

        /// Every path is meant by itself, escaped.
        #[test]
        fn a_path_means_itself(path in "[a-z*?\\[\\]\\\\]{1,8}(/[a-z*?\\[\\]\\\\]{1,8}){0,2}") {
            let escaped: Vec<u8> = path
                .bytes()
                .flat_map(|byte| match byte {
                    b'/' => vec![byte],
                    byte => vec![b'\\', byte],
                })
                .collect();
            prop_assert!(is_meant(&escaped, path.as_bytes()));
        }
    }
}
