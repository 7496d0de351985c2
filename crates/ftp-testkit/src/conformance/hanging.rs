//! Scenes of an application that never answers, and of one whose answers the guard counts.

use std::time::Duration;

use ftp_proto::client::{self, Login, Phase};
use ftp_proto::server::guard::{GuardConfig, Lockout, Rule};
use ftp_proto::server::{self, ClosedWhy};

use super::clerk::HANGING_PASSWORD;
use super::scenarios::{PWD_AND_QUIT, Stage, by_password};
use super::{Act, Talk, Way};
use crate::liar::{Outcome, USER};

/// A check, a command and an account that take for ever: the client is told 421, and the server can
/// be stopped.
pub(super) fn never_answered(stage: &Stage<'_>) -> Result<(), String> {
    let mut timeouts = server::Timeouts::default();
    timeouts.application = Duration::from_millis(400);
    let policy = || stage.policy().takes_accounts(true).timeouts(timeouts);
    let in_vain = Login::new(USER, HANGING_PASSWORD).expect("a login");
    for (login, acts, phase) in [
        (in_vain, Vec::new(), Phase::Password),
        (stage.login(), vec![Act::Command("MLST")], Phase::Ready),
        (stage.login(), vec![Act::Account], Phase::Ready),
    ] {
        let mut house = stage.house_with(policy());
        house.hangs = true;
        let guest = stage.guest_with(client::Config::new(login), &acts);
        let serving = stage.server.serve(&house);
        let address = serving.address.to_string();
        let talk = stage.client.talk(Way::Plain, &address, &guest);
        // This returns though the handler does not.
        let log = serving.end().log();
        let wanted = Talk::ended(Outcome::Unavailable { phase });
        stage
            .compare(&talk, &wanted)
            .map_err(|what| format!("{acts:?}: {what}; the server: {log:?}"))?;
        // Behind a check that may still come to its end the handler is told later.
        let is_told = acts.contains(&Act::Command("MLST"));
        let closed = format!("closed: {}", ClosedWhy::ApplicationTimeout);
        if is_told && !log.contains(&closed) {
            return Err(format!("{acts:?}: the handler was not told: {log:?}"));
        }
    }
    Ok(())
}

/// While a handler never answers, the server can be stopped, and its client is told 421 at once.
pub(super) fn stopped_while_hanging(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.hangs = true;
    let mut serving = stage.server.serve(&house);
    let address = serving.address.to_string();
    let guest = stage.guest(&[Act::Command("MLST")]);
    let talk = std::thread::scope(|scope| {
        let talking = scope.spawn(|| stage.client.talk(Way::Plain, &address, &guest));
        while !talking.is_finished() && !serving.clerk.is_hanging() {
            std::thread::sleep(Duration::from_millis(5));
        }
        serving.stop();
        talking.join().expect("no panic")
    });
    drop(serving.end());
    let phase = Phase::Ready;
    stage.compare(&talk, &Talk::ended(Outcome::Unavailable { phase }))
}

/// Accounts that are guessed after a login lock the name at the address, as passwords do.
pub(super) fn guessed_accounts(stage: &Stage<'_>) -> Result<(), String> {
    let hour = Duration::from_secs(3600);
    let rule = Rule::within(hour).lockout(Lockout::after(2));
    let mut house = stage.house_with(stage.policy().takes_accounts(true));
    house.guard = Some(GuardConfig::new().user_at_address(rule));
    let serving = stage.server.serve(&house);
    let address = serving.address.to_string();
    let guess = Act::Command("ACCT guess");
    let guest = stage.guest(&[guess, Act::Account, guess, Act::Account, Act::Quit]);
    let first = stage.client.talk(Way::Plain, &address, &guest);
    let guest = stage.guest(&[guess, guess, Act::Account]);
    let second = stage.client.talk(Way::Plain, &address, &guest);
    let third = stage
        .client
        .talk(Way::Plain, &address, &stage.guest(&PWD_AND_QUIT));
    let log = serving.end().log();
    let compared = [
        // A right account forgives, as a right password does.
        (first, by_password(&[530, 230, 530, 230])),
        // Locked: the right account looks like a wrong one.
        (second, by_password(&[530, 530, 530])),
        (
            third,
            Talk::ended(Outcome::Refused {
                phase: Phase::Password,
                code: 530,
            }),
        ),
    ];
    for (talk, wanted) in compared {
        stage
            .compare(&talk, &wanted)
            .map_err(|what| format!("{what}; the server: {log:?}"))?;
    }
    Ok(())
}
