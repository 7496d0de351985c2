use std::sync::Arc;
use std::time::Duration;

use ftp_proto::client::{self, Login};
use ftp_proto::server;
use ftp_proto::wire::Command;
use ftp_proto::{Action, Instant, Limits, Machine};

use super::SECRET;

/// More calls than it takes to pass all deadlines in the smallest steps of [`time`].
const MOST_CALLS: usize = 1_000_000;

/// How a peer's bytes come.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// One after the other, and again from the first.
    pub pieces: &'a [&'a [u8]],
    /// So far apart.
    pub step: Duration,
    /// Whether the peer takes what it is sent.
    pub reads: bool,
}

/// No input moves a deadline. The first four bytes choose the side, where it stands, how the input
/// is cut, and how far apart the pieces come; the rest is the input, over and over, without an end.
/// The machine is never told that a deadline passed.
///
/// * If the input says nothing (a third of all choices: it is made of blank lines and Telnet then),
///   the machine ends when it would end if nothing came.
/// * Whatever it says, a login is over by its deadline.
pub fn time(data: &[u8]) {
    let Some((&[side, stage, size, step], said)) = data.split_first_chunk() else {
        return;
    };
    let is_filler = side % 3 == 0;
    let filler = said
        .iter()
        .flat_map(|byte| filler(*byte))
        .collect::<Vec<_>>();
    let said = if is_filler { &filler[..] } else { said };
    let pieces: Vec<&[u8]> = said.chunks(usize::from(size) + 1).collect();
    let delivery = Delivery {
        pieces: &pieces,
        step: Duration::from_millis(20 + 40 * u64::from(step)),
        reads: stage & 0x80 == 0,
    };
    if side & 0x80 == 0 {
        client(stage & 0x7f, is_filler, delivery);
    } else {
        server(stage & 0x7f, is_filler, delivery);
    }
}

/// What says nothing, whole.
fn filler(choice: u8) -> Vec<u8> {
    match choice % 8 {
        0 => b"\r\n".to_vec(),
        1 => vec![255, 241],
        2..=5 => vec![255, 249 + choice % 8, choice],
        6 => vec![255, 250, choice / 2, 255, 240],
        _ => b"\r\n\r\n".to_vec(),
    }
}

fn client(stage: u8, is_filler: bool, delivery: Delivery<'_>) {
    let make = || {
        let mut limits = Limits::default();
        limits.filler_bytes = usize::MAX;
        let login = Login::new("anna", SECRET).expect("a login");
        let config = client::Config::new(login)
            .security(client::Security::DangerousPlaintext)
            .limits(limits);
        let mut client = client::Connection::new(config, Instant::START);
        let dialogue: &[&str] = match stage % 7 {
            0 => &[],
            1 => &["220 Ready.\r\n"],
            2 => &["220 Ready.\r\n", "331 Password?\r\n"],
            3 => &["120 Soon.\r\n"],
            _ => &["220 Ready.\r\n", "331 Password?\r\n", "230 In.\r\n"],
        };
        for reply in dialogue {
            run(&mut client, Instant::START);
            let taken = client.received(Instant::START, reply.as_bytes());
            assert_eq!(taken, reply.len());
        }
        run(&mut client, Instant::START);
        match stage % 7 {
            5 => {
                for line in ["NOOP", "PWD"] {
                    let command = Command::from_line(line).expect("a command");
                    client.send(Instant::START, command).expect("logged in");
                }
                if delivery.reads {
                    run(&mut client, Instant::START);
                }
            }
            4 | 6 => client.quit(Instant::START).expect("open"),
            _ => {}
        }
        client
    };
    let bound = if is_filler {
        silent_end(make(), delivery.reads)
    } else if stage % 7 > 3 {
        return;
    } else {
        client::Timeouts::default().login
    };
    ends_in_time(&mut make(), delivery, bound, |_, _, event| {
        // Then there is no deadline any more.
        matches!(event, client::Event::LoggedIn(_))
    });
}

