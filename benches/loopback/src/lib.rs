//! Whole plain logins over loopback: connect, greeting, `USER`, `PASS`, `QUIT`, close; and files over data connections.
//! Each program that is measured is a function, so that criterion, callgrind and strace measure the same.
#![forbid(unsafe_code)]

pub mod clients;
pub mod copies;
pub mod files;
pub mod sealed;
pub mod servers;
pub mod serving;
pub mod soak;
pub mod turns;

/// What a server says: the greeting, and the answers to [`COMMANDS`].
pub const REPLIES: [&[u8]; 4] = [
    b"220 FTP server ready.\r\n",
    b"331 Please specify the password.\r\n",
    b"230 Login successful.\r\n",
    b"221 Goodbye.\r\n",
];

/// What a client says.
pub const COMMANDS: [&[u8]; 3] = [
    b"USER developer\r\n",
    b"PASS correct horse\r\n",
    b"QUIT\r\n",
];

/// The name in [`COMMANDS`].
pub const USER: &str = "developer";
/// The password in [`COMMANDS`].
pub const PASSWORD: &str = "correct horse";
