//! A law for every users file, shared by the tests and the fuzz target `users`.

use std::collections::HashSet;

use super::format::{Entry, Fault, Form, read};

const SECRET: &str = "SENTINEL";

/// The first byte chooses the form, and where a file that is written here is cut. The next three
/// are the lengths of a name, a hash and an account; these follow. The rest is a file.
///
/// # Panics
/// If a fault is on a line that does not exist, if a name is there twice, if an entry is not read as
/// it was written, or if a fault shows a secret.
pub(crate) fn law(input: &[u8]) {
    let &[first, name, hash, account, ref rest @ ..] = input else {
        return;
    };
    let form = match first % 2 {
        0 => Form::Lines,
        _ => Form::Toml,
    };
    let mut rest = rest;
    let mut word = |length: u8| {
        let word;
        (word, rest) = rest.split_at(rest.len().min(usize::from(length % 32)));
        String::from_utf8_lossy(word).into_owned()
    };
    let (name, hash, account) = (word(name), word(hash), word(account));
    let file = String::from_utf8_lossy(rest);
    is_consistent(&file, form);

    let (hash, account) = (format!("{hash}{SECRET}"), format!("{SECRET}{account}"));
    let written = match form {
        Form::Lines => format!("{name}:{hash}:{account}\n"),
        Form::Toml => format!(
            "[users.{}]\nhash = {}\naccount = {}\n",
            quoted(&name),
            quoted(&hash),
            quoted(&account)
        ),
    };
    let mut cuts = (0..=written.len()).filter(|at| written.is_char_boundary(*at));
    let cut = cuts.nth(usize::from(first / 2)).unwrap_or_default();
    for text in [&written, &written[..cut]] {
        if let Some(fault) = is_consistent(text, form) {
            let shown = fault.to_string();
            assert!(!shown.contains(SECRET) || name.contains(SECRET), "{shown}");
        }
    }
    // Text without a colon and an end of a line in it means itself.
    let is_plain = |text: &str| !text.contains([':', '\n', '\r', '\0', '#']) && !text.is_empty();
    let is_last_plain = |text: &str| !text.contains(['\n', '\r', '\0']);
    if is_plain(&name) && is_plain(&hash) && is_last_plain(&account) {
        let entries = read(&written, form).unwrap_or_else(|fault| panic!("{fault}: {written:?}"));
        let [entry] = &entries[..] else {
            panic!("{} entries in {written:?}", entries.len());
        };
        assert_eq!(entry.name.as_bytes(), name.as_bytes());
        assert_eq!(entry.hash, hash);
        let read = entry.account.as_ref().map(|account| account.expose());
        assert_eq!(read, Some(account.as_bytes()));
        assert_eq!(entry.line, 1);
    }
}

/// Returns the fault, if there is one.
fn is_consistent(text: &str, form: Form) -> Option<Fault> {
    let lines = 1..=text.split('\n').count();
    match read(text, form) {
        Ok(entries) => {
            let name = |entry: &Entry| entry.name.as_bytes().to_vec();
            let names: HashSet<_> = entries.iter().map(name).collect();
            assert_eq!(names.len(), entries.len());
            for entry in &entries {
                assert!(lines.contains(&entry.line) && lines.contains(&entry.hash_line));
            }
            let mut last = 0;
            for entry in &entries {
                assert!(entry.line >= last, "not in order");
                last = entry.line;
            }
            None
        }
        Err(fault) => {
            assert!(lines.contains(&fault.line), "{fault:?}");
            Some(fault)
        }
    }
}

/// As TOML has a text.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
