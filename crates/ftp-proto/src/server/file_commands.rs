//! Commands about files that need no data connection, and what the application's answers lead to
//! (RFC 959 §4.1.3, RFC 3659).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::context::Context;
use super::files::{AnswerKind, FileAction, FileFacts};
use super::session::{Next, Session, Then, ask};
use super::{FileError, VirtualPath, hashing, replies};
use crate::DateTime;
use crate::data::DataType;
use crate::listing::FactNames;
use crate::wire::{Code, CommandRef, Reply, quote_path};

impl Session {
    /// `PWD`.
    pub(super) fn print_directory(&self, context: &mut Context) {
        say_path(&self.current, b" is the current directory.", context);
    }

    /// `CWD`.
    pub(super) fn change_directory(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        match self.path(command, context) {
            Some(path) => self.enter(path, context),
            None => Next::Answered,
        }
    }

    pub(super) fn enter(&self, path: VirtualPath, context: &mut Context) -> Next {
        let action = FileAction::ChangeDirectory(path.clone());
        ask(action, Then::Enter(path), context)
    }

    /// `MKD`.
    pub(super) fn make_directory(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        self.ask_about(self.rights.make, command, context, |path| {
            (FileAction::MakeDirectory(path.clone()), Then::Made(path))
        })
    }

    /// `RMD`.
    pub(super) fn remove_directory(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        self.ask_about(self.rights.delete, command, context, |path| {
            (FileAction::RemoveDirectory(path), Then::RemovedDirectory)
        })
    }

    /// `DELE`.
    pub(super) fn remove(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        self.ask_about(self.rights.delete, command, context, |path| {
            (FileAction::Remove(path), Then::RemovedFile)
        })
    }

    /// `RNFR`.
    pub(super) fn rename_from(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        self.ask_about(self.rights.rename, command, context, |path| {
            let facts = FactNames::NONE;
            let action = FileAction::Facts {
                path: path.clone(),
                facts,
            };
            (action, Then::RenameFrom(path))
        })
    }

    /// `RNTO`.
    pub(super) fn rename_to(
        &self,
        from: Option<VirtualPath>,
        command: CommandRef<'_>,
        context: &mut Context,
    ) -> Next {
        let Some(from) = from else {
            context.say(&replies::RENAME_FROM_FIRST);
            return Next::Answered;
        };
        let may_overwrite = self.rights.overwrite;
        self.ask_about(self.rights.rename, command, context, |to| {
            let action = FileAction::Rename {
                from,
                to,
                may_overwrite,
            };
            (action, Then::Say(&replies::FILE_ACTION_DONE))
        })
    }

    /// `SIZE` (RFC 3659 §4). The size in `TYPE A` would need the whole file to be read.
    pub(super) fn size(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        if self.data_type == DataType::Ascii {
            context.say(&replies::SIZE_NEEDS_IMAGE);
            return Next::Answered;
        }
        self.look_up(FactNames::SIZE, Then::Size, command, context)
    }

    /// `MDTM` (RFC 3659 §3).
    pub(super) fn modified(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        self.look_up(FactNames::MODIFY, Then::Modified, command, context)
    }

    fn look_up(
        &self,
        facts: FactNames,
        then: Then,
        command: CommandRef<'_>,
        context: &mut Context,
    ) -> Next {
        let is_allowed = self.rights.read || self.rights.list;
        self.ask_about(is_allowed, command, context, |path| {
            (FileAction::Facts { path, facts }, then)
        })
    }

    /// `MLST` (RFC 3659 §7), of the current directory if nothing is named.
    pub(super) fn facts(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        if !Self::may(self.rights.list, context) {
            return Next::Answered;
        }
        match self.resolve(command.argument().unwrap_or_default(), context) {
            Some(path) => {
                let facts = self.facts;
                ask(FileAction::Facts { path, facts }, Then::Facts, context)
            }
            None => Next::Answered,
        }
    }

    /// `MFMT time path` (draft-somers-ftp-mfxx §3.1).
    pub(super) fn set_modified(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        let files = context.config.files.as_ref();
        if !files.is_some_and(|files| files.sets_times) {
            context.say(&replies::NOT_IMPLEMENTED);
            return Next::Answered;
        }
        if !Self::may(self.rights.write, context) {
            return Next::Answered;
        }
        let time_and_path = command
            .argument()
            .and_then(first_word)
            .and_then(|(time, path)| Some((DateTime::parse(time)?, path)));
        let Some((time, path)) = time_and_path else {
            context.say_bad(&replies::TIME_AND_PATH_NEEDED);
            return Next::Answered;
        };
        let Some(path) = self.resolve(path, context) else {
            return Next::Answered;
        };
        let action = FileAction::SetModified {
            path: path.clone(),
            time,
        };
        ask(action, Then::TimeSet(path, time), context)
    }

    /// `SITE CHMOD mode path`. What else `SITE` may say is the application's.
    pub(super) fn site(&self, command: CommandRef<'_>, context: &mut Context) -> Next {
        let rest = match command.argument().and_then(first_word) {
            Some((name, rest)) if name.eq_ignore_ascii_case(b"CHMOD") => rest,
            _ => return Next::NotOurs,
        };
        if !Self::may(self.rights.write, context) {
            return Next::Answered;
        }
        let mode_and_path = first_word(rest).and_then(|(mode, path)| Some((octal(mode)?, path)));
        let Some((mode, path)) = mode_and_path else {
            context.say_bad(&replies::MODE_AND_PATH_NEEDED);
            return Next::Answered;
        };
        match self.resolve(path, context) {
            Some(path) => {
                let action = FileAction::SetPermissions { path, mode };
                ask(action, Then::Say(&replies::OKAY), context)
            }
            None => Next::Answered,
        }
    }

