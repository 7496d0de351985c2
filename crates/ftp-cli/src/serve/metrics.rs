//! The metrics for Prometheus. Every label is a constant of this file. No text of a client becomes
//! a label, so the number of time series is fixed.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ftp_guard::{RefusedWhy, Ruling, Scope};
use ftp_proto::server::{ClosedWhy, Outcome};
use ftp_tokio::{AttemptSummary, SessionError, SessionEvent, SessionInfo};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::transfer_metrics::TransferMetrics;

type Labels = [(&'static str, &'static str); 1];
type Counters = Family<Labels, Counter>;

const REASONS: [&str; 7] = [
    "too_many_in_all",
    "too_many_from_address",
    "too_many_from_network",
    "address_locked_out",
    "network_locked_out",
    "server_full",
    "proxy_header",
];
const OUTCOMES: [&str; 6] = [
    "success",
    "failure",
    "locked_out",
    "too_many_sessions",
    "account_needed",
    "unavailable",
];
const SCOPES: [&str; 4] = ["user_at_address", "address", "network", "user"];
const OK: &str = "ok";
const FAILED: &str = "failed";

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(super) open: Gauge,
    pub(super) accepted: Counter,
    silent: Counter,
    /// The clients that left without sending anything, until their sessions have ended: their
    /// events are not counted as failures.
    silent_clients: Mutex<HashSet<SocketAddr>>,
    pub(super) received_bytes: Counter,
    pub(super) sent_bytes: Counter,
    refused: Counters,
    logins: Counters,
    lockouts: Counters,
    handshakes: Counters,
    login_time: Histogram,
    handshake_time: Histogram,
    check_time: Histogram,
    transfers: TransferMetrics,
    /// When each session that is not logged in yet was greeted.
    greeted: Mutex<HashMap<u64, Instant>>,
    registry: Registry,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // From a millisecond to over a minute: the login deadline is 60 s.
        let seconds = || Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0]);
        let metrics = Self {
            open: Gauge::default(),
            accepted: Counter::default(),
            silent: Counter::default(),
            silent_clients: Mutex::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            refused: counters("reason", &REASONS),
            logins: counters("outcome", &OUTCOMES),
            lockouts: counters("scope", &SCOPES),
            handshakes: counters("outcome", &[OK, FAILED]),
            login_time: seconds(),
            handshake_time: seconds(),
            check_time: seconds(),
            transfers: TransferMetrics::new(),
            greeted: Mutex::default(),
            registry: Registry::default(),
        };
        let registry = metrics.registered();
        Self {
            registry,
            ..metrics
        }
    }

    fn registered(&self) -> Registry {
        let mut all = Registry::with_prefix("ftp");
        all.register("connections", "Open connections", self.open.clone());
        all.register(
            "connections_accepted",
            "All connections, including refused ones",
            self.accepted.clone(),
        );
        all.register(
            "connections_silent",
            "Connections that clients closed before they sent anything, such as health checks",
            self.silent.clone(),
        );
        all.register(
            "connections_refused",
            "Refused connections, with or without a 421",
            self.refused.clone(),
        );
        all.register("logins", "Login attempts, by result", self.logins.clone());
        all.register("lockouts", "Lockouts, by scope", self.lockouts.clone());
        all.register("tls_handshakes", "TLS handshakes", self.handshakes.clone());
        for (name, help, bytes) in [
            (
                "received",
                "Bytes received from clients, TLS included",
                &self.received_bytes,
            ),
            (
                "sent",
                "Bytes sent to clients, TLS included",
                &self.sent_bytes,
            ),
        ] {
            all.register_with_unit(name, help, Unit::Bytes, bytes.clone());
        }
        for (name, help, time) in [
            ("login_duration", "From greeting to login", &self.login_time),
            (
                "tls_handshake_duration",
                "Completed TLS handshakes",
                &self.handshake_time,
            ),
            (
                "password_check_duration",
                "Checks of passwords",
                &self.check_time,
            ),
        ] {
            all.register_with_unit(name, help, Unit::Seconds, time.clone());
        }
        self.transfers.register(&mut all);
        all
    }

    /// All metrics in Prometheus' text format.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts a client that left before it sent anything.
    pub(super) fn count_silent(&self, client: SocketAddr) {
        self.silent.inc();
        self.silent_clients().insert(client);
    }

    /// Forgets it once its connection is closed.
    pub(super) fn forget_silent(&self, client: SocketAddr) {
        self.silent_clients().remove(&client);
    }

    /// Whether this client, which is leaving, never sent anything.
    pub(super) fn was_silent(&self, client: SocketAddr) -> bool {
        self.silent_clients().contains(&client)
    }

    fn silent_clients(&self) -> std::sync::MutexGuard<'_, HashSet<SocketAddr>> {
        let clients = self.silent_clients.lock();
        clients.unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a balancer's connection without a valid header.
    pub(crate) fn count_bad_proxy_header(&self) {
        add(&self.refused, "reason", "proxy_header");
    }

    /// Counts what happened in a session.
    pub(crate) fn count(&self, session: &SessionInfo, event: &SessionEvent) {
        match event {
            SessionEvent::Connected => {
                self.greeted().insert(session.id, Instant::now());
            }
            SessionEvent::Refused(why) => add(&self.refused, "reason", reason(*why)),
            SessionEvent::OverLimit => add(&self.refused, "reason", "server_full"),
            SessionEvent::Ignored(Some(why)) => add(&self.refused, "reason", reason(*why)),
            SessionEvent::Ignored(None) => {
                // It never became a transport, which would have been counted.
                self.accepted.inc();
                add(&self.refused, "reason", "server_full");
            }
            SessionEvent::Attempted(attempt) => self.count_attempt(attempt),
            SessionEvent::AccountAttempted(attempt) => self.count_lockout(attempt),
            SessionEvent::TlsEstablished(tls) => {
                add(&self.handshakes, "outcome", OK);
                if let Some(time) = tls.handshake_time {
                    self.handshake_time.observe(time.as_secs_f64());
                }
            }
            SessionEvent::LoggedIn(_) => {
                if let Some(greeted) = self.greeted().remove(&session.id) {
                    self.login_time.observe(greeted.elapsed().as_secs_f64());
                }
            }
            SessionEvent::TransferStarted(start) => self.transfers.start(&start.action),
            SessionEvent::Transferred(transfer) => self.transfers.end(transfer),
            SessionEvent::Closed(why) => {
                self.greeted().remove(&session.id);
                if *why == ClosedWhy::HandshakeTimeout {
                    add(&self.handshakes, "outcome", FAILED);
                }
            }
            SessionEvent::Failed(why) => {
                self.greeted().remove(&session.id);
                let failed = matches!(why, SessionError::Tls(_)) && session.tls.is_none();
                if failed && !self.was_silent(session.peer) {
                    add(&self.handshakes, "outcome", FAILED);
                }
            }
            _ => {}
        }
    }

    fn count_attempt(&self, attempt: &AttemptSummary) {
        self.check_time.observe(attempt.check_time.as_secs_f64());
        let outcome = match (attempt.ruling, attempt.outcome) {
            (_, Outcome::Unavailable) => "unavailable",
            (Some(Ruling::CheckAndReject), _) => "locked_out",
            (_, Outcome::Success) => "success",
            (_, Outcome::NeedsAccount) => "account_needed",
            (_, Outcome::Failure) if attempt.checked == Outcome::Success => "too_many_sessions",
            (_, Outcome::Failure) => "failure",
        };
        add(&self.logins, "outcome", outcome);
        self.count_lockout(attempt);
    }

    fn count_lockout(&self, attempt: &AttemptSummary) {
        if let Some(scope) = attempt.locked_out {
            let scope = match scope {
                Scope::UserAtAddress => "user_at_address",
                Scope::Address => "address",
                Scope::Network => "network",
                Scope::User => "user",
            };
            add(&self.lockouts, "scope", scope);
        }
    }

    fn greeted(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Instant>> {
        self.greeted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reason(why: RefusedWhy) -> &'static str {
    match why {
        RefusedWhy::TooManyFromAddress => "too_many_from_address",
        RefusedWhy::TooManyFromNetwork => "too_many_from_network",
        RefusedWhy::AddressLockedOut => "address_locked_out",
        RefusedWhy::NetworkLockedOut => "network_locked_out",
        // `TooManyInAll`, and reasons that a later version adds.
        _ => "too_many_in_all",
    }
}

/// All start at 0, so that Prometheus can compute a rate for the first count.
fn counters(label: &'static str, values: &[&'static str]) -> Counters {
    let counters = Counters::default();
    for value in values {
        drop(counters.get_or_create(&[(label, *value)]));
    }
    counters
}

fn add(counters: &Counters, label: &'static str, value: &'static str) {
    counters.get_or_create(&[(label, value)]).inc();
}
