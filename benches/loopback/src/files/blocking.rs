//! Clients on blocking sockets.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use ::suppaftp::types::FileType;
use ::suppaftp::{FtpError, FtpStream, Mode};

use super::{LOGIN, PIECE, Source, Way, Work, port};
use crate::clients::config;
use crate::{PASSWORD, USER};

pub(super) fn bare(server: SocketAddr, work: Work) {
    let mut control = TcpStream::connect(server).expect("connected");
    control.set_nodelay(true).expect("no delay");
    let mut space = [0; 512];
    let mut piece = vec![b'.'; PIECE];
    reply(&mut control, &mut space);
    for command in LOGIN {
        control.write_all(command).expect("sent");
        reply(&mut control, &mut space);
    }
    for _ in 0..work.files {
        control.write_all(b"EPSV\r\n").expect("sent");
        let length = reply(&mut control, &mut space);
        let address = (server.ip(), port(&space[..length]));
        let mut data = TcpStream::connect(address).expect("connected");
        control.write_all(work.command().as_bytes()).expect("sent");
        reply(&mut control, &mut space);
        if work.way != Way::Upload {
            let mut moved = 0;
            loop {
                match data.read(&mut piece).expect("bytes") {
                    0 => break,
                    count => moved += count as u64,
                }
            }
            if work.way == Way::Download {
                work.moved(moved);
            }
        } else {
            for length in work.pieces() {
                data.write_all(&piece[..length]).expect("sent");
            }
        }
        drop(data);
        // With the 150 it came in one piece where the file is small.
        if !space.windows(4).any(|window| window == b"226 ") {
            reply(&mut control, &mut space);
        }
        space.fill(0);
    }
}

/// One read is a reply.
pub(crate) fn reply(control: &mut TcpStream, space: &mut [u8]) -> usize {
    let length = control.read(space).expect("a reply");
    assert!(length > 0, "the server is there");
    length
}

/// Uploads by its own call; downloads by `io::copy`, as uploads are.
pub(super) fn suppaftp(server: SocketAddr, work: Work) {
    let mut client = FtpStream::connect(server).expect("connected");
    client.set_mode(Mode::ExtendedPassive);
    client.login(USER, PASSWORD).expect("logged in");
    client.transfer_type(FileType::Binary).expect("a type");
    for _ in 0..work.files {
        let moved = if work.way == Way::Download {
            client.retr(&work.path(), |mut data| {
                io::copy(&mut data, &mut io::sink()).map_err(FtpError::ConnectionError)
            })
        } else {
            client.put_file(work.path(), &mut Source::of(work))
        };
        work.moved(moved.expect("moved"));
    }
    client.quit().expect("goodbye");
}

pub(super) fn ours(server: SocketAddr, work: Work) {
    let mut client = ftp_blocking::Connector::new(config())
        .connect(&server.to_string())
        .expect("logged in");
    let mut piece = vec![b'.'; PIECE];
    for _ in 0..work.files {
        if work.way == Way::Download {
            let mut download = client.retrieve(work.path()).expect("it begins");
            let mut moved = 0;
            loop {
                match download.read(&mut piece).expect("bytes") {
                    0 => break,
                    count => moved += count as u64,
                }
            }
            work.moved(moved);
        } else {
            let mut upload = client.store(work.path()).expect("it begins");
            for length in work.pieces() {
                upload.write_all(&piece[..length]).expect("sent");
            }
            work.moved(upload.finish().expect("whole").bytes);
        }
    }
    client.quit().expect("goodbye");
}
