//! The sessions of a client's control connection.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup};

use super::lock;
use crate::ClientTls;

/// Most tickets of TLS 1.3 that are kept. Each is good for one data connection, which brings new ones.
const MOST_TICKETS: usize = 16;
/// With so many, a data connection need not wait until it is known that its ticket is not used in vain. Servers
/// with OpenSSL give no more at a login.
const ENOUGH_TICKETS: usize = 2;
/// How many sessions are kept for later logins, as rustls does by default.
const SHARED_SESSIONS: usize = 256;

/// What control connections of the same configuration share. rustls shows no one the store of a
/// configuration, so it has one here.
static SHARED: Mutex<Vec<(Weak<ClientConfig>, Arc<ClientSessionMemoryCache>)>> =
    Mutex::new(Vec::new());

/// The store of one control connection and its data connections, which all ask for the same name.
pub(crate) struct ClientSessions {
    server_name: ServerName<'static>,
    /// Tickets of TLS 1.3 of earlier control connections, and for later ones: what is over and above
    /// [`ENOUGH_TICKETS`], every other one, and what is left in the end. Not the sessions of TLS 1.2:
    /// after a login that resumes one, ProFTPD refuses every data connection.
    shared: Arc<ClientSessionMemoryCache>,
    own: Mutex<Own>,
}

#[derive(Default)]
struct Own {
    tls12: Option<Tls12ClientSessionValue>,
    tickets: VecDeque<Tls13ClientSessionValue>,
    /// So many of them, the first ones, came over the control connection.
    of_login: usize,
    kx_hint: Option<NamedGroup>,
    /// Data connections are made: from now on only our own sessions count.
    is_closed: bool,
    /// The next ticket is for later logins. A ticket is used once.
    shares_next: bool,
}

impl ClientSessions {
    /// The configuration with a store of its own.
    pub(crate) fn of(tls: &ClientTls) -> (Arc<Self>, ClientTls) {
        let sessions = Arc::new(Self {
            server_name: tls.server_name.clone(),
            shared: shared_by(&tls.config),
            own: Mutex::default(),
        });
        let mut config = ClientConfig::clone(&tls.config);
        config.resumption = Resumption::store(Arc::clone(&sessions) as _);
        let tls = ClientTls::new(Arc::new(config), tls.server_name.clone());
        (sessions, tls)
    }

    /// Whether one ticket is left, and nothing that can be used again.
    pub(crate) fn has_one_left(&self) -> bool {
        let own = lock(&self.own);
        own.tickets.len() == 1 && own.tls12.is_none()
    }

    /// Whether nothing is left.
    pub(crate) fn has_none_left(&self) -> bool {
        let own = lock(&self.own);
        own.tickets.is_empty() && own.tls12.is_none()
    }

    /// The control connection has what it needs of others.
    pub(crate) fn close(&self) {
        lock(&self.own).is_closed = true;
    }
}

fn shared_by(config: &Arc<ClientConfig>) -> Arc<ClientSessionMemoryCache> {
    let mut shared = lock(&SHARED);
    shared.retain(|(config, _)| config.strong_count() > 0);
    let known = shared
        .iter()
        .find(|(known, _)| core::ptr::eq(known.as_ptr(), Arc::as_ptr(config)));
    if let Some((_, sessions)) = known {
        return Arc::clone(sessions);
    }
    let sessions = Arc::new(ClientSessionMemoryCache::new(SHARED_SESSIONS));
    shared.push((Arc::downgrade(config), Arc::clone(&sessions)));
    sessions
}

impl ClientSessionStore for ClientSessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        lock(&self.own).kx_hint = Some(group);
        self.shared.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        let own = lock(&self.own).kx_hint;
        own.or_else(|| self.shared.kx_hint(server_name))
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        lock(&self.own).tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        lock(&self.own).tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        lock(&self.own).tls12 = None;
    }

    fn insert_tls13_ticket(
        &self,
        server_name: ServerName<'static>,
        ticket: Tls13ClientSessionValue,
    ) {
        let mut own = lock(&self.own);
        if own.shares_next && !own.is_closed && own.tickets.len() >= ENOUGH_TICKETS {
            own.shares_next = false;
            self.shared.insert_tls13_ticket(server_name, ticket);
            return;
        }
        own.shares_next = true;
        if own.tickets.len() >= MOST_TICKETS {
            own.tickets.pop_front();
            own.of_login = own.of_login.saturating_sub(1);
        }
        own.tickets.push_back(ticket);
        if !own.is_closed {
            own.of_login = own.tickets.len();
        }
    }

    fn take_tls13_ticket(
        &self,
        server_name: &ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        let mut own = lock(&self.own);
        let earlier = if own.is_closed {
            None
        } else {
            self.shared.take_tls13_ticket(server_name)
        };
        earlier.or_else(|| {
            let ticket = own.tickets.pop_back();
            own.of_login = own.of_login.min(own.tickets.len());
            ticket
        })
    }
}

/// What the control connection brought and did not need is for later logins, once it is over.
impl Drop for ClientSessions {
    fn drop(&mut self) {
        let mut own = lock(&self.own);
        let of_login = own.of_login;
        for ticket in own.tickets.drain(..of_login) {
            self.shared
                .insert_tls13_ticket(self.server_name.clone(), ticket);
        }
    }
}

// Sessions hold secrets.
impl fmt::Debug for ClientSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSessions")
    }
}
