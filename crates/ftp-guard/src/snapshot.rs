//! Snapshots: a guard's state as bytes, to keep it over a restart or share it between front ends.
//!
//! ```text
//! header   "FGRD", version 1, mark of the seed (8), mark of the rules (8),
//!          time taken in milliseconds (8), number of entries (4)
//! entry    kind 0–3 (user at an address, address, network, user) and flags (1), key (8), then
//!            0x10: newest slot (8), which of the 8 slots have failures (1), a count each (2)
//!            0x20: end of the last lockout (8), repetitions (1)
//!            0x40: second of the last success or forgiveness (4)
//!          or kind 4, an address with a success (1), key (8), when (8)
//! ```
//! All numbers are little-endian, all times count on the shared clock, entries are sorted by kind
//! and key. Two guards with the same state have the same bytes.

use alloc::vec::Vec;
use core::time::Duration;

use thiserror::Error;

use crate::record::{Policy, Record};
use crate::table::Table;
use crate::{Guard, GuardConfig, Instant, Seed};

const MAGIC: [u8; 4] = *b"FGRD";
const VERSION: u8 = 1;
const KNOWN: u8 = 4;
const HAS_COUNTS: u8 = 0x10;
const HAS_LOCK: u8 = 0x20;
const HAS_CLEARED: u8 = 0x40;

/// How much the clocks of front ends may differ, in milliseconds.
const SKEW: u64 = 60_000;

/// Why a snapshot was refused. Nothing of it was merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes do not begin like a snapshot.
    #[error("not a snapshot of a guard")]
    NotASnapshot,
    /// It was written by a later version of this crate.
    #[error("the snapshot has version {0}, and version 1 is known")]
    UnknownVersion(u8),
    /// It was taken with another [`Seed`], so its keys mean something else.
    #[error("the snapshot was taken with another seed")]
    DifferentSeed,
    /// It was taken with other windows or other address prefixes.
    #[error("the snapshot was taken with other windows or address prefixes")]
    DifferentRules,
    /// It was taken more than a minute after now: the clocks differ, or the values of
    /// [`GuardConfig::clock_start`] do not fit.
    #[error("the snapshot is {} s ahead of this guard's clock", .by.as_secs())]
    FromTheFuture {
        /// How far it is ahead.
        by: Duration,
    },
    /// It ends too early.
    #[error("the snapshot is cut short")]
    Truncated,
    /// An entry is not valid, or bytes follow the last one.
    #[error("the snapshot is damaged at byte {at}")]
    Damaged {
        /// The offset of the entry.
        at: usize,
    },
}

/// The result of merging a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Merged {
    /// Merged entries.
    pub entries: usize,
    /// Entries without room: they were counted in the sum of their set, and delay all keys of that
    /// set.
    pub untracked: usize,
}

