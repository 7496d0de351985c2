//! Methods that clients have in both dialects, with their documentation, written once.

/// What a client does with files by commands alone. `$async` and `$await` are the words of the dialect, in
/// brackets; the type has a method `converse` that runs an [`Exchange`](crate::files::Exchange).
#[doc(hidden)]
#[macro_export]
macro_rules! client_operations {
    ([$($async:tt)?] [$($await:tt)*]) => {
        /// The current directory (`PWD`).
        ///
        /// # Errors
        /// [`Error::Refused`](ftp_adapter::Error::Refused) if the server says no,
        /// [`Error::UnusableReply`](ftp_adapter::Error::UnusableReply) if its reply does not say what it
        /// must; both leave the connection as it was. Any error that ends the connection. The same holds
        /// for all that follow; those with a path have
        /// [`Error::InvalidCommand`](ftp_adapter::Error::InvalidCommand) besides, before anything is
        /// sent, if it is empty or holds CR, LF or NUL.
        pub $($async)? fn pwd(&mut self) -> Result<Vec<u8>, $crate::Error> {
            self.converse($crate::files::pwd()?)$($await)*
        }

        /// Goes to this directory (`CWD`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn cwd(&mut self, path: impl AsRef<[u8]>) -> Result<(), $crate::Error> {
            self.converse($crate::files::cwd(path)?)$($await)*
        }

        /// Goes to the directory above (`CDUP`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn cdup(&mut self) -> Result<(), $crate::Error> {
            self.converse($crate::files::cdup()?)$($await)*
        }

        /// Makes a directory (`MKD`). Returns its path if the server says it, which is absolute by
        /// RFC 959, and relative with some servers.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn make_dir(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<Option<Vec<u8>>, $crate::Error> {
            self.converse($crate::files::make_dir(path)?)$($await)*
        }

        /// Removes an empty directory (`RMD`). For one that is not, see `remove_all`.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn remove_dir(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<(), $crate::Error> {
            self.converse($crate::files::remove_dir(path)?)$($await)*
        }

        /// Removes a file (`DELE`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn remove_file(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<(), $crate::Error> {
            self.converse($crate::files::remove_file(path)?)$($await)*
        }

        /// Gives a file or directory another name or place (`RNFR`, `RNTO`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn rename(
            &mut self,
            from: impl AsRef<[u8]>,
            to: impl AsRef<[u8]>,
        ) -> Result<(), $crate::Error> {
            self.converse($crate::files::Rename::new(from, to)?)$($await)*
        }

        /// The size of a file in bytes (`SIZE`, RFC 3659 §4), after `TYPE I` if that is not in force.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn size(&mut self, path: impl AsRef<[u8]>) -> Result<u64, $crate::Error> {
            self.converse($crate::files::Size::new(path)?)$($await)*
        }

        /// When a file was changed last, in UTC (`MDTM`, RFC 3659 §3).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn modified(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<ftp_proto::DateTime, $crate::Error> {
            self.converse($crate::files::modified(path)?)$($await)*
        }

        /// Sets when a file was changed last, in UTC, to the second (`MFMT`). Returns what the server
        /// says that it set.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd); [`Error::NotSupported`](ftp_adapter::Error::NotSupported) if `FEAT`
        /// does not list `MFMT`.
        pub $($async)? fn set_modified(
            &mut self,
            path: impl AsRef<[u8]>,
            time: ftp_proto::DateTime,
        ) -> Result<Option<ftp_proto::DateTime>, $crate::Error> {
            self.converse($crate::files::SetModified::new(path, time)?)$($await)*
        }

        /// Size and time of a file (`SIZE`, `MDTM`), as far as the server says them: enough to see whether
        /// it is still the one of an earlier transfer. A file that is not there is no error, but
        /// [`Fact::Missing`](ftp_adapter::Fact::Missing).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd), but for replies that refuse.
        pub $($async)? fn file_facts(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<$crate::FileFacts, $crate::Error> {
            self.converse($crate::AskFacts::new(path)?)$($await)*
        }

        /// What the server knows of a file or a directory (`MLST`, RFC 3659 §7).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn facts(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<ftp_proto::listing::OwnedEntry, $crate::Error> {
            self.converse($crate::files::facts(path)?)$($await)*
        }

        /// Changes the bits of a file, of which those in `0o7777` count (`SITE CHMOD`, as servers on
        /// Unix systems have it).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn chmod(
            &mut self,
            path: impl AsRef<[u8]>,
            mode: u16,
        ) -> Result<(), $crate::Error> {
            self.converse($crate::files::chmod(path, mode)?)$($await)*
        }

        /// The hash of a file, with the best algorithm that `FEAT` lists: by `HASH` if it is there, else
        /// by `XSHA512`, `XSHA256`, `XSHA1`, `XMD5` or `XCRC`.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd); [`Error::NotSupported`](ftp_adapter::Error::NotSupported) if `FEAT`
        /// lists none of them.
        pub $($async)? fn hash(
            &mut self,
            path: impl AsRef<[u8]>,
        ) -> Result<$crate::files::Hash, $crate::Error> {
            self.converse($crate::files::Hashing::new(path)?)$($await)*
        }

        /// What the server can do (`FEAT`, RFC 2389): none, if it does not know `FEAT`. It is asked once;
        /// after a `reinitialize` it is asked again.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn features(
            &mut self,
        ) -> Result<ftp_proto::wire::Features, $crate::Error> {
            self.converse($crate::files::FeaturesOf)$($await)*
        }

        /// The system of the server (`SYST`), as in `UNIX Type: L8`.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn system(&mut self) -> Result<String, $crate::Error> {
            self.converse($crate::files::system()?)$($await)*
        }

        /// The state of the server, or what it says of this path (`STAT`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn status(
            &mut self,
            path: Option<&[u8]>,
        ) -> Result<ftp_proto::wire::Reply, $crate::Error> {
            self.converse($crate::files::status(path)?)$($await)*
        }

        /// How many bytes there is room for, in the current directory or at this path (`AVBL`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn space(&mut self, path: Option<&[u8]>) -> Result<u64, $crate::Error> {
            self.converse($crate::files::space(path)?)$($await)*
        }

        /// Announces how many bytes will be stored (`ALLO`). That a server needs none of it (202) is no
        /// error.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn allocate(&mut self, bytes: u64) -> Result<(), $crate::Error> {
            self.converse($crate::files::allocate(bytes)?)$($await)*
        }

        /// Asks for a service of this server (`SITE`).
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn site(
            &mut self,
            arguments: impl AsRef<[u8]>,
        ) -> Result<ftp_proto::wire::Reply, $crate::Error> {
            self.converse($crate::files::site(arguments)?)$($await)*
        }

        /// Sets an option of a command (`OPTS`, RFC 2389 §4), as in `MLST type;size;`.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn options(
            &mut self,
            arguments: impl AsRef<[u8]>,
        ) -> Result<ftp_proto::wire::Reply, $crate::Error> {
            self.converse($crate::files::options(arguments)?)$($await)*
        }

        /// Does nothing (`NOOP`): whether the server is there.
        ///
        /// # Errors
        /// As [`pwd`](Self::pwd).
        pub $($async)? fn noop(&mut self) -> Result<(), $crate::Error> {
            self.converse($crate::files::noop()?)$($await)*
        }
    };
}
