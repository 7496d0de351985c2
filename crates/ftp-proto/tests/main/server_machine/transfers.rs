//! Transfers: the dialogue, the listener and the data connection.

use std::net::IpAddr;

use ftp_proto::data::{Direction, Open};
use ftp_proto::server::{FileError, FilesConfig, Misuse, Resumption, Rights};
use ftp_proto::wire::{AddressFamily, Code, Reply, announced_length, parse_store_unique_name};
use ftp_proto::{Action, Lenience, Machine, Securable};

use super::dialogue::plain;
use super::file_service::{LISTENER, logged_in, serving};
use super::harness::{Pause, Server, seconds, tls_session};

fn reply(said: &str) -> Reply {
    let (code, text) = said.trim_end().split_once(' ').unwrap();
    Reply::new(Code::new(code.parse().unwrap()).unwrap(), text).unwrap()
}

#[test]
fn a_file_is_retrieved() {
    let mut server = logged_in(serving());
    assert_eq!(server.code("TYPE I"), "200");
    assert_eq!(server.send("PASV"), "");
    assert_eq!(
        server.held.listen.as_ref().unwrap().family(),
        Some(AddressFamily::V4)
    );
    assert_eq!(
        server.listen(LISTENER),
        "227 Entering Passive Mode (192,0,2,7,25,46)\r\n"
    );
    assert_eq!(server.code("REST 3"), "350");
    assert_eq!(server.send("RETR notes"), "");
    // First the file, then the data connection, then 150.
    assert_eq!(
        server.happened(),
        [
            "Listen",
            "Transfer(Retrieve { path: VirtualPath(/notes), offset: 3 })"
        ]
    );
    assert_eq!(server.begin(), "");
    assert_eq!(server.happened(), ["OpenData"]);
    let ticket = server.held.ticket.as_ref().unwrap();
    assert_eq!(ticket.open(), Open::Accept);
    assert_eq!(ticket.direction(), Direction::Send);
    assert!(!ticket.is_protected());
    let said = server.open_data();
    assert_eq!(said, "150 Opening data connection (5 bytes).\r\n");
    assert_eq!(announced_length(reply(&said).borrow(), b"notes"), Some(5));
    server.move_all(b"es");
    assert_eq!(server.end_data(), "226 Transfer complete.\r\n");
    assert_eq!(server.happened(), ["Transferred(2, Ok(()))"]);
    // Neither the listener nor the offset serves another one.
    assert_eq!(server.code("RETR notes"), "425");
    server.passive();
    server.send("RETR notes");
    assert!(server.happened().last().unwrap().contains("offset: 0"));
}

#[test]
fn a_file_is_stored_and_kept_before_the_client_is_told() {
    let mut server = logged_in(serving());
    server.send("TYPE I");
    server.moving("STOR notes");
    server.happened();
    server.move_all(b"notes");
    assert_eq!(server.end_data(), "");
    assert_eq!(server.happened(), ["Commit"]);
    assert_eq!(server.held.commit.as_ref().unwrap().bytes(), 5);
    assert_eq!(
        Some(server.held.commit.as_ref().unwrap().transfer()),
        server.transfer
    );
    assert_eq!(server.commit(), "226 Transfer complete.\r\n");
    assert_eq!(server.happened(), ["Transferred(5, Ok(()))"]);
}

#[test]
fn how_a_file_is_stored_depends_on_the_command() {
    for (commands, mode) in [
        (&["STOR x"][..], "Replace"),
        (&["REST 7", "STOR x"], "At(7)"),
        (&["REST 0", "STOR x"], "Replace"),
        (&["APPE x"], "Append"),
        (&["REST 7", "APPE x"], "Append"),
        (&["STOU x"], "Unique"),
    ] {
        let mut server = logged_in(serving());
        server.send("TYPE I");
        server.passive();
        for command in commands {
            server.send(command);
        }
        let event = server.happened().pop().unwrap();
        let expected = format!("Transfer(Store {{ path: VirtualPath(/x), mode: {mode} }})");
        assert_eq!(event, expected);
    }
}

