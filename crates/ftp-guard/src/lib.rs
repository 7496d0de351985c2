//! A guard across connections against password guessing and floods: who may connect, who may try a
//! password, and when the answer is given.
//!
//! A server can count the failures of one connection. An attacker then opens another connection. The
//! guard sees all of them. It is a plain value: no I/O, no clock, no random numbers of its own, and
//! no protocol. It is `no_std` (with `alloc`) and contains no unsafe code. One guard serves one
//! process, behind a mutex: a whole attempt takes it about a microsecond. Several processes share
//! what they know by [snapshots](Guard::snapshot).
//!
//! The servers of `ftp-tokio`, `ftp-smol`, `ftp-async-std` and `ftp-blocking` take a guard
//! (`Server::guard`) and ask it at the right moments. To ask it yourself:
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
//! The check itself is not here, nor is what a server does within one connection (in `ftp-proto`:
//! `Config::max_attempts` and `Config::failure_delay`).
//!
//! # Known addresses
//!
//! An address is *known* for some time after a login from it succeeded. All others are *unknown*.
//! Known addresses are spared what protects the server from everybody else: they keep some of the
//! connections, and do not wait when others fail.
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
//! IPv6 addresses that carry an IPv4 address count as that one: mapped (`::ffff:192.0.2.1`), and
//! translated by NAT64 (`64:ff9b::192.0.2.1`), which would all be one address otherwise.
//!
//! # Who can take all connections
//!
//! If idle connections take all there are, nobody else gets in. So an eighth of the connections is
//! kept for known addresses. Of the rest, an unknown address gets one more only while it has fewer
//! than an eighth of what is left, and only while its network has fewer than twice what is left.
//! So few addresses cannot take the last connections: fifteen addresses that hold all they can leave
//! about a sixth to others, and one network, with any number of addresses, leaves a third
//! ([`GuardConfig::unknown_share`]). The bounds for one address and one network hold besides, for
//! known addresses too.
//!
//! # Who can lock out whom
//!
//! A lockout by name alone could be misused: anyone who knows a name could lock its owner out from
//! everywhere with a few wrong passwords. So by default the lockout is for *the name at an address*.
//! The owner comes from another address and does not notice. The price: an attacker with a thousand
//! addresses has a thousand times five guesses. Three things limit this:
//!
//! * The failures of a name from all addresses are counted too. Once they are many, answers to
//!   unknown addresses wait. The owner does not wait at home, and waits some seconds in a hotel.
//! * Each of the attacker's addresses is locked out for its failures with any name.
//! * So is each of their networks. That spares known addresses in it, but no others: from a network
//!   under lockout an unknown address has to wait for its end.
//!
//! To stop such an attacker for good, give [`GuardConfig::user`] a lockout. It then holds everywhere,
//! also at the owner's home, and can be misused as described.
//!
//! Many people behind one address share its failures: one program with an old password shuts the
//! whole office out. Name such an address ([`GuardConfig::allow`]): it is not locked out for its
//! failures, but each name at it still is for the name's.
//!
//! An address is known whatever the name, so that waiting tells nothing about names. So an attacker
//! with an account of their own is known wherever they logged in. The lockouts of name and address
//! still hold. A success forgives the failures of *that name at that address*, never those of the
//! address: otherwise an attacker would log in with their own account now and then.
//!
//! # What a client can learn
//!
//! Nothing about names. The guard is never told which names exist, so unknown names count like
//! existing ones, and it refuses connections for their address only. It rules before the check
//! runs. The time of the answer does not depend on the result of the check: it follows from the
//! failures of the address, of its network, and of all. The end of a lockout does not depend on how
//! long checks took: a failure counts from the time when its attempt started. One thing can be seen:
//! the wait shows a client at an unknown address whether a *name*, existing or not, is under attack
//! from elsewhere. With [`delay_after`](Rule::delay_after) unset for users it does not.
//!
//! # Memory, and what is forgotten
//!
//! All tables are allocated once and never grow: [`Guard::bytes`] says how much, and a call's work
//! does not depend on how full they are. Only keyed hashes of names and addresses are kept, so the
//! size of an entry does not depend on what a client sends. Names are hashed as the bytes they are:
//! `Alice` and `alice` are two names here. If your user store ignores case, fold it before you ask:
//! otherwise each spelling has guesses of its own.
//!
//! An entry gives up its place only when nothing in it can matter any more: no failure in the
//! window, no lockout, no repetition unforgiven. So an attacker who tries many names or addresses
//! never makes the guard forget an entry. When there is no place for a new failure, it is counted in
//! the sum of the places where it would belong. What would belong there, unless it is a known
//! address, then waits the longest delay. So a full guard answers unknown addresses later, but lets
//! nothing go uncounted. Successes have a table of their own, which only right passwords can write to.
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

/// Its example, too, is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
