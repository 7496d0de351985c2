//! Which part of a command is a secret. `Debug`, `Display`, logs and transcripts all use it.

use super::Verb;

/// Shown in place of a secret.
pub(crate) const MASK: &str = "****";

/// Parts of words, in any letter case, that announce a password: `SITE PSWD old new`, `SITE
/// CHPASS`, `SITE GPASS`, `SITE CPWD`, `SITE ADDUSER name password`, `CHPWD`, `PASSWD`, `LOGIN`.
const MARKS: [&[u8]; 9] = [
    b"PASS", b"PSW", b"PWD", b"CHPW", b"SETPW", b"SECRET", b"LOGIN", b"LOGON", b"USER",
];

/// The ends of unknown verbs that begin with `PASS` and are commands, not `PASS` and an argument
/// without a space.
const ENDINGS_OF_PASS: [&[u8]; 5] = [b"WD", b"WORD", b"PHRASE", b"CODE", b"IVE"];

/// Where in the argument the secret begins; `None` if there is none.
///
/// Known verbs decide it by themselves. `SITE` and unknown verbs mean what the server likes. There
/// everything after the first word that may announce a password is treated as one.
pub(super) fn secret_begins(verb: Verb, name: &[u8], argument: &[u8]) -> Option<usize> {
    if verb.carries_secret() {
        return Some(0);
    }
    if !matches!(verb, Verb::Site | Verb::Unknown) {
        return None;
    }
    if verb == Verb::Unknown && announces_secret(name) {
        return Some(0);
    }
    let mut start = 0_usize;
    for word in argument.split(|byte| !byte.is_ascii_alphanumeric()) {
        let end = start.saturating_add(word.len());
        let behind = argument.get(end..).unwrap_or_default();
        if announces_secret(word) && !behind.trim_ascii().is_empty() {
            let separated = matches!(behind, [b' ' | b'\t' | b'=' | b':' | b',', ..]);
            return Some(end.saturating_add(usize::from(separated)));
        }
        start = end.saturating_add(1);
    }
    None
}

/// How many letters of an unknown verb may be shown: `PASSsecret` is a `PASS` whose space was
/// forgotten.
pub(super) fn shown_letters(name: &[u8]) -> usize {
    let glued = name.split_at_checked(4).is_some_and(|(verb, rest)| {
        [b"PASS", b"ACCT"]
            .iter()
            .any(|known| verb.eq_ignore_ascii_case(*known))
            && !rest.is_empty()
            && !ENDINGS_OF_PASS
                .iter()
                .any(|ending| rest.eq_ignore_ascii_case(ending))
    });
    if glued { 4 } else { name.len() }
}

fn announces_secret(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"PW")
        || MARKS.iter().any(|mark| {
            word.windows(mark.len())
                .any(|part| part.eq_ignore_ascii_case(mark))
        })
}
