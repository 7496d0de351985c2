//! Whose files are where: the directory of each user, and its quota.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ftp_proto::server::{FileError, VirtualPath};
use ftp_tokio::ftp_files::{Directory, Files, InPlace, Usage, is_usable};

use super::users::{Quota, Terms, Users};
use crate::cli::{ServeArguments, Uploads};
use crate::exit::Failure;

/// The directories that the options name, and those that sessions have open.
#[derive(Debug)]
pub(super) struct Homes {
    root: Option<Arc<Directory>>,
    template: Option<Template>,
    anonymous: Option<PathBuf>,
    quota: Option<Quota>,
    uploads: Uploads,
    open: Mutex<HashMap<Place, Arc<Mutex<OpenPlace>>>>,
}

/// A directory on the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// In `--root`. Nothing leads out of that, not even a link.
    Below(Vec<u8>),
    /// An absolute path.
    Host(PathBuf),
}

/// What sessions share, as long as there are any. With a quota it counts.
#[derive(Debug, Default)]
struct OpenPlace {
    directory: Weak<Directory>,
    limited: Weak<LimitedDirectory>,
}

type LimitedDirectory = ftp_tokio::ftp_files::Quota<Arc<Directory>>;

impl Homes {
    /// Opens `--root`.
    pub(super) fn new(arguments: &ServeArguments) -> Result<Self, Failure> {
        let root = match &arguments.files.root {
            Some(path) => Some(Arc::new(open_directory("--root", path)?)),
            None => None,
        };
        let anonymous = arguments.who.anonymous.clone().flatten();
        if let Some(path) = &anonymous {
            open_directory("--anonymous", path)?;
        }
        if let Some(template) = &arguments.who.home_template {
            if template.is_below_root() && root.is_none() {
                return Err(Failure::usage(
                    "--home-template begins with {root}, which --root names",
                ));
            }
            if arguments.who.anonymous == Some(None) {
                return Err(Failure::usage(
                    "--home-template is for users with homes of their own; \
                     --anonymous=DIR says what `anonymous` reads",
                ));
            }
        }
        let homes = Self {
            root,
            template: arguments.who.home_template.clone(),
            anonymous,
            quota: arguments.who.quota,
            uploads: arguments.files.uploads,
            open: Mutex::default(),
        };
        match arguments.option_for_files() {
            Some(option) if !homes.has_files() => Err(Failure::usage(format!(
                "{option} is about files, and none are served; --root names the directory"
            ))),
            _ => Ok(homes),
        }
    }

    /// Whether any files are served.
    pub(super) fn has_files(&self) -> bool {
        self.root.is_some() || self.template.is_some() || self.anonymous.is_some()
    }

    /// Checks the users before they can log in.
    ///
    /// # Errors
    /// The first line of the users file that is wrong, and why.
    pub(super) fn check(&self, users: &Users) -> Result<(), String> {
        let mut quotas: HashMap<Place, (&[u8], Option<Quota>)> = HashMap::new();
        for (line, name, terms) in users.in_order() {
            let at = |why: String| match line {
                0 => format!("{}: {why}", name.escape_ascii()),
                line => format!("line {line}: {why}"),
            };
            let says_something =
                terms.root.is_some() || terms.rights.is_some() || terms.quota.is_some();
            if says_something && !self.has_files() {
                return Err(at(
                    "no files are served; --root names the directory".to_owned()
                ));
            }
            let Some(place) = self.place(name, terms).map_err(at)? else {
                continue;
            };
            let quota = terms.quota.or(self.quota);
            let (other, others) = quotas.entry(place).or_insert((name, quota));
            if *others != quota {
                let other = other.escape_ascii();
                return Err(at(format!(
                    "the root is that of {other}, whose quota is another"
                )));
            }
        }
        Ok(())
    }

