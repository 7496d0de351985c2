//! Parsers for the values of options.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ftp_proto::Username;

use crate::serve::parse_bytes;

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

/// A number of bytes a second, with `K`, `M`, `G` or `T` for powers of 1024.
pub(crate) fn parse_rate(text: &str) -> Result<u64, &'static str> {
    parse_bytes(text).ok_or("not a number of bytes a second, such as 500K or 2M")
}

pub(crate) fn parse_username(text: &str) -> Result<Username, String> {
    Username::new(text).map_err(|why| format!("the name {}", why.problem))
}

/// Reads `A-B`, or one port.
pub(crate) fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let port = |text: &str| match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is not a port from 1 to 65535")),
        Ok(port) => Ok(port),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    match first <= last {
        true => Ok(first..=last),
        false => Err(format!("{last} is below {first}")),
    }
}

/// Where clients find the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExternalHost {
    Address(Ipv4Addr),
    Name(String),
}

impl ExternalHost {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        match text.bytes().all(is_known) && text.contains(|it: char| it.is_ascii_alphabetic()) {
            true => Ok(Self::Name(text.to_owned())),
            false => Err("it is neither an IPv4 address nor the name of a host"),
        }
    }
}

impl fmt::Display for ExternalHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
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
        for bad in ["", "0", "K", "-1", "+1", "1.5M", "1P", "99999999999G"] {
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

    #[test]
    fn an_external_host_is_an_ipv4_address_or_a_name() {
        let address = ExternalHost::parse("192.0.2.7");
        assert_eq!(address, Ok(ExternalHost::Address([192, 0, 2, 7].into())));
        let name = ExternalHost::parse("ftp.example.com");
        assert_eq!(name, Ok(ExternalHost::Name("ftp.example.com".to_owned())));
        for bad in ["", "::1", "192.0.2", "192.0.2.256", "a b", "a:21", "[a]"] {
            assert!(ExternalHost::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ports_are_a_range_or_one() {
        assert_eq!(parse_ports("50000-50100"), Ok(50_000..=50_100));
        assert_eq!(parse_ports("21"), Ok(21..=21));
        for bad in ["", "-", "0-5", "5-4", "1-65536", "1-2-3", "a-b", "1-"] {
            assert!(parse_ports(bad).is_err(), "{bad}");
        }
    }
}
