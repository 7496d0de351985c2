//! Bytes to parse: FTP's, and of like shape for the peers that speak other protocols.

/// The replies of a login over explicit TLS, and a few more.
pub const SHORT: &[u8] = b"220 FTP server ready.\r\n\
    234 Proceed with negotiation.\r\n\
    200 PBSZ set to 0.\r\n\
    200 PROT now Private.\r\n\
    331 Please specify the password.\r\n\
    230 Login successful.\r\n\
    257 \"/\" is the current directory\r\n\
    200 Switching to Binary mode.\r\n\
    250 Directory successfully changed.\r\n\
    221 Goodbye.\r\n";

/// What a server says to `FEAT`.
pub const FEAT: &[u8] =
    b"211-Features:\r\n AUTH SSL\r\n AUTH TLS\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n \
    PBSZ\r\n PROT\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n211 End\r\n";

/// The commands of a session.
pub const SESSION: &[u8] =
    b"AUTH TLS\r\nPBSZ 0\r\nPROT P\r\nUSER developer\r\nPASS a pass phrase\r\n\
    SYST\r\nFEAT\r\nOPTS UTF8 ON\r\nPWD\r\nTYPE I\r\nCWD /pub/releases\r\nEPSV\r\n\
    RETR ftp-proto-0.1.0.tar.gz\r\nSIZE README.md\r\nMDTM README.md\r\nNOOP\r\nQUIT\r\n";

/// A session of as many lines in SMTP, for smtp-proto.
pub const SMTP_SESSION: &[u8] =
    b"EHLO client.example.com\r\nSTARTTLS\r\nEHLO client.example.com\r\n\
    MAIL FROM:<anna@example.com>\r\nRCPT TO:<bert@example.org>\r\nRCPT TO:<carl@example.org>\r\n\
    RCPT TO:<dora@example.org>\r\nRSET\r\nNOOP\r\nMAIL FROM:<anna@example.com>\r\n\
    RCPT TO:<bert@example.org>\r\nDATA\r\nRSET\r\nVRFY anna\r\nHELP\r\nNOOP\r\nQUIT\r\n";

/// The commands of [`SESSION`] and `SMTP_SESSION`, each.
pub const SESSION_COMMANDS: usize = 17;

/// Lines as sites send for a banner: legal notices, news, blank lines.
const NOTICE: [&str; 10] = [
    "Welcome to the archive of example.com.",
    "",
    "All transfers are logged with your host name and e-mail address. If you do not",
    "like this policy, disconnect now!",
    "",
    "  Mirrors are updated every six hours; be kind to the others who wait.",
    "  Local time is Wed Nov 25 16:10:38 2026.",
    "",
    "There are 17 (of 500) users in your class at the moment.",
    "Please read the file README before you report a missing file.",
];

/// A multi-line reply of `lines` lines.
pub fn banner_of_lines(lines: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in NOTICE.iter().cycle().take(lines.saturating_sub(1)) {
        bytes.extend_from_slice(format!("230-{line}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"230 User anonymous logged in.\r\n");
    bytes
}

/// A multi-line reply of at least `length` bytes, in lines of 74 bytes.
pub fn banner(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend_from_slice(
            b"230-Mirrors are updated every six hours; be kind to the others who wait.\r\n",
        );
    }
    bytes.extend_from_slice(b"230 User anonymous logged in.\r\n");
    bytes
}

/// The same replies as HTTP responses without a body, for httparse: the first line becomes the status
/// line, each further line of a reply a header.
pub fn as_http(replies: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut inside = false;
    for line in replies.split_inclusive(|byte| *byte == b'\n') {
        if inside {
            bytes.extend_from_slice(b"x-line: ");
            bytes.extend_from_slice(line.get(4..).unwrap_or(line));
        } else {
            bytes.extend_from_slice(b"HTTP/1.1 ");
            bytes.extend_from_slice(&line[..3]);
            bytes.push(b' ');
            bytes.extend_from_slice(&line[4..]);
        }
        inside = line.get(3) != Some(&b' ') || !line[0].is_ascii_digit();
        if !inside {
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes
}

/// A command with a path of 4000 bytes.
pub fn long_path() -> Vec<u8> {
    format!("RETR {}\r\n", "/directory".repeat(400)).into_bytes()
}

/// The same path in an HTTP request, for httparse.
pub fn http_long_path() -> Vec<u8> {
    format!("GET {} HTTP/1.1\r\n\r\n", "/directory".repeat(400)).into_bytes()
}

/// As many HTTP requests as [`SESSION`] has commands.
pub fn http_session() -> Vec<u8> {
    b"GET /pub/releases HTTP/1.1\r\n\r\n".repeat(SESSION_COMMANDS)
}
