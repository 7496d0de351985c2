//! Hides a server's text that repeats a secret.
//!
//! * Only the server's text is hidden, and always the whole text of a reply. The code stays. A gap
//!   in a known sentence would show what was there.
//! * A reply is hidden only if it came after the secret was sent: earlier text cannot repeat it.
//!   Text that was shown before is shown again. So `331 Password required` stays even if the
//!   password is `required`.
//! * A secret of one to three bytes is in most texts by chance. Hiding only those texts would show
//!   its letters, so after such a secret no text is shown.
//! * A secret that is part of the user name is not searched for: servers repeat the name, and a gap
//!   would show the secret.
//!
//! One leak remains: someone who knows the server's texts can conclude from a hidden reply that the
//! secret is one of its words.

use std::collections::HashSet;

use ftp_adapter::Error;
use ftp_proto::client::{self, PeerFault};
use ftp_proto::wire::{CommandRef, Reply, ReplyRef, Verb};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// Shorter secrets are in most texts by chance.
const SHORTEST: usize = 4;

/// How many replies are remembered. Those of a login are among the first.
const MOST_SHOWN: usize = 1000;

/// The secrets sent to a server, and the replies shown before.
#[derive(Default, Clone)]
pub(crate) struct Mask {
    username: Vec<u8>,
    secrets: Vec<Secret>,
    /// A secret was sent that is too short to search for.
    hides_all: bool,
    /// The bytes of replies that were shown.
    shown: HashSet<Vec<u8>>,
}

#[derive(Clone)]
struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    /// The secret as [`folded`]; empty if too little of it is left to search for.
    folded: Zeroizing<Vec<u8>>,
    /// The same without bytes that are not ASCII, which servers convert; empty if it is all ASCII.
    ascii: Zeroizing<Vec<u8>>,
}

impl Mask {
    /// Records a command to the server. From now on its secret is hidden.
    pub(crate) fn sent(&mut self, command: CommandRef<'_>) {
        if command.verb() == Verb::User {
            self.username = folded(command.argument().unwrap_or_default());
        }
        let Some(secret) = command.secret() else {
            return;
        };
        self.hide(secret);
        if !command.verb().carries_secret() {
            // It may be an old and a new password, or a name and a password: each word counts.
            secret
                .split(u8::is_ascii_whitespace)
                .for_each(|word| self.hide(word));
        }
    }

    fn hide(&mut self, secret: &[u8]) {
        let folded = Zeroizing::new(folded(secret));
        let is_known = |known: &Secret| *known.bytes == secret;
        if secret.is_empty()
            || contains(&self.username, &folded)
            || self.secrets.iter().any(is_known)
        {
            return;
        }
        if secret.len() < SHORTEST {
            self.hides_all = true;
            return;
        }
        let enough = |found: Zeroizing<Vec<u8>>| {
            if found.len() < SHORTEST || contains(&self.username, &found) {
                Zeroizing::default()
            } else {
                found
            }
        };
        let ascii = match secret.is_ascii() {
            true => Zeroizing::default(),
            false => Zeroizing::new(ascii_of(&folded)),
        };
        self.secrets.push(Secret {
            bytes: Zeroizing::new(secret.to_vec()),
            folded: enough(folded),
            ascii: enough(ascii),
        });
    }

    /// Records a reply, and returns it as it may be shown.
    pub(crate) fn received(&mut self, reply: ReplyRef<'_>) -> Reply {
        if self.hides(reply) {
            return reply.to_reply().redacted();
        }
        if self.shown.len() < MOST_SHOWN {
            self.shown.insert(reply.raw().to_vec());
        }
        reply.to_reply()
    }

    /// A reply as it may be shown.
    pub(crate) fn reply(&self, reply: &Reply) -> Reply {
        match self.hides(reply.borrow()) {
            true => reply.redacted(),
            false => reply.clone(),
        }
    }

