//! Parsers for the values of options.

use std::time::Duration;

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
    /// What is wrong with the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("it must be KEY=VALUE")?;
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
            "answer-floor" => Self::AnswerFloor(parse_seconds(value)?),
            _ => return Err(format!("{key:?} is not a key; --help lists them")),
        })
    }
}

/// A number of seconds, with or without a fraction.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(Duration::ZERO) => Err("must be more than 0".to_owned()),
        // A day at most: sums of very long times would overflow.
        Ok(duration) if duration <= Duration::from_secs(86_400) => Ok(duration),
        _ => Err("must be more than 0 and at most 86400 (a day)".to_owned()),
    }
}

/// A number of bytes a second, with `K`, `M` or `G` for powers of 1024.
pub(crate) fn parse_rate(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    match number
        .parse::<u64>()
        .ok()
        .and_then(|it| it.checked_mul(unit))
    {
        Some(rate @ 1..) if number.bytes().all(|byte| byte.is_ascii_digit()) => Ok(rate),
        _ => Err("not a number of bytes a second, such as 500K or 2M".to_owned()),
    }
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

    #[test]
    fn rates_are_bytes_with_binary_units() {
        for (text, rate) in [
            ("1", 1),
            ("500K", 512_000),
            ("2m", 2 << 20),
            ("1G", 1 << 30),
        ] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        for bad in ["", "0", "K", "-1", "+1", "1.5M", "1T", "99999999999G"] {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds_may_have_fractions_but_must_be_positive() {
        assert_eq!(parse_seconds("0.25"), Ok(Duration::from_millis(250)));
        for bad in ["0", "-1", "NaN", "inf", "1e9", "soon", ""] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
