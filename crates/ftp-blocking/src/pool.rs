//! Several connections to one server, for those who need one.

use std::fmt;
use std::io::ErrorKind;
use std::mem::replace;
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time;

use ftp_adapter::{Error, PoolConfig, PoolState, PoolStep, PoolTurn};
use ftp_proto::Instant;
use ftp_proto::client::Session;

use crate::{Aborter, Client, Connector};

/// Control connections to one server, logged in, for the threads that need one. Clones are the same
/// pool.
///
/// A server that takes several connections can be made to move several files at a time. The pool opens
/// connections when they are needed, up to a bound, and lends each to one caller at a time.
///
/// * **Order**: who waits longest is served first.
/// * **Health**: a connection that was closed meanwhile is noticed before it is lent. One that was idle
///   for [long](PoolConfig::check_after) is tried with `NOOP`, and replaced if that fails.
/// * **A full server**: if it answers 421 to a login while other connections of the pool are open, no
///   more are opened for [a while](PoolConfig::bound_pause), and callers wait for those. If none is
///   open, the error is returned.
/// * **What a borrower leaves behind** stays: the current directory, for instance. Give paths from the
///   root.
///
/// ```no_run
/// # fn example(connector: ftp_blocking::Connector) -> Result<(), ftp_blocking::Error> {
/// use ftp_blocking::Pool;
///
/// let pool = Pool::new(connector, "ftp.example.com", 4);
/// let mut ftp = pool.get()?;
/// println!("{}", ftp.command("PWD")?);
/// drop(ftp); // the next caller gets it
/// pool.close();
/// # Ok(())
/// # }
/// ```
///
/// A small file is mostly waiting: for two round trips and a connection. Over several connections the
/// waiting goes on at the same time:
///
/// ```no_run
/// # fn example(connector: ftp_blocking::Connector, paths: &[String]) {
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use ftp_blocking::{Error, Pool};
///
/// let pool = Pool::new(connector, "ftp.example.com", 8);
/// let next = AtomicUsize::new(0);
/// let fetch = || -> Result<(), Error> {
///     let mut ftp = pool.get()?;
///     while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
///         let mut file = Vec::new();
///         ftp.retrieve(path)?.read_to_end(&mut file)?;
///         println!("{path}: {} bytes", file.len());
///     }
///     Ok(())
/// };
/// std::thread::scope(|scope| {
///     let fetching: Vec<_> = (0..8).map(|_| scope.spawn(fetch)).collect();
///     for thread in fetching {
///         if let Ok(Err(error)) = thread.join() {
///             eprintln!("{error}");
///         }
///     }
/// });
/// pool.close();
/// # }
/// ```
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Connector,
    address: String,
    start: time::Instant,
    state: Mutex<PoolState<Member>>,
    changed: Condvar,
}

/// A connection of the pool.
struct Member {
    client: Client,
    /// As it was when the connection was opened. Another one means another user, or TLS that was taken
    /// off.
    session: Option<Arc<Session>>,
}

impl Pool {
    /// Connections of this connector to this address (as for [`Connector::connect`]), at most `max` at
    /// a time. None is opened before it is needed.
    pub fn new(connector: Connector, address: impl Into<String>, max: usize) -> Self {
        Self::with_config(connector, address, PoolConfig::new(max))
    }

