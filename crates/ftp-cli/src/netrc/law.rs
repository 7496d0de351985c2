//! A law for every file, shared by the tests and the fuzz target `netrc`.

use super::format::find;

const HOST: &[u8] = b"the host";

/// The first two bytes choose how many of the following are a login and a password; the rest is a
/// file.
///
/// # Panics
/// If a fault is on a line that does not exist; or if an entry in quotes after any file, and before
/// that file again, is not read as it was written.
pub(crate) fn law(input: &[u8]) {
    let &[first, second, ref rest @ ..] = input else {
        return;
    };
    let (login, rest) = rest.split_at(rest.len().min(usize::from(first % 32)));
    let (password, file) = rest.split_at(rest.len().min(usize::from(second % 32)));
    for user in [None, Some(login)] {
        if let Err(fault) = find(file, b"h", user) {
            let lines = file.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&fault.line), "{fault:?}");
        }
    }
    let may_be_meant = |word: &[u8]| {
        let mut parts = file.windows(word.len());
        parts.any(|part| part.eq_ignore_ascii_case(word))
    };
    if !may_be_meant(HOST) {
        is_read_back(file, login, password, may_be_meant(b"default"));
    }
}

fn is_read_back(file: &[u8], login: &[u8], password: &[u8], has_default: bool) {
    // An empty line ends the last macro.
    let mut text = [file, b"\n\nmachine \"the host\" login "].concat();
    write(&mut text, login);
    text.extend(b" password ");
    write(&mut text, password);
    text.extend(b"\nmachine x ");
    text.extend(file);
    for user in [None, Some(login)] {
        match find(&text, HOST, user) {
            // An earlier entry is taken, or has a fault.
            Ok(Some(_)) | Err(_) if has_default => {}
            Ok(Some(entry)) => {
                assert_eq!(
                    entry.login.map(|value| value.bytes.to_vec()),
                    Some(login.to_vec())
                );
                let read = entry.password.map(|value| value.bytes.to_vec());
                assert_eq!(read, Some(password.to_vec()));
            }
            other => panic!("not found: {other:?}"),
        }
    }
}

/// Writes a value in quotes, as a user would.
fn write(text: &mut Vec<u8>, value: &[u8]) {
    text.push(b'"');
    for &byte in value {
        match byte {
            b'\n' => text.extend(b"\\n"),
            b'"' | b'\\' => text.extend([b'\\', byte]),
            _ => text.push(byte),
        }
    }
    text.push(b'"');
}
