//! The sessions of a server's control connection.

use core::fmt;
use core::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, OnceLock};

use rustls::ServerConfig;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert, StoresServerSessions,
};
use rustls::sign::CertifiedKey;

use super::lock;

/// Most sessions that are known as our own.
const MOST_SESSIONS: usize = 64;
/// So many of the first are never forgotten: clients may offer the control connection's own for each
/// data connection.
const FIRST_SESSIONS: usize = 8;
/// How many tickets of TLS 1.3 a handshake gives out where they are needed.
const TICKETS_IN_STOCK: usize = FIRST_SESSIONS;

/// Knows which tickets and session numbers were given out, or resumed, on one control connection and
/// its data connections. What they stand for is where the configuration keeps it: with the clients, or
/// in its store. A client may offer a session any number of times.
///
/// It also remembers the name that the client asked for, which rustls tells only who picks the certificate.
pub(crate) struct ServerSessions {
    certificates: Arc<dyn ResolvesServerCert>,
    requested_name: OnceLock<String>,
    tickets: Arc<dyn ProducesTickets>,
    store: Arc<dyn StoresServerSessions>,
    own: Mutex<Own>,
    /// At a data connection: those of its control connection.
    control: Option<Arc<Self>>,
}

#[derive(Default)]
struct Own {
    /// Under which keys the next are hashes. Nobody outside can find two that collide, and a ticket must
    /// also be genuine.
    hasher: RandomState,
    /// Of tickets and session numbers, oldest first.
    hashes: Vec<u64>,
    /// Data connections are made: from now on only our own sessions count.
    is_closed: bool,
}

impl ServerSessions {
    /// The configuration with a store of its own. If its data connections must resume a session, clients
    /// get several in stock.
    pub(crate) fn of(config: &ServerConfig, must_resume: bool) -> (Arc<Self>, Arc<ServerConfig>) {
        let sessions = Arc::new(Self {
            certificates: Arc::clone(&config.cert_resolver),
            requested_name: OnceLock::new(),
            tickets: Arc::clone(&config.ticketer),
            store: Arc::clone(&config.session_storage),
            own: Mutex::default(),
            control: None,
        });
        let mut config = sessions.configure(config);
        if must_resume {
            config.send_tls13_tickets = config.send_tls13_tickets.max(TICKETS_IN_STOCK);
        }
        (sessions, Arc::new(config))
    }

    /// Those of a data connection, and its configuration. What is given out on it is not of this control
    /// connection before it has been [accepted](Self::accept): anyone may have made it.
    pub(crate) fn data(self: &Arc<Self>, config: &ServerConfig) -> (Arc<Self>, Arc<ServerConfig>) {
        let own = Own {
            hasher: lock(&self.own).hasher.clone(),
            ..Own::default()
        };
        let sessions = Arc::new(Self {
            certificates: Arc::clone(&self.certificates),
            requested_name: OnceLock::new(),
            tickets: Arc::clone(&self.tickets),
            store: Arc::clone(&self.store),
            own: Mutex::new(own),
            control: Some(Arc::clone(self)),
        });
        let config = sessions.configure(config);
        (sessions, Arc::new(config))
    }

    fn configure(self: &Arc<Self>, config: &ServerConfig) -> ServerConfig {
        let mut config = config.clone();
        config.ticketer = Arc::clone(self) as _;
        config.session_storage = Arc::clone(self) as _;
        config.cert_resolver = Arc::clone(self) as _;
        // A session may be offered twice, and early data must not be taken twice.
        config.max_early_data_size = 0;
        config
    }

    /// The data connection resumed a session of its control connection: so what it got is for the same
    /// client.
    pub(crate) fn accept(&self) {
        if let Some(control) = &self.control {
            let issued = core::mem::take(&mut lock(&self.own).hashes);
            let mut own = lock(&control.own);
            issued.into_iter().for_each(|hash| own.note(hash));
        }
    }

    /// No sessions: nothing is resumed, and nothing can be later.
    pub(crate) fn none(config: &ServerConfig) -> (Arc<Self>, Arc<ServerConfig>) {
        let sessions = Arc::new(Self {
            certificates: Arc::clone(&config.cert_resolver),
            requested_name: OnceLock::new(),
            tickets: Arc::new(NoTickets),
            store: Arc::new(NoServerSessionStorage {}),
            own: Mutex::default(),
            control: None,
        });
        let mut config = sessions.configure(config);
        config.send_tls13_tickets = 0;
        (sessions, Arc::new(config))
    }

    /// The name that the client asked for, once the certificate was picked.
    pub(crate) fn requested_name(&self) -> Option<String> {
        self.requested_name.get().cloned()
    }

    /// The control connection has what it needs of others.
    pub(crate) fn close(&self) {
        lock(&self.own).is_closed = true;
    }

    fn may_resume(&self, session: &[u8]) -> bool {
        let own = lock(&self.own);
        !own.is_closed || own.hashes.contains(&own.hasher.hash_one(session))
    }

    fn note(&self, session: &[u8]) {
        let mut own = lock(&self.own);
        let hash = own.hasher.hash_one(session);
        own.note(hash);
    }

    /// What a session stands for, if it may be resumed here.
    fn find(&self, session: &[u8], find: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        if let Some(control) = &self.control {
            return control.find(session, find);
        }
        if !self.may_resume(session) {
            return None;
        }
        let found = find(session);
        if found.is_some() {
            self.note(session);
        }
        found
    }
}

impl Own {
    fn note(&mut self, hash: u64) {
        if self.hashes.contains(&hash) {
            return;
        }
        if self.hashes.len() >= MOST_SESSIONS {
            self.hashes.remove(FIRST_SESSIONS);
        }
        self.hashes.push(hash);
    }
}

impl ResolvesServerCert for ServerSessions {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            self.requested_name.get_or_init(|| name.to_owned());
        }
        self.certificates.resolve(hello)
    }

    fn only_raw_public_keys(&self) -> bool {
        self.certificates.only_raw_public_keys()
    }
}

impl ProducesTickets for ServerSessions {
    fn enabled(&self) -> bool {
        self.tickets.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.tickets.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let ticket = self.tickets.encrypt(plain)?;
        self.note(&ticket);
        Some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.find(ticket, |ticket| self.tickets.decrypt(ticket))
    }
}

impl StoresServerSessions for ServerSessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.note(&key);
        self.store.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key, |key| self.store.get(key))
    }

    /// Without taking it away: it may be offered again.
    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key, |key| self.store.get(key))
    }

    fn can_cache(&self) -> bool {
        self.store.can_cache()
    }
}

#[derive(Debug)]
struct NoTickets;

impl ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        false
    }

    fn lifetime(&self) -> u32 {
        0
    }

    fn encrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

// Sessions hold secrets.
impl fmt::Debug for ServerSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSessions")
    }
}
