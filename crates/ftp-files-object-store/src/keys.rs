//! Paths to keys and back.

use ftp_files::is_usable;
use ftp_proto::server::{FileError, VirtualPath};
use object_store::path::Path;

/// An empty object in each directory that was made by a client: it keeps the directory when nothing else is
/// in it. No client can name it.
pub(crate) const MARKER: &str = ".ftp-directory";
/// What S3, Google Cloud Storage and Azure take, in bytes.
const LONGEST_KEY: usize = 1024;

/// The part of a store that is served: keys that begin with this, and `/`. All, if it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Root(String);

impl Root {
    pub(crate) fn new(prefix: &Path) -> Self {
        Self(prefix.as_ref().to_owned())
    }

    /// The root of what is below a directory of this one.
    pub(crate) fn below(&self, path: &VirtualPath) -> Result<Self, FileError> {
        Ok(Self(self.join(path)?))
    }

    /// The key of a file.
    ///
    /// # Errors
    /// [`FileError::NotAllowed`] for names that no object has here.
    pub(crate) fn key(&self, path: &VirtualPath) -> Result<Path, FileError> {
        Path::parse(self.join(path)?).map_err(|_| FileError::NotAllowed)
    }

    /// What the keys begin with that are in a directory: empty, or with `/` at its end.
    pub(crate) fn directory(&self, path: &VirtualPath) -> Result<Directory, FileError> {
        let mut prefix = self.join(path)?;
        if !prefix.is_empty() {
            prefix.push('/');
        }
        Ok(Directory {
            prefix,
            is_root: path.is_root(),
        })
    }

    /// Key names are UTF-8 without control characters.
    fn join(&self, path: &VirtualPath) -> Result<String, FileError> {
        let mut key = self.0.clone();
        for name in path.components() {
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(text(name).ok_or(FileError::NotAllowed)?);
        }
        let has_room = key.len() + "/".len() + MARKER.len() <= LONGEST_KEY;
        Some(key).filter(|_| has_room).ok_or(FileError::NotAllowed)
    }
}

/// A directory: what the keys in it begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    prefix: String,
    /// The root of what is served is there, whatever is in it.
    pub(crate) is_root: bool,
}

impl Directory {
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn marker(&self) -> Path {
        self.at(MARKER)
    }

    pub(crate) fn at(&self, rest: &str) -> Path {
        // Its parts were checked when this was made, or come from the store.
        Path::parse(format!("{}{rest}", self.prefix)).unwrap_or_default()
    }

    /// The name of a key directly in this directory, if a client can name it.
    pub(crate) fn name<'a>(&self, key: &'a Path) -> Option<&'a str> {
        self.rest(key)
            .filter(|name| text(name.as_bytes()).is_some())
    }

    /// What is behind the prefix. An object whose name is that of the directory and `/` has nothing there.
    pub(crate) fn rest<'a>(&self, key: &'a Path) -> Option<&'a str> {
        key.as_ref().strip_prefix(self.prefix())
    }
}

/// A name as part of a key.
fn text(name: &[u8]) -> Option<&str> {
    let is_marker = name.eq_ignore_ascii_case(MARKER.as_bytes());
    let text = std::str::from_utf8(name).ok()?;
    let is_plain = !text.chars().any(char::is_control);
    Some(text).filter(|_| is_usable(name) && is_plain && !is_marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: impl AsRef<[u8]>) -> VirtualPath {
        VirtualPath::root().resolve(path.as_ref())
    }

    #[test]
    fn keys_are_the_names_as_they_are() {
        let root = Root::new(&Path::parse("a/b").unwrap());
        for name in [
            "x",
            "ü/%2e%2e/100%",
            "a b",
            "~#?*[]{}\\|\"'<>^`",
            ".hidden",
            "...",
        ] {
            let key = root.key(&path(name)).unwrap();
            assert_eq!(key.as_ref(), format!("a/b/{name}"));
        }
        assert_eq!(root.directory(&path("/")).unwrap().prefix(), "a/b/");
        assert_eq!(root.directory(&path("c")).unwrap().prefix(), "a/b/c/");
        assert_eq!(Root::default().directory(&path("/")).unwrap().prefix(), "");
    }

    #[test]
    fn nothing_leads_out_of_the_prefix() {
        let root = Root::new(&Path::parse("a/b").unwrap());
        for name in [
            "..",
            "../..",
            "/../x",
            "x/../../y",
            "//x",
            "./x",
            "a//b",
            "/./../x/",
        ] {
            let key = root.key(&path(name)).unwrap();
            assert!(key.as_ref().starts_with("a/b"), "{name}: {key}");
            assert!(!key.as_ref().contains("..") && !key.as_ref().contains("//"));
        }
    }

    #[test]
    fn names_that_no_object_has_are_refused() {
        let long = "n/".repeat(510);
        let names: [&[u8]; 8] = [
            b"\xff",
            b"a/\xc3",
            b"a\x07",
            "\u{85}".as_bytes(),
            b".ftp-directory",
            b"d/.FTP-Directory",
            b".ftp-upload-1",
            long.as_bytes(),
        ];
        for name in names {
            assert_eq!(Root::default().key(&path(name)), Err(FileError::NotAllowed));
        }
    }
}
