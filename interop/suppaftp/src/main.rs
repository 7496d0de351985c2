//! suppaftp logging in: what is secret comes on standard input, what came of it goes to standard
//! output.
//!
//! The input has one fact a line: `security clear|explicit|implicit`, `ca PATH`, `host NAME`,
//! `port N`, `user HEX`, `password HEX`, `times N`, `then leave`. The output has a line for each login:
//! `logged in`, or the error; then `pwd` and the path, or the error.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use suppaftp::rustls::pki_types::CertificateDer;
use suppaftp::rustls::pki_types::pem::PemObject;
use suppaftp::rustls::{ClientConfig, RootCertStore};
use suppaftp::{FtpResult, ImplFtpStream, RustlsConnector, RustlsFtpStream, TlsStream};

type Facts = HashMap<String, String>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let facts: Facts = input
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
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
    if facts.contains_key("then") {
        // Its destructor would say QUIT and wait for the answer.
        std::process::exit(0);
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
    let config = ClientConfig::builder()
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
