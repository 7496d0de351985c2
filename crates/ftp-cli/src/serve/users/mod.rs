//! Who may log in to `ftp-cli serve`, and what each may do. The users file is read in `format`.

mod format;
#[cfg(test)]
mod law;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ftp_proto::server::Rights;
use ftp_proto::{Account, Password, Username};
use subtle::ConstantTimeEq;

pub(crate) use self::format::{Form, Quota, Terms, parse_bytes};
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
    terms: Terms,
    /// The line of the users file; 0 if the user is not from there.
    line: usize,
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

    /// Reads a users file. Names and accounts are taken as they are.
    ///
    /// # Errors
    /// The number of the first line that is wrong, and what is wrong with it.
    pub(crate) fn parse(text: &str, form: Form, anonymous: bool) -> Result<Self, String> {
        let mut users = Self::none(anonymous).map_err(|failure| failure.to_string())?;
        for entry in format::read(text, form).map_err(|fault| fault.to_string())? {
            let hash = Hash::parse(&entry.hash)
                .map_err(|why| format!("line {}: {why}", entry.hash_line))?;
            let user = User {
                hash,
                account: entry.account,
                terms: entry.terms,
                line: entry.line,
            };
            users.insert(&entry.name, user);
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
        self.insert(name, User::new(hash, account));
        Ok(())
    }

    /// Adds a user by the hash of the password. `false` if the name is there already.
    pub(crate) fn add_hash(&mut self, name: &Username, hash: Hash) -> bool {
        let is_new = !self.users.contains_key(name.as_bytes());
        if is_new {
            self.insert(name, User::new(hash, None));
        }
        is_new
    }

    fn insert(&mut self, name: &Username, user: User) {
        if self.users.is_empty() {
            self.kinds.clear();
        }
        let costs = user.hash.costs();
        if self.kinds.iter().all(|kind| kind.costs() != costs) {
            self.kinds.push(user.hash.of_nothing());
        }
        self.users.insert(name.as_bytes().to_vec(), user);
    }

    /// What a user who was let in may do with files: everything, if the file says nothing else;
    /// `anonymous` may read.
    pub(crate) fn rights(&self, name: &Username) -> Rights {
        match self.users.get(name.as_bytes()) {
            Some(user) => user.terms.rights.unwrap_or(Rights::ALL),
            None => Rights::READ_ONLY,
        }
    }

    /// Whether a user may log in from there.
    pub(crate) fn may_come_from(&self, name: &Username, address: IpAddr) -> bool {
        let user = self.users.get(name.as_bytes());
        let networks = user.map(|user| &*user.terms.addresses).unwrap_or_default();
        networks.is_empty() || networks.iter().any(|network| network.contains(address))
    }

    /// What the file says of a user; `None` for `anonymous`, and for a name that is not known.
    pub(crate) fn terms(&self, name: &[u8]) -> Option<&Terms> {
        self.users.get(name).map(|user| &user.terms)
    }

    /// All users but `anonymous`, with their lines, in the order of the file.
    pub(crate) fn in_order(&self) -> Vec<(usize, &[u8], &Terms)> {
        let users = self.users.iter();
        let mut users: Vec<_> = users
            .map(|(name, user)| (user.line, name.as_slice(), &user.terms))
            .collect();
        users.sort_by_key(|(line, name, _)| (*line, *name));
        users
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

impl User {
    fn new(hash: Hash, account: Option<Account>) -> Self {
        Self {
            hash,
            account,
            terms: Terms::default(),
            line: 0,
        }
    }
}

/// The users who may log in now. Another thread may replace them.
#[derive(Debug)]
pub(crate) struct CurrentUsers(RwLock<Arc<Users>>);

impl CurrentUsers {
    pub(crate) fn new(users: Users) -> Self {
        Self(RwLock::new(Arc::new(users)))
    }

    pub(crate) fn get(&self) -> Arc<Users> {
        let users = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&users)
    }

    /// Uses these from now on. Sessions continue.
    pub(crate) fn replace(&self, users: Users) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(users);
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
