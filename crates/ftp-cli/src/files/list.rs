//! `ftp-cli ls`: a directory of a server.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use ftp_adapter::Error;
use ftp_proto::DateTime;
use ftp_proto::client::TransferError;
use ftp_proto::listing::{Entry, Kind, Modified, OwnedEntry, Precision};
use ftp_proto::wire::escape;
use ftp_tokio::{Pooled, SkipReason, Visit};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::make::check_directory;
use super::outcome::Trouble;
use super::session::Session;
use super::site::{Site, Sites};
use super::stat::entry_of;
use crate::cli::ListArguments;
use crate::decode::listing::EntryRecord;
use crate::exit::{Exit, Failure};
use crate::output::complain;
use crate::target::{RemotePath, Target};

/// Directories deeper than this are taken for a circle.
pub(super) const DEPTH_LIMIT: usize = 128;

/// Runs the command.
///
/// # Errors
/// What is wrong with the options; why the directory could not be listed.
pub(super) async fn run(arguments: &ListArguments, session: Session<'_>) -> Result<Exit, Failure> {
    let mut target = Target::parse(&arguments.url)?;
    let mut sites = Sites::new(&arguments.session, 1);
    let site = sites.of(&mut target)?;
    let listing = Listing {
        arguments,
        session: &session,
        site: &site,
        escapes: io::stdout().is_terminal(),
    };
    let listed = session.unless_cancelled(listing.list(&target.path)).await;
    let listed =
        listed.map_err(|trouble| site.failure(&format!("cannot list {}", target.path), &trouble));
    let exit = session.finish(&sites).await;
    listed.and(exit)
}

struct Listing<'a> {
    arguments: &'a ListArguments,
    session: &'a Session<'a>,
    site: &'a Site,
    /// A terminal obeys control characters.
    escapes: bool,
}

impl Listing<'_> {
    async fn list(&self, path: &RemotePath) -> Result<(), Trouble> {
        if self.arguments.recursive {
            let walked = self
                .site
                .once(async |client| Ok(self.walk(client, path).await));
            return walked.await?;
        }
        let entries = self.site.ask(
            async |client| match client.list_all(path.as_bytes()).await {
                Err(error) if may_be_a_file(&error) && !path.is_directory() => file(client, path)
                    .await
                    .map(|entry| vec![entry])
                    .ok_or(error),
                Ok(entries) if entries.is_empty() && !path.is_start() => {
                    check_directory(client, path).await.map(|()| entries)
                }
                listed => listed,
            },
        );
        self.show(&entries.await?);
        Ok(())
    }

    async fn walk(&self, client: &mut Pooled, path: &RemotePath) -> Result<(), Trouble> {
        let mut walk = client.walk(path.as_bytes(), DEPTH_LIMIT);
        let mut hidden = Vec::new();
        let mut rows = Vec::new();
        let mut is_empty = !path.is_start();
        while let Some(visit) = walk.next().await {
            is_empty = false;
            match visit? {
                Visit::Entry { path, entry } => {
                    let is_below = |above: &Vec<u8>| path.starts_with(above);
                    if !self.shows(entry.name()) || hidden.iter().any(is_below) {
                        if entry.kind().is_directory() {
                            hidden.push([path.as_slice(), b"/"].concat());
                        }
                    } else if self.session.arguments.json {
                        self.session.json(&EntryRecord::at(&path, &entry.borrow()));
                    } else if self.arguments.long {
                        rows.push((path, entry));
                    } else {
                        self.line(&path);
                    }
                }
                Visit::Skipped { path, reason } => {
                    let (why, exit) = self.skipped(reason);
                    self.session.failed(exit);
                    complain(format_args!("error: {}: {why}", escape(&path)));
                }
                _ => {}
            }
        }
        self.warn_of_lines(walk.skipped());
        drop(walk);
        if is_empty {
            check_directory(client, path).await?;
        }
        self.table(
            rows.iter()
                .map(|(path, entry)| (path.as_slice(), entry.borrow())),
        );
        Ok(())
    }

    /// Why something is left out.
    fn skipped(&self, reason: SkipReason) -> (String, Exit) {
        match reason {
            SkipReason::NotListed(error) => {
                let trouble = Trouble::Ftp(*error);
                let message = self.site.message(&trouble);
                (format!("it could not be listed: {message}"), trouble.exit())
            }
            reason => (why_skipped(&reason).to_owned(), Exit::PeerFault),
        }
    }

    fn show(&self, entries: &[OwnedEntry]) {
        let shown = entries.iter().filter(|entry| self.shows(entry.name()));
        if self.session.arguments.json {
            shown.for_each(|entry| self.session.json(&EntryRecord::of(&entry.borrow())));
        } else if self.arguments.long {
            self.table(shown.map(|entry| (entry.name(), entry.borrow())));
        } else {
            shown.for_each(|entry| self.line(entry.name()));
        }
    }

    fn shows(&self, name: &[u8]) -> bool {
        self.arguments.all || !name.starts_with(b".")
    }

    /// A name alone: as it is for programs.
    fn line(&self, name: &[u8]) {
        match self.escapes {
            true => self.session.output.line(&escape(name).to_string()),
            false => self.session.output.bytes(name),
        }
    }

    fn warn_of_lines(&self, skipped: u64) {
        if skipped > 0 {
            complain(format_args!(
                "note: {skipped} lines of the listing could not be read"
            ));
        }
    }

    /// One line for each, the columns aligned.
    fn table<'e>(&self, entries: impl Iterator<Item = (&'e [u8], Entry<'e>)>) {
        let zone = TimeZone::system();
        let rows: Vec<_> = entries
            .map(|(name, entry)| (name, entry, cells(&entry, &zone)))
            .collect();
        let mut widths = [0; CELLS];
        for (_, _, cells) in &rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for (name, entry, cells) in rows {
            let [mode, owner, group, size, time] = &cells;
            let [_, owners, groups, sizes, times] = widths;
            let mut line =
                format!("{mode} {owner:owners$} {group:groups$} {size:>sizes$} {time:times$} ");
            // Writing to a string cannot fail.
            let _ = write!(line, "{}", escape(name));
            if let Some(target) = entry.target {
                let _ = write!(line, " -> {}", escape(target));
            }
            self.session.output.line(&line);
        }
    }
}

