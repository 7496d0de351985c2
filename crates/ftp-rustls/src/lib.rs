//! TLS for the machines of `ftp-proto`, without I/O.
//!
//! [`Secured`] is a [`Machine`](ftp_proto::Machine) around the client's or the server's, or around that of
//! a data connection. It does explicit TLS (`AUTH TLS`, RFC 4217), implicit TLS, the way back to clear
//! text (`CCC`), and protected transfers (`PROT P`), which resume the session of the control connection. Its
//! driver moves bytes and keeps time, as for the machine inside. Sockets, clocks, threads and
//! runtimes are in the adapters, `ftp_tokio` and others.
//!
//! The TLS library is rustls, re-exported as [`rustls`]. Any configuration of it works; the
//! functions in [`config`] make good ones in one call each.
//!
//! # A login in memory
//!
//! Both sides, their certificate, and a wire that is two vectors:
//!
//! ```
//! use std::sync::Arc;
//!
//! use ftp_proto::{Action, Instant, Machine, client, server};
//! use ftp_rustls::{ClientCertificates, ClientTls, Identity, Roots, Secured};
//!
//! let made = rcgen::generate_simple_self_signed(["ftp.example.com".to_owned()])?;
//! let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//!
//! let now = Instant::START; // your clock: the time since a start that you pick
//! let trusted = ftp_rustls::roots_from_pem(certificate.as_bytes())?;
//! let config = ftp_rustls::client_config(Roots::Store(trusted), None)?;
//! let login = client::Login::new("anna", "correct horse")?;
//! let mut client = Secured::client(
//!     client::Connection::new(client::Config::new(login), now),
//!     ClientTls::for_host(config, "ftp.example.com")?,
//! );
//!
//! let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes())?;
//! let config = ftp_rustls::server_config(identity, ClientCertificates::NotAsked)?;
//! let policy = Arc::new(server::Config::new());
//! let mut server = Secured::server(server::Connection::new(policy, now), config);
//!
//! let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
//! let session = loop {
//!     match client.poll()? {
//!         Action::Write { bytes, .. } => {
//!             to_server.extend_from_slice(bytes);
//!             let count = bytes.len();
//!             client.wrote(now, count);
//!         }
//!         Action::Read { .. } => {
//!             let taken = client.received(now, &to_client);
//!             to_client.drain(..taken);
//!         }
//!         Action::Event(client::Event::LoggedIn(session)) => break session,
//!         Action::Event(_) | Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => {}
//!     }
//!     match server.poll()? {
//!         Action::Write { bytes, .. } => {
//!             to_client.extend_from_slice(bytes);
//!             let count = bytes.len();
//!             server.wrote(now, count);
//!         }
//!         Action::Read { .. } => {
//!             let taken = server.received(now, &to_server);
//!             to_server.drain(..taken);
//!         }
//!         Action::Event(server::Event::Authenticate(attempt)) => {
//!             let verdict = attempt.accept(); // your user database
//!             server.machine_mut().decide(now, verdict)?;
//!         }
//!         Action::Event(_) | Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => {}
//!     }
//! };
//! let tls = session.tls.as_ref().expect("TLS is up before any credentials are sent");
//! assert_eq!(tls.server_name.as_deref(), Some("ftp.example.com"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | default | what it does |
//! |---|---|---|
//! | `aws-lc-rs` | yes | [`Provider::AwsLcRs`](config::Provider), the default: crypto by AWS-LC, post-quantum key exchange for servers that ask for it |
//! | `ring` | no | [`Provider::Ring`](config::Provider): crypto by *ring* |
//! | `platform-verifier` | yes | [`Roots::Platform`]: trust what the operating system trusts |
//! | `webpki-roots` | yes | [`Roots::Webpki`]: trust Mozilla's list, compiled in |
//!
//! A feature only makes something available: a call chooses what is used, and the default does not
//! depend on the features that other crates turn on. Without `aws-lc-rs` the functions in
//! [`config`] without a provider argument return [`ConfigError::NoCryptoProvider`]; the others
//! work, with *ring* too: [`client_config_with_provider`], [`server_config_with_provider`].
//!
//! # Secrets
//!
//! This crate keeps no copy of what it encrypts: it goes from the machine's buffer, which is wiped,
//! into rustls. What comes over a control connection is decrypted in a buffer that is wiped; rustls copies
//! it out, and does not wipe its copy. The bytes of files are not wiped.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

pub mod config;
mod error;
mod offer;
mod record;
mod refused;
mod secured;
mod sessions;
mod tls_state;

pub use config::{
    CertificatePin, ClientCertificates, ClientTls, ConfigError, Identity, InvalidPin, PemError,
    PemProblem, Provider, Roots, TrustedCertificates, Versions, certificates_from_pem,
    client_config, client_config_with_provider, client_config_with_versions, private_key_from_pem,
    roots_from_pem, server_config, server_config_with_provider, server_config_with_versions,
};
pub use error::{CertificateFault, Error, TlsPhase};
pub use offer::Offer;
pub use refused::RefusedCertificate;
pub use rustls;
pub use secured::Secured;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
