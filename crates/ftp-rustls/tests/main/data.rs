//! Data connections under TLS: the sessions of their control connection, and how they end.

use std::sync::Arc;

use ftp_proto::data::{self, Connection, Detached, Direction, Event};
use ftp_proto::server::Resumption;
use ftp_proto::{Action, Instant, Machine, TlsSession};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{ClientTls, Secured, Versions};

use super::common::certificates::{BOTH, NAME, client_config, server_config};
use super::common::pair::{End, settle};
use super::common::toy::Toy;

const NOW: Instant = Instant::START;

/// A control connection under TLS.
pub(super) struct Control {
    client: End<Toy>,
    server: End<Toy>,
}

impl Control {
    fn connect(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        Self::connect_to(Toy::default(), client, server)
    }

    fn connect_to(machine: Toy, client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        let tls = ClientTls::for_host(Arc::clone(client), NAME).unwrap();
        let client = Secured::client(Toy::default().start_tls(), tls);
        let server = Secured::server(machine.start_tls(), Arc::clone(server));
        let mut control = Self {
            client: End::new(client, usize::MAX),
            server: End::new(server, usize::MAX),
        };
        settle(&mut control.client, &mut control.server);
        // A reply, and with it the tickets in front of it.
        control.server.secured.machine_mut().say("220 Ready.\r\n");
        settle(&mut control.client, &mut control.server);
        control
    }

    pub(super) fn new(versions: Versions) -> Self {
        Self::connect(&client_config(versions), &server_config(versions))
    }

    fn resumed(&self) -> [bool; 2] {
        [&self.client, &self.server].map(|end| end.secured.machine().started[0].resumed)
    }

    /// The two ends of a data connection on which the client sends or receives.
    pub(super) fn data(&self, direction: Direction, chunk: usize) -> Transfer {
        let client = protected(direction);
        let server = protected(match direction {
            Direction::Send => Direction::Receive,
            Direction::Receive => Direction::Send,
        });
        Transfer {
            client: End::new(self.client.secured.data(client), chunk),
            server: End::new(self.server.secured.data(server), chunk),
            direction,
        }
    }
}

fn protected(direction: Direction) -> Connection {
    Detached::new(direction).protected(true).connect(NOW)
}

pub(super) struct Transfer {
    pub(super) client: End<Connection>,
    pub(super) server: End<Connection>,
    pub(super) direction: Direction,
}

impl Transfer {
    pub(super) fn ends(&mut self) -> (&mut End<Connection>, &mut End<Connection>) {
        match self.direction {
            Direction::Send => (&mut self.client, &mut self.server),
            Direction::Receive => (&mut self.server, &mut self.client),
        }
    }

    /// The bytes go over, and the end; then both are closed. Gives what came.
    fn run(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut carried = [0, 0];
        let mut left = bytes;
        let mut came = Vec::new();
        for _ in 0..100_000 {
            let (sender, receiver) = self.ends();
            let taken = sender.secured.machine_mut().write(NOW, left);
            left = &left[taken..];
            if left.is_empty() {
                sender.secured.machine_mut().finish(NOW);
            }
            let machine = receiver.secured.machine_mut();
            came.extend_from_slice(machine.readable());
            machine.consume(NOW, usize::MAX);
            self.client.run();
            self.server.run();
            carry(&self.client, &mut self.server, &mut carried[0]);
            carry(&self.server, &mut self.client, &mut carried[1]);
            let is_over = |end: &End<Connection>| end.outcome.is_some();
            if is_over(&self.client) && is_over(&self.server) {
                let (_, receiver) = self.ends();
                came.extend_from_slice(receiver.secured.machine().readable());
                return came;
            }
        }
        panic!("the transfer does not end");
    }

    fn finish(self) -> [(Result<(), data::Error>, Arc<TlsSession>); 2] {
        [self.client, self.server].map(|end| {
            let end = end.secured.into_machine().into_end();
            (end.result(), Arc::clone(end.tls().expect("TLS")))
        })
    }
}

/// What one has sent arrives at the other, and its end.
pub(super) fn carry(from: &End<Connection>, to: &mut End<Connection>, carried: &mut usize) {
    to.inbox.extend_from_slice(&from.sent[*carried..]);
    *carried = from.sent.len();
    to.eof |= from.shut_down || from.outcome.is_some();
}

