//! Clients that move one large file from a disk to a disk, in clear: what the copying costs.
//!
//! The bare ones know as much of FTP as those of [`files`](crate::files). They differ in how they move bytes.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use rustix::fs::sendfile;
use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, pipe, splice};

use crate::clients::config;
use crate::files::{LOGIN, PIECE, port, reply};

/// What is copied, from or to where.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Where the server is.
    pub server: SocketAddr,
    /// The server's file.
    pub path: String,
    /// The client's file.
    pub local: PathBuf,
}

/// A client that is measured: logs in, copies the file, down or up, and ends.
pub type Contestant = (&'static str, fn(Copy, bool));

/// All of them. (The script has curl besides.)
pub const ALL: [Contestant; 4] = [
    ("bare_kernel", |copy, down| bare(&copy, down, &Kernel)),
    ("bare_loop", |copy, down| bare(&copy, down, &Loop)),
    ("ftp_blocking", ours),
    ("ftp_blocking_read_write", ours_in_pieces),
];

/// How a bare program moves bytes.
pub(crate) trait Moves {
    fn take(&self, data: &TcpStream, file: File) -> io::Result<()>;
    fn send(&self, file: File, data: &TcpStream) -> io::Result<()>;
}

/// The kernel does it: `io::copy` does not let it, between a file and a socket.
pub(crate) struct Kernel;

/// How much the kernel gets at once.
const LARGE: usize = 512 * 1024;

impl Moves for Kernel {
    fn take(&self, data: &TcpStream, file: File) -> io::Result<()> {
        let (exit, entrance) = pipe()?;
        fcntl_setpipe_size(&entrance, LARGE)?;
        let none = SpliceFlags::empty();
        loop {
            let mut left = splice(data, None, &entrance, None, LARGE, none)?;
            if left == 0 {
                return Ok(());
            }
            while left > 0 {
                left -= splice(&exit, None, &file, None, left, none)?;
            }
        }
    }

    fn send(&self, file: File, data: &TcpStream) -> io::Result<()> {
        while sendfile(data, &file, None, LARGE)? > 0 {}
        Ok(())
    }
}

/// The program reads and writes.
struct Loop;

impl Moves for Loop {
    fn take(&self, data: &TcpStream, file: File) -> io::Result<()> {
        read_and_write(data, file)
    }

    fn send(&self, file: File, data: &TcpStream) -> io::Result<()> {
        read_and_write(file, data)
    }
}

fn read_and_write(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            count => to.write_all(&piece[..count])?,
        }
    }
}

fn bare(copy: &Copy, down: bool, moves: &dyn Moves) {
    let mut control = TcpStream::connect(copy.server).expect("connected");
    control.set_nodelay(true).expect("no delay");
    let mut space = [0; 512];
    reply(&mut control, &mut space);
    for command in LOGIN {
        control.write_all(command).expect("sent");
        reply(&mut control, &mut space);
    }
    control.write_all(b"EPSV\r\n").expect("sent");
    let length = reply(&mut control, &mut space);
    let address = (copy.server.ip(), port(&space[..length]));
    let data = TcpStream::connect(address).expect("connected");
    let verb = if down { "RETR" } else { "STOR" };
    let command = format!("{verb} {}\r\n", copy.path);
    control.write_all(command.as_bytes()).expect("sent");
    reply(&mut control, &mut space);
    let copied = match down {
        true => moves.take(&data, File::create(&copy.local).expect("a file")),
        false => moves.send(File::open(&copy.local).expect("a file"), &data),
    };
    copied.expect("copied");
    drop(data);
    if !space.windows(4).any(|window| window == b"226 ") {
        reply(&mut control, &mut space);
    }
}

/// The system copies.
fn ours(copy: Copy, down: bool) {
    let client = ftp_blocking::Connector::new(config())
        .connect(&copy.server.to_string())
        .expect("logged in");
    copy_and_quit(client, copy, down);
}

/// By the calls for files.
pub(crate) fn copy_and_quit(mut client: ftp_blocking::Client, copy: Copy, down: bool) {
    if down {
        let mut file = File::create(copy.local).expect("a file");
        let mut download = client.retrieve(copy.path).expect("it begins");
        download.copy_to_file(&mut file).expect("whole");
    } else {
        let mut file = File::open(copy.local).expect("a file");
        let mut upload = client.store(copy.path).expect("it begins");
        upload.copy_from_file(&mut file).expect("sent");
        upload.finish().expect("whole");
    }
    client.quit().expect("goodbye");
}

/// The same by reading and writing.
fn ours_in_pieces(copy: Copy, down: bool) {
    let mut client = ftp_blocking::Connector::new(config())
        .connect(&copy.server.to_string())
        .expect("logged in");
    if down {
        let file = File::create(copy.local).expect("a file");
        let download = client.retrieve(copy.path).expect("it begins");
        read_and_write(download, file).expect("whole");
    } else {
        let file = File::open(copy.local).expect("a file");
        let mut upload = client.store(copy.path).expect("it begins");
        read_and_write(file, &mut upload).expect("sent");
        upload.finish().expect("whole");
    }
    client.quit().expect("goodbye");
}
