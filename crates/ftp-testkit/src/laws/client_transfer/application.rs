//! What the application does with a client and its data connections.

use std::time::Duration;

use ftp_proto::client::{
    CommandId, Connection, Event, Transfer, TransferError, TransferId, Transferred,
};
use ftp_proto::data::{self, Direction};
use ftp_proto::wire::{Class, Command, Verb};
use ftp_proto::{Action, Machine, Securable};

use super::super::tls_session;
use super::super::transfer_model::{Known, TransferModel};
use super::super::watched::{Cut, Watched};
use super::Heard;

/// What the application holds and knows.
pub(super) struct Application {
    heard: Heard,
    ticket: Option<data::Ticket>,
    data: Option<data::Connection>,
    listen: Option<TransferId>,
    pub(super) current: Option<TransferId>,
    /// How much moved on the last data connection.
    moved: u64,
    /// The transfer has an offset.
    is_rest: bool,
    /// How the data connection ended, if the client was told.
    ended: Option<(u64, bool)>,
    /// The application gave it up, or something that was not needed any more.
    gave_up: bool,
    /// Each reply answers its own command.
    pub(super) in_order: bool,
    pub(super) keeps_transfers_alive: bool,
    pub(super) asks_ahead: bool,
    pub(super) events: Vec<String>,
    pub(super) replies: Vec<(CommandId, u16)>,
    pub(super) unsolicited: bool,
}

impl Application {
    pub(super) fn new(heard: Heard) -> Self {
        Self {
            heard,
            ticket: None,
            data: None,
            listen: None,
            current: None,
            moved: 0,
            is_rest: false,
            ended: None,
            gave_up: false,
            in_order: false,
            keeps_transfers_alive: false,
            asks_ahead: false,
            events: Vec::new(),
            replies: Vec::new(),
            unsolicited: false,
        }
    }

    pub(super) fn rest(&mut self, watched: &mut Watched<Connection>) {
        watched.rest(&mut |_, _, event| self.hear(event));
        let known = watched.machine.transferring();
        assert_eq!(known, self.current, "what is under way is known");
    }

    pub(super) fn hear(&mut self, event: Event) {
        self.events.push(format!("{event:?}"));
        match event {
            Event::OpenData(ticket) => self.ticket = Some(ticket),
            Event::Listen(id) => self.listen = Some(id),
            Event::Started { transfer, .. } => assert_eq!(Some(transfer), self.current),
            Event::Transferred { transfer, outcome } => {
                assert_eq!(Some(transfer), self.current.take(), "one outcome each");
                self.judge(outcome);
            }
            Event::Reply { command, reply } => self.replies.push((command, reply.code().get())),
            Event::Unsolicited(_) => self.unsolicited = true,
            _ => {}
        }
    }

    fn judge(&mut self, outcome: Result<Transferred, TransferError>) {
        let mut heard = self.heard.0.lock().expect("no observer panicked");
        let (model, verbs) = &mut *heard;
        let after = verbs.drain(..).skip_while(|verb| !moves(*verb)).skip(1);
        let mut after = after.peekable();
        if self.asks_ahead {
            after.next_if(|verb| matches!(verb, Verb::Epsv | Verb::Pasv));
        }
        let mut proof = Verb::Noop;
        while self.keeps_transfers_alive && after.next_if_eq(&Verb::Noop).is_some() {
            proof = Verb::Pwd;
        }
        let expected = [Verb::Abor, proof, Verb::Quit];
        let mut expected = expected.iter();
        assert!(
            after.all(|verb| expected.any(|next| *next == verb)),
            "something was sent during a transfer"
        );
        drop(after);
        if self.in_order {
            assert!(
                model.is_whole() || outcome.is_err(),
                "{outcome:?} {model:?}"
            );
            if let Some(known) = model.known().filter(|_| !self.gave_up) {
                assert_eq!(known_of(&outcome), known, "{outcome:?} {model:?}");
            }
        }
        match outcome {
            Ok(transferred) => {
                assert!(model.may_be_whole(), "{model:?}");
                assert_eq!(transferred.reply.code().class(), Class::Completion);
                assert_eq!(self.ended, Some((transferred.bytes, true)));
            }
            Err(TransferError::LengthDiffers {
                bytes, expected, ..
            }) => {
                assert_eq!(self.ended, Some((bytes, true)));
                // With an offset, so many are expected of the whole file.
                assert!(bytes != expected || self.is_rest, "{bytes}");
            }
            Err(TransferError::CutOff { bytes, .. }) => {
                let (counted, _) = self.ended.expect("the data ended");
                assert_eq!(bytes, counted);
            }
            Err(TransferError::Failed { bytes, .. }) => match self.ended {
                Some((counted, _)) => assert_eq!(bytes, counted),
                None => assert!(bytes <= self.moved),
            },
            Err(TransferError::Refused { .. } | TransferError::UnusableReply { .. }) => {
                assert_eq!(self.moved, 0, "something had moved");
            }
            Err(_) => {}
        }
    }

