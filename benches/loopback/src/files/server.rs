//! The server of transfers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// What is sent and read at once.
const PIECE: usize = 256 * 1024;

/// Serves one control connection after the other. What ends one early is the client's matter.
pub fn serve(listener: &TcpListener) {
    let mut session = Session {
        listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener"),
        space: vec![b'.'; PIECE],
    };
    for control in listener.incoming() {
        let _ = session.talk(&control.expect("a connection"));
    }
}

struct Session {
    /// For data connections, of every session.
    listener: TcpListener,
    space: Vec<u8>,
}

impl Session {
    fn talk(&mut self, control: &TcpStream) -> io::Result<()> {
        control.set_nodelay(true)?;
        let mut say = control;
        say.write_all(b"220 FTP server ready.\r\n")?;
        for line in BufReader::new(control).lines() {
            let line = line?;
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let port = self.listener.local_addr()?.port();
            let reply = match verb {
                "USER" => "331 Please specify the password.\r\n",
                "PASS" => "230 Login successful.\r\n",
                "TYPE" => "200 Type set.\r\n",
                "EPSV" => &format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
                "PASV" => &format!(
                    "227 Entering Passive Mode (127,0,0,1,{},{}).\r\n",
                    port / 256,
                    port % 256
                ),
                "RETR" | "STOR" => {
                    say.write_all(b"150 Here it comes.\r\n")?;
                    let (data, _) = self.listener.accept()?;
                    match argument.parse() {
                        Ok(bytes) if verb == "RETR" => self.send(&data, bytes)?,
                        _ => self.take(&data)?,
                    }
                    drop(data);
                    "226 Transfer complete.\r\n"
                }
                "QUIT" => "221 Goodbye.\r\n",
                _ => "502 Not known.\r\n",
            };
            say.write_all(reply.as_bytes())?;
        }
        Ok(())
    }

    fn send(&self, mut data: &TcpStream, mut bytes: usize) -> io::Result<()> {
        while bytes > 0 {
            let sent = data.write(&self.space[..bytes.min(PIECE)])?;
            bytes -= sent;
        }
        Ok(())
    }

    fn take(&mut self, mut data: &TcpStream) -> io::Result<()> {
        while data.read(&mut self.space)? > 0 {}
        Ok(())
    }
}
