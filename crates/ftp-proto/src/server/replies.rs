//! The server's own replies. Their texts show no more than their codes.

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
    START_TLS SECURITY_ACCEPTED "234 Start the TLS handshake.";
    PASSWORD_NEEDED NEED_PASSWORD "331 Password required.";
    ACCOUNT_NEEDED NEED_ACCOUNT "332 Account required.";

    UNKNOWN_COMMAND UNRECOGNIZED "500 Command not understood.";
    LINE_TOO_LONG UNRECOGNIZED "500 Command line too long.";
    CONTROL_CHARACTER BAD_ARGUMENT "501 Control characters are not allowed.";
    ARGUMENT_NEEDED BAD_ARGUMENT "501 An argument is needed.";
    NOT_A_NUMBER BAD_ARGUMENT "501 The argument must be a 32-bit unsigned number.";
    UNKNOWN_OPTION BAD_ARGUMENT "501 No such option.";
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
    NOT_LOGGED_IN NOT_LOGGED_IN "530 Log in with USER and PASS.";
    LOGIN_INCORRECT NOT_LOGGED_IN "530 Login incorrect.";
    TLS_REQUIRED NOT_LOGGED_IN "530 TLS required: send AUTH TLS.";
    CLEAR_ALREADY COMMAND_PROTECTION_DENIED "533 The command channel is in clear.";
    CLEAR_REFUSED REQUEST_DENIED "534 CCC is not allowed here.";
    PROTECTION_REQUIRED REQUEST_DENIED "534 Data protection is required here.";
    PROTECTION_UNSUPPORTED PROTECTION_UNSUPPORTED "536 Not supported by TLS: use P.";
    COMMAND_PROTECTION COMMAND_PROTECTION_UNSUPPORTED "537 TLS protects the commands.";

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
