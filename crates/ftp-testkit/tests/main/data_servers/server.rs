//! What a server says and does.

/// What the data server does when somebody connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// It speaks as it should.
    Honest,
    /// It refuses the connection.
    Refused,
    /// It does not answer at all.
    Unreachable,
    /// It takes the connection, and that is all.
    Silent,
    /// It says this, which is no TLS, and ends.
    Says(&'static [u8]),
}

/// How the data ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// As it should.
    Properly,
    /// Under TLS, without `close_notify`.
    WithoutNotice,
    /// The connection is reset.
    Reset,
    /// Not at all.
    Never,
}

/// A server, as a list of what it says and does.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// The reply to a command that begins like this, in place of the usual one.
    pub(super) replies: Vec<(&'static str, &'static str)>,
    /// What follows the end of the data.
    pub(super) after: &'static str,
    pub(super) port: Port,
    /// What it sends to a client that receives, over and over if it never ends.
    pub(super) payload: Vec<u8>,
    pub(super) ends: Ends,
    /// Data connections are under TLS.
    pub(super) is_protected: bool,
    /// The reply to the transfer command is said only after the TLS handshake.
    pub(super) handshake_first: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            replies: Vec::new(),
            after: "226 Done.\r\n",
            port: Port::Honest,
            payload: b"all of it".to_vec(),
            ends: Ends::Properly,
            is_protected: false,
            handshake_first: false,
        }
    }
}

/// The reply to this command, where the case has none of its own.
pub(super) fn usual_reply(line: &str) -> &'static str {
    match line.split(' ').next().unwrap_or_default() {
        "USER" => "230 In.\r\n",
        "AUTH" => "234 Go.\r\n",
        "EPSV" => "229 Here (|||2000|)\r\n",
        "PASV" => "227 Here (192,0,2,1,7,208)\r\n",
        "RETR" | "STOR" | "LIST" => "150 Here it comes.\r\n",
        "REST" => "350 From there.\r\n",
        "PWD" => "257 \"/\"\r\n",
        "ABOR" => "426 Cut.\r\n226 Done.\r\n",
        _ => "200 Done.\r\n",
    }
}
