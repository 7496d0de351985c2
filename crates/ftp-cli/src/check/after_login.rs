//! What can be seen after a login: features, data connections, files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_proto::wire::{Class, Features, Passive};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::client::Resumption;

use super::before_login::version_name;
use super::data::{NoTransfer, Transfer, receive, receive_from, send};
use super::finding::{Finding, Level, Subject};
use super::probe::{Control, ProbeError};
use crate::credentials::Credentials;

/// How often a small transfer is timed. The fastest counts.
const TIMES: usize = 5;
/// A small transfer may take this much longer than its round trips. A delayed ACK takes 40 ms.
const MOST_DELAY: Duration = Duration::from_millis(30);

/// Logs in, once.
///
/// # Errors
/// What the server says against it.
pub(super) fn log_in(control: &mut Control<'_>, credentials: &Credentials) -> Result<(), String> {
    let said = |error: ProbeError| error.to_string();
    let name = credentials.username.as_ref().map(|name| name.as_bytes());
    let name = String::from_utf8_lossy(name.unwrap_or(b"anonymous")).into_owned();
    let mut reply = control.command(&format!("USER {name}")).map_err(said)?;
    if reply.code().class() == Class::Intermediate {
        let password = match (&credentials.password, &credentials.username) {
            (Some(password), _) => password.expose(),
            (None, None) => b"anonymous@",
            (None, Some(_)) => return Err("the server wants a password, and none was given".into()),
        };
        reply = control.secret("PASS", password).map_err(said)?;
    }
    if reply.code().class() == Class::Intermediate {
        let Some(account) = &credentials.account else {
            return Err("the server wants an account: give it with --account".into());
        };
        reply = control.secret("ACCT", account.expose()).map_err(said)?;
    }
    match reply.code().class() {
        Class::Completion => Ok(()),
        _ => Err(format!("refused ({})", reply.code())),
    }
}

/// Takes what was said since the last call.
fn seen(control: &mut Control<'_>) -> Vec<String> {
    std::mem::take(&mut control.seen)
}

