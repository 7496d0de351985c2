//! How far off a server's clock is.
//!
//! A server gives files that are uploaded the time of its own clock. To compare that with the time of a
//! local file, one has to know how far the clock is off. No command of FTP asks for it. So a hidden file
//! is stored, the server is asked for its time, and it is removed.

use std::time::{SystemTime, UNIX_EPOCH};

use ftp_adapter::{Error, Fact, jitter};
use ftp_proto::DateTime;
use ftp_proto::client::Transfer;
use ftp_tokio::Pooled;

use super::mirror::tree::{part_name, visible};
use super::outcome::Trouble;
use super::site::Site;
use crate::output::complain;
use crate::target::RemotePath;

/// A clock that seems to be off by so many seconds may be right: the answer takes its time.
const DOUBT: i64 = 10;

/// How much the clock of a server is ahead of this computer's, at least. 0 if nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ServerClock {
    seconds: i64,
}

impl ServerClock {
    /// `after`: the time here, in milliseconds, soon after the server gave a file this time.
    fn seen(after: i64, there: DateTime) -> Self {
        Self {
            seconds: there.unix().saturating_add((-after).div_euclid(1000)),
        }
    }

    /// When that was by the clock of this computer, or a few seconds later: never earlier.
    pub(crate) fn here(self, there: DateTime) -> DateTime {
        DateTime::from_unix(there.unix().saturating_sub(self.seconds))
    }

    /// In words.
    fn note(self) -> Option<String> {
        let minutes = (self.seconds.unsigned_abs() + 30) / 60;
        let way = match self.seconds {
            seconds if seconds.abs() <= DOUBT => return None,
            1.. => "ahead",
            _ => "behind",
        };
        let off = match minutes {
            0..=1 => format!("{} s", self.seconds.unsigned_abs()),
            2..=119 => format!("{minutes} min"),
            _ => format!("{} h {} min", minutes / 60, minutes % 60),
        };
        Some(format!("the server's clock is {off} {way}"))
    }
}

impl Site {
    /// Learns how far the server's clock is off, from a hidden file in this directory. Once: later
    /// calls give the same. Where that is not allowed, the clock is taken for right.
    ///
    /// # Errors
    /// Those that end a connection.
    pub(crate) async fn clock(&self, directory: &RemotePath) -> Result<ServerClock, Trouble> {
        let learn = async || {
            let name = part_name(&[b"clock", &jitter().to_be_bytes()]);
            let mut clock = ServerClock::default();
            // Some servers take no names with a dot in front.
            for name in [name.as_str(), visible(&name)] {
                let path = directory.join(name.as_bytes());
                match self.ask(async |client| look(client, &path).await).await {
                    Ok(seen) => clock = seen.unwrap_or_default(),
                    Err(Error::Transfer { .. }) => continue,
                    Err(Error::Refused(_)) => {}
                    Err(error) => return Err(error.into()),
                }
                break;
            }
            if let (true, Some(note)) = (self.tells, clock.note()) {
                complain(format_args!("note: {note}; times are compared accordingly"));
            }
            Ok(clock)
        };
        self.clock_seen.get_or_try_init(learn).await.copied()
    }
}

async fn look(client: &mut Pooled, path: &RemotePath) -> Result<Option<ServerClock>, Error> {
    let mut upload = client.upload(Transfer::store(path.as_bytes())?).await?;
    upload.write_all(b"\n").await?;
    upload.finish().await?;
    let after = now();
    let facts = client.file_facts(path.as_bytes()).await?;
    match client.remove_file(path.as_bytes()).await {
        Ok(()) | Err(Error::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(match facts.modified {
        Fact::Known(there) => Some(ServerClock::seen(after, there)),
        Fact::Missing | Fact::Unknown => None,
    })
}

/// In milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_said_how_far_it_is_off() {
        for (seconds, text) in [
            (0, None),
            (-10, None),
            (-30, Some("the server's clock is 30 s behind")),
            (3599, Some("the server's clock is 60 min ahead")),
            (-19_801, Some("the server's clock is 5 h 30 min behind")),
        ] {
            assert_eq!(ServerClock { seconds }.note().as_deref(), text);
        }
    }

    proptest! {
        /// A file that is uploaded after its last change is never taken for older than that change, and
        /// one that was changed some seconds after it was uploaded is not taken for newer.
        #[test]
        fn what_was_uploaded_later_is_newer(
            off in -100_000_000_i64..100_000_000,
            probed in 0_i64..1_000_000_000,
            took in 0_i64..5000,
            at in 0_i64..5000,
            uploaded in 0_i64..1_000_000_000,
        ) {
            let there = |time: i64| DateTime::from_unix((time + off).div_euclid(1000));
            let clock = ServerClock::seen(probed + took, there(probed + at.min(took)));
            let here = clock.here(there(uploaded)).unix();
            prop_assert!(here >= uploaded.div_euclid(1000));
            prop_assert!(here <= (uploaded + took).div_euclid(1000) + 2);
        }
    }
}
