//! Directories of a server that are made.

use ftp_adapter::Error;
use ftp_tokio::Pooled;

use crate::target::RemotePath;

/// Makes a directory and those above it, as far as they are not there.
///
/// # Errors
/// That of the first one that could be neither made nor seen.
pub(super) async fn make_path(client: &mut Pooled, path: &RemotePath) -> Result<(), Error> {
    // From below: mostly all of them are there, or the last is missing.
    let mut missing = vec![path.clone()];
    while let Some(last) = missing.last() {
        let refused = match client.make_dir(last.as_bytes()).await {
            Ok(_) => break,
            Err(error @ Error::Refused(_)) => error,
            Err(error) => return Err(error),
        };
        if is_directory(client, last).await? {
            break;
        }
        match last.parent() {
            Some(parent) => missing.push(parent),
            None => return Err(at(last, refused)),
        }
    }
    // The last of them is there now.
    for path in missing.iter().rev().skip(1) {
        let made = client.make_dir(path.as_bytes()).await;
        made.map_err(|error| at(path, error))?;
    }
    Ok(())
}

fn at(path: &RemotePath, error: Error) -> Error {
    Error::AtPath {
        path: path.as_bytes().to_vec(),
        error: Box::new(error),
    }
}

/// Whether there is a directory: by its facts, or else by going there and back.
pub(super) async fn is_directory(client: &mut Pooled, path: &RemotePath) -> Result<bool, Error> {
    match client.facts(path.as_bytes()).await {
        Ok(entry) => return Ok(entry.kind().is_directory()),
        // No MLST here, or no such file.
        Err(Error::Refused(_) | Error::UnusableReply { .. }) => {}
        Err(error) => return Err(error),
    }
    let home = client.pwd().await?;
    match client.cwd(path.as_bytes()).await {
        Ok(()) => client.cwd(&home).await.map(|()| true),
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Goes to a directory and back. Servers that read `LIST` as `ls` would list one that is not there as empty.
///
/// # Errors
/// The refusal, if there is none. Where there is no way back, nothing is tried.
pub(super) async fn check_directory(client: &mut Pooled, path: &RemotePath) -> Result<(), Error> {
    let home = match client.pwd().await {
        Ok(home) => home,
        Err(Error::Refused(_) | Error::UnusableReply { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    client.cwd(path.as_bytes()).await?;
    client.cwd(&home).await
}
