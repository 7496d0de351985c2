//! Password hashes: argon2id in the PHC string format.

use std::io::{self, IsTerminal};

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{self, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use ftp_proto::{Limits, Password};
use zeroize::Zeroizing;

use crate::credentials::first_line_of_stdin;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// `ftp-cli hash`: prints the hash of the first line of standard input.
pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let password = if io::stdin().is_terminal() {
        ask_twice()?
    } else {
        first_line_of_stdin()?
            .ok_or_else(|| Failure::usage("standard input is empty: a password is needed"))?
    };
    refuse_unsendable(&password)?;
    output.line(&Hash::of(&password)?.to_string());
    output.finish()
}

/// Refuses a password that FTP cannot send: no login could match its hash.
fn refuse_unsendable(password: &[u8]) -> Result<(), Failure> {
    Password::new(password).map_err(|why| {
        Failure::usage(why.to_string()).hint("FTP cannot send it: it would end the command early")
    })?;
    let longest = Limits::default().command_line_before_login - "PASS ".len();
    if password.len() > longest {
        return Err(Failure::usage(format!(
            "the password is longer than {longest} bytes, the most that `serve` takes"
        )));
    }
    Ok(())
}

fn ask_twice() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(|text| Zeroizing::new(text.into_bytes()))
            .map_err(|error| {
                Failure::new(
                    Exit::Unavailable,
                    format!("cannot read the password: {error}"),
                )
            })
    };
    let password = ask("Password: ")?;
    if ask("Again: ")? == password {
        Ok(password)
    } else {
        Err(Failure::usage("the two passwords differ"))
    }
}

/// An argon2id hash.
#[derive(Debug, Clone)]
pub(crate) struct Hash(PasswordHash);

impl Hash {
    /// Hashes with a fresh salt from the operating system and the crate's recommended costs
    /// (19 MiB, 2 passes).
    pub(crate) fn of(password: &[u8]) -> Result<Self, Failure> {
        Argon2::default()
            .hash_password(password)
            .map(Self)
            .map_err(|error| {
                Failure::new(
                    Exit::Unavailable,
                    format!("cannot hash the password: {error}"),
                )
            })
    }

    /// Reads a PHC string.
    ///
    /// # Errors
    /// Why [`verify`](Self::verify) cannot use it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let hash = PasswordHash::new(text)
            .map_err(|error| format!("the hash is not a PHC string ({error})"))?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(format!("the hash is {}, not argon2id", hash.algorithm));
        }
        if hash.hash.is_none() || hash.salt.is_none() {
            return Err("the hash has no salt or no digest".to_owned());
        }
        Params::try_from(&hash)
            .map_err(|error| format!("the hash has bad parameters ({error})"))?;
        Ok(Self(hash))
    }

    /// The costs of a check.
    pub(crate) fn costs(&self) -> Costs {
        let params = Params::try_from(&self.0).unwrap_or_default();
        Costs {
            memory: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
            version: self.0.version,
        }
    }

    /// A hash that no password has, and whose check costs the same.
    pub(crate) fn of_nothing(&self) -> Self {
        let length = self.0.hash.as_ref().map_or(0, phc::Output::len);
        let zeros = [0; phc::Output::MAX_LENGTH];
        let mut hash = self.0.clone();
        hash.hash = zeros
            .get(..length)
            .and_then(|zeros| phc::Output::new(zeros).ok());
        hash.salt = phc::Salt::new(b"salt of nothing").ok();
        Self(hash)
    }

    /// Whether it is the hash of this password. Slow by design: do not call it on an async thread.
    pub(crate) fn verify(&self, password: &[u8], memory: &mut WorkingMemory) -> bool {
        let (Some(salt), Some(expected)) = (&self.0.salt, &self.0.hash) else {
            return false;
        };
        // Outputs are compared in constant time.
        self.digest(password, salt, expected.len(), memory)
            .is_some_and(|digest| digest == *expected)
    }

    fn digest(
        &self,
        password: &[u8],
        salt: &[u8],
        length: usize,
        memory: &mut WorkingMemory,
    ) -> Option<phc::Output> {
        let params = Params::try_from(&self.0).ok()?;
        let version = self.0.version.map(Version::try_from).transpose().ok()?;
        let blocks = memory.blocks(params.block_count());
        let mut digest = Zeroizing::new([0; phc::Output::MAX_LENGTH]);
        let digest = digest.get_mut(..length)?;
        Argon2::new(Algorithm::Argon2id, version.unwrap_or_default(), params)
            .hash_password_into_with_memory(password, salt, digest, blocks)
            .ok()?;
        phc::Output::new(digest).ok()
    }
}

