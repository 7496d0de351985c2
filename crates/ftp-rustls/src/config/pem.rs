//! PEM (RFC 7468), read whole or not at all: a text that was cut, or joined wrongly, is refused.

use core::fmt;
use core::iter;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use zeroize::Zeroizing;

use super::ConfigError;
use super::der::{Reader, SEQUENCE};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Why a text cannot be read as PEM, and where. It shows no part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
#[non_exhaustive]
pub struct PemError {
    /// The line, counted from 1. For a section it is that of its `BEGIN`.
    pub line: usize,
    /// What is wrong.
    pub problem: PemProblem,
}

/// What is wrong with a text that should be PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemProblem {
    /// The text ends, or another section begins, before the end of this one.
    NoEnd {
        /// The kind of section, as in `CERTIFICATE`.
        label: String,
    },
    /// A section ends that did not begin, or that began with another kind.
    NoBegin {
        /// The kind of section, as in `CERTIFICATE`.
        label: String,
    },
    /// A line that begins or ends a section was cut.
    CutMark,
    /// The section is not Base64.
    NotBase64 {
        /// The kind of section, as in `CERTIFICATE`.
        label: String,
    },
    /// The section is not one value in DER: it was cut, or has something after it.
    NotDer {
        /// The kind of section, as in `CERTIFICATE`.
        label: String,
    },
    /// A certificate in OpenSSL's own form, which has settings after it.
    TrustedCertificate,
    /// The text is in UTF-16, as some programs of Windows write it.
    Utf16,
    /// It is not text: it may be DER, or PKCS#12.
    Binary,
}

impl fmt::Display for PemProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |label: &str| label.escape_debug().to_string();
        match self {
            Self::NoEnd { label } => write!(
                f,
                "the section {0} has no end (-----END {0}-----): was the file cut?",
                shown(label)
            ),
            Self::NoBegin { label } => write!(
                f,
                "a section {} ends here that did not begin: was the file cut?",
                shown(label)
            ),
            Self::CutMark => f.write_str(
                "a line that begins or ends a section is not complete: was the file cut?",
            ),
            Self::NotBase64 { label } => {
                write!(f, "the section {} is not Base64", shown(label))
            }
            Self::NotDer { label } => write!(
                f,
                "the section {} is cut, or has too much in it",
                shown(label)
            ),
            Self::TrustedCertificate => f.write_str(
                "a TRUSTED CERTIFICATE is OpenSSL's own form; `openssl x509 -in FILE` writes the \
                 common one",
            ),
            Self::Utf16 => f.write_str("the text is in UTF-16; save it as UTF-8 or ASCII"),
            Self::Binary => f.write_str(
                "this is not text; `openssl x509 -inform DER -in FILE` turns a certificate in DER \
                 into PEM, `openssl pkcs12 -nodes -in FILE` what is in a .p12 or .pfx file",
            ),
        }
    }
}

/// Reads all certificates in a text. Sections of other kinds are skipped, and so is text around
/// the sections.
///
/// # Errors
/// * [`ConfigError::Pem`] if the text is broken or cut.
/// * [`ConfigError::NoCertificate`] if there is none in it.
pub fn certificates_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let mut certificates = Vec::new();
    for section in sections(pem)? {
        match section.label.as_slice() {
            b"CERTIFICATE" | b"X509 CERTIFICATE" => {
                let certificate: CertificateDer<'static> = section.decode(b"CERTIFICATE")?;
                section.check_der(&certificate)?;
                certificates.push(certificate);
            }
            b"TRUSTED CERTIFICATE" => {
                return Err(section.error(PemProblem::TrustedCertificate).into());
            }
            _ => {}
        }
    }
    if certificates.is_empty() {
        return Err(ConfigError::NoCertificate);
    }
    Ok(certificates)
}

/// Reads the first private key in a text, in PKCS#8, PKCS#1 or SEC1 form. Sections of other kinds
/// are skipped.
///
/// # Errors
/// * [`ConfigError::Pem`] if the text is broken or cut.
/// * [`ConfigError::EncryptedPrivateKey`] if the only keys in it are protected by a passphrase.
/// * [`ConfigError::NoPrivateKey`] if there is none in it.
pub fn private_key_from_pem(pem: &[u8]) -> Result<PrivateKeyDer<'static>, ConfigError> {
    let mut missing = ConfigError::NoPrivateKey;
    for section in sections(pem)? {
        match section.label.as_slice() {
            b"PRIVATE KEY" | b"RSA PRIVATE KEY" | b"EC PRIVATE KEY" => {
                if section.is_encrypted() {
                    missing = ConfigError::EncryptedPrivateKey;
                    continue;
                }
                let key: PrivateKeyDer<'static> = section.decode(&section.label)?;
                section.check_der(key.secret_der())?;
                return Ok(key);
            }
            b"ENCRYPTED PRIVATE KEY" => missing = ConfigError::EncryptedPrivateKey,
            _ => {}
        }
    }
    Err(missing)
}

