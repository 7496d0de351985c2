//! Programs that pause in an upload for longer than it may stall, and programs that are stopped.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::replace;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use ftp_blocking::{Client, Connector, DataTransport, Transport};
use ftp_proto::client;
use ftp_proto::data::{Open, Timeouts};

use crate::scripted_server::{ScriptedServer, config, file, serve};
use crate::transfers_tls::{shake_hands, tls_with};
use crate::watched::watched;

/// Takes nothing while it is told so.
struct Full {
    stream: TcpStream,
    is_full: Arc<AtomicBool>,
}

impl Read for Full {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.stream.read(space)
    }
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Full {
    fn set_read_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(timeout))
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.stream.set_write_timeout(Some(timeout))
    }

    fn close(&mut self) -> io::Result<()> {
        self.stream.close()
    }
}

/// Its data connections.
struct Fills(Arc<AtomicBool>);

impl DataTransport<Full> for Fills {
    fn connect(&self, open: Open, _: Duration) -> io::Result<Full> {
        let Open::ConnectToPeer { port } = open else {
            panic!("{open:?}");
        };
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        let is_full = Arc::clone(&self.0);
        Ok(Full { stream, is_full })
    }
}

/// In clear nothing waits: what is written is waited for.
#[test]
fn under_tls_what_waits_is_sent_after_a_pause_that_is_longer_than_a_stall() {
    const SIZE: usize = 300_000;
    let mut timeouts = Timeouts::default();
    timeouts.stall = Duration::from_secs(1);
    let (connector, tls) = tls_with(config().data_timeouts(timeouts));
    let server_tls = tls.clone();
    let script = move |server: &mut ScriptedServer| {
        for size in [SIZE, 2 * SIZE] {
            let data = server.data("STOR a file");
            server.say("150 Send it.");
            let mut all = Vec::new();
            shake_hands(&tls, data).read_to_end(&mut all).unwrap();
            assert!(all == file(SIZE).repeat(size / SIZE));
            server.say("226 Got it.");
        }
    };
    watched(move || {
        let (address, server) = serve(Some(server_tls), script);
        let control = Full {
            stream: TcpStream::connect(address).unwrap(),
            is_full: Arc::default(),
        };
        let mut client: Client<Full> = connector.over(control, "localhost").unwrap();
        let is_full = Arc::new(AtomicBool::new(false));
        client.data_transport(Arc::new(Fills(Arc::clone(&is_full))));
        for size in [SIZE, 2 * SIZE] {
            let mut upload = client.store("a file").unwrap();
            // TLS stands.
            let bytes = file(SIZE).repeat(size / SIZE);
            let (first, rest) = bytes.split_at(100_000);
            upload.write_all(first).unwrap();
            upload.flush().unwrap();
            is_full.store(true, Ordering::Relaxed);
            let count = upload.write(rest).unwrap();
            is_full.store(false, Ordering::Relaxed);
            sleep(2 * timeouts.stall);
            upload.write_all(&rest[count..]).unwrap();
            assert_eq!(upload.finish().unwrap().bytes, size as u64);
        }
        client.quit().unwrap();
        server.join().unwrap();
    });
}

/// A deadline that is reached soon. All others are the defaults.
const SOON: Duration = Duration::from_millis(200);

/// The program is stopped (by a signal, by a debugger) while it waits for each reply, which comes meanwhile.
struct Stopped {
    replies: VecDeque<&'static str>,
    /// What has come.
    reply: Option<&'static str>,
    /// That interrupts the read, too.
    interrupts: bool,
    was_stopped: bool,
}

impl Read for Stopped {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.reply.is_some() && !replace(&mut self.was_stopped, true) {
            sleep(2 * SOON);
            if self.interrupts {
                return Err(ErrorKind::Interrupted.into());
            }
        }
        let reply = self.reply.take().ok_or(ErrorKind::WouldBlock)?;
        space[..reply.len()].copy_from_slice(reply.as_bytes());
        Ok(reply.len())
    }
}

impl Write for Stopped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.reply, self.was_stopped) = (self.replies.pop_front(), false);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Stopped {
    fn set_read_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_comes_while_the_program_is_stopped_is_in_time() {
    for interrupts in [false, true] {
        let replies = [
            "331 Password.\r\n",
            "230 Welcome.\r\n",
            "200 Fine.\r\n",
            "221 Goodbye.\r\n",
        ];
        let transport = Stopped {
            replies: replies.into(),
            reply: Some("220 Ready.\r\n"),
            interrupts,
            was_stopped: false,
        };
        let mut timeouts = client::Timeouts::default();
        (timeouts.greeting, timeouts.reply) = (SOON, SOON);
        watched(move || {
            let connector = Connector::new(config().timeouts(timeouts));
            let mut client = connector.over(transport, "localhost").unwrap();
            assert_eq!(client.command("NOOP").unwrap().text(), b"Fine.");
            client.quit().unwrap();
        });
    }
}
