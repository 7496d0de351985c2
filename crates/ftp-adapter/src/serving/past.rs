//! The bytes of a large file, past the machine of its data connection: they need not be copied there and back.

use std::time;

use ftp_proto::Instant;
use ftp_proto::server::Connection;

use super::{FileSession, abort};

impl FileSession {
    /// Space into which a driver may read what comes next of an upload, as long as its machine is
    /// [direct](ftp_proto::data::Connection::is_direct). Say with [`came_past`](Self::came_past) how much
    /// came. `None` if little came so far, if there is no room, or to keep the bandwidth: then
    /// [`next_job`](Self::next_job) takes it from the machine.
    pub fn space_past(&mut self, clock: time::Instant) -> Option<&mut [u8]> {
        let most = self.pace.allowance(clock).ok()?;
        self.transfer.as_mut()?.space_past(most)
    }

    /// So many bytes came there. Call [`next_job`](Self::next_job) next.
    pub fn came_past(&mut self, clock: time::Instant, count: usize) {
        if let Some(moving) = &mut self.transfer {
            moving.bytes.piece.came(count);
            self.pace.spend(clock, count);
        }
    }

    /// What comes next of a large download. It is the driver's to send: past the machine, or, where that cannot be
    /// or the transport takes nothing now, by a [write](ftp_proto::data::Connection::write), so that
    /// a deadline runs. Say with [`sent`](Self::sent) how much was taken.
    ///
    /// `None` if there is nothing, if [`next_job`](Self::next_job) hands it to the machine because it is little,
    /// or to keep the bandwidth. Ask [`wakes_at`](Self::wakes_at) after this.
    pub fn unsent(&mut self, clock: time::Instant) -> Option<&[u8]> {
        let bytes = self.transfer.as_ref()?.bytes.piece.large_bytes()?;
        match self.pace.allowance(clock) {
            Ok(most) => Some(bytes.get(..most).unwrap_or(bytes)),
            Err(until) => {
                self.wakes_at = Some(self.wakes_at.map_or(until, |at| at.min(until)));
                None
            }
        }
    }

    /// So many bytes of that were taken. Call [`next_job`](Self::next_job) next.
    pub fn sent(
        &mut self,
        (now, clock): (Instant, time::Instant),
        control: &mut Connection,
        count: usize,
    ) {
        if let Some(moving) = &mut self.transfer {
            self.pace.spend(clock, count);
            if let Err(changed) = moving.handed_on(count) {
                abort(now, control, moving.id, &changed.into());
            }
        }
    }
}
