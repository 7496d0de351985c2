//! The table at the end.

use std::cell::{Cell, RefCell};

use ftp_proto::wire::escape;

use crate::files::session::size;

/// What was done, or would be.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) transferred: Cell<u64>,
    pub(super) bytes: Cell<u64>,
    pub(super) skipped: Cell<u64>,
    pub(super) deleted: Cell<u64>,
    /// Paths, and why.
    pub(super) failed: RefCell<Vec<(Vec<u8>, String)>>,
    pub(super) left_out: RefCell<Vec<(Vec<u8>, String)>>,
    /// What was not deleted, and why.
    pub(super) kept: RefCell<Vec<String>>,
}

impl Tally {
    pub(super) fn count(&self, counter: &Cell<u64>) {
        counter.set(counter.get() + 1);
    }

    /// A line for each kind, with reasons below.
    pub(super) fn lines(&self) -> Vec<String> {
        let (failed, left_out) = (self.failed.borrow(), self.left_out.borrow());
        let mut lines = vec![
            format!(
                "transferred {:>8}  {}",
                self.transferred.get(),
                size(self.bytes.get())
            ),
            format!("skipped     {:>8}", self.skipped.get()),
            format!("deleted     {:>8}", self.deleted.get()),
        ];
        for why in self.kept.borrow().iter() {
            lines.push(format!("  {why}"));
        }
        for (name, list) in [("failed", &failed), ("left out", &left_out)] {
            lines.push(format!("{name:11} {:>8}", list.len()));
            for (path, why) in list.iter() {
                lines.push(format!("  {}: {why}", escape(path)));
            }
        }
        lines
    }
}
