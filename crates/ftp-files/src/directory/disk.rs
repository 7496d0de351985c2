//! Whether a directory is on a disk of this host.

use cap_std::fs::Dir;

/// The file systems whose calls wait for no more than a disk of this host, by their numbers (`statfs`): ext2 to
/// ext4, XFS, Btrfs, F2FS, bcachefs, ZFS, tmpfs, and overlays, whose layers are on one of these as a rule.
#[cfg(target_os = "linux")]
const LOCAL: [u32; 8] = [
    0xEF53,
    0x5846_5342,
    0x9123_683E,
    0xF2F5_2010,
    0xCA45_1A4E,
    0x2FC1_2FC1,
    0x0102_1994,
    0x794C_7630,
];

#[cfg(target_os = "linux")]
pub(super) fn holds(root: &Dir) -> bool {
    // The number's type, and so its sign, differs from one processor to the next.
    rustix::fs::fstatfs(root).is_ok_and(|known| LOCAL.contains(&(known.f_type as u32)))
}

/// Nobody is asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn holds(_: &Dir) -> bool {
    true
}
