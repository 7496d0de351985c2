//! Servers that misbehave on data connections: what a client makes of each, in memory and in virtual
//! time. Each transfer ends within its deadlines, and afterwards the client is usable, or says that it
//! is not.

mod server;
mod world;

use std::net::SocketAddr;

use ftp_proto::DateTime;
use ftp_proto::client::{Transfer, TransferError};
use ftp_proto::data::{self, Open};
use ftp_proto::listing::Reader;
use ftp_proto::wire::Code;

use self::server::{Ends, Port, Server};
use self::world::{Run, World};

fn retrieve() -> Transfer {
    Transfer::retrieve("notes").unwrap()
}

/// One download. The client must be usable afterwards.
fn download(server: Server, transfer: Transfer) -> Run {
    let mut world = World::new(server);
    let run = world.transfer(transfer, b"");
    world.assert_usable_or_over();
    run
}

fn upload(server: Server, bytes: &[u8]) -> Run {
    let mut world = World::new(server);
    let run = world.transfer(Transfer::store("notes").unwrap(), bytes);
    world.assert_usable_or_over();
    run
}

fn code(error: &TransferError) -> Option<u16> {
    error.reply().map(|reply| Code::get(reply.code()))
}

#[test]
fn an_honest_server_is_fine_in_clear_and_under_tls() {
    for is_protected in [false, true] {
        for handshake_first in [false, true] {
            let server = Server {
                is_protected,
                handshake_first: handshake_first && is_protected,
                ..Server::default()
            };
            let run = download(server.clone(), retrieve());
            assert_eq!(
                run.outcome.unwrap().bytes,
                9,
                "{is_protected} {handshake_first}"
            );
            assert_eq!(run.read, b"all of it");
            let run = upload(server, b"all of it");
            let transferred = run.outcome.unwrap();
            assert_eq!(transferred.bytes, 9, "{is_protected} {handshake_first}");
            assert_eq!(transferred.tls.is_some(), is_protected);
        }
    }
}

#[test]
fn half_a_file_that_is_said_to_be_whole_is_noticed_by_its_length() {
    for is_protected in [false, true] {
        let server = Server {
            payload: b"all".to_vec(),
            is_protected,
            ..Server::default()
        };
        let run = download(server.clone(), retrieve().size(Some(9)));
        let error = run.outcome.unwrap_err();
        assert!(matches!(
            error,
            TransferError::LengthDiffers {
                bytes: 3,
                expected: 9,
                ..
            }
        ));
        // Nobody told how long it is, and its end is one.
        assert!(download(server, retrieve()).outcome.is_ok());
    }
}

