//! A server with files, and our own client, over sockets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ftp_proto::client::{self, DataMode, Transfer};
use ftp_proto::listing::FactNames;
use ftp_proto::server::{
    self, Attempt, FileError, FilesConfig, Request, Rights, StoreMode, TransferError, Verdict,
    VirtualPath,
};
use ftp_proto::wire::{Code, Reply};
use ftp_testkit::content;
use ftp_tokio::ftp_files::{Entries, Facts, Files, Memory, Opened, WriteFile};
use ftp_tokio::{
    Client, Connector, Handler, Progress, Server, SessionEvent, SessionInfo, TransferStart,
};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::common::*;

mod stalled;

/// More than sockets, buffers and pieces hold.
const SIZE: usize = 5_000_011;

fn path(name: &str) -> VirtualPath {
    VirtualPath::root().resolve(name.as_bytes())
}

fn put(files: &Memory, name: &str, bytes: &[u8]) {
    let mut file = files.store(&path(name), StoreMode::Replace).unwrap();
    file.write_all(bytes).unwrap();
    file.commit().unwrap();
}

fn got(files: &Memory, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut opened = files.open(&path(name), 0).unwrap();
    opened.reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Lets everybody in and remembers the transfers.
#[derive(Clone, Default)]
struct Anybody(Log, Arc<Mutex<HashMap<u64, TransferStart>>>);

impl Handler for Anybody {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        attempt.accept().rights(Rights::ALL)
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, session: &SessionInfo, event: &SessionEvent) {
        let mut started = self.1.lock().unwrap();
        match event {
            SessionEvent::TransferStarted(start) => {
                assert!(started.insert(session.id, (**start).clone()).is_none());
            }
            SessionEvent::Transferred(summary) => {
                let start = started.remove(&session.id).expect("it started");
                assert_eq!(start.action.verb(), summary.action.verb());
                assert_eq!(start.data_type, summary.data_type);
                let resumed = summary.tls.as_ref().map(|tls| tls.resumed);
                let (bytes, outcome) = (summary.bytes, summary.outcome);
                self.0.say(format!("{bytes} {outcome:?} {resumed:?}"));
            }
            _ => {}
        }
    }
}

