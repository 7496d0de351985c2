//! suppaftp logging in: what is secret comes on standard input, what came of it goes to standard
//! output.
//!
//! The input has one fact a line: `security clear|explicit|implicit`, `ca PATH`, `host NAME`,
//! `port N`, `user HEX`, `password HEX`, `times N`, `then leave`, `tls 1.2|1.3`. The output has a line for each
//! login: `logged in`, or the error; then `pwd` and the path, or the error. In between is what `files` does.
#![forbid(unsafe_code)]

mod files;

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::net::TcpStream;
use std::ops::Index;
use std::sync::Arc;
use std::time::Duration;

use suppaftp::rustls::pki_types::CertificateDer;
use suppaftp::rustls::pki_types::pem::PemObject;
use suppaftp::rustls::version::{TLS12, TLS13};
use suppaftp::rustls::{ALL_VERSIONS, ClientConfig, RootCertStore};
use suppaftp::{FtpResult, ImplFtpStream, RustlsConnector, RustlsFtpStream, TlsStream};

#[derive(Default)]
struct Facts {
    of: HashMap<String, String>,
    steps: Vec<String>,
}

impl Facts {
    fn get(&self, name: &str) -> Option<&String> {
        self.of.get(name)
    }
}

impl Index<&str> for Facts {
    type Output = String;

    fn index(&self, name: &str) -> &String {
        &self.of[name]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let mut facts = Facts::default();
    for (name, value) in input.lines().filter_map(|line| line.split_once(' ')) {
        match name {
            "step" => facts.steps.push(value.to_owned()),
            _ => drop(facts.of.insert(name.to_owned(), value.to_owned())),
        }
    }
    if let Err(error) = run(&facts) {
        println!("error: {error}");
    }
    Ok(())
}

fn run(facts: &Facts) -> Result<(), Box<dyn Error>> {
    let address = format!("{}:{}", facts["host"], facts["port"]);
    match facts["security"].as_str() {
        "clear" => session(connect(&address, facts)?, facts),
        "explicit" => {
            let stream = connect(&address, facts)?;
            session(stream.into_secure(tls(facts)?, &facts["host"])?, facts)
        }
        _ => {
            let stream =
                RustlsFtpStream::connect_secure_implicit(address, tls(facts)?, &facts["host"])?;
            session(stream, facts)
        }
    }
}

/// `timeout SECONDS` is for each read and write, where it can be told: not with implicit TLS.
fn connect(address: &str, facts: &Facts) -> Result<RustlsFtpStream, Box<dyn Error>> {
    let stream = TcpStream::connect(address)?;
    if let Some(seconds) = facts.get("timeout") {
        let timeout = Some(Duration::from_secs(seconds.parse()?));
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
    }
    Ok(RustlsFtpStream::connect_with_stream(stream)?)
}

fn session<T: TlsStream>(mut ftp: ImplFtpStream<T>, facts: &Facts) -> Result<(), Box<dyn Error>> {
    let (user, password) = (text(&facts["user"])?, text(&facts["password"])?);
    let times: usize = facts.get("times").map_or(Ok(1), |times| times.parse())?;
    for _ in 0..times {
        show(ftp.login(&user, &password).map(|()| "logged in".to_owned()));
    }
    if facts.get("then").is_some() {
        // Its destructor would say QUIT and wait for the answer.
        std::process::exit(0);
    }
    if !facts.steps.is_empty() {
        files::work(&mut ftp, &facts.steps)?;
    }
    show(ftp.pwd().map(|path| format!("pwd {path}")));
    show(ftp.quit().map(|()| "quit".to_owned()));
    Ok(())
}

fn show(result: FtpResult<String>) {
    match result {
        Ok(what) => println!("{what}"),
        Err(error) => println!("error: {error}"),
    }
}

fn tls(facts: &Facts) -> Result<RustlsConnector, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&facts["ca"])? {
        roots.add(certificate?)?;
    }
    let versions: &[_] = match facts.get("tls").map(String::as_str) {
        Some("1.2") => &[&TLS12],
        Some("1.3") => &[&TLS13],
        _ => ALL_VERSIONS,
    };
    let config = ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(RustlsConnector::from(Arc::new(config)))
}

/// It takes text alone.
fn text(digits: &str) -> Result<String, Box<dyn Error>> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16);
    let bytes: Result<Vec<u8>, _> = (0..digits.len()).step_by(2).map(byte).collect();
    Ok(String::from_utf8(bytes?)?)
}
