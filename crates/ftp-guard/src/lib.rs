//! A guard against password guessing and floods, over all connections of a server. It decides who
//! may connect, who may try a password, and when the answer is sent.
//!
//! A server can count the failures of one connection, but an attacker then opens another one. The
//! guard counts over all connections. It is a plain value: no I/O, no clock, no random numbers of
//! its own, and no protocol. It is `no_std` (with `alloc`) and contains no unsafe code. One guard
//! serves one process, in a mutex; an attempt takes about a microsecond. Several processes share
//! their guards' state by [snapshots](Guard::snapshot).
//!
//! The servers of `ftp-tokio`, `ftp-smol`, `ftp-async-std` and `ftp-blocking` take a guard
//! (`Server::guard`) and call it at the right times. To call it yourself:
//!
//! ```
//! use core::time::Duration;
//! use ftp_guard::{Admission, AttemptDecision, CheckResult, Guard, GuardConfig, Instant, Ruling, Seed};
//!
//! // 16 bytes from the system's random generator; here a constant.
//! let mut guard = Guard::new(GuardConfig::new(), Seed::new(*b"now is the time "));
//! let at = |seconds| Instant::from_start(Duration::from_secs(seconds));
//!
//! // 1. A connection was accepted: admit it, delay its greeting, or refuse it.
//! let Admission::Admit(mut connected) = guard.accept(at(0), [192, 0, 2, 1].into()) else {
//!     panic!("there were no failures yet");
//! };
//!
//! // 2. A client sent a password: ask before the check runs, settle when it is done.
//! for guess in 0..5 {
//!     let AttemptDecision::Check(attempt) = guard.attempt(at(guess), &mut connected, b"alice") else {
//!         panic!("no other attempt is under way");
//!     };
//!     let found = CheckResult::Failure; // the password store says so
//!     let answer = guard.settle(at(guess), &mut connected, attempt, found);
//!     assert_eq!(answer.result, CheckResult::Failure);
//!     assert!(answer.not_before > at(guess)); // reply at this time, not earlier
//! }
//!
//! // Five failures: alice is locked out, from this address. The check runs all the same, and even
//! // the right password is answered like a wrong one.
//! let AttemptDecision::Check(attempt) = guard.attempt(at(9), &mut connected, b"alice") else {
//!     panic!("no other attempt is under way");
//! };
//! assert_eq!(attempt.ruling(), Ruling::CheckAndReject);
//! let answer = guard.settle(at(9), &mut connected, attempt, CheckResult::Success);
//! assert_eq!(answer.result, CheckResult::Failure);
//!
//! // 3. The connection ended.
//! guard.release(at(10), connected);
//! assert_eq!(guard.connections(), 0);
//! ```
//!
//! The password check is not here. Neither are the limits of one connection (in `ftp-proto`:
//! `Config::max_attempts` and `Config::failure_delay`).
//!
//! # Known addresses
//!
//! An address is *known* for some time after a login from it succeeded. All others are *unknown*.
//! Some connections are reserved for known addresses, and known addresses do not wait when others
//! fail.
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | connections in all | 16,384, and no more than the server runs sessions | 3 KiB each is 48 MiB: a small machine survives it |
//! | of these for known addresses only | an eighth | a flood of idle connections leaves room for regular users |
//! | from one unknown address | an eighth of what is left for unknown addresses | see below |
//! | from one network, for unknown addresses | twice what is left for them | see below |
//! | connections from one address | 64 | an office behind one address, ten transfers each |
//! | connections from one network | 512 | eight such offices |
//! | sessions of one user | 256 | a build farm that shares a name |
//! | user at an address | 5 failures in 15 min lock 1 min, doubling to 1 h | a person mistypes two or three times; 5 guesses and then 1 an hour find nothing |
//! | address | from 5 failures in 15 min on answers wait; 20 lock 5 min, doubling to 24 h | several people may share an address, but few of them mistype |
//! | network | from 40 failures in 15 min on unknown addresses wait; 100 lock them out 5 min, doubling to 4 h | guesses from many addresses of one network count for the network |
//! | user, from any address | from 25 failures in an hour on unknown addresses wait; no lockout | slows an attacker with many addresses; see below |
//! | all | from 600 failures a minute on unknown addresses wait | guesses from everywhere at many names |
//! | forgiveness | one repetition an hour | a lockout long ago does not make the next one longer |
//! | waiting | 0.5 s, doubling to 8 s | well within the 60 s that a login may take |
//! | answer floor | 0.5 s, steps of 0.25 s | above what a password hash takes |
//! | known | 14 days after a success | a daily user stays known over a holiday |
//! | address | /32 and /64; networks /24 and /48 | what one customer is given, and what one site is |
//! | entries | 65,536 | 48 bytes each; 5.6 MiB with all else: see below |
//!
//! IPv6 addresses that contain an IPv4 address count as that IPv4 address: mapped ones
//! (`::ffff:192.0.2.1`), and those of NAT64 (`64:ff9b::192.0.2.1`), which would otherwise all count
//! as one address.
//!
//! # Who can take all connections
//!
//! An attacker with many idle connections must not lock out others. So an eighth of the connections
//! is reserved for known addresses. Of the rest, an unknown address gets one more only while it has
//! fewer than an eighth of the free ones, and only while its network has fewer than twice the free
//! ones. So a few addresses cannot take all connections: fifteen addresses with as many as they can
//! get leave about a sixth free, and one network, with any number of addresses, a third
//! ([`GuardConfig::unknown_share`]). The limits for one address and one network apply in addition,
//! also to known addresses.
//!
//! # Who can lock out whom
//!
//! A lockout by name alone could be misused: anyone who knows a name could lock out its owner with
//! a few wrong passwords. So by default a lockout is for *the name at an address*. The owner has
//! another address and is not affected. The cost: an attacker with a thousand addresses has a
//! thousand times five guesses. Three things limit this:
//!
//! * The failures of a name from all addresses are counted, too. After many of them, answers to
//!   unknown addresses wait. The owner does not wait at a known address, and waits some seconds
//!   elsewhere.
//! * Each of the attacker's addresses is locked out for its failures with any name.
//! * Each of their networks is locked out, too, except for known addresses in it. An unknown
//!   address in that network must wait for the end of the lockout.
//!
//! To stop such an attacker completely, give [`GuardConfig::user`] a lockout. It then applies to
//! every address, also to the owner's, and can be misused as described.
//!
//! People behind one address share its failures: one program with an old password locks out the
//! whole office. Exempt such an address with [`GuardConfig::allow`]: it is not locked out, but each
//! name at it still is for its own failures.
//!
//! An address is known for all names, so that waiting shows nothing about names. So the addresses
//! of an attacker who has an account are known as well. The lockouts of name and address still
//! apply. A success forgives the failures of *that name at that address*, never those of the
//! address: otherwise an attacker could log in with their own account from time to time.
//!
//! # What a client can learn
//!
//! A client learns nothing about names. The guard does not know which names exist: unknown names
//! count like existing ones, and connections are refused only for their address. It decides before
//! the check runs. The time of the answer does not depend on the result of the check: it follows
//! from the failures of the address, of its network, and of all. The end of a lockout does not
//! depend on how long checks took: a failure counts from the time when its attempt started. One
//! thing is visible: a client at an unknown address learns from the wait whether a *name*, existing
//! or not, is under attack from elsewhere. Without [`delay_after`](Rule::delay_after) for users
//! this is not visible.
//!
//! # Memory, and what is forgotten
//!
//! All tables are allocated once and never grow: see [`Guard::bytes`]. The work of a call does not
//! depend on how full they are. Only keyed hashes of names and addresses are kept, so the size of
//! an entry does not depend on what a client sends. Names are bytes: `Alice` and `alice` are two
//! names. If your user store ignores case, convert names to lower case first: otherwise each
//! spelling has guesses of its own.
//!
//! An entry is replaced only if nothing in it matters any more: no failure in the window, no
//! lockout, no unforgiven repetition. So an attacker with many names or addresses cannot make the
//! guard forget an entry. A new failure that finds no place is counted in the sum of its set of
//! places. All keys of that set that are not in the table, except known addresses, then wait the
//! longest delay. So a full guard answers unknown addresses later, but counts everything. Successes
//! have a table of their own, which only right passwords change.
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
mod answer_time;
mod config;
mod counters;
mod decision;
mod guard;
mod key;
mod known;
mod network;
mod record;
mod rules;
mod snapshot;
mod table;
mod time;

pub use answer_time::AnswerFloor;
pub use config::{GuardConfig, Lockout, Rule};
pub use decision::{
    Admission, Answer, AttemptDecision, Capacity, CheckResult, Connected, GuardStatistics,
    GuardedAttempt, RefusedWhy, Ruling, Scope,
};
pub use guard::Guard;
pub use key::Seed;
pub use network::{Network, NetworkError};
pub use snapshot::{Merged, SnapshotError};
pub use time::Instant;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
