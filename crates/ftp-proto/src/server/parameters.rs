//! Commands that set what later ones go by: `TYPE`, `STRU`, `MODE`, `REST`, `OPTS`.

use alloc::format;

use super::builtin_commands::trimmed;
use super::context::Context;
use super::replies;
use super::session::{Next, Session};
use crate::data::DataType;
use crate::listing::FactNames;
use crate::wire::{Code, CommandRef, Reply};

impl Session {
    /// `TYPE` (RFC 959 §4.1.2): `A`, `A N`, `I` and `L 8`.
    pub(super) fn data_type(&mut self, command: CommandRef<'_>, context: &mut Context) {
        let Some(argument) = trimmed(&command) else {
            return context.say_bad(&replies::ARGUMENT_NEEDED);
        };
        let mut words = argument
            .split(|byte| *byte == b' ')
            .filter(|word| !word.is_empty());
        let (name, format, more) = (words.next(), words.next(), words.next());
        let is = |word: Option<&[u8]>, wanted: &[u8]| {
            word.is_some_and(|word| word.eq_ignore_ascii_case(wanted))
        };
        let chosen = if is(name, b"A") && (format.is_none() || is(format, b"N")) {
            DataType::Ascii
        } else if (is(name, b"I") && format.is_none()) || (is(name, b"L") && is(format, b"8")) {
            DataType::Image
        } else {
            return context.say(&replies::UNKNOWN_PARAMETER);
        };
        if more.is_some() {
            return context.say(&replies::UNKNOWN_PARAMETER);
        }
        self.data_type = chosen;
        context.say(match chosen {
            DataType::Ascii => &replies::TYPE_ASCII,
            DataType::Image => &replies::TYPE_IMAGE,
        });
    }

    /// `STRU` (RFC 959 §4.1.2): files have no structure.
    pub(super) fn structure(&self, command: CommandRef<'_>, context: &mut Context) {
        self.only(b"F", command, context);
    }

    /// `MODE` (RFC 959 §4.1.2): a stream.
    pub(super) fn mode(&self, command: CommandRef<'_>, context: &mut Context) {
        self.only(b"S", command, context);
    }

    fn only(&self, known: &[u8], command: CommandRef<'_>, context: &mut Context) {
        match trimmed(&command) {
            None => context.say_bad(&replies::ARGUMENT_NEEDED),
            Some(given) if given.eq_ignore_ascii_case(known) => context.say(&replies::OKAY),
            Some(_) => context.say(&replies::UNKNOWN_PARAMETER),
        }
    }

    /// `REST` (RFC 3659 §5): serves the next transfer and no other.
    pub(super) fn restart(&mut self, command: CommandRef<'_>, context: &mut Context) {
        let offset = trimmed(&command)
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .and_then(|digits| core::str::from_utf8(digits).ok()?.parse().ok());
        match offset {
            None => context.say_bad(&replies::NOT_AN_OFFSET),
            Some(offset) => {
                self.restart = offset;
                context.say(&replies::RESTART);
            }
        }
    }

    /// `OPTS MLST` (RFC 3659 §7.9) and `OPTS HASH`.
    pub(super) fn options(&mut self, command: CommandRef<'_>, context: &mut Context) -> Next {
        let argument = command.argument().unwrap_or_default();
        let end = memchr::memchr(b' ', argument).unwrap_or(argument.len());
        let (name, list) = argument.split_at_checked(end).unwrap_or_default();
        let Some(files) = context.config.files.as_ref() else {
            return Next::NotOurs;
        };
        if name.eq_ignore_ascii_case(b"HASH") {
            return self.choose_hash(list.trim_ascii(), context);
        }
        if !name.eq_ignore_ascii_case(b"MLST") {
            return Next::NotOurs;
        }
        self.facts = FactNames::parse(list.trim_ascii()) & files.facts;
        let text = format!("MLST OPTS {}", self.facts);
        match Reply::new(Code::OKAY, text.trim_ascii_end()) {
            Ok(reply) => context.say(&reply),
            Err(_) => context.say(&replies::OKAY),
        }
        Next::Answered
    }
}
