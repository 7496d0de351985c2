//! Several connections to one server, for those who need one.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::mem::replace;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ftp_adapter::{Error, PoolConfig, PoolState, PoolStep, PoolTurn};
use ftp_proto::Instant;
use ftp_proto::client::Session;
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::runtime::{DeadlineTimer, before, later};
use crate::{Client, Connector, Runtime};

/// How long the answer to the `NOOP` that tries a connection may take.
const CHECK_TIME: Duration = Duration::from_secs(10);

/// Control connections to one server, logged in, for those who need one. Clones are the same pool.
///
/// A server that takes several connections can be made to move several files at a time. The pool opens
/// connections when they are needed, up to a bound, and lends each to one caller at a time.
///
/// * **Order**: who waits longest is served first. Dropping the future of [`get`](Self::get) gives its
///   turn to the next.
/// * **Health**: a connection that was closed meanwhile is noticed before it is lent. One that was idle
///   for [long](PoolConfig::check_after) is tried with `NOOP`, and replaced if that fails.
/// * **A full server**: if it answers 421 to a login while other connections of the pool are open, no
///   more are opened for [a while](PoolConfig::bound_pause), and callers wait for those. If none is
///   open, the error is returned.
/// * **What a borrower leaves behind** stays: the current directory, for instance. Give paths from the root.
///
/// ```no_run
/// # async fn example<R: ftp_futures::Runtime + 'static>(
/// #     connector: ftp_futures::Connector<R>,
/// # ) -> Result<(), ftp_futures::Error> {
/// use ftp_futures::Pool;
///
/// let pool = Pool::new(connector, "ftp.example.com", 4);
/// let mut ftp = pool.get().await?;
/// println!("{}", ftp.command("PWD").await?);
/// drop(ftp); // the next caller gets it
/// pool.close().await;
/// # Ok(())
/// # }
/// ```
pub struct Pool<R: Runtime> {
    shared: Arc<Shared<R>>,
}

struct Shared<R: Runtime> {
    connector: Connector<R>,
    address: String,
    start: std::time::Instant,
    queue: Mutex<Queue<Member<R>>>,
}

struct Queue<C> {
    state: PoolState<C>,
    wakers: BTreeMap<PoolTurn, Waker>,
}

/// A connection of the pool.
struct Member<R: Runtime> {
    client: Client<R, R::TcpStream>,
    /// As it was when the connection was opened. Another one means another user, or TLS that was taken off.
    session: Option<Arc<Session>>,
}

