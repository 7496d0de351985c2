//! What is played. The scenes that are more than a line are in `logins` and `ends`.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{self, LoggedInBy, Login};
use ftp_proto::server;

use super::{
    Act, Adapter, Guest, House, Talk, Way, ends, floods, hanging, logins, many_at_once, once,
};
use crate::liar::{Certificates, Outcome, PASSWORD, USER};

/// A scene for two adapters, or three where it is played under each kind of security.
pub struct Scenario {
    /// What is shown.
    pub name: &'static str,
    play: fn(&Stage<'_>) -> Result<(), String>,
    /// In clear, under explicit TLS and under implicit TLS; else under explicit TLS only.
    thrice: bool,
    /// Whether it takes a crowd.
    pub is_heavy: bool,
}

/// How a connection is protected, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protected {
    Plain,
    Explicit,
    Implicit,
}

impl Scenario {
    /// Under how many kinds of security it is played.
    pub fn securities(&self) -> &'static str {
        if self.thrice {
            "plain, explicit, implicit"
        } else {
            "explicit"
        }
    }

    /// Plays it.
    ///
    /// # Errors
    /// What came of it that should not.
    pub fn play(&self, client: &dyn Adapter, server: &dyn Adapter) -> Result<(), String> {
        let certificates = Certificates::made();
        let all = [Protected::Explicit, Protected::Plain, Protected::Implicit];
        let count = if self.thrice { 3 } else { 1 };
        for protected in all.into_iter().take(count) {
            let stage = Stage {
                client,
                server,
                certificates: &certificates,
                protected,
            };
            (self.play)(&stage).map_err(|what| format!("{protected:?}: {what}"))?;
        }
        Ok(())
    }
}

