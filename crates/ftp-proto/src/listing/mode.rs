//! The first column of `ls -l` and similar formats: type and permissions.

use super::entry::Kind;
use super::text::{is_blank, leading_digits};

/// The contents of the first column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode<'a> {
    pub(super) kind: ModeKind,
    letter: u8,
    pub(super) permissions: Option<u16>,
    letters: &'a [u8],
}

/// The system of a first column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModeKind {
    Unix,
    /// `d [RWCEAFMS]`.
    NetWare,
    /// `-CRT------TCP`: the flags of a batch in Sterling Connect:Enterprise.
    ConnectEnterprise,
}

impl<'a> Mode<'a> {
    /// Also returns the text after it.
    pub(super) fn parse(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (letter, rest) = text.split_first()?;
        if *letter == b'[' {
            return netware(b'-', text);
        }
        if !is_type(*letter) {
            return None;
        }
        match rest {
            [b'[', ..] => netware(*letter, rest),
            [b' ' | b'\t', ..] => {
                let rest = super::text::skip_blanks(rest);
                rest.starts_with(b"[")
                    .then(|| netware(*letter, rest))
                    .flatten()
            }
            _ => unix(*letter, rest),
        }
    }

    pub(super) const fn is_device(&self) -> bool {
        matches!(self.letter, b'b' | b'c')
    }

    pub(super) fn entry_kind(&self) -> Kind {
        match self.letter {
            b'd' => Kind::Directory,
            // A directory on some Windows servers; with permissions it is a door of Solaris.
            b'D' if self.letters.iter().all(|byte| *byte == b'-') => Kind::Directory,
            b'l' => Kind::Link,
            b'-' | b'f' | b'F' | b'C' | b'M' | b'm' => Kind::File,
            _ => Kind::Other,
        }
    }
}

fn is_type(letter: u8) -> bool {
    matches!(
        letter,
        b'-' | b'd'
            | b'l'
            | b'b'
            | b'c'
            | b'p'
            | b's'
            | b'D'
            | b'n'
            | b'w'
            | b'f'
            | b'F'
            | b'C'
            | b'M'
            | b'm'
            | b'P'
            | b'?'
    )
}

fn netware(letter: u8, rest: &[u8]) -> Option<(Mode<'_>, &[u8])> {
    let end = rest.iter().position(|byte| *byte == b']')?;
    let (letters, after) = rest.split_at_checked(end)?;
    let are_rights = letters
        .iter()
        .skip(1)
        .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b' '));
    let mode = Mode {
        kind: ModeKind::NetWare,
        letter,
        permissions: None,
        letters,
    };
    (matches!(letter, b'd' | b'-') && are_rights).then_some((mode, after.strip_prefix(b"]")?))
}

fn unix(letter: u8, rest: &[u8]) -> Option<(Mode<'_>, &[u8])> {
    // One server has no permissions for others: `drwxr-x   2`.
    if let Some((letters, after)) = rest.split_at_checked(6)
        && starts_a_column(after)
        && letters.iter().all(|letter| is_permission(*letter))
    {
        let mode = Mode {
            kind: ModeKind::Unix,
            letter,
            permissions: None,
            letters,
        };
        return Some((mode, after));
    }
    let (letters, after) = match rest.split_first_chunk::<9>()? {
        // One server has a blank before the last letter.
        ([head @ .., b' '], [last, after @ ..])
            if is_permission(*last) && starts_a_column(after) =>
        {
            (&head[..], after)
        }
        (letters, after) => (&letters[..], after),
    };
    let permissions = permissions(letters);
    let is_flag = |letter: &u8| letter.is_ascii_alphabetic() || *letter == b'-';
    if permissions.is_none() && !letters.iter().all(is_flag) {
        return None;
    }
    let mut mode = Mode {
        kind: ModeKind::Unix,
        letter,
        permissions,
        letters,
    };
    let after = match after {
        // A mark for more rights or attributes.
        [b'+' | b'.' | b'@' | b'*' | b'?', after @ ..] => after,
        after => after,
    };
    if starts_a_column(after) || (starts_with_links(after) && mode.permissions.is_some()) {
        return Some((mode, after));
    }
    let (protocol, after) = after.split_first_chunk::<3>()?;
    let is_protocol = protocol
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || *byte == b'-');
    mode.kind = ModeKind::ConnectEnterprise;
    mode.permissions = None;
    (letter == b'-' && is_protocol && starts_a_column(after)).then_some((mode, after))
}

