//! `ftp-cli check`: what an administrator wants to know about a server.
//!
//! It does no harm: it logs in once, and writes nothing unless it is told to. `probe` is a connection
//! that is driven by hand; `before_login` and `after_login` have the checks; `advice` says why each
//! matters and how to mend it.

mod advice;
mod after_login;
mod before_login;
mod data;
mod finding;
mod hello;
mod probe;
mod socket;

use std::sync::Arc;

use ftp_proto::client::Security;
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::{Roots, Versions, client_config};

use self::advice::Software;
use self::before_login::{TlsStart, secured};
use self::finding::{Finding, Level, Report, Subject};
use self::probe::{Control, ProbeError, Server};
use crate::cli::{CheckArguments, FailOn};
use crate::connection::{security, tls_config};
use crate::credentials::{Credentials, is_anonymous};
use crate::exit::{Exit, Failure};
use crate::output::{Output, complain};
use crate::target::Target;

/// Runs the command.
///
/// # Errors
/// If an option is wrong, or the server cannot be reached.
pub(crate) fn run(arguments: &CheckArguments, output: &Output) -> Result<Exit, Failure> {
    let url = match arguments.url.contains("://") {
        true => arguments.url.clone(),
        false => format!("ftp://{}", arguments.url),
    };
    let mut target = Target::parse(&url)?;
    let start = match security(&arguments.connection, &target)? {
        Security::ImplicitTls => Some(TlsStart::Implicit),
        Security::DangerousPlaintext => None,
        _ => Some(TlsStart::Explicit),
    };
    if arguments
        .write_test
        .as_deref()
        .is_some_and(|directory| directory.contains(|c: char| c.is_control()))
    {
        return Err(Failure::usage(
            "the directory of --write-test holds a control character",
        ));
    }
    let credentials = Credentials::gather(&arguments.connection, &mut target)?;
    let unreachable = |error: &dyn std::fmt::Display| {
        let message = format!("cannot reach {}: {error}", target.address());
        Failure::new(Exit::Unavailable, message)
    };
    let timeout = arguments.connection.timeout;
    let server = Server::resolve(&target.host_name(), &target.address(), timeout)
        .map_err(|error| unreachable(&error))?;
    // So that a server that is not there is an error, not a list of them.
    drop(server.connect().map_err(|error| unreachable(&error))?);
    let check = Check {
        arguments,
        server: &server,
        start,
        credentials: &credentials,
        host: target.host_name(),
        trusted: tls_config(&arguments.connection, Versions::default())?,
        trusting: client_config(Roots::DangerousAnyCertificate, None)
            .map_err(|error| Failure::new(Exit::Tls, error.to_string()))?,
    };
    let report = check.report(target.address());
    show(&report, arguments, output);
    output.finish()?;
    Ok(match (arguments.fail_on, report.worst) {
        (Some(FailOn::Warning), Level::Warning | Level::Error)
        | (Some(FailOn::Error), Level::Error) => Exit::Failed,
        _ => Exit::Success,
    })
}

fn show(report: &Report, arguments: &CheckArguments, output: &Output) {
    if arguments.json {
        // Plain data: writing it as JSON cannot fail.
        output.line(&serde_json::to_string(report).unwrap_or_default());
        return;
    }
    output.line(&report.to_string());
    if arguments.verbose {
        for finding in &report.findings {
            output.line(&format!("\n{}", finding.subject.name()));
            for line in &finding.seen {
                output.line(&format!("  {line}"));
            }
        }
    }
}

struct Check<'a> {
    arguments: &'a CheckArguments,
    server: &'a Server,
    /// `None` in clear.
    start: Option<TlsStart>,
    credentials: &'a Credentials,
    host: String,
    /// Trusts whom the options trust.
    trusted: Arc<ClientConfig>,
    /// Trusts everybody. No password is sent to a server that only this trusts.
    trusting: Arc<ClientConfig>,
}

