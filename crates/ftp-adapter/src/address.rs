//! Server addresses as users type them: `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6
//! address. Nothing is looked up here.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ftp_rustls::rustls::pki_types::ServerName;
use thiserror::Error;

/// A host name or IP address, and an optional port.
///
/// ```
/// use ftp_adapter::Address;
///
/// let address: Address = "[2001:db8::7]:2121".parse()?;
/// assert_eq!(address.host(), "2001:db8::7");
/// assert_eq!(address.port(), Some(2121));
/// assert_eq!("ftp.example.com".parse::<Address>()?.port(), None);
/// # Ok::<(), ftp_adapter::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: Option<u16>,
}

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No host.
    #[error("the address has no host")]
    NoHost,
    /// It contains `/`, `\`, `@`, `?` or `#`.
    #[error("\"{0}\" is not a host or host:port (a URL or a user name does not belong here)")]
    NotAHost(String),
    /// A space or a control character.
    #[error("the address holds a space or a control character")]
    Control,
    /// The port is not a number from 1 to 65535.
    #[error("\"{0}\" is not a port: 1 to 65535")]
    Port(String),
    /// `[` without `]`, or something other than `:port` after it.
    #[error("\"{0}\" is not [IPv6 address] or [IPv6 address]:port")]
    Brackets(String),
    /// It has colons, but is not an IPv6 address.
    #[error("\"{0}\" is not an IPv6 address; with a port, write [address]:port")]
    Ipv6(String),
    /// The last part is a number, but it is not an IPv4 address. Systems read such texts
    /// differently: `010.0.0.1` is 8.0.0.1 to some.
    #[error("\"{0}\" is not an IPv4 address: four decimal numbers without leading zeros")]
    Ipv4(String),
    /// `%` after something other than an IPv6 address. The looked-up name would differ from the
    /// part before the `%`.
    #[error("\"{0}\" has a zone, which only an IPv6 address can have")]
    Zone(String),
    /// TLS cannot check a certificate against this name.
    #[error("\"{0}\" is not a name that a certificate can be checked against")]
    ServerName(String),
}

impl Address {
    /// The name, or the number without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if one was given.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The name for SNI and the certificate's check: the host; an IPv6 address without its zone,
    /// which is local to this machine.
    ///
    /// # Errors
    /// [`AddressError::ServerName`] if it is neither a DNS name nor an IP address.
    pub fn server_name(host: &str) -> Result<ServerName<'static>, AddressError> {
        let name = match host.split_once('%') {
            Some((number, _zone)) if number.parse::<Ipv6Addr>().is_ok() => number,
            _ => host,
        };
        ServerName::try_from(name.to_owned()).map_err(|_| AddressError::ServerName(host.to_owned()))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Control);
        }
        if text.contains(['/', '\\', '@', '?', '#']) {
            return Err(AddressError::NotAHost(text.to_owned()));
        }
        if let Some(bracketed) = text.strip_prefix('[') {
            let brackets = || AddressError::Brackets(text.to_owned());
            let (host, behind) = bracketed.split_once(']').ok_or_else(brackets)?;
            let port = match behind.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if behind.is_empty() => None,
                None => return Err(brackets()),
            };
            return Ok(Self {
                host: parse_ipv6(host)?,
                port,
            });
        }
        let (host, port) = match text.split_once(':') {
            None => (text.to_owned(), None),
            Some((_, behind)) if behind.contains(':') => (parse_ipv6(text)?, None),
            Some((host, port)) => (host.to_owned(), Some(parse_port(port)?)),
        };
        if host.is_empty() {
            return Err(AddressError::NoHost);
        }
        if !host.contains(':') {
            if host.contains('%') {
                return Err(AddressError::Zone(host));
            }
            if ends_in_number(&host) && host.parse::<Ipv4Addr>().is_err() {
                return Err(AddressError::Ipv4(host));
            }
        }
        Ok(Self { host, port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.host.contains(':'), self.port) {
            (false, None) => f.write_str(&self.host),
            (true, None) => write!(f, "[{}]", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
        }
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    // `u16::from_str` would accept a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(AddressError::Port(text.to_owned())),
    }
}

