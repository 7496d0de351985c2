//! The two sides of a pair.

use std::time::Duration;

use ftp_proto::client::{self, Login};
use ftp_proto::server::{self, NameRule};
use ftp_proto::{Account, Username};

use crate::laws::SECRET;

pub(super) fn username() -> Username {
    Username::new("anna").expect("a name")
}

pub(super) fn login(choice: u8) -> Login {
    let named = |name| Login::new(name, SECRET).expect("a login");
    let account = Account::new(SECRET).expect("an account");
    match choice % 7 {
        0 => named("anna"),
        1 => named("anna").account(account),
        2 => named("anna").ask(),
        3 => Login::interactive(),
        4 => Login::user(Username::new("open").expect("a name")),
        5 => named("member").account(account),
        _ => named("member").ask(),
    }
}

pub(super) fn client_config(choices: &[u8; 4]) -> client::Config {
    let is = |bit: u8| choices[1] & (1 << bit) != 0;
    let protection = match choices[0] / 4 % 3 {
        0 => client::DataProtection::Required,
        1 => client::DataProtection::Preferred,
        _ => client::DataProtection::Clear,
    };
    let config = client::Config::new(login(choices[0] / 12))
        .security(match choices[0] % 4 {
            0 | 3 => client::Security::DangerousPlaintext,
            1 => client::Security::ExplicitTls,
            _ => client::Security::ImplicitTls,
        })
        .data_protection(protection)
        .pipelining(is(0))
        .auth_ssl_fallback(is(1))
        .clear_command_channel(is(2));
    if is(3) {
        config.host("ftp.example.com").expect("a host")
    } else {
        config
    }
}

pub(super) fn server_config(choices: &[u8; 4]) -> server::Config {
    let is = |bit: u8| choices[2] & (1 << bit) != 0;
    // Mostly one that the client can talk to.
    let security = match (choices[0] % 4, choices[3]) {
        (_, 1) => server::Security::DangerousPlaintext,
        (0 | 3, 2) => server::Security::ExplicitTls,
        (2, _) => server::Security::ImplicitTls,
        (1, _) => server::Security::ExplicitTls,
        _ => server::Security::DangerousOptionalTls,
    };
    server::Config::new()
        .security(security)
        .takes_accounts(is(0))
        .clear_command_channel(is(1))
        .auth_ssl(is(2))
        .failure_delay(
            Duration::from_secs(u64::from(is(3))),
            Duration::from_secs(9),
        )
        .data_protection(if is(4) {
            server::DataProtectionPolicy::Required
        } else {
            server::DataProtectionPolicy::Optional
        })
        .name_rule(|name| match name.as_bytes() {
            b"open" => NameRule::Open,
            b"member" => NameRule::AccountOnly,
            _ => NameRule::Password,
        })
}
