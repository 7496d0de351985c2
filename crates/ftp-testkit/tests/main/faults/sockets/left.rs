//! What is left of sessions that are over: sockets and files that are still open.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fmt, fs};

/// The sockets of this process between these ports, as the system sees them. Those that are closed and wait for the
/// network are none.
pub(super) fn sockets(ports: &BTreeSet<(u16, u16)>) -> Vec<String> {
    let open: BTreeSet<String> = open().collect();
    let Ok(table) = fs::read_to_string("/proc/net/tcp") else {
        return Vec::new();
    };
    let is_left = |line: &&str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let mut port = || {
            let (_, port) = fields.next()?.split_once(':')?;
            u16::from_str_radix(port, 16).ok()
        };
        let (Some(local), Some(remote)) = (port(), port()) else {
            return false;
        };
        ports.contains(&(local, remote))
            && fields
                .nth(6)
                .is_some_and(|inode| open.contains(&format!("socket:[{inode}]")))
    };
    table.lines().filter(is_left).map(str::to_owned).collect()
}

/// The files below this directory that are open.
pub(super) fn files(root: &Path) -> Vec<String> {
    let root = root.display().to_string() + "/";
    open().filter(|path| path.starts_with(&root)).collect()
}

/// What a process holds.
pub(super) struct Process {
    pub(super) open_files: usize,
    threads: usize,
    /// In KiB.
    memory: usize,
}

/// What this one holds.
pub(super) fn process() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
    };
    Process {
        open_files: open().count(),
        threads: number("Threads:").unwrap_or_default(),
        memory: number("VmRSS:").unwrap_or_default(),
    }
}

/// Three cells of a table.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.memory / 1024;
        write!(f, "{} | {} | {megabytes}", self.open_files, self.threads)
    }
}

/// What each open file of this process is.
fn open() -> impl Iterator<Item = String> {
    let files = fs::read_dir("/proc/self/fd").into_iter().flatten();
    // One that is closed meanwhile is none.
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.map(|link| link.to_string_lossy().into_owned())
}
