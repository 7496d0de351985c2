//! The path of a URL, as RFC 1738 §3.2.2 has it.

use std::fmt;

use ftp_proto::listing::{Entry, Kind};
use ftp_proto::wire::escape;
use percent_encoding::percent_decode_str;

use super::malformed;
use crate::exit::Failure;

/// A path on a server: bytes, not text. It is relative to the directory that the login leads to, unless
/// it begins with a slash, which is `%2F` in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemotePath {
    /// Empty: the directory that the login leads to. No slash at the end, unless it is all there is.
    bytes: Vec<u8>,
    /// It was written with a slash at its end, or is empty: it can only be a directory.
    is_directory: bool,
}

impl RemotePath {
    /// Reads what follows the host: nothing, or a slash and the path. Each segment is decoded by itself.
    /// A second slash at the front begins at the root, as `%2F` does; curl reads it so, too.
    ///
    /// # Errors
    /// If a segment holds what no command can (CR, LF, NUL), or the path ends with a `;type=` other than
    /// `i` (bytes as they are) and `d` (a directory).
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let (text, is_directory) = match text.rsplit_once(";type=") {
            None => (text, false),
            Some((path, "i" | "I")) => (path, false),
            Some((path, "d" | "D")) => (path, true),
            Some((_, "a" | "A")) => {
                return Err(Failure::usage(
                    "with ;type=a line ends would be converted, which is not done here",
                )
                .hint("without ;type=a the bytes come as the server has them"));
            }
            Some(_) => return Err(malformed("of types there are ;type=i and ;type=d")),
        };
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        if bytes.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err(malformed(
                "the path holds a line end or a NUL, which FTP cannot send",
            ));
        }
        let mut path = Self::new(bytes);
        path.is_directory |= is_directory;
        Ok(path)
    }

    pub(crate) fn new(mut bytes: Vec<u8>) -> Self {
        let is_directory = bytes.is_empty() || bytes.ends_with(b"/");
        while bytes.len() > 1 && bytes.ends_with(b"/") {
            bytes.pop();
        }
        Self {
            bytes,
            is_directory,
        }
    }

    /// For commands; empty if it is the directory that the login leads to.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is the directory that the login leads to.
    pub(crate) fn is_start(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether it can only be a directory: it is empty, or ends with a slash.
    pub(crate) fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// Whether it is a directory that everything of a user may lie in: that of the login, or the root.
    pub(crate) fn is_top(&self) -> bool {
        self.bytes
            .split(|byte| *byte == b'/')
            .all(|segment| matches!(segment, b"" | b"." | b".."))
    }

    /// The last segment.
    pub(crate) fn name(&self) -> &[u8] {
        let start = self.bytes.iter().rposition(|byte| *byte == b'/');
        self.bytes
            .get(start.map_or(0, |start| start + 1)..)
            .unwrap_or_default()
    }

    /// The path of something in this directory.
    pub(crate) fn join(&self, name: &[u8]) -> Self {
        let mut bytes = self.bytes.clone();
        if !bytes.is_empty() && !bytes.ends_with(b"/") {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name);
        Self::new(bytes)
    }

    /// The path of something in the same directory.
    pub(crate) fn beside(&self, name: &[u8]) -> Self {
        let directory = self.bytes.len() - self.name().len();
        let directory = self.bytes.get(..directory).unwrap_or_default();
        Self::new([directory, name].concat())
    }

    /// The directory that the login leads to, or the root if the path begins there.
    pub(crate) fn top(&self) -> Self {
        Self::new(
            self.bytes
                .iter()
                .take(1)
                .filter(|byte| **byte == b'/')
                .copied()
                .collect(),
        )
    }

    /// The directory that this is in; `None` if that is the one of the login, or the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        let end = self.bytes.iter().rposition(|byte| *byte == b'/')?;
        let parent = self.bytes.get(..end).unwrap_or_default();
        (!parent.is_empty()).then(|| Self::new(parent.to_vec()))
    }
}

/// With what a terminal would obey escaped.
impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bytes.is_empty() {
            return f.write_str("the login directory");
        }
        escape(&self.bytes).fmt(f)
    }
}

/// The name of a local file for this name of a server's: one plain component, or `None`.
pub(crate) fn local_name(name: &[u8]) -> Option<std::ffi::OsString> {
    let entry = Entry::new(name, Kind::File);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = entry.local_name_on_unix()?;
        Some(std::ffi::OsStr::from_bytes(name).to_os_string())
    }
    #[cfg(not(unix))]
    entry.local_name().map(Into::into)
}

/// The name that a server is told for this local one; `None` if it cannot be sent.
pub(crate) fn remote_name(name: &std::ffi::OsStr) -> Option<Vec<u8>> {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(name).to_vec();
    #[cfg(not(unix))]
    let bytes = name.to_str()?.as_bytes().to_vec();
    let is_sent = |byte: &u8| !matches!(byte, 0 | b'\r' | b'\n');
    bytes.iter().all(is_sent).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<u8> {
        RemotePath::parse(text).unwrap().bytes
    }

    #[test]
    fn paths_are_relative_to_the_login_and_each_segment_is_decoded() {
        for (text, expected) in [
            ("", &b""[..]),
            ("/", b""),
            ("/a/b.txt", b"a/b.txt"),
            ("/%2Fetc/motd", b"/etc/motd"),
            ("//etc/motd", b"/etc/motd"),
            ("/%2F", b"/"),
            ("/a%20b/%C3%A4%FF", b"a b/\xc3\xa4\xff"),
            ("/dir/", b"dir"),
            ("/x;type=i", b"x"),
            ("/x%3Btype=a", b"x;type=a"),
            ("/100%25", b"100%"),
        ] {
            assert_eq!(path(text), expected, "{text}");
        }
        assert!(RemotePath::parse("/a/").unwrap().is_directory());
        assert!(!RemotePath::parse("/a").unwrap().is_directory());
        assert!(RemotePath::parse("/a;type=d").unwrap().is_directory());
        for text in ["/a%0d%0aDELE b", "/a%00", "/x;type=a", "/x;type=e"] {
            assert!(RemotePath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_parents_are_those_of_the_last_segment() {
        let of = |text: &str| RemotePath::new(text.into());
        assert_eq!(of("a/b/c").name(), b"c");
        assert_eq!(of("a/b/c").parent(), Some(of("a/b")));
        assert_eq!((of("c").name(), of("c").parent()), (&b"c"[..], None));
        assert_eq!(of("/c").parent(), None);
        assert_eq!((of("/c").top(), of("c").top()), (of("/"), of("")));
        assert_eq!(of("").join(b"c"), of("c"));
        assert_eq!(of("/").join(b"c"), of("/c"));
        assert_eq!(of("a").join(b"c"), of("a/c"));
        for (text, is_top) in [
            ("", true),
            ("/", true),
            ("..", true),
            ("/..", true),
            ("a", false),
        ] {
            assert_eq!(of(text).is_top(), is_top, "{text}");
        }
    }

    #[test]
    fn no_name_leads_out_of_a_directory() {
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0"] {
            assert_eq!(local_name(name), None, "{name:?}");
        }
        assert_eq!(local_name(b"a b"), Some("a b".into()));
    }
}