#[test]
fn a_restart_serves_the_next_transfer_even_if_that_is_refused() {
    let mut server = logged_in(serving());
    server.send("TYPE I");
    server.passive();
    server.send("REST 7");
    server.send("RETR gone");
    server.refuse(FileError::NotFound);
    server.send("RETR notes");
    assert!(server.happened().last().unwrap().contains("offset: 0"));
    let mut server = logged_in(serving());
    server.passive();
    server.send("REST 7");
    assert_eq!(server.send("RETR notes"), "554 Restart needs TYPE I.\r\n");
}

#[test]
fn a_unique_name_is_told() {
    let mut server = logged_in(serving());
    server.passive();
    server.send("STOU");
    let request = server.held.transfer.take().unwrap();
    let answer = request.begin_named("notes.1");
    server.connection.answer(server.now, answer).unwrap();
    server.run();
    let said = server.open_data();
    assert_eq!(said, "150 FILE: notes.1\r\n");
    assert_eq!(
        parse_store_unique_name(reply(&said).borrow()).unwrap(),
        b"notes.1"
    );
    // A name that would break the reply is not told.
    let mut server = logged_in(serving());
    server.passive();
    server.send("STOU");
    let answer = server.held.transfer.take().unwrap().begin_named("a\r\nb");
    server.connection.answer(server.now, answer).unwrap();
    server.run();
    assert_eq!(server.open_data(), "150 Opening data connection.\r\n");
}

#[test]
fn options_of_ls_are_dropped_what_was_written_is_kept_and_listings_are_text() {
    for (command, path, kind, written) in [
        ("LIST", "/", "Long", ""),
        ("LIST -la", "/", "Long", ""),
        ("LIST -l -a pub", "/pub", "Long", ""),
        ("LIST a -b", "/a -b", "Long", ""),
        ("LIST a/*.txt", "/a/*.txt", "Long", ""),
        ("NLST", "/", "Names", ""),
        ("NLST -1 pub", "/pub", "Names", "pub"),
        ("NLST ./-x", "/-x", "Names", "./-x"),
        (
            "NLST -1 a/../b//*.txt",
            "/b/*.txt",
            "Names",
            "a/../b//*.txt",
        ),
        ("NLST /*", "/*", "Names", "/*"),
    ] {
        let mut server = logged_in(serving());
        server.send("TYPE I");
        server.passive();
        server.send(command);
        let event = server.happened().pop().unwrap();
        let written = written.as_bytes();
        let expected = format!(
            "Transfer(List {{ path: VirtualPath({path}), kind: {kind}, written: {written:?} }})"
        );
        assert_eq!(event, expected, "{command}");
    }
    let mut server = logged_in(serving());
    server.send("TYPE I");
    server.send("OPTS MLST size;");
    server.moving("MLSD");
    let data = server.held.data.as_mut().unwrap();
    data.write(server.now, b"size=5; notes\n");
    let Ok(Action::Write { bytes, .. }) = data.poll() else {
        panic!("nothing to send");
    };
    assert_eq!(bytes, b"size=5; notes\r\n");
}

#[test]
fn a_transfer_in_type_a_converts_ends_of_lines() {
    let mut server = logged_in(serving());
    server.moving("STOR notes");
    let data = server.held.data.as_mut().unwrap();
    assert_eq!(data.received(server.now, b"one\r\ntwo\r\n"), 10);
    assert_eq!(data.readable(), b"one\ntwo\n");
    // The size of the file says nothing about what is sent.
    let mut server = logged_in(serving());
    server.passive();
    server.send("RETR notes");
    server.begin();
    assert_eq!(server.open_data(), "150 Opening data connection.\r\n");
}

#[test]
fn some_commands_are_answered_during_a_transfer_and_the_others_after_it() {
    let mut server = logged_in(serving());
    server.moving("STOR notes");
    let data = server.held.data.as_mut().unwrap();
    assert_eq!(data.received(server.now, b"not"), 3);
    assert_eq!(server.send("NOOP"), "200 Done.\r\n");
    assert_eq!(
        server.send("STAT"),
        "211 Transfer under way, 3 bytes moved.\r\n"
    );
    assert_eq!(server.send("PWD\r\nNOOP\r\n\0\r\nXYZZY\r\nSYST"), "");
    // Bytes beyond the backlog are not taken; the end of the connection is heard.
    assert!(matches!(server.run(), Pause::Read(Some(_))));
    server.move_all(b"es");
    server.end_data();
    let said = server.commit();
    let codes: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["226", "257", "200", "501", "500", "215"]);
    server.moving("RETR notes");
    assert_eq!(server.send("\0"), "");
    server.move_all(b"notes");
    let said = server.end_data();
    assert_eq!(
        said,
        "226 Transfer complete.\r\n501 Control characters are not allowed.\r\n"
    );
}

