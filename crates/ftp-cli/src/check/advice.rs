//! Why a finding matters, and how to mend it on the servers that are in use.

use serde::Serialize;

use super::finding::Subject;

/// A server that is known by its greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Software {
    #[serde(rename = "vsftpd")]
    Vsftpd,
    #[serde(rename = "ProFTPD")]
    ProFtpd,
    #[serde(rename = "Pure-FTPd")]
    PureFtpd,
    #[serde(rename = "IIS")]
    Iis,
    #[serde(rename = "FileZilla Server")]
    FileZilla,
}

impl Software {
    const ALL: [Self; 5] = [
        Self::Vsftpd,
        Self::ProFtpd,
        Self::PureFtpd,
        Self::Iis,
        Self::FileZilla,
    ];

    /// Recognises a server by what it says of itself.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text).to_ascii_lowercase();
        Self::ALL.into_iter().find(|software| {
            let says = match software {
                Self::Vsftpd => "vsftpd",
                Self::ProFtpd => "proftpd",
                Self::PureFtpd => "pure-ftpd",
                Self::Iis => "microsoft ftp service",
                Self::FileZilla => "filezilla server",
            };
            text.contains(says)
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vsftpd => "vsftpd",
            Self::ProFtpd => "ProFTPD",
            Self::PureFtpd => "Pure-FTPd",
            Self::Iis => "IIS",
            Self::FileZilla => "FileZilla Server",
        }
    }
}

/// Why it matters.
pub(super) fn why(subject: Subject) -> &'static str {
    match subject {
        Subject::ClearPasswords => "anyone on the way can read a password that is sent in clear",
        Subject::Auth => "without TLS, anyone on the way can read and change everything",
        Subject::Injection => {
            "an attacker on the way can put commands in front of those of the user (CVE-2011-0411)"
        }
        Subject::TlsVersions => "TLS 1.0 and 1.1 are broken, and forbidden by RFC 8996",
        Subject::Certificate => "clients refuse to log in, or their users learn to ignore warnings",
        Subject::Login => "what a user sees after the login could not be looked at",
        Subject::Features => {
            "clients then guess names, sizes and times, and cannot go on after a cut"
        }
        Subject::DataInClear => "files and listings then go over the network in clear",
        Subject::DataResumption => {
            "without it, whoever connects to the data port first gets the file, or sends one"
        }
        Subject::DataEnd => "without close_notify, a file that was cut off looks complete",
        Subject::Passive => "clients that believe the address cannot connect to it",
        Subject::Ipv6 => "clients that try IPv6 first wait in vain",
        Subject::Delay => "each small file takes tens of milliseconds longer than it needs",
        Subject::UserNames => "an attacker can find out who has an account here",
        Subject::Writing => "uploads fail, or what is stored is not what was sent",
    }
}

/// How to mend it, by server.
pub(super) fn mend(subject: Subject) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = [
        Software::Vsftpd,
        Software::ProFtpd,
        Software::PureFtpd,
        Software::Iis,
        Software::FileZilla,
    ];
    all.into_iter()
        .map(move |software| (software.name(), advice(subject, software)))
        .filter(|(_, advice)| !advice.is_empty())
}