impl<R: Runtime + 'static> Pool<R> {
    /// Connections of this connector to this address (as for [`Connector::connect`]), at most `max` at a
    /// time. None is opened before it is needed.
    pub fn new(connector: Connector<R>, address: impl Into<String>, max: usize) -> Self {
        Self::with_config(connector, address, PoolConfig::new(max))
    }

    /// The same with more settings.
    pub fn with_config(
        connector: Connector<R>,
        address: impl Into<String>,
        config: PoolConfig,
    ) -> Self {
        let queue = Queue {
            state: PoolState::new(config),
            wakers: BTreeMap::new(),
        };
        let shared = Shared {
            connector,
            address: address.into(),
            start: R::now(),
            queue: Mutex::new(queue),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Lends a connection: one that is open and idle, or else a new one; waits if there are as many as
    /// there may be.
    ///
    /// Cancel-safe: a login that was begun is given up, and the next caller has the turn.
    ///
    /// # Errors
    /// As [`Connector::connect`]; [`Error::PoolClosed`].
    pub async fn get(&self) -> Result<Pooled<R>, Error> {
        self.lend(false).await
    }

    /// Lends a connection, and tries it first, if `check` says so or it was idle for long.
    pub(crate) async fn lend(&self, check: bool) -> Result<Pooled<R>, Error> {
        let mut place = Place::enter(&self.shared);
        loop {
            let (member, check) = match place.wait().await {
                PoolStep::Use(member) => (Some(member), check),
                PoolStep::Check(member) => (Some(member), true),
                PoolStep::Open => (None, false),
                PoolStep::Wait { .. } => continue,
                PoolStep::Closed => return Err(Error::PoolClosed),
            };
            if let Some(member) = member {
                let mut pooled = place.lent(member);
                if pooled.is_healthy(check).await {
                    return Ok(pooled);
                }
                place.reopen(pooled);
            }
            match self.shared.connector.connect(&self.shared.address).await {
                Ok(client) => return Ok(place.opened(client)),
                Err(error) if place.failed(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Closes the pool: ends the idle connections with `QUIT`, and takes those that are lent not back.
    /// [`get`](Self::get) returns [`Error::PoolClosed`] from now on, also where it waits.
    ///
    /// Cancel-safe: what is left is closed without `QUIT`.
    pub async fn close(&self) {
        let idle = self.shared.change(|queue| queue.state.close());
        let mut quitting: FuturesUnordered<_> = idle
            .into_iter()
            .map(|member| member.client.quit())
            .collect();
        // They are over either way.
        while quitting.next().await.is_some() {}
    }
}

impl<R: Runtime> Pool<R> {
    /// How many connections are open or being opened.
    pub fn connections(&self) -> usize {
        self.shared.look(PoolState::len)
    }

    /// How many connections are open that nobody uses.
    pub fn idle(&self) -> usize {
        self.shared.look(PoolState::idle)
    }

    /// How many connections there may be at present: fewer than the maximum if the server said 421 to
    /// one more, or refused it while others were logged in.
    pub fn bound(&self) -> usize {
        self.shared.look(PoolState::bound)
    }
}

impl<R: Runtime> Shared<R> {
    fn now(&self) -> Instant {
        Instant::from_start(R::now().saturating_duration_since(self.start))
    }

    fn look<A>(&self, look: impl FnOnce(&PoolState<Member<R>>) -> A) -> A {
        look(&self.lock().state)
    }

    /// Changes the state, and wakes the caller that may go on.
    fn change<A>(&self, change: impl FnOnce(&mut Queue<Member<R>>) -> A) -> A {
        let mut queue = self.lock();
        let output = change(&mut queue);
        let first = queue.state.first();
        let waker = first.and_then(|first| queue.wakers.get(&first).cloned());
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        output
    }

    /// What this caller, which waits, is to do now.
    fn poll(&self, cx: &mut Context<'_>, turn: PoolTurn) -> PoolStep<Member<R>> {
        let now = self.now();
        let mut queue = self.lock();
        let step = queue.state.poll(now, turn);
        if let PoolStep::Wait { .. } = step {
            queue.wakers.insert(turn, cx.waker().clone());
            return step;
        }
        queue.wakers.remove(&turn);
        drop(queue);
        // The next one may be served as well.
        self.change(|_| ());
        step
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue<Member<R>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller on its way to a connection. Dropping it gives up what it holds.
struct Place<R: Runtime> {
    shared: Arc<Shared<R>>,
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

impl<R: Runtime> Place<R> {
    fn enter(shared: &Arc<Shared<R>>) -> Self {
        Self {
            shared: Arc::clone(shared),
            turn: shared.change(|queue| queue.state.enter()),
            holds: Holds::Turn,
        }
    }

    async fn wait(&mut self) -> PoolStep<Member<R>> {
        let mut timer = DeadlineTimer::<R>::default();
        let step = poll_fn(|cx| {
            loop {
                let until = match self.shared.poll(cx, self.turn) {
                    PoolStep::Wait { until } => until,
                    step => return Poll::Ready(step),
                };
                let Some(until) = until else {
                    return Poll::Pending;
                };
                let until = later::<R>(until - self.shared.now());
                if timer.poll(cx, until).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await;
        self.holds = match step {
            PoolStep::Open => Holds::Opening,
            _ => Holds::Nothing,
        };
        step
    }

    fn lent(&self, member: Member<R>) -> Pooled<R> {
        Pooled {
            member: Some(member),
            shared: Arc::clone(&self.shared),
        }
    }

    fn opened(&mut self, client: Client<R, R::TcpStream>) -> Pooled<R> {
        self.holds = Holds::Nothing;
        self.shared.change(|queue| queue.state.opened());
        let session = client.session().cloned();
        self.lent(Member { client, session })
    }

    /// Whether it waits again.
    fn failed(&mut self, error: &Error) -> bool {
        let (now, turn) = (self.shared.now(), self.turn);
        let waits = (self.shared).change(|queue| queue.state.failed(now, turn, error));
        self.holds = if waits { Holds::Turn } else { Holds::Nothing };
        waits
    }

    /// Another connection is opened in the place of this one.
    fn reopen(&mut self, mut broken: Pooled<R>) {
        broken.member = None;
        self.shared.change(|queue| queue.state.reopening());
        self.holds = Holds::Opening;
    }
}

impl<R: Runtime> Drop for Place<R> {
    fn drop(&mut self) {
        match replace(&mut self.holds, Holds::Nothing) {
            Holds::Turn => self.shared.change(|queue| {
                queue.wakers.remove(&self.turn);
                queue.state.leave(self.turn);
            }),
            Holds::Opening => self.shared.change(|queue| queue.state.not_wanted()),
            Holds::Nothing => {}
        }
    }
}

/// A connection that a [`Pool`] lends: a [`Client`].
///
/// Dropping it gives it back, if it can be used by others: it is logged in as it was at first, and every
/// command was answered. A transfer that was dropped under way is settled with the server before the
/// connection is lent again. Otherwise the connection is closed, and the pool opens another when one is needed.
pub struct Pooled<R: Runtime> {
    /// `None` when it was taken out, and while it is dropped.
    member: Option<Member<R>>,
    shared: Arc<Shared<R>>,
}

impl<R: Runtime> Pooled<R> {
    /// Takes the connection out of the pool for good, which may open another in its place.
    pub fn into_client(mut self) -> Client<R, R::TcpStream> {
        let member = self.member.take().expect(BORROWED);
        self.shared.change(|queue| queue.state.gone());
        member.client
    }

    /// Whether it can be used. What can be seen at once is looked at; `check`: the server has to answer, too.
    async fn is_healthy(&mut self, check: bool) -> bool {
        if check || self.connection().transferring().is_some() {
            let deadline = later::<R>(CHECK_TIME);
            let answer = before::<R, _>(deadline, self.command("NOOP")).await;
            return matches!(answer, Some(Ok(_)));
        }
        poll_fn(|cx| Poll::Ready(self.poll_event(cx).is_pending())).await && self.is_reusable()
    }
}

const BORROWED: &str = "a connection that is lent is there";

impl<R: Runtime> Deref for Pooled<R> {
    type Target = Client<R, R::TcpStream>;

    fn deref(&self) -> &Self::Target {
        &self.member.as_ref().expect(BORROWED).client
    }
}

impl<R: Runtime> DerefMut for Pooled<R> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.member.as_mut().expect(BORROWED).client
    }
}

impl<R: Runtime> Drop for Pooled<R> {
    fn drop(&mut self) {
        let Some(member) = self.member.take() else {
            return;
        };
        let now = self.shared.now();
        let dropped = self.shared.change(|queue| {
            if member.is_usable() {
                return queue.state.put_back(now, member);
            }
            queue.state.gone();
            Some(member)
        });
        drop(dropped);
    }
}

impl<R: Runtime> Member<R> {
    fn is_usable(&self) -> bool {
        let same_session = match (self.client.session(), &self.session) {
            (Some(now), Some(then)) => Arc::ptr_eq(now, then),
            _ => false,
        };
        same_session && self.client.is_reusable()
    }
}

impl<R: Runtime> Clone for Pool<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R: Runtime> fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("address", &self.shared.address)
            .field("connections", &self.connections())
            .field("idle", &self.idle())
            .field("bound", &self.bound())
            .finish_non_exhaustive()
    }
}

impl<R: Runtime> fmt::Debug for Pooled<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("client", &self.member.as_ref().map(|member| &member.client))
            .finish_non_exhaustive()
    }
}