impl Guard {
    /// This guard's state, for [`merge`](Self::merge) and [`restore`](Self::restore).
    ///
    /// It has the failures of addresses, networks and users, lockouts, and known addresses. It does
    /// not have open connections and the failures in all, which belong to one process. It takes
    /// about 20 bytes for each entry that still matters, and at most a little over 3 MiB with the
    /// default number of entries. The call reads the whole table: take a snapshot every few
    /// seconds, not at every login.
    pub fn snapshot(&mut self, now: Instant) -> Vec<u8> {
        let time = self.advance(now);
        let mut records: Vec<(u8, u64, Record)> = Vec::new();
        for (kind, table) in (0..).zip(self.tables()) {
            records.extend(
                table
                    .worth_telling(time)
                    .map(|(key, record)| (kind, key, *record)),
            );
        }
        records.sort_unstable_by_key(|(kind, key, _)| (*kind, *key));
        let mut known: Vec<(u64, u64)> = self.known.iter(time).collect();
        known.sort_unstable();

        let entries = records.len().saturating_add(known.len());
        let mut out = Vec::with_capacity(entries.saturating_mul(24).saturating_add(64));
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.keys.seed_mark().to_le_bytes());
        out.extend_from_slice(&self.rules_mark().to_le_bytes());
        out.extend_from_slice(&time.to_le_bytes());
        // The tables are far smaller than 2³² entries.
        out.extend_from_slice(&(entries as u32).to_le_bytes());
        for (kind, key, record) in &records {
            if let Some(table) = self.tables().get(usize::from(*kind)) {
                encode(&mut out, *kind, *key, record, table.policy(), time);
            }
        }
        for (key, success) in known {
            out.push(KNOWN);
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&success.to_le_bytes());
        }
        out
    }

    /// Merges another guard's state.
    ///
    /// For each entry it keeps the higher of two counts (slot by slot), the later lockout, and the
    /// later success. So merging is commutative, associative and idempotent while there is room,
    /// and after any order of exchanges all guards have the same state. A success forgives the
    /// earlier failures of its user at its address on all guards, and failures counted elsewhere at
    /// the same time. Failures in the same slot of a window on two front ends are not added: an
    /// attacker who uses *n* front ends has at most *n* times as many guesses until the first merge
    /// after a lockout. Then the lockout holds on all of them.
    ///
    /// Both sides need the same [`Seed`], the same windows and prefixes, and a
    /// [`clock_start`](GuardConfig::clock_start) that refers to the same moment. The bytes are
    /// validated, but not authenticated: keep them where only front ends can write.
    ///
    /// # Errors
    /// [`SnapshotError`]; then nothing was merged.
    pub fn merge(&mut self, now: Instant, snapshot: &[u8]) -> Result<Merged, SnapshotError> {
        let time = self.advance(now);
        let decoder = Decoder {
            seed_mark: self.keys.seed_mark(),
            rules_mark: self.rules_mark(),
            policies: self.tables().map(|table| *table.policy()),
        };
        // The whole snapshot is checked before anything is merged, without a copy.
        decoder.decode(time, snapshot, |_, _| {})?;
        let mut merged = Merged::default();
        decoder.decode(time, snapshot, |key, entry| {
            let kept = match entry {
                Entry::Known(success) => self.known.insert(key, success),
                Entry::Record(0, record) => self.pairs.join(key, &record, time),
                Entry::Record(1, record) => self.addresses.join(key, &record, time),
                Entry::Record(2, record) => self.networks.join(key, &record, time),
                Entry::Record(_, record) => self.users.join(key, &record, time),
            };
            let counter = if kept {
                &mut merged.entries
            } else {
                &mut merged.untracked
            };
            *counter = counter.saturating_add(1);
        })?;
        Ok(merged)
    }

    /// A new guard with the state of a snapshot, after a restart.
    ///
    /// # Errors
    /// As [`merge`](Self::merge).
    pub fn restore(
        config: GuardConfig,
        seed: Seed,
        now: Instant,
        snapshot: &[u8],
    ) -> Result<Self, SnapshotError> {
        let mut guard = Self::new(config, seed);
        guard.merge(now, snapshot)?;
        Ok(guard)
    }

    fn tables(&self) -> [&Table; 4] {
        [&self.pairs, &self.addresses, &self.networks, &self.users]
    }

    fn rules_mark(&self) -> u64 {
        self.keys
            .rules_mark(self.tables().map(|table| table.policy().slot))
    }
}

/// The values of this guard that a snapshot is checked against.
struct Decoder {
    seed_mark: u64,
    rules_mark: u64,
    policies: [Policy; 4],
}

impl Decoder {
    /// Reads a snapshot, and passes each entry to a function.
    fn decode(
        &self,
        time: u64,
        snapshot: &[u8],
        mut found: impl FnMut(u64, Entry),
    ) -> Result<(), SnapshotError> {
        let mut reader = Reader { rest: snapshot };
        if reader.take() != Ok(MAGIC) {
            return Err(SnapshotError::NotASnapshot);
        }
        let version = reader.byte()?;
        if version != VERSION {
            return Err(SnapshotError::UnknownVersion(version));
        }
        if reader.number()? != self.seed_mark {
            return Err(SnapshotError::DifferentSeed);
        }
        if reader.number()? != self.rules_mark {
            return Err(SnapshotError::DifferentRules);
        }
        let taken = reader.number()?;
        let ahead = taken.saturating_sub(time);
        if ahead > SKEW {
            return Err(SnapshotError::FromTheFuture {
                by: Duration::from_millis(ahead),
            });
        }
        // No valid time is later than this, so no entry can stay live for ever.
        let latest = taken.saturating_add(SKEW);
        for _ in 0..u32::from_le_bytes(reader.take()?) {
            let at = snapshot.len().saturating_sub(reader.rest.len());
            let (key, entry) = self.entry(&mut reader, latest, at)?;
            found(key, entry);
        }
        match reader.rest {
            [] => Ok(()),
            rest => Err(SnapshotError::Damaged {
                at: snapshot.len().saturating_sub(rest.len()),
            }),
        }
    }

