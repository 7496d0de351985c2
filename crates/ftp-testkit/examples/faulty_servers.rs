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

use ftp_rustls::{ClientCertificates, Identity};
use ftp_testkit::misbehaving::{Case, Parts, Protected, Step, play, servers};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args().skip(1);
    let mut read = || std::fs::read(paths.next().unwrap_or_default());
    let identity = Identity::from_pem(&read()?, &read()?)?;
    let tls = ftp_rustls::server_config(identity, ClientCertificates::NotAsked)?;
    let mut stdout = std::io::stdout().lock();
    for case in servers() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        writeln!(
            stdout,
            "{}\t{}",
            words(&case),
            listener.local_addr()?.port()
        )?;
        // What is said after all that is answered, so that a client which believes to be logged in
        // can show it. No line holds this.
        let steps = [case.script, vec![Step::Hear("\n".to_owned())]].concat();
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

fn words(case: &Case) -> String {
    let security = match case.security {
        Protected::Clear => "clear",
        Protected::ExplicitTls => "explicit",
        Protected::ImplicitTls => "implicit",
    };
    let is_login = |expect: &String| expect.starts_with("logged in");
    let may_log_in = match case.expects.iter().any(is_login) {
        true => "login",
        false => "no login",
    };
    let trust = match case.is_trusted() {
        true => "trusted",
        false => "untrusted",
    };
    let then = case.then.as_deref().unwrap_or("leave");
    [&*case.name, security, may_log_in, then, trust].join("\t")
}
