//! Transports that always have something to read, on a clock that moves with each read and never by
//! itself: what waits for its turn gets it, and every deadline is kept.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{pending, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use ftp_futures::{
    BoxFuture, Client, Clock, Connector, DataTransport, Error, Handler, Io, Server, ServerSession,
    SessionEvent, SessionInfo, Timer,
};
use ftp_proto::Limits;
use ftp_proto::client::{self, Login, Timeout};
use ftp_proto::data::Open;
use ftp_proto::server::{self, Attempt, ClosedWhy, Event, NameRule, Request, Verdict};
use ftp_proto::wire::Reply;

/// What each read takes.
const READ_TIME: Duration = Duration::from_millis(10);
/// What a task may do before others get their turn: as much as a driver may, and as much again as
/// whoever listens on after the end.
const MOST_STEPS: usize = 128;

/// More bytes are more steps.
const STEP_BYTES: usize = 64 * 1024;

thread_local! {
    static START: Instant = Instant::now();
    static TIME: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// Reads and writes since others had their turn.
    static STEPS: Cell<usize> = const { Cell::new(0) };
    /// The moment at which the earliest timer goes off.
    static EARLIEST: Cell<Option<Instant>> = const { Cell::new(None) };
}

fn seconds() -> u64 {
    TIME.get().as_secs()
}

fn pass(time: Duration) {
    TIME.set(TIME.get() + time);
}

/// A timer of a clock that is set by hand.
struct ByHand(Instant);

impl Clock for ByHand {
    fn now() -> Instant {
        START.with(|start| *start) + TIME.get()
    }
}

impl Timer for ByHand {
    fn at(deadline: Instant) -> Self {
        Self(deadline)
    }

    fn reset(&mut self, deadline: Instant) {
        self.0 = deadline;
    }

    fn poll_elapsed(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if Self::now() >= self.0 {
            return Poll::Ready(());
        }
        let earliest = EARLIEST
            .get()
            .map_or(self.0, |earliest| earliest.min(self.0));
        EARLIEST.set(Some(earliest));
        Poll::Pending
    }
}

/// What becomes of what is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    Taken,
    Stuck,
    Failing,
    /// Only flushing fails.
    Unflushed,
}

/// What there is to read, a piece for each read.
type Pieces = Arc<Mutex<VecDeque<Vec<u8>>>>;

struct Transport {
    pieces: Pieces,
    /// And then this, for ever; nothing if it is empty.
    then: &'static [u8],
    writes: Writes,
    reads: usize,
}

impl Transport {
    fn new(pieces: &[&str], then: &'static [u8], writes: Writes) -> Self {
        Self {
            pieces: Arc::new(Mutex::new(bytes(pieces))),
            then,
            writes,
            reads: 0,
        }
    }
}

fn bytes(pieces: &[&str]) -> VecDeque<Vec<u8>> {
    let bytes = |piece: &&str| piece.as_bytes().to_vec();
    pieces.iter().map(bytes).collect()
}

fn step() {
    STEPS.set(STEPS.get() + 1);
    assert!(STEPS.get() <= MOST_STEPS, "others wait for their turn");
}

