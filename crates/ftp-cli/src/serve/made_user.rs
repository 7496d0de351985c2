//! The user of `--user`: a name with a password that is made for this run.

use ftp_proto::Username;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::hash::Hash;

/// A user with a new password. Only the hash is kept.
pub(super) struct MadeUser {
    pub(super) name: Username,
    pub(super) hash: Hash,
}

impl MadeUser {
    /// Also returns the password.
    pub(super) fn new(name: Username) -> Result<(Self, Zeroizing<String>), Failure> {
        let password = password()?;
        let hash = Hash::of(password.as_bytes())?;
        Ok((Self { name, hash }, password))
    }
}

/// Lower-case letters and digits, without those that look like another: five bits each.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 100 bits in all.
const GROUPS: usize = 4;
const GROUP: usize = 5;

/// A password that nobody can guess and that can be typed, as in `k7m2q-x9abc-…`.
fn password() -> Result<Zeroizing<String>, Failure> {
    let mut random = Zeroizing::new([0; GROUPS * GROUP]);
    getrandom::fill(&mut *random).map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            format!("the system gives no random numbers: {error}"),
        )
    })?;
    let mut password = Zeroizing::new(String::with_capacity(GROUPS * (GROUP + 1)));
    for (index, byte) in random.iter().enumerate() {
        if index > 0 && index % GROUP == 0 {
            password.push('-');
        }
        let letter = LETTERS.get(usize::from(byte % 32)).copied();
        password.extend(letter.map(char::from));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn passwords_are_typed_easily_and_never_the_same() {
        assert_eq!(LETTERS.iter().collect::<HashSet<_>>().len(), 32);
        let made: HashSet<String> = (0..100).map(|_| password().unwrap().to_string()).collect();
        assert_eq!(made.len(), 100);
        for password in made {
            let groups: Vec<_> = password.split('-').map(str::len).collect();
            assert_eq!(groups, [GROUP; GROUPS], "{password}");
        }
    }
}
