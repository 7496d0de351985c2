//! Credentials: checked when built, wiped when dropped, never shown.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use zeroize::Zeroizing;

use crate::wire::{InvalidText, TextKind, check_name, check_text, escape};

/// A user name: one byte or more, no CR, LF or NUL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username(Arc<[u8]>);

impl Username {
    /// Takes the bytes as they are to be sent.
    ///
    /// # Errors
    /// [`InvalidText`] if the name is empty or holds CR, LF or NUL.
    pub fn new(name: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
        let name = name.as_ref();
        check_name(TextKind::Username, name)?;
        Ok(Self(name.into()))
    }

    /// The name as it goes over the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Username {
    /// Escapes what is not printable, so that a name cannot forge a log line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.0).fmt(f)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username(\"{}\")", escape(&self.0))
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $shown:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<Box<[u8]>>);

        impl $name {
            /// Takes the bytes as they are to be sent. The copy that is kept is wiped when dropped;
            /// the caller's own is the caller's to wipe.
            ///
            /// # Errors
            /// [`InvalidText`] if the value holds CR, LF or NUL. The error does not repeat it.
            pub fn new(value: impl AsRef<[u8]>) -> Result<Self, InvalidText> {
                let value = value.as_ref();
                check_text(TextKind::$name, value)?;
                Ok(Self(Zeroizing::new(value.into())))
            }

            /// The secret itself. Keep what you do with it short.
            pub fn expose(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($shown)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidText;

            fn try_from(value: &str) -> Result<Self, InvalidText> {
                Self::new(value)
            }
        }
    };
}

secret! {
    /// A password: no CR, LF or NUL. May be empty, may begin or end with spaces.
    Password, "Password(****)"
}
secret! {
    /// The argument of `ACCT` (RFC 959 §4.1.1), treated as a secret: on many systems it is a second
    /// password.
    Account, "Account(****)"
}

impl TryFrom<&str> for Username {
    type Error = InvalidText;

    fn try_from(name: &str) -> Result<Self, InvalidText> {
        Self::new(name)
    }
}
