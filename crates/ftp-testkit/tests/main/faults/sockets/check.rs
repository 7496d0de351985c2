//! What must hold of a session.

use std::fmt;

use ftp_adapter::{DataFailure, Error};
use ftp_proto::client::{Misuse, TransferError};

use super::client::{Done, Job, content};
use super::proxy::{Fault, Kind};
use super::run::{OLD, Session, Settings};
use crate::faults::{Tally, Where};

impl Session {
    /// What must hold whatever happened.
    pub(super) fn check(&self, settings: Settings) -> Result<(), String> {
        self.check_ends()?;
        // In clear nobody can tell an end from that of the file, if nobody says how long that is.
        let ends = |(place, fault): &(Where, Fault)| {
            *place != Where::Control && matches!(fault.kind, Kind::End | Kind::Close)
        };
        let may_end_early = !settings.is_protected && self.plan.faults.iter().any(ends);
        let mut may_be_stored = vec![OLD.to_vec()];
        for (job, Done { result, .. }) in self.plan.jobs.iter().zip(&self.talk.done) {
            match (job, result) {
                (Job::Fetch(size), Ok(bytes)) if *bytes != content(*size) => {
                    return Err(format!("{} bytes are not the file of {size}", bytes.len()));
                }
                (Job::Store(size), result) => {
                    if result.is_ok() && !may_end_early {
                        may_be_stored.clear();
                    }
                    may_be_stored.push(content(*size));
                }
                (Job::List, Ok(bytes)) if !may_end_early => {
                    let sizes = may_be_stored.iter().map(Vec::len);
                    let mut listings = sizes.map(|size| self.plan.listing(size));
                    if !listings.any(|listing| listing == *bytes) {
                        let listing = String::from_utf8_lossy(bytes);
                        return Err(format!("it is not so that there is {listing}"));
                    }
                }
                (Job::Fetch(_) | Job::List, _) => {}
            }
        }
        let is_stored = may_be_stored.iter().any(|bytes| match may_end_early {
            true => bytes.starts_with(&self.stored),
            false => *bytes == self.stored,
        });
        if !is_stored {
            return Err(format!("{} wrong bytes are stored", self.stored.len()));
        }
        if self.names != self.plan.names() {
            return Err(format!("there are files {:?}", self.names));
        }
        Ok(())
    }

    /// A client whose connection is over says so, from then on; another one knows where it is.
    fn check_ends(&self) -> Result<(), String> {
        let mut is_over = false;
        for Done { result, asked } in &self.talk.done {
            if is_over && !result.as_ref().is_err_and(is_dead) {
                return Err(format!("the connection was over, and went on: {result:?}"));
            }
            match asked {
                Some(Ok(path)) if path != b"/" => return Err(format!("it is at {path:?}")),
                Some(Err(error)) if !is_dead(error) => {
                    return Err(format!("after {result:?} came {error:?}"));
                }
                Some(Err(_)) => is_over = true,
                Some(Ok(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Nothing failed but jobs whose data connection broke.
    pub(super) fn check_others(&self) -> Result<(), String> {
        if let Err(error) = &self.talk.login {
            return Err(format!("the login failed: {error}"));
        }
        // One that could not be made is made once more, if `PASV` may do better.
        let more = self
            .carried
            .bytes
            .len()
            .saturating_sub(1 + self.plan.jobs.len());
        let is_hurt = |job: usize| {
            let breaks = |(place, fault): &(Where, Fault)| match place {
                Where::Data(count) if (job..=job + more).contains(count) => {
                    !matches!(fault.kind, Kind::Late | Kind::Singly)
                }
                _ => false,
            };
            self.plan.faults.iter().any(breaks)
        };
        for (job, Done { result, asked }) in self.talk.done.iter().enumerate() {
            match (result, asked) {
                (Err(error), _) if !is_hurt(job) => {
                    return Err(format!("job {job} failed, too: {error}"));
                }
                (_, Some(Err(error))) => return Err(format!("it did not go on: {error}")),
                _ => {}
            }
        }
        match &self.talk.quit {
            Some(Ok(())) => Ok(()),
            quit => Err(format!("it did not quit: {quit:?}")),
        }
    }

    /// Whether it must go on to its end: its control connection does not break, and there is no silence.
    pub(super) fn must_go_on(&self) -> bool {
        let breaks = |(place, fault): &(Where, Fault)| match fault.kind {
            Kind::Late | Kind::Singly => false,
            Kind::Silence => true,
            Kind::End | Kind::Close | Kind::Reset => *place == Where::Control,
        };
        !self.plan.faults.iter().any(breaks)
    }

    pub(super) fn count(&self, tally: &mut Tally) {
        tally.sessions += 1;
        let mut is_over = self.talk.login.is_err();
        for Done { result, asked } in &self.talk.done {
            if is_over {
                break;
            }
            match result {
                Ok(_) => tally.whole += 1,
                Err(Error::Transfer { error, .. }) if **error == TransferError::Unknown => {
                    tally.unknown += 1;
                }
                Err(_) => tally.not_whole += 1,
            }
            is_over = matches!(asked, Some(Err(_)));
        }
        tally.over += usize::from(is_over);
    }
}

/// Line by line, for who must find out what was wrong.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    faults: {:?}", self.plan.faults)?;
        writeln!(f, "    carried: {:?}", self.carried.bytes)?;
        writeln!(f, "    login: {:?}", self.talk.login)?;
        for (job, Done { result, asked }) in self.plan.jobs.iter().zip(&self.talk.done) {
            match result {
                Ok(bytes) => writeln!(f, "    {job:?}: {} bytes", bytes.len())?,
                Err(error) => writeln!(f, "    {job:?}: {error:?}, then {asked:?}")?,
            }
        }
        write!(f, "    quit: {:?}", self.talk.quit)
    }
}

/// The connection is over, and the error says so.
fn is_dead(error: &Error) -> bool {
    match error {
        Error::Closed | Error::Io { .. } | Error::Tls { .. } | Error::Protocol(_) => true,
        Error::Misuse(misuse) => *misuse == Misuse::Closed,
        Error::Transfer { cause, .. } => match cause.as_deref() {
            Some(DataFailure::ControlLost(error)) => is_dead(error),
            _ => false,
        },
        _ => false,
    }
}
