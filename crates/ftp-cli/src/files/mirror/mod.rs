//! `ftp-cli mirror`: a directory here becomes what one on a server is, or the other way round.
//!
//! Both trees are looked at (`tree`), what is to be done is decided (`plan`), and then done (`work`).

mod delete;
mod filter;
mod plan;
mod table;
pub(super) mod tree;
mod work;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftp_adapter::{Error, FileFacts};
use ftp_proto::client::TransferError;
use ftp_proto::wire::Subject;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use self::filter::Filter;
use self::plan::{Plan, Rules};
use self::table::Tally;
use self::tree::{Node, Tree, is_hidden, local_path, name, parent, part_name, scan, walk};
use super::make::is_directory;
use super::metered::Throttle;
use super::outcome::Trouble;
use super::session::Session;
use super::site::{Site, Sites};
use crate::cli::MirrorArguments;
use crate::exit::{Exit, Failure};
use crate::target::{RemotePath, Target};

/// A clock in another time zone is off by less than so many seconds. No file is overlooked if it is.
const MOST_OFF: i64 = 26 * 3600;

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the server.
    Down,
    /// To the server.
    Up,
}

/// Two directories, one of which is to become what the other is.
struct Mirror<'a> {
    arguments: &'a MirrorArguments,
    session: &'a Session<'a>,
    way: Way,
    site: Arc<Site>,
    remote: RemotePath,
    local: PathBuf,
    throttle: Option<Throttle>,
    tally: Tally,
    /// The server takes no names with a dot in front.
    hides_nothing: Cell<bool>,
}

/// What was seen, and what is to be done.
struct Seen {
    source: Tree,
    target: Tree,
    plan: Plan,
    /// The target directory is not there yet.
    is_new: bool,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the options; why one of the directories cannot be seen.
pub(super) async fn run(
    arguments: &MirrorArguments,
    mut session: Session<'_>,
) -> Result<Exit, Failure> {
    let mut sites = Sites::new(&arguments.session, arguments.parallel);
    let (way, url, local) = sides(arguments)?;
    let mut target = Target::parse(url)?;
    let site = sites.of(&mut target)?;
    session.advice.cut = Some("what came is kept: the same command goes on");
    session.advice.spoilt = Some("the same command tries again");
    let mut mirror = Mirror {
        arguments,
        session: &session,
        way,
        site,
        remote: target.path,
        local,
        throttle: arguments.limit_rate.map(Throttle::new),
        tally: Tally::default(),
        hides_nothing: Cell::new(false),
    };
    let done = match session.unless_cancelled(mirror.look()).await {
        Ok(seen) if arguments.dry_run => {
            mirror.show(&seen);
            Ok(())
        }
        Ok(seen) => {
            mirror.carry_out(seen).await;
            Ok(())
        }
        Err(trouble) => {
            let (from, to) = mirror.names();
            Err(mirror
                .site
                .failure(&format!("cannot mirror {from} to {to}"), &trouble))
        }
    };
    let exit = session.finish(&sites).await;
    done.and(exit)
}

fn sides(arguments: &MirrorArguments) -> Result<(Way, &str, PathBuf), Failure> {
    let url = |side: &'_ std::ffi::OsString| side.to_str().is_some_and(|it| it.contains("://"));
    let (way, remote, local) = match (url(&arguments.source), url(&arguments.target)) {
        (true, false) => (Way::Down, &arguments.source, &arguments.target),
        (false, true) => (Way::Up, &arguments.target, &arguments.source),
        _ => {
            return Err(Failure::usage(
                "one of SOURCE and TARGET has to be a URL, and the other a directory here",
            )
            .hint("as in: ftp-cli mirror ftp://user@host/directory/ directory"));
        }
    };
    let local = PathBuf::from(local);
    let shown = local.display();
    match std::fs::metadata(&local) {
        Ok(found) if !found.is_dir() => {
            return Err(Failure::usage(format!("{shown} is no directory"))
                .hint("name a directory; one that files go to may be a new one"));
        }
        Err(error) if way == Way::Up || error.kind() != ErrorKind::NotFound => {
            return Err(Failure::new(Exit::LocalFile, format!("{shown}: {error}")));
        }
        _ => {}
    }
    Ok((way, remote.to_str().unwrap_or_default(), local))
}

impl Mirror<'_> {
    fn names(&self) -> (String, String) {
        let (here, there) = (self.local.display().to_string(), self.remote.to_string());
        match self.way {
            Way::Down => (there, here),
            Way::Up => (here, there),
        }
    }

