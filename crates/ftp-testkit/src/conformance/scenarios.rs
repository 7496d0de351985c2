//! What is played. The scenes that are more than a line are in `logins` and `ends`.

use std::time::Duration;

use ftp_proto::{client, server};

use super::fixture::{Fixture, PWD_AND_QUIT, Protected, by_password};
use super::{Adapter, ClientStep, DriveMode, ends, floods, hanging, logins, many_at_once, once};
use crate::misbehaving::Certificates;

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
