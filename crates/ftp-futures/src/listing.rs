//! Listings of directories, item by item.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_adapter::files::{self, EntryReader, ListingReader, ListingStep, NameReader, Return};
use ftp_adapter::{Error, Report, date_and_time};
use ftp_proto::listing::OwnedEntry;
use futures_util::Stream;

use crate::operations::Conversation;
use crate::transfer::Running;
use crate::{Client, HoldsClient, Io, Timer};

/// The entries of a directory, as they come: see [`Client::list`].
pub type Entries<C> = Listing<C, EntryReader>;

/// The names in a directory, as they come: see [`Client::names`].
pub type Names<C> = Listing<C, NameReader>;

/// A directory that is being listed: a stream of [`Entries`] or [`Names`].
///
/// **The stream ends after its last item only if the listing is whole.** If it is cut off, or the server
/// did not confirm it, an error is the last item. An item comes only of a whole line. Dropping the stream
/// before its end gives the listing up.
#[must_use = "nothing is received before it is read"]
pub struct Listing<C: HoldsClient, L> {
    /// Here while no transfer is under way.
    client: Option<C>,
    running: Option<Running<C>>,
    step: Step,
    plan: Conversation<files::Listing>,
    back: Conversation<Return>,
    lines: L,
    report: Option<Report>,
    /// Told when all is left as it was.
    error: Option<Error>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// What was left undone before.
    Settle,
    /// Which command lists it.
    Plan,
    /// The transfer is to begin.
    Begin,
    Receive,
    /// The transfer was whole; a last line may be without an end.
    LastLines,
    /// Back to the current directory.
    Return,
    Over,
}

impl<R: Timer + Io<T>, T: Unpin> Client<R, T> {
    /// Lists a directory: with `MLSD` if `FEAT` lists `MLST`, else with `LIST`, whose lines are
    /// recognized as [`ftp_proto::listing`] says. an empty path is the current directory. The entries of the
    /// directory itself and of the one above it are left out.
    ///
    /// A path that `LIST` would take for options or a pattern is entered with `CWD`, listed, and left
    /// again. If the stream is dropped before that, the next call leaves it.
    ///
    /// An empty listing proves nothing: some servers send one for a directory that is missing.
    ///
    /// ```
    /// use ftp_futures::futures_io::{AsyncRead, AsyncWrite};
    /// use ftp_futures::{Client, Error, FuturesIo, Timer};
    ///
    /// async fn bytes_in_files<R, T>(ftp: &mut Client<R, T>) -> Result<u64, Error>
    /// where
    ///     R: Timer + FuturesIo,
    ///     T: AsyncRead + AsyncWrite + Unpin + 'static,
    /// {
    ///     let mut bytes = 0;
    ///     let mut entries = ftp.list("pub").await?;
    ///     while let Some(entry) = entries.next().await {
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
    pub async fn list(&mut self, path: impl AsRef<[u8]>) -> Result<Entries<&mut Self>, Error> {
        let lines = EntryReader::new(date_and_time());
        Listing::open(
            self,
            files::Listing::entries(files::directory(path.as_ref()))?,
            lines,
        )
        .await
    }

    /// The same, collected.
    ///
    /// # Errors
    /// As [`list`](Self::list). A listing that is not whole gives nothing.
    pub async fn list_all(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<OwnedEntry>, Error> {
        self.list(path).await?.collect().await
    }

    /// Lists the names in a directory (`NLST`), as the server writes them: alone, or with the path in front.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Names<&mut Self>, Error> {
        let plan = files::Listing::names(files::directory(path.as_ref()))?;
        Listing::open(self, plan, NameReader::default()).await
    }
}

impl<C: HoldsClient, L: ListingReader> Listing<C, L> {
    pub(crate) fn new(client: C, plan: files::Listing, lines: L) -> Self {
        Self {
            client: Some(client),
            running: None,
            step: Step::Settle,
            plan: Conversation::new(plan),
            back: Conversation::new(Return),
            lines,
            report: None,
            error: None,
        }
    }

