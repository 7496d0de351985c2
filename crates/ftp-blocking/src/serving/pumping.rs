//! Moving the bytes of a transfer, in a thread that may block.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use ftp_adapter::{DriverError, FileDone, FilePump};
use ftp_proto::data::{self, Direction};
use ftp_rustls::Secured;

use crate::Driver;
use crate::chunk::Chunk;

pub(super) type DataDriver = Driver<Secured<data::Connection>, TcpStream>;
pub(super) type DataError = DriverError<ftp_rustls::Error<data::Error>>;

/// How long to wait for the client before it is looked whether the transfer is given up.
const SLICE: Duration = Duration::from_millis(50);
/// The buffer for what comes in clear: little at first, and more while it fills.
const FIRST_BUFFER: usize = 16 * 1024;
const LARGEST_BUFFER: usize = 128 * 1024;

/// A transfer, as long as its bytes move.
pub(super) struct Pumping {
    pump: FilePump,
    driver: Box<DataDriver>,
    given_up: Arc<AtomicBool>,
    chunk: Chunk,
    /// The system sends the file by itself, if it can.
    by_system: bool,
    buffer: Vec<u8>,
    /// Bytes are held back until then, to keep the bandwidth.
    held_until: Option<Instant>,
}

/// What is left of it.
pub(super) struct Moved {
    pub(super) done: FileDone,
    pub(super) driver: Box<DataDriver>,
    /// How the data connection ended; `None` if it was given up, or the file failed.
    pub(super) result: Option<Result<(), DataError>>,
}

impl Pumping {
    pub(super) fn new(pump: FilePump, driver: Box<DataDriver>, given_up: Arc<AtomicBool>) -> Self {
        Self {
            pump,
            driver,
            given_up,
            chunk: Chunk::default(),
            by_system: true,
            buffer: Vec::new(),
            held_until: None,
        }
    }

    /// Moves bytes until all is sent, all has come, or it is given up.
    pub(super) fn run(mut self) -> Moved {
        let (mut file, mut result) = (Ok(()), None);
        while file.is_ok() && result.is_none() && !self.is_given_up() {
            file = self.exchange();
            if file.is_ok() {
                let held = self.held_until.take();
                let left = held.map(|until| until.saturating_duration_since(Instant::now()));
                let wait = left.unwrap_or(SLICE).min(SLICE);
                result = match self.driver.next_within(wait) {
                    Ok(Poll::Ready(Some(_)) | Poll::Pending) => None,
                    Ok(Poll::Ready(None)) => Some(Ok(())),
                    Err(error) => Some(Err(error)),
                };
            }
        }
        if file.is_ok() {
            file = self.write_readable(usize::MAX).map(drop);
        }
        Moved {
            result: result.filter(|_| file.is_ok()),
            done: self.pump.done(file),
            driver: self.driver,
        }
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// An error is that of the file.
    fn exchange(&mut self) -> io::Result<()> {
        match self.driver.machine().machine().direction() {
            Direction::Send => self.send(),
            Direction::Receive => self.receive(),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while !self.is_given_up() {
            let Some(most) = self.may_move() else {
                return Ok(());
            };
            if self.by_system && self.send_by_system(most) {
                continue;
            }
            let data = self.driver.machine_mut().machine_mut();
            if self.pump.rests(data, Instant::now())? {
                return Ok(());
            }
            let bytes = self.pump.unsent()?;
            let now = self.driver.now();
            if bytes.is_empty() {
                self.driver.machine_mut().machine_mut().finish(now);
                return Ok(());
            }
            let bytes = bytes.get(..most).unwrap_or(bytes);
            let chunk = bytes.get(..self.chunk.size()).unwrap_or(bytes);
            let begun = Instant::now();
            let mut count = self.driver.write_past(chunk, SLICE);
            if count == 0 {
                // So that its deadline runs.
                count = self.driver.machine_mut().machine_mut().write(now, bytes);
            } else {
                self.chunk.sent(begun, SLICE);
            }
            if count == 0 {
                return Ok(());
            }
            self.pump.spend(begun, count);
            self.pump.sent(count)?;
        }
        Ok(())
    }

    /// Whether it sent something, or there is nothing more to be sent.
    #[cfg(target_os = "linux")]
    fn send_by_system(&mut self, most: usize) -> bool {
        let Some(file) = self.pump.file() else {
            return false;
        };
        let begun = Instant::now();
        match self
            .driver
            .send_file_past(file, self.chunk.size().min(most), SLICE)
        {
            Ok(0) => {
                self.pump.sent_by_system(0);
                // The rest of the way is the same for all.
                self.by_system = false;
                true
            }
            Ok(count) => {
                self.pump.spend(begun, count);
                self.pump.sent_by_system(count);
                self.chunk.sent(begun, SLICE);
                true
            }
            // The client is slow: the next piece waits in the machine, whose deadline runs.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                self.by_system = false;
                false
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn send_by_system(&mut self, _: usize) -> bool {
        self.by_system = false;
        false
    }

    fn receive(&mut self) -> io::Result<()> {
        self.pump.write_held()?;
        while !self.is_given_up() {
            let Some(most) = self.may_move() else {
                return Ok(());
            };
            if self.write_readable(most)? > 0 {
                continue;
            }
            if !self.driver.machine().may_receive_past() {
                break;
            }
            let size = self.buffer.len().max(FIRST_BUFFER);
            self.buffer.resize(size, 0);
            let count = self
                .driver
                .read_past(&mut self.buffer[..most.min(size)], SLICE);
            if count == 0 {
                self.buffer = Vec::new();
                break;
            }
            self.pump.write(&self.buffer[..count])?;
            if count == size {
                self.buffer.resize((size * 2).min(LARGEST_BUFFER), 0);
            }
            self.pump.spend(Instant::now(), count);
        }
        Ok(())
    }

    /// Writes what the machine holds, at most so much, and returns how much that was.
    fn write_readable(&mut self, most: usize) -> io::Result<usize> {
        let now = self.driver.now();
        let data = self.driver.machine_mut().machine_mut();
        let count = data.readable().len().min(most);
        if count > 0 {
            self.pump.write(&data.readable()[..count])?;
            data.consume(now, count);
            self.pump.spend(Instant::now(), count);
        }
        Ok(count)
    }

    /// How many bytes may move now, if any.
    fn may_move(&mut self) -> Option<usize> {
        let allowed = self.pump.allowance(Instant::now());
        self.held_until = allowed.err();
        allowed.ok()
    }
}
