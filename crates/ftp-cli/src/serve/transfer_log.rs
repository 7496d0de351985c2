//! The file of `--transfer-log`: a line for each transfer of a file, in the format of xferlog, which
//! wu-ftpd began and programs that evaluate logs read. Times are local.
//!
//! A thread of its own writes, since no session may wait for a disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ftp_proto::data::DataType;
use ftp_proto::server::TransferAction;
use ftp_proto::wire::escape;
use ftp_tokio::{SessionInfo, TransferSummary};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{error, info};

use crate::credentials::is_anonymous;
use crate::exit::{Exit, Failure};

/// How many lines may wait for the disk. More are lost, and the other log says so.
const WAITING: usize = 10_000;
/// How long the end of the program waits for the last lines.
const END_TIME: Duration = Duration::from_secs(5);

/// A file that lines are appended to.
#[derive(Debug)]
pub(crate) struct TransferLog {
    messages: SyncSender<Message>,
}

#[derive(Debug)]
enum Message {
    Line(String),
    Reopen,
    /// Tell when all before it is written.
    End(oneshot::Sender<()>),
}

impl TransferLog {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = append_to(path).map_err(|error| {
            let path = path.display();
            Failure::usage(format!("cannot write the transfer log {path}: {error}"))
        })?;
        let (messages, received) = sync_channel(WAITING);
        let path = path.to_owned();
        thread::Builder::new()
            .name("transfer-log".to_owned())
            .spawn(move || write_all(file, &path, &received))
            .map_err(|error| Failure::new(Exit::Unavailable, format!("cannot start: {error}")))?;
        Ok(Self { messages })
    }

    /// Writes a line if a file was transferred, or was to be.
    pub(crate) fn write(&self, session: &SessionInfo, transfer: &TransferSummary) {
        let now = TimeZone::system().to_datetime(Timestamp::now());
        if let Some(line) = line(now, session, transfer) {
            self.send(Message::Line(line));
        }
    }

    /// Opens the file anew, under its name: the old one may have been renamed.
    pub(crate) fn reopen(&self) {
        self.send(Message::Reopen);
    }

    /// Waits until all lines are written, but not for a disk that hangs.
    pub(crate) async fn finish(&self) {
        let (sender, written) = oneshot::channel();
        self.send(Message::End(sender));
        if timeout(END_TIME, written).await.is_err() {
            error!("the last lines of the transfer log may be missing: the disk is too slow");
        }
    }

    fn send(&self, message: Message) {
        if let Err(error) = self.messages.try_send(message) {
            let why = error.to_string();
            error!(
                why,
                "a line of the transfer log is lost: the disk is too slow"
            );
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn write_all(mut file: File, path: &Path, messages: &Receiver<Message>) {
    for message in messages {
        match message {
            Message::Line(line) => {
                if let Err(error) = file.write_all(line.as_bytes()) {
                    let why = error.to_string();
                    error!(why, "a line of the transfer log is lost");
                }
            }
            Message::Reopen => match append_to(path) {
                Ok(new) => {
                    file = new;
                    info!("opened the transfer log anew");
                }
                Err(error) => {
                    let why = error.to_string();
                    error!(
                        why,
                        "cannot open the transfer log anew, the old file stays in use"
                    );
                }
            },
            // The program may have ended.
            Message::End(sender) => drop(sender.send(())),
        }
    }
}

/// The line; `None` for a listing.
fn line(now: DateTime, session: &SessionInfo, transfer: &TransferSummary) -> Option<String> {
    let (path, direction) = match &transfer.action {
        TransferAction::Retrieve { path, .. } => (path, 'o'),
        TransferAction::Store { path, .. } => (path, 'i'),
        _ => return None,
    };
    let seconds = (transfer.duration.as_millis() + 500) / 1000;
    let kind = match transfer.data_type {
        DataType::Ascii => 'a',
        _ => 'b',
    };
    let username = session.username.as_ref();
    let mode = match username.is_some_and(is_anonymous) {
        true => 'a',
        false => 'r',
    };
    let user = username.map_or("*".to_owned(), |name| one_word(name.as_bytes()));
    let completed = match transfer.outcome {
        Ok(()) => 'c',
        Err(_) => 'i',
    };
    Some(format!(
        "{} {seconds} {} {} {} {kind} _ {direction} {mode} {user} ftp 0 * {completed}\n",
        now.strftime(DATE),
        session.peer.ip().to_canonical(),
        transfer.bytes,
        one_word(path.as_bytes()),
    ))
}

/// As in `Sun Nov 29 04:27:47 2026`.
const DATE: &str = "%a %b %e %H:%M:%S %Y";

/// With `_` for each blank and for each character that the other log escapes, as other servers write
/// them: fields are separated by blanks, and lines by newlines.
fn one_word(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.replace(
        |letter: char| {
            let mut bytes = [0; 4];
            let alone = &*letter.encode_utf8(&mut bytes);
            let is_escaped = escape(alone.as_bytes()).to_string() != alone;
            letter.is_whitespace()
                || letter == char::REPLACEMENT_CHARACTER
                || (is_escaped && letter != '\\')
        },
        "_",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_c() {
        for (unix, text) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (1_795_926_467, "Sun Nov 29 04:27:47 2026"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
        ] {
            let time = TimeZone::UTC.to_datetime(Timestamp::from_second(unix).unwrap());
            assert_eq!(time.strftime(DATE).to_string(), text);
        }
    }

    #[test]
    fn names_that_would_confuse_a_reader_of_the_log_do_not() {
        let name = "caf\u{e9} a\u{202e}b\u{2028}c\\d\r\n\u{1b}[2J";
        assert_eq!(one_word(name.as_bytes()), "caf\u{e9}_a_b_c\\d___[2J");
        assert_eq!(one_word(b"\xff/a"), "_/a");
    }

    proptest::proptest! {
        #[test]
        fn no_name_looks_like_another_field(name: Vec<u8>) {
            let word = one_word(&name);
            assert!(word.split_whitespace().count() <= 1);
            assert!(!word.contains(char::is_control));
            assert_eq!(word.is_empty(), name.is_empty());
        }
    }
}