    /// The error, in words that may be shown.
    pub(crate) fn error(&self, error: &Error) -> String {
        let is_hidden = match error {
            Error::Protocol(client::Error::PeerFault { fault, .. }) => match fault {
                PeerFault::UnsolicitedReply(reply) | PeerFault::OutOfStep { reply, .. } => {
                    self.hides(reply.borrow())
                }
                // None of these shows the server's text.
                PeerFault::UnexpectedCode { .. }
                | PeerFault::ForeignProtocol(_)
                | PeerFault::BytesBeforeTlsSwitch
                | PeerFault::TooManyPreliminary
                | PeerFault::TooMuchFiller
                | PeerFault::AskedAgain => false,
                // The text in `Malformed` may end within a secret.
                _ => self.hides_all || !self.secrets.is_empty(),
            },
            Error::Unsolicited(reply) => self.hides(reply.borrow()),
            _ => error
                .reply()
                .is_some_and(|reply| self.hides(reply.borrow())),
        };
        match is_hidden {
            true => error.redacted().to_string(),
            false => error.to_string(),
        }
    }

    fn hides(&self, reply: ReplyRef<'_>) -> bool {
        (self.hides_all || !self.secrets.is_empty())
            && !self.shown.contains(reply.raw())
            && (self.hides_all || self.repeats_secret(reply))
    }

    /// Whether it has a secret in it: in any letter case, split by a line's end, quoted, or
    /// percent-encoded.
    fn repeats_secret(&self, reply: ReplyRef<'_>) -> bool {
        let text = reply.lines().collect::<Vec<_>>().concat();
        let decoded: Vec<u8> = percent_decode(&text).collect();
        let texts = [folded(&text), folded(&decoded)];
        self.secrets.iter().any(|secret| {
            contains(reply.raw(), &secret.bytes)
                || texts.iter().any(|text| {
                    contains(text, &secret.folded) || contains(&ascii_of(text), &secret.ascii)
                })
        })
    }
}

/// In lower case, without white space, and without quotes and escapes.
fn folded(text: &[u8]) -> Vec<u8> {
    let lower = match std::str::from_utf8(text) {
        Ok(text) => text.to_lowercase().into_bytes(),
        Err(_) => text.to_ascii_lowercase(),
    };
    let is_kept = |byte: &u8| {
        !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'\\' | 0xff)
    };
    lower.into_iter().filter(is_kept).collect()
}

