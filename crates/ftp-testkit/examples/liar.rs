//! Serves every lie of the scripted liar, each on a port of its own, to whatever client comes.
//!
//! `liar CERTIFICATE` writes the certificate that it shows under TLS to that file (PEM), prints a
//! line for each lie (its name, its security, whether a client may log in to it, what comes after
//! the login, and its port, with tabs between), and lies until its standard input ends.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ftp_proto::client::Security;
use ftp_rustls::{ClientCertificates, Identity};
use ftp_testkit::SelfMade;
use ftp_testkit::liar::{LyingServer, Outcome, Parts, Then, play, servers};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("where to write the certificate?")?;
    let made = SelfMade::for_loopback();
    std::fs::write(path, &made.certificate_pem)?;
    let identity = Identity::from_pem(made.certificate_pem.as_bytes(), made.key_pem.as_bytes())?;
    let tls = ftp_rustls::server_config(identity, ClientCertificates::NotAsked)?;
    let mut stdout = std::io::stdout().lock();
    for lie in servers::all() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        writeln!(stdout, "{}\t{}", words(&lie), listener.local_addr()?.port())?;
        let (tls, script) = (Arc::clone(&tls), Arc::new(lie.script));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, script) = (Arc::clone(&tls), Arc::clone(&script));
                let parts = Parts::Server(tls);
                std::thread::spawn(move || play(stream, parts, &script, &AtomicBool::new(false)));
            }
        });
    }
    stdout.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn words(lie: &LyingServer) -> String {
    let security = match lie.security {
        Security::ExplicitTls => "explicit",
        Security::ImplicitTls => "implicit",
        _ => "clear",
    };
    let is_login = |outcome: &Outcome| matches!(outcome, Outcome::LoggedIn { .. });
    let may_log_in = if lie.outcomes.iter().any(is_login) {
        "login"
    } else {
        "no login"
    };
    let then = match lie.then {
        Then::Leave => "leave",
        Then::Command(command) => command,
        Then::Quit => "QUIT",
        Then::ClearCommandChannel => "CCC",
        Then::Reinitialize => "REIN",
    };
    [lie.name, security, may_log_in, then].join("\t")
}
