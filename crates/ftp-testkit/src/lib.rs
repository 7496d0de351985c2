//! Tools for testing the `ftp-proto` crates: not published, and no part of any of them.
//!
//! * [`laws`]: what must hold for every input, of the wire layer and of whole machines, shared by tests and fuzz targets;
//! * [`drive`]: does what a machine asks for, up to its next event or pause;
//! * [`Pair`]: a client's and a server's machine joined in memory, on virtual time;
//! * [`ScriptedPeer`]: a peer that knows no protocol, only the bytes it expects and sends;
//! * [`chunks`]: how bytes are cut on their way;
//! * [`Transcript`]: dialogues from files (`transcripts/`), replayed against both machines;
//! * [`content()`]: the bytes of a file;
//! * `SelfMade`: certificates made on the spot (with the feature `tls`);
//! * `conformance`: one suite for all adapters, over sockets (with the feature `adapters`);
//! * `misbehaving`: scripted peers over sockets that break every rule, and what must come of each (with the feature `tls`);
//! * `flaky`: a small file server over sockets that fails on request (with the feature `tls`);
//! * `probe`: a session told step by step, for the program `probe` of `examples/` (with the feature `adapters`).
//!
//! What they find wrong they panic about.
#![forbid(unsafe_code)]

#[cfg(feature = "tls")]
mod certificate;
pub mod chunks;
mod clock;
#[cfg(feature = "adapters")]
pub mod conformance;
mod content;
mod drive;
#[cfg(feature = "tls")]
pub mod flaky;
pub mod laws;
mod lines;
#[cfg(feature = "tls")]
pub mod misbehaving;
mod pair;
#[cfg(feature = "adapters")]
pub mod probe;
mod replay;
mod script;
mod transcript;

#[cfg(feature = "tls")]
pub use certificate::SelfMade;
pub use clock::VirtualClock;
pub use content::content;
pub use drive::{Pause, act, drive, drive_to_rest};
pub use pair::{Happened, Pair};
pub use replay::{ClientReplay, replay_client, replay_server};
pub use script::ScriptedPeer;
pub use transcript::Transcript;

/// The examples of the repository's README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/GUIDE.md")]
struct Guide;