#[test]
fn quit_lets_the_transfer_finish() {
    for is_gone in [false, true] {
        let mut server = logged_in(serving());
        server.moving("RETR notes");
        server.happened();
        assert_eq!(server.send("QUIT"), "");
        assert!(matches!(server.run(), Pause::Wait(Some(_))));
        if is_gone {
            server.connection.received_eof(server.now);
        }
        server.move_all(b"notes");
        assert_eq!(
            server.end_data(),
            "226 Transfer complete.\r\n221 Goodbye.\r\n"
        );
        assert_eq!(server.run(), Pause::Closed);
        assert_eq!(
            server.happened(),
            ["Transferred(5, Ok(()))", "Closed(Quit)"]
        );
    }
}

/// Otherwise what came of the file would be taken for all of it.
#[test]
fn a_client_that_goes_without_quit_aborts_its_transfer_whatever_waits() {
    for (waiting, codes) in [
        ("", None),
        ("EPSV", None),
        ("\0", None),
        ("PWD\r\nquit", Some(vec!["226", "257", "221"])),
        ("QUIT", Some(vec!["226", "221"])),
    ] {
        for is_polled in [false, true] {
            let mut server = logged_in(serving());
            server.moving("STOR notes");
            server.happened();
            server.move_all(b"part");
            let line = format!("{waiting}\r\n");
            let taken = server.connection.received(server.now, line.as_bytes());
            assert_eq!(taken, line.len());
            if is_polled {
                server.run();
            }
            server.connection.received_eof(server.now);
            let Some(codes) = &codes else {
                server.run();
                assert_eq!(
                    server.happened(),
                    [
                        "Transferred(4, Err(ConnectionClosed))",
                        "Closed(PeerClosed)"
                    ],
                    "{waiting:?}"
                );
                continue;
            };
            server.end_data();
            let said = server.commit();
            let said: Vec<&str> = said.lines().map(|line| &line[..3]).collect();
            assert_eq!(said, *codes, "{waiting:?}");
        }
    }
}

#[test]
fn after_an_abort_the_answers_that_were_due_fit_nothing() {
    let mut server = logged_in(serving());
    server.passive();
    server.send("RETR notes");
    assert_eq!(
        server.send("ABOR"),
        "426 Transfer aborted.\r\n226 Aborted.\r\n"
    );
    let late = server.held.transfer.take().unwrap().begin(None);
    let result = server.connection.answer(server.now, late);
    assert_eq!(result, Err(Misuse::NothingOpen));
    assert_eq!(server.code("RETR notes"), "425", "the listener is closed");
    server.passive();
    server.send("RETR notes");
    server.begin();
    let ticket = server.held.ticket.take().unwrap();
    server.send("ABOR");
    let late = server.connection.data_opened(server.now, ticket);
    assert_eq!(late.unwrap_err(), Misuse::NothingOpen);
    server.moving("STOR notes");
    let data = server.held.data.take().unwrap();
    let transfer = server.transfer.unwrap();
    server.send("ABOR");
    let late = server.connection.data_ended(server.now, data.into_end());
    assert_eq!(late, Err(Misuse::NothingOpen));
    let late = server
        .connection
        .abort(server.now, transfer, FileError::Failed);
    assert_eq!(late, Err(Misuse::NothingOpen));
    // And nothing of it touches the next one.
    server.moving("STOR notes");
    let late = server
        .connection
        .abort(server.now, transfer, FileError::Failed);
    assert_eq!(late, Err(Misuse::NothingOpen));
    server.move_all(b"notes");
    server.end_data();
    assert_eq!(server.commit(), "226 Transfer complete.\r\n");
}