impl Io<Transport> for ByHand {
    fn poll_read(
        mut stream: Pin<&mut Transport>,
        _: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let piece = stream.pieces.lock().unwrap().pop_front();
        let piece = piece.unwrap_or_else(|| stream.then.to_vec());
        if piece.is_empty() {
            return Poll::Pending;
        }
        step();
        stream.reads += 1;
        assert!(stream.reads < 100_000, "it reads for ever");
        pass(READ_TIME);
        space[..piece.len()].copy_from_slice(&piece);
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_write(
        stream: Pin<&mut Transport>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match stream.writes {
            Writes::Taken | Writes::Unflushed => {
                (0..bytes.len().div_ceil(STEP_BYTES)).for_each(|_| step());
                Poll::Ready(Ok(bytes.len()))
            }
            Writes::Stuck => Poll::Pending,
            Writes::Failing => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(stream: Pin<&mut Transport>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match stream.writes {
            Writes::Unflushed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(_: Pin<&mut Transport>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An executor with one task. Where nothing happens, time passes up to the next timer.
fn run<F: Future>(future: F) -> F::Output {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    for _ in 0..100_000 {
        STEPS.set(0);
        EARLIEST.set(None);
        let before = woken.0.load(Ordering::Relaxed);
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        if woken.0.load(Ordering::Relaxed) == before {
            let earliest = EARLIEST.get().expect("something to wait for");
            pass(earliest.saturating_duration_since(ByHand::now()));
        }
    }
    panic!("it goes on for ever");
}

/// All that a server can send without saying anything.
const NOTHING: [&[u8]; 5] = [
    b"\r\n",
    b"\n\r\n",
    b"\xff\xf1",
    b"\xff\xfe\x18",
    b"\xff\xfano end",
];

fn log_in(transport: Transport) -> Result<Client<ByHand, Transport>, Error> {
    TIME.set(Duration::ZERO);
    let mut limits = Limits::default();
    limits.filler_bytes = usize::MAX;
    let config = client::Config::new(Login::new("anna", "correct horse").unwrap())
        .security(client::Security::DangerousPlaintext)
        .limits(limits);
    let connecting = Connector::<ByHand>::new(config).start(transport, "localhost");
    run(connecting.unwrap())
}

fn timed_out(error: &Error) -> Timeout {
    match error {
        Error::Protocol(client::Error::TimedOut { what, .. }) => *what,
        other => panic!("{other:?}"),
    }
}

/// It is this time, or what 64 steps take later.
fn assert_time(wanted: u64) {
    assert!((wanted..wanted + 2).contains(&seconds()), "{} s", seconds());
}

#[test]
fn a_client_gives_up_in_time_while_bytes_come_without_an_end() {
    for nothing in NOTHING {
        for (first, what) in [
            (&[][..], Timeout::Greeting),
            (&["220 Ready.\r\n"][..], Timeout::Reply),
            (&["220 Ready.\r\n", "331 Go on.\r\n"][..], Timeout::Reply),
        ] {
            let error = log_in(Transport::new(first, nothing, Writes::Taken)).unwrap_err();
            assert_eq!(timed_out(&error), what);
            assert_time(30);
        }
    }
}

#[test]
fn a_write_that_is_not_taken_is_given_up_while_bytes_come() {
    let transport = Transport::new(&["220 Ready.\r\n"], b"\r\n", Writes::Stuck);
    let error = log_in(transport).unwrap_err();
    assert_eq!(timed_out(&error), Timeout::Write);
    assert_time(30);
}

#[test]
fn a_transport_that_fails_is_not_read_for_ever() {
    for writes in [Writes::Failing, Writes::Unflushed] {
        for then in [&b"\r\n"[..], b"\xff\xf1", b"331-x\r\n"] {
            let transport = Transport::new(&["220 Ready.\r\n"], then, writes);
            let error = log_in(transport).unwrap_err();
            assert!(matches!(error, Error::Io { .. }), "{error:?}");
            assert_time(0);
        }
    }
}

#[test]
fn what_came_before_a_transport_failed_is_still_heard() {
    let pieces = ["220 Ready.\r\n", "42", "1 Going", " down.\r\n"];
    let error = log_in(Transport::new(&pieces, b"\r\n", Writes::Failing)).unwrap_err();
    assert!(error.to_string().contains("Going down"), "{error}");
}

/// Takes all that is written to a data connection.
struct Sink;

impl DataTransport<Transport> for Sink {
    fn connect(&self, _: Open) -> BoxFuture<io::Result<Transport>> {
        Box::pin(ready(Ok(Transport::new(&[], b"", Writes::Taken))))
    }
}

/// As above.
#[test]
fn large_pieces_of_an_upload_keep_nobody_else_waiting() {
    let (mut client, replies) = logged_in();
    client.data_transport(Arc::new(Sink));
    *replies.lock().unwrap() = bytes(&["200 I.\r\n", "229 (|||1|)\r\n", "150 Go on.\r\n"]);
    run(async {
        let mut upload = client.store("file").await.unwrap();
        for _ in 0..100 {
            upload.write_all(&[0; 4 * STEP_BYTES]).await.unwrap();
        }
        *replies.lock().unwrap() = bytes(&["226 Done.\r\n"]);
        let report = upload.finish().await.unwrap();
        assert_eq!(report.bytes, 400 * STEP_BYTES as u64);
    });
}

fn session(transport: Transport) -> ServerSession<ByHand, Transport> {
    TIME.set(Duration::ZERO);
    let config = server::Config::new()
        .security(server::Security::DangerousPlaintext)
        .max_bad_commands(u32::MAX)
        .name_rule(|_| NameRule::Open);
    let server = Server::<ByHand>::new(Arc::new(config), None).unwrap();
    server.session(transport)
}

/// Answers all commands until it is over; says why it is. `None`: it goes on beyond all deadlines.
async fn serve(mut session: ServerSession<ByHand, Transport>) -> Option<ClosedWhy> {
    while let Some(event) = session.next_event().await.unwrap() {
        match event {
            Event::Command(request) => session.not_implemented(request.id()).unwrap(),
            Event::Closed(why) => return Some(why),
            _ => {}
        }
        if seconds() > 100 {
            return None;
        }
    }
    panic!("an end that is not told");
}

#[test]
fn a_server_ends_a_login_in_time_while_bytes_come_without_an_end() {
    for (then, writes, end, why) in [
        (
            &b"\r\n"[..],
            Writes::Taken,
            30,
            ClosedWhy::FirstCommandTimeout,
        ),
        (
            b"\xff\xf1\xff\xfd\x18",
            Writes::Taken,
            30,
            ClosedWhy::FirstCommandTimeout,
        ),
        (b"NOOP\r\n", Writes::Taken, 60, ClosedWhy::LoginTimeout),
        (
            b"NOOP\r\nNOOP\r\nFEAT\r\n",
            Writes::Taken,
            60,
            ClosedWhy::LoginTimeout,
        ),
        (b"XYZZY\r\n\r\n", Writes::Taken, 60, ClosedWhy::LoginTimeout),
        (b"NOOP\r\n", Writes::Stuck, 30, ClosedWhy::WriteTimeout),
    ] {
        let session = session(Transport::new(&[], then, writes));
        assert_eq!(run(serve(session)), Some(why));
        assert_time(end);
    }
}

/// That others get their turn is checked with each step of the transport.
#[test]
fn commands_that_are_answered_at_once_keep_nobody_else_waiting() {
    let transport = Transport::new(&["USER anna\r\n"], b"MLST\r\nMLST\r\n", Writes::Taken);
    assert_eq!(run(serve(session(transport))), None);
    let transport = Transport::new(&["USER anna\r\n"], b"NOOP\r\n\r\nMLST\r\n", Writes::Taken);
    assert_eq!(run(serve(session(transport))), None);
}

struct Nobody;

impl Handler for Nobody {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.reject()
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, _: &SessionInfo, _: &SessionEvent) {}
}

#[test]
fn a_client_that_goes_on_talking_after_the_end_is_listened_to_for_two_seconds() {
    TIME.set(Duration::ZERO);
    let config = server::Config::new().security(server::Security::DangerousPlaintext);
    let server = Server::<ByHand>::new(Arc::new(config), None).unwrap();
    let transport = Transport::new(&["QUIT\r\n"], b"NOOP\r\n", Writes::Taken);
    let peer = SocketAddr::from(([127, 0, 0, 1], 21));
    run(server.run_session(transport, peer, &Nobody, pending()));
    assert_time(2);
}

/// Logged in, and where to put what comes then.
fn logged_in() -> (Client<ByHand, Transport>, Pieces) {
    let login = ["220 Ready.\r\n", "331 Go on.\r\n", "230 In.\r\n"];
    let transport = Transport::new(&login, b"", Writes::Taken);
    let pieces = Arc::clone(&transport.pieces);
    (log_in(transport).unwrap(), pieces)
}

/// Does what can be done now, and gives up.
fn glance(client: &mut Client<ByHand, Transport>) {
    STEPS.set(0);
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(client.next_event()).poll(&mut context).is_pending());
}

#[test]
fn what_came_while_nobody_looked_came_in_time() {
    // A transfer: nobody looks at the control connection between 150 and 226.
    let (mut client, pieces) = logged_in();
    let command = client.send("RETR a").unwrap();
    *pieces.lock().unwrap() = bytes(&["150 Begins.\r\n"]);
    assert_eq!(run(client.next_reply(command)).unwrap().code().get(), 150);
    pass(Duration::from_secs(600));
    *pieces.lock().unwrap() = bytes(&["226 Done.\r\n"]);
    assert_eq!(run(client.next_reply(command)).unwrap().code().get(), 226);

    // Another command is sent before anybody looks. What came is longer than one read.
    let (mut client, pieces) = logged_in();
    let first = client.send("STAT").unwrap();
    glance(&mut client);
    pass(Duration::from_secs(600));
    let lines = "211-A line of a long reply, of which there are many.\r\n".repeat(70);
    *pieces.lock().unwrap() = bytes(&[&lines, &lines, &lines, "211 End.\r\n"]);
    let second = client.send("PWD").unwrap();
    assert_eq!(run(client.next_reply(first)).unwrap().code().get(), 211);
    glance(&mut client);
    *pieces.lock().unwrap() = bytes(&["257 Here.\r\n"]);
    assert_eq!(run(client.next_reply(second)).unwrap().code().get(), 257);
}

#[test]
fn a_command_that_is_sent_late_has_its_time_from_then_on() {
    let (mut client, _) = logged_in();
    let command = client.send("NOOP").unwrap();
    pass(Duration::from_secs(600));
    glance(&mut client);
    pass(Duration::from_secs(29));
    glance(&mut client);
    let error = run(client.next_reply(command)).unwrap_err();
    assert_eq!(timed_out(&error), Timeout::Reply);
    assert_time(630);
}

#[test]
fn what_is_not_there_when_somebody_looks_again_is_late() {
    let (mut client, pieces) = logged_in();
    let command = client.send("NOOP").unwrap();
    glance(&mut client);
    pass(Duration::from_secs(600));
    // Endless, and still no reply: at most what 64 reads give is looked at.
    *pieces.lock().unwrap() = bytes(&["\r\n"; 500]);
    let error = run(client.next_reply(command)).unwrap_err();
    assert_eq!(timed_out(&error), Timeout::Reply);
    assert_time(600);
    assert!(pieces.lock().unwrap().len() > 400);
}
