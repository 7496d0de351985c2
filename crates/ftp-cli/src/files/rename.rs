//! Renaming over a file that is there, and losing neither.

use ftp_adapter::{Error, jitter};

use super::make::is_directory;
use super::mirror::tree::{part_name, visible};
use super::outcome::Trouble;
use super::site::Site;
use crate::target::RemotePath;

/// What [`Site::rename_over`] says where it moved the old file aside.
const NOT_AT_ONCE: &str =
    "the server does not rename over files: the old one was moved aside first";

/// What failed to be renamed.
const CAME: &str = "it came whole, and could not be renamed from";
const ASIDE: &str = "the old file could not be renamed back from";

impl Site {
    /// Gives a file another name, in place of one that has it. Where the server does not do that, the old
    /// one is moved aside before, and removed afterwards: then there is something to say.
    ///
    /// # Errors
    /// If the server refuses: both files have the names that they had.
    pub(crate) async fn rename_over(
        &self,
        from: &RemotePath,
        to: &RemotePath,
    ) -> Result<Option<String>, Trouble> {
        let error = match self.rename(from, to).await {
            Ok(()) => return Ok(None),
            Err(error) => error,
        };
        // Where nothing can be renamed, or something other than a file is in the way, all stays as it is.
        let may_help = matches!(error, Error::Refused(_))
            && !self
                .ask(async |client| is_directory(client, to).await)
                .await?;
        let aside = match may_help {
            true => self.move_aside(to).await,
            false => None,
        };
        let Some(aside) = aside else {
            return Err(Trouble::not_renamed(CAME, from, error));
        };
        if let Err(error) = self.rename(from, to).await {
            let back = self.rename(&aside, to).await;
            back.map_err(|error| Trouble::not_renamed(ASIDE, &aside, error))?;
            return Err(Trouble::not_renamed(CAME, from, error));
        }
        let removed = self
            .once(async |client| client.remove_file(aside.as_bytes()).await)
            .await;
        Ok(Some(match removed {
            Ok(()) => NOT_AT_ONCE.to_owned(),
            Err(_) => format!("{NOT_AT_ONCE}, and is left as {aside}"),
        }))
    }

    /// Gives a file a name that nobody looks for: which, if the server lets it.
    async fn move_aside(&self, path: &RemotePath) -> Option<RemotePath> {
        let name = part_name(&[path.name(), &jitter().to_be_bytes()]);
        for name in [name.as_str(), visible(&name)] {
            let aside = path.beside(name.as_bytes());
            if self.rename(path, &aside).await.is_ok() {
                return Some(aside);
            }
        }
        None
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath) -> Result<(), Error> {
        self.once(async |client| client.rename(from.as_bytes(), to.as_bytes()).await)
            .await
    }
}