#[test]
fn a_data_connection_of_another_client_is_not_taken() {
    let mut one = logged_in(serving());
    let mut other = logged_in(serving());
    for server in [&mut one, &mut other] {
        server.passive();
        server.send("RETR notes");
        server.begin();
    }
    let ticket = one.held.ticket.take().unwrap();
    let result = other.connection.data_opened(other.now, ticket);
    assert_eq!(result.unwrap_err(), Misuse::NothingOpen);
    // The one whose ticket is lost notices.
    assert!(one.said().starts_with("425 "));
    assert_eq!(&other.open_data()[..3], "150");
}

#[test]
fn an_upload_under_tls_without_its_end_is_not_whole() {
    for is_lenient in [false, true] {
        let mut lenience = Lenience::default();
        lenience.data_end_without_close_notify = is_lenient;
        let config = serving()
            .security(ftp_proto::server::Security::ExplicitTls)
            .lenience(lenience);
        let mut server = Server::new(config);
        server.said();
        server.send("AUTH TLS");
        server.send("PBSZ 0");
        server.send("PROT P");
        server.send("USER anna");
        assert_eq!(server.code("PASS right"), "230");
        server.moving("STOR notes");
        let now = server.now;
        let data = server.held.data.as_mut().unwrap();
        assert!(data.is_protected());
        assert!(matches!(data.poll(), Ok(Action::Event(_))));
        data.tls_started(now, tls_session());
        assert_eq!(data.received(now, b"notes"), 5);
        data.consume(now, 5);
        data.cut_off(now);
        let said = server.end_data();
        if is_lenient {
            assert_eq!(said, "");
            assert_eq!(&server.commit()[..3], "226");
        } else {
            assert_eq!(said, "426 Data connection cut off.\r\n");
        }
    }
}

#[test]
fn tls_that_does_not_come_about_is_425() {
    let config = serving().security(ftp_proto::server::Security::ExplicitTls);
    let mut server = Server::new(config);
    server.said();
    for command in ["AUTH TLS", "PBSZ 0", "PROT P", "USER anna", "PASS right"] {
        server.send(command);
    }
    server.moving("RETR notes");
    let now = server.now + seconds(31);
    let data = server.held.data.as_mut().unwrap();
    assert!(matches!(data.poll(), Ok(Action::Event(_))));
    data.timed_out(now);
    assert_eq!(server.end_data(), "425 No TLS on the data connection.\r\n");
}

#[test]
fn the_idle_timer_rests_while_data_moves() {
    let mut server = logged_in(serving());
    server.moving("STOR notes");
    for _ in 0..20 {
        server.sleep(seconds(50));
        assert_eq!(server.said(), "");
        let data = server.held.data.as_mut().unwrap();
        assert_eq!(data.received(server.now, b"x"), 1);
        data.consume(server.now, 1);
    }
    server.move_all(b"x");
    server.end_data();
    server.commit();
    // Now it runs, from the start.
    assert!(matches!(server.sleep(seconds(299)), Pause::Read(_)));
    assert_eq!(server.sleep(seconds(2)), Pause::Closed);
    assert!(server.said().starts_with("421 Idle"));
}

#[test]
fn what_the_client_says_postpones_no_deadline_of_a_transfer() {
    let mut server = logged_in(serving());
    server.passive();
    server.send("RETR notes");
    server.begin();
    let mut said = String::new();
    for _ in 0..30 {
        server.sleep(seconds(1));
        said += &server.send("NOOP");
    }
    assert!(
        said.contains("425 Cannot open the data connection.\r\n"),
        "{said}"
    );
    assert_eq!(said.matches("200 Done.").count(), 30);
    server.moving("RETR notes");
    for _ in 0..299 {
        server.sleep(seconds(1));
        assert_eq!(server.send("NOOP"), "200 Done.\r\n");
    }
    assert_eq!(server.sleep(seconds(1)), Pause::Closed);
}

#[test]
fn a_data_connection_that_nobody_drives_is_noticed() {
    let mut server = logged_in(serving());
    server.moving("RETR notes");
    assert!(matches!(server.sleep(seconds(299)), Pause::Read(_)));
    assert_eq!(server.sleep(seconds(2)), Pause::Closed);
    assert!(server.said().starts_with("421 "));
}