impl Check<'_> {
    fn report(&self, server: String) -> Report {
        let user = self.user();
        let is_anonymous = self.credentials.username.as_ref().is_none_or(is_anonymous);
        let mut findings = Vec::new();
        if self.start != Some(TlsStart::Implicit) {
            findings.push(before_login::clear_passwords(
                self.server,
                &user,
                is_anonymous,
            ));
            findings.push(before_login::auth(self.server));
            findings.push(before_login::injection(self.server, &self.trusting));
        }
        let mut may_log_in = true;
        if let Some(start) = self.start {
            findings.push(before_login::versions(self.server, start, &self.host));
            let (certificate, is_trusted) =
                before_login::certificate(self.server, start, &self.trusted, &self.trusting);
            findings.push(certificate);
            may_log_in = is_trusted;
        }
        findings.extend(before_login::ipv6(self.server));
        let mut software = self.software();
        if may_log_in {
            let (login, found) = self.logged_in();
            findings.push(login);
            findings.extend(found.findings);
            software = software.or(found.software);
        } else {
            let why = "not tried: the certificate is not trusted";
            findings.push(Finding::unknown(Subject::Login, why, Vec::new()));
        }
        if let (true, Some(start)) = (self.arguments.probe_users, self.start) {
            complain("note: --probe-users: trying two wrong logins");
            let trusting = &self.trusting;
            findings.push(before_login::user_names(
                self.server,
                start,
                trusting,
                &user,
            ));
        }
        Report {
            server,
            software,
            worst: findings
                .iter()
                .map(|finding| finding.level)
                .max()
                .unwrap_or(Level::Ok),
            findings,
        }
    }

    fn user(&self) -> String {
        let name = self.credentials.username.as_ref();
        name.map_or_else(
            || "anonymous".to_owned(),
            |name| String::from_utf8_lossy(name.as_bytes()).into_owned(),
        )
    }

    /// The server by its greeting.
    fn software(&self) -> Option<Software> {
        let mut control = self.server.connect().ok()?;
        if self.start == Some(TlsStart::Implicit) {
            control.start_tls(&self.trusting).ok()?;
        }
        let greeting = control.reply().ok()?;
        control.quit();
        greeting.lines().find_map(Software::of)
    }

    fn connect(&self) -> Result<Control<'_>, (ProbeError, Vec<String>)> {
        match self.start {
            Some(start) => secured(self.server, start, &self.trusted),
            None => self.server.greeted().map_err(|error| (error, Vec::new())),
        }
    }

    /// The one login, and what is seen after it.
    fn logged_in(&self) -> (Finding, AfterLogin) {
        let none = AfterLogin::default();
        let mut control = match self.connect() {
            Ok(control) => control,
            Err((error, seen)) => return (Finding::unknown(Subject::Login, error, seen), none),
        };
        if let Err(why) = after_login::log_in(&mut control, self.credentials) {
            let seen = std::mem::take(&mut control.seen);
            control.quit();
            return (
                Finding::new(Subject::Login, Level::Warning, why, seen),
                none,
            );
        }
        let seen = std::mem::take(&mut control.seen);
        let login = Finding::new(
            Subject::Login,
            Level::Ok,
            format!("logged in as {}", self.user()),
            seen,
        );
        let found = self.look_around(&mut control);
        control.quit();
        (login, found)
    }

    fn look_around(&self, control: &mut Control<'_>) -> AfterLogin {
        let mut findings = vec![
            after_login::features(control),
            after_login::passive(control),
        ];
        let mut tls = None;
        if self.start.is_some() {
            findings.push(after_login::data_in_clear(control));
            match after_login::protect(control) {
                Ok(()) => tls = Some(&self.trusted),
                Err(why) => {
                    let seen = std::mem::take(&mut control.seen);
                    let why = format!("data cannot be encrypted: {why}");
                    findings.push(Finding::new(Subject::DataInClear, Level::Error, why, seen));
                }
            }
        }
        let resumed = tls.map(|config| after_login::resumed(control, config));
        if let Some(Ok(transfer)) = &resumed {
            findings.push(after_login::end_of_data(transfer));
        }
        findings.push(after_login::delay(control, tls));
        if let Some(directory) = &self.arguments.write_test {
            let name = format!(".ftp-cli-check-{}", std::process::id());
            findings.push(after_login::writing(control, directory, &name, tls));
        }
        let system = control.command("SYST").ok();
        if let Some(resumed) = &resumed {
            findings.push(after_login::resumption(control, &self.trusted, resumed));
        }
        AfterLogin {
            findings,
            software: system.and_then(|reply| Software::of(reply.text())),
        }
    }
}

#[derive(Default)]
struct AfterLogin {
    findings: Vec<Finding>,
    software: Option<Software>,
}
