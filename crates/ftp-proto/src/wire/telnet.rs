//! Telnet on the control connection (RFC 959 §3.3.1 through RFC 854).

use alloc::vec::Vec;

/// Interpret As Command.
const IAC: u8 = 255;

/// Removes Telnet sequences from incoming bytes.
///
/// `IAC IAC` becomes one 0xFF. `IAC WILL/WONT/DO/DONT x`, subnegotiations (`IAC SB … IAC SE`) and
/// the two-byte commands (`IAC IP`, `IAC DM`, …) are removed. The caller must refuse `DO x` with
/// `WONT x`, and `WILL x` with `DONT x`. `IAC` before a byte that is not a Telnet command stays
/// unchanged: some servers send Latin-1 text without doubling 0xFF.
#[derive(Debug, Clone, Default)]
pub struct TelnetFilter {
    state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Data,
    Iac,
    /// After IAC and one of WILL, WONT, DO, DONT.
    Option(u8),
    Subnegotiation,
    SubnegotiationIac,
}

/// A part of the input, in order.
pub(super) enum Piece<'a> {
    /// A run of plain bytes.
    Data(&'a [u8]),
    /// The bytes that refuse a requested option.
    Refusal([u8; 3]),
}

impl TelnetFilter {
    /// A filter for the start of a stream.
    pub const fn new() -> Self {
        Self { state: State::Data }
    }

    /// Filters `input`: passes runs of plain bytes to `data`, and the three bytes that refuse an
    /// option to `refuse`. Without 0xFF in the input this is one search and one call.
    pub fn filter(
        &mut self,
        input: &[u8],
        mut data: impl FnMut(&[u8]),
        mut refuse: impl FnMut([u8; 3]),
    ) {
        self.pieces(input, |piece| match piece {
            Piece::Data(plain) => data(plain),
            Piece::Refusal(refusal) => refuse(refusal),
        });
    }

    /// The same, with one function for both.
    pub(super) fn pieces(&mut self, input: &[u8], mut take: impl FnMut(Piece<'_>)) {
        const SE: u8 = 240;
        const SB: u8 = 250;
        const WILL: u8 = 251;
        const WONT: u8 = 252;
        const DO: u8 = 253;
        const DONT: u8 = 254;

        let mut rest = input;
        while let Some((&byte, after)) = rest.split_first() {
            match self.state {
                State::Data => {
                    let run = memchr::memchr(IAC, rest).unwrap_or(rest.len());
                    let (plain, tail) = rest.split_at(run);
                    if !plain.is_empty() {
                        take(Piece::Data(plain));
                    }
                    rest = match tail.split_first() {
                        Some((_, tail)) => {
                            self.state = State::Iac;
                            tail
                        }
                        None => tail,
                    };
                    continue;
                }
                State::Iac => {
                    self.state = match byte {
                        WILL..=DONT => State::Option(byte),
                        SB => State::Subnegotiation,
                        IAC => {
                            take(Piece::Data(&[IAC]));
                            State::Data
                        }
                        // SE to GA: a command of two bytes.
                        SE..SB => State::Data,
                        // Not Telnet: an 0xFF that was not doubled.
                        _ => {
                            take(Piece::Data(&[IAC, byte]));
                            State::Data
                        }
                    };
                }
                State::Option(verb) => {
                    match verb {
                        WILL => take(Piece::Refusal([IAC, DONT, byte])),
                        DO => take(Piece::Refusal([IAC, WONT, byte])),
                        // No option is ever agreed, so a refusal needs no answer.
                        _ => {}
                    }
                    self.state = State::Data;
                }
                State::Subnegotiation => {
                    let run = memchr::memchr(IAC, rest).unwrap_or(rest.len());
                    let (_, tail) = rest.split_at(run);
                    rest = match tail.split_first() {
                        Some((_, tail)) => {
                            self.state = State::SubnegotiationIac;
                            tail
                        }
                        None => tail,
                    };
                    continue;
                }
                State::SubnegotiationIac => {
                    self.state = if byte == SE {
                        State::Data
                    } else {
                        State::Subnegotiation
                    };
                }
            }
            rest = after;
        }
    }

    /// Whether it leaves these bytes as they are.
    pub(super) fn passes(&self, input: &[u8]) -> bool {
        self.state == State::Data && memchr::memchr(IAC, input).is_none()
    }

    /// How many bytes are held because the next byte decides whether they are data.
    pub(super) fn held(&self) -> usize {
        usize::from(self.state == State::Iac)
    }

    /// Whether the bytes so far end inside a Telnet sequence.
    pub fn is_inside_sequence(&self) -> bool {
        self.state != State::Data
    }
}

/// Appends `bytes` to `out` with every 0xFF doubled.
pub fn encode_telnet(bytes: &[u8], out: &mut Vec<u8>) {
    put_telnet(bytes, &mut |bytes| out.extend_from_slice(bytes));
}

/// Passes `bytes` to `put`, piece by piece, with every 0xFF doubled.
pub(super) fn put_telnet(bytes: &[u8], put: &mut impl FnMut(&[u8])) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(IAC, rest) {
        let (upto, after) = rest.split_at(at.saturating_add(1));
        put(upto);
        put(&[IAC]);
        rest = after;
    }
    put(rest);
}