#[test]
fn data_connections_resume_the_session_of_their_control_connection_one_after_the_other() {
    for versions in BOTH {
        for chunk in [usize::MAX, 1000] {
            let control = Control::new(versions);
            assert_eq!(control.resumed(), [false, false]);
            for number in 0..40 {
                let direction = [Direction::Send, Direction::Receive][number / 20];
                let bytes: Vec<u8> = (0..number * 7_000).map(|at| at as u8).collect();
                let mut transfer = control.data(direction, chunk);
                assert_eq!(transfer.run(&bytes), bytes);
                for (result, tls) in transfer.finish() {
                    assert_eq!(result, Ok(()));
                    assert!(tls.resumed, "{versions:?}, {direction:?} {number}");
                    assert_eq!(tls.server_name.as_deref(), Some(NAME));
                }
            }
        }
    }
}

#[test]
fn while_a_file_comes_the_server_says_nothing_that_its_client_would_have_to_read() {
    let control = Control::new(Versions::Tls13);
    let mut transfer = control.data(Direction::Send, usize::MAX);
    let (mut carried, mut came) = ([0, 0], 0);
    for _ in 0..100 {
        let sender = transfer.client.secured.machine_mut();
        if sender.tls().is_some() {
            sender.write(NOW, &[1; 10_000]);
        }
        transfer.client.run();
        carry(&transfer.client, &mut transfer.server, &mut carried[0]);
        let said = transfer.server.sent.len();
        transfer.server.run();
        let receiver = transfer.server.secured.machine_mut();
        if receiver.tls().is_some() {
            came += receiver.readable().len();
            receiver.consume(NOW, usize::MAX);
            assert_eq!(transfer.server.sent.len(), said);
        }
        carry(&transfer.server, &mut transfer.client, &mut carried[1]);
    }
    assert!(came > 500_000, "only {came} bytes came");
}

#[test]
fn a_server_resumes_no_session_of_another_control_connection() {
    for versions in BOTH {
        let server = server_config(versions);
        let one = Control::connect(&client_config(versions), &server);
        let other = Control::connect(&client_config(versions), &server);
        assert_eq!(other.resumed(), [false, false], "of another client");
        let mut crossed = one.data(Direction::Receive, usize::MAX);
        crossed.server = End::new(
            other.server.secured.data(protected(Direction::Send)),
            usize::MAX,
        );
        assert_eq!(crossed.run(b"abc"), b"abc");
        for (result, tls) in crossed.finish() {
            assert_eq!(result, Ok(()));
            assert!(!tls.resumed, "{versions:?}: it proves nothing");
        }
        let mut right = other.data(Direction::Receive, usize::MAX);
        right.run(b"abc");
        assert!(right.finish().iter().all(|(_, tls)| tls.resumed));
    }
}

/// Its tickets are of this control connection's data connections, but whose they are nobody knows.
#[test]
fn what_a_stranger_got_at_a_data_connection_proves_nothing_at_the_next() {
    for versions in BOTH {
        let server = server_config(versions);
        let own = Control::connect(&client_config(versions), &server);
        let stranger = Control::connect(&client_config(versions), &server_config(versions));
        for number in 0..5 {
            let mut crossed = stranger.data(Direction::Receive, usize::MAX);
            let machine = protected(Direction::Send);
            crossed.server = End::new(own.server.secured.data(machine), usize::MAX);
            crossed.run(b"abc");
            for (_, tls) in crossed.finish() {
                assert!(!tls.resumed, "{versions:?}, {number}");
            }
        }
        let mut right = own.data(Direction::Receive, usize::MAX);
        right.run(b"abc");
        assert!(right.finish().iter().all(|(_, tls)| tls.resumed));
    }
}

/// A ticket of TLS 1.3 is used once, and a transfer that is given up brings no other.
#[test]
fn where_sessions_must_be_resumed_transfers_may_be_given_up_one_after_the_other() {
    for versions in BOTH {
        let machine = Toy {
            must_resume: true,
            ..Toy::default()
        };
        let control =
            Control::connect_to(machine, &client_config(versions), &server_config(versions));
        for _ in 0..3 {
            let mut given_up = control.data(Direction::Send, usize::MAX);
            let mut carried = [0, 0];
            for _ in 0..8 {
                given_up.client.run();
                given_up.server.run();
                carry(&given_up.client, &mut given_up.server, &mut carried[0]);
                carry(&given_up.server, &mut given_up.client, &mut carried[1]);
            }
            assert!(given_up.client.secured.machine().tls().unwrap().resumed);
        }
        let mut last = control.data(Direction::Send, usize::MAX);
        last.run(b"abc");
        assert!(last.finish().iter().all(|(_, tls)| tls.resumed));
    }
}

#[test]
fn a_later_login_leaves_an_earlier_one_its_session() {
    for versions in BOTH {
        let (client, server) = (client_config(versions), server_config(versions));
        let mut controls = Vec::new();
        for _ in 0..4 {
            controls.push(Control::connect(&client, &server));
            for control in &controls {
                assert_eq!(control.resumed(), [false; 2], "{versions:?}");
                let mut transfer = control.data(Direction::Receive, usize::MAX);
                transfer.run(b"abc");
                assert!(transfer.finish().iter().all(|(_, tls)| tls.resumed));
            }
        }
    }
}

