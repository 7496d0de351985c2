//! A server that answers each command once, in order, when it likes.

use std::collections::VecDeque;
use std::time::Duration;

use ftp_proto::Lenience;
use ftp_proto::wire::{Command, CommandParser, Status, Verb};

use super::super::watched::Cut;
use super::Run;

struct Server {
    run: Run,
    /// How much of what the client sent was read.
    read: usize,
    unanswered: VecDeque<Verb>,
    /// How often it answers a `NOOP` at once that comes during a transfer; `None`: in its turn.
    noop_answers: Option<usize>,
    /// It tells the port for the next transfer while this one is under way.
    answers_ahead: bool,
    /// Its end was seen: it says no more.
    is_gone: bool,
}

/// Each byte of the script is one thing that happens.
pub(super) fn converse(choices: &[u8], script: &[u8]) {
    // Such a server is fast enough for the usual deadlines, and speaks of usual things.
    let mut run = Run::new(&[choices[0], choices[1] & 0b0110_1100], &[]);
    run.application.in_order = true;
    let mut server = Server {
        run,
        read: 0,
        unanswered: VecDeque::new(),
        noop_answers: [None, Some(1), Some(0), Some(2)][usize::from(choices[0] >> 3) & 3],
        answers_ahead: choices[0] & 0x20 != 0,
        is_gone: false,
    };
    for action in script.iter().take(200) {
        server.act(action % 8, action / 8);
        server.rest();
    }
    server.bring_to_end();
    server.assert_in_step();
    server.run.finish();
}

impl Server {
    fn rest(&mut self) {
        let Run {
            watched,
            application,
            ..
        } = &mut self.run;
        application.rest(watched);
        let mut parser = CommandParser::new(usize::MAX, &Lenience::STRICT);
        let mut rest = &watched.sent[self.read..];
        let mut at_once = Vec::new();
        while let Ok(Status::Complete(command, length)) = parser.parse(rest) {
            let verb = command.verb();
            match self.noop_answers {
                Some(answers) if verb == Verb::Noop && is_moving(&self.unanswered) => {
                    at_once.extend(std::iter::repeat_n("200 Still here.\r\n", answers));
                }
                _ if verb == Verb::Epsv && self.answers_ahead && is_moving(&self.unanswered) => {
                    at_once.push("229 Here (|||2001|)\r\n");
                }
                _ => self.unanswered.push_back(verb),
            }
            self.read += length;
            rest = &rest[length..];
        }
        for reply in at_once {
            self.say(reply);
        }
    }

    fn act(&mut self, action: u8, choice: u8) {
        let is_idle = self.is_idle();
        let Run {
            watched,
            application,
            ..
        } = &mut self.run;
        match action {
            0 | 1 => self.answer(choice),
            2 => application.call(watched, b'd', choice),
            3 => application.call(watched, b'a', choice),
            4 => application.pass(watched, Duration::from_millis(100 * u64::from(choice))),
            5 if choice == 0 => application.call(watched, b'x', 0),
            5 if choice == 31 => {
                application.call(watched, b'e', 0);
                self.is_gone = true;
            }
            5 => application.call(watched, b's', 0),
            6 => match application.current {
                None if is_idle => {
                    let lengths = [0, 0x38, 0x40, 0x78][usize::from(choice / 8)];
                    application.start(watched, (choice % 8) | lengths);
                }
                _ => application.call(watched, b'k', choice),
            },
            _ => {
                let is_transfer = matches!(
                    self.unanswered.front(),
                    Some(Verb::Retr | Verb::Stor | Verb::List | Verb::Appe | Verb::Stou)
                );
                if is_transfer && choice < 24 {
                    self.say("150 Here it comes.\r\n");
                } else if is_transfer {
                    self.run.application.note(|model| model.announced(8));
                    self.say("150 Opening notes (8 bytes).\r\n");
                }
            }
        }
    }

    /// Nothing is owed, but perhaps what was asked ahead.
    fn is_idle(&self) -> bool {
        let mut owed = self.unanswered.iter();
        owed.all(|verb| matches!(verb, Verb::Epsv | Verb::Pasv))
    }

    fn say(&mut self, reply: &str) {
        if self.is_gone {
            return;
        }
        let Run {
            watched,
            application,
            ..
        } = &mut self.run;
        watched.receive(reply.as_bytes(), Cut::Whole, &mut |_, _, event| {
            application.hear(event);
        });
        self.rest();
    }

    /// The oldest command is answered with one of the replies that RFC 959 has for it.
    fn answer(&mut self, choice: u8) {
        use Verb::*;
        let Some(verb) = self.unanswered.pop_front() else {
            return;
        };
        let is = |one_in: u8| choice % one_in == one_in - 1;
        self.say(match verb {
            Type | Noop => "200 Done.\r\n",
            Epsv if is(3) => "500 What?\r\n",
            Epsv => "229 Here (|||2000|)\r\n",
            Pasv if is(5) => "425 No.\r\n",
            Pasv => "227 Here (192,0,2,1,7,208)\r\n",
            Port | Eprt if is(5) => "500 No.\r\n",
            Port | Eprt => "200 Done.\r\n",
            Rest if is(4) => "502 No.\r\n",
            Rest => "350 From there.\r\n",
            Abor => ["226 Done.\r\n", "225 Done.\r\n", "500 What?\r\n"][usize::from(choice) % 3],
            Pwd => "257 \"/\" is current.\r\n",
            Quit => "221 Bye.\r\n",
            _ => match choice % 6 {
                0..=2 => "226 Done.\r\n",
                3 => "250 Done.\r\n",
                4 if is(2) => "425 Not this one.\r\n",
                4 => "426 Cut.\r\n",
                _ => "552 Full.\r\n",
            },
        });
    }

    fn bring_to_end(&mut self) {
        for _ in 0..30 {
            while !self.unanswered.is_empty() {
                self.answer(0);
            }
            let Run {
                watched,
                application,
                ..
            } = &mut self.run;
            if watched.end.is_some() || application.current.is_none() {
                return;
            }
            application.bring_to_end(watched);
            self.rest();
            if self.unanswered.is_empty() && self.run.application.current.is_some() {
                let Run {
                    watched,
                    application,
                    ..
                } = &mut self.run;
                if watched.deadline().is_some() {
                    watched.skip_to_deadline(&mut |_, _, event| application.hear(event));
                    self.rest();
                }
            }
        }
        panic!("a transfer without an end");
    }

    fn assert_in_step(&mut self) {
        let Run {
            watched,
            application,
            ..
        } = &mut self.run;
        assert!(!application.unsolicited, "each reply had its command");
        if watched.end.is_some() {
            return;
        }
        application.replies.clear();
        let pwd = Command::new(Verb::Pwd).expect("a command");
        let id = watched.machine.send(watched.now, pwd).expect("it is idle");
        self.rest();
        while !self.unanswered.is_empty() {
            self.answer(0);
        }
        assert_eq!(self.run.application.replies, [(id, 257)]);
    }
}

/// Whether the reply to a transfer is owed, and to no `ABOR`.
fn is_moving(unanswered: &VecDeque<Verb>) -> bool {
    use Verb::*;
    let transfers = |verb: &Verb| matches!(verb, Retr | Stor | List | Appe | Stou | Nlst | Mlsd);
    unanswered.iter().any(transfers) && !unanswered.contains(&Abor)
}
