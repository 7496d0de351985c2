//! The users file: who may log in to `ftp-cli serve`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ftp_proto::server::Rights;
use ftp_proto::{Account, Password, Username};
use subtle::ConstantTimeEq;

use crate::credentials::is_anonymous;
use crate::exit::Failure;
use crate::hash::{Hash, WorkingMemory};

/// Everyone who may log in. `Debug` shows neither hashes nor accounts.
pub(crate) struct Users {
    users: HashMap<Vec<u8>, User>,
    anonymous: bool,
    /// A hash of nothing for each kind of costs in the file, or one if there are no users. Each
    /// check computes one of each kind, so that its time does not show whether a name is known, or
    /// whose hash costs more.
    kinds: Vec<Hash>,
    /// Memory for as many checks as ever ran at a time.
    memories: Mutex<Vec<WorkingMemory>>,
}

struct User {
    hash: Hash,
    account: Option<Account>,
}

/// The decision about a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    NeedAccount,
    Reject,
}

impl Users {
    /// No users, except `anonymous` if it is allowed.
    pub(crate) fn none(anonymous: bool) -> Result<Self, Failure> {
        Ok(Self {
            users: HashMap::new(),
            anonymous,
            kinds: vec![Hash::of(b"nobody")?.of_nothing()],
            memories: Mutex::default(),
        })
    }

    /// Reads the lines of a users file: `name:hash` or `name:hash:account`. Blank lines and lines
    /// that begin with `#` are skipped; names and accounts are taken as they are.
    ///
    /// # Errors
    /// The number of the first line that is wrong, and what is wrong with it.
    pub(crate) fn parse(text: &str, anonymous: bool) -> Result<Self, String> {
        let mut users = Self::none(anonymous).map_err(|failure| failure.to_string())?;
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, user) =
                parse_line(line).map_err(|why| format!("line {}: {why}", index + 1))?;
            if users.insert(&name, user).is_some() {
                return Err(format!("line {}: {name} is there already", index + 1));
            }
        }
        Ok(users)
    }

    /// Adds a user with a password, for the demo.
    pub(crate) fn add(
        &mut self,
        name: &Username,
        password: &Password,
        account: Option<Account>,
    ) -> Result<(), Failure> {
        let hash = Hash::of(password.expose())?;
        self.insert(name, User { hash, account });
        Ok(())
    }

    /// Adds a user by the hash of the password. `false` if the name is there already.
    pub(crate) fn add_hash(&mut self, name: &Username, hash: Hash) -> bool {
        let account = None;
        let is_new = !self.users.contains_key(name.as_bytes());
        if is_new {
            self.insert(name, User { hash, account });
        }
        is_new
    }

    fn insert(&mut self, name: &Username, user: User) -> Option<User> {
        if self.users.is_empty() {
            self.kinds.clear();
        }
        let costs = user.hash.costs();
        if self.kinds.iter().all(|kind| kind.costs() != costs) {
            self.kinds.push(user.hash.of_nothing());
        }
        self.users.insert(name.as_bytes().to_vec(), user)
    }

    /// What a user who was let in may do with files: everybody may change them, but `anonymous`.
    pub(crate) fn rights(&self, name: &Username) -> Rights {
        match self.users.contains_key(name.as_bytes()) {
            true => Rights::ALL,
            false => Rights::READ_ONLY,
        }
    }

    /// How many users there are, without `anonymous`.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    /// Decides about an attempt. Slow by design: do not call it on an async thread.
    ///
    /// Every path computes the same hashes, whether the name is known or not.
    pub(crate) fn decide(
        &self,
        name: &Username,
        password: Option<&Password>,
        account: Option<&Account>,
    ) -> Decision {
        let password = password.map(Password::expose).unwrap_or_default();
        let user = self.users.get(name.as_bytes());
        let mut is_right = false;
        for hash in self.hashes_for(user) {
            // The hash of nothing matches no password.
            is_right |= std::hint::black_box(self.verify(hash, password));
        }
        let Some(user) = user else {
            let welcome = self.anonymous && is_anonymous(name);
            return if welcome {
                Decision::Accept
            } else {
                Decision::Reject
            };
        };
        if !is_right {
            return Decision::Reject;
        }
        match (&user.account, account) {
            (None, _) => Decision::Accept,
            (Some(_), None) => Decision::NeedAccount,
            (Some(right), Some(given)) if same(right, given) => Decision::Accept,
            (Some(_), Some(_)) => Decision::Reject,
        }
    }

    /// The hashes that a check computes: one of each kind, the user's own for its kind.
    fn hashes_for<'a>(&'a self, user: Option<&'a User>) -> impl Iterator<Item = &'a Hash> {
        self.kinds.iter().map(move |kind| {
            let own = user.map(|user| &user.hash);
            own.filter(|own| own.costs() == kind.costs())
                .unwrap_or(kind)
        })
    }

    fn verify(&self, hash: &Hash, password: &[u8]) -> bool {
        let memories = || self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = memories().pop();
        let mut memory = kept.unwrap_or_default();
        let is_right = hash.verify(password, &mut memory);
        memories().push(memory);
        is_right
    }

    /// Whether this is the user's account, or the user needs none. For `ACCT` after login.
    pub(crate) fn is_account_of(&self, name: &Username, account: &Account) -> bool {
        match self.users.get(name.as_bytes()) {
            Some(user) => user
                .account
                .as_ref()
                .is_none_or(|right| same(right, account)),
            None => self.anonymous && is_anonymous(name),
        }
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.users.len())
    }
}

