//! What a machine is told about the TLS session below it. Plain data: no TLS library is named.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

/// A TLS protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
    /// Another version, by its number on the wire.
    Other(u16),
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls12 => f.write_str("TLS 1.2"),
            Self::Tls13 => f.write_str("TLS 1.3"),
            Self::Other(number) => write!(f, "TLS {number:#06x}"),
        }
    }
}

/// What was agreed in a TLS handshake. `Debug` shows how many certificates there are, not their bytes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSession {
    /// The protocol version.
    pub version: TlsVersion,
    /// The cipher suite by its IANA name, for example `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// The peer's certificate chain in DER, the end-entity certificate first. Empty if it sent
    /// none.
    pub peer_certificates: Vec<Bytes>,
    /// The name that the client asked for (SNI), where known.
    pub server_name: Option<String>,
    /// How long the handshake took, where known.
    pub handshake_time: Option<Duration>,
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSession")
            .field("version", &self.version)
            .field("cipher_suite", &self.cipher_suite)
            .field("resumed", &self.resumed)
            .field("peer_certificates", &self.peer_certificates.len())
            .field("server_name", &self.server_name)
            .field("handshake_time", &self.handshake_time)
            .finish()
    }
}

impl TlsSession {
    /// A full handshake without certificates or server name; set the fields that are known.
    pub fn new(version: TlsVersion, cipher_suite: impl Into<String>) -> Self {
        Self {
            version,
            cipher_suite: cipher_suite.into(),
            resumed: false,
            peer_certificates: Vec::new(),
            server_name: None,
            handshake_time: None,
        }
    }
}
