//! What a user may do with files.

/// What a user may do. It is asked before the application is: without the right a command is answered
/// with 550. Start from one of the constants and change what should differ:
///
/// ```
/// use ftp_proto::server::Rights;
///
/// let mut drop_box = Rights::NONE;
/// drop_box.list = true;
/// drop_box.write = true;
/// assert!(!drop_box.overwrite);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rights {
    /// Retrieve files: `RETR`.
    pub read: bool,
    /// Store new files: `STOR`, `STOU`; set their time and permissions: `MFMT`, `SITE CHMOD`.
    pub write: bool,
    /// Add to the end of files: `APPE`.
    pub append: bool,
    /// List directories and ask for facts: `LIST`, `NLST`, `MLSD`, `MLST`. `SIZE` and `MDTM` need this
    /// or [`read`](Self::read).
    pub list: bool,
    /// Make directories: `MKD`.
    pub make: bool,
    /// Remove files and directories: `DELE`, `RMD`.
    pub delete: bool,
    /// Rename: `RNFR` and `RNTO`.
    pub rename: bool,
    /// Change what is there already. `STOR` behind `REST` needs it; a `STOR` or `RNTO` onto a file that
    /// exists does too, which the application finds out: see
    /// [`StoreMode::New`](super::StoreMode::New).
    pub overwrite: bool,
}

impl Rights {
    /// Nothing but logging in and walking about.
    pub const NONE: Self = Self {
        read: false,
        write: false,
        append: false,
        list: false,
        make: false,
        delete: false,
        rename: false,
        overwrite: false,
    };

    /// Retrieve and list. The default of a [`FilesConfig`](super::FilesConfig).
    pub const READ_ONLY: Self = Self {
        read: true,
        list: true,
        ..Self::NONE
    };

    /// Everything.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        append: true,
        list: true,
        make: true,
        delete: true,
        rename: true,
        overwrite: true,
    };
}
