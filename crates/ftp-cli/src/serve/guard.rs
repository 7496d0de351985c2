//! The options of the guard across connections.

use std::time::Duration;

use ftp_guard::{AnswerFloor, Guard, GuardConfig, Lockout, RefusedWhy, Rule, Scope, Seed};
use ftp_tokio::SharedGuard;

use crate::cli::ServeArguments;
use crate::exit::{Exit, Failure};

/// One `--guard KEY=VALUE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardOption {
    Connections(u32),
    ConnectionsPerAddress(u32),
    ConnectionsPerNetwork(u32),
    SessionsPerUser(u32),
    UserAtAddress(u32),
    Address(u32),
    Network(u32),
    User(u32),
    AnswerFloor(Duration),
}

impl GuardOption {
    /// Reads `KEY=VALUE`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("it is KEY=VALUE")?;
        let count = || match value.parse() {
            Ok(0) | Err(_) => Err(format!("{value:?} is not a number above 0")),
            Ok(count) => Ok(count),
        };
        Ok(match key {
            "connections" => Self::Connections(count()?),
            "connections-per-address" => Self::ConnectionsPerAddress(count()?),
            "connections-per-network" => Self::ConnectionsPerNetwork(count()?),
            "sessions-per-user" => Self::SessionsPerUser(count()?),
            "user-at-address" => Self::UserAtAddress(count()?),
            "address" => Self::Address(count()?),
            "network" => Self::Network(count()?),
            "user" => Self::User(count()?),
            "answer-floor" => Self::AnswerFloor(crate::cli::parse_seconds(value)?),
            _ => return Err(format!("there is no {key:?}; --help lists them")),
        })
    }

    fn apply(self, config: GuardConfig) -> GuardConfig {
        match self {
            Self::Connections(most) => config.connections(most),
            Self::ConnectionsPerAddress(most) => config.connections_per_address(most),
            Self::ConnectionsPerNetwork(most) => config.connections_per_network(most),
            Self::SessionsPerUser(most) => config.sessions_per_user(most),
            Self::UserAtAddress(after) => {
                let rule = config.configured_user_at_address();
                config.user_at_address(locking_after(rule, after))
            }
            Self::Address(after) => {
                let rule = config.configured_address();
                config.address(locking_after(rule, after))
            }
            Self::Network(after) => {
                let rule = config.configured_network();
                config.network(locking_after(rule, after))
            }
            Self::User(after) => {
                let rule = config.configured_user();
                config.user(locking_after(rule, after))
            }
            Self::AnswerFloor(floor) => {
                config.answer_floor(AnswerFloor::new(floor, AnswerFloor::default().step()))
            }
        }
    }
}

/// The rule, with a lockout after this many failures; all else stays as it is.
fn locking_after(rule: Rule, failures: u32) -> Rule {
    let mut lockout = rule.lockout.unwrap_or(Lockout::after(failures));
    lockout.after = failures;
    rule.lockout(lockout)
}

/// The guard that these options ask for.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn guard(arguments: &ServeArguments) -> Result<SharedGuard, Failure> {
    let config = config(arguments);
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            format!("the system gives no random numbers: {error}"),
        )
    })?;
    Ok(SharedGuard::new(Guard::new(config, Seed::new(seed))))
}

/// As many connections as sessions, unless an option says otherwise. With `anonymous` logins nobody
/// becomes known by a success, since anybody can have one.
fn config(arguments: &ServeArguments) -> GuardConfig {
    let sessions = u32::try_from(arguments.max_sessions.get()).unwrap_or(u32::MAX);
    let mut config = GuardConfig::new().connections(sessions);
    if arguments.anonymous {
        config = config.known_for(Duration::ZERO);
    }
    for addresses in &arguments.guard_allow {
        config = config.allow(*addresses);
    }
    for option in &arguments.guard {
        config = option.apply(config);
        if let GuardOption::ConnectionsPerAddress(most) = option {
            // One address may have them all, says the operator.
            config = config.unknown_share(*most < sessions);
        }
    }
    config
}

/// The option that changes what a connection was refused for.
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
        let changed = GuardOption::Network(7).apply(config.clone());
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

    #[test]
    fn options_are_keys_with_values() {
        assert_eq!(
            GuardOption::parse("connections-per-address=10000"),
            Ok(GuardOption::ConnectionsPerAddress(10_000))
        );
        assert_eq!(
            GuardOption::parse("answer-floor=0.25"),
            Ok(GuardOption::AnswerFloor(Duration::from_millis(250)))
        );
        for bad in [
            "",
            "defaults",
            "user",
            "user=",
            "user=0",
            "user=-1",
            "colour=3",
            "answer-floor=0",
        ] {
            assert!(GuardOption::parse(bad).is_err(), "{bad}");
        }
    }
}
