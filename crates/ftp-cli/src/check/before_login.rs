//! What can be seen without a login.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_proto::wire::{Class, Code};
use ftp_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError, ProtocolVersion};
use ftp_rustls::{Roots, Versions, client_config_with_versions};

use super::finding::{Finding, Level, Subject};
use super::hello;
use super::probe::{Control, ProbeError, Server};
use crate::certificate::CertificateSummary;

/// How long a reply to an injected command is waited for.
const INJECTED: Duration = Duration::from_secs(2);
/// A certificate that ends sooner than this is worth a warning.
const SOON_DAYS: i64 = 21;

/// Where TLS begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsStart {
    /// With `AUTH TLS`.
    Explicit,
    /// With the first byte.
    Implicit,
}

/// A connection under TLS that has heard the greeting.
pub(super) fn secured<'a>(
    server: &'a Server,
    start: TlsStart,
    config: &Arc<ClientConfig>,
) -> Result<Control<'a>, (ProbeError, Vec<String>)> {
    let mut control = server.connect().map_err(|error| (error, Vec::new()))?;
    match secure(&mut control, start, config) {
        Ok(()) => Ok(control),
        Err(error) => Err((error, control.seen)),
    }
}

fn secure(
    control: &mut Control<'_>,
    start: TlsStart,
    config: &Arc<ClientConfig>,
) -> Result<(), ProbeError> {
    match start {
        TlsStart::Implicit => {
            control.start_tls(config)?;
            control.reply()?;
        }
        TlsStart::Explicit => {
            control.reply()?;
            let reply = control.command("AUTH TLS")?;
            if reply.code().class() != Class::Completion {
                return Err(ProbeError::NoTls);
            }
            control.start_tls(config)?;
        }
    }
    Ok(())
}

/// Whether the server asks for a password without TLS.
///
/// What `anonymous` sends is no secret, so that says less.
pub(super) fn clear_passwords(server: &Server, user: &str, is_anonymous: bool) -> Finding {
    const SUBJECT: Subject = Subject::ClearPasswords;
    let mut control = match server.greeted() {
        Ok(control) => control,
        Err(error) => return Finding::unknown(SUBJECT, error, Vec::new()),
    };
    let reply = control.command(&format!("USER {user}"));
    let seen = control.quit();
    match reply.map(|reply| reply.code()) {
        Ok(code) if code.class() == Class::Intermediate => Finding::new(
            SUBJECT,
            if is_anonymous {
                Level::Warning
            } else {
                Level::Error
            },
            "the server asks for a password without TLS",
            seen,
        ),
        Ok(code) if code.class() == Class::Completion => Finding::new(
            SUBJECT,
            if is_anonymous {
                Level::Warning
            } else {
                Level::Error
            },
            "the server logs a user in without TLS and without a password",
            seen,
        ),
        Ok(code) => Finding::new(SUBJECT, Level::Ok, format!("refused ({code})"), seen),
        Err(error) => Finding::unknown(SUBJECT, error, seen),
    }
}

/// Which forms of `AUTH` the server takes (RFC 4217 §4).
pub(super) fn auth(server: &Server) -> Finding {
    const SUBJECT: Subject = Subject::Auth;
    let mut seen = Vec::new();
    let mut takes = Vec::new();
    for form in ["TLS", "SSL"] {
        let answer = server.greeted().and_then(|mut control| {
            let reply = control.command(&format!("AUTH {form}"));
            seen.extend(control.seen.drain(1..));
            reply
        });
        match answer {
            Ok(reply) if reply.code().class() == Class::Completion => takes.push(form),
            Ok(_) => {}
            Err(error) => return Finding::unknown(SUBJECT, error, seen),
        }
    }
    match takes.as_slice() {
        ["TLS"] => Finding::new(SUBJECT, Level::Ok, "AUTH TLS is taken", seen),
        ["TLS", "SSL"] => Finding::new(
            SUBJECT,
            Level::Info,
            "AUTH TLS is taken, and the old AUTH SSL",
            seen,
        ),
        ["SSL"] => Finding::new(
            SUBJECT,
            Level::Warning,
            "only the old AUTH SSL is taken",
            seen,
        ),
        _ => Finding::new(SUBJECT, Level::Error, "the server has no TLS", seen),
    }
}

