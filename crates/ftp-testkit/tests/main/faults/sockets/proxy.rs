//! A proxy for one session: it carries the control connection and the data connections, and faults befall them.
//!
//! It has one port for the control connection and one for all data connections. In clear it writes that port into the
//! replies to `EPSV` and `PASV`, and into `EPRT` and `PORT`. Under TLS it cannot: the client asks for it
//! ([`Detour`]).

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::super::Where;
use super::super::line::Way;
use super::cable::{Cable, reset_on_close};

/// What befalls a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No more comes this way, as if the sender had closed its side; what it sends is lost.
    End,
    /// Both sides see it closed.
    Close,
    /// Both sides see it reset.
    Reset,
    /// Nothing arrives any more, and nobody learns of it.
    Silence,
    /// The rest comes this way only when nothing more happens on the other connection.
    Late,
    /// The rest comes this way byte by byte.
    Singly,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::End,
        Self::Close,
        Self::Reset,
        Self::Silence,
        Self::Late,
        Self::Singly,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::End => "no more comes this way, as if closed",
            Self::Close => "closed both ways",
            Self::Reset => "reset",
            Self::Silence => "nothing arrives any more",
            Self::Late => "late: after all on the other connection",
            Self::Singly => "byte by byte",
        })
    }
}

/// When: once so many bytes have gone this way; with 0 as soon as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) way: Way,
    pub(super) after: usize,
    pub(super) kind: Kind,
}

/// If nothing has happened on a connection for so long, what can happen there has.
const QUIET: Duration = Duration::from_millis(30);
/// Longer than any session takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Proxy {
    shared: Arc<Shared>,
    /// Where the client is to connect to.
    pub(super) address: SocketAddr,
    ended: Receiver<()>,
}

/// What a session came to, as its proxy saw it.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// How many bytes went over each connection, to the client and to the server.
    pub(super) bytes: Vec<(Where, [usize; 2])>,
    /// Of each socket of client and server: its port, and that of the proxy it led to.
    pub(super) ports: Vec<(u16, u16)>,
    /// How many faults there were.
    pub(super) faults: usize,
}

/// Where the next data connection is to lead.
pub(super) enum Target {
    Server(SocketAddr),
    Client(SocketAddr),
}

/// What the threads of a proxy share.
pub(super) struct Shared {
    pub(super) faults: Vec<(Where, Fault)>,
    /// Its lines cannot be read.
    pub(super) is_protected: bool,
    /// Where data connections arrive.
    port: u16,
    target: Mutex<Option<Target>>,
    carried: Mutex<Carried>,
    begun: Instant,
    /// When something last went over the control connection, and over a data connection: milliseconds.
    moved: [AtomicU64; 2],
    is_over: AtomicBool,
}

/// Leads data connections to the proxy.
#[derive(Clone)]
pub(super) struct Detour(Arc<Shared>);

impl Detour {
    /// Where to connect to instead of this port of the server.
    pub(super) fn to(&self, port: u16) -> SocketAddr {
        let port = self.0.lead_to(Target::Server(local(port)));
        local(port)
    }
}

impl Proxy {
    pub(super) fn new(server: SocketAddr, faults: Vec<(Where, Fault)>, is_protected: bool) -> Self {
        let control = TcpListener::bind(local(0)).expect("a free port");
        let data = TcpListener::bind(local(0)).expect("a free port");
        let address = control.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            faults,
            is_protected,
            port: data.local_addr().expect("an address").port(),
            target: Mutex::default(),
            carried: Mutex::default(),
            begun: Instant::now(),
            moved: [const { AtomicU64::new(0) }; 2],
            is_over: AtomicBool::new(false),
        });
        let (running, ended) = channel();
        thread::spawn({
            let (shared, running) = (Arc::clone(&shared), running.clone());
            move || {
                if let Some(client) = shared.accept(&control) {
                    drop(control);
                    let to = Target::Server(server);
                    Cable::lay(&shared, Where::Control, client, to, &running);
                }
            }
        });
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let connections = AtomicUsize::new(0);
                while let Some(stream) = shared.accept(&data) {
                    match lock(&shared.target).take() {
                        Some(to) => {
                            let count = connections.fetch_add(1, Ordering::Relaxed);
                            Cable::lay(&shared, Where::Data(count), stream, to, &running);
                        }
                        // Nobody has announced it.
                        None => reset_on_close(&stream),
                    }
                }
            }
        });
        Self {
            shared,
            address,
            ended,
        }
    }

    pub(super) fn detour(&self) -> Detour {
        Detour(Arc::clone(&self.shared))
    }

    /// Waits until both sides have closed all that they had. `None`: they do not.
    pub(super) fn end(self) -> Option<Carried> {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for port in [self.address.port(), self.shared.port] {
            // Wakes the thread that waits there, if one does.
            let _woken = TcpStream::connect(local(port));
        }
        match self.ended.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => {
                let mut carried = std::mem::take(&mut *lock(&self.shared.carried));
                carried.bytes.sort_by_key(|(place, _)| match place {
                    Where::Control => 0,
                    Where::Data(count) => 1 + count,
                });
                Some(carried)
            }
            _ => None,
        }
    }
}

impl Shared {
    fn accept(&self, listener: &TcpListener) -> Option<TcpStream> {
        let (stream, _) = listener.accept().ok()?;
        if self.is_over.load(Ordering::SeqCst) {
            // It leads nowhere, and must not look like one that has come to its end.
            reset_on_close(&stream);
            return None;
        }
        Some(stream)
    }

    /// The next data connection is to lead there. Returns the port where it is to arrive.
    pub(super) fn lead_to(&self, target: Target) -> u16 {
        *lock(&self.target) = Some(target);
        self.port
    }

    pub(super) fn carried(&self) -> MutexGuard<'_, Carried> {
        lock(&self.carried)
    }

    /// Something happened on this connection.
    pub(super) fn note(&self, place: Where) {
        let now = self.begun.elapsed().as_millis() as u64;
        self.moved[usize::from(place != Where::Control)].store(now, Ordering::SeqCst);
    }

    /// Waits until nothing more happens on the other connection.
    pub(super) fn await_quiet(&self, place: Where) {
        let other = &self.moved[usize::from(place == Where::Control)];
        let mut since = self.begun.elapsed();
        while self.begun.elapsed() < since + QUIET {
            thread::sleep(QUIET / 10);
            since = since.max(Duration::from_millis(other.load(Ordering::SeqCst)));
        }
    }
}

pub(super) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For as long as something runs.
pub(super) type Running = Sender<()>;
