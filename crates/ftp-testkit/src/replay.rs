//! Replaying a [`Transcript`] against each of the real machines.

use std::collections::HashMap;
use std::sync::Arc;

use ftp_proto::client::{self, DataProtection, Session};
use ftp_proto::server::{self, ClosedWhy, NameRule};
use ftp_proto::wire::{Code, Reply, ReplyParser, Status, encode_telnet};
use ftp_proto::{Instant, Securable, TlsSwitch};

use crate::ScriptedPeer;
use crate::transcript::{Step, Transcript, command, is_quit, tls_session};

/// What came of a client's replay.
#[derive(Debug)]
pub struct ClientReplay {
    /// One for each login.
    pub logins: Vec<Arc<Session>>,
    /// Replies to commands after login.
    pub replies: Vec<Reply>,
    /// How the machine ended, if it has.
    pub outcome: Option<Result<(), client::Error>>,
}

/// Plays the server's lines to our client, which must say the client's lines, byte for byte.
///
/// The credentials, the security and the commands after login are taken from the transcript.
///
/// # Panics
/// At the first difference.
pub fn replay_client(transcript: &Transcript) -> ClientReplay {
    let protection = if transcript.has_command("PBSZ") {
        DataProtection::Required
    } else {
        DataProtection::Clear
    };
    let mut config = client::Config::new(transcript.login(0))
        .security(transcript.security())
        .data_protection(protection)
        .auth_ssl_fallback(transcript.has_command("AUTH SSL"))
        .pipelining(transcript.is_pipelined());
    if let Some(name) = transcript.argument(0, "HOST ") {
        config = config.host(name).expect("a host");
    }
    let mut peer = ScriptedPeer::new(client::Connection::new(config, Instant::START));
    let mut replay = ClientReplay {
        logins: Vec::new(),
        replies: Vec::new(),
        outcome: None,
    };
    for (index, step) in transcript.steps.iter().enumerate() {
        match step {
            Step::Reply(reply) => {
                assert!(peer.unexpected().is_empty(), "more was said before {reply}");
                // As it came: whatever its lines begin with is for the client to understand.
                let mut bytes = Vec::new();
                encode_telnet(reply.raw(), &mut bytes);
                peer.send(bytes);
            }
            Step::Command(line) => {
                if peer.unexpected().is_empty() {
                    say(&mut peer, transcript, index, line);
                }
                peer.expect(format!("{line}\r\n"));
            }
            Step::Tls => {
                assert!(
                    switches(&peer.take_events()),
                    "the client does not start TLS"
                );
                peer.call(|machine, now| machine.tls_started(now, tls_session()));
            }
            Step::ClientEnds => break,
        }
        if !matches!(transcript.steps.get(index + 1), Some(Step::Tls)) {
            for event in peer.take_events() {
                match event {
                    client::Event::LoggedIn(session) => replay.logins.push(session),
                    client::Event::Reply { reply, .. }
                    | client::Event::NeedAccount { reply, .. } => replay.replies.push(reply),
                    _ => {}
                }
            }
        }
    }
    assert!(
        peer.unexpected().is_empty(),
        "the client says more than is written"
    );
    replay.outcome = peer.outcome().cloned();
    replay
}

/// Makes the client say a line that it does not say by itself.
fn say(
    peer: &mut ScriptedPeer<client::Connection>,
    transcript: &Transcript,
    index: usize,
    line: &str,
) {
    let said = peer.call(|machine, now| {
        if is_quit(line) {
            machine.quit(now)
        } else if line == "REIN" {
            machine.reinitialize(now, transcript.login(index)).map(drop)
        } else {
            machine.send(now, command(line)).map(drop)
        }
    });
    if let Err(misuse) = said {
        panic!(
            "\"{}\" cannot be said: {misuse}; {:?}",
            command(line),
            peer.outcome()
        );
    }
}

