//! Renaming, with and without replacing. Both directories are open, and names are one component.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions};
use ftp_proto::server::FileError;

use super::file_error;

/// A name in an open directory.
pub(super) type Place<'a> = (&'a Dir, &'a Path);

pub(super) fn rename(from: Place<'_>, to: Place<'_>, may_overwrite: bool) -> Result<(), FileError> {
    if !may_overwrite {
        return rename_new(from, to).map_err(file_error);
    }
    let source = from.0.symlink_metadata(from.1).map_err(file_error)?;
    match to.0.symlink_metadata(to.1) {
        Ok(target) if target.is_dir() || source.is_dir() => return Err(FileError::Exists),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(file_error(error)),
    }
    replace(from, to)
}

/// A file takes the place of another at once.
pub(super) fn replace(from: Place<'_>, to: Place<'_>) -> Result<(), FileError> {
    from.0
        .rename(from.1, to.0, to.1)
        .map_err(|error| match to.0.symlink_metadata(to.1) {
            Ok(target) if target.is_dir() => FileError::Exists,
            _ => file_error(error),
        })
}

/// [`io::ErrorKind::AlreadyExists`] if something has the new name.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn rename_new(from: Place<'_>, to: Place<'_>) -> io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
        // An old system, or a file system that cannot.
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => rename_onto_placeholder(from, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn rename_new(from: Place<'_>, to: Place<'_>) -> io::Result<()> {
    rename_onto_placeholder(from, to)
}

/// An empty file of our own keeps the name free from others. A directory cannot have one; it replaces
/// no file and nothing but an empty directory.
fn rename_onto_placeholder(from: Place<'_>, to: Place<'_>) -> io::Result<()> {
    if from.0.symlink_metadata(from.1)?.is_dir() {
        return match to.0.symlink_metadata(to.1) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                from.0.rename(from.1, to.0, to.1)
            }
            Err(error) => Err(error),
        };
    }
    to.0.open_with(to.1, OpenOptions::new().write(true).create_new(true))?;
    let renamed = from.0.rename(from.1, to.0, to.1);
    if renamed.is_err() {
        let _ = to.0.remove_file(to.1);
    }
    renamed
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    /// Where the system can do it at once, nothing else would run this.
    #[test]
    fn without_help_of_the_system_nothing_is_replaced_either() {
        let path = std::env::temp_dir().join(format!("ftp-files-rename-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        let dir = Dir::open_ambient_dir(&path, ambient_authority()).unwrap();
        let rename = |from, to| {
            let place = |name| (&dir, Path::new(name));
            rename_onto_placeholder(place(from), place(to)).map_err(|error| error.kind())
        };
        dir.write("a", "a").unwrap();
        dir.write("b", "b").unwrap();
        dir.create_dir("d").unwrap();
        dir.create_dir("e").unwrap();
        for (from, to) in [("a", "b"), ("a", "d"), ("d", "a"), ("d", "e")] {
            assert_eq!(
                rename(from, to),
                Err(io::ErrorKind::AlreadyExists),
                "{from} {to}"
            );
        }
        assert_eq!(rename("x", "y"), Err(io::ErrorKind::NotFound));
        assert!(!dir.exists("y"));
        assert_eq!(rename("a", "c"), Ok(()));
        assert_eq!(rename("d", "f"), Ok(()));
        assert_eq!(dir.read_to_string("c").unwrap(), "a");
        assert_eq!(dir.read_to_string("b").unwrap(), "b");
        assert!(dir.is_dir("f") && !dir.exists("a") && !dir.exists("d"));
        std::fs::remove_dir_all(&path).unwrap();
    }
}
