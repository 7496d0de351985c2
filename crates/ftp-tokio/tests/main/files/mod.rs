//! What a client does with files, against a server that is played by a function.

mod listings;
mod operations;
mod trees;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use crate::common::*;
use ftp_proto::data::Open;
use ftp_tokio::generic::DataTransport;
use ftp_tokio::{Client, Connector};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;

/// What the server answers to a command.
pub(super) struct Answer {
    reply: String,
    /// What it sends over the data connection, and what it says after that.
    data: Option<(Vec<u8>, String)>,
    /// The data connection stays open, and nothing follows before `ABOR`.
    hangs: bool,
    /// Both connections end after the data.
    ends: bool,
}

pub(super) fn say(reply: &str) -> Answer {
    Answer {
        reply: reply.replace('\n', "\r\n"),
        data: None,
        hangs: false,
        ends: false,
    }
}

pub(super) fn send(bytes: &str) -> Answer {
    send_and_say(bytes, "226 done")
}

pub(super) fn send_and_say(bytes: &str, last: &str) -> Answer {
    let data = bytes.replace('\n', "\r\n").into_bytes();
    Answer {
        data: Some((data, last.to_owned())),
        ..say("150 here it comes")
    }
}

pub(super) fn send_and_hang(bytes: &str) -> Answer {
    Answer {
        hangs: true,
        ..send(bytes)
    }
}

pub(super) fn send_and_end(bytes: &str) -> Answer {
    Answer {
        ends: true,
        ..send(bytes)
    }
}

/// Data connections in memory: the server's ends go to it.
struct InMemory(mpsc::UnboundedSender<DuplexStream>);

impl DataTransport<DuplexStream> for InMemory {
    fn connect(&self, _: Open) -> Pin<Box<dyn Future<Output = io::Result<DuplexStream>> + Send>> {
        let (near, far) = tokio::io::duplex(64);
        let sent = self.0.send(far);
        Box::pin(async move {
            sent.map_err(|_| io::ErrorKind::ConnectionRefused)?;
            Ok(near)
        })
    }
}

/// Logs in to a server that answers like this. The commands after the login are logged.
pub(super) async fn log_in_to(
    answer: impl FnMut(&str) -> Answer + Send + 'static,
) -> (Client<DuplexStream>, Log) {
    let (near, far) = tokio::io::duplex(1024);
    let (data, incoming) = mpsc::unbounded_channel();
    let log = Log::default();
    tokio::spawn(serve(far, incoming, log.clone(), answer));
    let connector = Connector::new(plain(login()));
    let mut client = connector.over(near, "localhost").await.unwrap();
    client.data_transport(Arc::new(InMemory(data)));
    log.clear();
    (client, log)
}

/// The same; the commands must be these, in this order.
pub(super) async fn log_in_to_script(
    script: impl IntoIterator<Item = (&'static str, Answer)>,
) -> (Client<DuplexStream>, Log) {
    let mut script: VecDeque<_> = script.into_iter().collect();
    log_in_to(move |command| match script.pop_front() {
        Some((expected, answer)) if expected == command => answer,
        other => {
            let expected = other.map_or("nothing", |(expected, _)| expected);
            say(&format!("599 {command} came, expected was {expected}"))
        }
    })
    .await
}

async fn serve(
    control: DuplexStream,
    mut incoming: mpsc::UnboundedReceiver<DuplexStream>,
    log: Log,
    mut answer: impl FnMut(&str) -> Answer,
) {
    let (lines, mut out) = tokio::io::split(control);
    let mut lines = BufReader::new(lines).lines();
    let mut hanging = Vec::new();
    out.write_all(b"220 hello\r\n").await.unwrap();
    while let Ok(Some(command)) = lines.next_line().await {
        log.say(&command);
        let verb = command.split(' ').next().unwrap_or_default();
        let Answer {
            reply,
            data,
            hangs,
            ends,
        } = match verb {
            "USER" => say("331 and?"),
            "PASS" => say("230 welcome"),
            "REIN" => say("220 again"),
            "TYPE" => say("200 so be it"),
            "EPSV" => say("229 (|||6446|)"),
            "ABOR" if hanging.pop().is_some() => say("426 cut\n226 aborted"),
            "ABOR" => say("226 aborted"),
            "QUIT" => say("221 bye"),
            _ => answer(&command),
        };
        let mut text = format!("{reply}\r\n");
        if let Some((bytes, last)) = data {
            out.write_all(text.as_bytes()).await.unwrap();
            let mut far = incoming.recv().await.unwrap();
            let is_sent = far.write_all(&bytes).await.is_ok();
            if ends {
                return;
            }
            if hangs {
                hanging.push(far);
                continue;
            }
            // Its end, as of a transfer that was given up.
            let mut rest = Vec::new();
            if is_sent && far.shutdown().await.is_ok() {
                let _reset = far.read_to_end(&mut rest).await;
            }
            text = format!("{last}\r\n");
        } else {
            drop(incoming.try_recv());
        }
        if out.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}
