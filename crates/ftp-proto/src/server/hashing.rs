//! Hashes of files (draft-bryan-ftpext-hash): the algorithms, `OPTS HASH` and `HASH`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::context::Context;
use super::files::FileAction;
use super::session::{Next, Session, Then, ask};
use super::{VirtualPath, replies};
use crate::wire::{Code, CommandRef, Reply};

/// How a file is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512, faster than SHA-256 where the processor does not help.
    Sha512,
}

impl HashAlgorithm {
    /// Its name in `FEAT`, `OPTS HASH` and the reply to `HASH`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }
}

impl Session {
    /// `OPTS HASH`: says which algorithm is in force, or chooses another.
    pub(super) fn choose_hash(&mut self, name: &[u8], context: &mut Context) -> Next {
        let (Some(files), Some(mut chosen)) = (&context.config.files, self.hash) else {
            return Next::NotOurs;
        };
        if !name.is_empty() {
            let mut offered = files.hashes.iter();
            match offered.find(|hash| name.eq_ignore_ascii_case(hash.name().as_bytes())) {
                Some(known) => chosen = *known,
                None => {
                    context.say(&replies::UNKNOWN_HASH);
                    return Next::Answered;
                }
            }
        }
        self.hash = Some(chosen);
        match Reply::new(Code::OKAY, chosen.name()) {
            Ok(reply) => context.say(&reply),
            Err(_) => context.say(&replies::OKAY),
        }
        Next::Answered
    }

    /// `HASH path`.
    pub(super) fn hash(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        let Some(algorithm) = self.hash else {
            return Next::NotOurs;
        };
        self.ask_about(self.rights.read, command, context, |path| {
            let then = Then::Hash(path.clone(), algorithm);
            (FileAction::Hash { path, algorithm }, then)
        })
    }

    /// `AVBL [path]` (draft-peterson-streamlined-ftp-command-extensions): of the current directory if
    /// nothing is named.
    pub(super) fn space(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        if !context
            .config
            .files
            .as_ref()
            .is_some_and(|files| files.space)
        {
            return Next::NotOurs;
        }
        if !Self::may(self.rights.write || self.rights.append, context) {
            return Next::Answered;
        }
        match self.resolve(command.argument().unwrap_or_default(), context) {
            Some(path) => ask(FileAction::Space(path), Then::Space, context),
            None => Next::Answered,
        }
    }
}

/// What `FEAT` says of the algorithms, with a mark at the one in force.
pub(super) fn feature(offered: &[HashAlgorithm], in_force: HashAlgorithm) -> String {
    let mut line = String::from("HASH ");
    for (index, hash) in offered.iter().enumerate() {
        let separator = if index > 0 { ";" } else { "" };
        let mark = if *hash == in_force { "*" } else { "" };
        line.extend([separator, hash.name(), mark]);
    }
    line
}

/// `SHA-256 0-49 169cd222… path`: algorithm, range, hash, file.
pub(super) fn text(
    algorithm: HashAlgorithm,
    (hash, size): (&[u8], u64),
    path: &VirtualPath,
) -> Vec<u8> {
    let mut text = format!("{} 0-{size} ", algorithm.name());
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push(' ');
    let mut text = text.into_bytes();
    text.extend_from_slice(path.as_bytes());
    text
}
