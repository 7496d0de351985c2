//! The connections of a server's clients.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_futures::socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// The control connection of a client, which may send urgent data: `ABOR` with its last byte urgent, for
/// example (RFC 959 §4.1.3). [`Server::serve`](crate::Server) makes one of each connection.
///
/// The system ends a read in front of urgent data. tokio takes such a short read for the end of what has
/// come, so that byte would wait for the next command. A read that does not end a line goes on here.
#[derive(Debug)]
pub struct AcceptedStream(TcpStream);

impl AcceptedStream {
    /// The connection.
    pub fn get_ref(&self) -> &TcpStream {
        &self.0
    }

    /// The connection, as any other.
    pub fn into_inner(self) -> TcpStream {
        self.0
    }

    /// One read of the system, if tokio thinks that there is something.
    fn try_read(&self, space: &mut [u8]) -> io::Result<usize> {
        let mut came = 0;
        let read = self.0.try_io(Interest::READABLE, || {
            let count = (&*SockRef::from(&self.0)).read(space)?;
            if count > 0 && count < space.len() && is_all(&space[..count]) {
                came = count;
                // For tokio: nothing more is there before the next event.
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(count)
        });
        if came > 0 { Ok(came) } else { read }
    }
}

/// Whether nothing urgent can be behind what was read: it ends a line, or begins a record of TLS, which
/// nobody sends with urgent data.
fn is_all(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n") || matches!(bytes.first(), Some(20..=23))
}

impl From<TcpStream> for AcceptedStream {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}

impl AsyncRead for AcceptedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for AcceptedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
