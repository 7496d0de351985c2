//! The words of a netrc file: what separates them, quotes, comments, the end of a macro.
//!
//! Words are bytes, in any encoding. Each byte is read a bounded number of times.

use zeroize::Zeroizing;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The meaning of a word where no value is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Machine,
    Default,
    Login,
    Password,
    Account,
    Macdef,
}

impl Keyword {
    /// In any letter case, as in curl.
    fn of(word: &[u8]) -> Option<Self> {
        [
            (&b"machine"[..], Self::Machine),
            (b"default", Self::Default),
            (b"login", Self::Login),
            (b"password", Self::Password),
            (b"account", Self::Account),
            (b"macdef", Self::Macdef),
        ]
        .into_iter()
        .find_map(|(name, keyword)| word.eq_ignore_ascii_case(name).then_some(keyword))
    }

    fn begins_entry(self) -> bool {
        matches!(self, Self::Machine | Self::Default)
    }
}

/// A fault at one place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A quote has no end on its line.
    UnclosedQuote,
    /// A keyword is the last word of the file, or the next line begins with another keyword.
    MissingValue,
    /// A value begins with `#` and more words follow: for some versions of curl it is a comment.
    ValueOrComment,
    /// A comment continues after a carriage return without a line feed.
    LoneCarriageReturn,
}

/// A fault, and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The first line is 1.
    pub(crate) line: usize,
    pub(crate) problem: Problem,
    /// The skipped part of the file may hold the beginning of an entry.
    pub(super) hides_entry: bool,
}

/// A value as it is sent, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) line: usize,
}

/// What to do with a value.
pub(super) enum Wanted {
    Keep,
    /// Skip it, so that no copy of it is made.
    Skip,
}

