//! Files of this computer as what is received into and sent from: the system copies them, where it can.

use std::fs::File;
use std::io::{self, Read, Write};

use ftp_adapter::{Error, UPLOAD_PIECE};

use super::kernel_copy::{Sending, Splicing};
use super::{Download, HoldsClient, Upload};

/// How much is received at a time where the system does not copy.
const PIECE: usize = 64 * 1024;

impl<C: HoldsClient> Download<C> {
    /// Reads all to the end, and writes it to the file from its position on. Returns how many bytes that
    /// were; the transfer is whole then.
    ///
    /// On Linux, the system copies a file in clear (binary, over TCP) with `splice`: the
    /// bytes do not go through this program. In all other cases they are read and written, 64 KiB at a time. The
    /// result is the same, and so are deadlines, progress and [`Aborter`](crate::Aborter); only the
    /// writing itself waits for the disk, without a deadline.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ftp_blocking::ftp_proto::client::{Config, Login, Security};
    /// # let server = ftp_testkit::flaky::FlakyServer::start(1);
    /// # let login = Config::new(Login::new("anna", "correct horse")?).security(Security::DangerousPlaintext);
    /// # let mut ftp = ftp_blocking::Connector::new(login).connect(&server.address().to_string())?;
    /// # let path = std::env::temp_dir().join(format!("{}.iso", std::process::id()));
    /// # let bytes = b"all of it".to_vec();
    /// # let file = ftp_testkit::flaky::FlakyFile { bytes, changed: 0 };
    /// # server.state().files.insert("image.iso".into(), file);
    /// use std::fs::File;
    ///
    /// let mut file = File::create(&path)?;
    /// let length = ftp.retrieve("image.iso")?.copy_to_file(&mut file)?;
    /// assert_eq!(file.metadata()?.len(), length);
    /// # assert_eq!(length, 9);
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`read`](Self::read). [`Error::Local`] if the file cannot be written, for example because the disk is
    /// full: then the transfer is given up, since bytes that were received are lost. Either way the
    /// position of the file says how many are in it, and [`received`](Self::received) how many came.
    pub fn copy_to_file(&mut self, file: &mut File) -> Result<u64, Error> {
        self.copy_pieces_to(file, |_| Ok(()))
    }

    /// The same; calls this with the length of each piece before it is written.
    pub(crate) fn copy_pieces_to(
        &mut self,
        file: &mut File,
        mut on_piece: impl FnMut(usize) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut splicing = Splicing::default();
        let mut space = Vec::new();
        let mut copied = 0_u64;
        loop {
            self.running.check_abort();
            let spliced = splicing.take_in(&mut self.running);
            let (count, written) = if spliced > 0 {
                on_piece(spliced)?;
                (spliced, splicing.write_to(file))
            } else {
                space.resize(PIECE, 0);
                let count = self.read(&mut space)?;
                if count == 0 {
                    return Ok(copied);
                }
                on_piece(count)?;
                (count, file.write_all(&space[..count]))
            };
            if let Err(error) = written {
                self.running.abort();
                return Err(Error::Local(error));
            }
            copied = copied.saturating_add(count as u64);
        }
    }
}

impl<C: HoldsClient> Upload<C> {
    /// Writes the file, from its position to its end, and returns how many bytes that were. The upload is whole
    /// only when [`finish`](Self::finish) says so.
    ///
    /// On Linux, the system copies a file in clear (binary, over TCP) with `sendfile`: the
    /// bytes do not go through this program. In all other cases they are read and written, 256 KiB at a time. The
    /// result is the same, and so are deadlines, progress and [`Aborter`](crate::Aborter). A file that is
    /// written to meanwhile may arrive as a mixture of old and new, even of what was sent already.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ftp_blocking::ftp_proto::client::{Config, Login, Security};
    /// # let server = ftp_testkit::flaky::FlakyServer::start(1);
    /// # let login = Config::new(Login::new("anna", "correct horse")?).security(Security::DangerousPlaintext);
    /// # let mut ftp = ftp_blocking::Connector::new(login).connect(&server.address().to_string())?;
    /// use std::fs::File;
    ///
    /// let mut upload = ftp.store("Cargo.toml")?;
    /// upload.copy_from_file(&mut File::open("Cargo.toml")?)?;
    /// upload.finish()?;
    /// # assert_eq!(server.file("Cargo.toml"), Some(std::fs::read("Cargo.toml")?));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `sendfile` raises SIGPIPE if the server has closed the connection. Rust programs ignore that signal
    /// unless they are told otherwise; a program that does not would end.
    ///
    /// # Errors
    /// As [`write`](Self::write). [`Error::Local`] if the file cannot be read. [`sent`](Self::sent) says how many
    /// bytes went out; the position of the file may be up to 256 KiB further.
    pub fn copy_from_file(&mut self, file: &mut File) -> Result<u64, Error> {
        self.copy_pieces_from(file, u64::MAX, |_| {})
    }

    /// The same for at most so many bytes; calls this with the length of each piece.
    pub(crate) fn copy_pieces_from(
        &mut self,
        file: &mut File,
        mut left: u64,
        mut on_piece: impl FnMut(usize),
    ) -> Result<u64, Error> {
        let most = left;
        let mut sending = Sending::default();
        let mut space = Vec::new();
        self.send_gathered()?;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX);
            let mut count = sending.send(&mut self.running, file, wanted);
            if count > 0 {
                on_piece(count);
            } else {
                if space.is_empty() {
                    space = vec![0; UPLOAD_PIECE.min(wanted)];
                }
                let most = space.len().min(wanted);
                count = match file.read(&mut space[..most]) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(Error::Local(error)),
                };
                on_piece(count);
                self.send_all(&space[..count])?;
            }
            left = left.saturating_sub(count as u64);
        }
        Ok(most - left)
    }
}
