//! Whether a name from a server may become the name of a local file.

/// Whether it is one component of a path on a Unix system.
pub(super) fn is_plain_on_unix(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// The same on any system: on Windows, too, it stays in the directory and is not a device.
pub(super) fn is_plain_everywhere(name: &[u8]) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'\\' | b':');
    // Windows drops dots and blanks at the end.
    let kept = name.iter().rposition(|byte| !matches!(byte, b'.' | b' '));
    is_plain_on_unix(name)
        && kept.is_some()
        && !name.iter().any(is_separator)
        && !is_windows_device(name)
}

/// Whether Windows accepts the name unchanged.
pub(super) fn is_kept_by_windows(name: &str) -> bool {
    const REFUSED: [char; 6] = ['<', '>', '"', '|', '?', '*'];
    !name.contains(|character: char| character.is_control() || REFUSED.contains(&character))
        && !name.ends_with(['.', ' '])
}

/// `CON`, `nul.txt`, `Com1 .x`: Windows compares only the part before the first dot, without blanks
/// at its end.
fn is_windows_device(name: &[u8]) -> bool {
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name);
    let stem = stem.trim_ascii_end();
    const WORDS: [&[u8]; 7] = [
        b"CON", b"PRN", b"AUX", b"NUL", b"CLOCK$", b"CONIN$", b"CONOUT$",
    ];
    if WORDS.iter().any(|word| stem.eq_ignore_ascii_case(word)) {
        return true;
    }
    let Some((port, number)) = stem.split_at_checked(3) else {
        return false;
    };
    // Superscript digits count as digits, in UTF-8 and in Latin-1.
    let is_digit = matches!(
        number,
        [b'0'..=b'9' | 0xb9 | 0xb2 | 0xb3] | [0xc2, 0xb9 | 0xb2 | 0xb3]
    );
    (port.eq_ignore_ascii_case(b"COM") || port.eq_ignore_ascii_case(b"LPT")) && is_digit
}

#[cfg(test)]
mod tests {
    use crate::listing::{Entry, Kind};

    fn entry(name: &[u8]) -> Entry<'_> {
        Entry::new(name, Kind::File)
    }

    #[test]
    fn plain_names_are_taken_as_they_are() {
        for name in [
            "a",
            "a b",
            " a",
            ".profile",
            "...x",
            "Übung.txt",
            "COMMON",
            "com10",
            "lpt",
            "nullable",
            "aux1",
            "LOGIN.COM;2",
            "it's",
        ] {
            assert!(entry(name.as_bytes()).is_safe_name(), "{name}");
            assert_eq!(entry(name.as_bytes()).local_name(), Some(name));
        }
    }

    #[test]
    fn ways_out_of_the_directory_and_devices_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "/",
            "/etc/passwd",
            "../x",
            "a/b",
            "a/",
            "..\\x",
            "\\\\host\\share",
            "C:",
            "C:x",
            "a\0b",
            "file:stream",
            "...",
            ".. ",
            ". .",
            " ",
            "con",
            "CON",
            "nul.txt",
            "NUL.tar.gz",
            "AUX ",
            "aux .c",
            "prn",
            "com1",
            "COM9.log",
            "lpt0",
            "COM¹",
            "CONOUT$",
            "clock$",
        ] {
            assert!(!entry(name.as_bytes()).is_safe_name(), "{name:?}");
            assert_eq!(entry(name.as_bytes()).local_name(), None, "{name:?}");
        }
    }

    #[test]
    fn what_windows_would_change_or_refuse_is_no_local_name() {
        for name in [
            "a.", "a ", "a\tb", "a\nb", "a\u{7f}", "a\u{85}b", "what?", "*", "<", "a|b", "\"",
        ] {
            assert!(entry(name.as_bytes()).is_safe_name(), "{name:?}");
            assert_eq!(entry(name.as_bytes()).local_name(), None, "{name:?}");
        }
        assert_eq!(entry(b"caf\xe9").local_name(), None);
    }

    #[test]
    fn unix_takes_more_but_no_path() {
        for name in [&b"con"[..], b"a:b", b"a\\b", b"caf\xe9", b"a\nb"] {
            assert_eq!(entry(name).local_name_on_unix(), Some(name));
        }
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0b"] {
            assert_eq!(entry(name).local_name_on_unix(), None);
        }
    }
}
