//! One connection to a server: the login, a few commands, `QUIT`. The result is a report.

use std::sync::Arc;

use ftp_adapter::Error;
use ftp_proto::client::{Answer, Challenge, ChallengeKind, Config, Event};
use ftp_proto::wire::{Code, Command};
use ftp_proto::{Account, Password};
use ftp_rustls::rustls::ClientConfig;
use zeroize::Zeroizing;

use crate::adapter::{Adapter, Line};
use crate::decode::ReplyRecord;
use crate::exit::Failure;
use crate::output::complain;
use crate::report::{CommandReply, Dialogue, End, Report, Trust};
use crate::transcript::Recorder;

/// What to do on one connection.
pub(crate) struct Attempt<'a> {
    /// The adapter to use.
    pub(crate) adapter: &'a Adapter,
    pub(crate) config: Config,
    /// `None` in clear.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// `host:port`.
    pub(crate) address: &'a str,
    /// Sent once logged in.
    pub(crate) then: &'a [Command],
    /// Which certificates are trusted.
    pub(crate) trust: Trust,
    /// Whether to report an error that comes after all commands.
    pub(crate) tells_all: bool,
}

impl Attempt<'_> {
    /// Logs in. Also returns whether another attempt may succeed. `attempts` counts this one and
    /// those before.
    ///
    /// # Errors
    /// If the address is not valid.
    pub(crate) fn run(
        self,
        recorder: Arc<Recorder>,
        attempts: u32,
    ) -> Result<(Report, bool), Failure> {
        let mut dialogue = Dialogue {
            session: None,
            logged_in_with: None,
            replies: Vec::new(),
            is_plaintext: self.tls.is_none(),
            trust: self.trust,
            attempts,
        };
        let end = match self.talk(&recorder, &mut dialogue) {
            Ok(end) => end,
            Err(Error::Address(error)) => return Err(Failure::usage(error.to_string())),
            Err(error) => End::Failed(error),
        };
        // Another login cannot bring back a session that was lost after its login.
        let is_transient = match &end {
            End::Failed(error) => error.is_transient() && dialogue.session.is_none(),
            _ => false,
        };
        let recording = recorder.take(end.phase());
        let report = Report::new(&end, dialogue, recording);
        Ok((report, is_transient))
    }

    fn talk(&self, recorder: &Arc<Recorder>, dialogue: &mut Dialogue) -> Result<End, Error> {
        let config = self.config.clone().observer(recorder.clone());
        let mut line = self.adapter.dial(config, self.tls.clone(), self.address)?;
        recorder.connected();
        loop {
            match line.next_event()? {
                Event::LoggedIn(session) => {
                    dialogue.logged_in_with = Some(recorder.shown(&session.logged_in_with));
                    dialogue.session = Some(session);
                    break;
                }
                Event::Challenge(challenge) => {
                    let kind = challenge.kind();
                    let answer = ask(challenge, recorder).ok_or(Error::Unanswered(kind))?;
                    line.answer(answer)?;
                }
                _ => {}
            }
        }
        if let Some(end) = self.send_commands(&mut *line, recorder, dialogue)? {
            return Ok(end);
        }
        if let Err(error) = line.quit() {
            if error.is_out_of_step() && !self.then.is_empty() {
                // The reported replies may belong to other commands.
                return Err(error);
            }
            // The login succeeded, so a failed end is only a note.
            if self.tells_all || error.is_out_of_step() {
                let error = recorder.shown_error(&error);
                complain(format_args!("note: QUIT failed: {error}"));
            }
        }
        Ok(End::Done)
    }

    /// Sends the commands of `--then`. Returns how the dialogue ended, if it ended here.
    fn send_commands(
        &self,
        line: &mut dyn Line,
        recorder: &Recorder,
        dialogue: &mut Dialogue,
    ) -> Result<Option<End>, Error> {
        let needed_no_password = line
            .session()
            .is_some_and(|s| s.logged_in_with.code() == Code::SUPERFLUOUS);
        for command in self.then {
            let reply = line.command(command.clone())?;
            let shown = recorder.shown(&reply);
            dialogue.replies.push(CommandReply {
                command: command.to_string(),
                reply: ReplyRecord::of(shown.borrow()),
            });
            if needed_no_password && reply.code() == Code::NOT_LOGGED_IN {
                let message = format!("the server says that the user is not logged in: {shown}");
                return Ok(Some(End::NotLoggedIn {
                    code: reply.code().get(),
                    message,
                }));
            }
        }
        // The level of protection may have changed meanwhile.
        dialogue.session = line.session().or(dialogue.session.take());
        Ok(None)
    }
}

/// Asks the user at the terminal. `None` if there is no usable answer; the reason was shown.
fn ask(challenge: Challenge, recorder: &Recorder) -> Option<Answer> {
    let what = match challenge.kind() {
        ChallengeKind::Password => "Password",
        ChallengeKind::Account => "Account",
        _ => return None,
    };
    // One-time password systems put their challenge into the reply.
    let prompt = match challenge.reply() {
        Some(reply) if !recorder.is_live() => {
            format!("{}\n{what}: ", recorder.shown(reply))
        }
        _ => format!("{what}: "),
    };
    let typed = match rpassword::prompt_password(prompt) {
        Ok(typed) => Zeroizing::new(typed),
        Err(error) => {
            complain(format_args!(
                "error: cannot read from the terminal: {error}"
            ));
            return None;
        }
    };
    let answer = match challenge.kind() {
        ChallengeKind::Account => Account::new(&*typed).map(|account| challenge.account(account)),
        _ => Password::new(&*typed).map(|password| challenge.password(password)),
    };
    match answer {
        Ok(answer) => Some(answer),
        Err(why) => {
            complain(format_args!("error: the answer {}", why.problem));
            None
        }
    }
}
