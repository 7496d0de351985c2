//! Allocations of each piece of work, as a table, and what an idle session and a stalled transfer hold. Fails where more is needed than
//! was promised.
#![forbid(unsafe_code)]

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use ftp_benches::inputs::{FEAT, SESSION, SHORT, banner, banner_of_lines, long_path};
use ftp_benches::listings::{LISTINGS, listing};
use ftp_benches::login::{Setup, Way, Wire};
use ftp_benches::{commands, listings, replies, suppaftp, tls};
use ftp_proto::data::Direction;

/// Bytes that an idle session may take; under TLS, beyond rustls' connection with buffers, which ours does without.
const MOST_IDLE: i64 = 1024;
/// A server under TLS has a configuration of its own besides, which knows the sessions of its data
/// connections. Together that is less than the buffers.
const MOST_IDLE_TLS_SERVER: i64 = 0;
/// A client under TLS has the same, the tickets, and the server's certificate and names. What its logins
/// share, and is made by the first, counts here too.
const MOST_IDLE_TLS_CLIENT: i64 = 1536;

/// Bytes that the data connection of a transfer under TLS may take while its peer does not read. A server has many.
const MOST_STALLED_SERVER: i64 = 110 * 1024;
const MOST_STALLED_CLIENT: i64 = 280 * 1024;

fn main() {
    println!("| work | allocations | bytes in all | most bytes at once |");
    println!("|---|---:|---:|---:|");
    parsing();
    logins();
}

fn row(name: &str, info: &AllocationInfo) {
    println!(
        "| {name} | {} | {} | {} |",
        info.count_total, info.bytes_total, info.bytes_max
    );
}

fn parsing() {
    let mut bytes = SHORT.to_vec();
    bytes.extend(banner_of_lines(20));
    bytes.extend(FEAT);
    bytes.extend(banner(64 * 1024));
    for (name, chunk) in [("whole", usize::MAX), ("in chunks of 1 byte", 1)] {
        let size = chunk.min(bytes.len());
        let info = measure(|| {
            black_box(replies::ftp_proto_in_chunks(&bytes, size));
        });
        row(&format!("replies, {name}"), &info);
        assert_eq!(info.count_total, 0, "parsing allocates nothing");
    }
    let mut bytes = SESSION.to_vec();
    bytes.extend(long_path());
    for (name, chunk) in [("whole", usize::MAX), ("in chunks of 1 byte", 1)] {
        let size = chunk.min(bytes.len());
        let info = measure(|| {
            black_box(commands::ftp_proto_in_chunks(&bytes, size));
        });
        row(&format!("commands, {name}"), &info);
        assert_eq!(info.count_total, 0, "parsing allocates nothing");
    }
    for (name, entry) in LISTINGS {
        let bytes = listing(entry);
        let info = measure(|| {
            black_box(listings::ftp_proto_in_chunks(&bytes, bytes.len()));
        });
        row(&format!("{name} of 1000 entries"), &info);
        assert_eq!(info.count_total, 0, "entries borrow");
    }
    let mut peer = suppaftp::Memory::new(b"200 Done.\r\n");
    peer.round();
    row(
        "suppaftp: a command and its reply",
        &measure(|| {
            black_box(peer.round());
        }),
    );
}

fn logins() {
    let mut wire = Wire::roomy();
    for (name, way) in [
        ("plain", Way::Plain),
        ("account", Way::Account),
        ("TLS 1.3", Way::Tls),
        ("TLS 1.3, resumed", Way::TlsResumed),
    ] {
        let mut setup = Setup::new(way);
        if way == Way::Plain {
            let (client, server) = (setup.client(), setup.server());
            let info = measure(|| drop(setup.client_alone(client)));
            row("login, plain, client that was made before", &info);
            // Greeting and 230; the session that holds them; input, output, events.
            assert!(
                info.count_total <= 2 + 1 + 3,
                "more than replies and buffers"
            );
            let info = measure(|| drop(setup.server_alone(server)));
            row("login, plain, server that was made before", &info);
            // Name, password, ticket; input and output for each of two commands, events.
            assert!(
                info.count_total <= 3 + 5,
                "more than credentials and buffers"
            );
        }
        // What is made once stays out of it.
        drop(setup.log_in(&mut wire));
        setup.forget_sessions();
        let info = measure(|| drop(setup.log_in(&mut wire)));
        row(&format!("login, {name}, both"), &info);
        if matches!(way, Way::Tls | Way::TlsResumed) {
            drop(setup.bare_handshake(&mut wire));
            let bare = measure(|| drop(setup.bare_handshake(&mut wire)));
            row(&format!("bare handshake, {name}, both"), &bare);
        }
    }
    idle(&mut wire);
    stalled(&mut wire);
}

/// What a session takes once it is logged in and at rest, heap and the value itself, beside rustls' connection.
fn idle(wire: &mut Wire) {
    println!("\n| idle session | bytes | rustls' connection with buffers | beyond it |");
    println!("|---|---:|---:|---:|");
    for (name, way) in [("plain", Way::Plain), ("TLS 1.3", Way::Tls)] {
        let mut setup = Setup::new(way);
        drop(setup.log_in(wire));
        setup.forget_sessions();
        let client = held(|| setup.log_in(wire).0);
        setup.forget_sessions();
        // With its client, which would leave its tickets to others if it were dropped.
        let server = held(|| setup.log_in(wire)) - client;
        let (mut bare_client, mut bare_server) = (0, 0);
        if way == Way::Tls {
            bare_client = held(|| setup.bare_handshake(wire).0);
            bare_server = held(|| setup.bare_handshake(wire).1);
        }
        let (most_client, most_server) = match way {
            Way::Tls => (MOST_IDLE_TLS_CLIENT, MOST_IDLE_TLS_SERVER),
            _ => (MOST_IDLE, MOST_IDLE),
        };
        for (side, all, bare, most) in [
            ("client", client, bare_client, most_client),
            ("server", server, bare_server, most_server),
        ] {
            let ours = all - bare;
            println!("| {name}, {side} | {all} | {bare} | {ours} |");
            assert!(ours <= most, "an idle session holds more than promised");
        }
    }
}

/// What the sender of a file takes for it while nothing moves.
fn stalled(wire: &mut Wire) {
    println!("\n| stalled transfer under TLS 1.3 | bytes |");
    println!("|---|---:|");
    let setup = Setup::new(Way::TlsResumed);
    drop(tls::stalled(&setup, wire, Direction::Send));
    let receive = Direction::Receive;
    for (name, bytes, most) in [
        (
            "server, past the machine",
            held(|| tls::stalled(&setup, wire, receive)),
            MOST_STALLED_SERVER,
        ),
        (
            "server, through the machine",
            held(|| tls::stalled_in_machine(&setup, wire)),
            MOST_STALLED_SERVER,
        ),
        (
            "client",
            held(|| tls::stalled(&setup, wire, Direction::Send)),
            MOST_STALLED_CLIENT,
        ),
    ] {
        println!("| {name} | {bytes} |");
        assert!(bytes <= most, "a stalled transfer holds more than promised");
    }
}

/// How many bytes a value takes, and what it holds on the heap.
fn held<T>(make: impl FnOnce() -> T) -> i64 {
    let mut made = None;
    let info = measure(|| made = Some(make()));
    drop(made);
    info.bytes_current + size_of::<T>() as i64
}