    /// Asks the application about the path of the command, if the user may.
    pub(super) fn ask_about(
        &self,
        is_allowed: bool,
        command: CommandRef<'_>,
        context: &mut Context,
        question: impl FnOnce(VirtualPath) -> (FileAction, Then),
    ) -> Next {
        if !Self::may(is_allowed, context) {
            return Next::Answered;
        }
        let Some(path) = self.path(command, context) else {
            return Next::Answered;
        };
        let (action, then) = question(path);
        ask(action, then, context)
    }

    /// The application has answered.
    pub(super) fn on_answer(&mut self, then: Then, answer: AnswerKind, context: &mut Context) {
        match (then, answer) {
            (Then::Listen(verb), AnswerKind::Listening(address)) => {
                self.on_listening(verb, address, context);
            }
            (Then::Listen(_), _) => context.say(&replies::CANNOT_LISTEN),
            // RFC 959 knows no 553 for `MKD`.
            (Then::Made(_), AnswerKind::Refused(FileError::Exists)) => {
                context.say(&replies::DIRECTORY_EXISTS);
            }
            (then, AnswerKind::Refused(FileError::NotFound)) => context.say(then.not_found()),
            (_, AnswerKind::Refused(error)) => context.say(replies::refusal(error)),
            (Then::RemovedFile | Then::RemovedDirectory, AnswerKind::Done) => {
                context.say(&replies::FILE_ACTION_DONE);
            }
            (Then::Say(reply), AnswerKind::Done) => context.say(reply),
            (Then::Enter(path), AnswerKind::Done) => {
                self.current = path;
                context.say(&replies::DIRECTORY_CHANGED);
            }
            (Then::Made(path), AnswerKind::Done) => say_path(&path, b" created.", context),
            (Then::TimeSet(path, time), AnswerKind::Done) => {
                let mut text = format!("Modify={}; ", time.compact()).into_bytes();
                text.extend_from_slice(path.as_bytes());
                say(Code::FILE_STATUS, text, context);
            }
            (Then::Size, AnswerKind::Facts(facts)) => {
                let size = facts.size.filter(|_| facts.is_file);
                say_fact(size.map(|size| format!("{size}")), context);
            }
            (Then::Modified, AnswerKind::Facts(facts)) => {
                let time = facts.modified.map(|time| format!("{}", time.compact()));
                say_fact(time, context);
            }
            (Then::RenameFrom(path), AnswerKind::Facts(_)) => {
                self.rename_from = Some(path);
                context.say(&replies::RENAME_TO);
            }
            (Then::Facts, AnswerKind::Facts(facts)) => say_facts(facts, context),
            (Then::Hash(path, algorithm), AnswerKind::Hash { hash, size }) => {
                let text = hashing::text(algorithm, (&hash, size), &path);
                say(Code::FILE_STATUS, text, context);
            }
            (Then::Space, AnswerKind::Space(bytes)) => {
                say_fact(Some(format!("{bytes}")), context);
            }
            _ => context.say(replies::refusal(FileError::Failed)),
        }
    }
}

impl Then {
    /// What is said where nothing is, or something of the wrong kind.
    fn not_found(&self) -> &'static Reply {
        match self {
            Self::Size | Self::Hash(..) | Self::RemovedFile => &replies::NO_FILE,
            Self::Enter(_) | Self::Made(_) | Self::RemovedDirectory | Self::Space => {
                &replies::NO_DIRECTORY
            }
            _ => &replies::NOT_FOUND,
        }
    }
}

/// The word at the front, and what follows the blank behind it, neither of them empty.
fn first_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (word, rest) = text.split_at_checked(memchr::memchr(b' ', text)?)?;
    let rest = rest.get(1..)?;
    (!word.is_empty() && !rest.is_empty()).then_some((word, rest))
}

/// The bits of `chmod`.
fn octal(text: &[u8]) -> Option<u16> {
    let is_octal = text.iter().all(|byte| matches!(byte, b'0'..=b'7'));
    let digits = core::str::from_utf8(text).ok().filter(|_| is_octal)?;
    let mode = u16::from_str_radix(digits, 8).ok()?;
    (mode <= 0o7777).then_some(mode)
}

fn say(code: Code, text: Vec<u8>, context: &mut Context) {
    match Reply::new(code, text) {
        Ok(reply) => context.say(&reply),
        Err(_) => context.say(replies::refusal(FileError::Failed)),
    }
}

/// 257.
fn say_path(path: &VirtualPath, text: &[u8], context: &mut Context) {
    let mut line = quote_path(path.as_bytes());
    line.extend_from_slice(text);
    say(Code::PATH_CREATED, line, context);
}

/// 213.
fn say_fact(fact: Option<String>, context: &mut Context) {
    match fact {
        Some(fact) => say(Code::FILE_STATUS, fact.into_bytes(), context),
        None => context.say(&replies::NOT_KNOWN),
    }
}

/// 250 with the line (RFC 3659 §7.2).
fn say_facts(facts: FileFacts, context: &mut Context) {
    let reply = facts
        .line
        .ok()
        .and_then(|line| Reply::listing(Code::FILE_ACTION_OKAY, "Facts:", [line], "End").ok());
    match reply {
        Some(reply) => context.say(&reply),
        None => context.say(replies::refusal(FileError::Failed)),
    }
}
