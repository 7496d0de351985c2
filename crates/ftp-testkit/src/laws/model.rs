//! Which user is logged in, by RFC 959 alone.
//!
//! This follows the diagrams of RFC 959 §6 (USER, PASS and ACCT; REIN as the simple one) from what
//! goes over the wire: commands and the codes of their replies. It knows nothing of the machines,
//! whose opinion is held against it.

use ftp_proto::wire::{Code, CommandRef, Verb};

/// Where the diagram stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Place {
    /// B, the beginning: nobody has been named, or the last attempt failed.
    #[default]
    Begin,
    /// Behind `USER` and a 3yz: `PASS`, or `ACCT` where 332 said so.
    Named(Vec<u8>),
    /// Behind `PASS` and a 3yz.
    Accounted(Vec<u8>),
    /// S: success.
    LoggedIn(Vec<u8>),
}

/// A login as someone sees it who reads the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Model {
    place: Place,
    /// Given, not answered.
    pending: Option<(Verb, Vec<u8>)>,
}

impl Model {
    /// The connection was made, nothing was said.
    pub fn new() -> Self {
        Self::default()
    }

    /// A command was given.
    pub fn command(&mut self, command: CommandRef<'_>) {
        let argument = command.argument().unwrap_or_default().to_vec();
        self.pending = Some((command.verb(), argument));
    }

    /// It was answered, or the server greets.
    pub fn reply(&mut self, code: Code) {
        let code = code.get();
        // W: wait for the reply that counts.
        if code < 200 {
            return;
        }
        let place = std::mem::take(&mut self.place);
        let pending = self.pending.take();
        self.place = match pending.as_ref().map(|(verb, argument)| (*verb, argument)) {
            None if code == 230 => Place::LoggedIn(Vec::new()),
            Some((Verb::User, name)) => user(place, name, code),
            Some((Verb::Pass, _)) => pass(place, code),
            Some((Verb::Acct, _)) => acct(place, code),
            Some((Verb::Rein, _)) if code == 220 => Place::Begin,
            // RFC 2228 §3: whoever was known before is not known under the new security.
            Some((Verb::Auth, _)) if code == 234 || code == 334 => Place::Begin,
            _ => place,
        };
    }

    /// The name of whoever is logged in; empty if the server let in someone it had not asked.
    pub fn user(&self) -> Option<&[u8]> {
        match &self.place {
            Place::LoggedIn(name) => Some(name),
            _ => None,
        }
    }
}

/// `USER`: 2 leads to S, 3 onwards, 4 and 5 to F, which changes nothing.
fn user(place: Place, name: &[u8], code: u16) -> Place {
    match code {
        230..=299 => Place::LoggedIn(name.to_vec()),
        300..=399 => Place::Named(name.to_vec()),
        _ => place,
    }
}

/// `PASS`: 2 leads to S, 3 to `ACCT`. The only failure that says something of the login is 530;
/// others say that the command did not fit.
fn pass(place: Place, code: u16) -> Place {
    match (place, code) {
        (Place::Named(name), 200..=299) => Place::LoggedIn(name),
        (Place::Named(name), 332) => Place::Accounted(name),
        (Place::Named(_), 530) => Place::Begin,
        (place, _) => place,
    }
}

/// `ACCT`: the last step, or a change of account that leaves the login as it is.
fn acct(place: Place, code: u16) -> Place {
    match (place, code) {
        (Place::Named(name) | Place::Accounted(name), 200..=299) => Place::LoggedIn(name),
        (Place::Named(_) | Place::Accounted(_), 530) => Place::Begin,
        (place, _) => place,
    }
}