    /// Where a user's files are; `None` if nothing is served to this user.
    fn place(&self, name: &[u8], terms: &Terms) -> Result<Option<Place>, String> {
        if let Some(path) = &terms.root {
            return match (path.is_absolute(), &self.root) {
                (true, _) => Ok(Some(Place::Host(path.clone()))),
                (false, Some(_)) => Ok(Some(Place::below(path.as_os_str().as_encoded_bytes()))),
                (false, None) => Err(format!(
                    "the root {path:?} is not absolute, so it is below --root, which is missing"
                )),
            };
        }
        match &self.template {
            Some(template) => template.place(name).map(Some),
            None => Ok(self.root.as_ref().map(|_| Place::below(b""))),
        }
    }

    /// The files of somebody who has logged in. May block.
    ///
    /// # Errors
    /// Those of opening the directory, or of counting what is in it.
    pub(super) fn files(&self, name: &[u8], users: &Users) -> io::Result<Arc<dyn Files>> {
        let Some(terms) = users.terms(name) else {
            return self.files_of_anonymous();
        };
        let not_found = |why: String| io::Error::new(io::ErrorKind::NotFound, why);
        let place = self.place(name, terms).map_err(not_found)?;
        let place =
            place.ok_or_else(|| not_found("no files are served to this user".to_owned()))?;
        let shared = self.shared(&place);
        let mut open = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = match open.directory.upgrade() {
            Some(directory) => directory,
            None => self.open(&place)?,
        };
        open.directory = Arc::downgrade(&directory);
        let Some(quota) = terms.quota.or(self.quota) else {
            return Ok(self.with_uploads(directory));
        };
        let limit = Usage {
            bytes: quota.bytes,
            files: quota.files,
        };
        let limited = match open.limited.upgrade() {
            Some(limited) => limited,
            None => Arc::new(LimitedDirectory::measure(directory, limit).map_err(failed)?),
        };
        // A reload may have changed it.
        limited.set_limit(limit);
        open.limited = Arc::downgrade(&limited);
        Ok(self.with_uploads(limited))
    }

    /// As `--uploads` says. What is written over counts once, so this is outside of a quota.
    fn with_uploads(&self, files: Arc<impl Files>) -> Arc<dyn Files> {
        match self.uploads {
            Uploads::Atomic => files,
            Uploads::InPlace => Arc::new(InPlace::new(files)),
        }
    }

    fn files_of_anonymous(&self) -> io::Result<Arc<dyn Files>> {
        match (&self.anonymous, &self.root) {
            (Some(path), _) => Ok(Arc::new(Directory::open(path)?)),
            (None, Some(root)) => Ok(root.clone()),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn open(&self, place: &Place) -> io::Result<Arc<Directory>> {
        match (place, &self.root) {
            (Place::Host(path), _) => Ok(Arc::new(Directory::open(path)?)),
            (Place::Below(path), Some(root)) if path == b"/" => Ok(root.clone()),
            (Place::Below(path), Some(root)) => {
                let path = VirtualPath::root().resolve(path);
                Ok(Arc::new(root.below(&path).map_err(failed)?))
            }
            (Place::Below(_), None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// What the sessions in a place share. Forgets the places that no session has open.
    fn shared(&self, place: &Place) -> Arc<Mutex<OpenPlace>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, shared| {
            let is_used = |it: &OpenPlace| it.directory.strong_count() > 0;
            Arc::strong_count(shared) > 1 || shared.try_lock().is_ok_and(|it| is_used(&it))
        });
        Arc::clone(open.entry(place.clone()).or_default())
    }
}

impl Place {
    fn below(path: &[u8]) -> Self {
        Self::Below(VirtualPath::root().resolve(path).as_bytes().to_vec())
    }
}

fn open_directory(option: &str, path: &Path) -> Result<Directory, Failure> {
    Directory::open(path).map_err(|error| {
        let path = path.display();
        Failure::usage(format!(
            "cannot serve the directory {path} of {option}: {error}"
        ))
    })
}

fn failed(error: FileError) -> io::Error {
    let kind = match error {
        FileError::NotFound => io::ErrorKind::NotFound,
        FileError::NotAllowed => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

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

    fn is_below_root(&self) -> bool {
        self.below_root
    }

    /// The home of a user. The name becomes one component of the path, or a part of one.
    fn place(&self, name: &[u8]) -> Result<Place, String> {
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
