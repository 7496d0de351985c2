//! A file that is being stored, and counted.

use std::io::{self, Write};
use std::sync::Arc;

use ftp_proto::server::{FileError, StoreMode, VirtualPath};

use super::{Shared, Storing};
use crate::{Files, WriteFile};

pub(super) struct Upload<F: Files> {
    shared: Arc<Shared<F>>,
    /// Until it is committed or discarded.
    inner: Option<Box<dyn WriteFile>>,
    storing: Storing,
    /// Where the next byte goes.
    position: u64,
    /// How large the file is, and is counted.
    size: u64,
}

impl<F: Files> Upload<F> {
    pub(super) fn begin(
        shared: &Arc<Shared<F>>,
        path: &VirtualPath,
        mode: StoreMode,
    ) -> Result<Self, FileError> {
        let mut state = shared.state();
        state.check_not_in_place(path)?;
        let found = shared.facts(path);
        let is_directory = found.as_ref().is_some_and(|it| it.kind.is_directory());
        let in_place = matches!(mode, StoreMode::At(_) | StoreMode::Append);
        let is_counted = in_place && found.is_some();
        if !is_counted {
            state.add_file()?;
        }
        let inner = match shared.files.store(path, mode) {
            Ok(inner) => inner,
            Err(error) => {
                state.release(0, u64::from(!is_counted));
                return Err(error);
            }
        };
        let size = found.and_then(|it| it.size).filter(|_| in_place);
        let size = size.unwrap_or_default();
        let path = match mode {
            StoreMode::Unique if is_directory => path.resolve(inner.name()),
            StoreMode::Unique => path.parent().unwrap_or_default().resolve(inner.name()),
            _ => path.clone(),
        };
        let storing = Storing { path, in_place };
        state.uploads.push(storing.clone());
        Ok(Self {
            shared: Arc::clone(shared),
            inner: Some(inner),
            storing,
            position: match mode {
                StoreMode::At(offset) => offset,
                _ => size,
            },
            size,
        })
    }

    fn finish(&mut self, is_whole: bool) -> Result<(), FileError> {
        let Some(inner) = self.inner.take() else {
            return Ok(());
        };
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        let at = state.uploads.iter().position(|it| *it == self.storing);
        if let Some(at) = at {
            state.uploads.swap_remove(at);
        }
        let path = &self.storing.path;
        if self.storing.in_place {
            return match is_whole {
                true => {
                    inner.commit()?;
                    // What was behind is cut off.
                    state.release(self.size.saturating_sub(self.position), 0);
                    Ok(())
                }
                false => inner.discard(),
            };
        }
        let old = shared.facts(path);
        let is_busy = state.check_not_in_place(path);
        let done = match is_busy {
            Ok(()) if is_whole => inner.commit(),
            Ok(()) => inner.discard(),
            Err(error) => inner.discard().and(Err(error)),
        };
        match &old {
            Some(old) if is_whole && done.is_ok() => state.gone(Some(old)),
            None if done.is_ok() && shared.facts(path).is_some() => {}
            // It is not kept.
            _ => state.release(self.size, 1),
        }
        done
    }
}

impl<F: Files> Write for Upload<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(inner) = &mut self.inner else {
            return Ok(0);
        };
        // What is written over is counted already.
        let counted = self.size.saturating_sub(self.position);
        let wanted = bytes.len() as u64;
        let mut state = self.shared.state();
        let left = state.limit.bytes.saturating_sub(state.used.bytes);
        let allowed = wanted.min(counted.saturating_add(left));
        if allowed == 0 && wanted > 0 {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let reserved = allowed.saturating_sub(counted);
        state.used.bytes += reserved;
        drop(state);

        // It is at most the length of the bytes.
        let written = inner.write(&bytes[..allowed as usize]);
        let count = written.as_ref().map_or(0, |count| *count as u64);
        let grown = count.saturating_sub(counted);
        if grown < reserved {
            self.shared.state().release(reserved - grown, 0);
        }
        self.position += count;
        self.size = self.size.max(self.position);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: Files> WriteFile for Upload<F> {
    fn name(&self) -> &[u8] {
        self.inner.as_ref().map_or(b"", |inner| inner.name())
    }

    fn commit(mut self: Box<Self>) -> Result<(), FileError> {
        self.finish(true)
    }

    fn discard(mut self: Box<Self>) -> Result<(), FileError> {
        self.finish(false)
    }
}

impl<F: Files> Drop for Upload<F> {
    fn drop(&mut self) {
        let _ = self.finish(false);
    }
}
