//! The server's configuration.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::anchored::AnchoredClients;
use super::diagnosis::Diagnosed;
use super::{ConfigError, Identity, Provider, TrustedCertificates, Versions};

/// Whether a server asks for client certificates, and which it trusts. The client's certificate is
/// in the session that the application gets.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// The default: the server does not ask for one.
    #[default]
    NotAsked,
    /// The server asks for one; a client may have none. One that is not trusted ends the handshake.
    Optional(TrustedCertificates),
    /// The handshake fails without one.
    Required(TrustedCertificates),
}

/// A server's configuration: TLS 1.2 and 1.3, sessions resumed with tickets whose keys are in the
/// returned `Arc` and change by themselves.
///
/// # Errors
/// * [`ConfigError::NoCryptoProvider`] if the feature `aws-lc-rs` is off.
/// * [`ConfigError::NoRoots`] if client certificates are asked for and none is trusted.
/// * [`ConfigError::RootsForOtherPurpose`] if none of those trusted may be used for clients.
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
    server_config_with_provider(identity, clients, versions, Provider::by_default()?)
}

/// [`server_config_with_versions`] with another crypto provider than the default.
///
/// # Errors
/// As for [`server_config`].
pub fn server_config_with_provider(
    identity: Identity,
    clients: ClientCertificates,
    versions: Versions,
    provider: Provider,
) -> Result<Arc<ServerConfig>, ConfigError> {
    let crypto = provider.crypto();
    let verifier = match clients {
        ClientCertificates::NotAsked => WebPkiClientVerifier::no_client_auth(),
        ClientCertificates::Optional(trusted) => verifier(&trusted, &crypto, true)?,
        ClientCertificates::Required(trusted) => verifier(&trusted, &crypto, false)?,
    };
    let mut config = ServerConfig::builder_with_provider(crypto)
        .with_protocol_versions(&versions.supported())
        .map_err(ConfigError::Versions)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .map_err(ConfigError::from_identity)?;
    // Tickets keep the sessions at the clients: resumption costs the server no memory.
    config.ticketer = provider.ticketer()?;
    Ok(Arc::new(config))
}

fn verifier(
    trusted: &TrustedCertificates,
    provider: &Arc<CryptoProvider>,
    optional: bool,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
    let verifier: Arc<dyn ClientCertVerifier> =
        Arc::new(AnchoredClients::new(trusted, provider, optional)?);
    Ok(Arc::new(Diagnosed::new(verifier, trusted.certificates())))
}