    /// Looks at both sides, and plans.
    async fn look(&self) -> Result<Seen, Trouble> {
        let (here, is_missing_here) = match scan(&self.local) {
            Ok(tree) => (tree, false),
            Err(error) if self.way == Way::Down && error.kind() == ErrorKind::NotFound => {
                (Tree::default(), true)
            }
            Err(error) => return Err(Trouble::local(self.local.display(), &error)),
        };
        let explain = |error: &Error| self.site.message_of(error);
        let tries = Cell::new(0);
        let walked = self.site.ask(async |client| {
            let is_last = tries.get() == self.site.retries();
            tries.set(tries.get() + 1);
            walk(client, &self.remote, is_last, explain).await
        });
        let walked = walked.await;
        let (there, is_missing_there) = match walked {
            Ok(tree) => (tree, false),
            Err(error) if self.way == Way::Up && self.is_missing(&error).await? => {
                (Tree::default(), true)
            }
            Err(error) => return Err(error.into()),
        };
        let (source, target, is_new) = match self.way {
            Way::Down => (there, here, is_missing_here),
            Way::Up => (here, there, is_missing_there),
        };
        let mut seen = Seen {
            source,
            target,
            plan: Plan::default(),
            is_new,
        };
        self.plan(&mut seen, false);
        self.look_closer(&mut seen).await?;
        self.look_at_clock(&mut seen).await?;
        Ok(seen)
    }

    /// Whether the directory on the server could not be listed because it is not there.
    async fn is_missing(&self, error: &Error) -> Result<bool, Trouble> {
        if self.remote.is_start() || !is_refused(error) {
            return Ok(false);
        }
        // Some servers say so only when they have begun to send the listing.
        Ok(match error {
            Error::Transfer { error, .. } if matches!(**error, TransferError::Failed { .. }) => {
                !self
                    .site
                    .ask(async |client| is_directory(client, &self.remote).await)
                    .await?
            }
            _ => true,
        })
    }

    fn plan(&self, seen: &mut Seen, is_final: bool) {
        let files = seen
            .source
            .nodes
            .iter()
            .filter(|(_, node)| matches!(node, Node::File { .. }));
        let parts = files.flat_map(|(path, node)| {
            let part = self.part_path(path, *node);
            let notes = [part.as_slice(), b".json"].concat();
            [visible_path(&part), part, notes]
        });
        let parts: BTreeSet<_> = parts.collect();
        let rules = Rules {
            is_final,
            folds_case: self.way == Way::Down && cfg!(any(windows, target_os = "macos")),
            filter: Filter::new(&self.arguments.include, &self.arguments.exclude),
            delete: self.arguments.delete,
            only_newer: self.arguments.only_newer,
            max_delete: self.arguments.max_delete,
        };
        seen.plan = Plan::new(&seen.source, &seen.target, &rules, &parts);
    }

    /// A server that is told no times gives files those of its own clock. Where it matters, learns how far
    /// that is off, and plans anew.
    async fn look_at_clock(&self, seen: &mut Seen) -> Result<(), Trouble> {
        if self.way == Way::Down || self.arguments.dry_run || !seen.has_doubtful_times() {
            return Ok(());
        }
        let features = self
            .site
            .ask(async |client| client.features().await)
            .await?;
        if features.set_modified() {
            return Ok(());
        }
        let clock = self.site.clock(&self.remote).await?;
        for node in seen.target.nodes.values_mut() {
            if let Node::File { time, .. } = node {
                *time = time.map(|there| clock.here(there));
            }
        }
        self.plan(seen, true);
        Ok(())
    }

