//! Exact counts of what is open now: connections, sessions, unsettled attempts.
//!
//! A count must never be lost before it is zero, so they are not in the tables, which can fill up.
//! Open addressing with linear probing; a count of zero is removed. The keys are keyed hashes, so
//! no client can make them collide on purpose.

use alloc::boxed::Box;
use alloc::vec;

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    key: u64,
    count: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Counters {
    cells: Box<[Cell]>,
    mask: usize,
    used: usize,
}

impl Counters {
    /// Has room for `keys` keys, with at least a quarter of the cells empty.
    pub(crate) fn new(keys: usize) -> Self {
        let cells = keys
            .saturating_mul(4)
            .div_ceil(3)
            .max(8)
            .next_power_of_two();
        Self {
            cells: vec![Cell::default(); cells].into(),
            mask: cells.wrapping_sub(1),
            used: 0,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val::<[Cell]>(&self.cells)
    }

    fn home(&self, key: u64) -> usize {
        key as usize & self.mask
    }

    fn after(&self, index: usize) -> usize {
        index.wrapping_add(1) & self.mask
    }

    fn at(&self, index: usize) -> Cell {
        self.cells.get(index).copied().unwrap_or_default()
    }

    /// The cell of the key, or the empty cell for it. There is always one.
    fn index(&self, key: u64) -> usize {
        let mut index = self.home(key);
        while self.at(index).count != 0 && self.at(index).key != key {
            index = self.after(index);
        }
        index
    }

    pub(crate) fn get(&self, key: u64) -> u32 {
        self.at(self.index(key)).count
    }

    /// Adds one. Returns whether there was room: there is for the keys given to [`new`](Self::new).
    #[must_use]
    pub(crate) fn add(&mut self, key: u64) -> bool {
        let index = self.index(key);
        let spare = self.cells.len() / 8;
        let full = self.used.saturating_add(spare) >= self.cells.len();
        let Some(cell) = self.cells.get_mut(index) else {
            return false;
        };
        if cell.count == 0 {
            if full {
                return false;
            }
            self.used = self.used.saturating_add(1);
        }
        *cell = Cell {
            key,
            count: cell.count.saturating_add(1),
        };
        true
    }

    /// Subtracts one. No effect at zero.
    pub(crate) fn remove(&mut self, key: u64) {
        let index = self.index(key);
        match self.cells.get_mut(index) {
            Some(Cell { count: 0, .. }) | None => {}
            Some(Cell { count: 1, .. }) => {
                self.used = self.used.saturating_sub(1);
                self.close_gap(index);
            }
            Some(cell) => cell.count = cell.count.saturating_sub(1),
        }
    }

    /// Empties a cell, and moves up the later cells that probing would no longer find.
    fn close_gap(&mut self, mut gap: usize) {
        let mut index = gap;
        loop {
            index = self.after(index);
            let cell = self.at(index);
            if cell.count == 0 {
                break;
            }
            let from_home = index.wrapping_sub(self.home(cell.key)) & self.mask;
            let from_gap = index.wrapping_sub(gap) & self.mask;
            if from_home >= from_gap {
                self.set(gap, cell);
                gap = index;
            }
        }
        self.set(gap, Cell::default());
    }

    fn set(&mut self, index: usize, value: Cell) {
        if let Some(cell) = self.cells.get_mut(index) {
            *cell = value;
        }
    }
}
