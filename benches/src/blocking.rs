//! Files moved by a blocking client whose server and sockets cost nothing: what the client itself needs.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use ftp_blocking::ftp_proto::client::{Config, Login, Security};
use ftp_blocking::ftp_proto::data::Open;
use ftp_blocking::{Client, Connector, DataTransport, Transport};

/// What the application reads and writes at once.
const PIECE: usize = 64 * 1024;

/// One of the server's connections.
pub enum Stream {
    /// Answers the last command.
    Control(&'static [u8]),
    /// Has so many bytes to give, and takes all.
    Data(usize),
}

/// Makes data connections with files of so many bytes.
struct Files(usize);

impl DataTransport<Stream> for Files {
    fn connect(&self, _: Open, _: Duration) -> io::Result<Stream> {
        Ok(Stream::Data(self.0))
    }
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Control([]) => Err(io::ErrorKind::WouldBlock.into()),
            Self::Control(reply) => reply.read(space),
            Self::Data(left) => {
                let count = space.len().min(*left);
                *left -= count;
                Ok(count)
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Self::Control(reply) = self {
            *reply = match bytes.first_chunk::<4>() {
                Some(b"USER") => b"331 Please specify the password.\r\n",
                Some(b"PASS") => b"230 Login successful.\r\n",
                Some(b"TYPE") => b"200 Type set.\r\n",
                Some(b"EPSV") => b"229 Entering Extended Passive Mode (|||49152|)\r\n",
                Some(b"RETR" | b"STOR") => b"150 Here it comes.\r\n226 Transfer complete.\r\n",
                _ => panic!("{}", bytes.escape_ascii()),
            };
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Stream {
    fn set_read_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    /// Both sides have said all.
    fn close(&mut self) -> io::Result<()> {
        if let Self::Data(left) = self {
            *left = 0;
        }
        Ok(())
    }
}

/// A client that is logged in, for files of so many bytes.
pub fn client(bytes: usize) -> Client<Stream> {
    let login = Login::new("developer", "correct horse").expect("a login");
    let config = Config::new(login).security(Security::DangerousPlaintext);
    let control = Stream::Control(b"220 FTP server ready.\r\n");
    let client = Connector::new(config).over(control, "ftp.example.com");
    let mut client = client.expect("logged in");
    client.data_transport(Arc::new(Files(bytes)));
    client
}

/// Fetches a file. How many bytes it has.
pub fn download(client: &mut Client<Stream>, piece: &mut [u8]) -> usize {
    let mut download = client.retrieve("file").expect("it begins");
    let mut moved = 0;
    loop {
        match download.read(piece).expect("bytes") {
            0 => return moved,
            count => moved += count,
        }
    }
}

/// Stores one.
pub fn upload(client: &mut Client<Stream>, piece: &[u8], bytes: usize) -> usize {
    let mut upload = client.store("file").expect("it begins");
    let mut rest = bytes;
    while rest > 0 {
        let count = rest.min(piece.len());
        upload.write_all(&piece[..count]).expect("it is taken");
        rest -= count;
    }
    usize::try_from(upload.finish().expect("whole").bytes).expect("a small file")
}

/// What [`download`] and [`upload`] move at once.
pub fn piece() -> Vec<u8> {
    vec![b'.'; PIECE]
}
