//! One transfer by hand, and what is seen of its data connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_proto::wire::{Class, Code, Passive, Reply};
use ftp_rustls::rustls::{ClientConfig, HandshakeKind};

use super::probe::{Control, ProbeError, Stream};

/// What came of a transfer.
pub(super) struct Transfer {
    pub(super) bytes: Vec<u8>,
    /// The data ended in order: under TLS with a `close_notify`.
    pub(super) ended_in_order: bool,
    /// Whether its TLS session was resumed.
    pub(super) resumed: bool,
    /// From the passive command to the last reply.
    pub(super) time: Duration,
}

/// Why there was no transfer.
pub(super) enum NoTransfer {
    /// The server refused it, with this reply.
    Refused(Reply),
    Failed(ProbeError),
}

impl<E: Into<ProbeError>> From<E> for NoTransfer {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl std::fmt::Display for NoTransfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(reply) => write!(f, "{reply}"),
            Self::Failed(error) => write!(f, "{error}"),
        }
    }
}

/// The port for a data connection: with `EPSV`, or `PASV` where that is refused.
fn passive(control: &mut Control<'_>) -> Result<u16, NoTransfer> {
    let mut reply = control.command("EPSV")?;
    if reply.code().class() != Class::Completion {
        reply = control.command("PASV")?;
    }
    match Passive::parse(reply.borrow()) {
        Some(passive) => Ok(passive.port()),
        None => Err(NoTransfer::Refused(reply)),
    }
}

/// Sends the command and opens its data connection, under TLS with this configuration.
///
/// The handshake comes before the reply is waited for: some servers shake hands before their 150.
fn begin(
    control: &mut Control<'_>,
    offset: usize,
    command: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Stream, NoTransfer> {
    let port = passive(control)?;
    let mut data = control.open_data(port)?;
    if offset > 0 {
        // Directly before the command (RFC 3659 §5.3).
        control.command(&format!("REST {offset}"))?;
    }
    control.send(command)?;
    if let Some(config) = tls {
        match control.secure_data(data, config) {
            Ok(secured) => data = secured,
            Err(error) => return Err(reason(control, error)),
        }
    }
    let reply = control.reply()?;
    match reply.code().class() {
        Class::Preliminary => Ok(data),
        _ => Err(NoTransfer::Refused(reply)),
    }
}

/// Why there was no handshake: what the server says of it is the better report.
fn reason(control: &mut Control<'_>, error: ProbeError) -> NoTransfer {
    for _ in 0..2 {
        match control.reply() {
            Ok(reply) if is_refusal(&reply) => return NoTransfer::Refused(reply),
            Ok(reply) if reply.code().class() == Class::Preliminary => {}
            _ => break,
        }
    }
    NoTransfer::Failed(error)
}

fn is_refusal(reply: &Reply) -> bool {
    matches!(
        reply.code().class(),
        Class::TransientNegative | Class::PermanentNegative
    )
}

/// Receives what the command sends.
pub(super) fn receive(
    control: &mut Control<'_>,
    command: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Transfer, NoTransfer> {
    receive_from(control, 0, command, tls)
}

/// The same from an offset.
pub(super) fn receive_from(
    control: &mut Control<'_>,
    offset: usize,
    command: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Transfer, NoTransfer> {
    again_if_refused(tls, || receive_once(control, offset, command, tls))
}

fn receive_once(
    control: &mut Control<'_>,
    offset: usize,
    command: &str,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Transfer, NoTransfer> {
    let began = Instant::now();
    let mut data = begin(control, offset, command, tls)?;
    let (bytes, ended_in_order) = control.read_all(&mut data)?;
    let resumed = is_resumed(&data);
    data.end();
    finish(control)?;
    Ok(Transfer {
        bytes,
        ended_in_order,
        resumed,
        time: began.elapsed(),
    })
}

/// Sends these bytes.
pub(super) fn send(
    control: &mut Control<'_>,
    command: &str,
    bytes: &[u8],
    tls: Option<&Arc<ClientConfig>>,
) -> Result<(), NoTransfer> {
    again_if_refused(tls, || {
        let mut data = begin(control, 0, command, tls)?;
        data.write_all(bytes, control.until())?;
        data.finish(control.until())?;
        finish(control)
    })
}

/// Some servers refuse a data connection when its sessions are used up. The refused handshake brings new
/// ones (ProFTPD with TLS 1.3), so it is tried once more.
fn again_if_refused<T>(
    tls: Option<&Arc<ClientConfig>>,
    mut transfer: impl FnMut() -> Result<T, NoTransfer>,
) -> Result<T, NoTransfer> {
    match transfer() {
        Err(NoTransfer::Refused(reply))
            if tls.is_some() && reply.code() == Code::CANNOT_OPEN_DATA_CONNECTION =>
        {
            transfer()
        }
        done => done,
    }
}

fn is_resumed(data: &Stream) -> bool {
    let kind = data
        .connection()
        .and_then(|connection| connection.handshake_kind());
    kind == Some(HandshakeKind::Resumed)
}

/// The last reply.
fn finish(control: &mut Control<'_>) -> Result<(), NoTransfer> {
    let reply = control.reply()?;
    match reply.code().class() {
        Class::Completion => Ok(()),
        _ => Err(NoTransfer::Refused(reply)),
    }
}
