//! What the commands for files share while they run: the options, what is shown, and Ctrl-C.

use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ftp_proto::wire::escape;
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use tokio::sync::watch;

use super::advice::Advice;
use super::outcome::{FileRecord, Success, Trouble, Whole};
use super::site::Site;
use crate::cli::SessionArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Output, complain};
use crate::progress::{Meter, Progress};

/// How long the end of connections may take after Ctrl-C, or when all is done.
const GOODBYE_TIME: Duration = Duration::from_secs(10);

/// A command for files that runs.
pub(crate) struct Session<'a> {
    pub(crate) arguments: &'a SessionArguments,
    pub(crate) output: Arc<Output>,
    pub(crate) progress: Progress,
    pub(crate) advice: Advice,
    /// True after Ctrl-C. Not listened to before the work begins: it ends the prompt for a password as ever.
    cancelled: OnceLock<watch::Receiver<bool>>,
    /// The greatest so far.
    exit: Mutex<Exit>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(arguments: &'a SessionArguments, output: &Arc<Output>) -> Self {
        Self {
            arguments,
            output: Arc::clone(output),
            progress: match arguments.quiet || arguments.json {
                true => Progress::Nothing,
                false => Progress::new(),
            },
            cancelled: OnceLock::new(),
            advice: Advice::default(),
            exit: Mutex::new(Exit::Success),
        }
    }

    /// Runs to the end, or until Ctrl-C.
    ///
    /// # Errors
    /// [`Trouble::Cancelled`], or that of the work.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let mut cancelled = self.cancelled().clone();
        let mut work = pin!(work);
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Trouble::Cancelled),
            result = &mut work => result,
        }
    }

    /// So many files come, which have so many bytes in all, if that is known.
    pub(crate) fn expect(&self, files: usize, bytes: Option<u64>) {
        self.progress.expect(files, bytes);
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancelled().borrow()
    }

    fn cancelled(&self) -> &watch::Receiver<bool> {
        self.cancelled.get_or_init(listen_to_signals)
    }

    /// Moves one file, and reports what became of it.
    pub(crate) async fn file(
        &self,
        site: &Site,
        path: &[u8],
        moves: impl AsyncFnOnce(&Meter) -> Result<Whole, Trouble>,
    ) -> FileRecord {
        let began = Instant::now();
        let meter = self.progress.file(&escape(path).to_string());
        let result = self.unless_cancelled(moves(&meter)).await;
        let bytes = meter.bytes();
        drop(meter);
        self.report(site, path, bytes, began.elapsed(), &result)
    }

    /// Does this for each, some at a time. After Ctrl-C no other is begun.
    pub(crate) async fn each<T, F: Future<Output = ()>>(
        &self,
        parallel: u16,
        items: impl IntoIterator<Item = T>,
        work: impl FnMut(T) -> F,
    ) {
        let mut items = items.into_iter();
        let while_wanted = std::iter::from_fn(|| match self.is_cancelled() {
            true => None,
            false => items.next(),
        });
        stream::iter(while_wanted)
            .map(work)
            .buffer_unordered(parallel.into())
            .for_each(|()| ready(()))
            .await;
        if items.next().is_some() {
            self.failed(Exit::CutOff);
        }
    }

    /// Shows what became of a file, and remembers its exit code.
    pub(crate) fn report(
        &self,
        site: &Site,
        path: &[u8],
        bytes: u64,
        elapsed: Duration,
        result: &Result<Whole, Trouble>,
    ) -> FileRecord {
        let message = match result {
            Ok(whole) => match (&whole.note, &whole.reply) {
                (Some(note), _) => note.clone(),
                (None, Some(reply)) => site.shown(reply),
                (None, None) => String::new(),
            },
            Err(trouble) => site.message(trouble),
        };
        let record = FileRecord::new(
            String::from_utf8_lossy(path).into_owned(),
            bytes,
            elapsed,
            result,
            message,
        );
        if self.arguments.json {
            self.json(&record);
        }
        let shown = escape(path);
        match result {
            Ok(_) if self.arguments.json || self.arguments.quiet => {}
            Ok(whole) => {
                let took = elapsed.as_secs_f64();
                let done = match whole.success {
                    Success::Transferred => format!("transferred {} in {took:.1} s", size(bytes)),
                    Success::Skipped => "skipped".to_owned(),
                    Success::Done => String::new(),
                    Success::Deleted => "deleted".to_owned(),
                };
                match (done.as_str(), &whole.note) {
                    ("", None) => {}
                    ("", Some(note)) => complain(format_args!("{shown}: {note}")),
                    (done, Some(note)) => complain(format_args!("{shown}: {done} ({note})")),
                    (done, None) => complain(format_args!("{shown}: {done}")),
                }
            }
            Err(trouble) => {
                self.failed(trouble.exit());
                if !self.arguments.json {
                    // A local file has its own name in the message.
                    match trouble {
                        Trouble::Local(message) => complain(format_args!("error: {message}")),
                        _ => complain(format_args!("error: {shown}: {}", record.message)),
                    }
                    if let Some(hint) = site.hint(trouble, self.advice) {
                        complain(format_args!("hint: {hint}"));
                    }
                }
            }
        }
        record
    }

    /// Something failed with this exit code.
    pub(crate) fn failed(&self, exit: Exit) {
        let mut worst = self.exit.lock().unwrap_or_else(PoisonError::into_inner);
        *worst = (*worst).max(exit);
    }

    /// A line of JSON.
    pub(crate) fn json(&self, record: &impl Serialize) {
        // Plain data: writing it as JSON cannot fail.
        let line = serde_json::to_string(record).unwrap_or_default();
        self.output.line(&line);
    }

    /// Ends the connections, and gives the exit code.
    ///
    /// # Errors
    /// If standard output failed.
    pub(crate) async fn finish(&self, sites: &super::site::Sites<'_>) -> Result<Exit, Failure> {
        self.progress.clear();
        // A server that does not answer does not matter any more.
        drop(tokio::time::timeout(GOODBYE_TIME, sites.close()).await);
        self.output.finish()?;
        Ok(*self.exit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The first Ctrl-C is told; the second ends the program.
fn listen_to_signals() -> watch::Receiver<bool> {
    let (tell, cancelled) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            // It cannot be caught: it ends the program as ever. Nobody is told.
            return std::future::pending().await;
        }
        complain("cancelling; Ctrl-C again quits at once");
        tell.send_replace(true);
        drop(tokio::signal::ctrl_c().await);
        std::process::exit(130);
    });
    cancelled
}

/// A number of bytes for people: `5 B`, `1.2 MiB`, in powers of 1024.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