/// After a login that resumes a session of TLS 1.2, ProFTPD refuses every data connection.
#[test]
fn a_later_login_resumes_what_an_earlier_one_left_in_tls_1_3() {
    for versions in BOTH {
        let (client, server) = (client_config(versions), server_config(versions));
        let mut earlier = Control::connect(&client, &server);
        for _ in 0..3 {
            let mut transfer = earlier.data(Direction::Receive, usize::MAX);
            assert_eq!(transfer.run(b"abc"), b"abc");
            drop((transfer, earlier));
            earlier = Control::connect(&client, &server);
            let is_resumed = matches!(versions, Versions::Tls13);
            assert_eq!(earlier.resumed(), [is_resumed; 2], "{versions:?}");
        }
    }
}

/// The last one is spared until the server has said that it begins, which costs a round trip. Servers with
/// OpenSSL give two at a login, and one at each data connection.
#[test]
fn two_sessions_of_a_login_are_enough_for_all_data_connections() {
    let (client, server) = (
        client_config(Versions::Tls13),
        server_config(Versions::Tls13),
    );
    assert_eq!(server.send_tls13_tickets, 2);
    let control = Control::connect(&client, &server);
    for _ in 0..20 {
        assert!(!control.client.secured.has_one_session_left());
        let mut transfer = control.data(Direction::Receive, usize::MAX);
        transfer.run(b"abc");
        assert!(transfer.finish().iter().all(|(_, tls)| tls.resumed));
    }
}

#[test]
fn a_client_may_offer_the_same_session_again() {
    let (client, server) = (
        client_config(Versions::Tls12),
        server_config(Versions::Tls12),
    );
    let control = Control::connect(&client, &server);
    // In TLS 1.2 the client has one session, and offers it to two connections at once.
    let mut transfers = [0; 2].map(|_| control.data(Direction::Receive, usize::MAX));
    for transfer in &mut transfers {
        transfer.client.run();
    }
    for mut transfer in transfers {
        assert_eq!(transfer.run(b"abc"), b"abc");
        assert!(transfer.finish().iter().all(|(_, tls)| tls.resumed));
    }
}

/// What the sender says goes over; the transport of the receiver then ends at `end`.
fn cut(versions: Versions, direction: Direction, with_end: bool) -> Result<(), data::Error> {
    let control = Control::new(versions);
    let mut transfer = control.data(direction, usize::MAX);
    let mut carried = [0, 0];
    for _ in 0..20 {
        let (sender, _) = transfer.ends();
        if sender.secured.machine().tls().is_some() && sender.secured.machine().moved() == 0 {
            sender.secured.machine_mut().write(NOW, b"abc");
        } else if sender.secured.machine().moved() == 3 && with_end {
            sender.secured.machine_mut().finish(NOW);
        }
        transfer.client.run();
        transfer.server.run();
        carry(&transfer.client, &mut transfer.server, &mut carried[0]);
        carry(&transfer.server, &mut transfer.client, &mut carried[1]);
        transfer.client.eof = false;
        transfer.server.eof = false;
    }
    let (_, receiver) = transfer.ends();
    receiver.secured.machine_mut().consume(NOW, 3);
    receiver.eof = true;
    receiver.run();
    let end = std::mem::replace(
        receiver,
        End::new(control.client.secured.data(protected(direction)), 1),
    );
    let end = end.secured.into_machine().into_end();
    assert_eq!(end.bytes(), 3);
    end.result()
}

#[test]
fn an_end_of_the_transport_without_close_notify_is_a_cut() {
    for versions in BOTH {
        for direction in [Direction::Send, Direction::Receive] {
            let cut_off = cut(versions, direction, false);
            assert_eq!(
                cut_off,
                Err(data::Error::CutOff),
                "{versions:?}, {direction:?}"
            );
            assert_eq!(cut(versions, direction, true), Ok(()));
        }
    }
}

