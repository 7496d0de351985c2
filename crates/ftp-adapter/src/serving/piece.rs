//! A part of a file in memory.

use std::io;
use std::mem::replace;
use std::ops::{Deref, DerefMut};

use ftp_files::ReadFile;
use memmap2::MmapMut;

/// Up to here the allocator gives space. It keeps what was freed, and that is as much as there was at any
/// time; what is mapped goes back to the system.
const LARGEST_ALLOCATED: usize = 16 * 1024;
/// All that is mapped is as large: a whole piece, and what the machine of a data connection may hold at its end.
/// What is not used of it takes no memory.
const MAPPED: usize = (256 + 64) * 1024;

/// What was read and not handed on, or came and was not written; with space for more.
#[derive(Default)]
pub(super) struct Piece {
    space: Space,
    start: usize,
    end: usize,
}

/// All of it is initialized.
enum Space {
    Allocated(Vec<u8>),
    Mapped(MmapMut),
}

impl Piece {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.space[self.start..self.end]
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn takes_memory(&self) -> bool {
        !self.space.is_empty()
    }

    /// The first `count` bytes are handed on.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Leaves the space.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        if end > self.space.len() {
            let old = replace(&mut self.space, Space::of(end.next_power_of_two()));
            self.space[..self.end].copy_from_slice(&old[..self.end]);
        }
        self.space[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }

    /// The next of its space, at most so much, if there is space for a whole piece.
    pub(super) fn large_space(&mut self, most: usize) -> Option<&mut [u8]> {
        match &mut self.space {
            Space::Mapped(space) => {
                let end = space.len().min(self.end + most);
                Some(&mut space[self.end..end])
            }
            Space::Allocated(_) => None,
        }
    }

    /// Its bytes, if it has any and space for a whole piece.
    pub(super) fn large_bytes(&self) -> Option<&[u8]> {
        match &self.space {
            Space::Mapped(_) if !self.is_empty() => Some(self.bytes()),
            _ => None,
        }
    }

    /// So much is there now.
    pub(super) fn came(&mut self, count: usize) {
        self.end = self.space.len().min(self.end + count);
    }

    /// Reads at most so much of what the system has in memory, instead of what it had; `true` if that is all there
    /// is. `None` if it would have to wait.
    pub(super) fn fill_cached(&mut self, file: &mut dyn ReadFile, size: usize) -> Option<bool> {
        self.make_room(size);
        self.end = file.read_cached(&mut self.space[..size])?.min(size);
        Some(self.is_empty())
    }

    /// Instead of what it had.
    fn make_room(&mut self, size: usize) {
        self.clear();
        if self.space.len() < size {
            self.space = Space::of(size);
        }
    }

    /// Reads so much, instead of what it had; `true` if that is all there is.
    pub(super) fn fill(&mut self, file: &mut dyn ReadFile, size: usize) -> io::Result<bool> {
        self.make_room(size);
        while self.end < size {
            match file.read(&mut self.space[self.end..size]) {
                Ok(0) => return Ok(true),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

impl From<Vec<u8>> for Piece {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            start: 0,
            end: bytes.len(),
            space: Space::Allocated(bytes),
        }
    }
}

impl Space {
    /// At least as much.
    fn of(size: usize) -> Self {
        if size > LARGEST_ALLOCATED
            && let Ok(mapped) = MmapMut::map_anon(size.max(MAPPED))
        {
            return Self::Mapped(mapped);
        }
        Self::Allocated(vec![0; size])
    }
}

impl Default for Space {
    fn default() -> Self {
        Self::Allocated(Vec::new())
    }
}

impl Deref for Space {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Allocated(space) => space,
            Self::Mapped(space) => space,
        }
    }
}

impl DerefMut for Space {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Allocated(space) => space,
            Self::Mapped(space) => space,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_there_whatever_the_space() {
        let (mut piece, mut all) = (Piece::default(), Vec::new());
        for size in [1, 1000, 40_000, 0, 200_000, 100_000] {
            let bytes = vec![size as u8; size];
            piece.push(&bytes);
            all.extend_from_slice(&bytes);
            assert!(piece.bytes() == all);
        }
        piece.consume(50_000);
        assert!(piece.bytes() == &all[50_000..]);
        piece.clear();
        assert!(piece.is_empty() && piece.takes_memory());
    }
}
