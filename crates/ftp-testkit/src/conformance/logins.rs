//! Scenes of logins, and of what is done then.

use std::sync::Arc;

use ftp_proto::client::{self, LoggedInBy, Login, Phase};
use ftp_proto::server::{self, NameRule};
use ftp_proto::{Account, Username};
use ftp_rustls::TlsPhase;

use super::scenarios::{PWD_AND_QUIT, Stage, by_password};
use super::{Act, Talk, Tls, Way};
use crate::liar::{ACCOUNT, Outcome, PASSWORD, USER};

pub(super) fn wrong_password(stage: &Stage<'_>) -> Result<(), String> {
    let login = Login::new(USER, "wrong").expect("a login");
    let guest = stage.guest_with(client::Config::new(login), &PWD_AND_QUIT);
    let wanted = Talk::ended(Outcome::Refused {
        phase: Phase::Password,
        code: 530,
    });
    stage.meet(&stage.house(), &guest, Way::Plain, &wanted)
}

pub(super) fn account_given(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.wants_account = true;
    let login = stage.login().account(Account::new(ACCOUNT).expect("one"));
    let guest = stage.guest_with(client::Config::new(login), &PWD_AND_QUIT);
    let wanted = Talk::done(LoggedInBy::Account, &[257]);
    stage.meet(&house, &guest, Way::Plain, &wanted)
}

pub(super) fn account_missing(stage: &Stage<'_>) -> Result<(), String> {
    let mut house = stage.house();
    house.wants_account = true;
    let wanted = Talk::ended(Outcome::Wanting {
        phase: Phase::Password,
    });
    stage.meet(&house, &stage.guest(&[]), Way::Plain, &wanted)
}

pub(super) fn account_after_login(stage: &Stage<'_>) -> Result<(), String> {
    let house = stage.house_with(stage.policy().takes_accounts(true));
    let guest = stage.guest(&[Act::Account, Act::Quit]);
    stage.meet(&house, &guest, Way::Plain, &by_password(&[230]))
}

pub(super) fn asked(stage: &Stage<'_>) -> Result<(), String> {
    let user = Username::new(USER).expect("a name");
    let login = Login::user(user).ask();
    let mut guest = stage.guest_with(client::Config::new(login), &PWD_AND_QUIT);
    guest.answer = Some(PASSWORD);
    stage.meet(&stage.house(), &guest, Way::Plain, &by_password(&[257]))
}

pub(super) fn open_name(stage: &Stage<'_>) -> Result<(), String> {
    let policy = stage.policy().name_rule(|_| NameRule::Open);
    let wanted = Talk::done(LoggedInBy::User, &[257]);
    let guest = stage.guest(&PWD_AND_QUIT);
    stage.meet(&stage.house_with(policy), &guest, Way::Plain, &wanted)
}

pub(super) fn long_greeting(stage: &Stage<'_>) -> Result<(), String> {
    let lines: Vec<String> = (1..=20).map(|line| format!("220 line {line}")).collect();
    let policy = stage.policy().greeting(lines).map_err(|e| e.to_string())?;
    let guest = stage.guest(&PWD_AND_QUIT);
    stage.meet(
        &stage.house_with(policy),
        &guest,
        Way::Plain,
        &by_password(&[257]),
    )
}

pub(super) fn clear_command_channel(stage: &Stage<'_>) -> Result<(), String> {
    let policy = stage.policy().clear_command_channel(true);
    let config = client::Config::new(stage.login()).clear_command_channel(true);
    let acts = [Act::ClearCommandChannel, Act::Command("PWD"), Act::Quit];
    let guest = stage.guest_with(config, &acts);
    let wanted = by_password(&[257]);
    stage.meet(&stage.house_with(policy), &guest, Way::Plain, &wanted)
}

pub(super) fn two_in_one(stage: &Stage<'_>) -> Result<(), String> {
    let serving = stage.server.serve(&stage.house());
    let address = serving.address.to_string();
    let guest = stage.guest(&[Act::Command("PWD"), Act::Command("NOOP")]);
    for talk in stage.client.talk_twice(&address, &guest) {
        stage.compare(&talk, &by_password(&[257, 200]))?;
    }
    drop(serving.end());
    Ok(())
}

pub(super) fn resumed(stage: &Stage<'_>) -> Result<(), String> {
    let serving = stage.server.serve(&stage.house());
    let address = serving.address.to_string();
    let guest = stage.guest(&PWD_AND_QUIT);
    let first = stage.client.talk(Way::Plain, &address, &guest);
    let second = stage.client.talk(Way::Plain, &address, &guest);
    drop(serving.end());
    let tls = |resumed| Some(Tls { resumed });
    if (first.tls, second.tls) == (tls(false), tls(true)) {
        Ok(())
    } else {
        Err(format!("{first:?}, then {second:?}"))
    }
}

pub(super) fn untrusted(stage: &Stage<'_>) -> Result<(), String> {
    let mut guest = stage.guest(&PWD_AND_QUIT);
    guest.tls = Some(Arc::clone(&stage.certificates.mistrustful));
    let wanted = Talk::ended(Outcome::TlsFailed {
        during: TlsPhase::Handshake,
    });
    stage.meet(&stage.house(), &guest, Way::Plain, &wanted)
}

pub(super) fn clear_text(stage: &Stage<'_>) -> Result<(), String> {
    let mut guest = stage.guest(&PWD_AND_QUIT);
    guest.config = guest.config.security(client::Security::DangerousPlaintext);
    guest.tls = None;
    let wanted = Talk::ended(Outcome::Refused {
        phase: Phase::User,
        code: 530,
    });
    stage.meet(&stage.house(), &guest, Way::Plain, &wanted)
}

pub(super) fn no_tls(stage: &Stage<'_>) -> Result<(), String> {
    let policy = stage.policy();
    let mut house = stage.house_with(policy.security(server::Security::DangerousPlaintext));
    house.tls = None;
    let wanted = Talk::ended(Outcome::Refused {
        phase: Phase::Security,
        code: 502,
    });
    stage.meet(&house, &stage.guest(&PWD_AND_QUIT), Way::Plain, &wanted)
}
