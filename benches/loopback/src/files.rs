//! Downloads and uploads in clear over loopback, each by a client that is logged in already. The server is as little of
//! one as works: it sends and takes as many bytes as the path says.
//!
//! The bare clients write canned commands and look at no reply but for the port in it. All of them move pieces of
//! [`PIECE`] bytes, but for suppaftp, which has its own way.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

mod blocking;
mod futures;
mod server;

pub(crate) use blocking::reply;
pub use server::serve;

/// What the clients read and write at once.
pub const PIECE: usize = 64 * 1024;

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the server to the client.
    Download,
    /// From the client to the server.
    Upload,
    /// A listing, for people; of the bare blocking client only, as the next.
    List,
    /// The names alone.
    Names,
}

/// Files to be moved one after the other over one control connection.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Which way they go.
    pub way: Way,
    /// How many bytes each has.
    pub bytes: u64,
    /// How many there are.
    pub files: u64,
}

/// A client that is measured: logs in, moves the files, and says goodbye.
pub type Contestant = (&'static str, fn(SocketAddr, Work));

/// All of them, each behind the bare one of its runtime.
pub const ALL: [Contestant; 10] = [
    ("bare_blocking", blocking::bare),
    ("suppaftp_blocking", blocking::suppaftp),
    ("ftp_blocking", blocking::ours),
    ("bare_tokio", futures::bare_tokio),
    ("suppaftp_tokio", futures::suppaftp_tokio),
    ("ftp_tokio", futures::tokio),
    ("bare_smol", futures::bare_smol),
    ("suppaftp_smol", futures::suppaftp_smol),
    ("ftp_smol", futures::smol),
    ("ftp_async_std", futures::async_std),
];

impl Work {
    /// The path that [`serve`] takes for so many bytes.
    fn path(self) -> String {
        self.bytes.to_string()
    }

    /// Asserts that a file was moved whole.
    fn moved(self, bytes: u64) {
        assert_eq!(bytes, self.bytes, "the file is whole");
    }

    /// How many bytes are in the pieces of a file, one after the other.
    fn pieces(self) -> impl Iterator<Item = usize> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let piece = rest.min(PIECE as u64);
            rest -= piece;
            (piece > 0).then(|| usize::try_from(piece).expect("at most a piece"))
        })
    }

    /// What a bare client sends for a transfer.
    fn command(self) -> String {
        let verb = match self.way {
            Way::Download => "RETR",
            Way::Upload => "STOR",
            Way::List => return "LIST\r\n".to_owned(),
            Way::Names => return "NLST\r\n".to_owned(),
        };
        format!("{verb} {}\r\n", self.bytes)
    }
}

/// A file that costs nothing: its bytes are whatever is in the reader's space.
struct Source {
    rest: u64,
}

impl Source {
    fn of(work: Work) -> Self {
        Self { rest: work.bytes }
    }

    /// How many of so many bytes there are.
    fn take(&mut self, most: usize) -> usize {
        let count = self.rest.min(most as u64);
        self.rest -= count;
        usize::try_from(count).expect("at most the space")
    }
}

impl io::Read for Source {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        Ok(self.take(space.len()))
    }
}

impl tokio::io::AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.take(space.initialize_unfilled().len());
        space.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl smol::io::AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(self.take(space.len())))
    }
}

/// What a bare client says to log in.
pub(crate) const LOGIN: [&[u8]; 3] = [
    b"USER developer\r\n",
    b"PASS correct horse\r\n",
    b"TYPE I\r\n",
];

/// The port in a 229.
pub(crate) fn port(reply: &[u8]) -> u16 {
    let reply = std::str::from_utf8(reply).expect("a reply in ASCII");
    let mut parts = reply.rsplit('|');
    let port = parts.nth(1).and_then(|port| port.parse().ok());
    port.expect("a port")
}
