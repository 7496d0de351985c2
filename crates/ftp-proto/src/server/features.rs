//! What `FEAT` lists (RFC 2389 §3).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::context::Context;
use super::{FilesConfig, hashing, replies};
use crate::wire::{Code, Reply};

/// `FEAT`: what this connection offers now.
pub(super) fn features(context: &Context) -> Reply {
    let config = &context.config;
    let mut lines: Vec<String> = Vec::new();
    let mut offer = |line: &str| lines.push(line.into());
    if context.offers_tls() {
        match (context.tls.is_some(), config.auth_ssl) {
            // One line for each: some clients search for the whole line `AUTH TLS`.
            (false, true) => {
                offer("AUTH TLS");
                offer("AUTH SSL");
            }
            (false, false) => offer("AUTH TLS"),
            (true, _) if config.clear_command_channel => offer("CCC"),
            (true, _) => {}
        }
    }
    offer("CLNT");
    if !config.hosts.is_empty() {
        offer("HOST");
    }
    offer("LANG EN*");
    if context.offers_tls() {
        offer("PBSZ");
        offer("PROT");
    }
    offer("UTF8");
    if let Some(files) = &config.files {
        lines.extend(of_files(files, context));
    }
    lines.extend(config.features.iter().cloned());
    Reply::listing(Code::SYSTEM_STATUS, "Features:", &lines, "End")
        .unwrap_or_else(|_| replies::FEATURES_UNKNOWN.clone())
}

/// What the user may use; before login, what users may use who have the usual rights.
fn of_files(files: &FilesConfig, context: &Context) -> Vec<String> {
    let session = context.session.as_deref();
    let rights = session.map_or(&files.rights, |session| &session.rights);
    let is_active =
        files.active && context.peer.is_some() && !session.is_some_and(|session| session.only_epsv);
    let facts = session.map_or(files.facts, |session| session.facts);
    let mlst = format!("MLST {}", files.facts.offer(facts));
    let hash = session.map_or(files.hashes.first().copied(), |session| session.hash);
    let hash = hash.map(|in_force| hashing::feature(&files.hashes, in_force));
    let has_facts = rights.read || rights.list;
    let restarts = rights.read || (rights.write && rights.overwrite);
    let stores = rights.write || rights.append;
    [
        (files.space && stores, "AVBL"),
        (is_active, "EPRT"),
        (true, "EPSV"),
        (
            rights.read && hash.is_some(),
            hash.as_deref().unwrap_or_default(),
        ),
        (has_facts, "MDTM"),
        (rights.write && files.sets_times, "MFMT"),
        (rights.list, &mlst),
        (restarts, "REST STREAM"),
        (has_facts, "SIZE"),
        (true, "TVFS"),
    ]
    .into_iter()
    .filter(|(is_offered, _)| *is_offered)
    .map(|(_, line)| line.into())
    .collect()
}
