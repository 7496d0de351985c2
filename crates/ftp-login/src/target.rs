//! The URL of a server: where to connect to, how, and as whom.

use std::fmt;

use ftp_proto::client::Security;
use ftp_proto::wire::InvalidText;
use ftp_proto::{Password, Username};
use percent_encoding::percent_decode_str;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::exit::Failure;

/// What a URL says.
pub(crate) struct Target {
    /// Explicit TLS for `ftp`, implicit TLS for `ftps`.
    pub(crate) security: Security,
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) username: Option<Username>,
    pub(crate) password: Option<Password>,
    /// The URL names a path, which a login has no use for.
    pub(crate) has_path: bool,
}

impl Target {
    /// Reads `ftp://[user[:password]@]host[:port]` or `ftps://…`.
    ///
    /// # Errors
    /// What is wrong with the URL. The message never repeats the URL, which may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        if text.contains(|c: char| c.is_control() || c == ' ') {
            // The URL standard drops some of these silently, which would change a password.
            return Err(
                Failure::usage("the URL holds a space or a control character")
                    .hint("write it percent-encoded: a space is %20"),
            );
        }
        let security = security_of(text)?;
        let url = Url::parse(text).map_err(|error| malformed(&error.to_string()))?;
        let host = match url.host_str() {
            // The host of `ftps` is opaque to the URL standard; read it like that of `ftp`.
            Some(host) if !host.is_empty() => {
                Host::parse(host).map_err(|error| malformed(&error.to_string()))?
            }
            _ => return Err(malformed("no host")),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(malformed("neither ? nor # has a meaning here"));
        }
        let username = match url.username() {
            "" if url.password().is_some() => return Err(malformed("a password but no user")),
            "" => None,
            name => Some(Username::new(decode(name)).map_err(|e| unsendable("user name", e))?),
        };
        if url.port() == Some(0) {
            return Err(malformed("there is no port 0 to connect to"));
        }
        let password = url
            .password()
            .map(|password| Password::new(decode(password)));
        Ok(Self {
            security,
            host,
            port: url.port().unwrap_or(security.default_port()),
            username,
            password: password
                .transpose()
                .map_err(|e| unsendable("password", e))?,
            has_path: !matches!(url.path(), "" | "/"),
        })
    }

    /// The host without brackets, as certificates and netrc files name it.
    pub(crate) fn host_name(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// `host:port`, an IPv6 address in brackets.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
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

fn security_of(text: &str) -> Result<Security, Failure> {
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("ftp") => Ok(Security::ExplicitTls),
        Some("ftps") => Ok(Security::ImplicitTls),
        Some("sftp") => Err(Failure::usage("sftp:// is file transfer over SSH, not FTP")
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
        "it is ftp://[user[:password]@]host[:port]; characters such as / ? # % @ : in a user name \
         or password are written percent-encoded (# is %23)",
    )
}

fn unsendable(what: &str, why: InvalidText) -> Failure {
    Failure::usage(format!(
        "the {what} in the URL {why}: it would end the command early"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    #[test]
    fn the_scheme_chooses_security_and_port() {
        let ftp = parse("ftp://host.example");
        assert_eq!(
            (ftp.security, ftp.address().as_str()),
            (Security::ExplicitTls, "host.example:21")
        );
        let ftps = parse("FTPS://Host.Example/");
        assert_eq!(ftps.security, Security::ImplicitTls);
        assert_eq!(ftps.address(), "host.example:990");
        assert!(!ftps.has_path);
    }

    #[test]
    fn a_port_that_is_the_other_schemes_default_counts() {
        assert_eq!(parse("ftps://h:21").port, 21);
        assert_eq!(parse("ftp://h:990").port, 990);
        assert_eq!(parse("ftp://h:21").port, 21);
    }

    #[test]
    fn addresses_are_hosts_too() {
        for scheme in ["ftp", "ftps"] {
            let target = parse(&format!("{scheme}://anna@[::1]:2121"));
            assert_eq!(target.address(), "[::1]:2121");
            assert_eq!(target.host_name(), "::1");
            assert_eq!(
                parse(&format!("{scheme}://127.0.0.1")).host_name(),
                "127.0.0.1"
            );
        }
    }

    #[test]
    fn credentials_are_percent_decoded_to_bytes() {
        for scheme in ["ftp", "ftps"] {
            let target = parse(&format!("{scheme}://an%20na%ff:p%40ss%3a%20@h"));
            assert_eq!(target.username.unwrap().as_bytes(), b"an na\xff");
            assert_eq!(target.password.unwrap().expose(), b"p@ss: ");
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_and_not_repeated() {
        for bad in [
            "ftp://an%0d%0ana@h",
            "ftp://anna:sesame%0d%0aDELE%20x@h",
            "ftp://anna:sesame%00@h",
            "ftp://anna:ses\name@h",
            "ftp://anna:ses#ame@h",
            "ftp://anna:sesame@",
            "ftp://:sesame@h",
            "ftp://anna:sesame@h?x",
            "ftp://anna:sesame@h:notaport",
            "ftp://anna:sesame@h:0",
            "http://anna:sesame@h",
            "anna:sesame@h",
        ] {
            let failure = Target::parse(bad).unwrap_err();
            assert_eq!(failure.exit(), crate::exit::Exit::Usage, "{bad}");
            assert!(!failure.to_string().contains("ses"), "{failure}");
        }
    }
}
