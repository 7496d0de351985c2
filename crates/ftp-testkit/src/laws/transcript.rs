//! An observer that holds the dialogue against the model of the login as it happens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use ftp_proto::wire::{Command, Verb};
use ftp_proto::{Dialogue, Instant, Observer};

use super::model::Model;

/// What an observer heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) model: Model,
    /// Commands without a final reply, for the client, which may send several.
    outstanding: VecDeque<Command>,
    /// The client heard the reply that no command asks for.
    greeted: bool,
    last_command: Option<Verb>,
    last_code: u16,
    shown: String,
    /// Commands in all.
    pub(super) commands: usize,
}

/// Which side's observer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Commands are queued, and `PASS` must have been asked for.
    Client,
    /// One command at a time.
    Server,
}

#[derive(Debug, Clone)]
pub(super) struct Transcript {
    side: Side,
    heard: Arc<Mutex<Heard>>,
}

impl Transcript {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            heard: Arc::default(),
        }
    }

    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().expect("no observer panicked")
    }

    pub(super) fn is_logged_in(&self) -> bool {
        self.heard().model.user().is_some()
    }

    pub(super) fn assert_no_secret(&self, secret: Option<&str>) {
        let heard = self.heard();
        if let Some(secret) = secret {
            assert!(!heard.shown.contains(secret), "{}", heard.shown);
        }
    }
}

impl Observer for Transcript {
    fn observe(&self, _: Instant, dialogue: Dialogue<'_>) {
        let mut heard = self.heard();
        heard.shown.push_str(&format!("{dialogue:?}\n"));
        match dialogue {
            Dialogue::Command(command) => {
                heard.commands += 1;
                if self.side == Side::Client {
                    if command.verb() == Verb::Pass {
                        let asked = match heard.last_code {
                            331 | 336 => true,
                            503 => heard.last_command == Some(Verb::Acct),
                            _ => false,
                        };
                        assert!(asked, "PASS behind {}", heard.last_code);
                    }
                    heard.outstanding.push_back(command.to_command());
                } else {
                    heard.model.command(command);
                }
                heard.last_command = Some(command.verb());
            }
            Dialogue::Reply(reply) => {
                heard.last_code = reply.code().get();
                let Heard {
                    model,
                    outstanding,
                    greeted,
                    ..
                } = &mut *heard;
                if self.side == Side::Server || !*greeted {
                    *greeted |= reply.code().get() >= 200;
                    model.reply(reply.code());
                } else if reply.code().get() >= 200
                    && let Some(command) = outstanding.pop_front()
                {
                    model.command(command.borrow());
                    model.reply(reply.code());
                }
            }
            _ => {}
        }
    }
}