    /// Waits until it has begun.
    async fn open(client: C, plan: files::Listing, lines: L) -> Result<Self, Error> {
        let mut this = Self::new(client, plan, lines);
        while !matches!(this.step, Step::Receive | Step::LastLines | Step::Over) {
            poll_fn(|cx| this.poll_turn(cx)).await?;
        }
        Ok(this)
    }

    /// The next item; `None` after the last of a whole listing, and after an error.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Error::Transfer`], or whatever ended the control connection; [`Error::Refused`] if the current
    /// directory could not be entered again. Nothing follows.
    pub async fn next(&mut self) -> Option<Result<L::Item, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    /// All items that are left.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn collect(&mut self) -> Result<Vec<L::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// Drops the items that are left, and says what was transferred. `None`: nothing, since the server said
    /// that the directory is empty; or an error was given before.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn finish(&mut self) -> Result<Option<Report>, Error> {
        while let Some(item) = self.next().await {
            item?;
        }
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

    pub(crate) fn poll_item(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<L::Item, Error>>> {
        loop {
            let item = match (self.step, &mut self.running) {
                (Step::Over, _) => return Poll::Ready(None),
                (Step::LastLines, _) => self.lines.finish(),
                (Step::Receive, Some(running)) => take_item(running, &mut self.lines),
                _ => None,
            };
            if let Some(item) = item {
                return Poll::Ready(Some(Ok(item)));
            }
            if let Err(error) = ready!(self.poll_turn(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// One step. An error comes when all else is done, and nothing after it.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Err(error) = ready!(self.poll_step(cx)) {
            if let Some(running) = self.running.take() {
                self.client = Some(running.into_client());
            }
            if self.may_go_on(&error) {
                self.step = Step::Plan;
                return Poll::Ready(Ok(()));
            }
            let is_last = self.step == Step::Return;
            // The first is the cause of those after it.
            self.error.get_or_insert(error);
            self.step = if is_last { Step::Over } else { Step::Return };
        }
        match self.error.take_if(|_| self.step == Step::Over) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Whether the transfer failed in a way that the plan knows more of.
    fn may_go_on(&mut self, error: &Error) -> bool {
        let (Step::Begin | Step::Receive, Some(client)) = (self.step, &mut self.client) else {
            return false;
        };
        let known = client.client().pending.known_mut();
        self.plan.exchange.failed(error, known)
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.step = match (self.step, &mut self.client, &mut self.running) {
            (Step::Settle, Some(client), _) => {
                ready!(client.client().poll_settle(cx, &mut self.back))?;
                Step::Plan
            }
            (Step::Plan, Some(client), _) => {
                let client = client.client();
                match ready!(client.poll_conversation(cx, &mut self.plan))? {
                    ListingStep::Empty => Step::Return,
                    ListingStep::Transfer(transfer) => {
                        let begun = self.client.take().map(|it| Running::begin(it, transfer));
                        match begun {
                            Some(Ok(running)) => self.running = Some(running),
                            Some(Err((client, error))) => {
                                self.client = Some(client);
                                return Poll::Ready(Err(error));
                            }
                            None => {}
                        }
                        Step::Begin
                    }
                }
            }
            (Step::Begin, _, Some(running)) => {
                ready!(running.poll_begun(cx))?;
                Step::Receive
            }
            (Step::Receive, _, Some(running)) => {
                if running.readable().is_empty() {
                    match running.outcome() {
                        None => {
                            ready!(running.poll_turn(cx))?;
                            Step::Receive
                        }
                        Some(report) => {
                            self.report = Some(report?.clone());
                            self.client = self.running.take().map(Running::into_client);
                            Step::LastLines
                        }
                    }
                } else {
                    Step::Receive
                }
            }
            (Step::LastLines, ..) => Step::Return,
            (Step::Return, Some(client), _) => {
                ready!(client.client().poll_settle(cx, &mut self.back))?;
                Step::Over
            }
            _ => Step::Over,
        };
        Poll::Ready(Ok(()))
    }
}

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

impl<C: HoldsClient, L: ListingReader + Unpin> Stream for Listing<C, L> {
    type Item = Result<L::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<C: HoldsClient, L: fmt::Debug> fmt::Debug for Listing<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