#[test]
fn epsv_obeys_the_family_of_the_control_connection() {
    for (peer, own, other) in [("192.0.2.1", "1", "2"), ("2001:db8::1", "2", "1")] {
        let mut server = logged_in(serving());
        let peer: IpAddr = peer.parse().unwrap();
        server.connection.set_peer(peer);
        assert_eq!(
            server.send(&format!("EPSV {other}")),
            format!("522 Network protocol not supported, use ({own})\r\n")
        );
        assert_eq!(server.send(&format!("EPSV {own}")), "");
        let family = server.held.listen.as_ref().unwrap().family();
        assert_eq!(family, Some(AddressFamily::of(peer)));
        server.listen("[2001:db8::7]:6446");
        assert_eq!(server.send("EPSV"), "");
        server.listen("[2001:db8::7]:6446");
        let pasv = server.code("PASV");
        assert_eq!(pasv, if own == "1" { "" } else { "425" });
    }
}

#[test]
fn an_address_that_cannot_be_told_is_not_used() {
    for (command, address) in [("PASV", "[2001:db8::7]:6446"), ("EPSV", "192.0.2.7:0")] {
        let mut server = logged_in(serving());
        server.send(command);
        assert_eq!(server.listen(address), "425 Cannot listen.\r\n");
        assert_eq!(server.happened(), ["Listen", "StopListening"]);
        assert_eq!(server.code("RETR notes"), "425");
    }
    let mut server = logged_in(serving());
    server.send("PASV");
    let said = server.listen("[::ffff:192.0.2.7]:6446");
    assert_eq!(said, "227 Entering Passive Mode (192,0,2,7,25,46)\r\n");
}

#[test]
fn active_data_connections_lead_to_the_peer_alone() {
    let active = FilesConfig::new().rights(Rights::ALL).active(true);
    let config = plain().files(active);
    for (peer, command, code) in [
        ("192.0.2.1", "PORT 192,0,2,1,24,131", "200"),
        ("::ffff:192.0.2.1", "PORT 192,0,2,1,24,131", "200"),
        ("192.0.2.1", "EPRT |1|192.0.2.1|6275|", "200"),
        ("192.0.2.1", "EPRT |1|192.0.2.1|1024|", "200"),
        ("192.0.2.1", "EPRT |1|192.0.2.1|1023|", "504"),
        ("192.0.2.1", "PORT 192,0,2,1,0,21", "504"),
        ("192.0.2.1", "PORT 192,0,2,2,24,131", "504"),
        ("192.0.2.1", "PORT 127,0,0,1,24,131", "504"),
        ("192.0.2.1", "EPRT |2|2001:db8::1|6275|", "522"),
        ("192.0.2.1", "EPRT |3|x|6275|", "522"),
        ("192.0.2.1", "EPRT |1|192.0.2.1|0|", "501"),
        ("192.0.2.1", "PORT 1,2,3", "501"),
        ("192.0.2.1", "PORT", "501"),
        ("2001:db8::1", "EPRT |2|2001:db8::1|6275|", "200"),
        ("2001:db8::1", "EPRT |1|192.0.2.1|6275|", "522"),
        ("2001:db8::1", "PORT 192,0,2,1,24,131", "504"),
    ] {
        let mut server = logged_in(config.clone());
        let peer: IpAddr = peer.parse().unwrap();
        server.connection.set_peer(peer);
        assert_eq!(server.code(command), code, "{command}");
        let next = server.code("RETR notes");
        assert_eq!(next, if code == "200" { "" } else { "425" }, "{command}");
        if code == "200" {
            server.begin();
            let open = server.held.ticket.as_ref().unwrap().open();
            assert!(matches!(open, Open::ConnectToPeer { port: 1024.. }));
        }
    }
    let mut server = logged_in(config);
    assert_eq!(
        server.code("PORT 192,0,2,1,24,131"),
        "502",
        "the peer is not known"
    );
}