/// What `FEAT` says (RFC 2389).
pub(super) fn features(control: &mut Control<'_>) -> Finding {
    const SUBJECT: Subject = Subject::Features;
    let features = match control.command("FEAT") {
        Ok(reply) if reply.code().class() == Class::Completion => Features::parse(reply.borrow()),
        Ok(_) => Features::default(),
        Err(error) => return Finding::unknown(SUBJECT, error, seen(control)),
    };
    let lines = features.iter().map(|(name, parameters)| {
        let line = [name, b" ", parameters].concat();
        ftp_proto::wire::escape(line.trim_ascii()).to_string()
    });
    let lines: Vec<_> = lines.collect();
    control.seen.clear();
    let needed = [
        ("SIZE", features.size()),
        ("REST STREAM", features.rest_stream()),
        ("UTF8", features.utf8()),
    ];
    let good = [
        ("MLSD", features.has_mlst()),
        ("MDTM", features.modified()),
        ("EPSV", features.epsv()),
        ("HASH", features.hash_algorithms().next().is_some()),
    ];
    let missing = |list: &[(&'static str, bool)]| {
        let missing = list.iter().filter(|(_, is_there)| !is_there);
        missing.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let (badly, also) = (missing(&needed), missing(&good));
    let level = match (badly.is_empty(), also.is_empty()) {
        (false, _) => Level::Warning,
        (true, false) => Level::Info,
        (true, true) => Level::Ok,
    };
    let missing = [badly, also].concat();
    let summary = match missing.is_empty() {
        true => "all that clients look for".to_owned(),
        false => format!("not listed: {}", missing.join(", ")),
    };
    Finding::new(SUBJECT, level, summary, lines)
}

/// Which address `PASV` names, and whether `EPSV` works.
pub(super) fn passive(control: &mut Control<'_>) -> Finding {
    const SUBJECT: Subject = Subject::Passive;
    let answer = control.peer().and_then(|peer| {
        let extended = control.command("EPSV")?.code().class() == Class::Completion;
        let named = match peer.is_ipv4() {
            true => Passive::parse(control.command("PASV")?.borrow()),
            false => None,
        };
        Ok((peer, extended, named))
    });
    let seen = seen(control);
    let extended = |works: bool| match works {
        true => "EPSV works",
        false => "EPSV does not work",
    };
    match answer {
        Err(error) => Finding::unknown(SUBJECT, error, seen),
        Ok((peer, works, Some(Passive::Address(named)))) if *named.ip() != peer.ip() => {
            let summary = format!(
                "PASV names {}, and the server is {}; {}",
                named.ip(),
                peer.ip(),
                extended(works)
            );
            Finding::new(SUBJECT, Level::Warning, summary, seen)
        }
        Ok((_, false, None)) => {
            Finding::new(SUBJECT, Level::Warning, "neither EPSV nor PASV works", seen)
        }
        Ok((_, works, named)) => {
            let level = if works { Level::Ok } else { Level::Info };
            let named = named.map_or("", |_| "PASV names the server's address; ");
            Finding::new(SUBJECT, level, format!("{named}{}", extended(works)), seen)
        }
    }
}

/// Whether a listing can be had in clear though the login was under TLS (RFC 4217 §10).
pub(super) fn data_in_clear(control: &mut Control<'_>) -> Finding {
    const SUBJECT: Subject = Subject::DataInClear;
    let answer = clear_listing(control);
    let seen = seen(control);
    match answer {
        Ok(_) => {
            let summary = "after PROT C a listing came in clear";
            Finding::new(SUBJECT, Level::Warning, summary, seen)
        }
        Err(NoTransfer::Refused(reply)) => Finding::new(
            SUBJECT,
            Level::Ok,
            format!("refused ({})", reply.code()),
            seen,
        ),
        Err(NoTransfer::Failed(error)) => Finding::unknown(SUBJECT, error, seen),
    }
}

fn clear_listing(control: &mut Control<'_>) -> Result<Transfer, NoTransfer> {
    // Some want it before any PROT.
    control.command("PBSZ 0")?;
    let reply = control.command("PROT C")?;
    if reply.code().class() != Class::Completion {
        return Err(NoTransfer::Refused(reply));
    }
    receive(control, "LIST", None)
}

/// Turns protection of data on.
pub(super) fn protect(control: &mut Control<'_>) -> Result<(), String> {
    for command in ["PBSZ 0", "PROT P"] {
        let reply = control
            .command(command)
            .map_err(|error| error.to_string())?;
        if reply.code().class() != Class::Completion {
            return Err(format!("{command} is refused ({})", reply.code()));
        }
    }
    Ok(())
}

/// The same configuration, for connections that resume nothing.
fn forgetful(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// A listing that resumes the session of the control connection, if that can be had.
pub(super) fn resumed(
    control: &mut Control<'_>,
    config: &Arc<ClientConfig>,
) -> Result<Transfer, NoTransfer> {
    receive(control, "LIST", Some(config))
}

/// Whether sessions are resumed on data connections, and whether the server demands it. Last of all, since
/// some servers (vsftpd) end the control connection where they refuse a data connection.
pub(super) fn resumption(
    control: &mut Control<'_>,
    config: &ClientConfig,
    resumed: &Result<Transfer, NoTransfer>,
) -> Finding {
    const SUBJECT: Subject = Subject::DataResumption;
    let version = version_name(control);
    let full = receive(control, "LIST", Some(&forgetful(config)));
    let seen = seen(control);
    let (level, summary) = match (resumed, &full) {
        (Ok(Transfer { resumed: true, .. }), Err(NoTransfer::Refused(_))) => {
            (Level::Ok, format!("demanded, and it works ({version})"))
        }
        (Ok(Transfer { resumed: true, .. }), _) => (
            Level::Info,
            format!("works, and is not demanded ({version})"),
        ),
        (Ok(_), _) => (Level::Info, format!("the server resumes none ({version})")),
        (Err(error), _) => (Level::Unknown, format!("no listing: {error}")),
    };
    Finding::new(SUBJECT, level, summary, seen)
}

/// Whether the data ended as it should.
pub(super) fn end_of_data(transfer: &Transfer) -> Finding {
    const SUBJECT: Subject = Subject::DataEnd;
    if transfer.ended_in_order {
        Finding::new(SUBJECT, Level::Ok, "with a close_notify", Vec::new())
    } else {
        let summary = "without a close_notify";
        Finding::new(SUBJECT, Level::Warning, summary, Vec::new())
    }
}

/// How much longer a small transfer takes than its round trips.
pub(super) fn delay(control: &mut Control<'_>, tls: Option<&Arc<ClientConfig>>) -> Finding {
    const SUBJECT: Subject = Subject::Delay;
    // Passive, connect, command, end; the handshake comes on top.
    let trips = if tls.is_some() { 6 } else { 4 };
    let measured = (|| {
        let mut trip = Duration::MAX;
        let mut transfer = Duration::MAX;
        for _ in 0..TIMES {
            let began = Instant::now();
            control.command("NOOP")?;
            trip = trip.min(began.elapsed());
            transfer = transfer.min(receive(control, "LIST", tls)?.time);
        }
        Ok::<_, NoTransfer>((trip, transfer))
    })();
    let seen = seen(control);
    let (trip, transfer) = match measured {
        Ok(times) => times,
        Err(error) => return Finding::unknown(SUBJECT, error, seen),
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let summary = format!(
        "{:.1} ms each; a round trip takes {:.1} ms",
        milliseconds(transfer),
        milliseconds(trip)
    );
    let level = match transfer.saturating_sub(trip * trips) > MOST_DELAY {
        true => Level::Warning,
        false => Level::Ok,
    };
    Finding::new(SUBJECT, level, summary, Vec::new())
}

/// Stores a file in this directory, reads it again, from the middle too, and removes it.
pub(super) fn writing(
    control: &mut Control<'_>,
    directory: &str,
    name: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Finding {
    const SUBJECT: Subject = Subject::Writing;
    let path = format!("{}/{name}", directory.trim_end_matches('/'));
    let answer = store_and_read(control, &path, tls);
    // Also after a failure: something may have come.
    let removed = control.command(&format!("DELE {path}"));
    let seen = seen(control);
    let is_removed = removed.is_ok_and(|reply| reply.code().class() == Class::Completion);
    match answer {
        Ok(()) if is_removed => {
            let summary = "stored, read, resumed and removed a file";
            Finding::new(SUBJECT, Level::Ok, summary, seen)
        }
        Ok(()) => {
            let summary = format!("{path} was stored and cannot be removed");
            Finding::new(SUBJECT, Level::Warning, summary, seen)
        }
        Err(why) => Finding::new(SUBJECT, Level::Error, why, seen),
    }
}

fn store_and_read(
    control: &mut Control<'_>,
    path: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<(), String> {
    const LENGTH: u32 = 100_000;
    const MIDDLE: usize = 40_000;
    let said = |what: &'static str| move |error: NoTransfer| format!("{what}: {error}");
    let reply = |error: ProbeError| error.to_string();
    // Every byte value, line ends among them, and no pattern that a shift would hide.
    let content: Vec<u8> = (0..LENGTH)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1])
        .collect();
    control.command("TYPE I").map_err(reply)?;
    send(control, &format!("STOR {path}"), &content, tls).map_err(said("cannot store"))?;
    let whole = receive(control, &format!("RETR {path}"), tls).map_err(said("cannot read"))?;
    if whole.bytes != content {
        return Err("what is read is not what was stored".to_owned());
    }
    let rest = receive_from(control, MIDDLE, &format!("RETR {path}"), tls)
        .map_err(said("cannot resume"))?;
    if rest.bytes != content[MIDDLE..] {
        return Err("REST does not begin where it should".to_owned());
    }
    Ok(())
}
