//! Reply codes (RFC 959 §4.2 and the RFCs that add to it).

use core::fmt;

use super::{InvalidText, TextKind, TextProblem};

/// A three-digit reply code, 100 to 699.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// The meaning of the first digit (RFC 959 §4.2.1).
///
/// Exhaustive: every first digit of a [`Code`] has a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// 1yz: begun; another reply will follow.
    Preliminary,
    /// 2yz: done.
    Completion,
    /// 3yz: accepted so far; send the next command of the sequence.
    Intermediate,
    /// 4yz: failed; the same command may work later.
    TransientNegative,
    /// 5yz: failed; do not repeat the same command.
    PermanentNegative,
    /// 6yz: contains another reply, protected by a mechanism of RFC 2228 (§5) and encoded in base
    /// 64. TLS does not use these, and the machines here treat such a reply as a fault.
    Protected,
}

/// The meaning of the second digit (RFC 959 §4.2.1).
///
/// Exhaustive: every digit has a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// x0z: syntax, or none of the other groups.
    Syntax,
    /// x1z: information, such as status or help.
    Information,
    /// x2z: the control and data connections.
    Connections,
    /// x3z: login, accounting, security (RFC 2228).
    Authentication,
    /// x4z: not specified.
    Unspecified,
    /// x5z: the file system.
    FileSystem,
    /// x6z to x9z: not assigned.
    Unassigned,
}