#[test]
fn an_end_without_notice_under_tls_is_a_cut_whatever_the_server_says() {
    for is_reset in [false, true] {
        let server = Server {
            is_protected: true,
            ends: if is_reset {
                Ends::Reset
            } else {
                Ends::WithoutNotice
            },
            ..Server::default()
        };
        let run = download(server, retrieve());
        let error = run.outcome.unwrap_err();
        assert!(
            matches!(
                error,
                TransferError::CutOff {
                    bytes: 9,
                    error: data::Error::CutOff,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(code(&error), Some(226));
        assert_eq!(run.read, b"all of it");
    }
}

#[test]
fn a_reset_is_a_cut_and_the_servers_word_the_better_report() {
    for (after, found) in [("426 Cut.\r\n", Some(426)), ("226 Done.\r\n", Some(226))] {
        let server = Server {
            ends: Ends::Reset,
            after,
            ..Server::default()
        };
        let error = download(server, retrieve()).outcome.unwrap_err();
        assert_eq!(
            matches!(error, TransferError::Failed { bytes: 9, .. }),
            found == Some(426)
        );
        assert_eq!(code(&error), found);
    }
}

#[test]
fn a_cut_of_which_nothing_is_said_is_settled() {
    let server = Server {
        ends: Ends::Reset,
        after: "",
        ..Server::default()
    };
    let run = download(server, retrieve());
    let error = run.outcome.unwrap_err();
    assert!(
        matches!(error, TransferError::Failed { bytes: 9, .. }),
        "{error:?}"
    );
    assert!(run.sent.contains(&"ABOR".to_owned()));
    assert_eq!(run.took.as_secs(), 2);
}

#[test]
fn a_confirmation_without_an_end_is_waited_for_until_nothing_moves() {
    let server = Server {
        replies: vec![("RETR", "150 x\r\n226 Done.\r\n")],
        ends: Ends::Never,
        after: "",
        ..Server::default()
    };
    let run = download(server, retrieve());
    let error = run.outcome.unwrap_err();
    assert!(
        matches!(
            error,
            TransferError::CutOff {
                bytes: 9,
                error: data::Error::Stalled,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(run.took.as_secs(), 60);
}

#[test]
fn an_end_without_a_confirmation_is_not_known_to_be_whole() {
    let server = Server {
        after: "",
        ..Server::default()
    };
    let run = download(server, retrieve());
    assert_eq!(run.outcome.unwrap_err(), TransferError::Unknown);
    assert!(run.error.is_some(), "the connection is over");
    assert_eq!(run.took.as_secs(), 60);
}

#[test]
fn a_failure_in_the_middle_ends_the_transfer_soon() {
    let server = Server {
        replies: vec![("RETR", "150 x\r\n426 Cut.\r\n")],
        ends: Ends::Never,
        ..Server::default()
    };
    let run = download(server, retrieve());
    let error = run.outcome.unwrap_err();
    assert!(
        matches!(error, TransferError::Failed { bytes: 9, .. }),
        "{error:?}"
    );
    assert_eq!(run.took.as_secs(), 2);
}

#[test]
fn a_data_port_that_says_nothing_is_left() {
    let server = Server {
        port: Port::Silent,
        ..Server::default()
    };
    let run = download(server, retrieve());
    // It is told what the client thinks of that, and says that it failed.
    assert_eq!(code(&run.outcome.unwrap_err()), Some(226));
    assert_eq!(run.took.as_secs(), 60);
}

#[test]
fn a_data_port_that_cannot_be_reached_is_tried_twice() {
    for (port, seconds) in [(Port::Refused, 0), (Port::Unreachable, 30)] {
        let server = Server {
            port,
            ..Server::default()
        };
        let run = download(server, retrieve());
        assert_eq!(run.outcome.unwrap_err(), TransferError::NotOpened);
        assert_eq!(run.sent, ["TYPE I", "EPSV", "PASV"]);
        assert_eq!(run.took.as_secs(), seconds);
    }
}

#[test]
fn a_foreign_address_is_not_dialled() {
    let server = Server {
        replies: vec![
            ("EPSV", "500 What?\r\n"),
            ("PASV", "227 Here (10,9,8,7,7,208)\r\n"),
        ],
        ..Server::default()
    };
    let run = download(server, retrieve());
    assert_eq!(run.dialled, [Open::ConnectToPeer { port: 2000 }]);
    let said = run.outcome.unwrap().passive_address.unwrap();
    assert_eq!(SocketAddr::V4(said), "10.9.8.7:2000".parse().unwrap());
}

#[test]
fn an_extended_reply_to_pasv_is_taken() {
    let server = Server {
        replies: vec![("EPSV", "522 No.\r\n"), ("PASV", "229 Here (|||2000|)\r\n")],
        ..Server::default()
    };
    assert!(download(server, retrieve()).outcome.is_ok());
}

#[test]
fn a_handshake_that_never_comes_is_left() {
    let server = Server {
        port: Port::Silent,
        is_protected: true,
        after: "425 No TLS.\r\n",
        ..Server::default()
    };
    let run = download(server, retrieve());
    let error = run.outcome.unwrap_err();
    assert!(
        matches!(error, TransferError::Failed { bytes: 0, .. }),
        "{error:?}"
    );
    assert_eq!(run.took.as_secs(), 30);
}

#[test]
fn what_is_no_tls_is_no_abort_of_ours() {
    for after in ["425 No TLS.\r\n", "226 Done.\r\n"] {
        let server = Server {
            port: Port::Says(b"220 This is no TLS.\r\n"),
            is_protected: true,
            after,
            ..Server::default()
        };
        let error = download(server, retrieve()).outcome.unwrap_err();
        assert_eq!(code(&error), after[..3].parse().ok());
        match error {
            TransferError::Failed { bytes: 0, .. } => assert_eq!(&after[..3], "425"),
            TransferError::CutOff { bytes: 0, .. } => assert_eq!(&after[..3], "226"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn preliminary_replies_may_come_twice_or_never() {
    for replies in ["150 x\r\n150 y\r\n", "125 x\r\n", ""] {
        let server = Server {
            replies: vec![("RETR", replies)],
            ..Server::default()
        };
        assert!(download(server, retrieve()).outcome.is_ok(), "{replies:?}");
    }
}

#[test]
fn a_refusal_after_the_data_connection_stands_is_a_refusal() {
    for is_protected in [false, true] {
        let server = Server {
            replies: vec![("RETR", "550 No such file.\r\n")],
            port: Port::Silent,
            is_protected,
            ..Server::default()
        };
        let run = download(server, retrieve());
        assert!(matches!(
            run.outcome.unwrap_err(),
            TransferError::Refused { .. }
        ));
        assert_eq!(run.took.as_secs(), 0);
    }
}

#[test]
fn a_refusal_that_may_be_about_the_tls_session_is_a_failure_with_that_session() {
    for (reply, handshake_first) in [("150 x\r\n522 Reuse.\r\n", false), ("425 Reuse.\r\n", true)] {
        let server = Server {
            replies: vec![("STOR", reply)],
            is_protected: true,
            handshake_first,
            ends: Ends::Reset,
            after: "",
            ..Server::default()
        };
        let mut world = World::new(server);
        let run = world.transfer(Transfer::store("notes").unwrap(), b"text");
        world.assert_usable_or_over();
        let TransferError::Failed { tls, .. } = run.outcome.unwrap_err() else {
            panic!("it failed");
        };
        assert!(tls.is_some() || !handshake_first);
    }
}

#[test]
fn a_full_disk_in_the_middle_of_an_upload_is_what_is_reported() {
    for is_protected in [false, true] {
        let server = Server {
            replies: vec![("STOR", "150 x\r\n552 No more room.\r\n")],
            port: Port::Silent,
            is_protected,
            after: "",
            ..Server::default()
        };
        let run = upload(server, &vec![b'x'; 1 << 20]);
        let error = run.outcome.unwrap_err();
        assert!(matches!(error, TransferError::Failed { .. }), "{error:?}");
        assert_eq!(code(&error), Some(552));
    }
}

#[test]
fn a_listing_without_an_end_is_bounded_and_can_be_given_up() {
    let server = Server {
        payload: b"-rw-r--r-- 1 a b 1 Jan 1 2020 x\r\n".repeat(100),
        ends: Ends::Never,
        ..Server::default()
    };
    let mut world = World::new(server);
    world.enough = 1 << 20;
    let run = world.transfer(Transfer::list(None).unwrap(), b"");
    assert_eq!(run.outcome.unwrap_err(), TransferError::Aborted);
    world.assert_usable_or_over();
}

#[test]
fn a_line_of_a_mebibyte_is_no_entry_and_takes_no_room() {
    let mut payload = vec![b'x'; 1 << 20];
    payload.extend_from_slice(b"\r\n-rw-r--r-- 1 a b 7 Jan 1 2020 last\r\n");
    let server = Server {
        payload,
        ..Server::default()
    };
    let run = download(server, Transfer::list(None).unwrap());
    assert!(run.outcome.is_ok());
    let mut reader = Reader::new(DateTime::date(2024, 5, 1).unwrap());
    let mut input = run.read.as_slice();
    let mut lines = Vec::new();
    while let Some(line) = reader.next(&mut input) {
        lines.push(format!("{line:?}"));
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].len() < 10_000, "the long line is not held");
    assert!(lines[1].contains("last"), "{}", lines[1]);
}
