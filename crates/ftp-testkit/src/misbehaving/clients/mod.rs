//! Misbehaving clients, by the subject of the case.

mod commands;
mod login;
mod security;
mod silence;

use ftp_proto::server::{ClosedWhy, Config, PeerFault, Security};

use super::script::say;
use super::try_server::short;
use super::{FaultyClient, ServerEnd, Step};

/// All of them.
pub fn all() -> Vec<FaultyClient> {
    [
        silence::cases(),
        commands::cases(),
        login::cases(),
        security::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The right name and the right password, in one packet.
const LOG_IN: &str = "USER developer\r\nPASS correct horse sentinel\r\n";
const QUIT: &str = "QUIT\r\n";
/// How it ends after `QUIT`.
const BY_QUIT: ServerEnd = ServerEnd::Closed(ClosedWhy::Quit);
const BY_CLIENT: ServerEnd = ServerEnd::Closed(ClosedWhy::PeerClosed);

fn closed(why: ClosedWhy) -> ServerEnd {
    ServerEnd::Closed(why)
}

fn fault(fault: PeerFault) -> ServerEnd {
    ServerEnd::Closed(ClosedWhy::PeerFault(fault))
}

fn short_first_command(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.first_command))
}

fn short_login(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.login))
}

fn short_idle(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.idle))
}

fn short_write(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.write))
}

fn short_handshake(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.handshake))
}

fn with_tls(config: Config) -> Config {
    config.security(Security::ExplicitTls)
}

fn with_implicit_tls(config: Config) -> Config {
    config.security(Security::ImplicitTls)
}