macro_rules! codes {
    ($($number:literal $name:ident $meaning:literal;)*) => {
        impl Code {
            $(
                #[doc = concat!("`", $number, "`: ", $meaning, ".")]
                pub const $name: Self = Self($number);
            )*

            /// The meaning of this code in the RFCs; `None` if they do not define it.
            pub fn meaning(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($meaning),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    110 RESTART_MARKER "restart marker reply";
    120 READY_SOON "service ready in some minutes";
    125 TRANSFER_STARTING "data connection already open, transfer starting";
    150 OPENING_DATA_CONNECTION "file status okay, about to open data connection";
    200 OKAY "command okay";
    202 SUPERFLUOUS "command not implemented, superfluous at this site";
    211 SYSTEM_STATUS "system status, or system help reply";
    212 DIRECTORY_STATUS "directory status";
    213 FILE_STATUS "file status";
    214 HELP "help message";
    215 SYSTEM_NAME "system type";
    220 READY "service ready for new user";
    221 CLOSING "service closing control connection";
    225 DATA_CONNECTION_OPEN "data connection open, no transfer in progress";
    226 CLOSING_DATA_CONNECTION "closing data connection, requested file action successful";
    227 PASSIVE "entering passive mode";
    228 LONG_PASSIVE "entering long passive mode (RFC 1639)";
    229 EXTENDED_PASSIVE "entering extended passive mode (RFC 2428)";
    230 LOGGED_IN "user logged in, proceed";
    232 LOGGED_IN_BY_SECURITY "user logged in, authorized by security data exchange (RFC 2228)";
    234 SECURITY_ACCEPTED "security data exchange complete (RFC 2228)";
    235 SECURITY_DATA_DONE "security data exchange completed successfully (RFC 2228)";
    250 FILE_ACTION_OKAY "requested file action okay, completed";
    257 PATH_CREATED "pathname created, or current directory";
    331 NEED_PASSWORD "user name okay, need password";
    332 NEED_ACCOUNT "need account for login";
    334 SECURITY_MECHANISM_OKAY "security mechanism accepted, data needed (RFC 2228)";
    335 SECURITY_DATA_NEEDED "security data acceptable, more needed (RFC 2228)";
    336 NEED_CHALLENGED_PASSWORD "user name okay, need password; challenge given (RFC 2228)";
    350 PENDING_FURTHER_INFORMATION "requested file action pending further information";
    421 SERVICE_UNAVAILABLE "service not available, closing control connection";
    425 CANNOT_OPEN_DATA_CONNECTION "can't open data connection";
    426 TRANSFER_ABORTED "connection closed, transfer aborted";
    431 SECURITY_RESOURCE_UNAVAILABLE "needed resource unavailable to process security (RFC 2228)";
    450 FILE_BUSY "requested file action not taken, file unavailable";
    451 LOCAL_ERROR "requested action aborted, local error in processing";
    452 INSUFFICIENT_STORAGE "requested action not taken, insufficient storage";
    500 UNRECOGNIZED "syntax error, command unrecognized";
    501 BAD_ARGUMENT "syntax error in parameters or arguments";
    502 NOT_IMPLEMENTED "command not implemented";
    503 BAD_SEQUENCE "bad sequence of commands";
    504 PARAMETER_NOT_IMPLEMENTED "command not implemented for that parameter";
    521 PROTECTION_LEVEL_UNAVAILABLE "data connection cannot be opened with this PROT setting (RFC 4217)";
    522 NETWORK_PROTOCOL_UNSUPPORTED "protection needed, or network protocol not supported (RFC 4217, RFC 2428)";
    530 NOT_LOGGED_IN "not logged in";
    532 NEED_ACCOUNT_FOR_STORING "need account for storing files";
    533 COMMAND_PROTECTION_DENIED "command protection level denied for policy reasons (RFC 2228)";
    534 REQUEST_DENIED "request denied for policy reasons (RFC 2228)";
    535 SECURITY_CHECK_FAILED "failed security check (RFC 2228)";
    536 PROTECTION_UNSUPPORTED "data PROT level not supported by security mechanism (RFC 2228)";
    537 COMMAND_PROTECTION_UNSUPPORTED "command protection level not supported (RFC 2228)";
    550 FILE_UNAVAILABLE "requested action not taken, file unavailable";
    551 PAGE_TYPE_UNKNOWN "requested action aborted, page type unknown";
    552 ALLOCATION_EXCEEDED "requested file action aborted, exceeded storage allocation";
    553 FILE_NAME_NOT_ALLOWED "requested action not taken, file name not allowed";
    554 BAD_RESTART "requested action not taken, invalid REST parameter (RFC 1123)";
    555 TYPE_MISMATCH "requested action not taken, TYPE or STRU mismatch (RFC 1123)";
    631 INTEGRITY_PROTECTED "integrity protected reply (RFC 2228)";
    632 CONFIDENTIALITY_AND_INTEGRITY_PROTECTED "confidentiality and integrity protected reply (RFC 2228)";
    633 CONFIDENTIALITY_PROTECTED "confidentiality protected reply (RFC 2228)";
}

impl Code {
    /// The code with this number; `None` outside 100–699.
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 100 && number <= 699 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The number in ASCII, as on the wire.
    pub(crate) fn digits(self) -> [u8; 3] {
        let digit = |value: u16| b'0'.wrapping_add(u8::try_from(value % 10).unwrap_or_default());
        [digit(self.0 / 100), digit(self.0 / 10), digit(self.0)]
    }

    /// The meaning of its first digit.
    #[inline]
    pub const fn class(self) -> Class {
        match self.0 {
            ..200 => Class::Preliminary,
            200..300 => Class::Completion,
            300..400 => Class::Intermediate,
            400..500 => Class::TransientNegative,
            500..600 => Class::PermanentNegative,
            _ => Class::Protected,
        }
    }

    /// The meaning of its second digit.
    pub const fn subject(self) -> Subject {
        match self.0 % 100 {
            0..10 => Subject::Syntax,
            10..20 => Subject::Information,
            20..30 => Subject::Connections,
            30..40 => Subject::Authentication,
            40..50 => Subject::Unspecified,
            50..60 => Subject::FileSystem,
            _ => Subject::Unassigned,
        }
    }

    /// Whether this is a 4yz or 5yz code.
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.0 >= 400 && self.0 < 600
    }
}

impl TryFrom<u16> for Code {
    type Error = InvalidText;

    /// [`TextProblem::NotACode`] outside 100–699.
    fn try_from(number: u16) -> Result<Self, InvalidText> {
        Self::new(number).ok_or(TextProblem::NotACode.of(TextKind::ReplyCode))
    }
}

impl From<Code> for u16 {
    fn from(code: Code) -> Self {
        code.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}
