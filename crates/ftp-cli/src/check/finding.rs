//! What was found, and its form for people and programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::advice::{self, Software};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// It could not be found out.
    Unknown,
    Warning,
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    ClearPasswords,
    Auth,
    Injection,
    TlsVersions,
    Certificate,
    Login,
    Features,
    DataInClear,
    DataResumption,
    DataEnd,
    Passive,
    Ipv6,
    Delay,
    UserNames,
    Writing,
}

impl Subject {
    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClearPasswords => "passwords in clear",
            Self::Auth => "TLS on request",
            Self::Injection => "bytes before TLS",
            Self::TlsVersions => "versions of TLS",
            Self::Certificate => "certificate",
            Self::Login => "login",
            Self::Features => "features",
            Self::DataInClear => "data in clear",
            Self::DataResumption => "sessions on data",
            Self::DataEnd => "end of data",
            Self::Passive => "passive address",
            Self::Ipv6 => "IPv6",
            Self::Delay => "small transfers",
            Self::UserNames => "user names",
            Self::Writing => "writing",
        }
    }
}

/// One answer.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(super) subject: Subject,
    pub(super) level: Level,
    /// What holds, in a sentence.
    pub(super) summary: String,
    /// The lines that show it, without secrets.
    pub(super) seen: Vec<String>,
    /// Why it matters. Nothing, if all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// How to mend it, by server.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    mend: BTreeMap<&'static str, &'static str>,
}

impl Finding {
    pub(super) fn new(
        subject: Subject,
        level: Level,
        summary: impl Into<String>,
        seen: Vec<String>,
    ) -> Self {
        let is_bad = level >= Level::Warning;
        Self {
            subject,
            level,
            summary: summary.into(),
            seen,
            why: is_bad.then(|| advice::why(subject)),
            mend: match is_bad {
                true => advice::mend(subject).collect(),
                false => BTreeMap::new(),
            },
        }
    }

    pub(super) fn unknown(subject: Subject, error: impl fmt::Display, seen: Vec<String>) -> Self {
        Self::new(subject, Level::Unknown, error.to_string(), seen)
    }
}

/// All findings of one server.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// `host:port`.
    pub(super) server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) software: Option<Software>,
    pub(super) worst: Level,
    pub(super) findings: Vec<Finding>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.server)?;
        if let Some(software) = self.software {
            write!(f, ": {}", software.name())?;
        }
        for finding in &self.findings {
            let Finding { level, summary, .. } = finding;
            write!(
                f,
                "\n{:<8} {:<19} {summary}",
                level.name(),
                finding.subject.name()
            )?;
            let mut detail = |title: &str, text: &str| write!(f, "\n{:28} {title}: {text}", "");
            let Some(why) = finding.why else { continue };
            detail("why", why)?;
            if let Some(seen) = shown(&finding.seen) {
                detail("seen", &seen)?;
            }
            for (server, advice) in &finding.mend {
                if self
                    .software
                    .is_none_or(|software| software.name() == *server)
                {
                    detail(server, advice)?;
                }
            }
        }
        Ok(())
    }
}

/// The last lines of a dialogue, in one.
fn shown(seen: &[String]) -> Option<String> {
    const MOST: usize = 4;
    let last = seen.get(seen.len().saturating_sub(MOST)..)?;
    (!last.is_empty()).then(|| last.join(" "))
}
