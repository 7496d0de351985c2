//! Whether a transfer is whole, by RFC 959 alone.
//!
//! RFC 959 §3.4 and §5.4: in stream mode the end of the data is the end of the data connection, and a
//! transfer is over when the server has said so with a final reply. So it is whole if the data
//! connection ended as its sender meant it to end, and the final reply is 2yz. A consent to an upload
//! that comes before all of it was sent is not about the whole of it.
//!
//! What is known otherwise follows from the same sections: a negative reply before the preliminary one
//! refuses the transfer, one after it says that it failed; and without a final reply nothing is known,
//! unless the data was seen to be cut off.
//!
//! This follows what goes over the two connections. It knows nothing of the machines.

use ftp_proto::wire::{Class, Code, Verb};

/// What is known of a transfer that is over, if each reply answered its own command and nobody gave the
/// transfer up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing was moved: its command was not sent, or there was no data connection.
    NothingMoved,
    /// All of it was moved.
    Whole,
    /// All seems well, but more or fewer bytes were moved than somebody had said.
    LengthDiffers,
    /// The data did not end as it should, and nobody says that the transfer failed.
    CutOff,
    /// The server says that it failed, and bytes may have been moved.
    Failed,
    /// The server would not begin it.
    Refused,
    /// It may be whole or not.
    Unknown,
}

/// A transfer as someone sees it who watches both connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferModel {
    /// Only of a file whose bytes go as they are.
    lengths: Option<Lengths>,
    is_upload: bool,
    is_preliminary_said: bool,
    /// The data connection's TLS stood: then the data connection did, too.
    has_shaken_hands: bool,
    has_data_connection: bool,
    /// The control connection ended while the data connection had not.
    is_left: bool,
    is_control_over: bool,
    moved: u64,
    /// It failed before, and was begun again.
    has_failed: bool,
    is_begun: bool,
    first_final: Option<Code>,
    /// It was said when it could be about the whole.
    is_of_the_whole: bool,
    /// A 2yz came when it could be about the whole.
    is_confirmed: bool,
    is_all_sent: bool,
    data_ended_whole: Option<bool>,
    is_given_up: bool,
    is_noop_sent: bool,
    /// `EPSV` or `PASV` was given while this was under way: for the next one.
    is_next_asked: bool,
}

/// What was said of the length of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lengths {
    /// Of the whole file, by the caller.
    whole: Option<u64>,
    /// By the server, of the whole file or of the rest of it.
    announced: Option<u64>,
    /// The byte at which the transfer begins.
    offset: u64,
}

impl Lengths {
    /// Whether so many bytes are all of it, as far as that was said.
    fn agree(&self, moved: u64) -> bool {
        let whole = self.offset + moved;
        self.whole.is_none_or(|said| said == whole)
            && self
                .announced
                .is_none_or(|said| said == whole || said == moved)
    }
}

impl TransferModel {
    /// A command was given.
    pub fn command(&mut self, verb: Verb) {
        use Verb::{Abor, Appe, Epsv, List, Mlsd, Nlst, Noop, Pasv, Pwd, Quit, Retr, Stor, Stou};
        if self.first_final.is_some() && !matches!(verb, Abor | Noop | Pwd | Quit) {
            // The same once more.
            *self = Self {
                lengths: self.lengths.take().map(|lengths| Lengths {
                    announced: None,
                    ..lengths
                }),
                has_failed: true,
                ..Self::default()
            };
        }
        if matches!(verb, Retr | Stor | Appe | Stou | List | Nlst | Mlsd) {
            self.is_upload = matches!(verb, Stor | Appe | Stou);
            self.is_begun = true;
        }
        self.is_next_asked |= self.is_begun && matches!(verb, Epsv | Pasv);
        self.is_noop_sent |= self.is_begun && verb == Verb::Noop;
        self.is_given_up |= verb == Verb::Abor;
    }

    /// A reply came.
    pub fn reply(&mut self, code: Code) {
        if !self.is_begun {
            return;
        }
        if code.class() == Class::Preliminary {
            self.is_preliminary_said = true;
            return;
        }
        // RFC 959 §5.4 has no such replies to a transfer that has begun, but has them to NOOP.
        if self.is_noop_sent && matches!(code.get(), 200 | 202 | 500..=504 | 530) {
            return;
        }
        // Nor these, which a passive command has.
        if self.is_next_asked && matches!(code.get(), 227..=229) {
            return;
        }
        let is_about_the_whole = !self.is_upload || self.is_all_sent;
        if self.first_final.is_none() {
            self.first_final = Some(code);
            self.is_of_the_whole = is_about_the_whole;
        }
        self.is_confirmed |= code.class() == Class::Completion && is_about_the_whole;
    }

    /// It is a file whose bytes go as they are, and how long the whole file is, if that is known.
    pub fn of_bytes(&mut self, whole: Option<u64>, offset: u64) {
        self.lengths = Some(Lengths {
            whole,
            announced: None,
            offset,
        });
    }

    /// The server says how long the file is that it sends, or the rest of it.
    pub fn announced(&mut self, length: u64) {
        if let Some(lengths) = self.lengths.as_mut().filter(|_| !self.is_upload) {
            lengths.announced.get_or_insert(length);
        }
    }

    /// The data connection stands; or there will be none, unless the client asks for another.
    pub fn opened(&mut self, stands: bool) {
        self.has_data_connection = stands;
    }

    /// The control connection ended: what the data connection does then is not waited for.
    pub fn control_ended(&mut self) {
        self.is_control_over = true;
        self.is_left |= self.data_ended_whole.is_none();
    }

    /// TLS stands on the data connection.
    pub fn shook_hands(&mut self) {
        self.has_shaken_hands = true;
    }

    /// So many bytes went over the data connection, in all.
    pub fn moved(&mut self, moved: u64) {
        self.moved = moved;
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

    /// What is known now that it is over; `None` if it was given up.
    pub fn known(&self) -> Option<Known> {
        if self.is_given_up {
            return None;
        }
        Some(match self.first_final {
            _ if !self.is_begun && self.has_failed => Known::Failed,
            // By a server that sends before it is asked.
            _ if !self.is_begun && self.moved > 0 && !self.is_control_over => Known::Failed,
            _ if !self.is_begun && self.is_control_over && self.data_ended_whole == Some(false) => {
                Known::CutOff
            }
            _ if !self.is_begun => Known::NothingMoved,
            None if self.data_ended_whole == Some(false) => Known::CutOff,
            None if self.has_failed => Known::Failed,
            None => Known::Unknown,
            Some(code) if code.class() == Class::Completion => {
                if self.is_left {
                    return Some(Known::Unknown);
                }
                if !self.has_data_connection {
                    return Some(Known::NothingMoved);
                }
                let is_as_said = |lengths: &Lengths| lengths.agree(self.moved);
                match (
                    self.is_of_the_whole && self.data_ended_whole == Some(true),
                    self.lengths.as_ref().is_none_or(is_as_said),
                ) {
                    (true, true) => Known::Whole,
                    (true, false) => Known::LengthDiffers,
                    (false, _) => Known::CutOff,
                }
            }
            Some(_) if self.is_preliminary_said || self.moved > 0 => Known::Failed,
            // Servers that say 150 after the handshake only, and will not have this one.
            Some(code) if self.has_shaken_hands && matches!(code.get(), 425 | 450 | 522) => {
                Known::Failed
            }
            Some(_) => Known::Refused,
        })
    }

    /// Whether anything was said, at any time, that it could be taken to be whole for.
    pub fn may_be_whole(&self) -> bool {
        self.is_confirmed && self.data_ended_whole == Some(true)
    }
}
