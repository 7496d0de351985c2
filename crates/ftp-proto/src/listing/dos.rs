//! Listings of Windows and DOS: date, time, size or `<DIR>`, name.

use super::clock::{clock_in_words, numeric_date, separated_date};
use super::entry::{Entry, Kind};
use super::text::{self, Columns, Words, skip_blanks};
use super::{Context, Reading};

/// `04-27-00  12:09PM       <DIR>          name` of IIS, and similar formats: years of two, three
/// or four digits, first or last, with `-`, `/`, `.` or `:`; 12 or 24 hours; junctions and links.
pub(super) fn parse<'a>(columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
    let date = columns.get(0);
    let found =
        numeric_date(date, context.order).or_else(|| separated_date(date, b':', context.order))?;
    let mut words = Words::new(columns.after_exactly(0));
    let modified = clock_in_words(&mut words)?.on(found.date);
    let word = words.next();
    let mut entry = match Tag::of(word) {
        Some(tag) => tagged(tag, columns.line(), words)?,
        None => {
            let text::Size(size) = text::size(word)?;
            // IIS writes sizes in a column. Then the name begins one blank after it.
            const IIS_SIZE_END: [usize; 2] = [38, 40];
            let end = columns.line().len().saturating_sub(words.rest.len());
            let name = if IIS_SIZE_END.contains(&end) {
                words.name()
            } else {
                skip_blanks(words.rest)
            };
            Entry {
                size,
                ..Entry::new(name, Kind::File)
            }
        }
    };
    if entry.name.is_empty() {
        return None;
    }
    entry.modified = modified;
    context.learn(found);
    Some(Reading::from(entry))
}

/// The text in the place of a file's size.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Directory,
    Link,
}

impl Tag {
    fn of(word: &[u8]) -> Option<Self> {
        let tag = word.strip_prefix(b"<")?;
        let tag = tag.strip_suffix(b">").unwrap_or(tag);
        let is = |known: &[u8]| tag.eq_ignore_ascii_case(known);
        if is(b"DIR") || is(b"REP") || is(b"VERZ") || is(b"KATALOG") {
            Some(Self::Directory)
        } else if is(b"JUNCTION")
            || is(b"SYMLINK")
            || is(b"SYMLINKD")
            || is(b"LINK")
            || is(b"REPARSE")
        {
            Some(Self::Link)
        } else {
            None
        }
    }
}

/// IIS writes ten blanks between `<DIR>` and a name, so an eleventh is part of the name. Other
/// servers write any number.
fn tagged<'a>(tag: Tag, line: &[u8], words: Words<'a>) -> Option<Entry<'a>> {
    const IIS_TAG_END: [usize; 2] = [29, 31];
    let at = line.len().checked_sub(words.rest.len())?;
    let name = match words.rest.strip_prefix(b"          ") {
        Some(name) if IIS_TAG_END.contains(&at) && tag == Tag::Directory => name,
        _ => skip_blanks(words.rest),
    };
    if tag == Tag::Directory {
        return Some(Entry::new(name, Kind::Directory.named(name)));
    }
    let (name, target) = link_target(name);
    Some(Entry {
        target,
        ..Entry::new(name, Kind::Link)
    })
}

/// `name [target]` as `DIR` prints it, `name -> target`, `name => target`.
fn link_target(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    if let Some(inside) = text.strip_suffix(b"]")
        && let Some(at) = inside.windows(2).position(|pair| pair == b" [")
        && let Some((name, target)) = inside.split_at_checked(at)
    {
        return (name, target.get(2..));
    }
    let arrow = |window: &&[u8]| matches!(**window, [b' ', b'-' | b'=', b'>', b' ']);
    match text.windows(4).position(|window| arrow(&window)) {
        Some(at) => {
            let (name, target) = text.split_at_checked(at).unwrap_or((text, b""));
            (name, target.get(4..))
        }
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split_off() {
        for (text, name, target) in [
            ("a [C:\\b c]", "a", Some("C:\\b c")),
            ("a -> b", "a", Some("b")),
            ("a => b", "a", Some("b")),
            ("a b", "a b", None),
        ] {
            let expected = (name.as_bytes(), target.map(str::as_bytes));
            assert_eq!(link_target(text.as_bytes()), expected, "{text}");
        }
    }
}
