//! `ftp-cli rm`, `mv` and `mkdir`: what changes a server without a transfer.

use std::sync::Arc;

use ftp_adapter::Error;

use super::make::make_path;
use super::outcome::{Success, Trouble, Whole};
use super::session::Session;
use super::site::{Site, Sites};
use crate::cli::{MakeArguments, MoveArguments, RemoveArguments};
use crate::exit::{Exit, Failure};
use crate::target::{RemotePath, Target};

/// `rm`.
///
/// # Errors
/// What is wrong with the options.
pub(super) async fn remove(
    arguments: &RemoveArguments,
    mut session: Session<'_>,
) -> Result<Exit, Failure> {
    let mut sites = Sites::new(&arguments.session, 1);
    let jobs = jobs(&arguments.urls, &mut sites)?;
    for (_, path) in &jobs {
        if path.is_top() {
            return Err(Failure::usage(format!(
                "{path} is everything that the user has there, and is not removed"
            ))
            .hint("name what is in it: ftp-cli ls shows it"));
        }
        if path.is_directory() && !arguments.recursive {
            return Err(Failure::usage(format!("{path} is a directory"))
                .hint("-r removes directories with all in them"));
        }
    }
    if !arguments.recursive {
        session.advice.not_removed =
            Some("may this user remove it? If it is a directory, -r removes it with all in it");
    }
    for (site, path) in jobs {
        let removes = async || {
            if !arguments.recursive {
                site.once(async |client| client.remove_file(path.as_bytes()).await)
                    .await?;
                return Ok(done());
            }
            let removed = site
                .once(async |client| client.remove_all(path.as_bytes()).await)
                .await;
            let count = removed.map_err(|error| match error {
                // It is named already.
                Error::AtPath { path: at, error } if at == path.as_bytes() => *error,
                error => error,
            })?;
            Ok(Whole {
                note: (count > 1).then(|| format!("removed {count} files and directories")),
                ..done()
            })
        };
        change(&session, &site, &path, removes).await;
    }
    session.finish(&sites).await
}

/// `mkdir`.
///
/// # Errors
/// What is wrong with the options.
pub(super) async fn make(
    arguments: &MakeArguments,
    mut session: Session<'_>,
) -> Result<Exit, Failure> {
    let mut sites = Sites::new(&arguments.session, 1);
    let jobs = jobs(&arguments.urls, &mut sites)?;
    if let Some((_, path)) = jobs.iter().find(|(_, path)| path.is_top()) {
        return Err(Failure::usage(format!(
            "{path} is there already: the URL names no other directory"
        )));
    }
    if !arguments.parents {
        session.advice.not_made =
            Some("-p makes the directories above it, too, and takes one that is there already");
    }
    for (site, path) in jobs {
        let makes = async || {
            let made = site.once(async |client| match arguments.parents {
                true => make_path(client, &path).await,
                false => client.make_dir(path.as_bytes()).await.map(drop),
            });
            made.await?;
            Ok(done())
        };
        change(&session, &site, &path, makes).await;
    }
    session.finish(&sites).await
}

/// `mv`.
///
/// # Errors
/// What is wrong with the options.
pub(super) async fn rename(
    arguments: &MoveArguments,
    mut session: Session<'_>,
) -> Result<Exit, Failure> {
    session.advice.not_renamed =
        Some("is it there, and is the directory there that it is to be in? ftp-cli ls shows that");
    let mut sites = Sites::new(&arguments.session, 1);
    let mut target = Target::parse(&arguments.from)?;
    let site = sites.of(&mut target)?;
    let from = target.path;
    let mut target = Target::parse(&arguments.to)?;
    if !Arc::ptr_eq(&site, &sites.of(&mut target)?) {
        return Err(Failure::usage(
            "mv renames on one server, and the URLs have different ones, or different users",
        )
        .hint("ftp-cli get and ftp-cli put move a file from one server to another"));
    }
    let to = match target.path.is_directory() {
        true => target.path.join(from.name()),
        false => target.path,
    };
    if from.is_top() || to.is_top() || from == to {
        return Err(Failure::usage(format!("{from} cannot become {to}")));
    }
    let renames = async || {
        site.once(async |client| client.rename(from.as_bytes(), to.as_bytes()).await)
            .await?;
        Ok(done())
    };
    change(&session, &site, &from, renames).await;
    session.finish(&sites).await
}

fn jobs(urls: &[String], sites: &mut Sites<'_>) -> Result<Vec<(Arc<Site>, RemotePath)>, Failure> {
    let mut jobs = Vec::new();
    for url in urls {
        let mut target = Target::parse(url)?;
        jobs.push((sites.of(&mut target)?, target.path));
    }
    Ok(jobs)
}

fn done() -> Whole {
    Whole {
        success: Success::Done,
        ..Whole::default()
    }
}

/// Does it, unless Ctrl-C was pressed.
async fn change(
    session: &Session<'_>,
    site: &Site,
    path: &RemotePath,
    work: impl AsyncFnOnce() -> Result<Whole, Trouble>,
) {
    match session.is_cancelled() {
        true => session.failed(Exit::CutOff),
        false => {
            session
                .file(site, path.as_bytes(), async |_| work().await)
                .await;
        }
    }
}
