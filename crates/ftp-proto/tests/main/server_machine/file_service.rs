//! A server connection that serves files: the steps of its application and its driver.

use std::net::SocketAddr;

use ftp_proto::data;
use ftp_proto::listing::{Entry, Kind, Modified, Precision};
use ftp_proto::server::{Config, FileError, FilesConfig, HashAlgorithm, Rights};
use ftp_proto::{Action, DateTime, Machine, Securable};

use super::dialogue::plain;
use super::harness::{Server, tls_session};

pub(crate) const LISTENER: &str = "192.0.2.7:6446";

pub(crate) fn serving() -> Config {
    let files = FilesConfig::new()
        .rights(Rights::ALL)
        .hashes([HashAlgorithm::Sha256, HashAlgorithm::Sha512])
        .space(true);
    plain().files(files)
}

/// Logged in, in clear.
pub(crate) fn logged_in(config: Config) -> Server {
    let mut server = Server::new(config);
    server.said();
    server.send("USER anna");
    assert_eq!(server.code("PASS right"), "230");
    server.happened();
    server
}

impl Server {
    /// Answers that somebody listens there.
    pub(crate) fn listen(&mut self, address: &str) -> String {
        let request = self.held.listen.take().expect("nobody was to listen");
        self.held.listener = true;
        let address: SocketAddr = address.parse().unwrap();
        let answer = request.listening(address);
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn passive(&mut self) {
        assert_eq!(self.send("EPSV"), "");
        let said = self.listen(LISTENER);
        assert_eq!(said, "229 Entering Extended Passive Mode (|||6446|)\r\n");
    }

    /// Answers a question about a file.
    pub(crate) fn done(&mut self) -> String {
        let answer = self.held.file.take().expect("nothing was asked").done();
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn refuse(&mut self, error: FileError) -> String {
        let held = &mut self.held;
        let answer = if let Some(request) = held.file.take() {
            request.refused(error)
        } else if let Some(request) = held.transfer.take() {
            request.refused(error)
        } else {
            held.commit
                .take()
                .expect("nothing was asked")
                .refused(error)
        };
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    /// A file of five bytes.
    pub(crate) fn facts(&mut self) -> String {
        let mut entry = Entry::new(b"ignored", Kind::File);
        entry.size = Some(5);
        let time = DateTime::parse(b"20240501123400").unwrap();
        entry.modified = Some(Modified::utc(time, Precision::Second));
        let answer = self
            .held
            .file
            .take()
            .expect("nothing was asked")
            .facts(&entry);
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn hash(&mut self) -> String {
        let request = self.held.file.take().expect("nothing was asked");
        let answer = request.hash(&[0xab; 32], 5);
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn space(&mut self) -> String {
        let request = self.held.file.take().expect("nothing was asked");
        let answer = request.space(1 << 40);
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn begin(&mut self) -> String {
        let request = self.held.transfer.take().expect("no transfer is asked for");
        let answer = request.begin(Some(5));
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn commit(&mut self) -> String {
        let request = self.held.commit.take().expect("there is nothing to keep");
        let answer = request.committed();
        self.connection.answer(self.now, answer).unwrap();
        self.said()
    }

    pub(crate) fn open_data(&mut self) -> String {
        let ticket = self
            .held
            .ticket
            .take()
            .expect("no data connection is wanted");
        let data = self.connection.data_opened(self.now, ticket).unwrap();
        self.held.data = Some(data);
        self.said()
    }

    /// The bytes of a download are sent, and their end; or those of an upload come, and their end.
    pub(crate) fn move_all(&mut self, bytes: &[u8]) {
        let now = self.now;
        let data = self.held.data.as_mut().expect("no data connection");
        if data.is_protected() {
            assert!(matches!(data.poll(), Ok(Action::Event(_))));
            data.tls_started(now, tls_session());
        }
        match data.direction() {
            data::Direction::Receive => {
                assert_eq!(data.received(now, bytes), bytes.len());
                data.received_eof(now);
                data.consume(now, bytes.len());
            }
            data::Direction::Send => {
                assert_eq!(data.write(now, bytes), bytes.len());
                data.finish(now);
                loop {
                    match data.poll().unwrap() {
                        Action::Write { bytes, .. } => {
                            let count = bytes.len();
                            data.wrote(now, count);
                        }
                        Action::Shutdown { .. } => break data.shut_down(now),
                        _ => {}
                    }
                }
            }
        }
    }

    /// Tells how the data connection ended.
    pub(crate) fn end_data(&mut self) -> String {
        let data = self.held.data.take().expect("no data connection");
        self.connection
            .data_ended(self.now, data.into_end())
            .unwrap();
        self.said()
    }

    /// Up to the data connection, 150 said.
    pub(crate) fn moving(&mut self, command: &str) {
        self.passive();
        assert_eq!(self.send(command), "");
        assert_eq!(self.begin(), "");
        assert_eq!(&self.open_data()[..3], "150");
    }
}