/// All of them.
pub fn scenarios() -> Vec<Scenario> {
    let thrice = |name, play| Scenario {
        name,
        play,
        thrice: true,
        is_heavy: false,
    };
    let once = |name, play| Scenario {
        name,
        play,
        thrice: false,
        is_heavy: false,
    };
    let heavy = |name, play| Scenario {
        name,
        play,
        thrice: true,
        is_heavy: true,
    };
    vec![
        thrice("log in, `PWD`, `QUIT`", |stage| {
            stage.expect(Way::Plain, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("an unknown command: 502, and on", |stage| {
            let acts = [Act::Command("MLST"), Act::Command("PWD"), Act::Quit];
            stage.expect(Way::Plain, &acts, &by_password(&[502, 257]))
        }),
        thrice("three commands before the first reply", |stage| {
            let acts = [Act::Pipeline(&["PWD", "NOOP", "MLST"]), Act::Quit];
            stage.expect(Way::Plain, &acts, &by_password(&[257, 200, 502]))
        }),
        thrice("a wrong password", logins::wrong_password),
        thrice("an account, given", logins::account_given),
        thrice(
            "an account, asked for and not there",
            logins::account_missing,
        ),
        thrice("`ACCT` after login", logins::account_after_login),
        thrice("a password that is asked for", logins::asked),
        thrice("a name that needs no password", logins::open_name),
        thrice("a greeting of twenty lines", logins::long_greeting),
        thrice("`REIN`", |stage| {
            let acts = [Act::Reinitialize, Act::Command("PWD"), Act::Quit];
            stage.expect(Way::Plain, &acts, &by_password(&[257]))
        }),
        once("`CCC`", logins::clear_command_channel),
        thrice("byte by byte, the client", |stage| {
            stage.expect(Way::InBytes, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("byte by byte, the server", |stage| {
            let mut house = stage.house();
            house.in_bytes = true;
            let guest = stage.guest(&PWD_AND_QUIT);
            stage.meet(&house, &guest, Way::Plain, &by_password(&[257]))
        }),
        thrice("given up at every wait, and gone on with", |stage| {
            let acts = [Act::Command("PWD"), Act::Command("NOOP")];
            stage.expect(Way::GivingUp, &acts, &by_password(&[257, 200]))
        }),
        thrice("moved between tasks or threads", |stage| {
            stage.expect(Way::Moving, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("two in one task or thread", logins::two_in_one),
        heavy("five hundred at once", |stage| {
            let mut patient = server::Timeouts::default();
            patient.first_command = Duration::from_secs(300);
            patient.login = Duration::from_secs(300);
            patient.handshake = Duration::from_secs(300);
            let house = stage.house_with(stage.policy().timeouts(patient));
            let serving = stage.server.serve(&house);
            let address = serving.address.to_string();
            // A busy machine may take its time: this is about all coming in, not about how soon.
            let timeouts = client::Timeouts::uniform(Duration::from_secs(300));
            let config = client::Config::new(stage.login()).timeouts(timeouts);
            let guest = stage.guest_with(config, &PWD_AND_QUIT);
            many_at_once(stage.client, 500, &address, &guest)?;
            drop(serving.end());
            Ok(())
        }),
        once("TLS resumed", logins::resumed),
        once("a certificate that is not trusted", logins::untrusted),
        once("clear text where TLS is demanded", logins::clear_text),
        once("`AUTH TLS` where there is none", logins::no_tls),
        thrice("idle for too long: 421", ends::idle),
        once(
            "an application that never answers: 421",
            hanging::never_answered,
        ),
        once(
            "stopped while the application hangs: 421",
            hanging::stopped_while_hanging,
        ),
        once(
            "accounts that are guessed after login",
            hanging::guessed_accounts,
        ),
        once("a client that keeps the connection alive", ends::kept_alive),
        thrice(
            "one too many: 421, or nothing before TLS",
            ends::one_too_many,
        ),
        once(
            "one too many, and tried again until there is room",
            ends::tried_again,
        ),
        once("a password sent once, but for 421", once::sent_once),
        once("a name with an address that does not work", ends::localhost),
        thrice("the server stops: 421", ends::shut_down),
        thrice("a write that is not taken", ends::stuck),
        heavy(
            "a login beside clients that never stop",
            floods::somebody_logs_in,
        ),
        heavy(
            "a deadline for each client that never stops",
            floods::the_login_has_its_deadline,
        ),
        once(
            "a login beside a server that never stops",
            floods::of_a_server,
        ),
        once("a connection refused", ends::connection_refused),
        once(
            "a connection that does not come about",
            ends::connect_timed_out,
        ),
    ]
}

pub(super) const PWD_AND_QUIT: [Act; 2] = [Act::Command("PWD"), Act::Quit];

pub(super) fn by_password(replies: &[u16]) -> Talk {
    Talk::done(LoggedInBy::Password, replies)
}

pub(super) struct Stage<'a> {
    pub(super) client: &'a dyn Adapter,
    pub(super) server: &'a dyn Adapter,
    pub(super) certificates: &'a Certificates,
    pub(super) protected: Protected,
}

impl Stage<'_> {
    pub(super) fn policy(&self) -> server::Config {
        server::Config::new()
            .security(match self.protected {
                Protected::Plain => server::Security::DangerousPlaintext,
                Protected::Explicit => server::Security::ExplicitTls,
                Protected::Implicit => server::Security::ImplicitTls,
            })
            // Nobody guesses here.
            .failure_delay(Duration::ZERO, Duration::ZERO)
            .failure_step(Duration::ZERO)
    }

    pub(super) fn house(&self) -> House {
        self.house_with(self.policy())
    }

    pub(super) fn house_with(&self, policy: server::Config) -> House {
        let tls = self.protected != Protected::Plain;
        House {
            config: Arc::new(policy),
            tls: tls.then(|| Arc::clone(&self.certificates.server)),
            max_sessions: 900,
            wants_account: false,
            in_bytes: false,
            hangs: false,
            guard: None,
        }
    }

    pub(super) fn login(&self) -> Login {
        Login::new(USER, PASSWORD).expect("a login")
    }

    pub(super) fn guest(&self, acts: &[Act]) -> Guest {
        self.guest_with(client::Config::new(self.login()), acts)
    }

    pub(super) fn guest_with(&self, config: client::Config, acts: &[Act]) -> Guest {
        let tls = self.protected != Protected::Plain;
        Guest {
            config: config.security(match self.protected {
                Protected::Plain => client::Security::DangerousPlaintext,
                Protected::Explicit => client::Security::ExplicitTls,
                Protected::Implicit => client::Security::ImplicitTls,
            }),
            tls: tls.then(|| Arc::clone(&self.certificates.client)),
            answer: None,
            acts: acts.to_vec(),
        }
    }

    pub(super) fn expect(&self, way: Way, acts: &[Act], wanted: &Talk) -> Result<(), String> {
        self.meet(&self.house(), &self.guest(acts), way, wanted)
    }

    /// They meet, and this must come of it.
    pub(super) fn meet(
        &self,
        house: &House,
        guest: &Guest,
        way: Way,
        wanted: &Talk,
    ) -> Result<(), String> {
        let serving = self.server.serve(house);
        let address = serving.address.to_string();
        let talk = self.client.talk(way, &address, guest);
        let log = serving.end().log();
        self.compare(&talk, wanted)
            .map_err(|what| format!("{what}; the server: {log:?}"))
    }

    pub(super) fn compare(&self, talk: &Talk, wanted: &Talk) -> Result<(), String> {
        if (&talk.replies, &talk.outcome) != (&wanted.replies, &wanted.outcome) {
            return Err(format!("came to {talk:?}, not {wanted:?}"));
        }
        let is_in = matches!(talk.outcome, Outcome::LoggedIn { .. });
        if is_in && talk.tls.is_some() != (self.protected != Protected::Plain) {
            return Err(format!("logged in under {:?}", talk.tls));
        }
        Ok(())
    }
}
