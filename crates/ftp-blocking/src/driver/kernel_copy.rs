//! The system copies between a file and the socket of a data connection in clear, so that the bytes do not
//! go through this program: `sendfile` and `splice` of Linux. (`std::io::copy` uses neither here.)

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::task::Poll;
use std::time::Duration;

use ftp_proto::data;
use ftp_rustls::Secured;
use rustix::fs::sendfile;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use super::Driver;
use crate::Transport;

/// How much a [`Pipe`] holds, if the system grants it: of all pipes of a user together it grants 64 MiB.
const PIPE_SIZE: usize = 512 * 1024;

/// Where bytes wait between a socket and a file: `splice` needs a pipe at one end.
pub(crate) struct Pipe {
    entrance: OwnedFd,
    exit: OwnedFd,
}

impl Pipe {
    pub(crate) fn new() -> io::Result<Self> {
        let (exit, entrance) = pipe_with(PipeFlags::CLOEXEC)?;
        // A smaller one will do.
        let _refused = fcntl_setpipe_size(&entrance, PIPE_SIZE);
        Ok(Self { entrance, exit })
    }

    /// Takes what has come, once, into the empty pipe.
    fn fill(&self, socket: &TcpStream) -> io::Result<usize> {
        let flags = SpliceFlags::empty();
        Ok(splice(
            socket,
            None,
            &self.entrance,
            None,
            PIPE_SIZE,
            flags,
        )?)
    }

    /// Moves these bytes, which are in the pipe, to the position of the file.
    ///
    /// # Errors
    /// Some files take nothing from a pipe, such as one opened to append, or have no room. The bytes left are in
    /// the pipe: [read](Self::read) them.
    pub(crate) fn move_to(&self, file: &File, left: &mut usize) -> io::Result<()> {
        while *left > 0 {
            match splice(&self.exit, None, file, None, *left, SpliceFlags::empty()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => *left = left.saturating_sub(count),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads these bytes, which are in the pipe.
    pub(crate) fn read(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while let space @ [_, ..] = &mut bytes[filled..] {
            match rustix::io::read(&self.exit, space) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(bytes)
    }
}

impl<T: Transport> Driver<Secured<data::Connection>, T> {
    /// Whether bytes may go past the machine now, to or from a socket.
    pub(crate) fn has_plain_socket(&self) -> bool {
        self.is_transparent() && self.transport().socket().is_some()
    }

    /// Whether the bytes of the file go over the transport as they are.
    fn is_transparent(&self) -> bool {
        self.state.is_passable() && self.machine().machine().is_transparent()
    }

    /// As [`read_past`](Self::read_past); this call to the transport moves the bytes.
    #[inline]
    fn move_past(
        &mut self,
        most: Duration,
        receive: impl FnOnce(&mut T) -> io::Result<usize>,
    ) -> usize {
        if !self.is_transparent() {
            return 0;
        }
        match self.transport.receive(most, receive) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.machine_mut().machine_mut().passed(count);
                count
            }
            nothing => self.received_nothing(nothing),
        }
    }

    /// Waits at most this long for bytes, moves them into the empty pipe, and returns how many that were. Only if
    /// there is [a socket](Self::has_plain_socket). None: as for [`read_past`](Self::read_past).
    ///
    /// # Errors
    /// Nothing was moved, and nothing can be in this way: the bytes must be read.
    pub(crate) fn splice_past(&mut self, pipe: &Pipe, most: Duration) -> io::Result<usize> {
        let mut refused = None;
        let count = self.move_past(most, |transport| {
            let Some(socket) = transport.socket() else {
                return Err(io::ErrorKind::Unsupported.into());
            };
            pipe.fill(socket).map_err(|error| {
                if !is_of_call(&error) {
                    return error;
                }
                refused = Some(error);
                io::ErrorKind::WouldBlock.into()
            })
        });
        refused.map_or(Ok(count), Err)
    }

    /// Sends the file from its position on, at most so many bytes, and returns how many: none at its end.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing went out in this time, or nothing may go past the
    /// machine now, or a signal came. Other errors mean that it must be read and written: also for what is wrong with the file or
    /// the connection.
    pub(crate) fn send_file_past(
        &mut self,
        file: &File,
        count: usize,
        most: Duration,
    ) -> io::Result<usize> {
        if !self.is_transparent() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.transport.limit_writes(most)?;
        let Some(socket) = self.transport.transport.socket() else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let sent = match sendfile(socket, file, None, count) {
            Ok(sent) => sent,
            // By a signal: it is tried again.
            Err(rustix::io::Errno::INTR) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => return Err(error.into()),
        };
        if sent > 0 {
            self.state.wrote_past();
            self.machine_mut().machine_mut().passed(sent);
        }
        Ok(sent)
    }
}

/// Whether the system does not know the call, does not allow it, or not for such a socket. Anything else
/// happened to the connection.
fn is_of_call(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}