/// Plays the client's lines to our server, which must answer with the codes of the server's lines.
/// The application decides as the transcript says.
///
/// # Panics
/// At the first difference.
pub fn replay_server(transcript: &Transcript) -> Option<ClosedWhy> {
    let mut rules = HashMap::new();
    let mut demands_tls = false;
    for (index, step) in transcript.steps.iter().enumerate() {
        if let (Step::Command(line), Some(code)) =
            (step, transcript.reply_to(index).map(Reply::code))
            && let Some(name) = line.strip_prefix("USER ")
        {
            rules.insert(name.as_bytes().to_vec(), rule_for(code));
            demands_tls |= code == Code::NOT_LOGGED_IN;
        }
    }
    let security = match transcript.security() {
        client::Security::ExplicitTls => server::Security::ExplicitTls,
        client::Security::ImplicitTls => server::Security::ImplicitTls,
        _ if demands_tls => server::Security::ExplicitTls,
        _ => server::Security::DangerousPlaintext,
    };
    let config = server::Config::new()
        .security(security)
        .takes_accounts(true)
        .name_rule(move |name| rules.get(name.as_bytes()).copied().unwrap_or_default());
    let machine = server::Connection::new(Arc::new(config), Instant::START);
    let mut replay = ServerReplay {
        peer: ScriptedPeer::new(machine),
        said: Vec::new(),
        end: None,
    };
    for (index, step) in transcript.steps.iter().enumerate() {
        match step {
            Step::Command(line) => {
                replay.peer.send(format!("{line}\r\n"));
                // The switch to TLS belongs to its own step.
                if !matches!(transcript.steps.get(index + 2), Some(Step::Tls)) {
                    replay.decide(transcript.reply_to(index));
                }
            }
            Step::Reply(expected) => replay.expect(expected),
            Step::Tls => {
                let events = replay.peer.take_events();
                assert!(switches(&events), "the server does not start TLS");
                replay
                    .peer
                    .call(|machine, now| machine.tls_started(now, tls_session()));
            }
            Step::ClientEnds => {}
        }
    }
    replay.decide(None);
    assert!(
        replay.peer.take_written().is_empty(),
        "the server says more than is written"
    );
    replay.end
}

fn rule_for(code: Code) -> NameRule {
    match code {
        Code::LOGGED_IN => NameRule::Open,
        Code::NEED_ACCOUNT => NameRule::AccountOnly,
        _ => NameRule::Password,
    }
}

/// Whether TLS is asked for.
fn switches<E>(events: &[E]) -> bool
where
    E: AsSwitch,
{
    events
        .iter()
        .any(|event| event.switch() == Some(TlsSwitch::Start))
}

trait AsSwitch {
    fn switch(&self) -> Option<TlsSwitch>;
}

impl AsSwitch for client::Event {
    fn switch(&self) -> Option<TlsSwitch> {
        client::Connection::tls_switch(self)
    }
}

impl AsSwitch for server::Event {
    fn switch(&self) -> Option<TlsSwitch> {
        server::Connection::tls_switch(self)
    }
}

struct ServerReplay {
    peer: ScriptedPeer<server::Connection>,
    /// What the server wrote and the transcript has not come to yet.
    said: Vec<u8>,
    end: Option<ClosedWhy>,
}

impl ServerReplay {
    /// Answers what the server asks, so that it will give the reply that is written next.
    fn decide(&mut self, next: Option<&Reply>) {
        let code = next.map(Reply::code);
        for event in self.peer.take_events() {
            let answered = match event {
                server::Event::Authenticate(attempt) => {
                    let verdict = match code {
                        Some(Code::LOGGED_IN) => attempt.accept(),
                        Some(Code::SUPERFLUOUS) => attempt.accept_superfluous(),
                        Some(Code::NEED_ACCOUNT) => attempt.need_account(),
                        Some(Code::SERVICE_UNAVAILABLE) => attempt.unavailable(),
                        _ => attempt.reject(),
                    };
                    self.peer.call(|machine, now| machine.decide(now, verdict))
                }
                server::Event::Account(attempt) => {
                    let verdict = match code {
                        Some(Code::LOGGED_IN) => attempt.accept(),
                        _ => attempt.reject(),
                    };
                    self.peer
                        .call(|machine, now| machine.decide_account(now, verdict))
                }
                server::Event::Command(request) => match next {
                    Some(reply) => self
                        .peer
                        .call(|machine, now| machine.reply(now, request.id(), reply)),
                    None => panic!("no reply is written for {}", request.command()),
                },
                server::Event::Closed(why) => {
                    self.end = Some(why);
                    Ok(())
                }
                _ => Ok(()),
            };
            assert_eq!(answered, Ok(()), "the server does not take the answer");
        }
    }

    fn expect(&mut self, expected: &Reply) {
        loop {
            self.said.append(&mut self.peer.take_written());
            match ReplyParser::default().parse(&self.said) {
                Ok(Status::Complete(reply, length)) => {
                    assert_eq!(
                        reply.code(),
                        expected.code(),
                        "the server says \"{reply}\" where \"{expected}\" is written"
                    );
                    self.said.drain(..length);
                    return;
                }
                // It takes its time after a failure.
                Ok(Status::Partial) => assert!(
                    self.peer.outcome().is_none() && self.peer.wait_for_deadline(),
                    "the server says nothing where \"{expected}\" is written"
                ),
                Err(error) => panic!("the server says what is no reply: {error:?}"),
            }
        }
    }
}
