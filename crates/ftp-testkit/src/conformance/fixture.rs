//! What a scene is played with: two adapters, certificates, and a kind of security.

use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{self, LoggedInBy, Login};
use ftp_proto::server;

use super::{Adapter, ClientPlan, ClientRun, ClientStep, DriveMode, ServerSettings};
use crate::misbehaving::{Certificates, Outcome, PASSWORD, USER};

/// How a connection is protected, on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protected {
    Plain,
    Explicit,
    Implicit,
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
            files: None,
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
