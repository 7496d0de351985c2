//! Misbehaving servers, by the subject of the case.

mod afterwards;
mod floods;
mod foreign;
mod greeting;
mod login;
mod replies;
mod security;
mod session;

use ftp_proto::client::{Config, LoggedInBy, Phase, Timeout};
use ftp_proto::wire::ReplyErrorKind;
use ftp_rustls::TlsPhase;

use super::script::{hear, say};
use super::try_client::short;
use super::{Fault, FaultyServer, Outcome, Step};

/// All of them.
pub fn all() -> Vec<FaultyServer> {
    [
        greeting::cases(),
        foreign::cases(),
        replies::cases(),
        floods::cases(),
        login::cases(),
        security::cases(),
        session::cases(),
        afterwards::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const READY: &str = "220 Ready.\r\n";
const GO_ON: &str = "331 Password, please.\r\n";
const WELCOME: &str = "230 Logged in.\r\n";

/// Greets, and waits for the name.
fn to_user() -> Vec<Step> {
    vec![say(READY), hear("USER ")]
}

/// Goes on to where the password has come.
fn to_pass() -> Vec<Step> {
    [to_user(), from_user()].concat()
}

/// Takes a login in due form to its end.
fn to_login() -> Vec<Step> {
    [to_pass(), vec![say(WELCOME)]].concat()
}

/// Asks for the password, and waits for it.
fn from_user() -> Vec<Step> {
    vec![say(GO_ON), hear("PASS ")]
}

/// What follows a greeting in due form.
fn rest_of_login() -> Vec<Step> {
    [vec![hear("USER ")], from_user(), vec![say(WELCOME)]].concat()
}

/// `AUTH TLS` and the handshake, in due form.
fn to_tls() -> Vec<Step> {
    vec![
        say(READY),
        hear("AUTH "),
        say("234 Go.\r\n"),
        Step::StartTls,
    ]
}

/// `PBSZ` and `PROT`, in due form.
fn protected() -> Vec<Step> {
    vec![
        hear("PBSZ "),
        say("200 Yes.\r\n"),
        hear("PROT "),
        say("200 Yes.\r\n"),
    ]
}

/// The whole of a login with explicit TLS, in due form.
fn to_login_under_tls() -> Vec<Step> {
    [to_tls(), protected(), rest_of_login()].concat()
}

fn and(steps: Vec<Step>, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    steps.into_iter().chain(more).collect()
}

fn logged_in() -> Outcome {
    Outcome::LoggedIn {
        by: LoggedInBy::Password,
        then: None,
    }
}

fn answered(code: u16) -> Outcome {
    Outcome::LoggedIn {
        by: LoggedInBy::Password,
        then: Some(code),
    }
}

fn refused(phase: Phase, code: u16) -> Outcome {
    Outcome::Refused { phase, code }
}

fn unavailable(phase: Phase) -> Outcome {
    Outcome::Unavailable { phase }
}

fn fault(phase: Phase, fault: Fault) -> Outcome {
    Outcome::PeerFault { phase, fault }
}

fn unexpected(phase: Phase, code: u16) -> Outcome {
    fault(phase, Fault::Unexpected(code))
}

fn unsolicited(phase: Phase, code: u16) -> Outcome {
    fault(phase, Fault::Unsolicited(code))
}

fn out_of_step(phase: Phase, code: u16) -> Outcome {
    fault(phase, Fault::OutOfStep(code))
}

fn malformed(phase: Phase, kind: ReplyErrorKind) -> Outcome {
    fault(phase, Fault::Malformed(kind))
}

fn no_reply(phase: Phase) -> Outcome {
    malformed(phase, ReplyErrorKind::NotAReply)
}

fn timed_out(phase: Phase, what: Timeout) -> Outcome {
    Outcome::TimedOut { phase, what }
}

fn closed(phase: Phase) -> Outcome {
    Outcome::Closed {
        phase,
        mid_reply: false,
    }
}

fn cut_off(phase: Phase) -> Outcome {
    Outcome::Closed {
        phase,
        mid_reply: true,
    }
}

fn lost(phase: Phase) -> Outcome {
    Outcome::Lost { phase }
}

fn tls_failed(during: TlsPhase) -> Outcome {
    Outcome::TlsFailed { during }
}

fn short_greeting(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.greeting))
}

fn short_reply(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.reply))
}

fn short_quit(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.quit))
}

fn short_handshake(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.handshake))
}

fn short_login(config: Config) -> Config {
    config.timeouts(short(|timeouts| &mut timeouts.login))
}
