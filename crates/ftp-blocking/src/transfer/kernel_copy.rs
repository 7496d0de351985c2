//! The system copies a file that is received or sent.

use std::fs::File;
use std::io::{self, Write};
use std::time::Instant;

use super::{HoldsClient, LONGEST_SLICE, Running};
use crate::chunk::Chunk;
use crate::driver::kernel_copy::Pipe;

/// The most that the system sends in one call, during which nobody can give the transfer up.
const MOST_PER_CALL: usize = 256 * 1024;

/// The system moves what came to a file.
#[derive(Default)]
pub(super) struct Splicing {
    pipe: Option<Pipe>,
    /// How much is in the pipe.
    held: usize,
    is_refused: bool,
}

impl Splicing {
    /// Takes what has come, and returns how much that was. None: it is to be read.
    pub(super) fn take_in<C: HoldsClient>(&mut self, running: &mut Running<C>) -> usize {
        if self.is_refused || !running.is_kernel_copyable() {
            return 0;
        }
        let pipe = match &mut self.pipe {
            Some(pipe) => pipe,
            empty => match Pipe::new() {
                Ok(pipe) => empty.insert(pipe),
                Err(_) => {
                    self.is_refused = true;
                    return 0;
                }
            },
        };
        self.held = running.go_past(|driver| {
            let spliced = driver.splice_past(pipe, LONGEST_SLICE);
            self.is_refused = spliced.is_err();
            spliced.unwrap_or(0)
        });
        self.held
    }

    /// What was taken goes to the file.
    pub(super) fn write_to(&mut self, file: &mut File) -> io::Result<()> {
        let Some(pipe) = &self.pipe else {
            return Ok(());
        };
        if pipe.move_to(file, &mut self.held).is_err() {
            // Not this file; or it fails again, with what is wrong.
            self.is_refused = true;
            file.write_all(&pipe.read(self.held)?)?;
        }
        Ok(())
    }
}

/// The system sends a file.
#[derive(Default)]
pub(super) struct Sending {
    chunk: Chunk,
    is_refused: bool,
}

impl Sending {
    /// Sends some of the file, at most so much, and returns how much that was. None: the next piece of it, if
    /// there is one, is to be read.
    pub(super) fn send<C: HoldsClient>(
        &mut self,
        running: &mut Running<C>,
        file: &File,
        most: usize,
    ) -> usize {
        running.check_abort();
        if self.is_refused || !running.is_kernel_copyable() {
            return 0;
        }
        let begun = Instant::now();
        let most = self.chunk.size().min(MOST_PER_CALL).min(most);
        let count = running.go_past(|driver| {
            match driver.send_file_past(file, most, LONGEST_SLICE) {
                Ok(count) => count,
                Err(error) => {
                    // If the server is slow, a piece waits in the machine, whose deadline runs.
                    self.is_refused = error.kind() != io::ErrorKind::WouldBlock;
                    0
                }
            }
        });
        self.chunk.sent(begun, LONGEST_SLICE / 2);
        count
    }
}
