//! The entries of a netrc file, and which of them is for a host and a user, as in curl.
//!
//! There is no standard. curl's readers (`lib/netrc.c`) are the model, since people's files are
//! written for them. Versions of curl differ. Where they agree, this reader does the same, with the
//! exceptions below. Where they differ, it does what cannot send an old password, or refuses:
//!
//! * `#` begins a comment wherever a keyword may be, as in curl before 8.11. Later versions know
//!   comments only on lines of their own, and read both passwords of `password new # password old`.
//! * `password #x`: the password is `#x`, as in curl from 8.11 on. If more words follow on the
//!   line, it may be a comment: a fault of the entry.
//! * `login a password b password c`: the first pair counts, as in curl before 8.20. A second
//!   `login` or `password` after a pair begins the next entry of the same machine.
//! * A quote ends on its line. Otherwise it is a fault of its entry, and reading continues on the
//!   next line. curl refuses the file, or reads up to the next quote, perhaps in another entry.
//! * A keyword that has no value, because the file ends or a line begins with the next keyword, is a
//!   fault of the entry. curl takes the keyword for the value, or an empty one.
//! * Byte order marks at the beginning of a line are skipped. curl does not know the first word of
//!   such a file, even a `#`.
//! * A macro ends at an empty or blank line, in every entry, as in curl from 8.11 on.
//! * NUL is a byte like any other, though it cannot be sent. curl ignores what follows it.
//! * There is no limit to the length of a word or line.
//! * The account is read; curl ignores it.
//!
//! A fault is reported only if its entry may be the wanted one.

#[path = "words.rs"]
mod words;

pub(crate) use self::words::{Fault, Problem, Value};
use self::words::{Keyword, Wanted, Words};

/// An entry for one machine, or for all. It has at least one of the values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) login: Option<Value>,
    pub(crate) password: Option<Value>,
    pub(crate) account: Option<Value>,
    /// The line where it begins.
    pub(crate) line: usize,
}

/// The first entry for this host that has a password for this user; without a user, one that has a
/// login or a password. An entry without a login is for every user, `default` for every host. If
/// there is none, the first that has at least an account.
///
/// # Errors
/// The fault of an entry that may be the wanted one.
pub(crate) fn find(text: &[u8], host: &[u8], user: Option<&[u8]>) -> Result<Option<Entry>, Fault> {
    let mut search = Search {
        words: Words::new(text),
        user,
        reading: None,
        account_only: None,
        hidden: None,
    };
    while let Some(keyword) = search.words.keyword() {
        let keyword = match keyword {
            Ok(keyword) => keyword,
            Err(fault) => {
                search.note(fault);
                continue;
            }
        };
        if let Some(found) = search.turn(keyword)? {
            return Ok(Some(found));
        }
        search.read(keyword, host);
    }
    match search.end_entry()? {
        Some(found) => Ok(Some(found)),
        None => {
            search.nothing_hidden()?;
            Ok(search.account_only)
        }
    }
}

struct Search<'a> {
    words: Words<'a>,
    user: Option<&'a [u8]>,
    /// The entry that is being read, if it is for the host.
    reading: Option<Reading>,
    account_only: Option<Entry>,
    /// The first fault that may hide an entry for the host.
    hidden: Option<Fault>,
}

#[derive(Default)]
struct Reading {
    entry: Entry,
    fault: Option<Fault>,
    is_default: bool,
    /// It follows another pair of the same machine. Without a login of its own it belongs to that
    /// pair, and to no other user.
    continues: bool,
}

impl Reading {
    fn is_complete(&self) -> bool {
        self.entry.login.is_some() && (self.entry.password.is_some() || self.fault.is_some())
    }

    fn may_be_for(&self, user: Option<&[u8]>) -> bool {
        match (&self.entry.login, user) {
            (None, _) => !self.continues,
            (Some(_), None) => true,
            (Some(login), Some(user)) => login.bytes.as_slice() == user,
        }
    }
}

impl Search<'_> {
    /// Ends the current entry if this keyword ends it.
    fn turn(&mut self, keyword: Keyword) -> Result<Option<Entry>, Fault> {
        match keyword {
            Keyword::Machine | Keyword::Default | Keyword::Macdef => self.end_entry(),
            Keyword::Login | Keyword::Password => match &self.reading {
                Some(reading) if reading.is_complete() => {
                    let next = Reading {
                        is_default: reading.is_default,
                        continues: true,
                        entry: Entry {
                            line: self.words.line(),
                            ..Entry::default()
                        },
                        fault: None,
                    };
                    let found = self.end_entry();
                    self.reading = Some(next);
                    found
                }
                _ => Ok(None),
            },
            Keyword::Account => Ok(None),
        }
    }

    /// Reads the keyword's value.
    fn read(&mut self, keyword: Keyword, host: &[u8]) {
        let line = self.words.line();
        match keyword {
            Keyword::Macdef => self.words.skip_macro(),
            Keyword::Default => self.begin(line, true),
            Keyword::Machine => match self.words.value(Wanted::Keep) {
                Ok(name) if name.bytes.eq_ignore_ascii_case(host) => self.begin(line, false),
                Ok(_) => {}
                Err(fault) => self.note(fault),
            },
            Keyword::Login | Keyword::Password | Keyword::Account => self.read_value(keyword),
        }
    }

    fn begin(&mut self, line: usize, is_default: bool) {
        let mut reading = Reading {
            is_default,
            ..Reading::default()
        };
        reading.entry.line = line;
        self.reading = Some(reading);
    }

    fn read_value(&mut self, keyword: Keyword) {
        let Some(reading) = &mut self.reading else {
            if let Err(fault) = self.words.value(Wanted::Skip) {
                self.note(fault);
            }
            return;
        };
        match self.words.value(Wanted::Keep) {
            Ok(value) => {
                let entry = &mut reading.entry;
                let place = match keyword {
                    Keyword::Login => &mut entry.login,
                    Keyword::Password => &mut entry.password,
                    _ => &mut entry.account,
                };
                *place = Some(value);
            }
            Err(fault) => self.note(fault),
        }
    }

    /// Records a fault of the current entry, and whether it hides an entry.
    fn note(&mut self, fault: Fault) {
        if let Some(reading) = &mut self.reading {
            reading.fault.get_or_insert(fault);
        }
        if fault.hides_entry {
            self.hidden.get_or_insert(fault);
        }
    }

    /// Ends the current entry, and returns it if it is the wanted one.
    fn end_entry(&mut self) -> Result<Option<Entry>, Fault> {
        let Some(reading) = self.reading.take() else {
            return Ok(None);
        };
        if !reading.may_be_for(self.user) {
            return Ok(None);
        }
        if let Some(fault) = reading.fault {
            return Err(fault);
        }
        let entry = reading.entry;
        let suffices = entry.password.is_some() || (self.user.is_none() && entry.login.is_some());
        if !suffices {
            if entry.account.is_some() {
                self.account_only.get_or_insert(entry);
            }
            return Ok(None);
        }
        if reading.is_default || entry.password.is_none() {
            self.nothing_hidden()?;
        }
        Ok(Some(entry))
    }

    /// # Errors
    /// The first fault that may hide a better entry.
    fn nothing_hidden(&self) -> Result<(), Fault> {
        match self.hidden.or(self.words.doubtful_comment) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}
