//! Going through directories, and removing them.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_adapter::files::{self, EntryReader, Removal, RemovalStep, Visit, WalkStep};
use ftp_adapter::{Error, date_and_time};
use futures_util::Stream;

use crate::operations::Conversation;
use crate::{Client, Entries, HoldsClient, Io, Listing, Timer};

/// A directory and all below it, as they come: see [`Client::walk`].
///
/// **The stream ends only when all was seen.** What was left out is in it, as [`Visit::Skipped`].
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

impl<R: Timer + Io<T>, T: Unpin> Client<R, T> {
    /// Goes through a directory (`None`: the current one), its directories, and theirs, down to this many
    /// levels; with 0, through its own entries alone. What comes when, and what is left out, is described
    /// at [`ftp_adapter::files::Walk`].
    ///
    /// ```
    /// use ftp_futures::futures_io::{AsyncRead, AsyncWrite};
    /// use ftp_futures::{Client, Error, FuturesIo, Timer, Visit};
    /// use futures_util::TryStreamExt;
    ///
    /// async fn paths<R, T>(ftp: &mut Client<R, T>) -> Result<Vec<Vec<u8>>, Error>
    /// where
    ///     R: Timer + FuturesIo,
    ///     T: AsyncRead + AsyncWrite + Unpin + 'static,
    /// {
    ///     let found = ftp.walk("pub", 16).try_filter_map(async |visit| {
    ///         Ok(match visit {
    ///             Visit::Entry { path, .. } => Some(path),
    ///             skipped => {
    ///                 eprintln!("{skipped:?}");
    ///                 None
    ///             }
    ///         })
    ///     });
    ///     found.try_collect().await
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
    /// It stops at the first error; what was removed until then is gone. The same if its future is dropped.
    ///
    /// # Errors
    /// [`Error::AtPath`] with what failed where: [`Error::UnsafeName`] and [`Error::TooDeep`] besides those
    /// of [`list`](Self::list) and [`remove_file`](Self::remove_file). Any error that ends the connection.
    pub async fn remove_all(&mut self, path: impl AsRef<[u8]>) -> Result<u64, Error> {
        let mut removal = Conversation::new(Removal::new(path)?);
        self.settle().await?;
        loop {
            match poll_fn(|cx| self.poll_conversation(cx, &mut removal)).await? {
                RemovalStep::Done(removed) => return Ok(removed),
                RemovalStep::List(path) => {
                    let entries = self.list_all(&path).await;
                    let removal = &mut removal.exchange;
                    let entries = entries.map_err(|error| removal.explain(error))?;
                    removal.listed(entries)?;
                }
            }
        }
    }
}

impl<C: HoldsClient> Walk<C> {
    /// The next entry, or what is left out; `None` at the end, and after an error.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// As [`Client::list`], if the first directory cannot be listed; any error that ends the connection.
    /// Nothing follows.
    pub async fn next(&mut self) -> Option<Result<Visit, Error>> {
        poll_fn(|cx| self.poll_visit(cx)).await
    }

    /// How many lines of all listings could not be read: see [`Listing::skipped`].
    pub fn skipped(&self) -> u64 {
        let now = self.listing.as_ref().map_or(0, Listing::skipped);
        self.skipped.saturating_add(now)
    }

    /// Whether one of the listings that are over ended amid a line: see [`Listing::is_unfinished`].
    pub fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    fn poll_visit(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Visit, Error>>> {
        loop {
            if let Some(visit) = self.visits.pop_front() {
                return Poll::Ready(Some(Ok(visit)));
            }
            let Some(listing) = &mut self.listing else {
                match self.list_next() {
                    Ok(true) => continue,
                    Ok(false) => return Poll::Ready(None),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            };
            match ready!(listing.poll_item(cx)) {
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
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            }
            self.skipped = self.skipped();
            self.is_unfinished |= self.listing.as_ref().is_some_and(Listing::is_unfinished);
            self.client = self.listing.take().and_then(Listing::into_client);
        }
    }

    /// Begins to list the next directory. `false`: there is none.
    fn list_next(&mut self) -> Result<bool, Error> {
        let WalkStep::List(path) = self.work.step() else {
            return Ok(false);
        };
        let Some(client) = self.client.take() else {
            return Ok(false);
        };
        let plan = files::Listing::entries(path.as_deref())?;
        let lines = EntryReader::new(date_and_time());
        self.listing = Some(Listing::new(client, plan, lines));
        Ok(true)
    }
}

impl<C: HoldsClient> Stream for Walk<C> {
    type Item = Result<Visit, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_visit(cx)
    }
}

impl<C: HoldsClient> fmt::Debug for Walk<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.work.fmt(f)
    }
}