/// An upload that was shut down, or is about to be, and its peer's end.
fn finished(versions: Versions, wait: fn(&Action<'_, Event>) -> bool) -> Secured<Connection> {
    let control = Control::new(versions);
    let mut transfer = control.data(Direction::Send, usize::MAX);
    transfer.client.secured.machine_mut().write(NOW, b"abc");
    transfer.client.secured.machine_mut().finish(NOW);
    let mut carried = [0, 0];
    for _ in 0..100 {
        if wait(&transfer.client.secured.poll().unwrap()) {
            return transfer.client.secured;
        }
        transfer.client.turn();
        transfer.server.run();
        carry(&transfer.client, &mut transfer.server, &mut carried[0]);
        carry(&transfer.server, &mut transfer.client, &mut carried[1]);
        transfer.client.eof = false;
    }
    panic!("it does not come to that");
}

#[test]
fn a_reset_behind_our_close_notify_takes_nothing_from_an_upload() {
    for versions in BOTH {
        let is_shutdown = |action: &Action<'_, Event>| matches!(action, Action::Shutdown { .. });
        let mut upload = finished(versions, is_shutdown);
        upload.cut_off(NOW);
        assert!(matches!(upload.poll(), Ok(Action::Closed)), "{versions:?}");
        assert_eq!(upload.into_machine().into_end().result(), Ok(()));

        let mut upload = finished(versions, is_shutdown);
        upload.shut_down(NOW);
        assert!(matches!(upload.poll(), Ok(Action::Read { .. })));
        let garbage = b"\x17\x03\x03\x00\x04????";
        assert_eq!(upload.received(NOW, garbage), garbage.len());
        assert!(matches!(upload.poll(), Ok(Action::Closed)), "{versions:?}");
        assert_eq!(upload.into_machine().into_end().result(), Ok(()));
    }
}

#[test]
fn a_reset_in_front_of_our_close_notify_cuts_an_upload_off() {
    for versions in BOTH {
        // The last write is the close_notify.
        let mut writes = 0;
        loop {
            let control = Control::new(versions);
            let mut transfer = control.data(Direction::Send, usize::MAX);
            transfer.client.secured.machine_mut().write(NOW, b"abc");
            transfer.client.secured.machine_mut().finish(NOW);
            let (mut carried, mut seen) = ([0, 0], 0);
            while seen <= writes {
                match transfer.client.secured.poll().unwrap() {
                    Action::Write { .. } if seen == writes => break,
                    Action::Write { .. } => seen += 1,
                    Action::Shutdown { .. } => break,
                    _ => {}
                }
                transfer.client.turn();
                transfer.server.run();
                carry(&transfer.client, &mut transfer.server, &mut carried[0]);
                carry(&transfer.server, &mut transfer.client, &mut carried[1]);
                transfer.client.eof = false;
            }
            let upload = &mut transfer.client.secured;
            if matches!(upload.poll(), Ok(Action::Shutdown { .. })) {
                break;
            }
            upload.cut_off(NOW);
            transfer.client.run();
            assert!(transfer.client.outcome.is_some_and(|end| end.is_err()));
            let end = transfer.client.secured.into_machine().into_end();
            assert!(end.result().is_err(), "{versions:?}: cut at write {writes}");
            writes += 1;
        }
        assert!(
            writes > 2,
            "a hello, the bytes and the close_notify at least"
        );
    }
}

#[test]
fn a_data_connection_that_failed_says_no_end() {
    let control = Control::new(Versions::Tls13);
    let mut transfer = control.data(Direction::Send, usize::MAX);
    settle(&mut transfer.client, &mut transfer.server);
    let upload = &mut transfer.client;
    let before = upload.sent.len();
    upload.secured.machine_mut().write(NOW, b"abc");
    let later = Instant::from_start(std::time::Duration::from_secs(100));
    upload.secured.timed_out(later);
    upload.run();
    assert!(upload.outcome.as_ref().is_some_and(Result::is_err));
    assert_eq!(upload.sent.len(), before, "no close_notify");
}

#[test]
fn under_a_control_connection_without_tls_data_goes_in_clear() {
    let control = Secured::clear(Toy::default());
    let mut data = control.data(Detached::new(Direction::Receive).connect(NOW));
    assert_eq!(data.received(NOW, b"abc"), 3);
    data.received_eof(NOW);
    assert_eq!(data.machine().readable(), b"abc");
    assert_eq!(data.into_machine().into_end().result(), Ok(()));
}

#[test]
fn a_server_that_resumes_nothing_takes_no_session_of_its_own() {
    for versions in BOTH {
        let control = Control::new(versions);
        for resumption in [Resumption::Report, Resumption::Off, Resumption::Report] {
            let server = Detached::new(Direction::Receive).resumption(resumption);
            let server = server.protected(true).connect(NOW);
            let mut transfer = control.data(Direction::Send, usize::MAX);
            transfer.server = End::new(control.server.secured.data(server), usize::MAX);
            assert_eq!(transfer.run(b"bytes"), b"bytes");
            for (result, tls) in transfer.finish() {
                assert_eq!(result, Ok(()));
                let is_resumed = resumption == Resumption::Report;
                assert_eq!(tls.resumed, is_resumed, "{versions:?} {resumption:?}");
            }
        }
    }
}
