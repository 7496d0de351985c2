//! The paths that a client names, resolved (RFC 3659 §6, `TVFS`): bytes, `/` between components.

use alloc::vec::Vec;
use core::fmt;

use crate::wire::escape;

/// A path below the root of what is served, as the client sees it. Always absolute and in its shortest
/// form: `/`, or components that each follow a `/` and are neither empty nor `.` nor `..`.
///
/// It does not lead above the root, but what it names may be a link that does: that is for the
/// application to see to. Components are bytes without `/`, CR, LF and NUL, and nothing else is sure.
///
/// ```
/// use ftp_proto::server::VirtualPath;
///
/// let current = VirtualPath::root().resolve(b"pub/./music/");
/// assert_eq!(current.as_bytes(), b"/pub/music");
/// assert_eq!(current.resolve(b"../../../etc//passwd").as_bytes(), b"/etc/passwd");
/// assert_eq!(current.resolve(b"/a/b/..").as_bytes(), b"/a");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VirtualPath {
    /// Each component with a `/` in front; nothing for the root.
    bytes: Vec<u8>,
}

impl VirtualPath {
    /// `/`.
    pub const fn root() -> Self {
        Self { bytes: Vec::new() }
    }

    /// What `path` names if this is the current directory. `..` removes the last component, and at
    /// the root it has no effect. `.` and empty components are left out, so `//` is `/` and a `/` at the
    /// end means nothing.
    #[must_use]
    pub fn resolve(&self, path: &[u8]) -> Self {
        let is_absolute = path.first() == Some(&b'/');
        let mut resolved = match is_absolute {
            true => Self::root(),
            false => self.clone(),
        };
        resolved.bytes.reserve(path.len().saturating_add(1));
        for component in path.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => resolved.pop(),
                name => {
                    resolved.bytes.push(b'/');
                    resolved.bytes.extend_from_slice(name);
                }
            }
        }
        resolved
    }

    fn pop(&mut self) {
        let end = memchr::memrchr(b'/', &self.bytes).unwrap_or_default();
        self.bytes.truncate(end);
    }

    /// The path, with a `/` in front.
    pub fn as_bytes(&self) -> &[u8] {
        if self.is_root() { b"/" } else { &self.bytes }
    }

    /// Whether it is `/`.
    pub fn is_root(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The names from the root down; none for the root. Each is one component.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let inner = self.bytes.get(1..);
        inner
            .into_iter()
            .flat_map(|inner| inner.split(|byte| *byte == b'/'))
    }

    /// The last component; `None` for the root.
    pub fn name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// The directory it is in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let mut parent = self.clone();
        parent.pop();
        Some(parent)
    }
}

/// With bytes that are no readable text escaped.
impl fmt::Display for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.as_bytes()).fmt(f)
    }
}

impl fmt::Debug for VirtualPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualPath({self})")
    }
}