struct World {
    address: SocketAddr,
    files: Memory,
    log: Log,
    tls: Option<Tls>,
    active: bool,
    stop: tokio::sync::oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

impl World {
    async fn start(tls: Option<Tls>) -> Self {
        let security = match &tls {
            Some(_) => server::Security::ExplicitTls,
            None => server::Security::DangerousPlaintext,
        };
        let files_config = FilesConfig::new()
            .active(true)
            .resumption(server::Resumption::Require);
        let config = server::Config::new().security(security).files(files_config);
        let (files, handler) = (Memory::new(), Anybody::default());
        let server = Server::new(Arc::new(config), tls.as_ref().map(|tls| tls.server.clone()))
            .unwrap()
            .files(files.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let log = handler.0.clone();
        let done = tokio::spawn(async move {
            let stopped = async move { stopped.await.unwrap_or_default() };
            server.serve(listener, handler, stopped).await;
        });
        Self {
            address,
            files,
            log,
            tls,
            active: false,
            stop,
            done,
        }
    }

    async fn client(&self) -> Client {
        let mut config = match self.tls {
            Some(_) => client::Config::new(login()),
            None => plain(login()),
        };
        if self.active {
            config = config.data_mode(DataMode::Active);
        }
        self.connect(config).await
    }

    async fn connect(&self, config: client::Config) -> Client {
        let mut connector = Connector::new(config);
        if let Some(tls) = &self.tls {
            connector = connector.tls(tls.client.clone());
        }
        connector.connect(&self.address.to_string()).await.unwrap()
    }
}

/// In clear, under TLS, and with data connections that the server makes.
async fn worlds() -> [World; 3] {
    let mut active = World::start(None).await;
    active.active = true;
    [
        World::start(None).await,
        World::start(Some(Tls::made())).await,
        active,
    ]
}

async fn download(ftp: &mut Client, transfer: Transfer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut download = ftp.download(transfer).await.unwrap();
    download.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn upload(ftp: &mut Client, transfer: Transfer, bytes: &[u8]) {
    let mut upload = ftp.upload(transfer).await.unwrap();
    upload.write_all(bytes).await.unwrap();
    upload.finish().await.unwrap();
}

#[tokio::test]
async fn files_go_there_and_back() {
    for world in worlds().await {
        let (mut ftp, bytes) = (world.client().await, content(SIZE));
        upload(&mut ftp, Transfer::store("a").unwrap(), &bytes).await;
        assert!(got(&world.files, "a") == bytes);
        assert!(download(&mut ftp, Transfer::retrieve("a").unwrap()).await == bytes);
        for offset in [0, 1, SIZE - 1, SIZE] {
            let rest = Transfer::retrieve("a").unwrap().offset(offset as u64);
            assert!(download(&mut ftp, rest).await == bytes[offset..]);
        }
        upload(&mut ftp, Transfer::append("a").unwrap(), b"end").await;
        assert_eq!(ftp.size("a").await.unwrap(), SIZE as u64 + 3);
        let resumed = Transfer::store("a").unwrap().offset(100);
        upload(&mut ftp, resumed, b"rest").await;
        assert!(got(&world.files, "a") == [&bytes[..100], b"rest"].concat());
        upload(&mut ftp, Transfer::store("empty").unwrap(), b"").await;
        assert!(
            download(&mut ftp, Transfer::retrieve("empty").unwrap())
                .await
                .is_empty()
        );
        ftp.quit().await.unwrap();
        let log = world.log.lines();
        assert!(log.iter().all(|line| line.contains("Ok(())")), "{log:?}");
        assert_eq!(log.len(), 10);
    }
}

#[tokio::test]
async fn the_progress_goes_from_nothing_to_all() {
    for world in worlds().await {
        for size in [0, 1, SIZE] {
            let (mut ftp, bytes) = (world.client().await, content(size));
            let (say, said) = std::sync::mpsc::channel();
            let hear = say.clone();
            let transfer = Transfer::store("a").unwrap().size(Some(size as u64));
            let upload = ftp.upload(transfer).await.unwrap();
            let mut upload = upload.on_progress(move |sent| hear.send(sent).unwrap());
            for piece in bytes.chunks(100_000) {
                upload.write_all(piece).await.unwrap();
            }
            upload.finish().await.unwrap();
            assert_eq!(upload.progress().bytes, size as u64);
            assert_progress(said.try_iter().collect(), 0, size, Some(size));

            for known in [None, Some(size)] {
                let hear = say.clone();
                let rest = Transfer::retrieve("a").unwrap().offset(size as u64 / 2);
                let rest = rest.size(known.map(|size| size as u64));
                let download = ftp.download(rest).await.unwrap();
                let mut download = download.on_progress(move |came| hear.send(came).unwrap());
                let mut received = Vec::new();
                download.read_to_end(&mut received).await.unwrap();
                assert!(received == bytes[size / 2..]);
                // Our server announces the length, which is that of the whole file at byte 0.
                let total = known.or((size < 2).then_some(size));
                assert_progress(said.try_iter().collect(), size / 2, size, total);
            }
        }
    }
}

fn assert_progress(said: Vec<Progress>, from: usize, to: usize, total: Option<usize>) {
    let bytes = said.iter().map(|progress| progress.bytes);
    assert!(bytes.is_sorted_by(|before, next| before < next), "{said:?}");
    assert!(said[0].bytes >= from as u64);
    assert_eq!(said.last().unwrap().bytes, to as u64);
    let total = total.map(|total| total as u64);
    assert!(
        said.iter().all(|progress| progress.total == total),
        "{said:?}"
    );
    // It is said while the file moves.
    assert!(said.len() > (to - from) / 1_000_000, "{said:?}");
}

#[tokio::test]
async fn directories_are_made_listed_and_removed() {
    for world in worlds().await {
        let mut ftp = world.client().await;
        ftp.make_dir("pub").await.unwrap();
        ftp.cwd("pub").await.unwrap();
        for name in 0..3000 {
            put(&world.files, &format!("pub/a file {name}"), b"bytes");
        }
        let entries = ftp.list_all("").await.unwrap();
        assert_eq!(entries.len(), 3000);
        let is_right = |line: &str| line.starts_with("-rw") && line.contains(" a file ");
        let list = download(&mut ftp, Transfer::list(None).unwrap()).await;
        let list = String::from_utf8(list).unwrap();
        assert_eq!(
            list.lines().filter(|line| is_right(line)).count(),
            3000,
            "{list}"
        );
        assert_eq!(
            ftp.names("").await.unwrap().collect().await.unwrap().len(),
            3000
        );
        ftp.rename("a file 1", "other").await.unwrap();
        ftp.remove_file("other").await.unwrap();
        assert_eq!(ftp.list_all("").await.unwrap().len(), 2999);
        ftp.cdup().await.unwrap();
        assert!(ftp.remove_dir("pub").await.is_err(), "not empty");
        ftp.make_dir("new").await.unwrap();
        ftp.remove_dir("new").await.unwrap();
        assert_eq!(ftp.pwd().await.unwrap(), b"/");
    }
}

#[tokio::test]
async fn a_transfer_that_is_given_up_leaves_the_session_as_it_was() {
    for world in worlds().await {
        put(&world.files, "a", &content(SIZE));
        let mut ftp = world.client().await;
        let mut some = [0; 1000];
        let mut download = ftp.retrieve("a").await.unwrap();
        download.read(&mut some).await.unwrap();
        drop(download);
        assert_eq!(ftp.pwd().await.unwrap(), b"/");
        let mut upload = ftp.store("a").await.unwrap();
        upload.write_all(&some).await.unwrap();
        drop(upload);
        assert_eq!(ftp.pwd().await.unwrap(), b"/");
        // What was there is not lost.
        assert_eq!(ftp.size("a").await.unwrap(), SIZE as u64);
        let log = world.log.lines();
        assert_eq!(log.len(), 2, "{log:?}");
        let whole = format!("{:?}", Ok::<(), TransferError>(()));
        assert!(log.iter().all(|line| !line.contains(&whole)), "{log:?}");
        assert!(self::download(&mut ftp, Transfer::retrieve("a").unwrap()).await == content(SIZE));
    }
}

#[tokio::test]
async fn telnet_before_abor_is_no_part_of_it() {
    let world = World::start(None).await;
    put(&world.files, "a", &content(SIZE));
    let mut ftp = world.connect(plain(login()).telnet_abort(true)).await;
    for _ in 0..2 {
        let mut download = ftp.retrieve("a").await.unwrap();
        download.read(&mut [0; 1000]).await.unwrap();
        download.abort().await.unwrap();
        assert_eq!(ftp.pwd().await.unwrap(), b"/");
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_and_the_next_can() {
    for world in worlds().await {
        put(&world.files, "a", b"bytes");
        let mut ftp = world.client().await;
        assert!(ftp.retrieve("none").await.is_err());
        assert!(ftp.store("none/a").await.is_err());
        assert_eq!(
            download(&mut ftp, Transfer::retrieve("a").unwrap()).await,
            b"bytes"
        );
        let log = world.log.lines();
        assert_eq!(log.len(), 3, "{log:?}");
        let refused = format!("{:?}", TransferError::Failed(FileError::NotFound));
        assert!(
            log[0].contains(&refused) && log[1].contains(&refused),
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn two_sessions_transfer_at_once() {
    for world in worlds().await {
        let bytes = content(SIZE);
        put(&world.files, "a", &bytes);
        let (mut one, mut other) = (world.client().await, world.client().await);
        let mut slow = one.retrieve("a").await.unwrap();
        upload(&mut other, Transfer::store("b").unwrap(), &bytes).await;
        let mut came = Vec::new();
        slow.read_to_end(&mut came).await.unwrap();
        assert!(came == bytes && got(&world.files, "b") == bytes);
    }
}

#[tokio::test]
async fn a_hundred_transfers_under_tls_resume_the_session() {
    let world = World::start(Some(Tls::made())).await;
    let mut ftp = world.client().await;
    for count in 0..50 {
        let bytes = content(count * 997);
        upload(&mut ftp, Transfer::store("a").unwrap(), &bytes).await;
        assert!(download(&mut ftp, Transfer::retrieve("a").unwrap()).await == bytes);
    }
    let log = world.log.lines();
    assert_eq!(log.len(), 100);
    assert!(
        log.iter().all(|line| line.ends_with("Ok(()) Some(true)")),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_stranger_on_the_passive_port_gets_nothing_and_ends_nothing() {
    let world = World::start(None).await;
    put(&world.files, "a", b"bytes");
    let mut ftp = world.client().await;
    ftp.command("TYPE I").await.unwrap();
    let reply = ftp.command("EPSV").await.unwrap();
    let text = String::from_utf8(reply.text().to_vec()).unwrap();
    let port = text.split('|').nth(3).unwrap().parse().unwrap();
    let passive = SocketAddr::from(([127, 0, 0, 1], port));
    // From another address of this host.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stranger = socket.connect(passive).await.unwrap();
    let mut data = TcpStream::connect(passive).await.unwrap();
    let command = ftp.send("RETR a").unwrap();
    assert_eq!(
        ftp.next_reply(command).await.unwrap().code(),
        Code::OPENING_DATA_CONNECTION
    );
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"bytes");
    assert!(matches!(stranger.read(&mut [0]).await, Ok(0) | Err(_)));
    assert_eq!(
        ftp.next_reply(command).await.unwrap().code(),
        Code::CLOSING_DATA_CONNECTION
    );
    // The listener served this transfer and no other.
    let command = ftp.send("RETR a").unwrap();
    assert_eq!(
        ftp.next_reply(command).await.unwrap().code(),
        Code::CANNOT_OPEN_DATA_CONNECTION
    );
}

#[tokio::test]
async fn a_server_that_stops_lets_a_transfer_come_to_its_end() {
    for world in worlds().await {
        let bytes = content(SIZE);
        put(&world.files, "a", &bytes);
        let mut ftp = world.client().await;
        let mut download = ftp.retrieve("a").await.unwrap();
        world.stop.send(()).unwrap();
        // It has stopped when it accepts no more.
        while TcpStream::connect(world.address).await.is_ok() {}
        let mut came = Vec::new();
        download.read_to_end(&mut came).await.unwrap();
        assert!(came == bytes);
        drop(download);
        // The server may have read one command before it saw the end of the transfer.
        while ftp.pwd().await.is_ok() {}
        world.done.await.unwrap();
    }
}

#[tokio::test]
async fn files_that_panic_end_the_session_with_421() {
    struct Panics;

    impl Files for Panics {
        fn enter(&self, _: &VirtualPath) -> Result<(), FileError> {
            panic!("as it should")
        }
        fn facts(&self, _: &VirtualPath, _: FactNames) -> Result<Facts, FileError> {
            Err(FileError::NotSupported)
        }
        fn list(&self, _: &VirtualPath, _: FactNames) -> Result<Entries, FileError> {
            Err(FileError::NotSupported)
        }
        fn open(&self, _: &VirtualPath, _: u64) -> Result<Opened, FileError> {
            Err(FileError::NotSupported)
        }
        fn store(&self, _: &VirtualPath, _: StoreMode) -> Result<Box<dyn WriteFile>, FileError> {
            Err(FileError::NotSupported)
        }
        fn remove(&self, _: &VirtualPath) -> Result<(), FileError> {
            Err(FileError::NotSupported)
        }
        fn make_directory(&self, _: &VirtualPath) -> Result<(), FileError> {
            Err(FileError::NotSupported)
        }
        fn remove_directory(&self, _: &VirtualPath) -> Result<(), FileError> {
            Err(FileError::NotSupported)
        }
        fn rename(&self, _: &VirtualPath, _: &VirtualPath, _: bool) -> Result<(), FileError> {
            Err(FileError::NotSupported)
        }
    }

    let config = plain_server().files(FilesConfig::new());
    let server = Server::new(Arc::new(config), None).unwrap().files(Panics);
    let near = serve_one(server, OneUser::default(), 1024);
    let mut ftp = Connector::new(plain(login()))
        .over(near, "localhost")
        .await
        .unwrap();
    let error = ftp.cwd("pub").await.unwrap_err();
    assert!(error.to_string().contains("421"), "{error}");
}

#[tokio::test]
async fn over_a_transport_that_is_no_socket_there_are_no_passive_data_connections() {
    let config = plain_server().files(FilesConfig::new());
    let files = Memory::new();
    put(&files, "a", b"bytes");
    let server = Server::new(Arc::new(config), None).unwrap().files(files);
    let near = serve_one(server, OneUser::default(), 1024);
    let mut ftp = Connector::new(plain(login()))
        .over(near, "localhost")
        .await
        .unwrap();
    assert_eq!(ftp.size("a").await.unwrap(), 5);
    assert_eq!(
        ftp.command("EPSV").await.unwrap().code(),
        Code::CANNOT_OPEN_DATA_CONNECTION
    );
}
