//! A login under TLS over smoltcp, a TCP/IP stack in user space: two nodes joined by a link in
//! memory, no socket of the operating system, and a clock that only goes when nothing else does.
//!
//! The link is in `link.rs`, a node with its driver in `node.rs`. Run it with
//! `cargo run -p ftp-examples --bin smoltcp_login`.
#![forbid(unsafe_code)]

mod link;
mod node;

use std::error::Error;
use std::sync::Arc;

use ftp_proto::wire::Reply;
use ftp_proto::{Instant, client, server};
use ftp_rustls::{ClientCertificates, ClientTls, Identity, Roots, Secured};
use smoltcp::wire::IpAddress;

use crate::link::Link;
use crate::node::{Node, Turn};

const SERVER: (IpAddress, u16) = (IpAddress::v4(10, 0, 0, 1), 21);
const CLIENT: (IpAddress, u16) = (IpAddress::v4(10, 0, 0, 2), 49_152);
const PASSWORD: &str = "correct horse";

type Outcome<T> = Result<T, Box<dyn Error>>;

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
    let mut client = Node::new(client, ours, CLIENT.0);
    let mut server = Node::new(server, theirs, SERVER.0);
    server.listen(SERVER.1)?;
    client.connect(SERVER, CLIENT.1)?;

    let (mut now, mut answer) = (Instant::START, None);
    for _ in 0..10_000 {
        let (client_until, client_closed) = match client.turn(now)? {
            Turn::Told(client::Event::LoggedIn(session)) => {
                let tls = session.tls.as_ref().ok_or("not under TLS")?;
                println!("logged in under {}", tls.cipher_suite);
                client.machine.machine_mut().send(now, "PWD".try_into()?)?;
                continue;
            }
            Turn::Told(client::Event::Reply { reply, .. }) => {
                answer = Some(reply);
                client.machine.machine_mut().quit(now)?;
                continue;
            }
            Turn::Told(_) => continue,
            Turn::Rests(until) => (until, false),
            Turn::Closed => (None, true),
        };
        let (server_until, server_closed) = match server.turn(now)? {
            Turn::Told(server::Event::Authenticate(attempt)) => {
                let password = attempt.password().map(|password| password.expose());
                assert_eq!(password, Some(PASSWORD.as_bytes()));
                server.machine.machine_mut().decide(now, attempt.accept())?;
                continue;
            }
            Turn::Told(server::Event::Command(request)) => {
                let reply = Reply::new(257.try_into()?, "\"/\" is the current directory")?;
                server
                    .machine
                    .machine_mut()
                    .reply(now, request.id(), &reply)?;
                continue;
            }
            Turn::Told(_) => continue,
            Turn::Rests(until) => (until, false),
            Turn::Closed => (None, true),
        };
        if client_closed && server_closed {
            println!("{}", answer.ok_or("PWD was not answered")?);
            println!("packets there and back: {:?}", client.link.packets());
            // What goes in clear is seen on the link, so what is not seen did not.
            assert!(client.link.carried(b"AUTH TLS"));
            assert!(!client.link.carried(PASSWORD.as_bytes()));
            return Ok(());
        }
        if client.link.is_silent() {
            let next = client_until.into_iter().chain(server_until).min();
            now = now.max(next.ok_or("both sides wait for each other")?);
        }
    }
    Err("the two sides talk in circles".into())
}
