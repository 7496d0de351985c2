//! The driver over transports that behave as badly as they may.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::common::*;
use ftp_proto::client::{Connection, Event};
use ftp_proto::{Action, Instant, Machine};
use ftp_tokio::{Driver, DriverError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

const GREETING: &[u8] = b"220 Ready.\r\n";

/// What a [`Tricky`] transport does with writes.
#[derive(Clone, Copy, PartialEq)]
enum Trick {
    /// Takes nothing, without an error.
    WriteZero,
    /// Fails.
    BrokenPipe,
    /// Keeps everything until it is flushed.
    Hoard,
    /// Never closes.
    NeverCloses,
}

struct Tricky {
    inner: DuplexStream,
    trick: Trick,
    hoard: Vec<u8>,
}

impl Tricky {
    fn new(trick: Trick) -> (Self, DuplexStream) {
        let (inner, far) = tokio::io::duplex(4096);
        (
            Self {
                inner,
                trick,
                hoard: Vec::new(),
            },
            far,
        )
    }
}

impl AsyncRead for Tricky {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A line at a time, so that what is behind it is still to be read when a write fails.
        let mut space = [0; GREETING.len()];
        let mut line = ReadBuf::new(&mut space);
        let read = Pin::new(&mut self.inner).poll_read(cx, &mut line);
        buffer.put_slice(line.filled());
        read
    }
}

impl AsyncWrite for Tricky {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.trick {
            Trick::WriteZero => Poll::Ready(Ok(0)),
            Trick::BrokenPipe => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Trick::Hoard => {
                self.hoard.extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            Trick::NeverCloses => Pin::new(&mut self.inner).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.hoard.is_empty() {
            let hoard = std::mem::take(&mut self.hoard);
            let written = Pin::new(&mut self.inner).poll_write(cx, &hoard);
            match written {
                Poll::Ready(Ok(count)) => self.hoard = hoard[count..].to_vec(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.hoard = hoard;
                    return Poll::Pending;
                }
            }
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.trick == Trick::NeverCloses {
            return Poll::Pending;
        }
        if self.as_mut().poll_flush(cx)?.is_pending() {
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

fn client<T>(transport: T) -> Driver<Connection, T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    Driver::new(Connection::new(plain(login()), Instant::START), transport)
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_takes_nothing_is_an_error() {
    for (trick, kind) in [
        (Trick::WriteZero, io::ErrorKind::WriteZero),
        (Trick::BrokenPipe, io::ErrorKind::BrokenPipe),
    ] {
        let (near, mut far) = Tricky::new(trick);
        far.write_all(GREETING).await.unwrap();
        let mut driver = client(near);
        // The error is told as often as it is asked for.
        for _ in 0..2 {
            match driver.next().await {
                Err(DriverError::Io { error, .. }) => assert_eq!(error.kind(), kind),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_arrived_before_a_broken_pipe_is_the_reason() {
    let (near, mut far) = Tricky::new(Trick::BrokenPipe);
    let mut driver = client(near);
    // The 421 is there when the write fails, but no one has asked to read it.
    far.write_all(GREETING).await.unwrap();
    far.write_all(b"421 Going down.\r\n").await.unwrap();
    match driver.next().await {
        Err(DriverError::Machine(error)) => assert_eq!(error.reply().unwrap().code().get(), 421),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_hoards_is_flushed() {
    let (near, mut far) = Tricky::new(Trick::Hoard);
    let server = tokio::spawn(async move {
        far.write_all(GREETING).await.unwrap();
        while far.read_u8().await.unwrap() != b'\n' {}
        far.write_all(b"230 In.\r\n").await.unwrap();
        let mut rest = String::new();
        far.read_to_string(&mut rest).await.unwrap();
        rest
    });
    let mut driver = client(near);
    assert!(matches!(driver.next().await, Ok(Some(Event::LoggedIn(_)))));
    let now = driver.now();
    driver.machine_mut().quit(now).unwrap();
    // It stays silent until we close, which we do when the time for its reply is over.
    assert!(matches!(driver.next().await, Ok(None)));
    assert_eq!(server.await.unwrap(), "QUIT\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_never_closes_does_not_keep_us() {
    let (near, mut far) = Tricky::new(Trick::NeverCloses);
    far.write_all(b"530 Go away.\r\n").await.unwrap();
    let mut driver = client(near);
    let begun = tokio::time::Instant::now();
    assert!(matches!(driver.next().await, Err(DriverError::Machine(_))));
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    assert!(matches!(driver.next().await, Err(DriverError::Machine(_))));
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

/// Takes three bytes at a time, says what it took, and ends with the input.
#[derive(Debug, Default)]
struct Sipper {
    taken: Vec<u8>,
    ended: bool,
}

impl Machine for Sipper {
    type Event = u8;
    type Error = std::convert::Infallible;

    fn poll(&mut self) -> Result<Action<'_, u8>, Self::Error> {
        Ok(match self.taken.is_empty() {
            false => Action::Event(self.taken.remove(0)),
            true if self.ended => Action::Closed,
            true => Action::Read { deadline: None },
        })
    }

    fn received(&mut self, _now: Instant, bytes: &[u8]) -> usize {
        let count = bytes.len().min(3);
        self.taken.extend_from_slice(&bytes[..count]);
        count
    }

    fn received_eof(&mut self, _now: Instant) {
        self.ended = true;
    }

    fn wrote(&mut self, _now: Instant, _count: usize) {}

    fn timed_out(&mut self, _now: Instant) {}
}

#[tokio::test(start_paused = true)]
async fn what_a_machine_does_not_take_is_offered_again() {
    let (near, mut far) = tokio::io::duplex(64);
    far.write_all(b"eleven bytes").await.unwrap();
    drop(far);
    let mut driver = Driver::new(Sipper::default(), near);
    let mut heard = Vec::new();
    while let Some(byte) = driver.next().await.unwrap() {
        heard.push(byte);
    }
    assert_eq!(heard, b"eleven bytes");
    let parts = driver.into_parts();
    assert!(parts.unread.is_empty());
}

#[tokio::test(start_paused = true)]
async fn bytes_that_were_not_taken_are_given_back_with_the_parts() {
    let (near, mut far) = tokio::io::duplex(64);
    far.write_all(b"abcdef").await.unwrap();
    let mut driver = Driver::new(Sipper::default(), near);
    assert_eq!(driver.next().await.unwrap(), Some(b'a'));
    // They may be a password.
    assert!(format!("{driver:?}").contains("unread: 3"));
    let parts = driver.into_parts();
    assert!(format!("{parts:?}").contains("unread: 3"));
    assert_eq!(parts.unread.as_slice(), b"def");
}

#[tokio::test(start_paused = true)]
async fn two_sides_that_both_write_do_not_wait_for_each_other() {
    // Far more commands than the pipe holds are sent before any reply is read.
    let mut client = log_in(plain(login()), plain_server(), OneUser::default(), 16)
        .await
        .unwrap();
    let begun = tokio::time::Instant::now();
    let sent: Vec<_> = (0..50).map(|_| client.send("SITE WHO").unwrap()).collect();
    for command in sent {
        assert_eq!(
            client.next_reply(command).await.unwrap().text(),
            b"developer false"
        );
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