fn starts_a_column(text: &[u8]) -> bool {
    text.first().is_some_and(|byte| is_blank(*byte))
}

/// The count of links may follow the permissions directly.
fn starts_with_links(text: &[u8]) -> bool {
    let (links, rest) = leading_digits(text);
    !links.is_empty() && starts_a_column(rest)
}

fn is_permission(letter: u8) -> bool {
    matches!(
        letter,
        b'r' | b'w' | b'x' | b's' | b'S' | b't' | b'T' | b'-'
    )
}

/// `rwxr-xr-x` as a number; `None` if a letter is in a wrong place.
fn permissions(letters: &[u8]) -> Option<u16> {
    let &[ur, uw, ux, gr, gw, gx, or, ow, ox] = letters.first_chunk::<9>()?;
    let user = triple(ur, uw)? | execute(ux, b's', 0o4000)?;
    let group = triple(gr, gw)? | execute(gx, b's', 0o2000).or_else(|| mandatory_lock(gx))?;
    let other = triple(or, ow)? | execute(ox, b't', 0o1000)?;
    let special = (user | group | other) & 0o7000;
    Some(special | (user & 7).wrapping_shl(6) | (group & 7).wrapping_shl(3) | (other & 7))
}

fn triple(read: u8, write: u8) -> Option<u16> {
    let read = match read {
        b'r' => 4,
        b'-' => 0,
        _ => return None,
    };
    match write {
        b'w' => Some(read | 2),
        b'-' => Some(read),
        _ => None,
    }
}

/// `x`, `s` and `S`, or `t` and `T`.
fn execute(letter: u8, special: u8, bit: u16) -> Option<u16> {
    match letter {
        b'x' => Some(1),
        b'-' => Some(0),
        _ if letter == special => Some(bit | 1),
        _ if letter == special.to_ascii_uppercase() => Some(bit),
        _ => None,
    }
}

/// `l` on Solaris: the set-group-ID bit without execute permission for the group.
fn mandatory_lock(letter: u8) -> Option<u16> {
    matches!(letter, b'l' | b'L').then_some(0o2000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_numbers() {
        for (letters, number) in [
            ("rwxr-xr-x", Some(0o755)),
            ("---------", Some(0)),
            ("rwsr-sr-t", Some(0o7755)),
            ("rwSr-Sr-T", Some(0o7644)),
            ("rw-r-lr--", Some(0o2644)),
            ("wrxr-xr-x", None),
            ("rwxrwxrw", None),
            ("wa-------", None),
        ] {
            assert_eq!(permissions(letters.as_bytes()), number, "{letters}");
        }
    }

    #[test]
    fn signs_and_glued_counts_are_taken_off() {
        for (text, rest) in [
            ("-rw-r--r-- 1", " 1"),
            ("drwxr-x---+ 2", " 2"),
            ("drwxr-x---+1464 x", "1464 x"),
            ("drwxr-xr-x123 x", "123 x"),
            ("d [R----F--] x", " x"),
            ("-[RWCEMFA]  1", "  1"),
            ("-C--E-----FTP B", " B"),
        ] {
            let (_, after) = Mode::parse(text.as_bytes()).unwrap();
            assert_eq!(after, rest.as_bytes(), "{text}");
        }
        for text in [
            "",
            "-",
            "description of",
            "drwxr-xr-x",
            "drwxr-xr-xab",
            "-[rw]",
            "d x",
        ] {
            assert!(Mode::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
