//! Makes a client's machines from its configuration.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ftp_proto::Instant;
use ftp_proto::client::{Config, Connection, Security};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::rustls::pki_types::ServerName;
use ftp_rustls::{ClientTls, Secured};

use crate::{ActiveMode, Address, Error};

/// What all connections of one connector share: also the TLS sessions that can be resumed.
#[derive(Clone)]
pub struct ClientSetup {
    config: Config,
    server_name: Option<ServerName<'static>>,
    tls: OnceLock<Arc<ClientConfig>>,
    active: ActiveMode,
}

impl ClientSetup {
    /// By default, TLS uses the platform's roots and the crypto provider AWS-LC.
    /// [`set_tls`](Self::set_tls) replaces this; it is required without the features
    /// `platform-verifier` and `aws-lc-rs`.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            server_name: None,
            tls: OnceLock::new(),
            active: ActiveMode::default(),
        }
    }

    /// Uses this TLS configuration.
    pub fn set_tls(&mut self, config: Arc<ClientConfig>) {
        self.tls = OnceLock::from(config);
    }

    /// The name to ask for (SNI) and to check the certificate against, if it is not the host.
    pub fn set_server_name(&mut self, name: ServerName<'static>) {
        self.server_name = Some(name);
    }

    /// Where to listen in active mode.
    pub fn active(&self) -> &ActiveMode {
        &self.active
    }

    /// The same, to be changed.
    pub fn active_mut(&mut self) -> &mut ActiveMode {
        &mut self.active
    }

    /// How long resolving and connecting may take.
    pub fn connect_time(&self) -> Duration {
        self.config.configured_timeouts().connect
    }

    /// The port of the address, or the usual one for the configured security.
    pub fn port(&self, address: &Address) -> u16 {
        let default = || self.config.configured_security().default_port();
        address.port().unwrap_or_else(default)
    }

    /// A machine for a connection to this host. Its clock starts now ([`Instant::START`]).
    ///
    /// # Errors
    /// [`Error::Address`] if TLS cannot check a certificate against `host`, or
    /// [`Error::TlsConfiguration`].
    pub fn machine(&self, host: &str) -> Result<Secured<Connection>, Error> {
        let tls = self.client_tls(host)?;
        let machine = Connection::new(self.config.clone(), Instant::START);
        Ok(match tls {
            Some(tls) => Secured::client(machine, tls),
            None => Secured::clear(machine),
        })
    }

    /// Checks what [`machine`](Self::machine) checks, before a connection is made.
    ///
    /// # Errors
    /// The same as there.
    pub fn check(&self, host: &str) -> Result<(), Error> {
        self.client_tls(host).map(drop)
    }

    fn client_tls(&self, host: &str) -> Result<Option<ClientTls>, Error> {
        if self.config.configured_security() == Security::DangerousPlaintext {
            return Ok(None);
        }
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => Address::server_name(host)?,
        };
        let config = match self.tls.get() {
            Some(config) => config.clone(),
            None => {
                let config = default_tls()?;
                self.tls.get_or_init(|| config).clone()
            }
        };
        Ok(Some(ClientTls::new(config, name)))
    }
}

impl fmt::Debug for ClientSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSetup")
            .field("config", &self.config)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// It does not depend on what is compiled in: a feature that another crate turns on must not change
/// which servers are trusted.
fn default_tls() -> Result<Arc<ClientConfig>, Error> {
    #[cfg(feature = "platform-verifier")]
    return Ok(ftp_rustls::client_config(
        ftp_rustls::Roots::Platform,
        None,
    )?);
    #[cfg(not(feature = "platform-verifier"))]
    return Err(Error::NoTlsConfiguration);
}