fn server(stage: u8, is_filler: bool, delivery: Delivery<'_>) {
    let make = || {
        let security = if stage % 6 == 4 {
            server::Security::ExplicitTls
        } else {
            server::Security::DangerousPlaintext
        };
        let config = server::Config::new()
            .security(security)
            .name_rule(|_| server::NameRule::Open);
        let mut server = server::Connection::new(Arc::new(config), Instant::START);
        let said: &str = match stage % 6 {
            0 => "",
            1 => "NOOP\r\n",
            2 => "USER anna\r\n",
            3 => "XYZZY\r\nNOOP\r\n",
            4 => "AUTH TLS\r\n",
            _ => "\r\n\r\n",
        };
        if delivery.reads {
            run(&mut server, Instant::START);
            assert_eq!(server.received(Instant::START, said.as_bytes()), said.len());
            run(&mut server, Instant::START);
        }
        server
    };
    let bound = if is_filler {
        silent_end(make(), delivery.reads)
    } else if stage % 6 == 2 && delivery.reads {
        // In, and busy.
        return;
    } else {
        // The last words have their own time.
        server::Timeouts::default().login + server::Timeouts::default().write
    };
    ends_in_time(
        &mut make(),
        delivery,
        bound,
        |server, now, event| match event {
            // Then a busy client may stay.
            server::Event::LoggedIn(_) => true,
            server::Event::Command(request) => server.not_implemented(now, request.id()).is_err(),
            _ => false,
        },
    );
}

/// Does what can be done at this time, without the peer.
fn run<M: Machine>(machine: &mut M, now: Instant) {
    loop {
        match machine.poll() {
            Ok(Action::Event(_)) => {}
            Ok(Action::Write { bytes, .. }) => {
                let count = bytes.len();
                machine.wrote(now, count);
            }
            _ => return,
        }
    }
}

/// How long it takes until the machine ends if nothing comes, and deadlines are kept for it.
fn silent_end<M: Machine>(mut machine: M, reads: bool) -> Duration {
    let mut now = Instant::START;
    for _ in 0..64 {
        let deadline = match machine.poll() {
            Ok(Action::Event(_)) => continue,
            Ok(Action::Write { bytes, .. }) if reads => {
                let count = bytes.len();
                machine.wrote(now, count);
                continue;
            }
            Ok(Action::Shutdown { .. }) if reads => {
                machine.shut_down(now);
                continue;
            }
            Ok(
                Action::Write { deadline, .. }
                | Action::Read { deadline }
                | Action::Wait { deadline }
                | Action::Shutdown { deadline },
            ) => deadline.expect("a deadline"),
            Ok(Action::Closed) | Err(_) => return now.since_start(),
        };
        now = now.max(deadline);
        machine.timed_out(now);
    }
    panic!("a silent peer is waited for without end");
}

/// A driver that only moves bytes, whose peer sends without an end: the machine ends at this time, or
/// before, although it is never told that a deadline passed. Gives when. `hear` is told events, and
/// says whether what is bounded is over.
///
/// # Panics
/// If it does not.
pub fn ends_in_time<M: Machine>(
    machine: &mut M,
    delivery: Delivery<'_>,
    bound: Duration,
    mut hear: impl FnMut(&mut M, Instant, M::Event) -> bool,
) -> Instant {
    let mut now = Instant::START;
    let mut pieces = delivery.pieces.iter().cycle();
    let mut rest: &[u8] = &[];
    for _ in 0..MOST_CALLS {
        match machine.poll() {
            Ok(Action::Event(event)) => {
                if hear(machine, now, event) {
                    return now;
                }
                continue;
            }
            Ok(Action::Write { bytes, .. }) if delivery.reads => {
                let count = bytes.len();
                machine.wrote(now, count);
                continue;
            }
            Ok(Action::Shutdown { .. }) if delivery.reads => {
                machine.shut_down(now);
                continue;
            }
            Ok(_) => {}
            Err(_) => return now,
        }
        if let Ok(Action::Closed) = machine.poll() {
            return now;
        }
        now = now + delivery.step;
        if rest.is_empty() {
            rest = pieces.next().copied().unwrap_or_default();
        }
        let taken = machine.received(now, rest);
        rest = &rest[taken..];
        let is_over = |machine: &mut M| loop {
            match machine.poll() {
                Ok(Action::Event(_)) => {}
                other => break matches!(other, Ok(Action::Closed) | Err(_)),
            }
        };
        assert!(
            now.since_start() < bound + delivery.step || is_over(machine),
            "it goes on at {:?}, and must end by {bound:?}",
            now.since_start()
        );
    }
    panic!("the bytes came too close together to pass {bound:?}");
}
