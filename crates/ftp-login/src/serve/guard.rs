//! The options of the guard across connections.

use std::time::Duration;

use ftp_proto::server::guard::{AnswerFloor, Guard, GuardConfig, Lockout, Rule, Seed};
use ftp_tokio::SharedGuard;

use crate::exit::{Exit, Failure};

const QUARTER: Duration = Duration::from_secs(15 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// One `--guard`, with or without `KEY=VALUE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardOption {
    /// No value: a guard as it is by default.
    Defaults,
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
    /// Reads `KEY=VALUE`, or `defaults`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "defaults" {
            return Ok(Self::Defaults);
        }
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
            Self::Defaults => config,
            Self::Connections(most) => config.connections(most),
            Self::ConnectionsPerAddress(most) => config.connections_per_address(most),
            Self::ConnectionsPerNetwork(most) => config.connections_per_network(most),
            Self::SessionsPerUser(most) => config.sessions_per_user(most),
            // Only the number changes: the other values are the guard's own defaults.
            Self::UserAtAddress(after) => config.user_at_address(
                Rule::within(QUARTER).lockout(Lockout::after(after).lasting(MINUTE, MINUTE * 60)),
            ),
            Self::Address(after) => config.address(
                Rule::within(QUARTER)
                    .delay_after(5)
                    .lockout(Lockout::after(after)),
            ),
            Self::Network(after) => config.network(
                Rule::within(QUARTER)
                    .delay_after(40)
                    .lockout(Lockout::after(after).lasting(MINUTE * 5, MINUTE * 240)),
            ),
            Self::User(after) => config.user(
                Rule::within(MINUTE * 60)
                    .delay_after(25)
                    .lockout(Lockout::after(after)),
            ),
            Self::AnswerFloor(floor) => {
                config.answer_floor(AnswerFloor::new(floor, AnswerFloor::default().step()))
            }
        }
    }
}

/// The guard that these options ask for. With `anonymous` logins nobody becomes familiar by a
/// success, since anyone has one for the asking.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn guard(options: &[GuardOption], anonymous: bool) -> Result<SharedGuard, Failure> {
    let mut config = GuardConfig::new();
    if anonymous {
        config = config.familiar_for(Duration::ZERO);
    }
    let config = options
        .iter()
        .fold(config, |config, option| option.apply(config));
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            format!("the system gives no random numbers: {error}"),
        )
    })?;
    Ok(SharedGuard::new(Guard::new(config, Seed::new(seed))))
}

#[cfg(test)]
mod tests {
    use super::*;

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
