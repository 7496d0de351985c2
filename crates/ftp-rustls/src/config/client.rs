//! The client's configuration.

use core::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;

use super::anchored::AnchoredServers;
use super::diagnosis::Diagnosed;
use super::key_only::KeyOnly;
use super::{CertificatePin, ConfigError, Identity, TrustedCertificates, Versions, provider};

/// Which server certificates a client trusts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Roots {
    /// The operating system's roots.
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// Mozilla's list, compiled in.
    #[cfg(feature = "webpki-roots")]
    Webpki,
    /// These and no others; see [`roots_from_pem`](super::roots_from_pem). A server may show one of
    /// them as its own certificate; see [`TrustedCertificates`].
    Store(TrustedCertificates),
    /// The certificates with these hashes, or with keys that have these hashes, and no others.
    ///
    /// For devices, whose certificates are often self-made, outdated, without a name, or of an old
    /// form. Only the certificate's key counts, and the server must have the private key. So this
    /// is as safe as the way in which you got the hash.
    Pinned(Vec<CertificatePin>),
    /// **Dangerous**: any certificate for any name. An attacker on the way can read and change
    /// everything, including the password. The server must only have the private key of the
    /// certificate that it shows; nothing else in the certificate is checked. `Pinned` requires no
    /// more of a certificate, and is safe.
    DangerousAnyCertificate,
}

/// The TLS settings of a client's connection: a shared configuration, and the server's name for SNI
/// and for the check of its certificate.
#[derive(Clone)]
pub struct ClientTls {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server_name: ServerName<'static>,
}

impl ClientTls {
    /// From a configuration and a name.
    pub fn new(config: Arc<ClientConfig>, server_name: ServerName<'static>) -> Self {
        Self {
            config,
            server_name,
        }
    }

    /// The same from a host as people write it: a DNS name (a dot at the end is removed) or an IP
    /// address, an IPv6 one with or without brackets and zone. For an address no SNI is sent (RFC
    /// 6066 §3), and the certificate must name the address.
    ///
    /// # Errors
    /// [`ConfigError::InvalidServerName`] if it is neither.
    pub fn for_host(config: Arc<ClientConfig>, host: &str) -> Result<Self, ConfigError> {
        let server_name = server_name(host).ok_or_else(|| ConfigError::InvalidServerName {
            host: host.to_owned(),
        })?;
        Ok(Self::new(config, server_name))
    }

    /// The name that the server's certificate is checked against.
    pub fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(ServerName::from(address));
    }
    if let Some((address, _zone)) = bare.split_once('%') {
        return address
            .parse::<Ipv6Addr>()
            .ok()
            .map(|v6| ServerName::from(IpAddr::V6(v6)));
    }
    ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned()).ok()
}

/// A client's configuration: TLS 1.2 and 1.3, sessions of TLS 1.3 resumed from memory through every clone
/// of the returned `Arc`, and `identity` shown to servers that ask for a client certificate.
///
/// A resumed session was agreed under the same configuration, and so under the same roots or pins.
///
/// # Errors
/// * [`ConfigError::NoCryptoProvider`] if the feature `aws-lc-rs` is off.
/// * [`ConfigError::NoRoots`] if no certificate is given or pinned.
/// * [`ConfigError::RootsForOtherPurpose`] if none of those given may be used for servers.
/// * [`ConfigError::Platform`] if the operating system's trust store cannot be used.
/// * [`ConfigError::KeyMismatch`] or [`ConfigError::Identity`] if the identity cannot be used.
pub fn client_config(
    roots: Roots,
    identity: Option<Identity>,
) -> Result<Arc<ClientConfig>, ConfigError> {
    client_config_with_versions(roots, identity, Versions::default())
}

/// [`client_config`] for certain versions of TLS.
///
/// # Errors
/// As for [`client_config`].
pub fn client_config_with_versions(
    roots: Roots,
    identity: Option<Identity>,
    versions: Versions,
) -> Result<Arc<ClientConfig>, ConfigError> {
    client_config_with_provider(roots, identity, versions, provider()?)
}

/// [`client_config_with_versions`] with a crypto provider of your own: for other key exchange
/// groups or another order of them, for instance.
///
/// # Errors
/// As for [`client_config`], and:
/// * [`ConfigError::Versions`] if the provider has nothing for these versions.
/// * [`ConfigError::NoSha256`] if certificates are pinned and the provider has no SHA-256.
pub fn client_config_with_provider(
    roots: Roots,
    identity: Option<Identity>,
    versions: Versions,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<ClientConfig>, ConfigError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions.supported())
        .map_err(ConfigError::Versions)?;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier(roots, &provider)?);
    let config = match identity {
        Some(Identity { chain, key }) => builder
            .with_client_auth_cert(chain, key)
            .map_err(ConfigError::from_identity)?,
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// How servers' certificates are checked.
fn verifier(
    roots: Roots,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
    let (verifier, authorities): (Arc<dyn ServerCertVerifier>, _) = match roots {
        #[cfg(feature = "platform-verifier")]
        Roots::Platform => {
            let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
            (
                Arc::new(verifier.map_err(ConfigError::Platform)?),
                Vec::new(),
            )
        }
        #[cfg(feature = "webpki-roots")]
        Roots::Webpki => {
            let roots = rustls::RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            (
                Arc::new(AnchoredServers::new(&roots.into(), provider)?),
                Vec::new(),
            )
        }
        Roots::Store(trusted) => (
            Arc::new(AnchoredServers::new(&trusted, provider)?),
            trusted.certificates().to_vec(),
        ),
        Roots::Pinned(pins) => return Ok(Arc::new(KeyOnly::pinned(pins, provider)?)),
        Roots::DangerousAnyCertificate => return Ok(Arc::new(KeyOnly::any(provider))),
    };
    Ok(Arc::new(Diagnosed::new(verifier, &authorities)))
}
