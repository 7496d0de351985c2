//! `ftp-cli stat`: what a server knows of a file or directory.

use ftp_adapter::Error;
use ftp_proto::listing::OwnedEntry;
use ftp_proto::wire::escape;
use ftp_tokio::Pooled;
use jiff::tz::TimeZone;

use super::list::{mode, time};
use super::session::{Session, size};
use super::site::Sites;
use crate::cli::StatArguments;
use crate::decode::listing::EntryRecord;
use crate::exit::{Exit, Failure};
use crate::target::{RemotePath, Target};

/// Runs the command.
///
/// # Errors
/// What is wrong with the options; what the server refused.
pub(super) async fn run(arguments: &StatArguments, session: Session<'_>) -> Result<Exit, Failure> {
    let mut target = Target::parse(&arguments.url)?;
    let mut sites = Sites::new(&arguments.session, 1);
    let site = sites.of(&mut target)?;
    let path = &target.path;
    let found = async {
        Ok(site
            .ask(async |client| entry_of(client, path).await)
            .await?)
    };
    let found = session.unless_cancelled(found).await;
    let shown = match found {
        Ok(entry) => {
            show(&session, path, &entry);
            Ok(())
        }
        Err(trouble) => Err(site.failure(&format!("cannot look at {path}"), &trouble)),
    };
    let exit = session.finish(&sites).await;
    shown.and(exit)
}

fn show(session: &Session<'_>, path: &RemotePath, entry: &OwnedEntry) {
    let entry = entry.borrow();
    if session.arguments.json {
        session.json(&EntryRecord::at(entry_path(path), &entry));
        return;
    }
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| escape(bytes).to_string());
    let lines = [
        ("path", Some(escape(entry_path(path)).to_string())),
        ("kind", Some(entry.kind.as_str().to_owned())),
        (
            "size",
            entry
                .size
                .map(|bytes| format!("{bytes} bytes ({})", size(bytes))),
        ),
        (
            "modified",
            entry
                .modified
                .map(|modified| time(modified, &TimeZone::system())),
        ),
        (
            "mode",
            entry
                .permissions
                .map(|bits| format!("{} ({bits:04o})", mode(&entry))),
        ),
        ("owner", text(entry.owner)),
        ("group", text(entry.group)),
        ("target", text(entry.target)),
        ("may", text(entry.perm)),
        ("unique", text(entry.unique)),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            session.output.line(&format!("{name:9} {value}"));
        }
    }
}

fn entry_path(path: &RemotePath) -> &[u8] {
    match path.is_start() {
        true => b".",
        false => path.as_bytes(),
    }
}

/// What the server says of this: by `MLST`, or else in the listing of the directory that it is in. The name
/// is the last component of the path.
///
/// # Errors
/// If the server refuses, or there is no such entry.
pub(super) async fn entry_of(client: &mut Pooled, path: &RemotePath) -> Result<OwnedEntry, Error> {
    let here = entry_path(path);
    let found = match client.facts(here).await {
        Err(Error::Refused(reply)) if matches!(reply.code().get(), 500..=504) => {
            let parent = path.parent();
            let parent = parent.as_ref().map_or(&b""[..], RemotePath::as_bytes);
            let mut listing = client.list_all(parent).await?.into_iter();
            let entry = listing.find(|entry| entry.name() == path.name());
            entry.ok_or(Error::Refused(reply))?
        }
        found => found?,
    };
    let mut entry = found.borrow();
    entry.name = match path.name() {
        b"" => here,
        name => name,
    };
    Ok(entry.to_owned_entry())
}
