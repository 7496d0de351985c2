//! Sessions with files, command by command, over sockets: what a client must get from each adapter's server,
//! and what a client that misbehaves must not.
//!
//! * [`client`]: the client.
//! * [`sessions`]: what clients do that keep to the protocol.
//! * [`abuse`]: what others do.
//! * [`early`]: those that begin TLS on a data connection before its command.
//! * [`settings`]: what the server's settings change.

mod abuse;
mod client;
mod early;
mod sessions;
mod settings;

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ftp_futures::ftp_files::{Files, Memory};
use ftp_proto::server::{FilesConfig, Rights, StoreMode, VirtualPath};

use self::client::{PATIENCE, Raw};
use super::fixture::{Fixture, Protected};
use super::scratch::Scratch;
use super::{Adapter, FileSettings, Serving};
use crate::misbehaving::Certificates;

/// Whatever clients do with the files of this server comes to what it must.
///
/// # Panics
/// If not.
pub fn use_files(server: &dyn Adapter) {
    thread::scope(|scope| {
        for test in [sessions::ALL, abuse::ALL, early::ALL, settings::ALL].concat() {
            let name = thread::Builder::new().name(test.0.to_owned());
            // A panic is that of the scope, and says which thread it was.
            let run = move || test.1(server);
            name.spawn_scoped(scope, run).expect("a thread");
        }
    });
}

/// What is tested, and how.
type Test = (&'static str, fn(&dyn Adapter));

/// More than sockets and buffers hold.
const SIZE: usize = 12_000_011;

/// A server, and what it serves.
struct Host {
    serving: Serving,
    files: Arc<dyn Files>,
    certificates: Certificates,
    protected: Protected,
}

/// How a server is set up.
struct Plan {
    protected: Protected,
    config: FilesConfig,
    settings: FileSettings,
}

impl Plan {
    /// In clear, files in memory, all is allowed.
    fn new() -> Self {
        Self::serving(Arc::new(Memory::new()))
    }

    fn serving(files: Arc<dyn Files>) -> Self {
        Self {
            protected: Protected::Plain,
            config: FilesConfig::new().rights(Rights::ALL).active(true),
            settings: FileSettings::new(files),
        }
    }

    fn tls(mut self) -> Self {
        self.protected = Protected::Explicit;
        self
    }

    /// What the client must do at once is given up soon: the machine's own deadlines.
    fn impatient(mut self) -> Self {
        let mut timeouts = ftp_proto::data::Timeouts::default();
        timeouts.connect = Duration::from_millis(1500);
        timeouts.handshake = timeouts.connect;
        timeouts.stall = timeouts.connect;
        self.config = self.config.timeouts(timeouts);
        self
    }

    fn start(self, server: &dyn Adapter) -> Host {
        let certificates = Certificates::made();
        let fixture = Fixture {
            client: server,
            server,
            certificates: &certificates,
            protected: self.protected,
        };
        let files = Arc::clone(&self.settings.files);
        let mut settings = fixture.server_settings_with(fixture.policy().files(self.config));
        settings.files = Some(self.settings);
        Host {
            serving: server.serve(&settings),
            files,
            certificates,
            protected: self.protected,
        }
    }
}

impl Host {
    fn client(&self) -> Raw {
        let tls = Arc::clone(&self.certificates.client);
        let is_protected = self.protected != Protected::Plain;
        Raw::log_in(self.address(), is_protected.then_some(tls))
    }

    fn address(&self) -> SocketAddr {
        self.serving.address
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let mut file = self
            .files
            .store(&path(name), StoreMode::Replace)
            .expect("room");
        file.write_all(bytes).expect("room");
        file.commit().expect("room");
    }

    fn got(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut opened = self.files.open(&path(name), 0).ok()?;
        opened.reader.read_to_end(&mut bytes).expect("readable");
        Some(bytes)
    }

    /// Waits until the server has said this to its handler.
    fn wait_for(&self, what: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !self.serving.handler.log().iter().any(|line| what(line)) {
            let log = self.serving.handler.log();
            assert!(begun.elapsed() < PATIENCE, "{log:?}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn end(self) {
        let log = self.serving.end().log();
        let is_wrong = |line: &String| line.starts_with("out of order");
        assert!(!log.iter().any(is_wrong), "{log:?}");
    }
}

fn path(name: &str) -> VirtualPath {
    VirtualPath::root().resolve(name.as_bytes())
}

/// Files on disk, and what is beside them.
struct OnDisk {
    scratch: Scratch,
    files: Arc<dyn Files>,
}

impl OnDisk {
    fn new() -> Self {
        let scratch = Scratch::new();
        let files = Arc::new(scratch.directory("served"));
        Self { scratch, files }
    }
}
