//! A client and a server in one process that move small files without end: what grows that should not.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ftp_tokio::ftp_files::Memory;
use ftp_tokio::ftp_proto::server::{Config, FilesConfig, Rights, Security};
use ftp_tokio::{Client, Connector, Server};

use crate::clients::{config, tokio_runtime};
use crate::servers::{OpenDoor, of_tokio};
use crate::turns::serving;

/// The bytes of each file.
const FILE: [u8; 1024] = [b'.'; 1024];
/// How many names there are: files replace each other.
const NAMES: u64 = 16;
/// How often it is looked at what there is.
const LOOKS: u64 = 20;
/// How much more memory there may be at the end than when a tenth is done.
const MOST_GROWTH: u64 = 2 * 1024;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Files, down and up by turns.
    pub transfers: u64,
    /// How many of these are dropped after their first bytes.
    pub cancels: u64,
    /// How many connections they go over, one after the other. Each second one is left without `QUIT`, in the middle of a
    /// download.
    pub connections: u64,
}

/// What this process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    kib: u64,
    open_files: usize,
}

/// Prints a table of what the process holds.
///
/// # Errors
/// If a transfer fails, a command gets another's reply, or something has grown.
pub fn run(amount: Amount) -> Result<(), Box<dyn Error>> {
    let server = serving(|listener| {
        let files = FilesConfig::new().rights(Rights::ALL);
        let config = Config::new().security(Security::DangerousPlaintext);
        let server = Server::new(Arc::new(config.files(files)), None).expect("no TLS is asked for");
        let server = server.files(Memory::new());
        tokio_runtime().block_on(async {
            let listener = of_tokio(listener);
            let never = std::future::pending();
            server.serve(listener, OpenDoor, never).await;
        });
    });
    println!("| transfers | cancelled | connections | memory | open files |");
    println!("|---:|---:|---:|---:|---:|");
    let start = Instant::now();
    let (first, last) = tokio_runtime().block_on(go_on(server, amount))?;
    println!("\nIn {} s.", start.elapsed().as_secs());
    if last.kib > first.kib + MOST_GROWTH || last.open_files > first.open_files + 2 {
        return Err(format!("from {first:?} it grew to {last:?}").into());
    }
    Ok(())
}

/// What was held when a tenth was done, and at the end.
async fn go_on(server: SocketAddr, amount: Amount) -> Result<(Held, Held), Box<dyn Error>> {
    let connector = Connector::new(config());
    let mut client = connector.connect(&server.to_string()).await?;
    let (mut cancelled, mut connections) = (0, 1);
    let mut first = None;
    for done in 1..=amount.transfers {
        let name = (done % NAMES).to_string();
        if done <= 2 * NAMES {
            store(&mut client, &name).await?;
        } else if is_due(done, amount.transfers, amount.cancels) {
            cancel(&mut client, &name, cancelled % 2 == 0).await?;
            cancelled += 1;
        } else if done % 2 == 0 {
            store(&mut client, &name).await?;
        } else {
            retrieve(&mut client, &name).await?;
        }
        if is_due(done, amount.transfers, amount.connections) {
            match connections % 2 {
                0 => client.quit().await?,
                _ => abandon(client, &name).await?,
            }
            client = connector.connect(&server.to_string()).await?;
            connections += 1;
        }
        if is_due(done, amount.transfers, LOOKS) {
            let held = held()?;
            println!(
                "| {done} | {cancelled} | {connections} | {} KiB | {} |",
                held.kib, held.open_files
            );
            if first.is_none() && done >= amount.transfers / 10 {
                first = Some(held);
            }
        }
    }
    client.quit().await?;
    Ok((first.ok_or("too few transfers")?, held()?))
}

/// Whether, of so many evenly among all, one more is due.
fn is_due(done: u64, all: u64, of_these: u64) -> bool {
    done * of_these / all > (done - 1) * of_these / all
}

async fn store(client: &mut Client, name: &str) -> Result<(), Box<dyn Error>> {
    let mut upload = client.store(name).await?;
    upload.write_all(&FILE).await?;
    upload.finish().await?;
    Ok(())
}

async fn retrieve(client: &mut Client, name: &str) -> Result<(), Box<dyn Error>> {
    let mut file = Vec::new();
    client.retrieve(name).await?.read_to_end(&mut file).await?;
    match file == FILE {
        true => Ok(()),
        false => Err("another file came".into()),
    }
}

/// Gives a transfer up by dropping it; then the next command must get its own reply.
async fn cancel(client: &mut Client, name: &str, is_download: bool) -> Result<(), Box<dyn Error>> {
    if is_download {
        let mut download = client.retrieve(name).await?;
        download.read(&mut [0; 10]).await?;
    } else {
        let mut upload = client.store(name).await?;
        upload.write_all(&FILE[..10]).await?;
    }
    let directory = client.pwd().await?;
    match &*directory == b"/" {
        true => Ok(()),
        false => Err("another reply came".into()),
    }
}

/// Leaves in the middle of a download, without a word.
async fn abandon(mut client: Client, name: &str) -> Result<(), Box<dyn Error>> {
    client.retrieve(name).await?.read(&mut [0; 10]).await?;
    Ok(())
}

/// The memory that is in use, and the open files, sockets among them.
fn held() -> Result<Held, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(Held {
        kib: kib.ok_or("no VmRSS")?.parse()?,
        open_files: fs::read_dir("/proc/self/fd")?.count(),
    })
}