    /// Asks for the times of files on the server that the listing does not say exactly, and for files that
    /// it may not show.
    async fn look_closer(&self, seen: &mut Seen) -> Result<(), Trouble> {
        let may_be_hidden = |path: &[u8]| {
            self.way == Way::Up
                && !seen.is_new
                && is_hidden(path)
                && !seen.target.nodes.contains_key(path)
                && (parent(path).is_empty() || seen.target.nodes.contains_key(parent(path)))
        };
        let unsure: Vec<_> = seen
            .plan
            .files
            .iter()
            .filter(|file| file.is_unsure || may_be_hidden(&file.path))
            .map(|file| file.path.clone())
            .collect();
        if unsure.is_empty() {
            return Ok(());
        }
        let ask = async |path: Vec<u8>| {
            let remote = self.remote.join(&path);
            let facts = self
                .site
                .ask(async |client| client.file_facts(remote.as_bytes()).await);
            facts.await.map(|facts| (path, facts))
        };
        let asked = stream::iter(unsure)
            .map(ask)
            .buffer_unordered(self.arguments.parallel.into());
        let asked: Vec<(Vec<u8>, FileFacts)> = asked.try_collect().await?;
        let tree = match self.way {
            Way::Down => &mut seen.source,
            Way::Up => &mut seen.target,
        };
        for (path, facts) in asked {
            let said = facts.modified.known().map(|time| time.with_nanosecond(0));
            match tree.nodes.get_mut(&path) {
                Some(Node::File { size, time }) => {
                    *size = facts.size.known().or(*size);
                    *time = said;
                }
                None if facts.size.known().is_some() => {
                    let size = facts.size.known();
                    tree.nodes.insert(path, Node::File { size, time: said });
                }
                _ => {}
            }
        }
        self.plan(seen, true);
        Ok(())
    }

    /// Where the bytes of this file are while they come.
    fn part_path(&self, path: &[u8], source: Node) -> Vec<u8> {
        let part = match (self.way, source) {
            (Way::Down, _) => part_name(&[name(path)]),
            // The name says of which version they are.
            (Way::Up, Node::File { size, time }) => {
                let version = format!("{size:?} {time:?}");
                part_name(&[name(path), version.as_bytes()])
            }
            (Way::Up, _) => part_name(&[name(path)]),
        };
        match parent(path) {
            b"" => part.into_bytes(),
            parent => [parent, b"/", part.as_bytes()].concat(),
        }
    }

    fn local_path(&self, path: &[u8]) -> Result<PathBuf, Trouble> {
        local_path(&self.local, path)
            .ok_or_else(|| Trouble::Local("its name cannot be that of a file here".to_owned()))
    }
}

impl Seen {
    /// Whether there are files of which a clock that is off may say that they are newer or older.
    fn has_doubtful_times(&self) -> bool {
        self.source.nodes.iter().any(|(path, node)| {
            let (
                Node::File { size, time },
                Some(Node::File {
                    size: old_size,
                    time: old_time,
                }),
            ) = (node, self.target.nodes.get(path))
            else {
                return false;
            };
            match (time, old_time) {
                (Some(time), Some(old)) => {
                    size == old_size && time != old && old.unix() - time.unix() < MOST_OFF
                }
                _ => false,
            }
        })
    }
}

/// The same for servers that want no name with a dot in front.
fn visible_path(part: &[u8]) -> Vec<u8> {
    let (above, name) = part.split_at(part.len() - name(part).len());
    [above, name.strip_prefix(b".").unwrap_or(name)].concat()
}

/// Whether the server refuses to list a directory, and not because of a connection, which says nothing of it.
fn is_refused(error: &Error) -> bool {
    match error {
        Error::AtPath { error, .. } => is_refused(error),
        Error::Refused(_) => true,
        Error::Transfer { error, .. } => match &**error {
            TransferError::Refused { reply, .. } | TransferError::Failed { reply, .. } => {
                reply.code().subject() != Subject::Connections
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a path on disk can be seen without following a link at its end.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