fn ascii_of(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(u8::is_ascii).collect()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use ftp_proto::client::Phase;
    use ftp_proto::wire::{Code, Command};
    use proptest::prelude::*;

    use super::*;

    fn command(line: &[u8]) -> Command {
        Command::from_line(line).unwrap()
    }

    fn after(password: &[u8]) -> Mask {
        let mut mask = Mask::default();
        mask.sent(command(b"USER anna").borrow());
        mask.sent(command(&[b"PASS ", password].concat()).borrow());
        mask
    }

    fn reply(lines: &[&[u8]]) -> Reply {
        Reply::multiline(Code::new(530).unwrap(), lines).unwrap()
    }

    fn is_hidden(mask: &Mask, lines: &[&[u8]]) -> bool {
        let reply = reply(lines);
        let shown = mask.reply(&reply);
        assert!(shown == reply || shown.to_string() == "530 ****", "{shown}");
        shown != reply
    }

    #[test]
    fn a_reply_that_repeats_a_secret_is_hidden_whole() {
        let secret = "Tr0ub\"4&dör".as_bytes();
        let mask = after(secret);
        let plain = [b"Not ".as_slice(), secret, b" again."].concat();
        let repeated: [&[&[u8]]; 9] = [
            &[&plain],
            &[b"no", "is \"Tr0ub\"\"4&dör\" it".as_bytes()],
            &["TR0UB\"4&DÖR".as_bytes()],
            &[b"Tr0ub%224%26d%C3%B6r"],
            &[b"Tr0ub\"4", "&dör".as_bytes()],
            &[b"Tr0ub\"4&d\xf6r"],
            &[b"Tr0ub\"4&d?r", b"Tr0ub\"4&dr"],
            &["Tr0ub\\\"4&dör".as_bytes()],
            &["tr0 ub\"4& dör".as_bytes()],
        ];
        for lines in repeated {
            assert!(is_hidden(&mask, lines), "{:?}", reply(lines));
        }
        assert!(!is_hidden(&mask, &[b"Login incorrect."]));
        assert!(!is_hidden(&Mask::default(), repeated[0]));
    }

    #[test]
    fn what_came_before_the_secret_is_shown_and_shown_again() {
        let mut mask = Mask::default();
        let question = reply(&[b"Password required"]);
        assert_eq!(mask.received(question.borrow()), question);
        mask.sent(command(b"PASS required").borrow());
        assert_eq!(mask.received(question.borrow()), question);
        assert!(is_hidden(&mask, &[b"The required thing is wrong"]));
    }

    #[test]
    fn behind_a_secret_that_is_everywhere_no_text_is_shown() {
        for short in [b"o".as_slice(), b"in", b"ok!"] {
            assert!(is_hidden(&after(short), &[b"Login refused."]));
        }
        assert!(!is_hidden(&after(b""), &[b"Login refused."]));
    }

    #[test]
    fn the_name_is_no_secret() {
        for part in [b"anna".as_slice(), b"nna", b"ANNA"] {
            assert!(!is_hidden(&after(part), &[b"User anna unknown."]));
        }
    }

    #[test]
    fn our_own_words_are_never_hidden() {
        let mask = after(b"refused");
        let error = |reply| {
            Error::Protocol(client::Error::Refused {
                phase: Phase::Password,
                reply,
                secret_sent: true,
            })
        };
        assert_eq!(
            mask.error(&error(reply(&[b"You are refused."]))),
            "the server refused at password: 530 ****"
        );
        assert_eq!(
            mask.error(&error(reply(&[b"No."]))),
            "the server refused at password: 530 No."
        );
    }

    #[test]
    fn no_error_shows_a_reply_that_repeats_a_secret() {
        let mask = after(b"hunter2");
        let phase = Phase::Ready;
        let verb = Verb::Pwd;
        let at_fault = |fault| Error::Protocol(client::Error::PeerFault { phase, fault });
        let errors = |reply: Reply| {
            [
                at_fault(PeerFault::UnsolicitedReply(reply.clone())),
                at_fault(PeerFault::OutOfStep {
                    verb,
                    reply: reply.clone(),
                }),
                Error::Unsolicited(reply.clone()),
                Error::Refused(reply.clone()),
                Error::Protocol(client::Error::ServiceUnavailable { phase, reply }),
            ]
        };
        for error in errors(reply(&[b"You said hunter2."])) {
            assert!(mask.error(&error).ends_with(": 530 ****"), "{error:?}");
        }
        for error in errors(reply(&[b"No."])) {
            assert!(mask.error(&error).ends_with(": 530 No."), "{error:?}");
        }
    }

    #[test]
    fn each_word_of_a_command_about_passwords_is_a_secret() {
        let mut mask = Mask::default();
        mask.sent(command(b"SITE PSWD oldsecret newsecret").borrow());
        assert!(is_hidden(&mask, &[b"It is newsecret now."]));
        assert!(is_hidden(&mask, &[b"It was oldsecret."]));
        assert!(!is_hidden(&mask, &[b"Done."]));
    }

    proptest! {
        #[test]
        fn no_reply_shows_a_secret_that_was_sent_before(
            secret in "[ -~]{1,12}",
            before in "[ -~]{0,12}",
            behind in "[ -~]{0,12}",
        ) {
            let text = [before.as_bytes(), secret.as_bytes(), behind.as_bytes()].concat();
            let mask = after(secret.as_bytes());
            let in_name = contains(b"anna", &folded(secret.as_bytes()));
            prop_assert!(in_name || is_hidden(&mask, &[&text]));
        }
    }
}
