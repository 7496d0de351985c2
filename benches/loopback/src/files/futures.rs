//! Clients on the runtimes.

use std::net::SocketAddr;

use ::suppaftp::Mode;
use ::suppaftp::types::FileType;

use super::{LOGIN, PIECE, Source, Way, Work, port};
use crate::clients::{config, tokio_runtime};
use crate::{PASSWORD, USER};

/// Logs in by canned commands, and moves the files.
macro_rules! bare {
    ($server:expr, $work:expr, $connect:path) => {{
        let (server, work): (SocketAddr, Work) = ($server, $work);
        let mut control = $connect(server).await.expect("connected");
        control.set_nodelay(true).expect("no delay");
        let mut space = [0; 512];
        let mut piece = vec![b'.'; PIECE];
        assert!(control.read(&mut space).await.expect("a greeting") > 0);
        for command in LOGIN {
            control.write_all(command).await.expect("sent");
            assert!(control.read(&mut space).await.expect("a reply") > 0);
        }
        for _ in 0..work.files {
            control.write_all(b"EPSV\r\n").await.expect("sent");
            let length = control.read(&mut space).await.expect("a reply");
            let address = SocketAddr::new(server.ip(), port(&space[..length]));
            let mut data = $connect(address).await.expect("connected");
            control
                .write_all(work.command().as_bytes())
                .await
                .expect("sent");
            assert!(control.read(&mut space).await.expect("a reply") > 0);
            if work.way == Way::Download {
                let mut moved = 0;
                loop {
                    match data.read(&mut piece).await.expect("bytes") {
                        0 => break,
                        count => moved += count as u64,
                    }
                }
                work.moved(moved);
            } else {
                for length in work.pieces() {
                    data.write_all(&piece[..length]).await.expect("sent");
                }
            }
            drop(data);
            // With the 150 it came in one piece where the file is small.
            if !space.windows(4).any(|window| window == b"226 ") {
                assert!(control.read(&mut space).await.expect("a reply") > 0);
            }
            space.fill(0);
        }
    }};
}

pub(super) fn bare_tokio(server: SocketAddr, work: Work) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    tokio_runtime().block_on(async { bare!(server, work, tokio::net::TcpStream::connect) });
}

pub(super) fn bare_smol(server: SocketAddr, work: Work) {
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    smol::block_on(async { bare!(server, work, smol::net::TcpStream::connect) });
}

/// As of the blocking client: uploads by its own call, downloads by `copy`.
macro_rules! suppaftp {
    ($server:expr, $work:expr, $client:ty, $io:path) => {{
        use $io as io;
        let (server, work): (SocketAddr, Work) = ($server, $work);
        let mut client = <$client>::connect(server).await.expect("connected");
        client.set_mode(Mode::ExtendedPassive);
        client.login(USER, PASSWORD).await.expect("logged in");
        let binary = client.transfer_type(FileType::Binary).await;
        binary.expect("a type");
        for _ in 0..work.files {
            if work.way == Way::Download {
                let download = client.retr_as_stream(work.path()).await;
                let mut download = download.expect("it begins");
                let moved = io::copy(&mut download, &mut io::sink()).await;
                download.finish().await.expect("whole");
                work.moved(moved.expect("bytes"));
            } else {
                let sent = client.put_file(work.path(), &mut Source::of(work)).await;
                work.moved(sent.expect("sent"));
            }
        }
        client.quit().await.expect("goodbye");
    }};
}

pub(super) fn suppaftp_tokio(server: SocketAddr, work: Work) {
    tokio_runtime().block_on(async {
        suppaftp!(server, work, ::suppaftp::tokio::AsyncFtpStream, tokio::io);
    });
}

pub(super) fn suppaftp_smol(server: SocketAddr, work: Work) {
    smol::block_on(async {
        suppaftp!(server, work, ::suppaftp::smol::AsyncFtpStream, smol::io);
    });
}

/// Ours, on one of the runtimes.
macro_rules! ours {
    ($server:expr, $work:expr, $adapter:ident) => {{
        let (server, work): (SocketAddr, Work) = ($server, $work);
        let connector = $adapter::Connector::new(config());
        let client = connector.connect(&server.to_string()).await;
        let mut client = client.expect("logged in");
        let mut piece = vec![b'.'; PIECE];
        for _ in 0..work.files {
            if work.way == Way::Download {
                let mut download = client.retrieve(work.path()).await.expect("it begins");
                let mut moved = 0;
                loop {
                    match download.read(&mut piece).await.expect("bytes") {
                        0 => break,
                        count => moved += count as u64,
                    }
                }
                work.moved(moved);
            } else {
                let mut upload = client.store(work.path()).await.expect("it begins");
                for length in work.pieces() {
                    upload.write_all(&piece[..length]).await.expect("sent");
                }
                work.moved(upload.finish().await.expect("whole").bytes);
            }
        }
        client.quit().await.expect("goodbye");
    }};
}

pub(super) fn tokio(server: SocketAddr, work: Work) {
    tokio_runtime().block_on(async { ours!(server, work, ftp_tokio) });
}

pub(super) fn smol(server: SocketAddr, work: Work) {
    smol::block_on(async { ours!(server, work, ftp_smol) });
}

pub(super) fn async_std(server: SocketAddr, work: Work) {
    async_std::task::block_on(async { ours!(server, work, ftp_async_std) });
}
