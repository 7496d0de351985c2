//! Commands that do not change the login: `FEAT`, `STAT`, `PBSZ`, `PROT` and others.

use alloc::format;

use super::context::Context;
use super::{DataProtectionPolicy, replies};
use crate::wire::{Code, CommandRef, Reply};

/// The argument without spaces around it; `None` if that is empty.
pub(super) fn trimmed<'b>(command: &CommandRef<'b>) -> Option<&'b [u8]> {
    command
        .argument()
        .map(<[u8]>::trim_ascii)
        .filter(|argument| !argument.is_empty())
}

/// `STAT` without an argument (RFC 959 §4.1.3). It shows only what the client knows already.
pub(super) fn status(context: &Context, logged_in: bool) -> Reply {
    let control = match &context.tls {
        Some(tls) => format!("Control connection: {}, {}", tls.version, tls.cipher_suite),
        None => "Control connection: clear".into(),
    };
    let data = if context.data_protected {
        "private"
    } else {
        "clear"
    };
    let login = if logged_in {
        "Logged in"
    } else {
        "Not logged in"
    };
    let lines = [control, format!("Data connections: {data}"), login.into()];
    Reply::listing(Code::SYSTEM_STATUS, "Status:", lines, "End")
        .unwrap_or_else(|_| replies::STATUS_UNKNOWN.clone())
}

/// Whether `OPTS` asks for UTF-8, as `UTF8 ON` did before RFC 2640.
pub(super) fn is_utf8_option(argument: Option<&[u8]>) -> bool {
    let Some(argument) = argument else {
        return false;
    };
    let mut words = argument
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    let value = words.next().unwrap_or(b"ON");
    (name.eq_ignore_ascii_case(b"UTF8") || name.eq_ignore_ascii_case(b"UTF-8"))
        && value.eq_ignore_ascii_case(b"ON")
        && words.next().is_none()
}

/// `LANG` (RFC 2640 §4.1): English, or back to the default, which is English.
pub(super) fn language(argument: Option<&[u8]>) -> &'static Reply {
    let english = argument.is_none_or(|tag| {
        let primary = tag.split(|byte| *byte == b'-').next().unwrap_or_default();
        primary.eq_ignore_ascii_case(b"EN")
    });
    if english {
        &replies::LANGUAGE
    } else {
        &replies::UNKNOWN_LANGUAGE
    }
}

/// `PBSZ` (RFC 4217 §8): any buffer size is answered with 0, the only one TLS needs.
pub(super) fn buffer_size(command: &CommandRef<'_>, context: &mut Context) {
    if context.tls.is_none() {
        return context.say(&replies::TLS_FIRST);
    }
    let number = trimmed(command)
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| core::str::from_utf8(digits).ok()?.parse::<u32>().ok());
    if number.is_none() {
        return context.say_bad(&replies::NOT_A_NUMBER);
    }
    context.buffer_size_agreed = true;
    context.say(&replies::BUFFER_SIZE);
}

/// `PROT` (RFC 4217 §9).
pub(super) fn protection(command: &CommandRef<'_>, context: &mut Context) {
    if context.tls.is_none() {
        return context.say(&replies::TLS_FIRST);
    }
    let Some(level) = trimmed(command) else {
        return context.say_bad(&replies::ARGUMENT_NEEDED);
    };
    if !context.buffer_size_agreed {
        return context.say(&replies::BUFFER_SIZE_FIRST);
    }
    let required = context.config.data_protection == DataProtectionPolicy::Required;
    match level {
        b"P" | b"p" => {
            context.data_protected = true;
            context.say(&replies::PROTECTION_PRIVATE);
        }
        b"C" | b"c" if required => context.say(&replies::PROTECTION_REQUIRED),
        b"C" | b"c" => {
            context.data_protected = false;
            context.drop_early_data();
            context.say(&replies::PROTECTION_CLEAR);
        }
        b"S" | b"s" | b"E" | b"e" => context.say(&replies::PROTECTION_UNSUPPORTED),
        _ => context.say(&replies::UNKNOWN_PROTECTION),
    }
}
