//! The options of the guard across connections.

use std::time::Duration;

use ftp_guard::{AnswerFloor, Guard, GuardConfig, Lockout, RefusedWhy, Rule, Scope, Seed};
use ftp_tokio::SharedGuard;

use crate::cli::ServeArguments;
use crate::exit::{Exit, Failure};
use crate::options::GuardOption;

/// The configuration with this option.
fn apply(option: GuardOption, config: GuardConfig) -> GuardConfig {
    match option {
        GuardOption::Connections(most) => config.connections(most),
        GuardOption::ConnectionsPerAddress(most) => config.connections_per_address(most),
        GuardOption::ConnectionsPerNetwork(most) => config.connections_per_network(most),
        GuardOption::SessionsPerUser(most) => config.sessions_per_user(most),
        GuardOption::UserAtAddress(after) => {
            let rule = config.configured_user_at_address();
            config.user_at_address(locking_after(rule, after))
        }
        GuardOption::Address(after) => {
            let rule = config.configured_address();
            config.address(locking_after(rule, after))
        }
        GuardOption::Network(after) => {
            let rule = config.configured_network();
            config.network(locking_after(rule, after))
        }
        GuardOption::User(after) => {
            let rule = config.configured_user();
            config.user(locking_after(rule, after))
        }
        GuardOption::AnswerFloor(floor) => {
            config.answer_floor(AnswerFloor::new(floor, AnswerFloor::default().step()))
        }
    }
}

/// The rule with a lockout after this many failures, otherwise unchanged.
fn locking_after(rule: Rule, failures: u32) -> Rule {
    let mut lockout = rule.lockout.unwrap_or(Lockout::after(failures));
    lockout.after = failures;
    rule.lockout(lockout)
}

/// The guard that these options ask for.
///
/// # Errors
/// If the system has no random numbers, or the file of `--guard-seed` has no seed.
pub(crate) fn guard(arguments: &ServeArguments) -> Result<SharedGuard, Failure> {
    let config = config(arguments);
    #[cfg(feature = "guard-store")]
    if let Some(path) = &arguments.store.seed {
        use super::guard_store::{read_seed, since_epoch};
        // All front ends count from the same moment.
        let config = config.clock_start(since_epoch());
        return Ok(SharedGuard::new(Guard::new(config, read_seed(path)?)));
    }
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            format!("the system gives no random numbers: {error}"),
        )
    })?;
    Ok(SharedGuard::new(Guard::new(config, Seed::new(seed))))
}

/// As many connections as sessions, unless an option changes it. With `anonymous` logins no address
/// becomes known: anyone can log in.
fn config(arguments: &ServeArguments) -> GuardConfig {
    let sessions = u32::try_from(arguments.limits.max_sessions.get()).unwrap_or(u32::MAX);
    let mut config = GuardConfig::new().connections(sessions);
    if arguments.who.anonymous.is_some() {
        config = config.known_for(Duration::ZERO);
    }
    for addresses in &arguments.guard.allow {
        config = config.allow(*addresses);
    }
    for option in &arguments.guard.changes {
        config = apply(*option, config);
        if let GuardOption::ConnectionsPerAddress(most) = option {
            // The operator allows one address to take them all.
            config = config.unknown_share(*most < sessions);
        }
    }
    config
}

/// The option that changes the limit for which a connection was refused.
pub(crate) fn option_for(why: RefusedWhy) -> &'static str {
    match why {
        RefusedWhy::TooManyInAll => "--max-sessions, --guard connections=N",
        RefusedWhy::TooManyFromAddress => "--guard connections-per-address=N",
        RefusedWhy::TooManyFromNetwork => "--guard connections-per-network=N",
        RefusedWhy::AddressLockedOut => "--guard-allow ADDR, --guard address=N",
        RefusedWhy::NetworkLockedOut => "--guard-allow ADDR, --guard network=N",
        _ => "--guard",
    }
}

/// The option that changes when failures of this kind lock out.
pub(crate) fn option_for_lockout(scope: Scope) -> &'static str {
    match scope {
        Scope::UserAtAddress => "--guard user-at-address=N",
        Scope::Address => "--guard-allow ADDR, --guard address=N",
        Scope::Network => "--guard-allow ADDR, --guard network=N",
        Scope::User => "--guard user=N",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_help_says_what_the_defaults_are() {
        let config = GuardConfig::new();
        let after = |rule: Rule| rule.lockout.map(|lockout| lockout.after);
        let mut command = crate::cli::Arguments::command();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        for (key, value) in [
            (
                "connections-per-address",
                config.configured_connections_per_address(),
            ),
            (
                "connections-per-network",
                config.configured_connections_per_network(),
            ),
            ("sessions-per-user", config.configured_sessions_per_user()),
            (
                "user-at-address",
                after(config.configured_user_at_address()).unwrap(),
            ),
            ("address", after(config.configured_address()).unwrap()),
            ("network", after(config.configured_network()).unwrap()),
        ] {
            assert!(
                help.contains(&format!("\n  {key}={value} ")),
                "{key}: {help}"
            );
        }
        assert_eq!(after(config.configured_user()), None);
        let floor = config.configured_answer_floor().floor().as_secs_f64();
        assert!(
            help.contains(&format!("\n  answer-floor={floor} ")),
            "{help}"
        );
    }

    #[test]
    fn an_option_changes_the_number_and_nothing_else() {
        let config = GuardConfig::new();
        let changed = apply(GuardOption::Network(7), config.clone());
        let (before, after) = (config.configured_network(), changed.configured_network());
        assert_eq!(after.lockout.unwrap().after, 7);
        assert_eq!(
            after.lockout.unwrap().longest,
            before.lockout.unwrap().longest
        );
        assert_eq!(
            (after.window, after.delay_after),
            (before.window, before.delay_after)
        );
        assert_eq!(changed.configured_address(), config.configured_address());
    }
}
