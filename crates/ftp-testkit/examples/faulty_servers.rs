//! Serves every case of the misbehaving peers, each on a port of its own, to whatever client comes.
//!
//! `faulty_servers CERTIFICATE KEY` shows this certificate (PEM) under TLS. It prints a line for each
//! case: its name, its security, whether a client may log in to it, what comes after the login,
//! whether the certificate is to be trusted, and its port, with tabs between. An empty line follows.
//! It serves the cases until its standard input ends.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ftp_proto::client::Security;
use ftp_rustls::{ClientCertificates, Identity};
use ftp_testkit::misbehaving::{FaultyServer, Outcome, Parts, Step, Then, play, servers};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args().skip(1);
    let mut read = || std::fs::read(paths.next().unwrap_or_default());
    let identity = Identity::from_pem(&read()?, &read()?)?;
    let tls = ftp_rustls::server_config(identity, ClientCertificates::NotAsked)?;
    let mut stdout = std::io::stdout().lock();
    for case in servers::all() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        writeln!(
            stdout,
            "{}\t{}",
            words(&case),
            listener.local_addr()?.port()
        )?;
        // What is said after all that is answered, so that a client which believes to be logged in
        // can show it. No line holds this.
        let steps = [case.script, vec![Step::Hear("\n")]].concat();
        let (tls, script) = (Arc::clone(&tls), Arc::new(steps));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, script) = (Arc::clone(&tls), Arc::clone(&script));
                let parts = Parts::Server(tls);
                std::thread::spawn(move || play(stream, parts, &script, &AtomicBool::new(false)));
            }
        });
    }
    writeln!(stdout)?;
    stdout.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn words(case: &FaultyServer) -> String {
    let security = match case.security {
        Security::ExplicitTls => "explicit",
        Security::ImplicitTls => "implicit",
        _ => "clear",
    };
    let is_login = |outcome: &Outcome| matches!(outcome, Outcome::LoggedIn { .. });
    let may_log_in = if case.outcomes.iter().any(is_login) {
        "login"
    } else {
        "no login"
    };
    let then = match case.then {
        Then::Leave => "leave",
        Then::Command(command) => command,
        Then::Quit => "QUIT",
        Then::ClearCommandChannel => "CCC",
        Then::Reinitialize => "REIN",
    };
    let trust = if case.is_trusted {
        "trusted"
    } else {
        "untrusted"
    };
    [case.name, security, may_log_in, then, trust].join("\t")
}
