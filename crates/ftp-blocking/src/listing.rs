//! Listings of directories, item by item.

use std::fmt;
use std::iter::FusedIterator;

use ftp_adapter::files::{self, EntryReader, ListingReader, ListingStep, NameReader};
use ftp_adapter::{Error, Report, date_and_time};
use ftp_proto::listing::OwnedEntry;

use crate::transfer::Running;
use crate::{Client, HoldsClient, Transport};

/// The entries of a directory, as they come: see [`Client::list`].
pub type Entries<C> = Listing<C, EntryReader>;

/// The names in a directory, as they come: see [`Client::names`].
pub type Names<C> = Listing<C, NameReader>;

/// A directory that is being listed: an iterator over [`Entries`] or [`Names`].
///
/// **The iterator ends after its last item only if the listing is whole.** If it is cut off, or the server
/// did not confirm it, an error is the last item. An item comes only of a whole line. Dropping the
/// iterator before its end gives the listing up.
#[must_use = "nothing is received before it is read"]
pub struct Listing<C: HoldsClient, L> {
    /// Here while no transfer is under way.
    client: Option<C>,
    running: Option<Running<C>>,
    step: Step,
    plan: files::Listing,
    lines: L,
    report: Option<Report>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Receive,
    /// The transfer was whole; a last line may be without an end.
    LastLines,
    Over,
}

impl<T: Transport> Client<T> {
    /// Lists a directory: with `MLSD` if `FEAT` lists `MLST`, else with `LIST`, whose lines are
    /// recognized as [`ftp_proto::listing`] says. an empty path is the current directory. The entries of the
    /// directory itself and of the one above it are left out.
    ///
    /// A path that `LIST` would take for options or a pattern is entered with `CWD`, listed, and left
    /// again. If the iterator is dropped before that, the next call leaves it.
    ///
    /// An empty listing proves nothing: some servers send one for a directory that is missing.
    ///
    /// ```
    /// use ftp_blocking::{Client, Error};
    ///
    /// fn bytes_in_files(ftp: &mut Client) -> Result<u64, Error> {
    ///     let mut bytes = 0;
    ///     for entry in ftp.list("pub")? {
    ///         bytes += entry?.borrow().size.unwrap_or(0);
    ///     }
    ///     Ok(bytes)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Transfer`] if the server refuses, or the data connection cannot be made;
    /// [`Error::Refused`] if the directory cannot be entered or left; [`Error::InvalidCommand`] if the
    /// path cannot be sent; any error that ends the connection.
    pub fn list(&mut self, path: impl AsRef<[u8]>) -> Result<Entries<&mut Self>, Error> {
        let lines = EntryReader::new(date_and_time());
        Listing::open(
            self,
            files::Listing::entries(files::directory(path.as_ref()))?,
            lines,
        )
    }

    /// The same, collected.
    ///
    /// # Errors
    /// As [`list`](Self::list). A listing that is not whole gives nothing.
    pub fn list_all(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<OwnedEntry>, Error> {
        self.list(path)?.collect()
    }

    /// Lists the names in a directory (`NLST`), as the server writes them: alone, or with the path in front.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Names<&mut Self>, Error> {
        Listing::open(
            self,
            files::Listing::names(files::directory(path.as_ref()))?,
            NameReader::default(),
        )
    }
}

impl<C: HoldsClient, L: ListingReader> Listing<C, L> {
    pub(crate) fn new(client: C, plan: files::Listing, lines: L) -> Self {
        Self {
            client: Some(client),
            running: None,
            step: Step::Begin,
            plan,
            lines,
            report: None,
        }
    }

    /// Waits until it has begun.
    fn open(client: C, plan: files::Listing, lines: L) -> Result<Self, Error> {
        let mut this = Self::new(client, plan, lines);
        this.turn()?;
        Ok(this)
    }

    /// Drops the items that are left, and says what was transferred. `None`: nothing, since the server said
    /// that the directory is empty; or an error was given before.
    ///
    /// # Errors
    /// Those that would be the last item.
    pub fn finish(&mut self) -> Result<Option<Report>, Error> {
        self.try_for_each(|item| item.map(drop))?;
        Ok(self.report.clone())
    }