/// Whether a command that arrives in clear behind `AUTH` is answered under TLS.
pub(super) fn injection(server: &Server, trusting: &Arc<ClientConfig>) -> Finding {
    const SUBJECT: Subject = Subject::Injection;
    let mut control = match server.greeted() {
        Ok(control) => control,
        Err(error) => return Finding::unknown(SUBJECT, error, Vec::new()),
    };
    let outcome = inject(&mut control, trusting);
    let seen = control.seen;
    match outcome {
        Ok(true) => Finding::new(
            SUBJECT,
            Level::Error,
            "a command that came in clear was answered under TLS",
            seen,
        ),
        Ok(false) => Finding::new(SUBJECT, Level::Ok, "they are not taken", seen),
        Err(ProbeError::NoTls) => Finding::unknown(SUBJECT, "the server has no TLS", seen),
        // It refuses such a connection.
        Err(_) => Finding::new(SUBJECT, Level::Ok, "they end the connection", seen),
    }
}

fn inject(control: &mut Control<'_>, trusting: &Arc<ClientConfig>) -> Result<bool, ProbeError> {
    // In one segment, so that the server reads both at once.
    control.send("AUTH TLS\r\nNOOP")?;
    match control.reply()?.code() {
        Code::SERVICE_UNAVAILABLE => return Err(ProbeError::Closed),
        code if code.class() != Class::Completion => return Err(ProbeError::NoTls),
        _ => {}
    }
    control.start_tls(trusting)?;
    match control.reply_until(Instant::now() + INJECTED) {
        Ok(_) => Ok(true),
        Err(ProbeError::TimedOut) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Which versions of TLS the server takes.
pub(super) fn versions(server: &Server, start: TlsStart, host: &str) -> Finding {
    const SUBJECT: Subject = Subject::TlsVersions;
    let mut taken = Vec::new();
    let mut seen = Vec::new();
    for (name, number) in [("1.0", 1), ("1.1", 2)] {
        match takes_old(server, start, host, number) {
            Ok(true) => taken.push(name),
            Ok(false) => {}
            Err(error) => seen.push(format!("TLS {name}: {error}")),
        }
    }
    let is_old = !taken.is_empty();
    for (name, versions) in [("1.2", Versions::Tls12), ("1.3", Versions::Tls13)] {
        let config =
            match client_config_with_versions(Roots::DangerousAnyCertificate, None, versions) {
                Ok(config) => config,
                Err(error) => return Finding::unknown(SUBJECT, error, seen),
            };
        match secured(server, start, &config) {
            Ok(control) => {
                taken.push(name);
                control.quit();
            }
            Err((error, _)) => seen.push(format!("TLS {name}: {error}")),
        }
    }
    let summary = match taken.as_slice() {
        [] => "none was agreed".to_owned(),
        taken => format!("TLS {}", taken.join(", ")),
    };
    let level = match taken.last() {
        Some(&"1.2" | &"1.3") if is_old => Level::Warning,
        Some(&"1.3") => Level::Ok,
        Some(&"1.2") => Level::Info,
        _ => Level::Error,
    };
    Finding::new(SUBJECT, level, summary, seen)
}

/// Whether the server takes TLS 1.0 (`1`) or 1.1 (`2`), by its answer to a hello.
fn takes_old(server: &Server, start: TlsStart, host: &str, minor: u8) -> Result<bool, ProbeError> {
    let mut control = server.connect()?;
    if start == TlsStart::Explicit {
        control.reply()?;
        if control.command("AUTH TLS")?.code().class() != Class::Completion {
            return Err(ProbeError::NoTls);
        }
    }
    control.send_bytes(&hello::of_version(minor, host))?;
    let mut record = [0; 11];
    let mut length = 0;
    while length < record.len() {
        match control.read_raw(&mut record[length..])? {
            0 => return Ok(false),
            count => length += count,
        }
    }
    Ok(hello::is_answer_of_version(&record, minor))
}

/// What is to be said of the certificate, and whether a password may be sent to who shows it.
pub(super) fn certificate(
    server: &Server,
    start: TlsStart,
    trusted: &Arc<ClientConfig>,
    trusting: &Arc<ClientConfig>,
) -> (Finding, bool) {
    const SUBJECT: Subject = Subject::Certificate;
    let refusal = match secured(server, start, trusted) {
        Ok(control) => {
            control.quit();
            None
        }
        Err((ProbeError::Tls(error @ TlsError::InvalidCertificate(_)), _)) => Some(error),
        Err((error, seen)) => return (Finding::unknown(SUBJECT, error, seen), false),
    };
    // Once more, to look at one that is refused, too.
    let shown = secured(server, start, trusting);
    let chain = shown.as_ref().ok().and_then(|control| {
        let chain = control.connection()?.peer_certificates()?;
        Some(chain.to_vec())
    });
    drop(shown.map(Control::quit));
    let Some(chain) = chain.filter(|chain| !chain.is_empty()) else {
        return (
            Finding::unknown(SUBJECT, "none was shown", Vec::new()),
            false,
        );
    };
    let summary = CertificateSummary::of(&chain[0]);
    let mut seen = vec![summary.to_string()];
    seen.push(match chain.len() {
        1 => "no other certificate with it".to_owned(),
        count => format!("{} more with it", count - 1),
    });
    if let Some(error) = refusal {
        let why = match &error {
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
                "its authority is not trusted, or is missing in the chain".to_owned()
            }
            error => error.to_string(),
        };
        return (
            Finding::new(SUBJECT, Level::Error, format!("refused: {why}"), seen),
            false,
        );
    }
    let finding = match summary.days_left() {
        Some(days) if days < SOON_DAYS => Finding::new(
            SUBJECT,
            Level::Warning,
            format!("trusted, but it ends on {}", summary.last_day()),
            seen,
        ),
        Some(days) => Finding::new(
            SUBJECT,
            Level::Ok,
            format!("trusted, {days} days left, {}", summary.key()),
            seen,
        ),
        None => Finding::new(SUBJECT, Level::Info, "trusted, but unreadable", seen),
    };
    (finding, true)
}

/// Whether the host has an IPv6 address, and answers there.
pub(super) fn ipv6(server: &Server) -> Option<Finding> {
    const SUBJECT: Subject = Subject::Ipv6;
    let sixes: Vec<_> = server
        .addresses
        .iter()
        .filter(|address| address.is_ipv6())
        .collect();
    // A host without one, or only with one, needs no word about it.
    if sixes.is_empty() || sixes.len() == server.addresses.len() {
        return None;
    }
    let mut seen = Vec::new();
    for address in &sixes {
        match server.dial(**address) {
            Ok(_) => seen.push(format!("{address}: connected")),
            Err(error) => seen.push(format!("{address}: {error}")),
        }
    }
    let reached = seen
        .iter()
        .filter(|line| line.ends_with("connected"))
        .count();
    Some(if reached == sixes.len() {
        Finding::new(SUBJECT, Level::Ok, "answers there too", seen)
    } else {
        let summary = "the name has an address where nobody answers";
        Finding::new(SUBJECT, Level::Warning, summary, seen)
    })
}

/// Whether the answers to a wrong password show who has an account.
pub(super) fn user_names(
    server: &Server,
    start: TlsStart,
    config: &Arc<ClientConfig>,
    known: &str,
) -> Finding {
    const SUBJECT: Subject = Subject::UserNames;
    // Nobody is called this, and it is as long as a name.
    let invented = "qzwxkvjq";
    let mut seen = Vec::new();
    let mut answers = Vec::new();
    for name in [known, invented] {
        match wrong_login(server, start, config, name) {
            Ok((codes, lines)) => {
                answers.push(codes);
                seen.extend(lines);
            }
            Err(error) => return Finding::unknown(SUBJECT, error, seen),
        }
    }
    if answers.windows(2).all(|pair| pair[0] == pair[1]) {
        let summary = "a known and an unknown name get the same answers";
        Finding::new(SUBJECT, Level::Ok, summary, seen)
    } else {
        let summary = "a known name gets other answers than an unknown one";
        Finding::new(SUBJECT, Level::Warning, summary, seen)
    }
}

type Answers = Vec<(Code, Vec<u8>)>;

fn wrong_login(
    server: &Server,
    start: TlsStart,
    config: &Arc<ClientConfig>,
    name: &str,
) -> Result<(Answers, Vec<String>), ProbeError> {
    let mut control = secured(server, start, config).map_err(|(error, _)| error)?;
    let before = control.seen.len();
    let mut answers = Vec::new();
    let reply = control.command(&format!("USER {name}"))?;
    let asks = reply.code().class() == Class::Intermediate;
    answers.push(without_name(&reply, name));
    if asks {
        let reply = control.command("PASS wrong-on-purpose")?;
        answers.push(without_name(&reply, name));
    }
    let seen = control.quit();
    Ok((answers, seen.into_iter().skip(before).collect()))
}

/// What a reply says, whoever it says it to.
fn without_name(reply: &ftp_proto::wire::Reply, name: &str) -> (Code, Vec<u8>) {
    let text = String::from_utf8_lossy(reply.text()).replace(name, "");
    (reply.code(), text.into_bytes())
}

/// The version of TLS that was agreed, in words.
pub(super) fn version_name(control: &Control<'_>) -> &'static str {
    match control
        .connection()
        .and_then(|connection| connection.protocol_version())
    {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(_) => "TLS 1.2",
        None => "no TLS",
    }
}