    /// Does what a script says.
    pub(super) fn call(&mut self, watched: &mut Watched<Connection>, letter: u8, operand: u8) {
        let now = watched.now;
        let client = &mut watched.machine;
        match letter {
            b't' => self.pass(watched, Duration::from_secs(operand.into())),
            b'T' => watched.skip_to_deadline(&mut |_, _, event| self.hear(event)),
            b'e' => {
                client.received_eof(now);
                self.note(TransferModel::control_ended);
            }
            b's' => {
                if let Some(data) = &mut self.data {
                    while let Ok(Action::Event(_)) = data.poll() {}
                    data.tls_started(now, tls_session());
                    if data.tls().is_some() {
                        self.note(TransferModel::shook_hands);
                    }
                }
            }
            b'a' => self.move_bytes(watched, operand.into()),
            b'c' => self.start(watched, operand),
            b'r' => {
                let noop = Command::new(Verb::Noop).expect("a command");
                let _ = client.send(now, noop);
            }
            b'd' => self.data_news(watched, operand),
            b'k' => {
                if let Some(id) = self.listen.take() {
                    let _ = match operand {
                        0 => client.not_listening(now, id),
                        1 => client.listening(
                            now,
                            id,
                            "[2001:db8::1]:9".parse().expect("an address"),
                        ),
                        _ => client.listening(now, id, "192.0.2.1:9".parse().expect("an address")),
                    };
                }
            }
            b'y' => self.hear_nothing(watched),
            b'x' => {
                self.gave_up |= client.abort(now).is_ok();
            }
            b'q' => self.gave_up |= client.quit(now).is_ok(),
            b'w' => watched.stalled = !watched.stalled,
            _ => {}
        }
    }

    /// Time passes for all.
    pub(super) fn pass(&mut self, watched: &mut Watched<Connection>, time: Duration) {
        watched.now = watched.now + time;
        watched.machine.timed_out(watched.now);
        if let Some(data) = &mut self.data {
            data.timed_out(watched.now);
        }
    }

    pub(super) fn start(&mut self, watched: &mut Watched<Connection>, choice: u8) {
        let path = Some(&b"notes"[..]);
        let transfer = match choice % 8 {
            0 => Transfer::retrieve("notes"),
            1 => Transfer::store("notes"),
            2 => Transfer::append("notes"),
            3 => Transfer::store_unique(),
            4 => Transfer::list(path),
            5 => Transfer::names(None),
            6 => Transfer::machine_list(path),
            _ => Transfer::retrieve("notes")
                .map(|transfer| transfer.data_type(data::DataType::Ascii)),
        };
        let mut transfer = transfer.expect("a path").offset(u64::from(choice >> 6));
        let goes_as_it_is = choice % 8 < 4;
        let has_size = choice & 0x38 == 0x38;
        if has_size {
            transfer = transfer.size(Some(8));
        }
        if let Ok(id) = watched.machine.transfer(watched.now, transfer) {
            assert_eq!(self.current.replace(id), None, "one transfer at a time");
            (self.moved, self.ended, self.gave_up) = (0, None, false);
            self.is_rest = choice >> 6 > 0;
            (self.ticket, self.data, self.listen) = (None, None, None);
            let mut heard = self.heard.0.lock().expect("no observer panicked");
            heard.0 = TransferModel::default();
            if goes_as_it_is {
                let (offset, size) = (u64::from(choice >> 6), has_size.then_some(8));
                heard.0.of_bytes(size, offset);
            }
            heard.1.clear();
        }
    }

    /// So many bytes come, or go.
    fn move_bytes(&mut self, watched: &mut Watched<Connection>, count: usize) {
        let Some(data) = &mut self.data else { return };
        let now = watched.now;
        let bytes = [b'x'; 256];
        match data.direction() {
            Direction::Receive => {
                let _ = data.received(now, &bytes[..count]);
                data.consume(now, count / 2);
            }
            Direction::Send => {
                data.write(now, &bytes[..count]);
                drain(data, now, count / 2);
            }
        }
        self.moved = data.moved();
        self.note(|model| model.moved(self.moved));
    }

