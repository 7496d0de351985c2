//! Whose files are where: the directory of each user, and its quota.

mod root;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ftp_proto::server::{FileError, FilesConfig, VirtualPath};
use ftp_tokio::ftp_files::{Directory, Files, InPlace, Usage};

use self::root::Root;
pub(crate) use self::template::Template;
use super::users::{Quota, Terms, Users};
use crate::cli::{ServeArguments, Uploads};
use crate::exit::Failure;

/// The directories that the options name, and those that sessions have open.
pub(super) struct Homes {
    root: Option<Root>,
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

/// What the sessions in a place share.
struct OpenPlace {
    files: Option<Weak<dyn Files>>,
    /// With a quota. To count takes long if there is much, so it is kept for a while.
    limited: Option<Arc<LimitedFiles>>,
    last_used: Instant,
}

/// How long the count of a quota is kept that no session uses.
const KEPT: Duration = Duration::from_secs(600);

type LimitedFiles = ftp_tokio::ftp_files::Quota<Arc<dyn Files>>;

impl Homes {
    /// Opens `--root`.
    pub(super) fn new(arguments: &ServeArguments) -> Result<Self, Failure> {
        let root = match &arguments.files.root {
            Some(path) => Some(Root::open(path, arguments.files.uploads)?),
            None => None,
        };
        let anonymous = arguments.who.anonymous.clone().flatten();
        let template = arguments.who.home_template.as_ref();
        let is_on_host = anonymous.is_some() || template.is_some_and(|it| !it.is_below_root());
        if is_on_host && root.as_ref().is_some_and(Root::is_store) {
            return Err(Failure::usage(
                "--root is an object store: other files than those in it are not served",
            ));
        }
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

    /// What `FEAT` offers where these files are served.
    pub(super) fn offered(&self, files: FilesConfig) -> FilesConfig {
        match &self.root {
            Some(root) => root.offered(files),
            None => files,
        }
    }

    /// Checks the users before they can log in.
    ///
    /// # Errors
    /// The first line of the users file that is wrong, and why.
    pub(super) fn check(&self, users: &Users) -> Result<(), String> {
        let mut roots: BTreeMap<Vec<u8>, (&[u8], Option<Quota>)> = BTreeMap::new();
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
            let quota = self.quota_of(terms);
            let (other, others) = roots.entry(place.sortable()).or_insert((name, quota));
            if *others != quota {
                let other = other.escape_ascii();
                return Err(at(format!(
                    "the root is that of {other}, whose quota is another"
                )));
            }
        }
        roots.retain(|_, (_, quota)| quota.is_some());
        check_apart(&roots)
    }

    /// Where a user's files are; `None` if nothing is served to this user.
    fn place(&self, name: &[u8], terms: &Terms) -> Result<Option<Place>, String> {
        if let Some(path) = &terms.root {
            return match (path.is_absolute(), &self.root) {
                (true, Some(root)) if root.is_store() => Err(format!(
                    "the root {path:?} is absolute, and --root is an object store: without / at its \
                     start it is below that"
                )),
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
        let files = match open.files.as_ref().and_then(Weak::upgrade) {
            Some(files) => files,
            None => self.open(&place)?,
        };
        open.files = Some(Arc::downgrade(&files));
        let Some(quota) = self.quota_of(terms) else {
            return Ok(self.with_uploads(files));
        };
        let limit = Usage {
            bytes: quota.bytes,
            files: quota.files,
        };
        let limited = match &open.limited {
            Some(limited) => Arc::clone(limited),
            None => Arc::new(LimitedFiles::measure(files, limit).map_err(failed)?),
        };
        // A reload may have changed it.
        limited.set_limit(limit);
        open.limited = Some(Arc::clone(&limited));
        Ok(self.with_uploads(limited))
    }

    /// As `--uploads` says. What is written over counts once, so this is outside of a quota.
    fn with_uploads(&self, files: Arc<dyn Files>) -> Arc<dyn Files> {
        match self.uploads {
            Uploads::Atomic => files,
            Uploads::InPlace => Arc::new(InPlace::new(files)),
        }
    }

    fn files_of_anonymous(&self) -> io::Result<Arc<dyn Files>> {
        match (&self.anonymous, &self.root) {
            (Some(path), _) => Ok(Arc::new(Directory::open(path)?)),
            (None, Some(root)) => root.below(b"/"),
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn open(&self, place: &Place) -> io::Result<Arc<dyn Files>> {
        match (place, &self.root) {
            (Place::Host(path), _) => Ok(Arc::new(Directory::open(path)?)),
            (Place::Below(path), Some(root)) => root.below(path),
            (Place::Below(_), None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// What the sessions in a place share. Forgets the places that no session uses.
    fn shared(&self, place: &Place) -> Arc<Mutex<OpenPlace>> {
        let now = Instant::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, shared| {
            let is_being_opened = Arc::strong_count(shared) > 1;
            is_being_opened || shared.try_lock().is_ok_and(|mut it| it.is_wanted(now))
        });
        let shared = open.entry(place.clone()).or_insert_with(|| {
            Arc::new(Mutex::new(OpenPlace {
                files: None,
                limited: None,
                last_used: now,
            }))
        });
        Arc::clone(shared)
    }

    fn quota_of(&self, terms: &Terms) -> Option<Quota> {
        let quota = terms.quota.or(self.quota);
        quota.filter(|quota| *quota != Quota::NONE)
    }
}

impl OpenPlace {
    fn is_wanted(&mut self, now: Instant) -> bool {
        let is_used = match &self.limited {
            Some(limited) => Arc::strong_count(limited) > 1,
            None => self
                .files
                .as_ref()
                .is_some_and(|files| files.strong_count() > 0),
        };
        if is_used {
            self.last_used = now;
        }
        is_used || (self.limited.is_some() && now - self.last_used < KEPT)
    }
}

impl Place {
    /// A root sorts directly before what is below it.
    fn sortable(&self) -> Vec<u8> {
        let (kind, path) = match self {
            Self::Below(path) => (b'<', path.as_slice()),
            Self::Host(path) => (b'=', path.as_os_str().as_encoded_bytes()),
        };
        let path = path.strip_suffix(b"/").unwrap_or(path);
        [&[kind], path, b"/"].concat()
    }

    fn below(path: &[u8]) -> Self {
        Self::Below(VirtualPath::root().resolve(path).as_bytes().to_vec())
    }
}

/// What is below a root follows it directly.
fn check_apart(roots: &BTreeMap<Vec<u8>, (&[u8], Option<Quota>)>) -> Result<(), String> {
    let pairs = roots.iter().zip(roots.iter().skip(1));
    for ((outer, (of_outer, _)), (inner, (of_inner, _))) in pairs {
        if inner.starts_with(outer) {
            return Err(format!(
                "the root of {} lies in that of {}, and both have a quota, which would count it \
                 twice; quota = \"none\" leaves one out",
                of_inner.escape_ascii(),
                of_outer.escape_ascii()
            ));
        }
    }
    Ok(())
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
