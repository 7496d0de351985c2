//! How far transfers are: bars on a terminal, a line every few seconds elsewhere.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::files::size;
use crate::output::{complain, draw_below};

/// How often there is a line about a file.
const EVERY: Duration = Duration::from_secs(5);

const FILE: &str = "{msg:28!} {bar:20} {bytes:>11}/{total_bytes:11} {bytes_per_sec:>12} {eta:>4}";
const FILE_WITHOUT_SIZE: &str = "{msg:28!} {spinner} {bytes:>11} {bytes_per_sec:>12}";
const ALL: &str = "{msg:28!} {bar:20} {bytes:>11}/{total_bytes:11} {bytes_per_sec:>12} {eta:>4}";

/// What is shown of the transfers of a command.
#[derive(Debug, Default)]
pub(crate) enum Progress {
    /// Nothing.
    #[default]
    Nothing,
    /// Lines on standard error.
    Lines,
    /// A bar for each file, and one for all.
    Bars {
        multi: MultiProgress,
        all: OnceLock<All>,
    },
}

impl Progress {
    /// Bars if standard error is a terminal, else lines.
    pub(crate) fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines;
        }
        let multi = MultiProgress::new();
        draw_below(&multi);
        Self::Bars {
            all: OnceLock::new(),
            multi,
        }
    }

    /// There are so many files, which have so many bytes in all, if that is known.
    pub(crate) fn expect(&self, files: usize, bytes: Option<u64>) {
        if let (Self::Bars { multi, all }, 2..) = (self, files) {
            let bar = ProgressBar::new(bytes.unwrap_or(0)).with_style(style(ALL));
            let all = all.get_or_init(|| All {
                bar: multi.add(bar),
                is_known: bytes.is_some(),
            });
            all.bar.set_message(format!("{files} files"));
        }
    }

    /// A file begins.
    pub(crate) fn file(&self, name: &str) -> Meter {
        let bar = match self {
            Self::Bars { multi, all } => {
                let bar = ProgressBar::no_length().with_style(style(FILE_WITHOUT_SIZE));
                let bar = match all.get() {
                    None => multi.add(bar),
                    Some(all) => multi.insert_before(&all.bar, bar),
                };
                bar.set_message(name.to_owned());
                Some((bar, all.get().cloned()))
            }
            _ => None,
        };
        Meter {
            name: name.to_owned(),
            bar,
            line_at: matches!(self, Self::Lines).then(|| Mutex::new(Instant::now())),
            moved: AtomicU64::default(),
            position: AtomicU64::default(),
            size: AtomicU64::default(),
        }
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        if let Self::Bars { multi, all } = self {
            if let Some(all) = all.get() {
                all.bar.finish_and_clear();
            }
            // If the terminal cannot be written to, nothing is to be seen there anyway.
            let _ = multi.clear();
        }
    }
}

/// The bar for all files.
#[derive(Debug, Clone)]
pub(crate) struct All {
    bar: ProgressBar,
    /// Its length is known, and not only that of the files that began.
    is_known: bool,
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// How far one file is.
#[derive(Debug)]
pub(crate) struct Meter {
    name: String,
    moved: AtomicU64,
    position: AtomicU64,
    /// 0: unknown.
    size: AtomicU64,
    /// That of the file, and that of all.
    bar: Option<(ProgressBar, Option<All>)>,
    /// When the last line was.
    line_at: Option<Mutex<Instant>>,
}

impl Meter {
    /// How many bytes the file has.
    pub(crate) fn set_size(&self, size: Option<u64>) {
        let size = size.unwrap_or(0);
        self.size.store(size, Ordering::Relaxed);
        if let Some((bar, all)) = &self.bar
            && size > 0
        {
            bar.set_style(style(FILE));
            bar.set_length(size);
            if let Some(all) = all.as_ref().filter(|all| !all.is_known) {
                all.bar.inc_length(size);
            }
        }
    }

    /// So many bytes more were moved.
    pub(crate) fn moved(&self, count: usize) {
        let count = count as u64;
        self.moved.fetch_add(count, Ordering::Relaxed);
        let position = self.position.fetch_add(count, Ordering::Relaxed) + count;
        if let Some((bar, all)) = &self.bar {
            bar.inc(count);
            if let Some(all) = all {
                all.bar.inc(count);
            }
        }
        if let Some(line_at) = &self.line_at {
            let mut line_at = line_at.lock().unwrap_or_else(PoisonError::into_inner);
            let since = line_at.elapsed();
            if since >= EVERY {
                *line_at = Instant::now();
                drop(line_at);
                complain(self.line(position));
            }
        }
    }

    fn line(&self, position: u64) -> String {
        let (name, done) = (&self.name, size(position));
        match self.size.load(Ordering::Relaxed) {
            0 => format!("{name}: {done}"),
            all => {
                let percent = position as f64 / all as f64 * 100.0;
                format!("{name}: {done} of {}, {percent:.0} %", size(all))
            }
        }
    }

    /// What is moved next goes to this place of the file.
    pub(crate) fn set_position(&self, position: u64) {
        let before = self.position.swap(position, Ordering::Relaxed);
        if let Some((bar, all)) = &self.bar {
            bar.set_position(position);
            if let Some(All { bar, .. }) = all {
                bar.set_position((bar.position() + position).saturating_sub(before));
            }
            // What was moved before is no part of the rate.
            bar.reset_eta();
        }
    }

    /// How many bytes were moved, also those of tries that failed.
    pub(crate) fn bytes(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some((bar, _)) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
