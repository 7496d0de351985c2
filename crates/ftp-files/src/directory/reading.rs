//! Reads a directory bit by bit. On Linux with little memory: what `cap-std` reads it with holds 48 KiB for a
//! large one, as long as it is open.

#[cfg(target_os = "linux")]
pub(super) use self::linux::{Entry, Reading, kind_of, read};
#[cfg(not(target_os = "linux"))]
pub(super) use self::other::{Entry, Reading, kind_of, read};

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStringExt;
    use std::path::Path;
    use std::sync::Arc;

    use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt};
    use ftp_proto::listing::Kind;
    use rustix::fs::{FileType, OFlags, RawDir};
    use rustix::io::Errno;

    /// How much the system says at once: a hundred names or more. It is longer than any name.
    const SPACE: usize = 8 * 1024;

    /// Gives `.` and `..`, too.
    pub(in super::super) struct Reading {
        directory: Arc<Dir>,
        /// What the system said last: names, each with its type in front and a NUL at its end.
        said: Vec<u8>,
        /// How much of that was given.
        given: usize,
        /// It gives nothing more after an error.
        has_failed: bool,
    }

    pub(in super::super) struct Entry {
        directory: Arc<Dir>,
        kind: Kind,
        name: OsString,
    }

    pub(in super::super) fn read(root: &Dir, path: &Path) -> io::Result<Reading> {
        let mut options = OpenOptions::new();
        let is_directory = OFlags::DIRECTORY.bits().cast_signed();
        let directory = root.open_with(path, options.read(true).custom_flags(is_directory))?;
        Ok(Reading {
            directory: Arc::new(Dir::from_std_file(directory.into_std())),
            said: Vec::new(),
            given: 0,
            has_failed: false,
        })
    }

    pub(in super::super) fn kind_of(entry: &Entry) -> Kind {
        entry.kind
    }

    impl Reading {
        /// At the end the system says nothing.
        fn ask(&mut self) -> Result<(), Errno> {
            self.said.clear();
            self.given = 0;
            let mut space = [MaybeUninit::uninit(); SPACE];
            let mut read = RawDir::new(&*self.directory, &mut space);
            while let Some(entry) = read.next() {
                let entry = entry?;
                self.said.push(match entry.file_type() {
                    FileType::RegularFile => b'f',
                    FileType::Directory => b'd',
                    FileType::Symlink => b'l',
                    _ => b'o',
                });
                let name = entry.file_name().to_bytes_with_nul();
                self.said.extend_from_slice(name);
                if read.is_buffer_empty() {
                    break;
                }
            }
            Ok(())
        }
    }

    impl Iterator for Reading {
        type Item = io::Result<Entry>;

        fn next(&mut self) -> Option<Self::Item> {
            if self.given == self.said.len() && !self.has_failed {
                match self.ask() {
                    // The directory was removed.
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => {
                        self.has_failed = true;
                        return Some(Err(error.into()));
                    }
                }
            }
            let (first, rest) = self.said[self.given..].split_first()?;
            let length = rest.iter().position(|byte| *byte == 0)?;
            self.given += length + 2;
            Some(Ok(Entry {
                directory: Arc::clone(&self.directory),
                kind: match first {
                    b'f' => Kind::File,
                    b'd' => Kind::Directory,
                    b'l' => Kind::Link,
                    _ => Kind::Other,
                },
                name: OsString::from_vec(rest[..length].to_vec()),
            }))
        }
    }

    impl Entry {
        pub(in super::super) fn file_name(&self) -> &OsString {
            &self.name
        }

        pub(in super::super) fn metadata(&self) -> io::Result<Metadata> {
            self.directory.symlink_metadata(&self.name)
        }

        pub(in super::super) fn remove_file(&self) -> io::Result<()> {
            self.directory.remove_file(&self.name)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::path::Path;

    use cap_std::fs::Dir;
    pub(in super::super) use cap_std::fs::{DirEntry as Entry, ReadDir as Reading};
    use ftp_proto::listing::Kind;

    use crate::directory::kind;

    pub(in super::super) fn read(root: &Dir, path: &Path) -> io::Result<Reading> {
        root.read_dir(path)
    }

    pub(in super::super) fn kind_of(entry: &Entry) -> Kind {
        entry.file_type().map_or(Kind::Other, kind)
    }
}
