//! `ftp-cli demo`: a server and a client on the loopback interface, and the dialogues between them,
//! shown as they happen: files and a wrong password, or all kinds of logins.

mod files;
mod handler;
mod lockout;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::style;
use ftp_proto::client::{self, Login, Timeouts};
use ftp_proto::server::{self, Security};
use ftp_proto::wire::InvalidText;
use ftp_proto::{Account, Password, Username};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{ClientCertificates, Roots, client_config, server_config};

use self::handler::DemoHandler;
use crate::adapter::{Adapter, Serving};
use crate::attempt::Attempt;
use crate::certificate::{self_made, trust_only};
use crate::cli::DemoArguments;
use crate::exit::{Exit, Failure};
use crate::login::start;
use crate::output::Output;
use crate::report::{Outcome, Report, Trust};
use crate::serve::Users;
use crate::transcript::{Layout, Live, Recorder, TimedPhase, Times};

/// The delay of the reply to the first failed login: long enough to see, and short enough to wait
/// for. It doubles with each failure.
const FAILURE_DELAY: Duration = Duration::from_millis(100);

/// No step takes this long on the loopback interface, not even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

const USER: &str = "developer";
const USER_WITH_ACCOUNT: &str = "clerk";
const PASSWORD: &str = "correct horse battery staple";
const ACCOUNT: &str = "payroll-7";