#[test]
fn the_last_of_several_ways_to_open_counts() {
    let active = FilesConfig::new().rights(Rights::ALL).active(true);
    let mut server = logged_in(plain().files(active));
    server
        .connection
        .set_peer("192.0.2.1".parse::<IpAddr>().unwrap());
    server.passive();
    server.happened();
    assert_eq!(server.code("PORT 192,0,2,1,24,131"), "200");
    assert_eq!(server.happened(), ["StopListening"]);
    server.passive();
    assert_eq!(server.code("PORT 192,0,2,2,24,131"), "504");
    server.send("RETR notes");
    server.begin();
    assert_eq!(server.held.ticket.as_ref().unwrap().open(), Open::Accept);
    // After `EPSV ALL` nothing but `EPSV`.
    server.held.ticket = None;
    server.said();
    server.send("EPSV ALL");
    for command in ["PORT 192,0,2,1,24,131", "EPRT |1|192.0.2.1|6275|", "PASV"] {
        assert_eq!(server.send(command), "503 Only EPSV after EPSV ALL.\r\n");
    }
    server.passive();
}

#[test]
fn a_data_connection_of_another_tls_session_is_refused_where_resumption_is_required() {
    let files = FilesConfig::new().rights(Rights::ALL);
    for (resumption, is_resumed) in [
        (Resumption::Require, true),
        (Resumption::Require, false),
        (Resumption::Report, true),
        (Resumption::Report, false),
        (Resumption::Off, false),
    ] {
        let is_required = resumption == Resumption::Require;
        let files = files.clone().resumption(resumption);
        let mut server = Server::new(ftp_proto::server::Config::new().files(files));
        server.said();
        for command in ["AUTH TLS", "PBSZ 0", "PROT P", "USER anna", "PASS right"] {
            server.send(command);
        }
        server.moving("STOR notes");
        let now = server.now;
        let data = server.held.data.as_mut().unwrap();
        assert!(matches!(data.poll(), Ok(Action::Event(_))));
        assert_eq!(data.may_resume(), resumption != Resumption::Off);
        let mut session = tls_session();
        session.resumed = is_resumed;
        data.tls_started(now, session);
        assert!(matches!(data.poll(), Ok(Action::Event(_))));
        if is_required && !is_resumed {
            assert_eq!(data.received(now, b"notes"), 5);
            assert_eq!(data.moved(), 0);
            assert_eq!(
                server.end_data(),
                "522 Resume the TLS session of the control connection.\r\n"
            );
            assert_eq!(server.code("NOOP"), "200");
        } else {
            assert_eq!(data.received(now, b"notes"), 5);
            data.consume(now, 5);
            data.received_eof(now);
            server.end_data();
            assert_eq!(&server.commit()[..3], "226");
        }
    }
}

/// How a data connection ended is no news about that of a later transfer.
#[test]
fn the_end_of_an_earlier_data_connection_ends_no_other() {
    let mut server = logged_in(serving());
    server.moving("STOR notes");
    let earlier = server.held.data.take().unwrap();
    assert_eq!(server.code("ABOR"), "426");
    server.moving("STOR notes");
    server.happened();
    let told = server.connection.data_ended(server.now, earlier.into_end());
    assert_eq!(told, Err(Misuse::NothingOpen));
    server.run();
    assert_eq!(server.happened(), [""; 0]);
    server.move_all(b"notes");
    server.end_data();
    assert_eq!(server.happened(), ["Commit"]);
}

#[test]
fn the_end_of_the_connection_ends_its_transfer() {
    let mut server = logged_in(serving());
    server.moving("STOR notes");
    server.happened();
    server.connection.received_eof(server.now);
    server.run();
    let happened = server.happened().join(" ");
    assert!(
        happened.contains("Transferred(0, Err(ConnectionClosed))"),
        "{happened}"
    );
}

#[test]
fn a_refusal_says_what_is_not_there() {
    for (command, said) in [
        ("RETR gone", "550 No such file.\r\n"),
        ("MLSD gone", "550 No such directory.\r\n"),
        ("LIST gone", "550 No such file or directory.\r\n"),
    ] {
        let mut server = logged_in(serving());
        server.passive();
        server.send(command);
        assert_eq!(server.refuse(FileError::NotFound), said);
    }
}
