//! The bytes of a data connection, past the buffer of its machine.

use std::io;
use std::task::Poll;

use ftp_proto::{Instant, Machine, data};

use super::Secured;
use super::layer::{EndOfInput, TlsLayer};
use crate::tls_state::TlsState;

/// A data connection needs no buffer between the application and the transport, or TLS, where its bytes are
/// [those of the file](data::Connection::is_direct). Whatever is not bytes of the file goes the usual way,
/// through [`poll`](ftp_proto::Machine::poll): its end, failures, alerts, deadlines.
impl Secured<data::Connection> {
    /// Whether [`receive_past`](Self::receive_past) may do something now.
    #[inline]
    pub fn may_receive_past(&self) -> bool {
        match &self.layer {
            TlsLayer::Clear => self.machine.is_transparent(),
            TlsLayer::Established(tls) => {
                self.may_pass(tls)
                    && self.machine.direction() == data::Direction::Receive
                    && self.end_of_input == EndOfInput::NotSeen
                    && !tls.is_closed_by_peer()
            }
            _ => false,
        }
    }

    /// Receives into the application's space, and returns how many bytes are there. `read` fills the space that
    /// it gets from the transport, and is called once at most; what it says of a transport that has no bytes is
    /// returned. `None`: go the usual way.
    ///
    /// As with [`passed`](data::Connection::passed), no time is told.
    #[inline]
    pub fn receive_past(
        &mut self,
        space: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Option<Poll<io::Result<usize>>> {
        if space.is_empty() || !self.may_receive_past() {
            return None;
        }
        let TlsLayer::Established(tls) = &mut self.layer else {
            let read = read(space);
            if let Poll::Ready(Ok(count)) = read {
                self.machine.passed(count);
            }
            return Some(read);
        };
        let mut decrypted = tls.decrypt(space);
        if matches!(decrypted, Ok(0)) && !tls.is_closed_by_peer() {
            match read(tls.room()) {
                Poll::Ready(Ok(count)) if count > 0 => tls.filled(count),
                nothing => return Some(nothing),
            }
            decrypted = tls.decrypt(space);
        }
        match decrypted {
            Ok(0) => None,
            Ok(count) => {
                self.machine.passed(count);
                Some(Poll::Ready(Ok(count)))
            }
            Err(source) => {
                self.not_decrypted(source);
                None
            }
        }
    }

    /// Sends from the application's bytes, and returns how many were taken. `write` hands bytes
    /// to the transport, and is called once at most; what it says of a transport that takes none is returned,
    /// unless TLS keeps the bytes. `None`: [write](data::Connection::write) them.
    ///
    /// As with [`passed`](data::Connection::passed), no time is told; `now` is asked where some remain to be
    /// sent.
    #[inline]
    pub fn send_past(
        &mut self,
        bytes: &[u8],
        now: impl FnOnce() -> Instant,
        write: impl FnOnce(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Option<Poll<io::Result<usize>>> {
        if bytes.is_empty() || !self.may_send_past() {
            return None;
        }
        let TlsLayer::Established(tls) = &mut self.layer else {
            let written = write(bytes);
            if let Poll::Ready(Ok(count)) = written {
                self.machine.passed(count);
            }
            return Some(written);
        };
        let taken = match tls.encrypt(bytes) {
            Ok(taken) => taken,
            Err(source) => {
                self.fail(source);
                return None;
            }
        };
        let written = write(tls.offer());
        let sent = match written {
            Poll::Ready(Ok(count)) => tls.sent(count),
            _ => 0,
        };
        if sent == taken {
            self.machine.passed(sent);
            return Some(Poll::Ready(Ok(taken)));
        }
        // The rest goes the usual way, within its deadline.
        let now = now();
        self.machine.passing(now, taken);
        self.machine.wrote(now, sent);
        match written {
            Poll::Ready(Err(_) | Ok(0)) => Some(written),
            Poll::Ready(Ok(_)) | Poll::Pending => Some(Poll::Ready(Ok(taken))),
        }
    }

    /// Whether [`send_past`](Self::send_past) may do something now.
    ///
    /// Nothing is read in this way. A client that [has no session left](Self::has_no_session_left) does well to
    /// go the usual one, which reads what the server gives.
    #[inline]
    pub fn may_send_past(&self) -> bool {
        match &self.layer {
            TlsLayer::Clear => self.machine.is_transparent(),
            TlsLayer::Established(tls) => {
                self.may_pass(tls)
                    && self.machine.direction() == data::Direction::Send
                    && self.end_of_input != EndOfInput::Cut
                    && tls.unsent().is_empty()
            }
            _ => false,
        }
    }

    /// Frees the memory that the bytes which wait do not need, as [`shrink`](data::Connection::shrink) does.
    pub fn shrink(&mut self) {
        self.machine.shrink();
        if let Some(tls) = self.layer.tls_mut() {
            tls.shrink();
        }
    }

    /// Nothing else is to be sent or done first.
    #[inline]
    fn may_pass(&self, tls: &TlsState) -> bool {
        self.machine.is_direct() && !tls.is_closing() && tls.unsent().len() <= self.held
    }
}
