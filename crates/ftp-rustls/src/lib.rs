//! TLS for the machines of `ftp-proto`, as one more machine around them.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

pub mod config;
mod error;
mod record;
mod secured;
mod tunnel;

pub use config::{
    ClientCertificates, ClientTls, ConfigError, Identity, Roots, Versions, client_config,
    client_config_with_versions, roots_from_pem, server_config, server_config_with_versions,
};
pub use error::{Error, TlsPhase};
pub use rustls;
pub use secured::Secured;