/// Compares in a time that depends only on the lengths.
fn same(right: &Account, given: &Account) -> bool {
    right.expose().ct_eq(given.expose()).into()
}

fn parse_line(line: &str) -> Result<(Username, User), String> {
    let (name, rest) = line
        .split_once(':')
        .ok_or("no colon; it is name:hash or name:hash:account")?;
    let name = Username::new(name).map_err(|why| format!("the name {}", why.problem))?;
    let (hash, account) = match rest.split_once(':') {
        Some((hash, account)) => (hash, Some(account)),
        None => (rest, None),
    };
    let hash = Hash::parse(hash)?;
    let account = match account {
        Some("") => return Err("the account is empty; leave its colon out as well".to_owned()),
        Some(account) => Some(Account::new(account).map_err(|why| why.to_string())?),
        None => None,
    };
    Ok((name, User { hash, account }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(users: &Users, name: &str, password: &str, account: Option<&str>) -> Decision {
        let account = account.map(|account| Account::new(account).unwrap());
        users.decide(
            &Username::new(name).unwrap(),
            Some(&Password::new(password).unwrap()),
            account.as_ref(),
        )
    }

    #[test]
    fn a_file_says_who_may_log_in() {
        let hash = Hash::of(b"sesame").unwrap();
        let text = format!("# users\n\nanna:{hash}\n an na :{hash}:pay roll \n");
        let users = Users::parse(&text, false).unwrap();
        assert_eq!(users.len(), 2);
        assert_eq!(decide(&users, "anna", "sesame", None), Decision::Accept);
        assert_eq!(decide(&users, "anna", "Sesame", None), Decision::Reject);
        assert_eq!(decide(&users, "Anna", "sesame", None), Decision::Reject);
        assert_eq!(decide(&users, "anonymous", "x@y", None), Decision::Reject);
        assert_eq!(decide(&users, "nobody", "nobody", None), Decision::Reject);
        assert_eq!(
            decide(&users, " an na ", "sesame", None),
            Decision::NeedAccount
        );
        assert_eq!(
            decide(&users, " an na ", "sesame", Some("pay roll ")),
            Decision::Accept
        );
        assert_eq!(
            decide(&users, " an na ", "sesame", Some("pay roll")),
            Decision::Reject
        );
        assert_eq!(
            decide(&users, " an na ", "wrong", Some("pay roll ")),
            Decision::Reject
        );
    }

    /// "held for nothing" at the least cost there is, and at twice and thrice that.
    const CHEAP: [&str; 3] = [
        "$argon2id$v=19$m=8,t=1,p=1$aGVsZCBzZXNzaW9ucw$6uRzZSpeB5ec4+KZUvgBjgMtdIX+iYzPZjhf/Vj+gxw",
        "$argon2id$v=19$m=8,t=2,p=1$aGVsZCBzZXNzaW9ucw$pQR2fYZ6VLp6P7sGSEOtRCyZBwZtsQ7o3cEhyq8oQYw",
        "$argon2id$v=19$m=24,t=1,p=1$aGVsZCBzZXNzaW9ucw$pQR2fYZ6VLp6P7sGSEOtRCyZBwZtsQ7o3cEhyq8oQYw",
    ];

    /// The costs of what is computed for a name.
    fn costs_of(users: &Users, name: &str) -> Vec<crate::hash::Costs> {
        let user = users.users.get(name.as_bytes());
        users.hashes_for(user).map(Hash::costs).collect()
    }

    #[test]
    fn a_check_costs_the_same_for_every_name_known_or_not() {
        let dear = Hash::of(b"sesame").unwrap();
        for hashes in [
            vec![CHEAP[0].to_owned()],
            vec![dear.to_string()],
            vec![CHEAP[0].to_owned(), dear.to_string()],
            vec![dear.to_string(), CHEAP[1].to_owned(), CHEAP[1].to_owned()],
            CHEAP.map(str::to_owned).to_vec(),
            vec![],
        ] {
            let line = |(n, hash): (usize, &String)| format!("user{n}:{hash}\n");
            let text: String = hashes.iter().enumerate().map(line).collect();
            let users = Users::parse(&text, true).unwrap();
            let of_nobody = costs_of(&users, "nobody-here");
            assert_eq!(costs_of(&users, "anonymous"), of_nobody);
            for (n, hash) in hashes.iter().enumerate() {
                assert_eq!(costs_of(&users, &format!("user{n}")), of_nobody);
                // The most expensive is among them, and no costs that no hash has.
                assert!(of_nobody.contains(&Hash::parse(hash).unwrap().costs()));
                let right = if hash == CHEAP[0] {
                    "held for nothing"
                } else {
                    "sesame"
                };
                if hash == CHEAP[0] || *hash == dear.to_string() {
                    let name = format!("user{n}");
                    assert_eq!(decide(&users, &name, right, None), Decision::Accept);
                    assert_eq!(decide(&users, &name, "wrong", None), Decision::Reject);
                }
                assert_eq!(decide(&users, "nobody-here", right, None), Decision::Reject);
            }
            assert!(of_nobody.len() <= hashes.len().max(1));
        }
        // Without users, the costs are those of `hash`.
        let nobody = Users::none(false).unwrap();
        assert_eq!(costs_of(&nobody, "anna"), [dear.costs()]);
    }

    #[test]
    fn anonymous_is_let_in_with_any_password_if_allowed() {
        let users = Users::none(true).unwrap();
        for name in ["anonymous", "ftp", "Anonymous"] {
            assert_eq!(decide(&users, name, "x@y", None), Decision::Accept);
        }
        assert_eq!(decide(&users, "anna", "nobody", None), Decision::Reject);
    }

    #[test]
    fn errors_name_the_line_and_show_no_hash() {
        let hash = Hash::of(b"sesame").unwrap();
        for (text, says) in [
            ("anna".to_owned(), "line 1: no colon"),
            (
                format!("#\n\n:{hash}"),
                "line 3: the name must not be empty",
            ),
            ("anna:sesame".to_owned(), "line 1: the hash is not"),
            (format!("anna:{hash}:"), "line 1: the account is empty"),
            (
                format!("anna:{hash}\nanna:{hash}"),
                "line 2: anna is there already",
            ),
        ] {
            let error = Users::parse(&text, false).unwrap_err();
            assert!(error.starts_with(says), "{error}");
            assert!(!error.contains("sesame"), "{error}");
        }
    }
}
