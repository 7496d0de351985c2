//! A session told step by step on standard input: for the example `probe` of each adapter, which
//! `interop/` runs against real servers to do what `ftp-cli login` has no option for.

pub mod files;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use files::FileStep;
use ftp_proto::client::{
    Config, DataMode, DataProtection, Login, PassiveCommand, Security, Timeouts,
};
use ftp_proto::{Dialogue, Instant};
use ftp_rustls::rustls::ClientConfig;
use ftp_rustls::{Roots, Versions};

/// What a probe is to do.
pub struct Task {
    /// Where to connect.
    pub address: String,
    /// How to log in.
    pub config: Config,
    /// The TLS to use, unless it is to be in clear.
    pub tls: Option<Arc<ClientConfig>>,
    /// What comes after the login.
    pub steps: Vec<Step>,
}

/// One step after the login. The words for what comes of it are in each item.
#[derive(Debug)]
pub enum Step {
    /// A command: prints the code of its final reply.
    Command(String),
    /// `REIN` with these credentials: prints `Reinitialized`.
    Reinitialize(Login),
    /// `CCC`: prints `Clear`.
    ClearCommandChannel,
    /// Something with files.
    File(FileStep),
    /// Prints `Resumed`, and how many of the data connections under TLS resumed a session.
    Sessions,
    /// Waits for the connection's end: prints how it ends.
    Wait,
    /// `QUIT`: prints `Left`.
    Quit,
}

impl Task {
    /// Reads a task, one fact or step a line; what is secret or may be no text is hexadecimal:
    ///
    /// ```text
    /// security explicit
    /// ca ca.pem
    /// address 127.0.0.1:2121
    /// login 616e6e61 736563726574
    /// command PWD
    /// rein 616e6e61 736563726574
    /// ccc
    /// wait
    /// sessions
    /// quit
    /// ```
    ///
    /// and the steps of [`FileStep`]. `tls 1.2` and `tls 1.3` take this version alone; `mode active`,
    /// `mode pasv` and `mode epsv` make data connections in this way alone; `telnet-abort` sends Telnet IP and DM
    /// before `ABOR`; `pipelining` asks for the next data connection with each transfer; `trace` prints the
    /// dialogue on standard error.
    ///
    /// # Panics
    /// If it is not like this.
    pub fn read(input: impl BufRead) -> Self {
        let mut security = Security::ExplicitTls;
        let (mut ca, mut versions) = (None, Versions::default());
        let (mut mode, mut traces) = (DataMode::default(), false);
        let (mut telnet_abort, mut pipelining) = (false, false);
        let (mut address, mut first, mut steps) = (String::new(), None, Vec::new());
        for line in input.lines() {
            let line = line.expect("lines of text");
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "security" => security = named(rest),
                "ca" => ca = Some(rest.to_owned()),
                "tls" => versions = version(rest),
                "mode" => mode = data_mode(rest),
                "trace" => traces = true,
                "telnet-abort" => telnet_abort = true,
                "pipelining" => pipelining = true,
                "address" => rest.clone_into(&mut address),
                "login" => first = Some(login(rest)),
                "command" => steps.push(Step::Command(rest.to_owned())),
                "rein" => steps.push(Step::Reinitialize(login(rest))),
                "ccc" => steps.push(Step::ClearCommandChannel),
                "wait" => steps.push(Step::Wait),
                "sessions" => steps.push(Step::Sessions),
                "quit" => steps.push(Step::Quit),
                other => match FileStep::read(other, rest) {
                    Some(step) => steps.push(Step::File(step)),
                    None => panic!("{line} is no step of a probe"),
                },
            }
        }
        let mut config = Config::new(first.expect("a login"))
            .security(security)
            .data_protection(DataProtection::Preferred)
            .clear_command_channel(true)
            .data_mode(mode)
            .telnet_abort(telnet_abort)
            .transfer_pipelining(pipelining)
            .timeouts(Timeouts::uniform(Duration::from_secs(30)));
        if traces {
            config = config.observer(Arc::new(trace));
        }
        let ca = ca.filter(|_| security != Security::DangerousPlaintext);
        Self {
            address,
            config,
            tls: ca.map(|ca| trusting(&ca, versions)),
            steps,
        }
    }
}

fn named(security: &str) -> Security {
    match security {
        "clear" => Security::DangerousPlaintext,
        "explicit" => Security::ExplicitTls,
        "implicit" => Security::ImplicitTls,
        other => panic!("{other} is no security"),
    }
}

fn version(number: &str) -> Versions {
    match number {
        "1.2" => Versions::Tls12,
        "1.3" => Versions::Tls13,
        other => panic!("{other} is no version of TLS"),
    }
}

fn data_mode(mode: &str) -> DataMode {
    match mode {
        "active" => DataMode::Active,
        "pasv" => DataMode::Passive(PassiveCommand::Pasv),
        "epsv" => DataMode::Passive(PassiveCommand::Epsv),
        other => panic!("{other} is no way of making data connections"),
    }
}

fn trusting(path: &str, versions: Versions) -> Arc<ClientConfig> {
    let pem = std::fs::read(path).expect("a CA's certificate");
    let roots = ftp_rustls::roots_from_pem(&pem).expect("a CA's certificate");
    let roots = Roots::Store(roots);
    ftp_rustls::client_config_with_versions(roots, None, versions).expect("a configuration")
}

/// Passwords are masked by the commands themselves.
fn trace(now: Instant, dialogue: Dialogue<'_>) {
    let at = now.since_start().as_secs_f64();
    match dialogue {
        Dialogue::Command(command) => eprintln!("{at:.3} C: {command}"),
        Dialogue::Reply(reply) => eprintln!("{at:.3} S: {reply}"),
        other => eprintln!("{at:.3} {other:?}"),
    }
}

/// A name and a password.
fn login(words: &str) -> Login {
    let (name, password) = words.split_once(' ').expect("a name and a password");
    Login::new(from_hex(name), from_hex(password)).expect("what can be sent")
}

fn from_hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}
