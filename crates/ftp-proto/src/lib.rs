//! FTP without I/O: bytes in, events out.
//!
//! Every FTP session starts with a login over the control connection: greeting, `AUTH TLS`, `PBSZ`
//! and `PROT`, `USER`, `PASS`, sometimes `ACCT`. This crate has both sides of it, and the client's side of
//! transfers: files and listings, which go over a data connection each. It uses no socket, clock, thread
//! or TLS library. It is `no_std` (with `alloc`) and contains no unsafe code.
//!
//! | module | what it is for |
//! |---|---|
//! | [`wire`] | replies, commands, Telnet: parse and encode; usable alone |
//! | [`client`] | [`client::Connection`], the client's machine |
//! | [`data`] | [`data::Connection`], the machine of a data connection |
//! | [`server`] | [`server::Connection`], the server's machine |
//! | [`listing`] | directory listings: parse and write; usable alone |
//! | [`connect`] | which address to try when, and whether to try again |
//! | the root | the contract of a machine ([`Machine`], [`Action`]), time, limits, secrets |
//!
//! TLS is a machine around these (`ftp_rustls::Secured`), and thin adapters connect them to sockets
//! (`ftp_tokio` and others). Use an adapter unless you have a network stack of your own.
//!
//! # One loop drives everything
//!
//! A driver asks the machine what to do and does exactly that. This is a whole login, driven by
//! hand. The bytes of a socket are written into the program:
//!
//! ```
//! use ftp_proto::client::{Config, Connection, Event, Login};
//! use ftp_proto::{Action, Instant, Machine, Securable, TlsSession, TlsVersion};
//!
//! // What the server says, and what it has to hear before each of its lines.
//! let mut server = [
//!     ("", "220-Welcome\r\n220 Ready.\r\n"),
//!     ("AUTH TLS\r\n", "234 Go ahead.\r\n"),
//!     ("PBSZ 0\r\n", "200 PBSZ=0\r\n"),
//!     ("PROT P\r\n", "200 Private.\r\n"),
//!     ("USER developer\r\n", "331 Password required.\r\n"),
//!     ("PASS correct horse\r\n", "230 Logged in.\r\n"),
//! ]
//! .into_iter();
//!
//! let now = Instant::START; // your clock: the time since a start that you pick
//! let config = Config::new(Login::new("developer", "correct horse")?);
//! let mut client = Connection::new(config, now);
//! let mut heard = Vec::new();
//!
//! let session = loop {
//!     match client.poll()? {
//!         Action::Write { bytes, deadline: _ } => {
//!             heard.extend_from_slice(bytes); // the transport may take fewer: say how many
//!             let count = bytes.len();
//!             client.wrote(now, count);
//!         }
//!         Action::Read { deadline: _ } => {
//!             let (expected, reply) = server.next().expect("the server has more to say");
//!             assert_eq!(heard, expected.as_bytes());
//!             heard.clear();
//!             let taken = client.received(now, reply.as_bytes());
//!             assert_eq!(taken, reply.len());
//!         }
//!         Action::Event(Event::StartTls) => {
//!             // Your TLS library does its handshake here.
//!             client.tls_started(now, TlsSession::new(TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256"));
//!         }
//!         Action::Event(Event::LoggedIn(session)) => break session,
//!         Action::Event(_) => {}
//!         Action::Wait { deadline: _ } | Action::Shutdown { .. } | Action::Closed => unreachable!(),
//!     }
//! };
//! assert_eq!(session.logged_in_with.text(), b"Logged in.");
//! assert_eq!(session.tls.as_ref().unwrap().version, TlsVersion::Tls13);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The client's states
//!
//! ```text
//!                    implicit TLS: handshake first
//!  connected ──▶ greeting ──220──▶ AUTH ──234──▶ handshake ──▶ PBSZ ──200──▶ PROT ─┐
//!                 │  120 ↺           │ 5yz: AUTH SSL once, if allowed              │200
//!                 │                  └────▶ refused; never on in clear             ▼
//!                 │                                                      (HOST) ▶ USER
//!                 │ 230 in clear by choice, or under implicit TLS          │  │     │
//!                 │                                                  331/336 230  332
//!                 │                                                        ▼  │     ▼
//!                 │                                                      PASS─┼332▶ACCT
//!                 │                                                        │  │     │
//!                 └───────────────────▶ ready ◀────────────────230/202─────┴──┴─────┘
//!                          │   ▲  REIN ──220──▶ back to PBSZ/USER, TLS stays
//!                          │   └─ CCC ──200──▶ TLS closed, clear text
//!                          └─ QUIT ──221──▶ closed            421 anywhere: unavailable
//! ```
//! The whole table, every state and code, is in [`client`].
//!
//! # The server's states
//!
//! ```text
//!  connected ──220──▶ new ──USER 331──▶ password needed ──PASS──▶ verifying ──230──▶ logged in
//!     │ 120: delayed   ▲ │                                        │  │  ▲               │
//!     │ 421: refused   │ └─ AUTH 234 ─▶ handshake ─▶ new     332  │  │  │ ACCT          │
//!                      │                                          ▼  │  │               │
//!                      │                              account needed─┼──┘               │
//!                      ├───────────530, after a growing delay────────┘                  │
//!                      └───────────REIN 220, USER 331 (login starts again)──────────────┘
//!                                                 QUIT 221, or 421 and close, anywhere
//! ```
//! The whole table, every state and command, is in [`server`].
//!
//! # What the machines promise
//!
//! * Every call is legal in every state; [`Machine::poll`] returns the same action until it is
//!   acted on, and errors stay.
//! * How the peer's bytes are split never matters, and the work is linear.
//! * No input moves a deadline: deadlines are checked when bytes arrive, not only when they do not.
//! * No input makes a machine store more than [`Limits`] allows.
//! * Passwords are masked in every `Debug`, wiped when dropped, and wiped from the output as it is
//!   written. They are sent in clear only with [`client::Security::DangerousPlaintext`].
//! * No byte received in clear is looked at after the switch to TLS.
//!
//! # Features
//!
//! * `tracing`: emit [`tracing`](https://docs.rs/tracing) events for phases and masked lines. Once a
//!   client has sent a secret, replies are logged as codes alone: a server may repeat it.
#![no_std]
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

extern crate alloc;
#[cfg(test)]
extern crate std;

mod buffer;
pub mod client;
pub mod connect;
pub mod data;
mod datetime;
mod limits;
pub mod listing;
mod log;
mod machine;
mod observer;
mod secret;
pub mod server;
mod ticket;
mod time;
mod tls;
pub mod wire;

pub use datetime::{Compact, DateTime};
pub use limits::{Lenience, Limits};
pub use machine::{Action, Machine, Securable, TlsSwitch};
pub use observer::{Dialogue, Observer};
pub use secret::{Account, Password, Username};
pub use time::Instant;
pub use tls::{TlsSession, TlsVersion};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
