use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ftp_proto::data::{self, Direction, Open};
use ftp_proto::listing::{Entry, Kind};
use ftp_proto::server::{
    CommitRequest, Config, Connection, Event, FileError, FileRequest, FilesConfig, ListenRequest,
    NameRule, Rights, Security, StoreMode, TransferAction, TransferId, TransferRequest,
};
use ftp_proto::wire::{Class, Code, ReplyParser, Status};
use ftp_proto::{Action, Instant, Lenience, Limits, Machine, Securable};

use super::tls_session;

/// What the client says.
const COMMANDS: [&[u8]; 16] = [
    b"EPSV\r\n",
    b"PASV\r\n",
    b"RETR f\r\n",
    b"STOR f\r\n",
    b"APPE f\r\n",
    b"STOU\r\n",
    b"LIST\r\n",
    b"ABOR\r\n",
    b"STAT\r\n",
    b"REST 5\r\n",
    b"NOOP\r\n",
    b"EPRT |1|192.0.2.1|5000|\r\n",
    b"QUIT\r\n",
    b"CWD d\r\n",
    b"TYPE A\r\n",
    b"TYPE I\r\n",
];
/// More acts make no better dialogues, only slower ones.
const MOST_ACTS: usize = 300;

/// Begins a dialogue under TLS.
const UNDER_TLS: u8 = 255;

/// Transfers of a server with a user, over real data connections; under TLS if the first byte is
/// `UNDER_TLS`. Each other byte is one act of the client, the application or time (`Run::act`).
///
/// * Each transfer that is asked for is told to be over once, and there is never a second one.
/// * An upload is whole only if all that the client sent was taken, its end came, and the application
///   kept it; a download only if all was written, sent and closed.
/// * 226 is said as often as a transfer was whole or `ABOR` was answered, and no oftener. Under TLS nothing is
///   whole without its end in TLS.
/// * The count is that of the bytes on the data connection.
/// * A `REST` serves one transfer and no more.
/// * Each command gets one final reply, in the end: also `ABOR`, beside that of the transfer.
/// * At most one listener, and none is left.
pub fn server_transfer(acts: &[u8]) {
    let (is_protected, acts) = match acts {
        [UNDER_TLS, rest @ ..] => (true, rest),
        all => (false, all),
    };
    let mut run = Run::logged_in(is_protected);
    for act in acts.iter().take(MOST_ACTS) {
        run.act(*act);
        run.settle();
    }
    run.finish();
}

struct Run {
    server: Connection,
    now: Instant,
    sent: Vec<u8>,
    /// Commands that were taken.
    commands: usize,
    aborts: usize,
    /// Transfers that were said to be whole.
    wholes: usize,
    is_protected: bool,
    restarts: usize,
    is_over: bool,
    listener: bool,
    file: Option<FileRequest>,
    listen: Option<ListenRequest>,
    transfer: Option<TransferRequest>,
    commit: Option<CommitRequest>,
    ticket: Option<data::Ticket>,
    data: Option<Data>,
    current: Option<Current>,
}

/// The data connection, and what its client did.
struct Data {
    machine: data::Connection,
    /// Bytes that stood on it, either way.
    moved: u64,
    /// The client's end came, or ours went out.
    is_ended: bool,
    is_cut: bool,
    asks_for_tls: bool,
    /// Bytes may go: in clear, or TLS stands.
    is_open: bool,
}

/// The transfer that is not over.
struct Current {
    id: TransferId,
    direction: Direction,
    /// How the data connection ended: whole or not, and the bytes.
    data: Option<(bool, u64)>,
    is_kept: bool,
}

