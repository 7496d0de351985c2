//! What comes of a large upload, past the machine of its data connection: it need not be copied there and back.

use std::time;

use super::FileSession;

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
}
