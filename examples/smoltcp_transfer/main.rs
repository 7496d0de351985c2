//! A file under TLS over smoltcp, a TCP/IP stack in user space, there and back: two hosts joined by a
//! link in memory, no socket of the operating system, and a clock that only goes when nothing else does.
//!
//! The link is in `link.rs`, a host with its driver in `host.rs`, client and server are in `sides.rs`.
//! Run it with `cargo run -p ftp-examples --bin smoltcp_transfer`.
#![forbid(unsafe_code)]

mod host;
mod link;
#[path = "../one_file.rs"]
mod one_file;
mod sides;

use std::sync::Arc;

use ftp_proto::{Instant, client, server};
use ftp_rustls::{ClientCertificates, ClientTls, Identity, Roots, Secured};
use smoltcp::wire::IpAddress;

use crate::host::{Host, Turn};
use crate::link::Link;
use crate::one_file::Outcome;
use crate::sides::{Client, Server};

const SERVER: (IpAddress, u16) = (IpAddress::v4(10, 0, 0, 1), 21);
const CLIENT: IpAddress = IpAddress::v4(10, 0, 0, 2);
const PASSWORD: &str = "correct horse";
const LINE: &[u8] = b"A file without end is a file to come.\n";

/// The two machines, with a certificate made on the spot.
fn machines() -> Outcome<(Secured<client::Connection>, Secured<server::Connection>)> {
    let made = rcgen::generate_simple_self_signed(["ftp.example.com".to_owned()])?;
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let trusted = Roots::Store(ftp_rustls::roots_from_pem(certificate.as_bytes())?);
    let tls = ClientTls::for_host(ftp_rustls::client_config(trusted, None)?, "ftp.example.com")?;
    let config = client::Config::new(client::Login::new("developer", PASSWORD)?);
    let client = client::Connection::new(config, Instant::START);
    let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes())?;
    let config = ftp_rustls::server_config(identity, ClientCertificates::NotAsked)?;
    let server = server::Connection::new(Arc::new(server::Config::new()), Instant::START);
    Ok((
        Secured::client(client, tls),
        Secured::server(server, config),
    ))
}

fn main() -> Outcome<()> {
    let (client, server) = machines()?;
    let (ours, theirs) = Link::new();
    let file = LINE.repeat(3_000);
    let mut client = Client::new(Host::new(ours, CLIENT), client, SERVER)?;
    let host = Host::new(theirs, SERVER.0);
    let mut server = Server::new(host, server, SERVER.1, file.clone())?;

    let mut now = Instant::START;
    for _ in 0..10_000 {
        let (client_until, client_closed) = match client.turn(now)? {
            Turn::Told(()) => continue,
            Turn::Rests(until) => (until, false),
            Turn::Closed => (None, true),
        };
        let (server_until, server_closed) = match server.turn(now)? {
            Turn::Told(()) => continue,
            Turn::Rests(until) => (until, false),
            Turn::Closed => (None, true),
        };
        let link = &client.host.link;
        if client_closed && server_closed {
            for transfer in &client.program.transfers {
                let tls = transfer.tls.as_ref().ok_or("not under TLS")?;
                println!("{} bytes under {}", transfer.bytes, tls.cipher_suite);
                assert!(tls.resumed, "it belongs to the control connection");
            }
            println!("packets there and back: {:?}", link.packets());
            assert!(client.program.has_moved(file.len()));
            assert!(server.program.file == file, "it came back as it was");
            // What goes in clear is seen on the link, so what is not seen did not.
            assert!(link.carried(b"AUTH TLS"));
            assert!(!link.carried(PASSWORD.as_bytes()) && !link.carried(LINE));
            return Ok(());
        }
        if link.is_silent() {
            let next = client_until.into_iter().chain(server_until).min();
            now = now.max(next.ok_or("both sides wait for each other")?);
        }
    }
    Err("the two sides talk in circles".into())
}
