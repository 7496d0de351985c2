//! Whether a transfer is whole, by RFC 959 alone.
//!
//! RFC 959 §3.4 and §5.4: in stream mode the end of the data is the end of the data connection, and a
//! transfer is over when the server has said so with a final reply. So it is whole if the data
//! connection ended as its sender meant it to end, and the final reply is 2yz. A consent to an upload
//! that comes before all of it was sent is not about the whole of it.
//!
//! This follows what goes over the two connections. It knows nothing of the machines.

use ftp_proto::wire::{Class, Code, Verb};

/// A transfer as someone sees it who watches both connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferModel {
    is_upload: bool,
    is_begun: bool,
    first_final: Option<Code>,
    /// A 2yz came when it could be about the whole.
    is_confirmed: bool,
    is_all_sent: bool,
    data_ended_whole: Option<bool>,
    is_given_up: bool,
    is_noop_sent: bool,
}

impl TransferModel {
    /// A command was given.
    pub fn command(&mut self, verb: Verb) {
        use Verb::{Appe, List, Mlsd, Nlst, Retr, Stor, Stou};
        if matches!(verb, Retr | Stor | Appe | Stou | List | Nlst | Mlsd) {
            self.is_upload = matches!(verb, Stor | Appe | Stou);
            self.is_begun = true;
        }
        self.is_noop_sent |= self.is_begun && verb == Verb::Noop;
        self.is_given_up |= verb == Verb::Abor;
    }

    /// A reply came.
    pub fn reply(&mut self, code: Code) {
        if !self.is_begun || code.class() == Class::Preliminary {
            return;
        }
        // RFC 959 §5.4 has no such replies to a transfer that has begun, but has them to NOOP.
        if self.is_noop_sent && matches!(code.get(), 200 | 202 | 500..=504 | 530) {
            return;
        }
        self.first_final.get_or_insert(code);
        let is_about_the_whole = !self.is_upload || self.is_all_sent;
        self.is_confirmed |= code.class() == Class::Completion && is_about_the_whole;
    }

    /// The last byte was handed to the data connection's transport.
    pub fn sent_all(&mut self) {
        self.is_all_sent = true;
    }

    /// The data connection ended, as it should or not.
    pub fn data_ended(&mut self, whole: bool) {
        self.data_ended_whole.get_or_insert(whole);
        self.is_all_sent |= whole;
    }

    /// Whether it is known to be whole, if each reply answered its own command.
    pub fn is_whole(&self) -> bool {
        let is_consent = |code: Code| code.class() == Class::Completion;
        self.may_be_whole() && self.first_final.is_some_and(is_consent) && !self.is_given_up
    }

    /// Whether anything was said, at any time, that it could be taken to be whole for.
    pub fn may_be_whole(&self) -> bool {
        self.is_confirmed && self.data_ended_whole == Some(true)
    }
}