    /// The same with more settings.
    pub fn with_config(
        connector: Connector,
        address: impl Into<String>,
        config: PoolConfig,
    ) -> Self {
        let shared = Shared {
            connector,
            address: address.into(),
            start: time::Instant::now(),
            state: Mutex::new(PoolState::new(config)),
            changed: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Lends a connection: one that is open and idle, or else a new one; waits if there are as many as
    /// there may be, for as long as that takes.
    ///
    /// # Errors
    /// As [`Connector::connect`]; [`Error::PoolClosed`].
    pub fn get(&self) -> Result<Pooled, Error> {
        self.lend(false)
    }

    /// Lends a connection, and tries it first, if `check` says so or it was idle for long.
    pub(crate) fn lend(&self, check: bool) -> Result<Pooled, Error> {
        let mut place = Place::enter(&self.shared);
        loop {
            let (member, check) = match place.wait() {
                PoolStep::Use(member) => (Some(member), check),
                PoolStep::Check(member) => (Some(member), true),
                PoolStep::Open => (None, false),
                PoolStep::Wait { .. } => continue,
                PoolStep::Closed => return Err(Error::PoolClosed),
            };
            if let Some(member) = member {
                let mut pooled = place.lent(member);
                if pooled.is_healthy(check) {
                    return Ok(pooled);
                }
                place.reopen(pooled);
            }
            match self.shared.connector.connect(&self.shared.address) {
                Ok(client) => return Ok(place.opened(client)),
                Err(error) if place.failed(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Closes the pool: ends the idle connections with `QUIT`, and takes those that are lent not back.
    /// [`get`](Self::get) returns [`Error::PoolClosed`] from now on, also where it waits.
    pub fn close(&self) {
        for member in self.shared.change(PoolState::close) {
            // It is over either way.
            let _ended = member.client.quit();
        }
    }

    /// How many connections are open or being opened.
    pub fn connections(&self) -> usize {
        self.shared.lock().len()
    }

    /// How many connections are open that nobody uses.
    pub fn idle(&self) -> usize {
        self.shared.lock().idle()
    }

    /// How many connections there may be at present: fewer than the maximum if the server said 421 to
    /// one more, or refused it while others were logged in.
    pub fn bound(&self) -> usize {
        self.shared.lock().bound()
    }
}

impl Shared {
    fn now(&self) -> Instant {
        Instant::from_start(self.start.elapsed())
    }

    /// Changes the state, and wakes the callers that wait.
    fn change<A>(&self, change: impl FnOnce(&mut PoolState<Member>) -> A) -> A {
        let output = change(&mut self.lock());
        self.changed.notify_all();
        output
    }

    fn lock(&self) -> MutexGuard<'_, PoolState<Member>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller on its way to a connection. Dropping it gives up what it holds.
struct Place {
    shared: Arc<Shared>,
    turn: PoolTurn,
    holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A turn in the queue.
    Turn,
    /// The right to open a connection.
    Opening,
    Nothing,
}

impl Place {
    fn enter(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            turn: shared.change(PoolState::enter),
            holds: Holds::Turn,
        }
    }

    fn wait(&mut self) -> PoolStep<Member> {
        let shared = &self.shared;
        let mut state = shared.lock();
        let step = loop {
            let until = match state.poll(shared.now(), self.turn) {
                PoolStep::Wait { until } => until,
                step => break step,
            };
            state = match until {
                None => shared
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let waited = shared.changed.wait_timeout(state, until - shared.now());
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        };
        drop(state);
        // The next one may be served as well.
        shared.changed.notify_all();
        self.holds = match step {
            PoolStep::Open => Holds::Opening,
            _ => Holds::Nothing,
        };
        step
    }

    fn lent(&self, member: Member) -> Pooled {
        Pooled {
            member: Some(member),
            shared: Arc::clone(&self.shared),
        }
    }

    fn opened(&mut self, client: Client) -> Pooled {
        self.holds = Holds::Nothing;
        self.shared.change(PoolState::opened);
        let session = client.session().cloned();
        self.lent(Member { client, session })
    }

    /// Whether it waits again.
    fn failed(&mut self, error: &Error) -> bool {
        let (now, turn) = (self.shared.now(), self.turn);
        let waits = (self.shared).change(|state| state.failed(now, turn, error));
        self.holds = if waits { Holds::Turn } else { Holds::Nothing };
        waits
    }

    /// Another connection is opened in the place of this one.
    fn reopen(&mut self, mut broken: Pooled) {
        broken.member = None;
        self.shared.change(PoolState::reopening);
        self.holds = Holds::Opening;
    }
}

impl Drop for Place {
    /// Does something where the caller panics.
    fn drop(&mut self) {
        match replace(&mut self.holds, Holds::Nothing) {
            Holds::Turn => self.shared.change(|state| state.leave(self.turn)),
            Holds::Opening => self.shared.change(PoolState::not_wanted),
            Holds::Nothing => {}
        }
    }
}

/// A connection that a [`Pool`] lends: a [`Client`].
///
/// Dropping it gives it back, if it can be used by others: it is logged in as it was at first, and every
/// command was answered. A transfer that was dropped under way is settled with the server before the
/// connection is lent again. Otherwise the connection is closed, and the pool opens another when one is
/// needed.
pub struct Pooled {
    /// `None` when it was taken out, and while it is dropped.
    member: Option<Member>,
    shared: Arc<Shared>,
}

impl Pooled {
    /// Takes the connection out of the pool for good, which may open another in its place.
    pub fn into_client(mut self) -> Client {
        let member = self.member.take().expect(BORROWED);
        self.shared.change(PoolState::gone);
        member.client
    }

    /// Whether it can be used. What can be seen at once is looked at; `check`: the server has to answer,
    /// too.
    fn is_healthy(&mut self, check: bool) -> bool {
        let is_transferring = self.driver.machine().machine().transferring().is_some();
        if check || is_transferring || !is_quiet(self.driver.transport()) {
            return self.command("NOOP").is_ok();
        }
        true
    }
}

/// Whether nothing came since this was used last. An idle server says nothing but 421 and the end.
fn is_quiet(stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    let peeked = stream.peek(&mut [0]);
    let is_blocking = stream.set_nonblocking(false).is_ok();
    is_blocking && peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

const BORROWED: &str = "a connection that is lent is there";

impl Deref for Pooled {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.member.as_ref().expect(BORROWED).client
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.member.as_mut().expect(BORROWED).client
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let Some(mut member) = self.member.take() else {
            return;
        };
        // What this borrower gave away aborts nothing of the next one.
        member.client.aborter = Aborter::default();
        let now = self.shared.now();
        let dropped = self.shared.change(|state| {
            if member.is_usable() {
                return state.put_back(now, member);
            }
            state.gone();
            Some(member)
        });
        drop(dropped);
    }
}

impl Member {
    fn is_usable(&self) -> bool {
        let same_session = match (self.client.session(), &self.session) {
            (Some(now), Some(then)) => Arc::ptr_eq(now, then),
            _ => false,
        };
        same_session && self.client.is_reusable()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("address", &self.shared.address)
            .field("connections", &self.connections())
            .field("idle", &self.idle())
            .field("bound", &self.bound())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Pooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("client", &self.member.as_ref().map(|member| &member.client))
            .finish_non_exhaustive()
    }
}