/// Whether some software may read the host as an IPv4 address, as `inet_aton` reads `127.1` and
/// `0x7f.1`: the last label is a number, decimal or hexadecimal. No domain has such a name.
fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    match last.strip_prefix("0x").or(last.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Checks an IPv6 address, which may carry a zone (`fe80::1%eth0`).
fn parse_ipv6(text: &str) -> Result<String, AddressError> {
    let number = text.split('%').next().unwrap_or(text);
    match number.parse::<Ipv6Addr>() {
        Ok(_) if !text.ends_with('%') => Ok(text.to_owned()),
        _ => Err(AddressError::Ipv6(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, Option<u16>) {
        let address: Address = text.parse().unwrap();
        (address.host, address.port)
    }

    #[test]
    fn every_form_of_address_is_understood() {
        for (text, host, port) in [
            ("ftp.example.com", "ftp.example.com", None),
            ("ftp.example.com:2121", "ftp.example.com", Some(2121)),
            ("192.0.2.1:21", "192.0.2.1", Some(21)),
            ("[::1]", "::1", None),
            ("[::1]:65535", "::1", Some(65535)),
            ("2001:db8::7", "2001:db8::7", None),
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("[fe80::1%2]:990", "fe80::1%2", Some(990)),
        ] {
            assert_eq!(parsed(text), (host.to_owned(), port), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, wanted) in [
            ("", AddressError::NoHost),
            (":21", AddressError::NoHost),
            ("ftp://host", AddressError::NotAHost("ftp://host".into())),
            ("anna@host", AddressError::NotAHost("anna@host".into())),
            ("two words", AddressError::Control),
            ("host\r\n", AddressError::Control),
            ("host:", AddressError::Port(String::new())),
            ("host:0", AddressError::Port("0".into())),
            ("host:+21", AddressError::Port("+21".into())),
            ("host:65536", AddressError::Port("65536".into())),
            ("[::1", AddressError::Brackets("[::1".into())),
            ("[::1]21", AddressError::Brackets("[::1]21".into())),
            ("[host]:21", AddressError::Ipv6("host".into())),
            ("a:b:c", AddressError::Ipv6("a:b:c".into())),
            ("fe80::1%", AddressError::Ipv6("fe80::1%".into())),
            (r"DOM\user", AddressError::NotAHost(r"DOM\user".into())),
            ("host?x", AddressError::NotAHost("host?x".into())),
            ("host#x", AddressError::NotAHost("host#x".into())),
            ("0x7f.1", AddressError::Ipv4("0x7f.1".into())),
            ("0x7f000001", AddressError::Ipv4("0x7f000001".into())),
            ("127.1:21", AddressError::Ipv4("127.1".into())),
            ("010.0.0.1", AddressError::Ipv4("010.0.0.1".into())),
            ("127.0.0.1.", AddressError::Ipv4("127.0.0.1.".into())),
        ] {
            assert_eq!(text.parse::<Address>(), Err(wanted), "{text}");
        }
    }

    #[test]
    fn an_address_shows_as_it_is_typed() {
        for text in ["host", "host:21", "[::1]", "[::1]:21"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_zone_is_no_part_of_the_name_in_the_certificate() {
        let name = Address::server_name("fe80::1%eth0").unwrap();
        assert_eq!(name.to_str(), "fe80::1");
        assert!(Address::server_name("not a name").is_err());
    }

    #[test]
    fn what_has_a_zone_and_is_no_ipv6_address_is_neither_looked_up_nor_checked() {
        for host in [
            "evil.com%x.corp.example",
            "evil.com%eth0",
            "192.0.2.1%eth0",
            "%eth0",
            "a%",
        ] {
            let parsed = format!("{host}:21").parse::<Address>();
            assert_eq!(parsed, Err(AddressError::Zone(host.to_owned())));
            assert!(Address::server_name(host).is_err(), "{host}");
        }
        for host in ["[evil.com%eth0]", "evil.com%a:b:c"] {
            assert!(host.parse::<Address>().is_err(), "{host}");
        }
        // The checked name is the name that is connected to.
        for host in ["ftp.example.com", "192.0.2.1", "2001:db8::7"] {
            let address: Address = host.parse().unwrap();
            let name = Address::server_name(address.host()).unwrap();
            assert_eq!(name.to_str(), address.host());
        }
    }
}
