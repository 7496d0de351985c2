//! The one way in which tests drive a machine.

use ftp_proto::{Action, Instant, Machine};

/// More actions than any machine asks for without an event.
const MOST_ACTIONS: usize = 1_000_000;

/// Why a machine does nothing more for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause<E> {
    /// The transport took nothing of what is to be written.
    Blocked,
    /// It waits for bytes, until then.
    Read(Option<Instant>),
    /// It waits for the application, until then.
    Wait(Option<Instant>),
    /// It is to tell the peer that nothing more will be written, until then:
    /// [`Machine::shut_down`] says that this is done.
    Shutdown(Option<Instant>),
    /// It is done.
    Closed,
    /// It failed.
    Failed(E),
}

impl<E> Pause<E> {
    /// When it goes on by itself.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Read(deadline) | Self::Wait(deadline) | Self::Shutdown(deadline) => *deadline,
            _ => None,
        }
    }
}

/// Does one thing that the machine asks for: returns its event, or lets `write` take bytes of it and
/// say how many.
///
/// # Errors
/// The pause: there is nothing to do.
///
/// # Panics
/// If the machine writes nothing.
pub fn act<M: Machine>(
    machine: &mut M,
    now: Instant,
    write: &mut impl FnMut(&[u8]) -> usize,
) -> Result<Option<M::Event>, Pause<M::Error>> {
    match machine.poll() {
        Ok(Action::Event(event)) => Ok(Some(event)),
        Ok(Action::Write { bytes, .. }) => {
            assert!(!bytes.is_empty(), "an empty write");
            let count = write(bytes);
            machine.wrote(now, count);
            match count {
                0 => Err(Pause::Blocked),
                _ => Ok(None),
            }
        }
        Ok(Action::Read { deadline }) => Err(Pause::Read(deadline)),
        Ok(Action::Wait { deadline }) => Err(Pause::Wait(deadline)),
        Ok(Action::Shutdown { deadline }) => Err(Pause::Shutdown(deadline)),
        Ok(Action::Closed) => Err(Pause::Closed),
        Err(error) => Err(Pause::Failed(error)),
    }
}

/// Does what the machine asks for until it reports an event, which is returned, or pauses.
///
/// # Errors
/// The pause.
///
/// # Panics
/// If the machine writes nothing, or never comes to rest.
pub fn drive<M: Machine>(
    machine: &mut M,
    now: Instant,
    mut write: impl FnMut(&[u8]) -> usize,
) -> Result<M::Event, Pause<M::Error>> {
    for _ in 0..MOST_ACTIONS {
        if let Some(event) = act(machine, now, &mut write)? {
            return Ok(event);
        }
    }
    panic!("the machine does not come to rest");
}

/// The same, and keeps everything: all bytes that are written, and all events.
///
/// # Panics
/// As [`drive`].
pub fn drive_to_rest<M: Machine>(
    machine: &mut M,
    now: Instant,
    written: &mut Vec<u8>,
    events: &mut Vec<M::Event>,
) -> Pause<M::Error> {
    for _ in 0..MOST_ACTIONS {
        let write = |bytes: &[u8]| {
            written.extend_from_slice(bytes);
            bytes.len()
        };
        match drive(machine, now, write) {
            Ok(event) => events.push(event),
            Err(pause) => return pause,
        }
    }
    panic!("the machine reports events without an end");
}
