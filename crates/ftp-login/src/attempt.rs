//! One connection to a server: logging in, a few commands, goodbye. What was seen on the way
//! becomes a report.

use std::sync::Arc;

use ftp_proto::client::{Answer, Challenge, ChallengeKind, Config, Event};
use ftp_proto::wire::{Code, Command};
use ftp_proto::{Account, Password};
use ftp_rustls::rustls::ClientConfig;
use ftp_tokio::{Client, Connector, Error};
use zeroize::Zeroizing;

use crate::decode::ReplyRecord;
use crate::exit::Failure;
use crate::output::complain;
use crate::report::{CommandReply, Dialogue, End, Report};
use crate::transcript::Recorder;

/// What is to be done on one connection.
pub(crate) struct Attempt<'a> {
    pub(crate) config: Config,
    /// `None` in clear.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// `host:port`.
    pub(crate) address: &'a str,
    /// Sent once logged in.
    pub(crate) then: &'a [Command],
    /// Tell the user what went wrong after everything was done.
    pub(crate) tells_all: bool,
}

impl Attempt<'_> {
    /// Does it. Also says whether another attempt may fare better. `attempts` counts this one and
    /// those before.
    ///
    /// # Errors
    /// If there is nothing to try: the address makes no sense.
    pub(crate) async fn run(
        self,
        recorder: Arc<Recorder>,
        attempts: u32,
    ) -> Result<(Report, bool), Failure> {
        let mut dialogue = Dialogue {
            session: None,
            replies: Vec::new(),
            is_plaintext: self.tls.is_none(),
            attempts,
        };
        let end = match self.talk(&recorder, &mut dialogue).await {
            Ok(end) => end,
            Err(Error::Address(error)) => return Err(Failure::usage(error.to_string())),
            Err(error) => End::Failed(error),
        };
        // A session that was lost after the login is not to be had by another login.
        let is_transient = match &end {
            End::Failed(error) => error.is_transient() && dialogue.session.is_none(),
            _ => false,
        };
        let recording = recorder.take(end.phase());
        let report = Report::new(&end, dialogue, recording);
        Ok((report, is_transient))
    }

    async fn talk(&self, recorder: &Arc<Recorder>, dialogue: &mut Dialogue) -> Result<End, Error> {
        let config = self.config.clone().observer(recorder.clone());
        let mut connector = Connector::new(config);
        if let Some(tls) = &self.tls {
            connector = connector.tls(Arc::clone(tls));
        }
        let mut connecting = connector.dial(self.address).await?;
        recorder.connected();
        loop {
            match connecting.next_event().await? {
                Event::LoggedIn(session) => {
                    dialogue.session = Some(session);
                    break;
                }
                Event::Challenge(challenge) => {
                    let kind = challenge.kind();
                    let answer = ask(challenge, recorder)
                        .await
                        .ok_or(Error::Unanswered(kind))?;
                    connecting.answer(answer)?;
                }
                _ => {}
            }
        }
        let mut client = connecting.await?;
        if let Some(end) = self.send_commands(&mut client, recorder, dialogue).await? {
            return Ok(end);
        }
        if let Err(error) = client.quit().await {
            // The login is done; how its end went is worth a word, no more.
            if self.tells_all {
                complain(format_args!("note: while saying goodbye: {error}"));
            }
        }
        Ok(End::Done)
    }

    /// Gives the end, if this brought it.
    async fn send_commands(
        &self,
        client: &mut Client,
        recorder: &Recorder,
        dialogue: &mut Dialogue,
    ) -> Result<Option<End>, Error> {
        let needed_no_password = client
            .session()
            .is_some_and(|s| s.logged_in_with.code() == Code::SUPERFLUOUS);
        for command in self.then {
            let reply = client.command(command.clone()).await?;
            let record = ReplyRecord::of(reply.borrow());
            let record = recorder.mask().record(record);
            dialogue.replies.push(CommandReply {
                command: command.to_string(),
                reply: record,
            });
            if needed_no_password && reply.code() == Code::NOT_LOGGED_IN {
                let message =
                    format!("the server says after all that nobody is logged in: {reply}");
                return Ok(Some(End::NotLoggedIn {
                    code: reply.code().get(),
                    message,
                }));
            }
        }
        // The level of protection may have changed meanwhile.
        dialogue.session = client.session().cloned().or(dialogue.session.take());
        Ok(None)
    }
}

/// Asks at the terminal for what the server wants to know. `None` if there is no usable answer,
/// which the user has been told then.
async fn ask(challenge: Challenge, recorder: &Recorder) -> Option<Answer> {
    let what = match challenge.kind() {
        ChallengeKind::Password => "Password",
        ChallengeKind::Account => "Account",
        _ => return None,
    };
    // One-time password systems put their challenge into the reply.
    let prompt = match challenge.reply() {
        Some(reply) if !recorder.is_live() => {
            format!("{}\n{what}: ", recorder.mask().apply(&reply.to_string()))
        }
        _ => format!("{what}: "),
    };
    // Reading a terminal blocks its thread.
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
    let typed = match typed {
        Ok(Ok(typed)) => Zeroizing::new(typed),
        Ok(Err(error)) => {
            complain(format_args!(
                "error: cannot read from the terminal: {error}"
            ));
            return None;
        }
        Err(error) => {
            complain(format_args!("error: the prompt failed: {error}"));
            return None;
        }
    };
    recorder.hide(typed.as_bytes());
    let answer = match challenge.kind() {
        ChallengeKind::Account => Account::new(&*typed).map(|account| challenge.account(account)),
        _ => Password::new(&*typed).map(|password| challenge.password(password)),
    };
    match answer {
        Ok(answer) => Some(answer),
        Err(why) => {
            complain(format_args!("error: what was typed {why}"));
            None
        }
    }
}
