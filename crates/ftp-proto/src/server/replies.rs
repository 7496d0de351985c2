//! The server's own replies. Their texts show no more than their codes.

use super::FileError;
use crate::wire::{Code, Reply};

macro_rules! replies {
    ($($name:ident $code:ident $raw:literal;)*) => {
        $(
            pub(super) static $name: Reply =
                Reply::from_static(Code::$code, concat!($raw, "\r\n").as_bytes());
        )*
    };
}

replies! {
    DELAYED READY_SOON "120 Service ready soon.";
    OKAY OKAY "200 Done.";
    BUFFER_SIZE OKAY "200 PBSZ=0";
    PROTECTION_CLEAR OKAY "200 Data connections are in clear.";
    PROTECTION_PRIVATE OKAY "200 Data connections are protected.";
    UTF8 OKAY "200 UTF-8 is always on.";
    LANGUAGE OKAY "200 Replies are in English.";
    CLEAR_COMMAND_CHANNEL OKAY "200 Clear command channel.";
    ACCOUNT_SUPERFLUOUS SUPERFLUOUS "202 No account needed.";
    READY_AGAIN READY "220 Ready for a new user.";
    HOST READY "220 Host accepted.";
    FEATURES_UNKNOWN SYSTEM_STATUS "211 No features.";
    STATUS_UNKNOWN SYSTEM_STATUS "211 Status okay.";
    GOODBYE CLOSING "221 Goodbye.";
    LOGGED_IN LOGGED_IN "230 Logged in.";
    LOGGED_IN_SUPERFLUOUS SUPERFLUOUS "202 Logged in, no password needed.";
    ACCOUNT_ACCEPTED LOGGED_IN "230 Account accepted.";
    TYPE_ASCII OKAY "200 Type is ASCII.";
    TYPE_IMAGE OKAY "200 Type is image.";
    ONLY_EPSV_FROM_NOW OKAY "200 Only EPSV from now on.";
    NO_ALLOCATION_NEEDED SUPERFLUOUS "202 No allocation needed.";
    ABORTED CLOSING_DATA_CONNECTION "226 Aborted.";
    NOTHING_TO_ABORT CLOSING_DATA_CONNECTION "226 Nothing to abort.";
    TRANSFER_COMPLETE CLOSING_DATA_CONNECTION "226 Transfer complete.";
    OPENING OPENING_DATA_CONNECTION "150 Opening data connection.";
    FILE_ACTION_DONE FILE_ACTION_OKAY "250 Done.";
    DIRECTORY_CHANGED FILE_ACTION_OKAY "250 Directory changed.";
    RESTART PENDING_FURTHER_INFORMATION "350 Restarting at this byte: send RETR or STOR.";
    RENAME_TO PENDING_FURTHER_INFORMATION "350 Send RNTO.";
    START_TLS SECURITY_ACCEPTED "234 Start the TLS handshake.";
    PASSWORD_NEEDED NEED_PASSWORD "331 Password required.";
    ACCOUNT_NEEDED NEED_ACCOUNT "332 Account required.";

    UNKNOWN_COMMAND UNRECOGNIZED "500 Command not understood.";
    LINE_TOO_LONG UNRECOGNIZED "500 Command line too long.";
    CONTROL_CHARACTER BAD_ARGUMENT "501 Control characters are not allowed.";
    ARGUMENT_NEEDED BAD_ARGUMENT "501 An argument is needed.";
    NOT_A_NUMBER BAD_ARGUMENT "501 The argument must be a 32-bit unsigned number.";
    UNKNOWN_OPTION BAD_ARGUMENT "501 No such option.";
    UNKNOWN_HASH BAD_ARGUMENT "501 Hash not known.";
    NOT_IMPLEMENTED NOT_IMPLEMENTED "502 Command not implemented.";
    NO_TLS NOT_IMPLEMENTED "502 TLS is not available.";
    USER_FIRST BAD_SEQUENCE "503 Send USER first.";
    ACCOUNT_FIRST BAD_SEQUENCE "503 Send ACCT or USER.";
    NO_ACCOUNT_ASKED BAD_SEQUENCE "503 No account was asked for.";
    ALREADY_LOGGED_IN BAD_SEQUENCE "503 Already logged in.";
    HOST_TOO_LATE BAD_SEQUENCE "503 HOST must come before USER.";
    UNDER_TLS BAD_SEQUENCE "503 TLS is already in force.";
    TLS_FIRST BAD_SEQUENCE "503 Send AUTH TLS first.";
    BUFFER_SIZE_FIRST BAD_SEQUENCE "503 Send PBSZ first.";
    NO_SECURITY_DATA BAD_SEQUENCE "503 No security data expected.";
    UNKNOWN_MECHANISM PARAMETER_NOT_IMPLEMENTED "504 Security mechanism not known.";
    UNKNOWN_PROTECTION PARAMETER_NOT_IMPLEMENTED "504 Protection level not known.";
    UNKNOWN_HOST PARAMETER_NOT_IMPLEMENTED "504 Host not known.";
    UNKNOWN_LANGUAGE PARAMETER_NOT_IMPLEMENTED "504 Language not supported.";
    TRANSFER_UNPROTECTED PROTECTION_LEVEL_UNAVAILABLE "521 Data protection required: send PROT P.";
    DATA_UNPROTECTED NETWORK_PROTOCOL_UNSUPPORTED "522 Data protection required: send PROT P.";
    NOT_RESUMED NETWORK_PROTOCOL_UNSUPPORTED "522 Resume the TLS session of the control connection.";
    NOT_LOGGED_IN NOT_LOGGED_IN "530 Log in with USER and PASS.";
    LOGIN_INCORRECT NOT_LOGGED_IN "530 Login incorrect.";
    TLS_REQUIRED NOT_LOGGED_IN "530 TLS required: send AUTH TLS.";
    CLEAR_ALREADY COMMAND_PROTECTION_DENIED "533 The command channel is in clear.";
    CLEAR_REFUSED REQUEST_DENIED "534 CCC is not allowed here.";
    PROTECTION_REQUIRED REQUEST_DENIED "534 Data protection is required here.";
    PROTECTION_UNSUPPORTED PROTECTION_UNSUPPORTED "536 Not supported by TLS: use P.";
    COMMAND_PROTECTION COMMAND_PROTECTION_UNSUPPORTED "537 TLS protects the commands.";

    USE_EPSV CANNOT_OPEN_DATA_CONNECTION "425 PASV is for IPv4: use EPSV.";
    PASSIVE_FIRST CANNOT_OPEN_DATA_CONNECTION "425 Send EPSV or PASV first.";
    CANNOT_LISTEN CANNOT_OPEN_DATA_CONNECTION "425 Cannot listen.";
    NOT_OPENED CANNOT_OPEN_DATA_CONNECTION "425 Cannot open the data connection.";
    NO_HANDSHAKE CANNOT_OPEN_DATA_CONNECTION "425 No TLS on the data connection.";
    TRANSFER_ABORTED TRANSFER_ABORTED "426 Transfer aborted.";
    TRANSFER_CUT_OFF TRANSFER_ABORTED "426 Data connection cut off.";
    FILE_BUSY FILE_BUSY "450 Busy: try again later.";
    LOCAL_ERROR LOCAL_ERROR "451 Local error.";
    NO_SPACE INSUFFICIENT_STORAGE "452 Not enough space.";
    NOT_AN_OFFSET BAD_ARGUMENT "501 The argument must be a number of bytes.";
    MALFORMED_ADDRESS BAD_ARGUMENT "501 Address not understood.";
    TIME_AND_PATH_NEEDED BAD_ARGUMENT "501 Send a time and a path.";
    MODE_AND_PATH_NEEDED BAD_ARGUMENT "501 Send an octal mode and a path.";
    NO_ACTIVE NOT_IMPLEMENTED "502 Not available: use EPSV or PASV.";
    ONLY_EPSV BAD_SEQUENCE "503 Only EPSV after EPSV ALL.";
    RENAME_FROM_FIRST BAD_SEQUENCE "503 Send RNFR first.";
    UNKNOWN_PARAMETER PARAMETER_NOT_IMPLEMENTED "504 Parameter not supported.";
    FOREIGN_ADDRESS PARAMETER_NOT_IMPLEMENTED "504 Only your own address, and ports from 1024 on.";
    NOT_FOUND FILE_UNAVAILABLE "550 No such file or directory.";
    NO_FILE FILE_UNAVAILABLE "550 No such file.";
    NO_DIRECTORY FILE_UNAVAILABLE "550 No such directory.";
    NOT_ALLOWED FILE_UNAVAILABLE "550 Not allowed.";
    NOT_EMPTY FILE_UNAVAILABLE "550 Directory is not empty.";
    NOT_KNOWN FILE_UNAVAILABLE "550 Not known.";
    DIRECTORY_EXISTS FILE_UNAVAILABLE "550 It exists already.";
    SIZE_NEEDS_IMAGE FILE_UNAVAILABLE "550 Send TYPE I first.";
    SPACE_EXCEEDED ALLOCATION_EXCEEDED "552 Not enough space.";
    EXISTS FILE_NAME_NOT_ALLOWED "553 It exists already.";
    PATH_TOO_LONG FILE_NAME_NOT_ALLOWED "553 Path is too long.";
    RESTART_NEEDS_IMAGE BAD_RESTART "554 Restart needs TYPE I.";
    TOO_SHORT BAD_RESTART "554 File is shorter than that.";

    SHUTDOWN SERVICE_UNAVAILABLE "421 Service not available.";
    CHECK_UNAVAILABLE SERVICE_UNAVAILABLE "421 Login not available, try later.";
    TOO_MANY_ATTEMPTS SERVICE_UNAVAILABLE "421 Too many failed logins.";
    TOO_MANY_BAD_COMMANDS SERVICE_UNAVAILABLE "421 Too many bad commands.";
    NO_COMMAND_IN_TIME SERVICE_UNAVAILABLE "421 No command in time.";
    NO_LOGIN_IN_TIME SERVICE_UNAVAILABLE "421 Not logged in in time.";
    IDLE SERVICE_UNAVAILABLE "421 Idle for too long.";
    NO_ANSWER SERVICE_UNAVAILABLE "421 Service not available.";
    BYTES_BEFORE_TLS SERVICE_UNAVAILABLE "421 Unexpected data before the TLS switch.";
    FOREIGN_PROTOCOL SERVICE_UNAVAILABLE "421 This is an FTP server.";
}

/// What is said of an error before anything has moved.
pub(super) fn refusal(error: FileError) -> &'static Reply {
    match error {
        FileError::NotFound => &NOT_FOUND,
        FileError::NotAllowed => &NOT_ALLOWED,
        FileError::Exists => &EXISTS,
        FileError::NotEmpty => &NOT_EMPTY,
        FileError::TooShort => &TOO_SHORT,
        FileError::NoSpace => &NO_SPACE,
        FileError::Busy => &FILE_BUSY,
        FileError::NotSupported => &NOT_IMPLEMENTED,
        FileError::Failed => &LOCAL_ERROR,
    }
}

/// What is said of an error after 150: RFC 959 §5.4 has few codes for that.
pub(super) fn failure(error: FileError) -> &'static Reply {
    match error {
        FileError::NoSpace => &SPACE_EXCEEDED,
        _ => &LOCAL_ERROR,
    }
}
