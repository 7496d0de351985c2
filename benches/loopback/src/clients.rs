//! Clients, each of which logs in and says goodbye as often as it is told to.
//!
//! The bare ones know nothing of FTP: they write canned bytes, and take whatever one read gives for the reply. What they
//! need is what any client on their runtime needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use ftp_blocking::ftp_proto::client::{Config, Login, Security};

use crate::{COMMANDS, PASSWORD, USER};

/// Logs in so many times, one login after the other.
pub type Logins = Box<dyn FnMut(u64)>;

/// A client that is measured.
pub type Contestant = (&'static str, fn(SocketAddr) -> Logins);

/// All of them, each behind the bare one of its runtime.
pub const ALL: [Contestant; 14] = [
    ("bare_blocking", bare_blocking),
    ("bare_blocking_with_deadlines", bare_blocking_with_deadlines),
    ("suppaftp_blocking", suppaftp_blocking),
    ("ftp_blocking", ftp_blocking),
    ("bare_tokio", bare_tokio),
    ("bare_tokio_with_deadlines", bare_tokio_with_deadlines),
    ("suppaftp_tokio", suppaftp_tokio),
    ("ftp_tokio", ftp_tokio),
    ("bare_smol", bare_smol),
    ("bare_smol_with_deadlines", bare_smol_with_deadlines),
    ("suppaftp_smol", suppaftp_smol),
    ("ftp_smol", ftp_smol),
    ("bare_async_std", bare_async_std),
    ("ftp_async_std", ftp_async_std),
];

/// How long anything may take, in the bare clients that have deadlines.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for a server that is only just starting, until it greets.
pub fn await_server(server: SocketAddr) {
    let greets = |mut stream: TcpStream| matches!(stream.read(&mut [0; 512]), Ok(1..));
    while !TcpStream::connect(server).is_ok_and(greets) {
        thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn config() -> Config {
    let login = Login::new(USER, PASSWORD).expect("a login");
    Config::new(login).security(Security::DangerousPlaintext)
}

fn bare_blocking(server: SocketAddr) -> Logins {
    Box::new(move |logins| {
        for _ in 0..logins {
            talk(
                TcpStream::connect(server).expect("connected"),
                Duration::ZERO,
            );
        }
    })
}

/// The client that servers are measured with. It waits `pause` before each command.
pub fn canned(server: SocketAddr, logins: u64, pause: Duration) {
    for _ in 0..logins {
        talk(TcpStream::connect(server).expect("connected"), pause);
    }
}

/// With what a client needs to give up: time-outs for connecting, reading and writing. And `TCP_NODELAY`, without which a
/// second command waits for the first one's acknowledgement.
fn bare_blocking_with_deadlines(server: SocketAddr) -> Logins {
    Box::new(move |logins| {
        for _ in 0..logins {
            let stream = TcpStream::connect_timeout(&server, PATIENCE).expect("connected");
            stream.set_nodelay(true).expect("no delay");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            stream
                .set_write_timeout(Some(PATIENCE))
                .expect("a time-out");
            talk(stream, Duration::ZERO);
        }
    })
}

fn talk(mut stream: TcpStream, pause: Duration) {
    let mut space = [0; 512];
    assert!(stream.read(&mut space).expect("a greeting") > 0);
    for command in COMMANDS {
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        stream.write_all(command).expect("sent");
        assert!(stream.read(&mut space).expect("a reply") > 0);
    }
}

fn suppaftp_blocking(server: SocketAddr) -> Logins {
    let server = server.to_string();
    Box::new(move |logins| {
        for _ in 0..logins {
            let mut client = suppaftp::FtpStream::connect(&server).expect("connected");
            client.login(USER, PASSWORD).expect("logged in");
            client.quit().expect("goodbye");
        }
    })
}

fn ftp_blocking(server: SocketAddr) -> Logins {
    let connector = ftp_blocking::Connector::new(config());
    let server = server.to_string();
    Box::new(move |logins| {
        for _ in 0..logins {
            let client = connector.connect(&server).expect("logged in");
            client.quit().expect("goodbye");
        }
    })
}

pub(crate) fn tokio_runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

fn bare_tokio(server: SocketAddr) -> Logins {
    let runtime = tokio_runtime();
    Box::new(move |logins| {
        runtime.block_on(async {
            for _ in 0..logins {
                bare_tokio_login(server, false).await;
            }
        });
    })
}

/// One timer for the whole login, the least that a deadline costs; and `TCP_NODELAY`.
fn bare_tokio_with_deadlines(server: SocketAddr) -> Logins {
    let runtime = tokio_runtime();
    Box::new(move |logins| {
        runtime.block_on(async {
            for _ in 0..logins {
                let login = bare_tokio_login(server, true);
                tokio::time::timeout(PATIENCE, login)
                    .await
                    .expect("in time");
            }
        });
    })
}

async fn bare_tokio_login(server: SocketAddr, nodelay: bool) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server)
        .await
        .expect("connected");
    if nodelay {
        stream.set_nodelay(true).expect("no delay");
    }
    let mut space = [0; 512];
    assert!(stream.read(&mut space).await.expect("a greeting") > 0);
    for command in COMMANDS {
        stream.write_all(command).await.expect("sent");
        assert!(stream.read(&mut space).await.expect("a reply") > 0);
    }
}

fn suppaftp_tokio(server: SocketAddr) -> Logins {
    let runtime = tokio_runtime();
    let server = server.to_string();
    Box::new(move |logins| {
        runtime.block_on(async {
            for _ in 0..logins {
                let client = suppaftp::tokio::AsyncFtpStream::connect(&server).await;
                let mut client = client.expect("connected");
                client.login(USER, PASSWORD).await.expect("logged in");
                client.quit().await.expect("goodbye");
            }
        });
    })
}

fn ftp_tokio(server: SocketAddr) -> Logins {
    let runtime = tokio_runtime();
    let connector = ftp_tokio::Connector::new(config());
    let server = server.to_string();
    Box::new(move |logins| {
        runtime.block_on(async {
            for _ in 0..logins {
                let client = connector.connect(&server).await.expect("logged in");
                client.quit().await.expect("goodbye");
            }
        });
    })
}

fn bare_smol(server: SocketAddr) -> Logins {
    Box::new(move |logins| {
        smol::block_on(async {
            for _ in 0..logins {
                bare_smol_login(server, false).await;
            }
        });
    })
}

/// As with tokio.
fn bare_smol_with_deadlines(server: SocketAddr) -> Logins {
    use smol::future::FutureExt;
    Box::new(move |logins| {
        smol::block_on(async {
            for _ in 0..logins {
                let too_late = async {
                    smol::Timer::after(PATIENCE).await;
                    panic!("too late");
                };
                bare_smol_login(server, true).or(too_late).await;
            }
        });
    })
}

async fn bare_smol_login(server: SocketAddr, nodelay: bool) {
    use smol::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = smol::net::TcpStream::connect(server)
        .await
        .expect("connected");
    if nodelay {
        stream.set_nodelay(true).expect("no delay");
    }
    let mut space = [0; 512];
    assert!(stream.read(&mut space).await.expect("a greeting") > 0);
    for command in COMMANDS {
        stream.write_all(command).await.expect("sent");
        assert!(stream.read(&mut space).await.expect("a reply") > 0);
    }
}

fn suppaftp_smol(server: SocketAddr) -> Logins {
    let server = server.to_string();
    Box::new(move |logins| {
        smol::block_on(async {
            for _ in 0..logins {
                let client = suppaftp::smol::AsyncFtpStream::connect(&server).await;
                let mut client = client.expect("connected");
                client.login(USER, PASSWORD).await.expect("logged in");
                client.quit().await.expect("goodbye");
            }
        });
    })
}

fn ftp_smol(server: SocketAddr) -> Logins {
    let connector = ftp_smol::Connector::new(config());
    let server = server.to_string();
    Box::new(move |logins| {
        smol::block_on(async {
            for _ in 0..logins {
                let client = connector.connect(&server).await.expect("logged in");
                client.quit().await.expect("goodbye");
            }
        });
    })
}

fn bare_async_std(server: SocketAddr) -> Logins {
    use async_std::io::{ReadExt, WriteExt};
    Box::new(move |logins| {
        async_std::task::block_on(async {
            for _ in 0..logins {
                let stream = async_std::net::TcpStream::connect(server).await;
                let mut stream = stream.expect("connected");
                let mut space = [0; 512];
                assert!(stream.read(&mut space).await.expect("a greeting") > 0);
                for command in COMMANDS {
                    stream.write_all(command).await.expect("sent");
                    assert!(stream.read(&mut space).await.expect("a reply") > 0);
                }
            }
        });
    })
}

fn ftp_async_std(server: SocketAddr) -> Logins {
    let connector = ftp_async_std::Connector::new(config());
    let server = server.to_string();
    Box::new(move |logins| {
        async_std::task::block_on(async {
            for _ in 0..logins {
                let client = connector.connect(&server).await.expect("logged in");
                client.quit().await.expect("goodbye");
            }
        });
    })
}
