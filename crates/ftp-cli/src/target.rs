//! The URL of a server: address, security, user, and perhaps a path.

mod path;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ftp_proto::client::Security;
use ftp_proto::wire::InvalidText;
use ftp_proto::{Password, Username};
use percent_encoding::percent_decode_str;
use url::Host;
use zeroize::Zeroizing;

pub(crate) use self::path::{RemotePath, local_name, remote_name};
use crate::exit::Failure;

/// The parts of a URL.
pub(crate) struct Target {
    /// Explicit TLS for `ftp`, implicit TLS for `ftps`.
    pub(crate) security: Security,
    pub(crate) host: Place,
    pub(crate) port: u16,
    pub(crate) username: Option<Username>,
    pub(crate) password: Option<Password>,
    /// What follows the host.
    pub(crate) path: RemotePath,
}

impl Target {
    /// Reads `ftp://[user[:password]@]host[:port][/path]` or `ftps://…`, by the grammar of RFC 3986: the
    /// URL standard of browsers ends the host at a backslash, drops tabs, and reads `0x7f.1` as an
    /// address. Beyond the grammar, user and password may hold some characters that are unambiguous
    /// there: `@`, a backslash (`DOMAIN\user`), letters that are not ASCII.
    ///
    /// # Errors
    /// What is wrong with the URL. The message never repeats the URL, which may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(
                Failure::usage("the URL holds a space or a control character")
                    .hint("write it percent-encoded: a space is %20"),
            );
        }
        let (security, rest) = security_of(text)?;
        if rest.contains(['?', '#']) {
            return Err(malformed(
                "a ? or # in it; in a user name, a password or a path they are %3F and %23",
            ));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if path.contains('@') {
            // With a slash in the password, the host would be another than the user expects.
            return Err(malformed(
                "an @ after a slash: does the password hold a /? In a path it is %40",
            ));
        }
        let (userinfo, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, authority),
        };
        let (username, password) = match userinfo {
            None => (None, None),
            Some(userinfo) => credentials(userinfo)?,
        };
        let (host, port) = Place::parse(place)?;
        Ok(Self {
            security,
            host,
            port: port.unwrap_or(security.default_port()),
            username,
            password,
            path: RemotePath::parse(path)?,
        })
    }

    /// The host as in netrc files: without brackets and without the zone, which is local to this
    /// machine.
    pub(crate) fn host_name(&self) -> String {
        match &self.host {
            Place::Name(name) => name.clone(),
            Place::Ipv4(address) => address.to_string(),
            Place::Ipv6(address, _) => address.to_string(),
        }
    }

    /// `host:port`, an IPv6 address in brackets and with its zone.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The host.
pub(crate) enum Place {
    /// In lower-case ASCII.
    Name(String),
    Ipv4(Ipv4Addr),
    /// With the zone, the link of a link-local address (RFC 4007).
    Ipv6(Ipv6Addr, Option<String>),
}

