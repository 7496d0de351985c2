//! Going through directories, and removing them.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;

use ftp_adapter::files::{self, EntryReader, Removal, RemovalStep, Visit, WalkStep};
use ftp_adapter::{Error, date_and_time};

use crate::{Client, Entries, HoldsClient, Listing, Transport};

/// A directory and all below it, as they come: see [`Client::walk`].
///
/// **The iterator ends only when all was seen.** What was left out is in it, as [`Visit::Skipped`].
#[must_use = "nothing is listed before it is read"]
pub struct Walk<C: HoldsClient> {
    work: files::Walk,
    /// Here while nothing is being listed.
    client: Option<C>,
    listing: Option<Entries<C>>,
    visits: VecDeque<Visit>,
    skipped: u64,
    is_unfinished: bool,
}

impl<T: Transport> Client<T> {
    /// Goes through a directory (`None`: the current one), its directories, and theirs, down to this many
    /// levels; with 0, through its own entries alone. What comes when, and what is left out, is described
    /// at [`ftp_adapter::files::Walk`].
    ///
    /// An error is the last item: as [`list`](Self::list), if the first directory cannot be listed, or one
    /// that ends the connection.
    ///
    /// ```
    /// use ftp_blocking::{Client, Error, Visit};
    ///
    /// fn paths(ftp: &mut Client) -> Result<Vec<Vec<u8>>, Error> {
    ///     let mut found = Vec::new();
    ///     for visit in ftp.walk("pub", 16) {
    ///         match visit? {
    ///             Visit::Entry { path, .. } => found.push(path),
    ///             skipped => eprintln!("{skipped:?}"),
    ///         }
    ///     }
    ///     Ok(found)
    /// }
    /// ```
    pub fn walk(&mut self, path: impl AsRef<[u8]>, depth_limit: usize) -> Walk<&mut Self> {
        Walk {
            work: files::Walk::new(files::directory(path.as_ref()), depth_limit),
            client: Some(self),
            listing: None,
            visits: VecDeque::new(),
            skipped: 0,
            is_unfinished: false,
        }
    }

    /// Removes a file, or a directory and all in it, and says how many of both. Links are removed, and not
    /// what they lead to. How it is done is described at [`ftp_adapter::files::Removal`].
    ///
    /// It stops at the first error; what was removed until then is gone.
    ///
    /// # Errors
    /// [`Error::AtPath`] with what failed where: [`Error::UnsafeName`] and [`Error::TooDeep`] besides those
    /// of [`list`](Self::list) and [`remove_file`](Self::remove_file). Any error that ends the connection.
    pub fn remove_all(&mut self, path: impl AsRef<[u8]>) -> Result<u64, Error> {
        let mut removal = Removal::new(path)?;
        self.settle()?;
        loop {
            match self.go_through(&mut removal)? {
                RemovalStep::Done(removed) => return Ok(removed),
                RemovalStep::List(path) => {
                    let entries = self.list_all(&path);
                    removal.listed(entries.map_err(|error| removal.explain(error))?)?;
                }
            }
        }
    }
}

impl<C: HoldsClient> Walk<C> {
    /// How many lines of all listings could not be read: see [`Listing::skipped`].
    pub fn skipped(&self) -> u64 {
        let now = self.listing.as_ref().map_or(0, Listing::skipped);
        self.skipped.saturating_add(now)
    }

    /// Whether one of the listings that are over ended amid a line: see [`Listing::is_unfinished`].
    pub fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// Begins to list the next directory. `None`: there is none.
    fn list_next(&mut self) -> Option<Result<Entries<C>, Error>> {
        let WalkStep::List(path) = self.work.step() else {
            return None;
        };
        let client = self.client.take()?;
        let plan = files::Listing::entries(path.as_deref());
        let lines = EntryReader::new(date_and_time());
        Some(plan.map(|plan| Listing::new(client, plan, lines)))
    }
}

impl<C: HoldsClient> Iterator for Walk<C> {
    type Item = Result<Visit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(visit) = self.visits.pop_front() {
                return Some(Ok(visit));
            }
            let Some(listing) = &mut self.listing else {
                match self.list_next()? {
                    Ok(listing) => self.listing = Some(listing),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match listing.next() {
                Some(Ok(entry)) => {
                    self.visits.extend(self.work.entry(entry));
                    continue;
                }
                None => self.work.listed(),
                Some(Err(error)) => match self.work.failed(error) {
                    Ok(visit) => self.visits.push_back(visit),
                    Err(error) => {
                        // Without a client there is nothing more to list.
                        self.listing = None;
                        return Some(Err(error));
                    }
                },
            }
            self.skipped = self.skipped();
            self.is_unfinished |= self.listing.as_ref().is_some_and(Listing::is_unfinished);
            self.client = self.listing.take().and_then(Listing::into_client);
        }
    }
}

impl<C: HoldsClient> FusedIterator for Walk<C> {}

impl<C: HoldsClient> fmt::Debug for Walk<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.work.fmt(f)
    }
}