    fn entry(
        &self,
        reader: &mut Reader<'_>,
        latest: u64,
        at: usize,
    ) -> Result<(u64, Entry), SnapshotError> {
        let damaged = SnapshotError::Damaged { at };
        let tag = reader.byte()?;
        let key = reader.number()?;
        let kind = tag & 0x0f;
        if key == 0 {
            return Err(damaged);
        }
        if tag == KNOWN {
            let success = reader.number()?;
            return if success <= latest {
                Ok((key, Entry::Known(success)))
            } else {
                Err(damaged)
            };
        }
        let policy = self.policies.get(usize::from(kind)).ok_or(damaged)?;
        let flags = tag & !0x0f;
        if flags == 0 || flags & !(HAS_COUNTS | HAS_LOCK | HAS_CLEARED) != 0 {
            return Err(damaged);
        }
        let mut record = Record::default();
        if flags & HAS_COUNTS != 0 {
            record.newest = reader.number()?;
            if record.newest > latest.checked_div(policy.slot).unwrap_or_default() {
                return Err(damaged);
            }
            let present = reader.byte()?;
            for age in (0..8).filter(|age| present & (1 << age) != 0) {
                let count = u16::from_le_bytes(reader.take()?);
                let slot = record.newest.checked_sub(age).ok_or(damaged)?;
                record.set_count(slot, count);
            }
        }
        if flags & HAS_LOCK != 0 {
            let until = reader.number()?;
            record.level = reader.byte()?;
            // If the rules here are shorter than the other front end's, they apply.
            record.locked_until = until.min(latest.saturating_add(policy.longest_lock()));
            record.level = record.level.min(policy.top_level());
        }
        if flags & HAS_CLEARED != 0 {
            record.cleared = u32::from_le_bytes(reader.take()?);
            if u64::from(record.cleared) > (latest / 1000).saturating_add(1) {
                return Err(damaged);
            }
        }
        Ok((key, Entry::Record(kind, record)))
    }
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Record(u8, Record),
    /// The time of the success.
    Known(u64),
}

fn encode(out: &mut Vec<u8>, kind: u8, key: u64, record: &Record, policy: &Policy, time: u64) {
    let counted = |slot: &u64| record.count(*slot) > 0;
    // Slots that no longer count are left out.
    let newest = record.slots(policy, time).find(counted);
    let has_lock = record.is_locked(policy, time) || record.unforgiven(policy, time) > 0;
    let cleared = record.is_cleared(policy, time);
    let mut tag = kind;
    for (flag, set) in [
        (HAS_COUNTS, newest.is_some()),
        (HAS_LOCK, has_lock),
        (HAS_CLEARED, cleared),
    ] {
        tag |= if set { flag } else { 0 };
    }
    out.push(tag);
    out.extend_from_slice(&key.to_le_bytes());
    if let Some(newest) = newest {
        out.extend_from_slice(&newest.to_le_bytes());
        let mut present = 0_u8;
        let mut counts = Vec::with_capacity(16);
        for slot in record.slots(policy, time).filter(counted) {
            present |= 1_u8
                .checked_shl(newest.saturating_sub(slot) as u32)
                .unwrap_or_default();
            counts.extend_from_slice(&record.count(slot).to_le_bytes());
        }
        out.push(present);
        out.extend_from_slice(&counts);
    }
    if has_lock {
        out.extend_from_slice(&record.locked_until.to_le_bytes());
        out.push(record.level);
    }
    if cleared {
        out.extend_from_slice(&record.cleared.to_le_bytes());
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(SnapshotError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, SnapshotError> {
        self.take().map(u8::from_le_bytes)
    }

    fn number(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }
}
