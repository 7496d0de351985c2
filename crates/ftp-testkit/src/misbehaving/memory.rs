//! Playing a script to a machine, in memory and on virtual time.

use std::sync::Arc;

use ftp_proto::{Instant, Machine, client, server};

use super::play::holds;
use super::{Case, Heard, Outcome, Record, ServerEnd, Side, Step, report, try_client, try_server};
use crate::ScriptedPeer;

/// Lets the client's machine meet these servers.
///
/// # Panics
/// As [`try_client`](super::try_client).
pub fn try_client_machine(cases: &[Case]) {
    report(cases.iter().map(|case| (&case.name, meet_server(case))));
}

/// Lets the server's machine meet these clients.
///
/// # Panics
/// As [`try_server`](super::try_server).
pub fn try_server_machine(cases: &[Case]) {
    report(cases.iter().map(|case| (&case.name, meet_client(case))));
}

fn meet_server(case: &Case) -> Result<(), String> {
    let machine = client::Connection::new(try_client::config(case), Instant::START);
    let mut outcome = None;
    let mut player = Player::new(machine, Side::Server, |_: &mut _, _, event| {
        let came = match event {
            client::Event::LoggedIn(session) => Outcome::LoggedIn {
                by: session.logged_in_by,
                then: None,
            },
            client::Event::Challenge(_) => Outcome::Other("a challenge".to_owned()),
            _ => return true,
        };
        outcome.get_or_insert(came);
        // As an adapter does, it leaves.
        false
    });
    player.play(&case.script)?;
    let (heard, end) = player.end();
    let outcome = outcome.unwrap_or_else(|| match end {
        Some(Err(error)) => Outcome::of(&error),
        end => Outcome::Other(format!("{end:?}")),
    });
    try_client::judge(case, &outcome, &heard)
}

fn meet_client(case: &Case) -> Result<(), String> {
    let config = Arc::new(try_server::config(case));
    let record = Record::default();
    let machine = server::Connection::new(config, Instant::START);
    let mut player = Player::new(machine, Side::Client, |machine, now, event| {
        let answered = match event {
            server::Event::Authenticate(attempt) => machine.decide(now, record.check(attempt)),
            server::Event::Command(request) => machine.not_implemented(now, request.id()),
            server::Event::LoggedIn(_) => {
                record.logged_in();
                Ok(())
            }
            server::Event::Closed(why) => {
                record.ended(ServerEnd::Closed(why));
                Ok(())
            }
            _ => Ok(()),
        };
        answered.is_ok()
    });
    player.play(&case.script)?;
    let (heard, _) = player.end();
    try_server::judge(case, &record.outcome(), &heard)
}

/// A scripted peer, and the machine with the application that it meets.
struct Player<M: Machine, A> {
    peer: ScriptedPeer<M>,
    side: Side,
    /// Answers an event. `false`: the application leaves.
    application: A,
    has_left: bool,
    unread: Vec<u8>,
    heard: Heard,
}

impl<M, A> Player<M, A>
where
    M: Machine,
    A: FnMut(&mut M, Instant, M::Event) -> bool,
{
    fn new(machine: M, side: Side, application: A) -> Self {
        let mut player = Self {
            peer: ScriptedPeer::new(machine),
            side,
            application,
            has_left: false,
            unread: Vec::new(),
            heard: Heard::default(),
        };
        player.settle();
        player
    }

    fn is_over(&self) -> bool {
        self.has_left || self.peer.outcome().is_some()
    }

    /// Plays until the machine has ended, or waits for something that no deadline ends.
    fn play(&mut self, script: &[Step]) -> Result<(), String> {
        for step in script {
            if self.is_over() {
                break;
            }
            match step {
                Step::Say(bytes) => self.say(bytes)?,
                Step::Hear(part) => self.hear(part.as_bytes())?,
                step => return Err(format!("{step:?} cannot be played in memory")),
            }
        }
        while !self.is_over() && self.wait() {}
        while self.next_line().is_some() {}
        Ok(())
    }

    fn end(self) -> (Heard, Option<Result<(), M::Error>>)
    where
        M::Error: Clone,
    {
        (self.heard, self.peer.outcome().cloned())
    }

    fn next_line(&mut self) -> Option<Vec<u8>> {
        self.heard.next_line(&mut self.unread, false)
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over() {
            let taken = self.peer.call(|machine, now| machine.received(now, rest));
            rest = &rest[taken..];
            self.settle();
            if taken == 0 && !self.is_over() && !self.wait() {
                return Err("the machine takes no more".to_owned());
            }
        }
        Ok(())
    }

    fn hear(&mut self, part: &[u8]) -> Result<(), String> {
        while !self.is_over() || self.unread.contains(&b'\n') {
            match self.next_line() {
                Some(line) if holds(&line, part) => return Ok(()),
                Some(_) if self.side == Side::Server => self.say(Step::OTHERWISE)?,
                Some(_) => {}
                None if self.wait() => {}
                None => return Err("nobody says what is waited for".to_owned()),
            }
        }
        Ok(())
    }

    /// Lets time pass until the machine's next deadline. `false` if it has none.
    fn wait(&mut self) -> bool {
        let has_deadline = self.peer.wait_for_deadline();
        self.settle();
        has_deadline
    }

    /// Gives the application what happened, until nothing more does.
    fn settle(&mut self) {
        while !self.has_left {
            let events = self.peer.take_events();
            if events.is_empty() {
                break;
            }
            for event in events {
                let application = &mut self.application;
                let goes_on = self
                    .peer
                    .call(|machine, now| application(machine, now, event));
                self.has_left |= !goes_on;
            }
        }
        self.unread.extend(self.peer.take_written());
    }
}