/// The words from the beginning of a file to its end.
pub(super) struct Words<'a> {
    rest: &'a [u8],
    line: usize,
    /// There were only blanks since the last line feed.
    at_line_start: bool,
    /// The first comment that may be a value.
    pub(super) doubtful_comment: Option<Fault>,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            line: 1,
            at_line_start: true,
            doubtful_comment: None,
        }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The next keyword. Other words, and quoted ones, are skipped.
    pub(super) fn keyword(&mut self) -> Option<Result<Keyword, Fault>> {
        loop {
            self.skip_blanks(true);
            if self.rest.is_empty() {
                return None;
            }
            if self.rest.starts_with(b"\"") {
                if let Err(fault) = self.quoted() {
                    return Some(Err(fault));
                }
            } else if let Some(keyword) = Keyword::of(self.bare()) {
                return Some(Ok(keyword));
            }
        }
    }

    /// The value of the keyword that was read last.
    pub(super) fn value(&mut self, wanted: Wanted) -> Result<Value, Fault> {
        let keyword_line = self.line;
        self.skip_blanks(false);
        let on_another_line = self.line != keyword_line;
        if self.rest.is_empty() || (on_another_line && self.next_is_keyword()) {
            return Err(Fault {
                line: keyword_line,
                problem: Problem::MissingValue,
                hides_entry: false,
            });
        }
        let line = self.line;
        if self.rest.starts_with(b"\"") {
            let inside = self.quoted()?;
            let bytes = match wanted {
                Wanted::Keep => unescaped(inside),
                Wanted::Skip => Zeroizing::default(),
            };
            return Ok(Value { bytes, line });
        }
        let word = self.bare();
        if word.starts_with(b"#") && (word.len() == 1 || !self.line_ends_or_goes_on()) {
            return Err(self.skipped_line(Problem::ValueOrComment));
        }
        let bytes = match wanted {
            Wanted::Keep => Zeroizing::new(word.to_vec()),
            Wanted::Skip => Zeroizing::default(),
        };
        Ok(Value { bytes, line })
    }

    /// Skips to the first empty or blank line after this one, or to the end.
    pub(super) fn skip_macro(&mut self) {
        self.take_line();
        while !self.rest.is_empty() {
            let line = trimmed(self.take_line());
            if line.iter().all(|byte| *byte == b'\r') {
                return;
            }
        }
    }

    /// Skips to the next word. A `#` begins a comment where a keyword may be; where a value is
    /// expected, only at the beginning of a line.
    fn skip_blanks(&mut self, may_be_left_out: bool) {
        while let Some((&byte, behind)) = self.rest.split_first() {
            match byte {
                b' ' | b'\t' | b'\r' => self.rest = behind,
                b'\n' => {
                    self.take_line();
                }
                b'#' if may_be_left_out || self.at_line_start => self.skip_comment(),
                // Editors on Windows write it at the beginning; `copy a+b` leaves it inside the
                // file.
                _ if self.at_line_start && self.rest.starts_with(BYTE_ORDER_MARK) => {
                    self.rest = self.rest.get(BYTE_ORDER_MARK.len()..).unwrap_or_default();
                }
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        let line = self.line;
        let comment = self.take_line();
        let mut parts = comment.splitn(2, |byte| *byte == b'\r');
        let behind = parts.nth(1).unwrap_or_default();
        if self.doubtful_comment.is_none() && blank_separated(behind).any(is_keyword) {
            self.doubtful_comment = Some(Fault {
                line,
                problem: Problem::LoneCarriageReturn,
                hides_entry: true,
            });
        }
    }

    /// A word that is not quoted.
    fn bare(&mut self) -> &'a [u8] {
        let length = self.rest.iter().position(|byte| is_blank(*byte));
        let (word, behind) = self.rest.split_at(length.unwrap_or(self.rest.len()));
        self.rest = behind;
        self.at_line_start = false;
        word
    }

    /// The text between the quotes, with escapes as written.
    fn quoted(&mut self) -> Result<&'a [u8], Fault> {
        let (_, inside) = self.rest.split_at(1);
        let mut is_escaped = false;
        for (index, &byte) in inside.iter().enumerate() {
            match byte {
                b'\n' => break,
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    let (inside, behind) = inside.split_at(index);
                    self.rest = behind.get(1..).unwrap_or_default();
                    self.at_line_start = false;
                    return Ok(inside);
                }
                _ => {}
            }
        }
        Err(self.skipped_line(Problem::UnclosedQuote))
    }

    fn skipped_line(&mut self, problem: Problem) -> Fault {
        let line = self.line;
        let skipped = self.take_line();
        let hides_entry = blank_separated(skipped)
            .filter_map(Keyword::of)
            .any(Keyword::begins_entry);
        Fault {
            line,
            problem,
            hides_entry,
        }
    }

    /// The rest of the line without its line feed, which is skipped.
    fn take_line(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, behind) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if let Some(behind) = behind.get(1..) {
            self.rest = behind;
            self.line = self.line.saturating_add(1);
            self.at_line_start = true;
        } else {
            self.rest = behind;
        }
        line
    }

    fn next_is_keyword(&self) -> bool {
        blank_separated(self.rest).next().is_some_and(is_keyword)
    }

    /// Whether after a word the line ends, has a comment, or continues with a keyword.
    fn line_ends_or_goes_on(&self) -> bool {
        let blanks = self
            .rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        match self.rest.get(blanks.unwrap_or(self.rest.len())..) {
            None | Some([] | [b'\n' | b'#', ..]) => true,
            Some(next) => blank_separated(next).next().is_some_and(is_keyword),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_keyword(word: &[u8]) -> bool {
    Keyword::of(word).is_some()
}

fn blank_separated(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| is_blank(*byte))
        .filter(|word| !word.is_empty())
}

fn trimmed(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    line.get(blanks.count()..).unwrap_or_default()
}

/// `\n`, `\r` and `\t` are control characters; a backslash before any other byte is that byte.
fn unescaped(text: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for all of it: a vector that grows leaves copies of the secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut is_escaped = false;
    for &byte in text {
        match byte {
            b'\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            b'n' if is_escaped => bytes.push(b'\n'),
            b'r' if is_escaped => bytes.push(b'\r'),
            b't' if is_escaped => bytes.push(b'\t'),
            _ => bytes.push(byte),
        }
        is_escaped = false;
    }
    bytes
}
