//! The server's configuration.

use std::sync::Arc;

use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::{ConfigError, Identity, Versions, provider};

/// Whether a server asks for client certificates, and whose it trusts. What the client showed is
/// in the session that the application is told of.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// The default: none is asked for.
    #[default]
    NotAsked,
    /// Asked for; a client may have none. One that is not trusted ends the handshake.
    Optional(RootCertStore),
    /// No handshake without one.
    Required(RootCertStore),
}

/// A server's configuration: TLS 1.2 and 1.3, sessions resumed with tickets whose keys live in
/// the returned `Arc` and change by themselves.
///
/// # Errors
/// * [`ConfigError::NoCryptoProvider`] if the crate was built without one.
/// * [`ConfigError::NoRoots`] if client certificates are asked for and none can be trusted.
/// * [`ConfigError::ClientVerifier`] if they cannot be checked.
/// * [`ConfigError::KeyMismatch`] or [`ConfigError::Identity`] if the identity cannot be used.
/// * [`ConfigError::Provider`] if no ticket keys can be made.
pub fn server_config(
    identity: Identity,
    clients: ClientCertificates,
) -> Result<Arc<ServerConfig>, ConfigError> {
    server_config_with_versions(identity, clients, Versions::default())
}

/// [`server_config`] for certain versions of TLS.
///
/// # Errors
/// As for [`server_config`].
pub fn server_config_with_versions(
    identity: Identity,
    clients: ClientCertificates,
    versions: Versions,
) -> Result<Arc<ServerConfig>, ConfigError> {
    let provider = provider()?;
    let verifier = match clients {
        ClientCertificates::NotAsked => WebPkiClientVerifier::no_client_auth(),
        ClientCertificates::Optional(roots) | ClientCertificates::Required(roots)
            if roots.is_empty() =>
        {
            return Err(ConfigError::NoRoots);
        }
        ClientCertificates::Optional(roots) => {
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .allow_unauthenticated()
                .build()
                .map_err(ConfigError::ClientVerifier)?
        }
        ClientCertificates::Required(roots) => {
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(ConfigError::ClientVerifier)?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions.supported())
        .map_err(ConfigError::Versions)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .map_err(ConfigError::from_identity)?;
    // Tickets keep the sessions at the clients: resumption costs the server no memory.
    config.ticketer = ticketer()?;
    Ok(Arc::new(config))
}

fn ticketer() -> Result<Arc<dyn ProducesTickets>, ConfigError> {
    #[cfg(feature = "aws-lc-rs")]
    return rustls::crypto::aws_lc_rs::Ticketer::new().map_err(ConfigError::Provider);
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return rustls::crypto::ring::Ticketer::new().map_err(ConfigError::Provider);
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return Err(ConfigError::NoCryptoProvider);
}
