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
            /// Every verb that this crate knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The verb in upper case; `None` for [`Verb::Unknown`].
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    Self::Unknown => None,
                }
            }

        }

        /// Every verb with its key.
        const KEYS: &[(u32, Verb)] = &[$((key($text.as_bytes()), Verb::$name)),*];
    };
}

/// A hash table with 256 places. A key is at the first free place from its hash on. A key of 0 is
/// an empty place.
static TABLE: [(u32, Verb); 256] = table();

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time, where a wrong index stops the build"
)]
const fn table() -> [(u32, Verb); 256] {
    let mut table = [(0, Verb::Unknown); 256];
    let mut next = 0;
    while next < KEYS.len() {
        let mut place = place(KEYS[next].0);
        while table[place as usize].0 != 0 {
            place = place.wrapping_add(1);
        }
        table[place as usize] = KEYS[next];
        next += 1;
    }
    table
}

/// The place in the table to look at first.
const fn place(key: u32) -> u8 {
    // Fibonacci hashing: the highest bits of a product with 2^32 / φ.
    let [.., highest] = key.wrapping_mul(0x9e37_79b1).to_le_bytes();
    highest
}

/// Three or four letters, upper-cased in ASCII, as one number; 0 for anything else.
const fn key(name: &[u8]) -> u32 {
    match *name {
        [a, b, c] => key_of_three([a, b, c]),
        [a, b, c, d] => upper_case([a, b, c, d]),
        _ => 0,
    }
}

#[inline]
const fn key_of_three([a, b, c]: [u8; 3]) -> u32 {
    // The fourth byte is one that no fourth letter becomes.
    upper_case([a, b, c, 0]) | 0x6000_0000
}

#[inline]
const fn upper_case(letters: [u8; 4]) -> u32 {
    let letters = u32::from_le_bytes(letters);
    // A byte with the bit 0x40 loses the bit 0x20: lower-case letters become upper-case ones,
    // digits stay, and no other byte becomes one of these.
    letters & !((letters & 0x4040_4040) >> 1)
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
    /// The verb with this name, in any letter case (ASCII only).
    pub fn from_name(name: &[u8]) -> Self {
        Self::from_key(key(name))
    }

    /// The known verb of these four letters.
    #[inline]
    pub(super) fn of_four(name: [u8; 4]) -> Self {
        Self::from_key(upper_case(name))
    }

    /// The known verb of these three letters.
    #[inline]
    pub(super) fn of_three(name: [u8; 3]) -> Self {
        Self::from_key(key_of_three(name))
    }

    #[inline]
    fn from_key(key: u32) -> Self {
        let mut place = place(key);
        loop {
            match TABLE.get(usize::from(place)) {
                Some((found, verb)) if *found == key => return *verb,
                Some((0, _)) | None => return Self::Unknown,
                Some(_) => place = place.wrapping_add(1),
            }
        }
    }

    /// Whether the whole argument of this verb is a secret and masked when it is shown: for `PASS`
    /// and `ACCT`, security data (`ADAT`), and the wrapped commands of RFC 2228 (`MIC`, `CONF`,
    /// `ENC`), each of which may be a `PASS`. `SITE` and unknown verbs can have a secret, too: see
    /// [`CommandRef::secret`](crate::wire::CommandRef::secret).
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