/// The advice for one server; empty if nothing is known.
fn advice(subject: Subject, software: Software) -> &'static str {
    use Software::{FileZilla, Iis, ProFtpd, PureFtpd, Vsftpd};
    match (subject, software) {
        (Subject::ClearPasswords, Vsftpd) => "ssl_enable=YES and force_local_logins_ssl=YES",
        (Subject::ClearPasswords, ProFtpd) => "TLSRequired on (or auth)",
        (Subject::ClearPasswords, PureFtpd) => "--tls=2 (TLS 2 in the configuration file)",
        (Subject::ClearPasswords, Iis) => "FTP SSL Settings: Require SSL connections",
        (Subject::ClearPasswords, FileZilla) => "Protocol settings: Require explicit FTP over TLS",
        (Subject::Auth, Vsftpd) => "ssl_enable=YES, rsa_cert_file, rsa_private_key_file",
        (Subject::Auth, ProFtpd) => "load mod_tls; TLSEngine on, TLSRSACertificateFile",
        (Subject::Auth, PureFtpd) => "--tls=2, with a certificate in pure-ftpd.pem",
        (Subject::Auth, Iis) => "FTP SSL Settings: choose a certificate",
        (Subject::Auth, FileZilla) => "Protocol settings: Explicit FTP over TLS",
        (Subject::Injection, Vsftpd) => "upgrade to 3.0 or later",
        (Subject::Injection, ProFtpd) => "upgrade to 1.3.4 or later",
        (Subject::Injection, PureFtpd) => "upgrade to 1.0.30 or later",
        (Subject::Injection, _) => "upgrade",
        (Subject::TlsVersions, Vsftpd) => "ssl_tlsv1=NO; build against a current OpenSSL",
        (Subject::TlsVersions, ProFtpd) => "TLSProtocol TLSv1.2 TLSv1.3",
        (Subject::TlsVersions, PureFtpd) => "--tlsciphersuite without old ones, a current OpenSSL",
        (Subject::TlsVersions, Iis) => "turn TLS 1.0 and 1.1 off in the registry (SCHANNEL)",
        (Subject::TlsVersions, FileZilla) => "Protocol settings: minimum TLS version 1.2",
        (Subject::Certificate, Vsftpd) => "rsa_cert_file: the whole chain, for the name in use",
        (Subject::Certificate, ProFtpd) => "TLSRSACertificateFile and TLSCertificateChainFile",
        (Subject::Certificate, PureFtpd) => "pure-ftpd.pem: key and whole chain, or --certfile",
        (Subject::Certificate, Iis) => "FTP SSL Settings: choose a valid certificate",
        (Subject::Certificate, FileZilla) => "Protocol settings: an X.509 or Let's Encrypt one",
        (Subject::Features, PureFtpd) => "all are built in: look for a proxy that filters FEAT",
        (Subject::Features, Vsftpd) => "it has no MLSD; clients read its LIST",
        (Subject::Features, ProFtpd) => "load mod_facts; FactsAdvertise on; UseEncoding on",
        (Subject::DataInClear, Vsftpd) => "force_local_data_ssl=YES, force_anon_data_ssl=YES",
        (Subject::DataInClear, ProFtpd) => "TLSRequired on (or auth+data)",
        (Subject::DataInClear, PureFtpd) => "--tls=3",
        (Subject::DataInClear, Iis) => "FTP SSL Settings, Custom: data channel Require",
        (Subject::DataInClear, FileZilla) => "Protocol settings: Require explicit FTP over TLS",
        (Subject::DataResumption, Vsftpd) => "require_ssl_reuse=YES (the default)",
        (Subject::DataResumption, ProFtpd) => "leave NoSessionReuseRequired out of TLSOptions",
        (Subject::DataResumption, FileZilla) => "it demands this in all current versions: upgrade",
        (Subject::DataEnd, Vsftpd) => "strict_ssl_write_shutdown=YES; upgrade to 3.0.3",
        (Subject::DataEnd, ProFtpd | PureFtpd | FileZilla) => "upgrade",
        (Subject::Passive, Vsftpd) => "pasv_address=PUBLIC.ADDRESS, pasv_min_port, pasv_max_port",
        (Subject::Passive, ProFtpd) => "MasqueradeAddress PUBLIC.ADDRESS, PassivePorts",
        (Subject::Passive, PureFtpd) => "--forcepassiveip and --passiveportrange",
        (Subject::Passive, Iis) => "FTP Firewall Support: external address and port range",
        (Subject::Passive, FileZilla) => "Protocol settings, Passive mode: public address",
        (Subject::Ipv6, Vsftpd) => "listen_ipv6=YES (it serves IPv4 too)",
        (Subject::Ipv6, ProFtpd) => "UseIPv6 on",
        _ => "",
    }
}