/// Mode, owner, group, size, time.
const CELLS: usize = 5;

fn cells(entry: &Entry<'_>, zone: &TimeZone) -> [String; CELLS] {
    let text = |bytes: Option<&[u8]>| bytes.map_or("-".into(), |bytes| escape(bytes).to_string());
    [
        mode(entry),
        text(entry.owner),
        text(entry.group),
        entry.size.map_or("-".into(), super::session::size),
        entry
            .modified
            .map_or("-".into(), |modified| time(modified, zone)),
    ]
}

/// As `ls` shows it; question marks where the server does not say.
pub(super) fn mode(entry: &Entry<'_>) -> String {
    let kind = match entry.kind {
        Kind::File => '-',
        Kind::Link => 'l',
        kind if kind.is_directory() => 'd',
        _ => '?',
    };
    let mut mode = String::from(kind);
    match entry.permissions {
        None => mode.push_str("?????????"),
        Some(bits) => {
            for (at, letter) in "rwxrwxrwx".chars().enumerate() {
                let is_set = bits & (0o400 >> at) != 0;
                mode.push(if is_set { letter } else { '-' });
            }
        }
    }
    mode
}

/// In the zone of this computer; where the server does not say its zone, as it says it.
pub(super) fn time(modified: Modified, zone: &TimeZone) -> String {
    let shown = match modified.is_utc {
        true => local(modified.time, zone).unwrap_or(modified.time),
        false => modified.time,
    };
    let date = format!(
        "{:04}-{:02}-{:02}",
        shown.year(),
        shown.month(),
        shown.day()
    );
    match modified.precision {
        Precision::Day => date,
        _ => format!("{date} {:02}:{:02}", shown.hour(), shown.minute()),
    }
}

fn local(time: DateTime, zone: &TimeZone) -> Option<DateTime> {
    let timestamp = Timestamp::from_second(time.unix()).ok()?;
    let offset = zone.to_offset(timestamp).seconds();
    Some(time.plus_seconds(offset.into()))
}

/// Why a walk left something out.
pub(super) fn why_skipped(reason: &SkipReason) -> &'static str {
    match reason {
        SkipReason::UnsafeName => "its name may lead elsewhere",
        SkipReason::TooDeep => "directories lie too deep in each other",
        SkipReason::Circle => "the directory is one of those above it",
        SkipReason::NotListed(_) => "it could not be listed",
        _ => "it was left out",
    }
}

/// Whether servers say this when a file is to be listed like a directory.
fn may_be_a_file(error: &Error) -> bool {
    match error {
        Error::Refused(_) => true,
        Error::Transfer { error, .. } => matches!(
            **error,
            TransferError::Refused { .. } | TransferError::Failed { .. }
        ),
        _ => false,
    }
}

/// The entry of a file; `None` if it is none, or the server does not say.
async fn file(client: &mut Pooled, path: &RemotePath) -> Option<OwnedEntry> {
    let entry = entry_of(client, path).await.ok()?;
    (!entry.kind().is_directory()).then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone_of_this_computer_if_they_are_utc() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let noon = DateTime::date(2024, 5, 1).unwrap().at(23, 5, 0).unwrap();
        for (modified, text) in [
            (Modified::utc(noon, Precision::Second), "2024-05-02 01:05"),
            (Modified::local(noon, Precision::Minute), "2024-05-01 23:05"),
            (Modified::local(noon, Precision::Day), "2024-05-01"),
        ] {
            assert_eq!(time(modified, &zone), text);
        }
    }
}
