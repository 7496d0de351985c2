//! What the options of a connection mean: security, trust, and the configuration of the client.

use std::sync::Arc;

use ftp_proto::client::{Config, DataProtection, Security, Timeouts, Utf8};
use ftp_proto::{Lenience, data};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::{ConfigError, Roots, Versions, client_config_with_versions};

use crate::certificate::{read_identity, read_roots};
use crate::cli::{ConnectionArguments, ProtectionChoice, Utf8Choice};
use crate::credentials::Credentials;
use crate::exit::Failure;
use crate::output::complain;
use crate::report::Trust;
use crate::target::Target;

/// How many further replies a greeting may have with `--lenient-greeting`. Devices send three.
const MOST_GREETINGS: usize = 16;

/// # Errors
/// If `--plaintext` and the URL contradict each other.
pub(crate) fn security(
    arguments: &ConnectionArguments,
    target: &Target,
) -> Result<Security, Failure> {
    match (arguments.plaintext, target.security) {
        (true, Security::ImplicitTls) => Err(Failure::usage(
            "--plaintext and ftps:// contradict each other: ftps:// is TLS from the first byte",
        )),
        (true, _) => Ok(Security::DangerousPlaintext),
        (false, security) => Ok(security),
    }
}

/// Says what is dangerous about the options.
pub(crate) fn warn(arguments: &ConnectionArguments) {
    if arguments.plaintext {
        complain(
            "warning: --plaintext: no TLS; name, password and all else can be read and changed on \
             the way",
        );
    }
    if arguments.danger_accept_any_cert {
        complain(
            "warning: --danger-accept-any-cert: anyone on the way can pose as the server and read \
             the password",
        );
    }
}

/// Which certificates the options trust.
pub(crate) fn trust(arguments: &ConnectionArguments) -> Trust {
    match arguments.ca {
        _ if arguments.danger_accept_any_cert => Trust::Any,
        Some(_) => Trust::File,
        None if !arguments.cert_sha256.is_empty() => Trust::Pins,
        None => Trust::Platform,
    }
}

/// # Errors
/// If a certificate or key cannot be used.
pub(crate) fn tls_config(
    arguments: &ConnectionArguments,
    versions: Versions,
) -> Result<Arc<ClientConfig>, Failure> {
    let roots = match (&arguments.ca, trust(arguments)) {
        (_, Trust::Any) => Roots::DangerousAnyCertificate,
        (_, Trust::Pins) => Roots::Pinned(arguments.cert_sha256.clone()),
        (Some(path), _) => Roots::Store(read_roots(path)?),
        (None, _) => Roots::Platform,
    };
    let identity = match (&arguments.client_cert, &arguments.client_key) {
        (Some(chain), Some(key)) => Some(read_identity(chain, key)?),
        _ => None,
    };
    client_config_with_versions(roots, identity, versions).map_err(|error| {
        let file = match error {
            ConfigError::KeyMismatch | ConfigError::Identity(_) => &arguments.client_cert,
            ConfigError::RootsForOtherPurpose => &arguments.ca,
            _ => &None,
        };
        let file = file
            .as_deref()
            .map(|path| format!(" with {}", path.display()));
        Failure::usage(format!(
            "cannot set up TLS{}: {error}",
            file.unwrap_or_default()
        ))
    })
}

/// `asks`: questions of the server can be answered while it waits.
///
/// # Errors
/// If the name of `--host` cannot be sent.
pub(crate) fn config(
    arguments: &ConnectionArguments,
    security: Security,
    credentials: &Credentials,
    asks: bool,
) -> Result<Config, Failure> {
    let config = Config::new(credentials.to_login(asks))
        .security(security)
        .data_protection(match arguments.protection {
            ProtectionChoice::Required => DataProtection::Required,
            ProtectionChoice::Preferred => DataProtection::Preferred,
            ProtectionChoice::Clear => DataProtection::Clear,
        })
        .auth_ssl_fallback(arguments.auth_ssl_fallback)
        .utf8(match arguments.utf8 {
            Utf8Choice::Never => Utf8::Never,
            Utf8Choice::Announced => Utf8::IfAnnounced,
            Utf8Choice::Always => Utf8::Always,
        })
        .pipelining(arguments.pipeline)
        .lenience(lenience(arguments))
        .timeouts(timeouts(arguments))
        .data_timeouts(data_timeouts(arguments));
    match &arguments.host {
        Some(name) => config
            .host(name)
            .map_err(|why| Failure::usage(format!("the name of --host {}", why.problem))),
        None => Ok(config),
    }
}

/// Each step has `--timeout`: also the final reply of a transfer.
fn timeouts(arguments: &ConnectionArguments) -> Timeouts {
    let mut timeouts = Timeouts::uniform(arguments.timeout);
    timeouts.transfer = arguments.timeout;
    timeouts
}

fn data_timeouts(arguments: &ConnectionArguments) -> data::Timeouts {
    let mut timeouts = data::Timeouts::default();
    timeouts.connect = arguments.timeout;
    timeouts.handshake = arguments.timeout;
    timeouts.stall = arguments.timeout;
    timeouts
}

fn lenience(arguments: &ConnectionArguments) -> Lenience {
    let mut lenience = Lenience::default();
    if arguments.lenient_greeting {
        lenience.repeated_greetings = MOST_GREETINGS;
    }
    lenience
}
