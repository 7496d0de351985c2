//! The policy of the server, as its options say.

use ftp_proto::data;
use ftp_proto::server::{
    Config, DataProtectionPolicy, FilesConfig, HashAlgorithm, Resumption, Rights, Security,
    Timeouts,
};

use super::greeting;
use super::homes::Homes;
use crate::cli::{ServeArguments, TlsResumption};
use crate::exit::Failure;

pub(super) fn config(arguments: &ServeArguments, homes: &Homes) -> Result<Config, Failure> {
    let security = match (arguments.tls.implicit, arguments.tls.danger_optional_tls) {
        (true, _) => Security::ImplicitTls,
        (false, false) => Security::ExplicitTls,
        (false, true) => Security::DangerousOptionalTls,
    };
    let mut timeouts = Timeouts::default();
    let login = arguments.limits.login_timeout;
    timeouts.login = login;
    timeouts.first_command = timeouts.first_command.min(login);
    timeouts.handshake = timeouts.handshake.min(login);
    timeouts.idle = arguments.limits.idle_timeout;
    let mut config = Config::new()
        .security(security)
        // Even if no user has one: a reload may add some.
        .takes_accounts(true)
        .max_attempts(arguments.guard.max_attempts.get())
        .timeouts(timeouts);
    if arguments.tls.require_data_tls {
        config = config.data_protection(DataProtectionPolicy::Required);
    }
    if homes.has_files() {
        config = config.files(homes.offered(files(arguments)));
    }
    match &arguments.greeting {
        Some(path) => greeting::greet(config, path),
        None => Ok(config),
    }
}

fn files(arguments: &ServeArguments) -> FilesConfig {
    let mut timeouts = data::Timeouts::default();
    timeouts.connect = arguments.files.data_timeout;
    timeouts.handshake = arguments.files.data_timeout;
    timeouts.stall = arguments.files.stall_timeout;
    let resumption = match arguments.tls.tls_resumption {
        TlsResumption::Off => Resumption::Off,
        TlsResumption::Report => Resumption::Report,
        TlsResumption::Require => Resumption::Require,
    };
    FilesConfig::new()
        // Each verdict says what its user may do.
        .rights(Rights::NONE)
        .active(arguments.files.active)
        .resumption(resumption)
        .hashes([HashAlgorithm::Sha256, HashAlgorithm::Sha512])
        .space(cfg!(unix))
        .timeouts(timeouts)
}
