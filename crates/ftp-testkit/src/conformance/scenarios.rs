//! What is played. The scenes that are more than a line are in `logins` and `ends`.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{self, LoggedInBy, Login};
use ftp_proto::server;

use super::{
    Adapter, ClientPlan, ClientRun, ClientStep, DriveMode, ServerSettings, ends, floods, hanging,
    logins, many_at_once, once,
};
use crate::misbehaving::{Certificates, Outcome, PASSWORD, USER};

/// A scene for two adapters, or three where it is played under each kind of security.
pub struct Scenario {
    /// What is shown.
    pub name: &'static str,
    play: fn(&Fixture<'_>) -> Result<(), String>,
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
            let fixture = Fixture {
                client,
                server,
                certificates: &certificates,
                protected,
            };
            (self.play)(&fixture).map_err(|what| format!("{protected:?}: {what}"))?;
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
        thrice("log in, `PWD`, `QUIT`", |fixture| {
            fixture.expect(DriveMode::Plain, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("an unknown command: 502, and on", |fixture| {
            let steps = [
                ClientStep::Command("MLST"),
                ClientStep::Command("PWD"),
                ClientStep::Quit,
            ];
            fixture.expect(DriveMode::Plain, &steps, &by_password(&[502, 257]))
        }),
        thrice("three commands before the first reply", |fixture| {
            let steps = [
                ClientStep::Pipeline(&["PWD", "NOOP", "MLST"]),
                ClientStep::Quit,
            ];
            fixture.expect(DriveMode::Plain, &steps, &by_password(&[257, 200, 502]))
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
        thrice("`REIN`", |fixture| {
            let steps = [
                ClientStep::Reinitialize,
                ClientStep::Command("PWD"),
                ClientStep::Quit,
            ];
            fixture.expect(DriveMode::Plain, &steps, &by_password(&[257]))
        }),
        once("`CCC`", logins::clear_command_channel),
        thrice("byte by byte, the client", |fixture| {
            fixture.expect(DriveMode::InBytes, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("byte by byte, the server", |fixture| {
            let mut settings = fixture.server_settings();
            settings.in_bytes = true;
            let plan = fixture.client_plan(&PWD_AND_QUIT);
            fixture.meet(&settings, &plan, DriveMode::Plain, &by_password(&[257]))
        }),
        thrice("given up at every wait, and gone on with", |fixture| {
            let steps = [ClientStep::Command("PWD"), ClientStep::Command("NOOP")];
            fixture.expect(DriveMode::GivingUp, &steps, &by_password(&[257, 200]))
        }),
        thrice("moved between tasks or threads", |fixture| {
            fixture.expect(DriveMode::Moving, &PWD_AND_QUIT, &by_password(&[257]))
        }),
        thrice("two in one task or thread", logins::two_in_one),
        heavy("five hundred at once", |fixture| {
            let mut patient = server::Timeouts::default();
            patient.first_command = Duration::from_secs(300);
            patient.login = Duration::from_secs(300);
            patient.handshake = Duration::from_secs(300);
            let settings = fixture.server_settings_with(fixture.policy().timeouts(patient));
            let serving = fixture.server.serve(&settings);
            let address = serving.address.to_string();
            // A busy machine may take its time: this is about all coming in, not about how soon.
            let timeouts = client::Timeouts::uniform(Duration::from_secs(300));
            let config = client::Config::new(fixture.login()).timeouts(timeouts);
            let plan = fixture.client_plan_with(config, &PWD_AND_QUIT);
            many_at_once(fixture.client, 500, &address, &plan)?;
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

pub(super) const PWD_AND_QUIT: [ClientStep; 2] = [ClientStep::Command("PWD"), ClientStep::Quit];

pub(super) fn by_password(replies: &[u16]) -> ClientRun {
    ClientRun::done(LoggedInBy::Password, replies)
}

pub(super) struct Fixture<'a> {
    pub(super) client: &'a dyn Adapter,
    pub(super) server: &'a dyn Adapter,
    pub(super) certificates: &'a Certificates,
    pub(super) protected: Protected,
}

impl Fixture<'_> {
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

    pub(super) fn server_settings(&self) -> ServerSettings {
        self.server_settings_with(self.policy())
    }

    pub(super) fn server_settings_with(&self, policy: server::Config) -> ServerSettings {
        let tls = self.protected != Protected::Plain;
        ServerSettings {
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

    pub(super) fn client_plan(&self, steps: &[ClientStep]) -> ClientPlan {
        self.client_plan_with(client::Config::new(self.login()), steps)
    }

    pub(super) fn client_plan_with(
        &self,
        config: client::Config,
        steps: &[ClientStep],
    ) -> ClientPlan {
        let tls = self.protected != Protected::Plain;
        ClientPlan {
            config: config.security(match self.protected {
                Protected::Plain => client::Security::DangerousPlaintext,
                Protected::Explicit => client::Security::ExplicitTls,
                Protected::Implicit => client::Security::ImplicitTls,
            }),
            tls: tls.then(|| Arc::clone(&self.certificates.client)),
            answer: None,
            steps: steps.to_vec(),
        }
    }

    pub(super) fn expect(
        &self,
        mode: DriveMode,
        steps: &[ClientStep],
        wanted: &ClientRun,
    ) -> Result<(), String> {
        self.meet(
            &self.server_settings(),
            &self.client_plan(steps),
            mode,
            wanted,
        )
    }

    /// They meet, and this must come of it.
    pub(super) fn meet(
        &self,
        settings: &ServerSettings,
        plan: &ClientPlan,
        mode: DriveMode,
        wanted: &ClientRun,
    ) -> Result<(), String> {
        let serving = self.server.serve(settings);
        let address = serving.address.to_string();
        let run = self.client.run(mode, &address, plan);
        let log = serving.end().log();
        self.compare(&run, wanted)
            .map_err(|what| format!("{what}; the server: {log:?}"))
    }

    pub(super) fn compare(&self, run: &ClientRun, wanted: &ClientRun) -> Result<(), String> {
        if (&run.replies, &run.outcome) != (&wanted.replies, &wanted.outcome) {
            return Err(format!("came to {run:?}, not {wanted:?}"));
        }
        let is_in = matches!(run.outcome, Outcome::LoggedIn { .. });
        if is_in && run.tls.is_some() != (self.protected != Protected::Plain) {
            return Err(format!("logged in under {:?}", run.tls));
        }
        Ok(())
    }
}
