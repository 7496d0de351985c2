//! What a scripted peer can do.

use std::borrow::Cow;
use std::time::Duration;

/// One thing that a scripted peer does.
///
/// When the steps are over it stays, takes what comes, and says nothing more.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Sends these bytes in one write.
    Say(Cow<'static, [u8]>),
    /// Sends these bytes one by one, this long apart.
    Drip(Cow<'static, [u8]>, Duration),
    /// Sends these bytes over and over: that often, this long apart.
    Repeat(Cow<'static, [u8]>, usize, Duration),
    /// Waits for a line that holds this. A line that does not is answered with
    /// [`OTHERWISE`](Self::OTHERWISE) by a server, and passed over by a client.
    Hear(&'static str),
    /// Waits for a byte of whatever kind, and takes what came with it.
    HearAnything,
    /// Waits.
    Pause(Duration),
    /// Shakes hands for TLS; what follows goes through it.
    StartTls,
    /// Sends these bytes as they are, under TLS too.
    SayBeneathTls(Cow<'static, [u8]>),
    /// Closes TLS in due form; the socket stays open.
    CloseTls,
    /// Ends what it sends; takes what comes until the other side ends, too.
    Close,
    /// Breaks the connection: what is under way is lost.
    Reset,
    /// Reads nothing any more, until it is all over.
    GoDeaf,
}

impl Step {
    /// What a scripted server answers to a line that it does not wait for.
    pub const OTHERWISE: &'static [u8] = b"502 Not here.\r\n";
}

/// Says this.
pub(crate) fn say(bytes: impl Into<Bytes>) -> Step {
    Step::Say(bytes.into().0)
}

/// The whole, byte by byte, each in a packet of its own.
pub(crate) fn in_bytes(bytes: &'static str) -> Step {
    Step::Drip(bytes.as_bytes().into(), Duration::from_millis(2))
}

/// Waits for a line that holds this.
pub(crate) fn hear(part: &'static str) -> Step {
    Step::Hear(part)
}

/// Far more of this than anyone may take.
pub(crate) fn endlessly(bytes: impl Into<Bytes>) -> Step {
    let bytes = bytes.into().0;
    let times = MOST_BYTES / bytes.len().max(1);
    Step::Repeat(bytes, times, Duration::ZERO)
}

/// This until the other side goes.
pub(crate) fn for_ever(bytes: impl Into<Bytes>) -> Step {
    Step::Repeat(bytes.into().0, usize::MAX, Duration::ZERO)
}

/// This, again and again, a little apart.
pub(crate) fn slowly(bytes: impl Into<Bytes>) -> Step {
    Step::Repeat(bytes.into().0, 400, Duration::from_millis(50))
}

/// "Endless" in a test: what nobody here may keep or wait for.
const MOST_BYTES: usize = 64 << 20;

/// Bytes from text or bytes, static or made.
pub(crate) struct Bytes(Cow<'static, [u8]>);

impl From<&'static str> for Bytes {
    fn from(text: &'static str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self(bytes.into())
    }
}

impl<const N: usize> From<&'static [u8; N]> for Bytes {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self(bytes.as_slice().into())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}
