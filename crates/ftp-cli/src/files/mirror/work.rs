//! Carrying a plan out.

use std::fs::{self, File};
use std::io;
use std::time::Duration;

use ftp_adapter::Error;
use ftp_proto::client::TransferError;
use ftp_proto::wire::{Verb, escape};
use serde::Serialize;

use super::tree::{LeftOut, Node};
use super::{Mirror, Seen, Way, visible_path};
use crate::exit::Exit;
use crate::files::get;
use crate::files::local::{LocalFile, modified};
use crate::files::make::{is_directory, make_path};
use crate::files::metered::Metered;
use crate::files::outcome::{FileRecord, Outcome, Success, Trouble, Whole};
use crate::files::session::size;
use crate::output::complain;
use crate::progress::Meter;
use crate::target::RemotePath;

/// What would be done, as a line of JSON.
#[derive(Serialize)]
struct Would<'a> {
    path: String,
    would: &'a str,
    bytes: Option<u64>,
}

impl Mirror<'_> {
    /// Does all of it, one after the other: directories, files, deletions.
    pub(super) async fn carry_out(&mut self, mut seen: Seen) {
        let count = seen.plan.files.len();
        let bytes = seen
            .source
            .bytes_of(seen.plan.files.iter().map(|file| &file.path));
        self.session.expect(count, Some(bytes));
        self.begin(&mut seen);
        if seen.is_new
            && let Err(trouble) = self.session.unless_cancelled(self.make_target()).await
        {
            self.failed(b"", Err(trouble));
            self.end();
            return;
        }
        for path in &seen.plan.directories {
            let made = self
                .session
                .unless_cancelled(self.make_directory(path))
                .await;
            if made.is_err() {
                self.failed(path, made);
            }
            if self.session.is_cancelled() {
                break;
            }
        }
        let (this, seen_by) = (&*self, &seen);
        let work = async |path: &Vec<u8>| this.transfer(seen_by, path).await;
        let files = seen.plan.files.iter().map(|file| &file.path);
        self.session
            .each(self.arguments.parallel, files, work)
            .await;
        self.delete_all(&seen.plan.deletions).await;
        self.end();
    }

    /// Says what would be done.
    pub(super) fn show(&mut self, seen: &Seen) {
        let would = |path: &[u8], would: &str, bytes: Option<u64>| {
            if self.arguments.session.json {
                let path = String::from_utf8_lossy(path).into_owned();
                self.session.json(&Would { path, would, bytes });
            } else if !self.arguments.session.quiet {
                let bytes = bytes.map_or(String::new(), |bytes| format!(" ({})", size(bytes)));
                let line = format!("would {} {}{bytes}", would.replace('_', " "), escape(path));
                self.session.output.line(&line);
            }
        };
        if seen.is_new {
            would(b".", "make_directory", None);
        }
        for path in &seen.plan.directories {
            would(path, "make_directory", None);
        }
        for file in &seen.plan.files {
            let bytes = match seen.source.nodes.get(&file.path) {
                Some(Node::File { size, .. }) => *size,
                _ => None,
            };
            would(&file.path, "transfer", bytes);
            self.tally.count(&self.tally.transferred);
            self.tally
                .bytes
                .set(self.tally.bytes.get() + bytes.unwrap_or(0));
        }
        for (path, _) in &seen.plan.deletions {
            would(path, "delete", None);
            self.tally.count(&self.tally.deleted);
        }
        self.remember(&seen.plan.skipped, &seen.plan.left_out, &seen.plan.kept);
        self.end();
    }

    fn begin(&self, seen: &mut Seen) {
        for path in &seen.plan.skipped {
            if self.arguments.session.json {
                let whole = Whole {
                    success: Success::Skipped,
                    ..Whole::default()
                };
                self.session
                    .report(&self.site, path, 0, Duration::ZERO, &Ok(whole));
            }
        }
        self.remember(&seen.plan.skipped, &seen.plan.left_out, &seen.plan.kept);
    }

    fn remember(&self, skipped: &[Vec<u8>], left_out: &[LeftOut], kept: &[String]) {
        self.tally.skipped.set(skipped.len() as u64);
        for LeftOut { path, why, exit } in left_out {
            self.session.failed(*exit);
            if self.arguments.session.json {
                self.session.json(&FileRecord::left_out(path, why));
            } else if *exit != Exit::Success {
                complain(format_args!("error: {}: left out: {why}", escape(path)));
            }
            self.tally
                .left_out
                .borrow_mut()
                .push((path.clone(), why.clone()));
        }
        for why in kept {
            self.session.failed(Exit::Refused);
            complain(format_args!("error: not deleted: {why}"));
        }
        self.tally.kept.borrow_mut().extend_from_slice(kept);
    }

    /// The table.
    fn end(&self) {
        self.session.progress.clear();
        if self.session.is_cancelled() {
            self.session.failed(Exit::CutOff);
        }
        if self.arguments.session.json || self.arguments.session.quiet {
            return;
        }
        if self.arguments.dry_run {
            self.session
                .output
                .line("Nothing was done. It would have been:");
        }
        for line in self.tally.lines() {
            self.session.output.line(&line);
        }
    }

    fn failed(&self, path: &[u8], result: Result<(), Trouble>) {
        let result = result.map(|()| Whole::default());
        let record = self
            .session
            .report(&self.site, path, 0, Duration::ZERO, &result);
        self.tally
            .failed
            .borrow_mut()
            .push((path.to_vec(), record.message));
    }

    async fn make_target(&self) -> Result<(), Trouble> {
        match self.way {
            Way::Down => fs::create_dir_all(&self.local)
                .map_err(|error| Trouble::local(self.local.display(), &error)),
            Way::Up => {
                let made = self
                    .site
                    .ask(async |client| make_path(client, &self.remote).await);
                Ok(made.await?)
            }
        }
    }

    async fn make_directory(&self, path: &[u8]) -> Result<(), Trouble> {
        match self.way {
            Way::Down => {
                let local = self.local_path(path)?;
                fs::create_dir(&local).map_err(|error| Trouble::local(local.display(), &error))
            }
            Way::Up => {
                let remote = self.remote.join(path);
                let made = self
                    .site
                    .once(async |client| client.make_dir(remote.as_bytes()).await)
                    .await;
                let is_there = matches!(made, Err(Error::Refused(_)))
                    && self
                        .site
                        .ask(async |client| is_directory(client, &remote).await)
                        .await?;
                match made {
                    // The listing did not show it.
                    Err(_) if is_there => Ok(()),
                    made => Ok(made.map(drop)?),
                }
            }
        }
    }

    async fn transfer(&self, seen: &Seen, path: &[u8]) {
        let node = seen.source.nodes.get(path).copied();
        let node = node.unwrap_or(Node::Other("it is gone"));
        let moves = async |meter: &Meter| match self.way {
            Way::Down => self.receive(path, node, meter).await,
            Way::Up => self.send(path, node, seen, meter).await,
        };
        let record = self.session.file(&self.site, path, moves).await;
        match record.outcome {
            Outcome::Transferred => {
                self.tally.count(&self.tally.transferred);
                self.tally.bytes.set(self.tally.bytes.get() + record.bytes);
            }
            Outcome::Skipped => self.tally.count(&self.tally.skipped),
            _ => self
                .tally
                .failed
                .borrow_mut()
                .push((path.to_vec(), record.message)),
        }
    }

    async fn receive(&self, path: &[u8], node: Node, meter: &Meter) -> Result<Whole, Trouble> {
        let local = self.local_path(path)?;
        let manner = get::Manner {
            is_hidden: true,
            resume: true,
            verify: None,
            keep_time: true,
            throttle: self.throttle.as_ref(),
        };
        let remote = self.remote.join(path);
        self.site
            .receive(&remote, &local, node.facts(), manner, meter)
            .await
    }

    async fn send(
        &self,
        path: &[u8],
        node: Node,
        seen: &Seen,
        meter: &Meter,
    ) -> Result<Whole, Trouble> {
        let local = self.local_path(path)?;
        let opened = File::open(&local).and_then(|file| Ok((file.metadata()?, file)));
        let (facts, file) = opened.map_err(|error| Trouble::local(local.display(), &error))?;
        let now = Node::File {
            size: Some(facts.len()),
            time: modified(&facts),
        };
        if now != node {
            return Err(Trouble::local(
                local.display(),
                &io::Error::other("it is being changed"),
            ));
        }
        meter.set_size(Some(facts.len()));
        let hidden = self.part_path(path, node);
        let visible = visible_path(&hidden);
        let is_begun = seen.target.nodes.contains_key(&visible);
        let send = async |part: &[u8]| {
            let file = file.try_clone();
            let file = file.map_err(|error| Trouble::local(local.display(), &error))?;
            let is_there = seen.target.nodes.contains_key(part);
            let to = self.remote.join(part);
            let source = LocalFile::source(file, facts.clone());
            let sent = self.send_part(source, facts.len(), &to, is_there, meter);
            sent.await.map_err(|trouble| trouble.of_file(&local))
        };
        let (sent, part) = match self.hides_nothing.get() || is_begun {
            true => (send(&visible).await, visible),
            false => match send(&hidden).await {
                Err(trouble) if is_name_refused(&trouble) => {
                    let sent = send(&visible).await;
                    self.hides_nothing.set(sent.is_ok());
                    (sent, visible)
                }
                sent => (sent, hidden),
            },
        };
        let to = self.remote.join(&part);
        let mut whole = Whole {
            success: Success::Transferred,
            ..sent?
        };
        if let Some(time) = modified(&facts) {
            let set = self
                .site
                .ask(async |client| client.set_modified(to.as_bytes(), time).await);
            match set.await {
                // Without it the server's own time is compared.
                Ok(_) | Err(Error::NotSupported(_)) => {}
                Err(Error::Refused(reply)) => {
                    let shown = self.site.shown(&reply);
                    whole = whole.note(&format!("its time could not be set: {shown}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let remote = self.remote.join(path);
        Ok(match self.site.rename_over(&to, &remote).await? {
            Some(note) => whole.note(&note),
            None => whole,
        })
    }

    /// Sends the bytes of a file, or the rest of them.
    async fn send_part(
        &self,
        source: LocalFile,
        length: u64,
        to: &RemotePath,
        is_there: bool,
        meter: &Meter,
    ) -> Result<Whole, Trouble> {
        let mut options = self.site.resume_options_for(length);
        if is_there {
            let begun = self
                .site
                .ask(async |client| client.file_facts(to.as_bytes()).await)
                .await?;
            options = options.begun(begun).asked(begun);
        }
        let mut source = Metered::new(source, meter, self.throttle.as_ref());
        let sent = self
            .site
            .pool()
            .await?
            .upload_from(to.as_bytes(), &mut source, options)
            .await;
        Ok(Whole::of(sent?))
    }
}

/// Whether another name may be taken.
fn is_name_refused(trouble: &Trouble) -> bool {
    let Trouble::Ftp(Error::Transfer { error, .. }) = trouble else {
        return false;
    };
    matches!(&**error, TransferError::Refused { verb: Verb::Stor, reply } if matches!(reply.code().get(), 501 | 550 | 553))
}
