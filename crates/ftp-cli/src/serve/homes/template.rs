//! Homes of users by a rule: `--home-template`.

use std::path::Path;

use ftp_tokio::ftp_files::is_usable;

use super::Place;

/// Where homes are: a path with `{user}` in it, absolute or behind `{root}/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// Below `--root`, and without `{root}`.
    below_root: bool,
    path: String,
}

impl Template {
    /// Reads the value of `--home-template`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (below_root, path) = match text.strip_prefix("{root}") {
            Some(path) if path.starts_with('/') => (true, path),
            _ if Path::new(text).is_absolute() => (false, text),
            _ => return Err("it must begin with {root}/, or be an absolute path".to_owned()),
        };
        if !path.contains(USER) {
            return Err("{user} is missing: all would have the same home".to_owned());
        }
        if path.replace(USER, "").contains(['{', '}', '\0']) {
            return Err("in braces there may be {user}, and {root} at the start".to_owned());
        }
        if path.split('/').any(|component| component == "..") {
            return Err("it has .. in it".to_owned());
        }
        Ok(Self {
            below_root,
            path: path.to_owned(),
        })
    }

    pub(super) fn is_below_root(&self) -> bool {
        self.below_root
    }

    /// The home of a user. The name becomes one component of the path, or a part of one.
    pub(super) fn place(&self, name: &[u8]) -> Result<Place, String> {
        let is_component = is_usable(name) && !name.contains(&b'\\');
        let text = str::from_utf8(name).ok().filter(|_| is_component);
        let text = text.ok_or_else(|| {
            let name = name.escape_ascii();
            format!("the name \"{name}\" cannot be in the path of --home-template")
        })?;
        let path = self.path.replace(USER, text);
        Ok(match self.below_root {
            true => Place::below(path.as_bytes()),
            false => Place::Host(path.into()),
        })
    }
}

const USER: &str = "{user}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_below_the_root_or_absolute_and_has_the_user_in_it() {
        let template = Template::parse("{root}/homes/{user}/ftp").unwrap();
        assert_eq!(
            template.place(b"anna").unwrap(),
            Place::Below(b"/homes/anna/ftp".to_vec())
        );
        for bad in [
            "",
            "{root}",
            "{root}/",
            "{user}",
            "homes/{user}",
            "{root}{user}",
            "{root}/x",
            "{root}/{user}/..",
            "{root}/../{user}",
            "{root}/{root}/{user}",
            "{root}/{name}/{user}",
            "{root}/{user",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_name_leads_out_of_its_component() {
        for template in ["{root}/{user}", "{root}/x{user}", "{root}/{user}/ftp"] {
            let template = Template::parse(template).unwrap();
            let names: [&[u8]; 10] = [
                b"", b".", b"..", b"../bob", b"a/b", b"/etc", b"a\0", b"a\nb", b"a\\b", b"\xff",
            ];
            for name in names {
                assert!(template.place(name).is_err(), "{}", name.escape_ascii());
            }
            // A template is no template twice.
            let place = template.place(b"{user}").unwrap();
            assert!(
                matches!(place, Place::Below(path) if path.windows(6).any(|it| it == b"{user}"))
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_absolute_home_is_on_the_host() {
        let template = Template::parse("/home/{user}/ftp").unwrap();
        let place = template.place(b"anna").unwrap();
        assert_eq!(place, Place::Host("/home/anna/ftp".into()));
    }
}
