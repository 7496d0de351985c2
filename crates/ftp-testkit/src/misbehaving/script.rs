//! What a scripted peer can do.

use std::time::Duration;

use crate::lines::Line;

/// One thing that a scripted peer does.
///
/// After the last step it stays, reads what comes, and says nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Sends these bytes in one write.
    Say(Vec<u8>),
    /// Sends these bytes one by one, this long apart.
    Drip(Vec<u8>, Duration),
    /// Sends these bytes over and over: that often, this long apart.
    Repeat(Vec<u8>, usize, Duration),
    /// Waits for a line that holds this. A line that does not is answered with
    /// [`OTHERWISE`](Self::OTHERWISE) by a server, and passed over by a client.
    Hear(String),
    /// Waits for any byte, and takes what came with it.
    HearAnything,
    /// Waits.
    Pause(Duration),
    /// Shakes hands for TLS; what follows goes through it.
    StartTls,
    /// Sends these bytes as they are, under TLS too.
    SayBeneathTls(Vec<u8>),
    /// Closes TLS with a `close_notify`; the socket stays open.
    CloseTls,
    /// Sends nothing more; reads until the other side ends, too.
    Close,
    /// Breaks the connection: what is under way is lost.
    Reset,
    /// Reads nothing more until the other side has ended.
    GoDeaf,
}

/// Which side of the dialogue the scripted peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It plays the server: our client meets it.
    Server,
    /// It plays the client: our server meets it.
    Client,
}

/// What `FLOOD` sends in all: more than anyone may keep or wait for.
const FLOOD: usize = 64 << 20;
/// How often `EVERY` sends.
const TIMES: usize = 400;
/// The time between the bytes of `DRIP`.
const DRIP: Duration = Duration::from_millis(2);
/// Least that a flood writes at a time.
const CHUNK: usize = 4096;

impl Step {
    /// What a scripted server answers to a line that it does not wait for.
    pub const OTHERWISE: &'static [u8] = b"502 Not here.\r\n";

    /// Reads a line of a script. `None` if it is none.
    pub(super) fn parse(line: Line<'_>, side: Side) -> Option<Self> {
        let word = match (line, side) {
            (Line::Server(said), Side::Server) | (Line::Client(said), Side::Client) => {
                return Some(Self::Say(format!("{said}\r\n").into_bytes()));
            }
            (Line::Server(heard) | Line::Client(heard), _) => {
                return Some(Self::Hear(heard.to_owned()));
            }
            (Line::Word(word), _) => word,
        };
        Some(match word {
            "AWAIT BYTES" => Self::HearAnything,
            "TLS" => Self::StartTls,
            "CLOSE TLS" => Self::CloseTls,
            "CLOSE" => Self::Close,
            "RESET" => Self::Reset,
            "READ NOTHING" => Self::GoDeaf,
            _ => return Self::with_bytes(word),
        })
    }

    fn with_bytes(word: &str) -> Option<Self> {
        let after = |name: &str| word.strip_prefix(name)?.strip_prefix(' ');
        if let Some(time) = after("PAUSE") {
            let (time, "") = milliseconds(time)? else {
                return None;
            };
            Some(Self::Pause(time))
        } else if let Some(rest) = after("EVERY") {
            let (time, rest) = milliseconds(rest)?;
            Some(Self::Repeat(bytes(rest.strip_prefix(' ')?)?, TIMES, time))
        } else if let Some(rest) = after("DRIP") {
            Some(Self::Drip(bytes(rest)?, DRIP))
        } else if let Some(rest) = after("SEND") {
            Some(Self::Say(bytes(rest)?))
        } else if let Some(rest) = after("BENEATH TLS") {
            Some(Self::SayBeneathTls(bytes(rest)?))
        } else if let Some(rest) = after("FLOOD FOREVER") {
            Some(Self::Repeat(chunk(rest)?, usize::MAX, Duration::ZERO))
        } else {
            let chunk = chunk(after("FLOOD")?)?;
            let times = FLOOD / chunk.len();
            Some(Self::Repeat(chunk, times, Duration::ZERO))
        }
    }
}

fn milliseconds(text: &str) -> Option<(Duration, &str)> {
    let (number, rest) = text.split_once(" ms")?;
    Some((Duration::from_millis(number.parse().ok()?), rest))
}

/// The bytes so often that a write of them is worth its system call.
fn chunk(text: &str) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    Some(bytes.repeat(CHUNK.div_ceil(bytes.len())))
}

/// Reads `"text"`, `3 TIMES "text"`, or several of them. There is always a byte.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let (before, quoted) = rest.split_once('"')?;
        let times: usize = match before {
            "" => 1,
            before => before.strip_suffix(" TIMES ")?.parse().ok()?,
        };
        let (piece, after) = unquoted(quoted)?;
        bytes.extend(piece.repeat(times));
        if after.is_empty() {
            return (!bytes.is_empty()).then_some(bytes);
        }
        rest = after.strip_prefix(' ')?;
    }
}

/// What stands before the closing quote, and what comes after it.
fn unquoted(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let sign = rest.chars().next()?;
        rest = &rest[sign.len_utf8()..];
        let escaped = match sign {
            '"' => return Some((bytes, rest)),
            '\\' => rest.chars().next()?,
            _ => {
                bytes.extend(sign.to_string().bytes());
                continue;
            }
        };
        rest = &rest[escaped.len_utf8()..];
        bytes.push(match escaped {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '\\' | '"' => u8::try_from(escaped).ok()?,
            'x' => {
                let digits = rest.get(..2)?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            _ => return None,
        });
    }
}
