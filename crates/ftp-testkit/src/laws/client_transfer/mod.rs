//! Transfers of a client: its machine, and real data connections.

mod application;
mod server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftp_proto::client::{Config, Connection, DataMode, Login, PassiveCommand, Security, Timeouts};
use ftp_proto::wire::Verb;
use ftp_proto::{Action, Dialogue, Instant, Lenience, Limits, Machine, Observer, Securable};

use self::application::Application;
use super::script::{Step, said, steps};
use super::transfer_model::TransferModel;
use super::watched::{Cut, Watched};
use super::{SECRET, contains, tls_session};

/// Bytes that choose the configuration.
const CHOICES: usize = 2;

/// Transfers of a client, with data connections as they come from its tickets. The first two bytes
/// choose the configuration; the rest is a script (see the module `script`) for a server that says
/// anything at any time, or, by the highest bit of the first byte, what an application does and when a
/// server answers that answers each command once, in order. Besides what the machine's contract
/// promises:
///
/// * each transfer has exactly one outcome, at the latest when the connection is over;
/// * it is whole only if the data connection ended as it should, and was confirmed; the count is the
///   data connection's; what was refused moved nothing;
/// * from the transfer command to the outcome nothing is sent but `ABOR`, then `NOOP`, then `QUIT`; by
///   option `NOOP`s, and after them `ABOR`, then `PWD`, then `QUIT`, or right behind the command `EPSV` or
///   `PASV` for the next one;
/// * what says nothing moves no deadline; input is bounded; a silent server is left;
/// * how bytes are cut changes nothing.
///
/// With the server that answers in order, the outcome is that of the model exactly, and the next
/// command after a transfer has its own reply. To a `NOOP` during a transfer it answers in its turn, at
/// once, not at all, or twice; to what is asked ahead in its turn or at once.
pub fn client_transfer(data: &[u8]) {
    let Some((choices, script)) = data.split_at_checked(CHOICES) else {
        return;
    };
    if choices[0] & 0x80 != 0 {
        return server::converse(choices, script);
    }
    let whole = Run::new(choices, script).play(script, Cut::Whole);
    for cut in Cut::ALL {
        let run = Run::new(choices, script).play(script, cut);
        if !whole.watched.withheld && !run.watched.withheld {
            assert_eq!(run.outcome(), whole.outcome(), "cut as {cut:?}");
        }
    }
}

/// Hears all commands and replies.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<(TransferModel, Vec<Verb>)>>);

impl Observer for Heard {
    fn observe(&self, _: Instant, dialogue: Dialogue<'_>) {
        let mut heard = self.0.lock().expect("no observer panicked");
        match dialogue {
            Dialogue::Command(command) => {
                heard.0.command(command.verb());
                heard.1.push(command.verb());
            }
            Dialogue::Reply(reply) => heard.0.reply(reply.code()),
            _ => {}
        }
    }
}

struct Run {
    watched: Watched<Connection>,
    application: Application,
    limits: Limits,
}

impl Run {
    /// Logged in.
    fn new(choices: &[u8], script: &[u8]) -> Self {
        let is = |bit: u8| choices[1] & (1 << bit) != 0;
        let heard = Heard::default();
        // A server that says the secret by itself may be quoted.
        let secret = (!contains(&said(script), SECRET.as_bytes())).then_some(SECRET);
        let mut limits = Limits::default();
        if is(0) {
            limits.reply_bytes = 64;
        }
        let login = Login::new("anna", SECRET).expect("a login");
        let mut lenience = Lenience::default();
        lenience.any_reply_code = is(1);
        lenience.passive_address = is(2);
        let config = Config::new(login)
            .security(match is(3) {
                true => Security::ExplicitTls,
                false => Security::DangerousPlaintext,
            })
            .data_mode(match choices[0] & 3 {
                0 => DataMode::Passive(PassiveCommand::Either),
                1 => DataMode::Passive(PassiveCommand::Epsv),
                2 => DataMode::Passive(PassiveCommand::Pasv),
                _ => DataMode::Active,
            })
            .timeouts(match is(4) {
                true => Timeouts::uniform(Duration::from_secs(2)),
                false => Timeouts::default(),
            })
            .keep_alive(is(5).then_some(Duration::from_secs(40)))
            .transfer_pipelining(choices[0] & 0x40 != 0)
            .transfer_keep_alive(is(6).then_some(Duration::from_secs(2)))
            .limits(limits)
            .lenience(lenience)
            .observer(Arc::new(heard.clone()));
        let mut watched = Watched::new(Connection::new(config, Instant::START), secret);
        let mut application = Application::new(heard);
        application.keeps_transfers_alive = is(6);
        application.asks_ahead = choices[0] & 0x40 != 0;
        let replies: &[&[u8]] = match is(3) {
            true => &[
                b"220 x\r\n",
                b"234 x\r\n",
                b"200 x\r\n",
                b"200 x\r\n",
                b"230 x\r\n",
            ],
            false => &[b"220 x\r\n", b"230 x\r\n"],
        };
        for reply in replies {
            application.rest(&mut watched);
            watched.receive(reply, Cut::Whole, &mut |_, _, event| {
                application.hear(event)
            });
            application.rest(&mut watched);
            if *reply == b"234 x\r\n" {
                watched.machine.tls_started(watched.now, tls_session());
            }
        }
        application.rest(&mut watched);
        assert!(watched.machine.session().is_some(), "logged in");
        application.events.clear();
        watched.sent.clear();
        if choices[0] & 4 != 0 {
            watched.write_size = 5;
        }
        Self {
            watched,
            application,
            limits,
        }
    }

    fn play(mut self, script: &[u8], cut: Cut) -> Self {
        for step in steps(script) {
            let Self {
                watched,
                application,
                ..
            } = &mut self;
            match step {
                Step::Receive(bytes) => {
                    watched.receive(bytes, cut, &mut |_, _, event| application.hear(event));
                }
                Step::Call(letter, operand) => application.call(watched, letter, operand),
            }
            application.rest(watched);
            watched.assert_discreet();
        }
        self.finish()
    }

    /// The server falls silent.
    fn finish(mut self) -> Self {
        let Self {
            watched,
            application,
            limits,
        } = &mut self;
        if let Ok(Action::Read { .. }) = watched.machine.poll() {
            watched.flood(limits.reply_bytes + 64);
        }
        watched.stalled = false;
        for _ in 0..64 {
            application.rest(watched);
            if watched.end.is_some() {
                break;
            }
            // Without a deadline it is the application's turn.
            match watched.deadline() {
                Some(_) => watched.skip_to_deadline(&mut |_, _, event| application.hear(event)),
                None => drop(watched.machine.quit(watched.now)),
            }
        }
        assert!(
            watched.end.is_some(),
            "a silent server is waited for without end"
        );
        application.assert_all_over();
        watched.assert_over();
        self
    }

    /// Everything that can be told apart from outside.
    fn outcome(&self) -> (String, &[String], &Option<String>) {
        (
            String::from_utf8_lossy(&self.watched.sent).into_owned(),
            &self.application.events,
            &self.watched.end,
        )
    }
}