/// The time and memory that a check takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Costs {
    memory: u32,
    passes: u32,
    lanes: u32,
    version: Option<u32>,
}

/// The memory of a check, used again for the next: 19 MiB with the recommended costs. Allocating it
/// for each check would fragment the heap.
#[derive(Default)]
pub(crate) struct WorkingMemory(Vec<Block>);

impl WorkingMemory {
    fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0 = vec![Block::new(); count];
        }
        &mut self.0
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let text = Hash::of(b" sesame ").unwrap().to_string();
        let hash = Hash::parse(&text).unwrap();
        let mut memory = WorkingMemory::default();
        assert!(hash.verify(b" sesame ", &mut memory));
        assert!(!hash.verify(b"sesame", &mut memory));
        assert!(hash.verify(b" sesame ", &mut memory));
    }

    #[test]
    fn one_memory_serves_hashes_of_all_costs() {
        // The reference implementation's hash of "held for nothing", at the least cost there is.
        let cheap = "$argon2id$v=19$m=8,t=1,p=1$aGVsZCBzZXNzaW9ucw\
            $6uRzZSpeB5ec4+KZUvgBjgMtdIX+iYzPZjhf/Vj+gxw";
        let (cheap, dear) = (Hash::parse(cheap).unwrap(), Hash::of(b"sesame").unwrap());
        let mut memory = WorkingMemory::default();
        for _ in 0..2 {
            assert!(cheap.verify(b"held for nothing", &mut memory));
            assert!(!cheap.verify(b"sesame", &mut memory));
            assert!(dear.verify(b"sesame", &mut memory));
            assert!(!dear.verify(b"held for nothing", &mut memory));
        }
    }

    #[test]
    fn a_hash_of_nothing_costs_the_same_and_fits_no_password() {
        let cheap = "$argon2id$v=19$m=8,t=1,p=1$aGVsZCBzZXNzaW9ucw\
            $6uRzZSpeB5ec4+KZUvgBjgMtdIX+iYzPZjhf/Vj+gxw";
        for hash in [Hash::parse(cheap).unwrap(), Hash::of(b"sesame").unwrap()] {
            let nothing = hash.of_nothing();
            assert_eq!(nothing.costs(), hash.costs());
            let mut memory = WorkingMemory::default();
            let salt = nothing.0.salt.unwrap();
            assert!(nothing.digest(b"sesame", &salt, 32, &mut memory).is_some());
            for password in [&b"sesame"[..], b"held for nothing", b"", b"nobody"] {
                assert!(!nothing.verify(password, &mut memory));
            }
        }
    }

    #[test]
    fn other_strings_are_refused_with_a_reason() {
        for (bad, reason) in [
            ("", "PHC"),
            ("secret", "PHC"),
            ("$2b$12$abcdefghijklmnopqrstuv", "not"),
            (
                "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
                "argon2i,",
            ),
            ("$argon2id$v=19$m=19456,t=2,p=1", "no salt"),
        ] {
            let error = Hash::parse(bad).unwrap_err();
            assert!(error.contains(reason), "{bad}: {error}");
        }
    }
}