impl Place {
    /// Reads `host[:port]`.
    fn parse(text: &str) -> Result<(Self, Option<u16>), Failure> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let (inside, behind) = bracketed
                .split_once(']')
                .ok_or_else(|| malformed("a [ without a ]"))?;
            let port = match behind.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if behind.is_empty() => None,
                None => return Err(malformed("what follows the ] is not :port")),
            };
            return Ok((Self::ipv6(inside)?, port));
        }
        let (host, port) = match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(malformed(
                    "more than one colon: an IPv6 address is put in [brackets]",
                ));
            }
            Some((host, port)) => (host, parse_port(port)?),
            None => (text, None),
        };
        Ok((Self::name_or_ipv4(host)?, port))
    }

    /// An address, perhaps with a zone after `%25` (RFC 6874) or `%`, as people write it.
    fn ipv6(text: &str) -> Result<Self, Failure> {
        let (number, zone) = match text.split_once('%') {
            None => (text, None),
            Some((number, zone)) => match zone.strip_prefix("25") {
                Some(rest) if !rest.is_empty() => (number, Some(rest)),
                // `%25` alone is zone 25.
                _ => (number, Some(zone)),
            },
        };
        let address = number
            .parse()
            .map_err(|_| malformed("what is in the brackets is not an IPv6 address"))?;
        let zone = match zone.map(decode) {
            None => None,
            Some(zone) => Some(
                String::from_utf8(zone.to_vec())
                    .ok()
                    .filter(|zone| is_zone(zone))
                    .ok_or_else(|| malformed("the zone is not the name or number of a link"))?,
            ),
        };
        Ok(Self::Ipv6(address, zone))
    }

    fn name_or_ipv4(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(malformed("no host"));
        }
        if text.contains('%') {
            return Err(malformed(
                "a % in the host: a zone belongs to an IPv6 address, and a name is written as it is",
            ));
        }
        match Host::parse(text) {
            Ok(Host::Ipv4(address)) if address.to_string() == text => Ok(Self::Ipv4(address)),
            // `010.0.0.1` is 8.0.0.1 to some and 10.0.0.1 to others.
            Ok(Host::Ipv4(_)) => Err(malformed(
                "an IPv4 address is four decimal numbers without leading zeros",
            )),
            Ok(Host::Domain(name)) if name.bytes().all(is_of_names) => Ok(Self::Name(name)),
            _ => Err(malformed("the host is neither a name nor an address")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ipv4(address) => address.fmt(f),
            Self::Ipv6(address, None) => write!(f, "[{address}]"),
            Self::Ipv6(address, Some(zone)) => write!(f, "[{address}%{zone}]"),
        }
    }
}

fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Whether RFC 6874 allows this zone.
fn is_zone(zone: &str) -> bool {
    let is_unreserved = |byte| is_of_names(byte) || byte == b'~';
    !zone.is_empty() && zone.bytes().all(is_unreserved)
}

/// A port; `None` if nothing follows the colon (RFC 3986 §3.2.3).
fn parse_port(text: &str) -> Result<Option<u16>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    // `u16::from_str` would accept a sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if is_number && port != 0 => Ok(Some(port)),
        _ => Err(malformed("the port is not a number from 1 to 65535")),
    }
}

/// Reads `user` or `user:password`. An empty password counts.
fn credentials(text: &str) -> Result<(Option<Username>, Option<Password>), Failure> {
    let (name, password) = match text.split_once(':') {
        Some((name, password)) => (name, Some(password)),
        None => (text, None),
    };
    if name.is_empty() {
        return Err(malformed("no user in front of the @"));
    }
    if text
        .split_once('@')
        .is_some_and(|(_, behind)| behind.contains('\\'))
    {
        // Browsers and curl disagree about the host of this.
        return Err(malformed("a backslash between two @"));
    }
    let name = Username::new(decode(name)).map_err(|why| unsendable("user name", why))?;
    let password = password
        .map(|password| Password::new(decode(password)))
        .transpose()
        .map_err(|why| unsendable("password", why))?;
    Ok((Some(name), password))
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("security", &self.security)
            .field("address", &self.address())
            .field("username", &self.username)
            .field("password", &self.password)
            .finish_non_exhaustive()
    }
}

/// The security of the scheme, and what follows `://`.
fn security_of(text: &str) -> Result<(Security, &str), Failure> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "ftp" => Ok((Security::ExplicitTls, rest)),
        "ftps" => Ok((Security::ImplicitTls, rest)),
        "sftp" => Err(Failure::usage("sftp:// is file transfer over SSH, not FTP")
            .hint("FTP over TLS is ftp:// (explicit) or ftps:// (implicit)")),
        _ => Err(Failure::usage("the URL must begin with ftp:// or ftps://")
            .hint("for example ftp://anna@ftp.example.com")),
    }
}

fn decode(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(percent_decode_str(text).collect())
}

fn malformed(why: &str) -> Failure {
    Failure::usage(format!("the URL cannot be read: {why}")).hint(
        "it is ftp://[user[:password]@]host[:port][/path], with %XX for characters such as / @ : in a user \
         name or password (/ is %2F)",
    )
}

fn unsendable(what: &str, why: InvalidText) -> Failure {
    Failure::usage(format!(
        "the {what} in the URL {}: it would end the command early",
        why.problem
    ))
}