impl Run {
    fn logged_in(is_protected: bool) -> Self {
        let files = FilesConfig::new().rights(Rights::ALL).active(true);
        let config = Config::new()
            .security(match is_protected {
                true => Security::ExplicitTls,
                false => Security::DangerousPlaintext,
            })
            .files(files)
            .name_rule(|_| NameRule::Open);
        let mut server = Connection::new(Arc::new(config), Instant::START);
        server.set_peer(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let mut run = Self {
            server,
            now: Instant::START,
            sent: Vec::new(),
            commands: 0,
            aborts: 0,
            wholes: 0,
            is_protected,
            restarts: 0,
            is_over: false,
            listener: false,
            file: None,
            listen: None,
            transfer: None,
            commit: None,
            ticket: None,
            data: None,
            current: None,
        };
        run.settle();
        if is_protected {
            run.say(b"AUTH TLS\r\n");
            run.settle();
            run.server.tls_started(run.now, tls_session());
            for command in [&b"PBSZ 0\r\n"[..], b"PROT P\r\n"] {
                run.settle();
                run.say(command);
            }
        }
        run.settle();
        run.say(b"USER anna\r\n");
        run.settle();
        run
    }

    fn act(&mut self, act: u8) {
        let now = self.now;
        match act % 32 {
            command @ 0..16 => self.say(COMMANDS[usize::from(command)]),
            16 | 17 => self.listening(act % 32 == 16),
            18 | 19 => self.begin(act % 32 == 18),
            20 | 21 => self.keep(act % 32 == 20),
            22 => {
                if let Some(ticket) = self.ticket.take() {
                    let opened = self.server.data_opened(now, ticket).ok();
                    self.data = opened.map(|machine| Data::new(machine, !self.is_protected));
                }
            }
            23 => {
                if let Some(ticket) = self.ticket.take() {
                    let _over_already = self.server.data_failed(now, ticket);
                }
            }
            24 => {
                self.ticket = None;
                self.data = None;
            }
            25..28 => {
                if let Some(data) = &mut self.data {
                    data.act(now, act % 32, usize::from(act / 32) * 7000 + 1);
                }
            }
            28 => self.report(),
            29 => {
                if let Some(current) = &self.current {
                    let _over_already = self.server.abort(now, current.id, FileError::NoSpace);
                }
            }
            30 => {
                self.now = now + Duration::from_secs(10);
                self.server.timed_out(self.now);
                if let Some(data) = &mut self.data {
                    data.machine.timed_out(self.now);
                }
            }
            _ => {
                if let Some(data) = &mut self.data {
                    data.drive(now);
                    // TLS comes about on a data connection.
                    if act >= 128 && data.asks_for_tls && !data.is_over() {
                        data.is_open = true;
                        data.machine.tls_started(now, tls_session());
                        data.drive(now);
                    }
                }
            }
        }
    }

    fn say(&mut self, command: &[u8]) {
        // No more than a client may have on the way.
        if self.server.received(self.now, command) == command.len() {
            self.commands += 1;
            self.restarts += usize::from(command.starts_with(b"REST"));
            self.aborts += usize::from(command.starts_with(b"ABOR"));
        } else {
            self.is_over = true;
        }
    }

    fn listening(&mut self, listens: bool) {
        let Some(request) = self.listen.take() else {
            return;
        };
        let answer = match listens {
            true => request.listening(SocketAddr::from(([192, 0, 2, 7], 6446))),
            false => request.not_listening(),
        };
        self.listener |= self.server.answer(self.now, answer).is_ok() && listens;
    }

    fn begin(&mut self, begins: bool) {
        if let Some(request) = self.file.take() {
            let answer = match begins {
                true if matches!(
                    request.action(),
                    ftp_proto::server::FileAction::Facts { .. }
                ) =>
                {
                    request.facts(&Entry::new(b"f", Kind::File))
                }
                true => request.done(),
                false => request.refused(FileError::NotFound),
            };
            let _late = self.server.answer(self.now, answer);
        }
        if let Some(request) = self.transfer.take() {
            let is_unique = matches!(
                request.action(),
                TransferAction::Store {
                    mode: StoreMode::Unique,
                    ..
                }
            );
            let answer = match begins {
                true if is_unique => request.begin_named("f.1"),
                true => request.begin(None),
                false => request.refused(FileError::NotFound),
            };
            let _late = self.server.answer(self.now, answer);
        }
    }

    fn keep(&mut self, keeps: bool) {
        if let Some(request) = self.commit.take() {
            let current = self.current.as_mut().expect("a transfer under way");
            assert!(
                matches!(current.data, Some((true, _))),
                "kept, and not whole"
            );
            current.is_kept = keeps;
            let answer = match keeps {
                true => request.committed(),
                false => request.refused(FileError::NoSpace),
            };
            let answered = self.server.answer(self.now, answer);
            current.is_kept &= answered.is_ok();
        }
    }

    /// Tells the control connection how the data connection ended, whether it has or not.
    fn report(&mut self) {
        let Some(data) = self.data.take() else {
            return;
        };
        if let Some(current) = &mut self.current {
            current.data = Some((data.is_ended && !data.is_cut, data.moved));
        }
        let end = data.machine.into_end();
        let _over_already = self.server.data_ended(self.now, end);
    }

    fn settle(&mut self) {
        loop {
            match self.server.poll() {
                Ok(Action::Write { bytes, .. }) => {
                    self.sent.extend_from_slice(bytes);
                    let count = bytes.len();
                    self.server.wrote(self.now, count);
                }
                Ok(Action::Event(event)) => self.hear(event),
                Ok(Action::Read { .. } | Action::Wait { .. }) => return,
                Ok(Action::Shutdown { .. }) => self.server.shut_down(self.now),
                Ok(Action::Closed) | Err(_) => {
                    self.is_over = true;
                    assert!(self.current.is_none() && !self.listener);
                    return;
                }
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Files(request) => self.file = Some(request),
            Event::Listen(request) => {
                assert!(!self.listener, "two listeners");
                self.listen = Some(request);
            }
            Event::StopListening => self.listener = false,
            Event::Transfer(request) => {
                assert!(self.current.is_none(), "two transfers");
                if let TransferAction::Retrieve { offset: 1.., .. }
                | TransferAction::Store {
                    mode: StoreMode::At(_),
                    ..
                } = request.action()
                {
                    let left = self.restarts.checked_sub(1);
                    self.restarts = left.expect("a restart that was asked for");
                }
                self.current = Some(Current {
                    id: request.id(),
                    direction: request.action().direction(),
                    data: None,
                    is_kept: false,
                });
                self.transfer = Some(request);
            }
            Event::OpenData(ticket) => {
                if ticket.open() == Open::Accept {
                    assert!(self.listener, "accept without a listener");
                    self.listener = false;
                }
                assert_eq!(ticket.is_protected(), self.is_protected);
                self.ticket = Some(ticket);
            }
            Event::Commit(request) => {
                let current = self.current.as_ref().expect("a transfer under way");
                assert_eq!(request.transfer(), current.id);
                assert_eq!(current.direction, Direction::Receive);
                assert_eq!(current.data.map(|(_, moved)| moved), Some(request.bytes()));
                self.commit = Some(request);
            }
            Event::Transferred {
                transfer,
                bytes,
                outcome,
                ..
            } => {
                let current = self.current.take().expect("it was asked for");
                assert_eq!(transfer, current.id);
                let is_whole = match (current.data, current.direction) {
                    (Some((is_whole, _)), Direction::Send) => is_whole,
                    (Some((is_whole, _)), Direction::Receive) => is_whole && current.is_kept,
                    (None, _) => false,
                };
                assert_eq!(outcome.is_ok(), is_whole, "{outcome:?}");
                self.wholes += usize::from(is_whole);
                if let Some((_, moved)) = current.data {
                    assert_eq!(bytes, moved);
                }
                self.transfer = None;
                self.commit = None;
                self.ticket = None;
                self.data = None;
            }
            _ => {}
        }
    }

    /// Everybody does what is due; then each command has its reply.
    fn finish(mut self) {
        for _ in 0..4 * MOST_ACTS {
            let before = self.sent.len();
            for act in [16, 18, 20, 23, 26, 31, 28] {
                self.act(act);
                self.settle();
            }
            if self.current.is_none() && self.sent.len() == before {
                break;
            }
        }
        if self.is_over {
            return;
        }
        assert!(self.current.is_none(), "a transfer that does not end");
        let (mut finals, mut complete) = (0, 0);
        let mut parser = ReplyParser::new(&Limits::default(), &Lenience::STRICT);
        let mut rest = self.sent.as_slice();
        while let Ok(Status::Complete(reply, length)) = parser.parse(rest) {
            finals += usize::from(reply.code().class() != Class::Preliminary);
            complete += usize::from(reply.code() == Code::CLOSING_DATA_CONNECTION);
            rest = &rest[length..];
        }
        assert_eq!(rest, b"", "half a reply");
        // And the greeting.
        assert_eq!(finals, self.commands + 1);
        assert_eq!(complete, self.wholes + self.aborts, "226");
        self.server.received_eof(self.now);
        self.settle();
        assert!(self.is_over);
    }
}

impl Data {
    fn new(machine: data::Connection, is_open: bool) -> Self {
        Self {
            machine,
            moved: 0,
            is_ended: false,
            is_cut: false,
            asks_for_tls: false,
            is_open,
        }
    }

    fn act(&mut self, now: Instant, act: u8, count: usize) {
        if self.is_over() {
            return;
        }
        let receives = self.machine.direction() == Direction::Receive;
        match act {
            25 if receives => {
                if !self.is_open && self.asks_for_tls {
                    // In clear, where TLS must be.
                    self.is_cut |= !self.is_ended;
                }
                let bytes = vec![b'x'; count];
                let taken = self.machine.received(now, &bytes) as u64;
                self.moved += if self.is_open { taken } else { 0 };
            }
            25 => {
                let _some = self.machine.write(now, &vec![b'x'; count]);
            }
            26 if receives => {
                // Only if all that came was taken.
                if self.machine.readable().len() < 64 * 1024 {
                    self.is_cut |= !self.is_open && !self.is_ended;
                    self.machine.received_eof(now);
                    self.is_ended = true;
                }
            }
            26 => self.machine.finish(now),
            _ => {
                self.machine.cut_off(now);
                self.is_cut |= !self.is_ended;
            }
        }
        if receives {
            self.machine.consume(now, count);
        }
    }

    fn is_over(&mut self) -> bool {
        matches!(self.machine.poll(), Ok(Action::Closed) | Err(_))
    }

    /// The transport takes all.
    fn drive(&mut self, now: Instant) {
        loop {
            match self.machine.poll() {
                Ok(Action::Write { bytes, .. }) => {
                    let count = bytes.len();
                    self.machine.wrote(now, count);
                    self.moved += count as u64;
                }
                Ok(Action::Shutdown { .. }) => {
                    self.machine.shut_down(now);
                    self.is_ended = true;
                }
                Ok(Action::Event(event)) => {
                    self.asks_for_tls |= matches!(event, data::Event::StartTls);
                }
                Ok(Action::Read { .. } | Action::Wait { .. } | Action::Closed) => return,
                Err(_) => {
                    self.is_cut |= !self.is_ended;
                    return;
                }
            }
        }
    }
}
