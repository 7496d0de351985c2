//! A session told step by step on standard input: for the example `probe` of each adapter, which
//! `interop/` runs against real servers to do what `ftp-cli login` has no option for.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{Config, DataProtection, Login, Security, Timeouts};
use ftp_rustls::Roots;
use ftp_rustls::rustls::ClientConfig;

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
    /// quit
    /// ```
    ///
    /// # Panics
    /// If it is not like this.
    pub fn read(input: impl BufRead) -> Self {
        let mut security = Security::ExplicitTls;
        let mut tls = None;
        let (mut address, mut first, mut steps) = (String::new(), None, Vec::new());
        for line in input.lines() {
            let line = line.expect("lines of text");
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "security" => security = named(rest),
                "ca" => tls = Some(trusting(rest)),
                "address" => rest.clone_into(&mut address),
                "login" => first = Some(login(rest)),
                "command" => steps.push(Step::Command(rest.to_owned())),
                "rein" => steps.push(Step::Reinitialize(login(rest))),
                "ccc" => steps.push(Step::ClearCommandChannel),
                "wait" => steps.push(Step::Wait),
                "quit" => steps.push(Step::Quit),
                other => panic!("{other} is no step of a probe"),
            }
        }
        let config = Config::new(first.expect("a login"))
            .security(security)
            .data_protection(DataProtection::Preferred)
            .clear_command_channel(true)
            .timeouts(Timeouts::uniform(Duration::from_secs(30)));
        Self {
            address,
            config,
            tls: tls.filter(|_| security != Security::DangerousPlaintext),
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

fn trusting(path: &str) -> Arc<ClientConfig> {
    let pem = std::fs::read(path).expect("a CA's certificate");
    let roots = ftp_rustls::roots_from_pem(&pem).expect("a CA's certificate");
    ftp_rustls::client_config(Roots::Store(roots), None).expect("a configuration")
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
