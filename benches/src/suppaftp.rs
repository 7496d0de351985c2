//! suppaftp's reading of replies, in memory, through its public API.
//!
//! It reads replies only to commands, and only from a socket or a TLS stream; so a "TLS stream" of ours reads from
//! memory. [`Memory::round`] has it send a command and read the reply; [`Memory::command_alone`] has it send the
//! same command into a stream that refuses it, which is what reading costs nothing of. The difference is the reading.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use suppaftp::{FtpError, FtpResult, ImplFtpStream, Status, TlsConnector, TlsStream};

/// A client of suppaftp whose peer is memory.
pub struct Memory {
    client: ImplFtpStream<InMemory>,
    shared: Arc<Mutex<Shared>>,
    expected: Status,
}

#[derive(Debug, Default)]
struct Shared {
    /// What the server says next, over and over.
    reply: Vec<u8>,
    read: usize,
    refuse: bool,
}

#[derive(Debug)]
struct InMemory {
    pipe: Pipe,
    socket: TcpStream,
}

#[derive(Debug)]
struct Pipe(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Connector(Arc<Mutex<Shared>>);

impl Memory {
    /// A client that will read `reply` after each command. It needs a socket for its first two replies.
    ///
    /// # Panics
    /// If there is no loopback network.
    pub fn new(reply: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("an address");
        let server = thread::spawn(move || -> io::Result<TcpStream> {
            let (mut socket, _) = listener.accept()?;
            socket.write_all(b"220 Ready.\r\n")?;
            let mut heard = [0; 64];
            let _ = socket.read(&mut heard)?;
            socket.write_all(b"234 Go ahead.\r\n")?;
            Ok(socket)
        });
        let shared = Arc::new(Mutex::new(Shared {
            reply: b"200 Done.\r\n".to_vec(),
            ..Shared::default()
        }));
        let client = ImplFtpStream::<InMemory>::connect(address)
            .and_then(|client| client.into_secure(Connector(Arc::clone(&shared)), "localhost"))
            .expect("a client");
        server.join().expect("no panic").expect("a server");
        let code = std::str::from_utf8(&reply[..3]).expect("a code");
        let expected = Status::from(code.parse::<u32>().expect("a code"));
        reply.clone_into(&mut shared.lock().expect("no panic").reply);
        Self {
            client,
            shared,
            expected,
        }
    }

    /// One command, one reply: the length of what suppaftp keeps of it.
    ///
    /// # Panics
    /// If suppaftp does not like the reply.
    pub fn round(&mut self) -> usize {
        let response = self
            .client
            .custom_command("NOOP", &[self.expected])
            .expect("the reply is expected");
        response.body.len()
    }

    /// The command, which is not taken.
    ///
    /// # Panics
    /// If suppaftp takes no notice of that.
    pub fn command_alone(&mut self) -> usize {
        self.shared.lock().expect("no panic").refuse = true;
        let refused = self.client.custom_command("NOOP", &[self.expected]);
        self.shared.lock().expect("no panic").refuse = false;
        match refused {
            Err(FtpError::ConnectionError(_)) => 0,
            other => panic!("{other:?}"),
        }
    }
}

impl TlsConnector for Connector {
    type Stream = InMemory;

    fn connect(&self, _domain: &str, socket: TcpStream) -> FtpResult<InMemory> {
        let pipe = Pipe(Arc::clone(&self.0));
        Ok(InMemory { pipe, socket })
    }
}

impl TlsStream for InMemory {
    type InnerStream = Pipe;

    fn tcp_stream(self) -> FtpResult<TcpStream> {
        Ok(self.socket)
    }

    fn get_ref(&self) -> &TcpStream {
        &self.socket
    }

    fn mut_ref(&mut self) -> &mut Pipe {
        &mut self.pipe
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut shared = self.0.lock().expect("no panic");
        let Shared { reply, read, .. } = &mut *shared;
        let count = reply[*read..].as_ref().read(buffer)?;
        *read = (*read + count) % reply.len();
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.lock().expect("no panic").refuse {
            true => Err(io::ErrorKind::Unsupported.into()),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
