//! Scenes of logins, and of what is done then.

use std::sync::Arc;

use ftp_proto::client::{self, LoggedInBy, Login, Phase};
use ftp_proto::server::{self, NameRule};
use ftp_proto::{Account, Username};
use ftp_rustls::TlsPhase;

use super::fixture::{Fixture, PWD_AND_QUIT, by_password};
use super::{ClientRun, ClientStep, DriveMode, Tls};
use crate::misbehaving::{ACCOUNT, Outcome, PASSWORD, USER};

pub(super) fn wrong_password(fixture: &Fixture<'_>) -> Result<(), String> {
    let login = Login::new(USER, "wrong").expect("a login");
    let plan = fixture.client_plan_with(client::Config::new(login), &PWD_AND_QUIT);
    let wanted = ClientRun::ended(Outcome::Refused {
        phase: Phase::Password,
        code: 530,
    });
    fixture.meet(&fixture.server_settings(), &plan, DriveMode::Plain, &wanted)
}

pub(super) fn account_given(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut settings = fixture.server_settings();
    settings.wants_account = true;
    let login = fixture.login().account(Account::new(ACCOUNT).expect("one"));
    let plan = fixture.client_plan_with(client::Config::new(login), &PWD_AND_QUIT);
    let wanted = ClientRun::done(LoggedInBy::Account, &[257]);
    fixture.meet(&settings, &plan, DriveMode::Plain, &wanted)
}

pub(super) fn account_missing(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut settings = fixture.server_settings();
    settings.wants_account = true;
    let wanted = ClientRun::ended(Outcome::Wanting {
        phase: Phase::Password,
    });
    fixture.meet(
        &settings,
        &fixture.client_plan(&[]),
        DriveMode::Plain,
        &wanted,
    )
}

pub(super) fn account_after_login(fixture: &Fixture<'_>) -> Result<(), String> {
    let settings = fixture.server_settings_with(fixture.policy().takes_accounts(true));
    let plan = fixture.client_plan(&[ClientStep::Account, ClientStep::Quit]);
    fixture.meet(&settings, &plan, DriveMode::Plain, &by_password(&[230]))
}

pub(super) fn asked(fixture: &Fixture<'_>) -> Result<(), String> {
    let user = Username::new(USER).expect("a name");
    let login = Login::user(user).ask();
    let mut plan = fixture.client_plan_with(client::Config::new(login), &PWD_AND_QUIT);
    plan.answer = Some(PASSWORD);
    fixture.meet(
        &fixture.server_settings(),
        &plan,
        DriveMode::Plain,
        &by_password(&[257]),
    )
}

pub(super) fn open_name(fixture: &Fixture<'_>) -> Result<(), String> {
    let policy = fixture.policy().name_rule(|_| NameRule::Open);
    let wanted = ClientRun::done(LoggedInBy::User, &[257]);
    let plan = fixture.client_plan(&PWD_AND_QUIT);
    fixture.meet(
        &fixture.server_settings_with(policy),
        &plan,
        DriveMode::Plain,
        &wanted,
    )
}

pub(super) fn long_greeting(fixture: &Fixture<'_>) -> Result<(), String> {
    let lines: Vec<String> = (1..=20).map(|line| format!("220 line {line}")).collect();
    let policy = fixture
        .policy()
        .greeting(lines)
        .map_err(|e| e.to_string())?;
    let plan = fixture.client_plan(&PWD_AND_QUIT);
    fixture.meet(
        &fixture.server_settings_with(policy),
        &plan,
        DriveMode::Plain,
        &by_password(&[257]),
    )
}

pub(super) fn clear_command_channel(fixture: &Fixture<'_>) -> Result<(), String> {
    let policy = fixture.policy().clear_command_channel(true);
    let config = client::Config::new(fixture.login()).clear_command_channel(true);
    let steps = [
        ClientStep::ClearCommandChannel,
        ClientStep::Command("PWD"),
        ClientStep::Quit,
    ];
    let plan = fixture.client_plan_with(config, &steps);
    let wanted = by_password(&[257]);
    fixture.meet(
        &fixture.server_settings_with(policy),
        &plan,
        DriveMode::Plain,
        &wanted,
    )
}

pub(super) fn two_in_one(fixture: &Fixture<'_>) -> Result<(), String> {
    let serving = fixture.server.serve(&fixture.server_settings());
    let address = serving.address.to_string();
    let plan = fixture.client_plan(&[ClientStep::Command("PWD"), ClientStep::Command("NOOP")]);
    for run in fixture.client.run_twice(&address, &plan) {
        fixture.compare(&run, &by_password(&[257, 200]))?;
    }
    drop(serving.end());
    Ok(())
}

pub(super) fn resumed(fixture: &Fixture<'_>) -> Result<(), String> {
    let serving = fixture.server.serve(&fixture.server_settings());
    let address = serving.address.to_string();
    let plan = fixture.client_plan(&PWD_AND_QUIT);
    let first = fixture.client.run(DriveMode::Plain, &address, &plan);
    let second = fixture.client.run(DriveMode::Plain, &address, &plan);
    drop(serving.end());
    let tls = |resumed| Some(Tls { resumed });
    if (first.tls, second.tls) == (tls(false), tls(true)) {
        Ok(())
    } else {
        Err(format!("{first:?}, then {second:?}"))
    }
}

pub(super) fn untrusted(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut plan = fixture.client_plan(&PWD_AND_QUIT);
    plan.tls = Some(Arc::clone(&fixture.certificates.mistrustful));
    let wanted = ClientRun::ended(Outcome::TlsFailed {
        during: TlsPhase::Handshake,
    });
    fixture.meet(&fixture.server_settings(), &plan, DriveMode::Plain, &wanted)
}

pub(super) fn clear_text(fixture: &Fixture<'_>) -> Result<(), String> {
    let mut plan = fixture.client_plan(&PWD_AND_QUIT);
    plan.config = plan.config.security(client::Security::DangerousPlaintext);
    plan.tls = None;
    let wanted = ClientRun::ended(Outcome::Refused {
        phase: Phase::User,
        code: 530,
    });
    fixture.meet(&fixture.server_settings(), &plan, DriveMode::Plain, &wanted)
}

pub(super) fn no_tls(fixture: &Fixture<'_>) -> Result<(), String> {
    let policy = fixture.policy();
    let mut settings =
        fixture.server_settings_with(policy.security(server::Security::DangerousPlaintext));
    settings.tls = None;
    let wanted = ClientRun::ended(Outcome::Refused {
        phase: Phase::Security,
        code: 502,
    });
    fixture.meet(
        &settings,
        &fixture.client_plan(&PWD_AND_QUIT),
        DriveMode::Plain,
        &wanted,
    )
}
