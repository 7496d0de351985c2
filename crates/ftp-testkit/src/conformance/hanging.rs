//! Scenes of an application that never answers, and of one whose answers the guard counts.

use std::time::Duration;

use ftp_guard::{GuardConfig, Lockout, Rule};
use ftp_proto::client::{self, Login, Phase};
use ftp_proto::server::{self, ClosedWhy};

use super::fixture::{Fixture, PWD_AND_QUIT, by_password};
use super::handler::HANGING_PASSWORD;
use super::{ClientRun, ClientStep, DriveMode};
use crate::misbehaving::{Outcome, USER};

/// A check, a command and an account that take for ever: the client is told 421, and the server can
/// be stopped.
pub(super) fn never_answered(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut timeouts = server::Timeouts::default();
    timeouts.application = Duration::from_millis(400);
    let policy = || fixture.policy().takes_accounts(true).timeouts(timeouts);
    let in_vain = Login::new(USER, HANGING_PASSWORD).expect("a login");
    for (login, steps, phase) in [
        (in_vain, Vec::new(), Phase::Password),
        (
            fixture.login(),
            vec![ClientStep::Command("MLST")],
            Phase::Ready,
        ),
        (fixture.login(), vec![ClientStep::Account], Phase::Ready),
    ] {
        let mut settings = fixture.server_settings_with(policy());
        settings.hangs = true;
        let plan = fixture.client_plan_with(client::Config::new(login), &steps);
        let serving = fixture.server.serve(&settings);
        let address = serving.address.to_string();
        let run = fixture.client.run(DriveMode::Plain, &address, &plan);
        // This returns though the handler does not.
        let log = serving.end().log();
        let wanted = ClientRun::ended(Outcome::Unavailable { phase });
        fixture
            .compare(&run, &wanted)
            .map_err(|what| format!("{steps:?}: {what}; the server: {log:?}"))?;
        // Behind a check that may still come to its end the handler is told later.
        let is_told = steps.contains(&ClientStep::Command("MLST"));
        let closed = format!("closed: {}", ClosedWhy::ApplicationTimeout);
        if is_told && !log.contains(&closed) {
            return Err(format!("{steps:?}: the handler was not told: {log:?}"));
        }
    }
    Ok(())
}

/// While a handler never answers, the server can be stopped, and its client is told 421 at once.
pub(super) fn stopped_while_hanging(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut settings = fixture.server_settings();
    settings.hangs = true;
    let mut serving = fixture.server.serve(&settings);
    let address = serving.address.to_string();
    let plan = fixture.client_plan(&[ClientStep::Command("MLST")]);
    let run = std::thread::scope(|scope| {
        let talking = scope.spawn(|| fixture.client.run(DriveMode::Plain, &address, &plan));
        while !talking.is_finished() && !serving.handler.is_hanging() {
            std::thread::sleep(Duration::from_millis(5));
        }
        serving.stop();
        talking.join().expect("no panic")
    });
    drop(serving.end());
    let phase = Phase::Ready;
    fixture.compare(&run, &ClientRun::ended(Outcome::Unavailable { phase }))
}

/// Accounts that are guessed after a login lock the name at the address, as passwords do.
pub(super) fn guessed_accounts(fixture: &Fixture<'_>) -> Result<(), String> {
    let hour = Duration::from_secs(3600);
    let rule = Rule::within(hour).lockout(Lockout::after(2));
    let mut settings = fixture.server_settings_with(fixture.policy().takes_accounts(true));
    settings.guard = Some(GuardConfig::new().user_at_address(rule));
    let serving = fixture.server.serve(&settings);
    let address = serving.address.to_string();
    let guess = ClientStep::Command("ACCT guess");
    let plan = fixture.client_plan(&[
        guess,
        ClientStep::Account,
        guess,
        ClientStep::Account,
        ClientStep::Quit,
    ]);
    let first = fixture.client.run(DriveMode::Plain, &address, &plan);
    let plan = fixture.client_plan(&[guess, guess, ClientStep::Account]);
    let second = fixture.client.run(DriveMode::Plain, &address, &plan);
    let third = fixture.client.run(
        DriveMode::Plain,
        &address,
        &fixture.client_plan(&PWD_AND_QUIT),
    );
    let log = serving.end().log();
    let compared = [
        // A right account forgives, as a right password does.
        (first, by_password(&[530, 230, 530, 230])),
        // Locked: the right account looks like a wrong one.
        (second, by_password(&[530, 530, 530])),
        (
            third,
            ClientRun::ended(Outcome::Refused {
                phase: Phase::Password,
                code: 530,
            }),
        ),
    ];
    for (run, wanted) in compared {
        fixture
            .compare(&run, &wanted)
            .map_err(|what| format!("{what}; the server: {log:?}"))?;
    }
    Ok(())
}
