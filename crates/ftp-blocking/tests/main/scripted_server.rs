//! An FTP server for one client, on loopback, which says what a test wants.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ftp_blocking::ftp_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use ftp_blocking::{Client, Connector};
use ftp_proto::client::{Config, Login, Security};

use crate::watched::watched;

pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// The server's side of the control connection.
pub(crate) struct ScriptedServer {
    control: Box<dyn Stream>,
    tls: Option<Arc<ServerConfig>>,
}

/// A configuration for this server in clear.
pub(crate) fn config() -> Config {
    Config::new(Login::new("anna", "correct horse").unwrap()).security(Security::DangerousPlaintext)
}

/// Lets the two talk to each other, in clear. Both log in and say goodbye besides.
pub(crate) fn play(
    script: impl FnOnce(&mut ScriptedServer) + Send + 'static,
    act: impl FnOnce(&mut Client) + Send + 'static,
) {
    play_with(Connector::new(config()), None, script, act);
}

pub(crate) fn play_with(
    connector: Connector,
    tls: Option<Arc<ServerConfig>>,
    script: impl FnOnce(&mut ScriptedServer) + Send + 'static,
    act: impl FnOnce(&mut Client) + Send + 'static,
) {
    watched(move || {
        let (address, server) = serve(tls, script);
        let mut client = connector.connect(&format!("localhost:{}", address.port()));
        act(client.as_mut().unwrap());
        client.unwrap().quit().unwrap();
        server.join().unwrap();
    });
}

pub(crate) fn serve(
    tls: Option<Arc<ServerConfig>>,
    script: impl FnOnce(&mut ScriptedServer) + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let (control, _) = listener.accept().unwrap();
        control.set_nodelay(true).unwrap();
        let mut server = ScriptedServer::log_in(control, tls);
        script(&mut server);
        server.expect("QUIT");
        server.say("221 Goodbye.");
    });
    (address, thread)
}

/// Puts TLS around; the handshake comes with the first byte.
pub(crate) fn secure(tls: &Arc<ServerConfig>, stream: TcpStream) -> Box<dyn Stream> {
    let connection = ServerConnection::new(tls.clone()).unwrap();
    Box::new(StreamOwned::new(connection, stream))
}

impl ScriptedServer {
    pub(crate) fn log_in(mut control: TcpStream, tls: Option<Arc<ServerConfig>>) -> Self {
        control.write_all(b"220 Ready.\r\n").unwrap();
        let mut server = Self {
            control: Box::new(control.try_clone().unwrap()),
            tls,
        };
        if let Some(tls) = server.tls.clone() {
            server.expect("AUTH TLS");
            server.say("234 Go on.");
            server.control = secure(&tls, control);
        }
        server.expect("USER anna");
        server.say("331 Password.");
        server.expect("PASS correct horse");
        server.say("230 Welcome.");
        server
    }

    /// The next command. What has nothing to do with the test is answered.
    pub(crate) fn expect(&mut self, command: &str) {
        assert_eq!(self.next_command(), command);
    }

    pub(crate) fn next_command(&mut self) -> String {
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                let mut byte = [0];
                self.control.read_exact(&mut byte).unwrap();
                line.extend(byte);
            }
            let line = String::from_utf8(line).unwrap();
            let line = line.trim_end().to_owned();
            if !["TYPE A", "TYPE I", "PBSZ 0", "PROT P"].contains(&&line[..]) {
                return line;
            }
            self.say("200 Fine.");
        }
    }

    pub(crate) fn say(&mut self, lines: &str) {
        let lines = format!("{}\r\n", lines.replace('\n', "\r\n"));
        self.control.write_all(lines.as_bytes()).unwrap();
        self.control.flush().unwrap();
    }

    /// The transfer command, and the data connection that was made for it.
    pub(crate) fn data(&mut self, command: &str) -> TcpStream {
        self.expect("EPSV");
        let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        self.say(&format!("229 Go there (|||{port}|)"));
        self.expect(command);
        let (data, _) = listener.accept().unwrap();
        data.set_nodelay(true).unwrap();
        data
    }

    /// The client asks where it is, to see that it is in step.
    pub(crate) fn tell_where(&mut self) {
        self.expect("PWD");
        self.say("257 \"/here\"");
    }
}

/// The client is in step.
pub(crate) fn ask_where(client: &mut Client) {
    assert_eq!(client.command("PWD").unwrap().text(), b"\"/here\"");
}

/// A file of this size; no two stretches of it are alike.
pub(crate) fn file(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}
