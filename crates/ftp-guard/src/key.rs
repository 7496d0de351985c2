//! Keys: keyed hashes of user names, and of addresses cut to their prefixes.

use core::fmt;
use core::hash::Hasher;
use core::net::IpAddr;

use siphasher::sip::SipHasher24;

use crate::GuardConfig;
use crate::network::canonical;

/// The secret that keys the guard's hash: 16 bytes from the system's random generator.
///
/// This crate has no source of randomness, so the caller provides it. Without the seed an attacker
/// cannot choose names or addresses that collide in a table, or find out from a
/// [snapshot](crate::Guard::snapshot) which names were tried. Front ends that share state need the
/// same seed. Keep it as secret as a private key. A constant seed has none of this protection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 16]);

impl Seed {
    /// Takes the random bytes.
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(****)")
    }
}

/// The kind of a key. Part of every hash, so that two kinds never have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Address = 1,
    Network = 2,
    Pair = 3,
    User = 4,
    Seed = 5,
    Open = 6,
    Session = 7,
    Pending = 8,
    Rules = 9,
}

/// The keys of a peer address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressKeys {
    /// The address, cut to the prefix of one address.
    pub(crate) address: u64,
    /// The network of the address.
    pub(crate) network: u64,
    /// Its failures do not count for address and network.
    pub(crate) allowed: bool,
}

/// The keys of a user name tried from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttemptKeys {
    /// The name, tried from this address.
    pub(crate) pair: u64,
    /// The name, from any address.
    pub(crate) user: u64,
}

/// Turns addresses and names into keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    seed: Seed,
    ipv4: (u8, u8),
    ipv6: (u8, u8),
}

impl Keys {
    pub(crate) fn new(config: &GuardConfig, seed: Seed) -> Self {
        Self {
            seed,
            ipv4: (config.ipv4_prefix, config.ipv4_network_prefix),
            ipv6: (config.ipv6_prefix, config.ipv6_network_prefix),
        }
    }

    /// Zero marks an empty place in the tables, so no key is zero.
    fn hash(&self, kind: Kind, parts: [&[u8]; 2]) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.seed.0);
        hasher.write(&[kind as u8]);
        for part in parts {
            hasher.write(part);
        }
        hasher.finish().max(1)
    }

    pub(crate) fn of_address(&self, address: IpAddr) -> AddressKeys {
        let (family, bits, width, (prefix, network)) = match canonical(address) {
            IpAddr::V4(v4) => (4, u128::from(v4.to_bits()), 32, self.ipv4),
            IpAddr::V6(v6) => (6, v6.to_bits(), 128, self.ipv6),
        };
        let key = |kind, prefix: u8| {
            let host_bits = u32::from(u8::saturating_sub(width, prefix));
            // A shift by the whole width gives `None`: then the result is zero.
            let cut = bits.checked_shr(host_bits).unwrap_or_default();
            self.hash(kind, [&[family], &cut.to_le_bytes()])
        };
        AddressKeys {
            address: key(Kind::Address, prefix),
            network: key(Kind::Network, network),
            allowed: false,
        }
    }

    pub(crate) fn of_attempt(&self, peer: AddressKeys, user: &[u8]) -> AttemptKeys {
        AttemptKeys {
            pair: self.hash(Kind::Pair, [&peer.address.to_le_bytes(), user]),
            user: self.hash(Kind::User, [user, &[]]),
        }
    }

    fn derived(&self, kind: Kind, key: u64) -> u64 {
        self.hash(kind, [&key.to_le_bytes(), &[]])
    }

    /// The key of the count of open connections of an address or network.
    pub(crate) fn open(&self, key: u64) -> u64 {
        self.derived(Kind::Open, key)
    }

    /// The key of the count of sessions of a user.
    pub(crate) fn session(&self, user: u64) -> u64 {
        self.derived(Kind::Session, user)
    }

    /// The key of the count of undecided attempts.
    pub(crate) fn pending(&self, key: u64) -> u64 {
        self.derived(Kind::Pending, key)
    }

    /// Equal for guards with the same seed. It does not reveal the seed.
    pub(crate) fn seed_mark(&self) -> u64 {
        self.derived(Kind::Seed, 0)
    }

    /// Equal for guards that cut addresses and time in the same way.
    pub(crate) fn rules_mark(&self, slot_lengths: [u64; 4]) -> u64 {
        let mut mark = self.hash(
            Kind::Rules,
            [&[self.ipv4.0, self.ipv4.1, self.ipv6.0, self.ipv6.1], &[]],
        );
        for length in slot_lengths {
            mark = self.hash(Kind::Rules, [&mark.to_le_bytes(), &length.to_le_bytes()]);
        }
        mark
    }
}
