//! What a server can do: the reply to `FEAT` (RFC 2389 §3.2).

use alloc::vec::Vec;

use super::{Class, ReplyRef};

/// The features that a server lists in its reply to `FEAT`.
///
/// Names are compared without regard to case. A feature that is not listed may be there all the same: many
/// servers understand `SIZE` or `PASV` and do not say so.
///
/// ```
/// use ftp_proto::wire::{Code, Features, Reply};
///
/// let lines = ["MLST Type*;Size*;Perm;", "REST STREAM", "AUTH TLS", "UTF8"];
/// let reply = Reply::listing(Code::SYSTEM_STATUS, "Features:", lines, "End")?;
/// let features = Features::parse(reply.borrow());
/// assert!(features.contains("utf8") && features.rest_stream() && !features.tvfs());
/// assert_eq!(features.get("AUTH"), Some(b"TLS".as_slice()));
/// let facts: Vec<_> = features.mlst_facts().collect();
/// assert_eq!(facts, [(b"Type".as_slice(), true), (b"Size", true), (b"Perm", false)]);
/// # Ok::<(), ftp_proto::wire::InvalidText>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// Each feature with its parameters, and LF after it.
    lines: Vec<u8>,
}

/// Names that show that a line is a feature, where greeting and farewell of the list should be.
const WELL_KNOWN: [&[u8]; 20] = [
    b"AUTH", b"CLNT", b"EPRT", b"EPSV", b"HASH", b"HOST", b"LANG", b"MDTM", b"MFF", b"MFMT",
    b"MLSD", b"MLST", b"PBSZ", b"PRET", b"PROT", b"REST", b"SIZE", b"TVFS", b"UTF8", b"XCRC",
];

impl Features {
    /// No features, as of a server that does not know `FEAT`.
    pub const NONE: Self = Self { lines: Vec::new() };

    /// Reads the reply to `FEAT`. One that says no lists none.
    ///
    /// Every line between the first and the last is a feature, indented as RFC 2389 wants it or with the
    /// code in front. The first and the last are, too, if they begin with a well-known name in capitals.
    /// It takes no more memory than the reply.
    pub fn parse(reply: ReplyRef<'_>) -> Self {
        let mut features = Self::NONE;
        if reply.code().class() != Class::Completion {
            return features;
        }
        let mut lines = reply.lines().peekable();
        let mut is_first = true;
        while let Some(line) = lines.next() {
            let is_inner = !is_first && lines.peek().is_some();
            is_first = false;
            let line = line.trim_ascii();
            let (name, _) = split(line);
            if (is_inner && !name.is_empty()) || WELL_KNOWN.contains(&name) {
                features.lines.extend_from_slice(line);
                features.lines.push(b'\n');
            }
        }
        features
    }

    /// All features in the order of the reply: the names as the server wrote them, and the parameters,
    /// which are empty if there are none. A name may be there more than once.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines
            .split(|byte| *byte == b'\n')
            .map(split)
            .filter(|(name, _)| !name.is_empty())
    }

    /// The parameters of each line with this name.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, parameters)| parameters)
    }

    /// The parameters of a feature; empty if it has none, `None` if it is not listed. If it is listed
    /// more than once, the first counts.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let (_, parameters) = self
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(parameters)
    }

    /// Whether a feature is listed.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// `MLST` and `MLSD` (RFC 3659 §7.8). A server that lists one of them has both.
    pub fn has_mlst(&self) -> bool {
        self.contains("MLST") || self.contains("MLSD")
    }

    /// The facts that `MLST` and `MLSD` can send, and whether each is sent without being asked for with
    /// `OPTS MLST` (RFC 3659 §7.8).
    pub fn mlst_facts(&self) -> impl Iterator<Item = (&[u8], bool)> {
        choices(self.get("MLST").unwrap_or_default())
    }

    /// `SIZE` (RFC 3659 §4).
    pub fn size(&self) -> bool {
        self.contains("SIZE")
    }

    /// `MDTM`: the time of the last change can be asked for (RFC 3659 §3).
    pub fn modified(&self) -> bool {
        self.contains("MDTM")
    }

    /// `MFMT`: the time of the last change can be set (draft-somers-ftp-mfxx).
    pub fn set_modified(&self) -> bool {
        self.contains("MFMT")
    }

    /// `REST STREAM`: a transfer can begin at an offset (RFC 3659 §5.3). `REST` alone counts.
    pub fn rest_stream(&self) -> bool {
        self.all("REST")
            .any(|parameters| parameters.is_empty() || has_word(parameters, b"STREAM"))
    }

    /// `UTF8`: names are UTF-8 (RFC 2640 §3.2).
    pub fn utf8(&self) -> bool {
        self.contains("UTF8") || self.contains("UTF-8")
    }

    /// The algorithms of `HASH`, and whether each is the one that is used unless another is chosen with
    /// `OPTS HASH` (draft-bryan-ftpext-hash).
    pub fn hash_algorithms(&self) -> impl Iterator<Item = (&[u8], bool)> {
        choices(self.get("HASH").unwrap_or_default())
    }

    /// `EPSV` (RFC 2428).
    pub fn epsv(&self) -> bool {
        self.contains("EPSV")
    }

    /// `TVFS`: paths are components with `/` between them (RFC 3659 §6).
    pub fn tvfs(&self) -> bool {
        self.contains("TVFS")
    }

    /// `AUTH TLS` (RFC 4217 §6), alone or in a list such as `AUTH SSL;TLS;`.
    pub fn auth_tls(&self) -> bool {
        self.all("AUTH")
            .any(|parameters| has_word(parameters, b"TLS") || has_word(parameters, b"TLS-C"))
    }

    /// `PRET`: `PASV` wants to be told first what will be transferred (distributed servers such as DrFTPD).
    pub fn pret(&self) -> bool {
        self.contains("PRET")
    }
}

/// Name and parameters.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(u8::is_ascii_whitespace);
    let (name, parameters) = line.split_at(end.unwrap_or(line.len()));
    (name, parameters.trim_ascii())
}

/// Whether a word is in a list.
fn has_word(list: &[u8], wanted: &[u8]) -> bool {
    list.split(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'))
        .any(|word| word.eq_ignore_ascii_case(wanted))
}

/// The values of a list such as `type*;size;`, and whether each has the star.
fn choices(list: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    list.split(|byte| matches!(byte, b';' | b','))
        .map(|choice| {
            let choice = choice.trim_ascii();
            match choice.strip_suffix(b"*") {
                Some(name) => (name.trim_ascii_end(), true),
                None => (choice, false),
            }
        })
        .filter(|(name, _)| !name.is_empty())
}