/// Runs the dialogues.
///
/// # Errors
/// If the server cannot be started. A dialogue that ends in an unexpected way gives an exit code.
pub(crate) fn run(arguments: &DemoArguments, output: Arc<Output>) -> Result<Exit, Failure> {
    let stage = Stage::new(start(arguments.runtime.runtime)?, output)?;
    let rows = match arguments.all {
        true => vec![
            stage.explicit()?,
            stage.implicit()?,
            stage.account()?,
            stage.lockout()?,
            stage.files()?,
        ],
        false => vec![stage.files()?, stage.wrong_password()?],
    };
    if arguments.all {
        show_table(&stage.output, &rows);
    }
    let output = Arc::clone(&stage.output);
    drop(stage);
    output.finish()?;
    Ok(if rows.iter().all(|row| row.is_as_it_must_be) {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// What the summary says about one dialogue.
struct Row {
    title: &'static str,
    result: String,
    times: Times,
    total: Duration,
    is_as_it_must_be: bool,
}

/// The two servers, and the certificate that a client must trust.
struct Stage {
    output: Arc<Output>,
    tls: Arc<ClientConfig>,
    server_tls: Arc<ServerConfig>,
    adapter: Adapter,
    explicit: Serving,
    implicit: Serving,
}

impl Stage {
    fn new(adapter: Adapter, output: Arc<Output>) -> Result<Self, Failure> {
        let (identity, _) = self_made(vec!["127.0.0.1".to_owned()])?;
        let certificate = identity
            .certificates()
            .first()
            .cloned()
            .ok_or_else(|| Failure::new(Exit::Tls, "the new certificate is missing"))?;
        let tls_failed = |error| Failure::new(Exit::Tls, format!("cannot set up TLS: {error}"));
        let trust = Roots::Store(trust_only(&certificate)?);
        let tls = client_config(trust, None).map_err(tls_failed)?;
        let server_tls =
            server_config(identity, ClientCertificates::default()).map_err(tls_failed)?;
        let explicit = serve(&adapter, Security::ExplicitTls, &server_tls)?;
        let implicit = serve(&adapter, Security::ImplicitTls, &server_tls)?;
        output.line(
            "A server was started for this on the loopback interface. Its certificate was made just\n\
             now, and the client trusts exactly that one. → is what the client says, ← the server.",
        );
        Ok(Self {
            output,
            tls,
            server_tls,
            adapter,
            explicit,
            implicit,
        })
    }

    fn explicit(&self) -> Result<Row, Failure> {
        const TITLE: &str = "explicit TLS";
        self.announce(
            TITLE,
            "The greeting comes in clear, AUTH TLS asks for TLS, and only under TLS the name and\n\
             password are sent. PROT P has data connections encrypted as well.",
        );
        let login = login(USER, None).map_err(invalid)?;
        self.log_in(TITLE, client::Security::ExplicitTls, login, "password")
    }

    fn implicit(&self) -> Result<Row, Failure> {
        const TITLE: &str = "implicit TLS";
        self.announce(
            TITLE,
            "TLS from the first byte: even the greeting is encrypted.",
        );
        let login = login(USER, None).map_err(invalid)?;
        self.log_in(TITLE, client::Security::ImplicitTls, login, "password")
    }

    fn account(&self) -> Result<Row, Failure> {
        const TITLE: &str = "three steps with ACCT";
        self.announce(
            TITLE,
            "The password is right, yet the server wants an account too: 332. Most clients give\n\
             up here.",
        );
        let login = login(USER_WITH_ACCOUNT, Some(ACCOUNT)).map_err(invalid)?;
        self.log_in(TITLE, client::Security::ExplicitTls, login, "account")
    }

    fn lockout(&self) -> Result<Row, Failure> {
        const TITLE: &str = "wrong password, three times";
        self.announce(
            TITLE,
            "The client machine gives up at the first 530, for repeating a wrong password locks\n\
             accounts. So this is spoken by hand, with the wire parsers. Each answer takes longer\n\
             than the one before, and after the third the server closes the connection.",
        );
        let recorder = Arc::new(self.recorder());
        let began = Instant::now();
        let code = lockout::run(
            self.implicit.address,
            Arc::clone(&self.tls),
            Arc::clone(&recorder),
        );
        let total = began.elapsed();
        let (result, is_as_it_must_be) = match code {
            Ok(()) => ("421, as expected".to_owned(), true),
            Err(why) => (why, false),
        };
        self.output.line(&format!("  {result}"));
        let times = recorder.take(TimedPhase::Password).times;
        Ok(Row {
            title: TITLE,
            result,
            times,
            total,
            is_as_it_must_be,
        })
    }

    fn files(&self) -> Result<Row, Failure> {
        const TITLE: &str = "files";
        self.announce(
            TITLE,
            "A listing, a download and an upload. Each has a data connection of its own, which\n\
             resumes the TLS session. What is not whole and confirmed is an error.",
        );
        let recorder = Arc::new(self.recorder_beside());
        let (began, output) = (Instant::now(), Arc::clone(&self.output));
        let done = files::run(
            DemoHandler(users()?),
            Arc::clone(&self.server_tls),
            login(USER, None).map_err(invalid)?,
            Arc::clone(&self.tls),
            Arc::clone(&recorder),
            Arc::new(move |line: &str| output.line(&format!("{:24}{line}", ""))),
        );
        let total = began.elapsed();
        let (result, is_as_it_must_be) = match done {
            Ok(()) => ("226, as expected".to_owned(), true),
            Err(error) => (error.to_string(), false),
        };
        if !is_as_it_must_be {
            self.output.line(&format!("  {result}"));
        }
        Ok(Row {
            title: TITLE,
            result,
            times: recorder.take(TimedPhase::Password).times,
            total,
            is_as_it_must_be,
        })
    }

    fn wrong_password(&self) -> Result<Row, Failure> {
        const TITLE: &str = "a wrong password";
        self.announce(
            TITLE,
            "Refused once, the client stops: repeating a wrong password locks accounts.",
        );
        let login = Login::new(USER, "wrong horse").map_err(invalid)?;
        let began = Instant::now();
        let security = client::Security::ExplicitTls;
        let report = self.attempt(security, login, self.recorder_beside())?;
        for line in report.to_string().lines() {
            self.output.line(&format!("  {line}"));
        }
        let is_as_it_must_be = report.outcome() == Outcome::Refused && report.is_under_tls();
        Ok(Row {
            title: TITLE,
            result: report.message().to_string(),
            times: report.times(),
            total: began.elapsed(),
            is_as_it_must_be,
        })
    }

    fn announce(&self, title: &str, text: &str) {
        self.output.line(&format!(
            "\n{}\n{text}\n",
            style(title.to_uppercase()).bold()
        ));
    }

    fn recorder(&self) -> Recorder {
        self.recorder_of(Layout::Lines)
    }

    /// Shows commands and their replies beside each other.
    fn recorder_beside(&self) -> Recorder {
        self.recorder_of(Layout::Beside {
            unanswered: Mutex::default(),
        })
    }

    fn recorder_of(&self, layout: Layout) -> Recorder {
        Recorder::new(Some(Live {
            output: Some(Arc::clone(&self.output)),
            indent: "  ",
            layout,
        }))
    }

    /// A login with the client machine, which `step` must complete.
    fn log_in(
        &self,
        title: &'static str,
        security: client::Security,
        login: Login,
        step: &str,
    ) -> Result<Row, Failure> {
        let began = Instant::now();
        let report = self.attempt(security, login, self.recorder())?;
        let total = began.elapsed();
        let is_as_it_must_be = report.outcome() == Outcome::LoggedIn
            && report.logged_in_by() == Some(step)
            && report.is_under_tls();
        self.output.line(&format!("  {report}"));
        let result = match report.code() {
            Some(code) if is_as_it_must_be => format!("{code}, as expected"),
            _ => format!("{} at {}", report.message(), report.phase().name()),
        };
        Ok(Row {
            title,
            result,
            times: report.times(),
            total,
            is_as_it_must_be,
        })
    }

    /// Logs in, and out again.
    fn attempt(
        &self,
        security: client::Security,
        login: Login,
        recorder: Recorder,
    ) -> Result<Report, Failure> {
        let address = match security {
            client::Security::ImplicitTls => self.implicit.address,
            _ => self.explicit.address,
        };
        let attempt = Attempt {
            adapter: &self.adapter,
            config: client::Config::new(login)
                .security(security)
                .timeouts(Timeouts::uniform(TIMEOUT)),
            tls: Some(Arc::clone(&self.tls)),
            address: &address.to_string(),
            then: &[],
            trust: Trust::File,
            tells_all: true,
        };
        let (report, _) = attempt.run(Arc::new(recorder), 1)?;
        Ok(report)
    }
}

fn serve(
    adapter: &Adapter,
    security: Security,
    tls: &Arc<ServerConfig>,
) -> Result<Serving, Failure> {
    let config = server::Config::new()
        .security(security)
        .failure_delay(FAILURE_DELAY, FAILURE_DELAY * 8)
        .greeting(["ftp-cli demo.", "Nothing is kept here."])
        .map_err(invalid)?;
    let handler = DemoHandler(users()?);
    adapter
        .serve(Arc::new(config), Arc::clone(tls), handler)
        .map_err(|error| {
            let what = format!("cannot listen on 127.0.0.1: {error}");
            Failure::new(Exit::Unavailable, what)
        })
}

fn users() -> Result<Users, Failure> {
    let mut users = Users::none(false)?;
    let name = |name| Username::new(name).map_err(invalid);
    let password = Password::new(PASSWORD).map_err(invalid)?;
    let account = Account::new(ACCOUNT).map_err(invalid)?;
    users.add(&name(USER)?, &password, None)?;
    users.add(&name(USER_WITH_ACCOUNT)?, &password, Some(account))?;
    Ok(users)
}

fn login(name: &str, account: Option<&str>) -> Result<Login, InvalidText> {
    let login = Login::new(name, PASSWORD)?;
    Ok(match account {
        Some(account) => login.account(Account::new(account)?),
        None => login,
    })
}

/// The demo's own names and texts are valid; this is the error if one is not.
fn invalid(why: InvalidText) -> Failure {
    Failure::new(Exit::Failed, format!("in the demo, {why}"))
}

fn show_table(output: &Output, rows: &[Row]) {
    const SHOWN: [TimedPhase; 6] = [
        TimedPhase::Connect,
        TimedPhase::Greeting,
        TimedPhase::Security,
        TimedPhase::User,
        TimedPhase::Password,
        TimedPhase::Account,
    ];
    let columns: String = SHOWN
        .iter()
        .map(|phase| format!("{:>9}", phase.name()))
        .collect();
    output.line(&format!(
        "\n{:<28}{columns}{:>9}  result",
        "milliseconds", "all"
    ));
    for row in rows {
        let milliseconds = |time: Duration| format!("{:>9.1}", time.as_secs_f64() * 1000.0);
        let times: String = SHOWN
            .iter()
            .map(|phase| milliseconds(row.times.of(*phase)))
            .collect();
        let all = milliseconds(row.total);
        output.line(&format!("{:<28}{times}{all}  {}", row.title, row.result));
    }
}