/// One section, which has a beginning and an end.
struct Section<'a> {
    label: Vec<u8>,
    /// Where it begins.
    line: usize,
    /// Without the lines that begin and end it, and without space around each line.
    body: Vec<&'a [u8]>,
}

impl Section<'_> {
    /// Whether it is encrypted in the old way (RFC 1421 §4.6.1.1).
    fn is_encrypted(&self) -> bool {
        self.body.iter().any(|line| {
            line.strip_prefix(b"Proc-Type:")
                .is_some_and(|kind| kind.ends_with(b"ENCRYPTED"))
        })
    }

    fn decode<T: PemObject>(&self, label: &[u8]) -> Result<T, ConfigError> {
        let mut text = Zeroizing::new(Vec::new());
        let marks = [(BEGIN, DASHES), (END, DASHES)].map(|(mark, end)| [mark, label, end].concat());
        let [begin, end] = &marks;
        let lines = iter::once(begin.as_slice())
            .chain(self.body.iter().copied())
            .chain([end.as_slice()]);
        // Never grows, since that would leave copies of a key in memory.
        text.reserve_exact(lines.clone().map(|line| line.len().saturating_add(1)).sum());
        for line in lines {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        T::from_pem_slice(&text).map_err(|_| {
            self.error(PemProblem::NotBase64 {
                label: self.label(),
            })
            .into()
        })
    }

    /// Certificates and keys are both one sequence.
    fn check_der(&self, der: &[u8]) -> Result<(), ConfigError> {
        match Reader(der).expect(SEQUENCE) {
            Some(item) if item.whole.len() == der.len() => Ok(()),
            _ => Err(self
                .error(PemProblem::NotDer {
                    label: self.label(),
                })
                .into()),
        }
    }

    fn label(&self) -> String {
        String::from_utf8_lossy(&self.label).into_owned()
    }

    fn error(&self, problem: PemProblem) -> PemError {
        PemError {
            line: self.line,
            problem,
        }
    }
}

/// All sections of a text.
fn sections(pem: &[u8]) -> Result<Vec<Section<'_>>, PemError> {
    if pem.starts_with(b"\xff\xfe") || pem.starts_with(b"\xfe\xff") {
        let problem = PemProblem::Utf16;
        return Err(PemError { line: 1, problem });
    }
    // A byte order mark would hide the first section.
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
    let mut sections = Vec::new();
    let mut open: Option<Section<'_>> = None;
    let mut lines = lines(pem).enumerate().peekable();
    while let Some((index, text)) = lines.next() {
        let line = index.saturating_add(1);
        let error = |problem| PemError { line, problem };
        if text.starts_with(b"-----BEGIN") {
            if let Some(section) = open {
                let label = section.label();
                return Err(section.error(PemProblem::NoEnd { label }));
            }
            let label = label(text, BEGIN).ok_or_else(|| error(PemProblem::CutMark))?;
            open = Some(Section {
                label: label.to_vec(),
                line,
                body: Vec::new(),
            });
        } else if text.starts_with(b"-----END") {
            let label = label(text, END).ok_or_else(|| error(PemProblem::CutMark))?;
            match open.take() {
                Some(section) if section.label == label => sections.push(section),
                _ => {
                    let label = String::from_utf8_lossy(label).into_owned();
                    return Err(error(PemProblem::NoBegin { label }));
                }
            }
        } else if let Some(section) = &mut open {
            section.body.push(text);
        } else if lines.peek().is_none() && !text.is_empty() && BEGIN.starts_with(text) {
            return Err(error(PemProblem::CutMark));
        }
    }
    if let Some(section) = open {
        let label = section.label();
        return Err(section.error(PemProblem::NoEnd { label }));
    }
    if sections.is_empty() && pem.contains(&0) {
        let problem = PemProblem::Binary;
        return Err(PemError { line: 1, problem });
    }
    Ok(sections)
}

/// The lines without space around them, with any line end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            rest = None;
            return Some(text.trim_ascii());
        };
        let (line, ending) = text.split_at_checked(end)?;
        let length = if ending.starts_with(b"\r\n") { 2 } else { 1 };
        rest = ending.get(length..);
        Some(line.trim_ascii())
    })
}

/// The label in a line that begins or ends a section, if the line is complete.
fn label<'a>(line: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(mark)?.strip_suffix(DASHES)
}
