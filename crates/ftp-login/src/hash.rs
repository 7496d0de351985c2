//! Password hashes: argon2id in the PHC string format.

use std::io::{self, IsTerminal};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use zeroize::Zeroizing;

use crate::credentials::first_line_of_stdin;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// `ftp-login hash`: the first line of standard input in, its hash out.
pub(crate) fn run(output: &Output) -> Result<(), Failure> {
    let password = if io::stdin().is_terminal() {
        ask_twice()?
    } else {
        first_line_of_stdin()?
            .ok_or_else(|| Failure::usage("standard input is empty: a password is needed"))?
    };
    output.line(&Hash::of(&password)?.to_string());
    output.finish()
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
    /// Why it is none that [`verify`](Self::verify) could use.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let hash = PasswordHash::new(text)
            .map_err(|error| format!("the hash is not a PHC string ({error})"))?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(format!("the hash is {}, not argon2id", hash.algorithm));
        }
        if hash.hash.is_none() || hash.salt.is_none() {
            return Err("the hash has no salt or no digest".to_owned());
        }
        argon2::Params::try_from(&hash)
            .map_err(|error| format!("the hash has bad parameters ({error})"))?;
        Ok(Self(hash))
    }

    /// Whether it is the hash of this password. Slow by design: not for async threads.
    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, &self.0).is_ok()
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
        assert!(hash.verify(b" sesame "));
        assert!(!hash.verify(b"sesame"));
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
