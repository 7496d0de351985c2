//! Deleting what the source does not have.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::tree::Node;
use super::{Mirror, Way, exists};
use crate::files::outcome::{Outcome, Success, Trouble, Whole};
use crate::progress::Meter;
use crate::target::RemotePath;

impl Mirror<'_> {
    pub(super) async fn delete_all(&self, deletions: &[(Vec<u8>, Node)]) {
        // From above: a link that the server calls a directory goes, and not what is where it leads to.
        let mut links: Vec<&[u8]> = Vec::new();
        let directories = deletions
            .iter()
            .rev()
            .filter(|(_, node)| *node == Node::Directory && self.way == Way::Up);
        for (path, _) in directories {
            let is_known = links.iter().any(|link| is_at_or_below(path, link));
            if !is_known && !self.session.is_cancelled() && self.delete_link(path).await {
                links.push(path);
            }
        }
        for (path, node) in deletions {
            if self.session.is_cancelled() {
                break;
            }
            if !links.iter().any(|link| is_at_or_below(path, link)) {
                self.delete(path, *node).await;
            }
        }
    }

    /// Removes what is called a directory if it is removed as files are. Otherwise nothing is done.
    async fn delete_link(&self, path: &[u8]) -> bool {
        let remote = self.remote.join(path);
        let deletes = self
            .site
            .once(async |client| client.remove_file(remote.as_bytes()).await);
        let deleted = async { Ok(deletes.await?) };
        let is_link = self.session.unless_cancelled(deleted).await.is_ok();
        if is_link {
            self.session
                .report(&self.site, path, 0, Duration::ZERO, &Ok(deleted_whole()));
            self.tally.count(&self.tally.deleted);
        }
        is_link
    }

    async fn delete(&self, path: &[u8], node: Node) {
        let deletes = async |_: &Meter| match self.way {
            Way::Down => self
                .local_path(path)
                .and_then(|local| delete_here(&local, node)),
            Way::Up => self.delete_there(&self.remote.join(path), node).await,
        };
        let record = self.session.file(&self.site, path, deletes).await;
        match record.outcome {
            Outcome::Deleted => self.tally.count(&self.tally.deleted),
            _ => self
                .tally
                .failed
                .borrow_mut()
                .push((path.to_vec(), record.message)),
        }
    }

    async fn delete_there(&self, path: &RemotePath, node: Node) -> Result<Whole, Trouble> {
        let deleted = self.site.once(async |client| match node {
            Node::Directory => client.remove_dir(path.as_bytes()).await,
            _ => client.remove_file(path.as_bytes()).await,
        });
        deleted.await?;
        Ok(deleted_whole())
    }
}

fn is_at_or_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn delete_here(path: &Path, node: Node) -> Result<Whole, Trouble> {
    let deleted = match node {
        Node::Directory => fs::remove_dir(path),
        _ => fs::remove_file(path),
    };
    match deleted {
        Err(error) if exists(path) => Err(Trouble::local(path.display(), &error)),
        _ => Ok(deleted_whole()),
    }
}

fn deleted_whole() -> Whole {
    Whole {
        success: Success::Deleted,
        ..Whole::default()
    }
}
