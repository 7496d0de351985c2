//! The verbs of commands.

use core::fmt;

macro_rules! verbs {
    ($($name:ident $text:literal $source:literal;)*) => {
        /// The verb of a command. The names are those on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Verb {
            $(
                #[doc = concat!("`", $text, "` (", $source, ")")]
                $name,
            )*
            /// A verb that this crate does not know. [`CommandRef::name`](crate::wire::CommandRef::name)
            /// has its text.
            Unknown,
        }

        impl Verb {
            /// Every verb known to this crate.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The verb in upper case; `None` for [`Verb::Unknown`].
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    Self::Unknown => None,
                }
            }

            const fn from_key(key: u32) -> Self {
                match key {
                    $(key_const::$name => Self::$name,)*
                    _ => Self::Unknown,
                }
            }
        }

        #[allow(non_upper_case_globals)]
        mod key_const {
            $(pub(super) const $name: u32 = super::key($text.as_bytes());)*
        }
    };
}

/// Up to four letters, upper-cased in ASCII, as one number; 0 for anything else.
const fn key(name: &[u8]) -> u32 {
    let (a, b, c, d) = match *name {
        [a, b, c] => (0, a, b, c),
        // A leading NUL must not pass for a verb of three letters.
        [a, b, c, d] if a != 0 => (a, b, c, d),
        _ => return 0,
    };
    u32::from_be_bytes([
        a.to_ascii_uppercase(),
        b.to_ascii_uppercase(),
        c.to_ascii_uppercase(),
        d.to_ascii_uppercase(),
    ])
}

verbs! {
    User "USER" "RFC 959";
    Pass "PASS" "RFC 959";
    Acct "ACCT" "RFC 959";
    Cwd "CWD" "RFC 959";
    Cdup "CDUP" "RFC 959";
    Smnt "SMNT" "RFC 959";
    Rein "REIN" "RFC 959";
    Quit "QUIT" "RFC 959";
    Port "PORT" "RFC 959";
    Pasv "PASV" "RFC 959";
    Type "TYPE" "RFC 959";
    Stru "STRU" "RFC 959";
    Mode "MODE" "RFC 959";
    Retr "RETR" "RFC 959";
    Stor "STOR" "RFC 959";
    Stou "STOU" "RFC 959";
    Appe "APPE" "RFC 959";
    Allo "ALLO" "RFC 959";
    Rest "REST" "RFC 959";
    Rnfr "RNFR" "RFC 959";
    Rnto "RNTO" "RFC 959";
    Abor "ABOR" "RFC 959";
    Dele "DELE" "RFC 959";
    Rmd "RMD" "RFC 959";
    Mkd "MKD" "RFC 959";
    Pwd "PWD" "RFC 959";
    List "LIST" "RFC 959";
    Nlst "NLST" "RFC 959";
    Site "SITE" "RFC 959";
    Syst "SYST" "RFC 959";
    Stat "STAT" "RFC 959";
    Help "HELP" "RFC 959";
    Noop "NOOP" "RFC 959";
    Xcup "XCUP" "RFC 775";
    Xcwd "XCWD" "RFC 775";
    Xmkd "XMKD" "RFC 775";
    Xpwd "XPWD" "RFC 775";
    Xrmd "XRMD" "RFC 775";
    Lprt "LPRT" "RFC 1639";
    Lpsv "LPSV" "RFC 1639";
    Auth "AUTH" "RFC 2228";
    Adat "ADAT" "RFC 2228";
    Pbsz "PBSZ" "RFC 2228";
    Prot "PROT" "RFC 2228";
    Ccc "CCC" "RFC 2228";
    Mic "MIC" "RFC 2228";
    Conf "CONF" "RFC 2228";
    Enc "ENC" "RFC 2228";
    Feat "FEAT" "RFC 2389";
    Opts "OPTS" "RFC 2389";
    Eprt "EPRT" "RFC 2428";
    Epsv "EPSV" "RFC 2428";
    Lang "LANG" "RFC 2640";
    Mdtm "MDTM" "RFC 3659";
    Mlsd "MLSD" "RFC 3659";
    Mlst "MLST" "RFC 3659";
    Size "SIZE" "RFC 3659";
    Host "HOST" "RFC 7151";
    Clnt "CLNT" "in wide use";
    Avbl "AVBL" "draft-peterson-streamlined-ftp-command-extensions";
    Csid "CSID" "draft-peterson-streamlined-ftp-command-extensions";
    Dsiz "DSIZ" "draft-peterson-streamlined-ftp-command-extensions";
    Mfmt "MFMT" "draft-somers-ftp-mfxx";
    Mfct "MFCT" "draft-somers-ftp-mfxx";
    Mff "MFF" "draft-somers-ftp-mfxx";
    Hash "HASH" "draft-bryan-ftpext-hash";
    Rang "RANG" "draft-bryan-ftp-range";
    Thmb "THMB" "draft-peterson-streamlined-ftp-command-extensions";
    Xcrc "XCRC" "in wide use";
    Xmd5 "XMD5" "in wide use";
    Xsha "XSHA" "in wide use";
}

impl Verb {
    /// The verb of this name, in any case (ASCII only).
    pub const fn from_name(name: &[u8]) -> Self {
        Self::from_key(key(name))
    }

    /// Whether the argument of this verb is a secret, masked wherever it could be shown: that of
    /// `PASS` and `ACCT`, security data (`ADAT`), and the wrapped commands of RFC 2228 (`MIC`,
    /// `CONF`, `ENC`), any of which may be a `PASS`.
    pub const fn carries_secret(self) -> bool {
        matches!(
            self,
            Self::Pass | Self::Acct | Self::Adat | Self::Mic | Self::Conf | Self::Enc
        )
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("(unknown verb)"))
    }
}