    fn data_news(&mut self, watched: &mut Watched<Connection>, choice: u8) {
        let now = watched.now;
        match (choice % 8, self.ticket.take(), self.data.take()) {
            (0, Some(ticket), _) => {
                // The machine may not want it any more.
                self.data = watched.machine.data_opened(now, ticket).ok();
                self.moved = 0;
                self.note(|model| model.opened(true));
            }
            (1, Some(ticket), _) => {
                self.note(|model| model.opened(false));
                let _ = watched.machine.data_failed(now, ticket);
            }
            (5, ticket, data) => self.gave_up |= ticket.is_some() || data.is_some(),
            (news @ 2..=7, ticket, Some(mut data)) => {
                self.ticket = ticket;
                match news {
                    3 | 6 => end(&mut data, now),
                    4 => data.cut_off(now),
                    7 => data.timed_out(now + Duration::from_secs(100)),
                    _ => {}
                }
                self.moved = data.moved();
                self.note(|model| model.moved(self.moved));
                if data.is_flushed() && news == 6 {
                    self.data = Some(data);
                    return self.note(TransferModel::sent_all);
                }
                self.end_data(watched, data);
            }
            (_, ticket, data) => (self.ticket, self.data) = (ticket, data),
        }
    }

    /// Lets the model know.
    pub(super) fn note(&self, what: impl FnOnce(&mut TransferModel)) {
        let mut heard = self.heard.0.lock().expect("no observer panicked");
        what(&mut heard.0);
    }

    fn end_data(&mut self, watched: &mut Watched<Connection>, data: data::Connection) {
        let end = data.into_end();
        let before = self.ended;
        let whole = end.result().is_ok();
        self.gave_up |= end.result() == Err(data::Error::Unfinished) && before.is_none();
        self.ended = Some((end.bytes(), whole));
        let model = {
            let mut heard = self.heard.0.lock().expect("no observer panicked");
            let model = heard.0.clone();
            heard.0.data_ended(whole);
            model
        };
        if watched.machine.data_ended(watched.now, end).is_err() {
            self.ended = before;
            self.heard.0.lock().expect("no observer panicked").0 = model;
        }
    }

    /// Whatever is left is brought to its end as it should be.
    pub(super) fn bring_to_end(&mut self, watched: &mut Watched<Connection>) {
        if self.ticket.is_some() {
            self.data_news(watched, 0);
        }
        self.data_news(watched, 3);
        if self.listen.is_some() {
            self.call(watched, b'k', 2);
        }
    }

    /// Blank lines and Telnet come.
    fn hear_nothing(&mut self, watched: &mut Watched<Connection>) {
        self.rest(watched);
        // In the middle of a reply, or of a Telnet command, it would be a part of it.
        if watched.machine.has_more() {
            return;
        }
        let before = watched.deadline();
        let is_between = self.events.len();
        watched.receive(b"\xff\xf1", Cut::Whole, &mut |_, _, event| self.hear(event));
        self.rest(watched);
        assert_eq!(watched.deadline(), before, "nothing moved a deadline");
        assert_eq!(self.events.len(), is_between, "an event of nothing");
    }

    pub(super) fn assert_all_over(&self) {
        assert_eq!(self.current, None, "a transfer without an outcome");
    }
}

/// What an outcome says is known.
fn known_of(outcome: &Result<Transferred, TransferError>) -> Known {
    use TransferError::*;
    match outcome {
        Ok(_) => Known::Whole,
        Err(LengthDiffers { .. }) => Known::LengthDiffers,
        Err(CutOff { .. }) => Known::CutOff,
        Err(Failed { .. }) => Known::Failed,
        Err(Refused { verb, .. }) if moves(*verb) => Known::Refused,
        Err(Refused { .. } | UnusableReply { .. } | NotOpened | NotBegun) => Known::NothingMoved,
        Err(Unknown) => Known::Unknown,
        Err(other) => panic!("nobody gave it up: {other:?}"),
    }
}

fn moves(verb: Verb) -> bool {
    use Verb::{Appe, List, Mlsd, Nlst, Retr, Stor, Stou};
    matches!(verb, Retr | Stor | Appe | Stou | List | Nlst | Mlsd)
}

/// Up to so many bytes are sent.
fn drain(data: &mut data::Connection, now: ftp_proto::Instant, most: usize) {
    while let Ok(Action::Event(_)) = data.poll() {}
    if let Ok(Action::Write { bytes, .. }) = data.poll() {
        let count = bytes.len().min(most);
        data.wrote(now, count);
    }
}

/// It ends as it should, unless TLS does not stand.
fn end(data: &mut data::Connection, now: ftp_proto::Instant) {
    data.finish(now);
    drain(data, now, usize::MAX);
    while let Ok(Action::Event(_)) = data.poll() {}
    if let Ok(Action::Shutdown { .. }) = data.poll() {
        data.shut_down(now);
    }
    data.received_eof(now);
}
