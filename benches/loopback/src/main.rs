//! One program of those that are measured, by itself in a process, so that its instructions and system calls can be
//! counted; or all of them by turns. `benches/sockets` does that:
//!
//! ```text
//! loopback names client|server
//! loopback turns client|server PART             # times those whose names have this part, by turns, and prints a table
//! loopback client NAME ADDRESS LOGINS           # logs in so often, and ends
//! loopback client canned ADDRESS LOGINS PAUSE   # likewise; waits so many microseconds before each command
//! loopback server NAME                          # says its address, and serves until it is killed
//! loopback server canned PAUSE                  # likewise; waits so many microseconds before each reply
//! loopback server files                         # likewise; for the next two
//! loopback download NAME ADDRESS BYTES FILES    # logs in, fetches so many files of so many bytes, and ends
//! loopback upload NAME ADDRESS BYTES FILES      # likewise, stores them
//! loopback list NAME ADDRESS 0 TIMES            # likewise, lists the directory
//! loopback names NAME ADDRESS 0 TIMES           # likewise, its names alone
//! loopback copies                               # the names for the next two
//! loopback copy-down NAME ADDRESS PATH FILE     # logs in, fetches what has this path into a file, and ends
//! loopback copy-up NAME ADDRESS PATH FILE       # likewise, stores the file
//! loopback sealed                               # the names for the next two
//! loopback sealed-down NAME ADDRESS PATH FILE CERTIFICATE   # the same under TLS
//! loopback sealed-up NAME ADDRESS PATH FILE CERTIFICATE     # likewise
//! loopback serving                              # the names for the next
//! loopback serving NAME FOLDER                  # says its address, and serves the folder until it is killed
//! loopback soak TRANSFERS CANCELS CONNECTIONS   # prints what the process holds meanwhile; fails if it grows
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use ftp_benches_loopback::copies::{self, Copy};
use ftp_benches_loopback::files::{self, Way, Work};
use ftp_benches_loopback::sealed;
use ftp_benches_loopback::soak::{self, Amount};
use ftp_benches_loopback::{clients, servers, serving, turns};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["names", "client"] => clients::ALL.iter().for_each(|(name, _)| println!("{name}")),
        ["names", "download" | "upload"] => {
            files::ALL.iter().for_each(|(name, _)| println!("{name}"))
        }
        ["names", "server"] => servers::ALL.iter().for_each(|(name, _)| println!("{name}")),
        ["turns", "client", part] => turns::clients(part),
        ["turns", "server", part] => turns::servers(part),
        ["client", "canned", address, logins, pause] => {
            let address = address.parse()?;
            clients::await_server(address);
            let pause = Duration::from_micros(pause.parse()?);
            clients::canned(address, logins.parse()?, pause);
        }
        ["client", name, address, logins] => {
            let address = address.parse()?;
            let logins = logins.parse()?;
            let known = clients::ALL.iter().find(|(known, _)| *known == name);
            let (_, client) = known.ok_or("no such client")?;
            clients::await_server(address);
            client(address)(logins);
        }
        ["server", "canned", pause] => {
            let listener = listener()?;
            servers::canned(&listener, Duration::from_micros(pause.parse()?));
        }
        ["server", "files"] => files::serve(&listener()?),
        [
            way @ ("download" | "upload" | "list" | "names"),
            name,
            address,
            bytes,
            count,
        ] => {
            let way = match way {
                "download" => Way::Download,
                "list" => Way::List,
                "names" => Way::Names,
                _ => Way::Upload,
            };
            let address = address.parse()?;
            let (bytes, files) = (bytes.parse()?, count.parse()?);
            let known = files::ALL.iter().find(|(known, _)| *known == name);
            let (_, client) = known.ok_or("no such client")?;
            client(address, Work { way, bytes, files });
        }
        ["copies"] => copies::ALL.iter().for_each(|(name, _)| println!("{name}")),
        [way @ ("copy-down" | "copy-up"), name, address, path, local] => {
            let known = copies::ALL.iter().find(|(known, _)| *known == name);
            let (_, client) = known.ok_or("no such client")?;
            let copy = Copy {
                server: address.parse()?,
                path: path.to_owned(),
                local: local.into(),
            };
            client(copy, way == "copy-down");
        }
        ["sealed"] => sealed::ALL.iter().for_each(|(name, _)| println!("{name}")),
        [
            way @ ("sealed-down" | "sealed-up"),
            name,
            address,
            path,
            local,
            certificate,
        ] => {
            let known = sealed::ALL.iter().find(|(known, _)| *known == name);
            let (_, client) = known.ok_or("no such client")?;
            let copy = Copy {
                server: address.parse()?,
                path: path.to_owned(),
                local: local.into(),
            };
            client(copy, way == "sealed-down", certificate.as_ref());
        }
        ["serving"] => serving::ALL.iter().for_each(|(name, _)| println!("{name}")),
        ["serving", name, folder] => {
            let mut all = serving::ALL.iter().chain([&serving::UNDER_TLS]);
            let known = all.find(|(known, _)| *known == name);
            let (_, serve) = known.ok_or("no such server")?;
            serve(listener()?, folder.as_ref());
        }
        ["soak", transfers, cancels, connections] => soak::run(Amount {
            transfers: transfers.parse()?,
            cancels: cancels.parse()?,
            connections: connections.parse()?,
        })?,
        ["server", name] => {
            let known = servers::ALL.iter().find(|(known, _)| *known == name);
            let (_, serve) = known.ok_or("no such server")?;
            serve(listener()?);
        }
        _ => return Err("see the first lines of src/main.rs".into()),
    }
    Ok(())
}

fn listener() -> Result<TcpListener, Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}
