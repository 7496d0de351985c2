//! Bounds on what a peer can make us keep, and how strictly the wire format is read.

use core::time::Duration;

/// Bounds on memory, checked on bytes as they are stored.
///
/// A machine never holds more of its peer's bytes than these allow, whatever the peer sends. Start
/// from the defaults and change what should differ:
///
/// ```
/// use ftp_proto::Limits;
///
/// let mut limits = Limits::default();
/// limits.reply_lines = 100;
/// # assert_ne!(limits, Limits::default());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest line of a reply in bytes, its end not counted. Default 8 KiB: ten times the longest
    /// banner line seen, small enough to be harmless.
    pub reply_line: usize,
    /// Most lines in a reply. Default 4096: room for a legal notice, not for an endless one.
    pub reply_lines: usize,
    /// Most bytes in a reply, line ends included. Default 128 KiB.
    pub reply_bytes: usize,
    /// Most preliminary replies (1yz) to one command, or 120s before the greeting: each lets the
    /// deadline of the final one start again. Default 64; RFC 959 §5.4 has one for each command.
    pub preliminary_replies: usize,
    /// Most bytes from a server that say nothing: those of blank lines before a reply, and those
    /// of Telnet commands and subnegotiations since the last command was sent. They are dropped as
    /// they come and move no deadline. Default 64 KiB: more than a server sends in days to keep an
    /// idle connection open, and nothing for one that never stops.
    pub filler_bytes: usize,
    /// Longest command line before login in bytes, its end not counted. Default 512: a user name
    /// or password needs no more (RFC 1123 era servers used 512 throughout).
    pub command_line_before_login: usize,
    /// Longest command line after login in bytes, its end not counted. Default 8 KiB: twice the
    /// longest path name of common systems.
    pub command_line: usize,
    /// Most bytes of pipelined commands that a server keeps while the present one is answered.
    /// Default 8 KiB; never less than a command line.
    pub backlog: usize,
    /// Most commands a client may have unanswered after login. Default 64.
    pub outstanding_commands: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply_line: 8 * 1024,
            reply_lines: 4096,
            reply_bytes: 128 * 1024,
            preliminary_replies: 64,
            filler_bytes: 64 * 1024,
            command_line_before_login: 512,
            command_line: 8 * 1024,
            backlog: 8 * 1024,
            outstanding_commands: 64,
        }
    }
}

/// How far replies and commands may stray from the RFCs. A run-time value, never a feature. Start
/// from the defaults or from [`STRICT`](Self::STRICT) and change what should differ:
///
/// ```
/// use ftp_proto::Lenience;
///
/// let mut lenience = Lenience::STRICT;
/// lenience.bare_lf = true;
/// # assert_ne!(lenience, Lenience::STRICT);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lenience {
    /// Take a line with a *different* code as the end of a multi-line reply when nothing follows
    /// it for this long, or the stream ends behind it (glFTPd ends `230-` with `200 `). Both codes must be
    /// of the same kind, that is, have the same first digit; the reply keeps the code of its first
    /// line. Only 421 may end any reply, which is a 421 then. `None` switches that off. Default 3 s.
    pub foreign_end_after: Option<Duration>,
    /// Accept a bare LF as the end of a line, as many programs send it. Default `true`. If not, a
    /// reply that holds one is refused, and in a command it is a control character like any other.
    pub bare_lf: bool,
    /// Take a reply to a command after login whatever its code. If not, a code that cannot answer the
    /// command it falls to (230 to `PWD`) ends the connection, because it shows that replies and
    /// commands are out of step. Default `false`: no server is known to need it.
    pub any_reply_code: bool,
    /// Most further 220 replies that a client takes as parts of the greeting, wherever they come before
    /// the first other reply: small devices (FTP servers of ESP32 and Arduino) greet with several
    /// one-line replies, which arrive when they like. 220 is no answer to the first command that
    /// follows a greeting (`AUTH`, `PBSZ`, `USER`), so none is lost; to `HOST` it is one, and a further greeting that
    /// comes after `HOST` was sent is taken for it. A session that had them is
    /// [irregular](crate::client::Session::irregular). Default 0: a second 220 is a fault.
    pub repeated_greetings: usize,
    /// Connect to the address in the reply to `PASV`, not only to its port. Default `false`: the host is
    /// that of the control connection, since a server could send a client anywhere, and servers
    /// behind NAT tell addresses that lead nowhere.
    pub passive_address: bool,
    /// Under TLS, take the end of a data connection without `close_notify` for its end. Default `false`:
    /// anyone on the way can cut a file short so. Some old servers need it.
    pub data_end_without_close_notify: bool,
}

impl Default for Lenience {
    fn default() -> Self {
        Self {
            foreign_end_after: Some(Duration::from_secs(3)),
            bare_lf: true,
            any_reply_code: false,
            repeated_greetings: 0,
            passive_address: false,
            data_end_without_close_notify: false,
        }
    }
}

impl Lenience {
    /// Nothing beyond the RFCs.
    pub const STRICT: Self = Self {
        foreign_end_after: None,
        bare_lf: false,
        any_reply_code: false,
        repeated_greetings: 0,
        passive_address: false,
        data_end_without_close_notify: false,
    };
}