    /// How many lines so far were neither items nor what servers put around them: blank lines, sums,
    /// headers. They may be entries of a format that is not known.
    pub fn skipped(&self) -> u64 {
        self.lines.skipped()
    }

    /// Whether the last line so far has no end. If so when all is over, the server may have sent half of a listing
    /// and said that it is whole; the last name may be cut.
    pub fn is_unfinished(&self) -> bool {
        self.lines.is_unfinished()
    }

    /// The client, once it is over.
    pub(crate) fn into_client(self) -> Option<C> {
        self.client
    }

    /// One step. An error comes when all else is done, and nothing after it.
    fn turn(&mut self) -> Result<(), Error> {
        match (self.step, &mut self.client, &mut self.running) {
            (Step::Begin, Some(client), _) => match client.client().settle() {
                Ok(()) => self.begin(),
                Err(error) => self.end(Err(error)),
            },
            (Step::Receive, _, Some(running)) => match running.outcome() {
                None => match running.turn() {
                    Ok(()) => Ok(()),
                    Err(error) => self.failed(error),
                },
                Some(Ok(report)) => {
                    self.report = Some(report.clone());
                    self.client = self.running.take().map(Running::into_client);
                    self.step = Step::LastLines;
                    Ok(())
                }
                Some(Err(error)) => self.failed(error),
            },
            (Step::LastLines, ..) => self.end(Ok(())),
            _ => {
                self.step = Step::Over;
                Ok(())
            }
        }
    }

    /// Begins the transfer, as the plan says.
    fn begin(&mut self) -> Result<(), Error> {
        let Some(mut client) = self.client.take() else {
            return Ok(());
        };
        let begun = match client.client().go_through(&mut self.plan) {
            Ok(ListingStep::Transfer(transfer)) => Running::start_settled(client, transfer),
            Ok(ListingStep::Empty) => {
                self.client = Some(client);
                return self.end(Ok(()));
            }
            Err(error) => {
                self.client = Some(client);
                return self.end(Err(error));
            }
        };
        match begun {
            Ok(running) => {
                self.running = Some(running);
                self.step = Step::Receive;
                Ok(())
            }
            Err((client, error)) => {
                self.client = Some(client);
                self.failed(error)
            }
        }
    }

    /// The transfer failed, perhaps in a way that the plan knows more of.
    fn failed(&mut self, error: Error) -> Result<(), Error> {
        if let Some(running) = self.running.take() {
            self.client = Some(running.into_client());
        }
        if let Some(client) = &mut self.client {
            let known = client.client().pending.known_mut();
            if self.plan.failed(&error, known) {
                return self.begin();
            }
        }
        self.end(Err(error))
    }

    /// It is over: back to the current directory. The first error is the cause of those after it.
    fn end(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.step = Step::Over;
        let client = self.client.as_mut();
        let back = client.map_or(Ok(()), |client| client.client().settle());
        result.and(back)
    }
}

impl<C: HoldsClient, L: ListingReader> Iterator for Listing<C, L> {
    type Item = Result<L::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let item = match (self.step, &mut self.running) {
                (Step::Over, _) => return None,
                (Step::LastLines, _) => self.lines.finish(),
                (Step::Receive, Some(running)) => take_item(running, &mut self.lines),
                _ => None,
            };
            if let Some(item) = item {
                return Some(Ok(item));
            }
            if let Err(error) = self.turn() {
                return Some(Err(error));
            }
        }
    }
}

impl<C: HoldsClient, L: ListingReader> FusedIterator for Listing<C, L> {}

/// The next item of what was received, if it is whole.
fn take_item<C: HoldsClient, L: ListingReader>(
    running: &mut Running<C>,
    lines: &mut L,
) -> Option<L::Item> {
    let mut bytes = running.readable();
    let before = bytes.len();
    let item = lines.next(&mut bytes);
    let taken = before - bytes.len();
    running.consume(taken);
    item
}

impl<C: HoldsClient, L: fmt::Debug> fmt::Debug for Listing<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
