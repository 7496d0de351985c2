//! Scripts for one machine, in a form that is mostly the peer's text: whatever is not an operation
//! arrives. An operation is a NUL, a letter, and for some an operand of one byte.

use ftp_proto::wire::TelnetFilter;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Bytes arrive together.
    Receive(&'a [u8]),
    /// The application or time does something. The letter says what.
    Call(u8, u8),
}

/// Letters that take an operand.
const WITH_OPERAND: &[u8] = b"tacdkyfob";
/// Letters that take none.
const ALONE: &[u8] = b"TesSrxqwngz";
/// More steps make no better scripts, only slower ones.
const MOST_STEPS: usize = 200;

/// Splits a script into its steps. A NUL before any other byte stands for itself.
pub(super) fn steps(script: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut text = 0;
    let mut at = 0;
    while at < script.len() && steps.len() < MOST_STEPS {
        let length = match script[at..] {
            [0, letter, _, ..] if WITH_OPERAND.contains(&letter) => 3,
            [0, letter, ..] if ALONE.contains(&letter) => 2,
            _ => {
                at += 1;
                continue;
            }
        };
        if text < at {
            steps.push(Step::Receive(&script[text..at]));
        }
        let operand = if length == 3 { script[at + 2] } else { 0 };
        steps.push(Step::Call(script[at + 1], operand));
        at += length;
        text = at;
    }
    if text < script.len() && steps.len() < MOST_STEPS {
        steps.push(Step::Receive(&script[text..]));
    }
    steps
}

/// All that the peer says in a script, operations and Telnet taken out.
pub(super) fn said(script: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    let mut filter = TelnetFilter::new();
    for step in steps(script) {
        if let Step::Receive(bytes) = step {
            filter.filter(bytes, |data| said.extend_from_slice(data), |_| {});
        }
    }
    said
}
