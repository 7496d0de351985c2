//! The application and the driver of a server that serves files, as a script has them act.

use std::net::SocketAddr;

use ftp_proto::data::{self, Open};
use ftp_proto::listing::{Entry, Kind};
use ftp_proto::server::{
    CommitRequest, Connection, Event, FileError, FileRequest, ListenRequest, TransferId,
    TransferRequest,
};
use ftp_proto::{Instant, Machine};

/// What waits to be answered, and what is open.
#[derive(Default)]
pub(super) struct Files {
    pub(super) needs_protection: bool,
    file: Option<FileRequest>,
    transfer: Option<TransferRequest>,
    commit: Option<CommitRequest>,
    listen: Option<ListenRequest>,
    ticket: Option<data::Ticket>,
    data: Option<data::Connection>,
    /// Somebody listens.
    listener: bool,
    /// What was asked for, and is not over.
    begun: Option<TransferId>,
}

impl Files {
    pub(super) fn hear(&mut self, event: Event) {
        match event {
            Event::Files(request) => self.file = Some(request),
            Event::Transfer(request) => {
                assert_eq!(self.begun, None, "two transfers");
                self.begun = Some(request.id());
                self.transfer = Some(request);
            }
            Event::Commit(request) => {
                assert_eq!(Some(request.transfer()), self.begun);
                self.commit = Some(request);
            }
            Event::Listen(request) => {
                assert!(!self.listener, "two listeners");
                self.listen = Some(request);
            }
            Event::StopListening => self.listener = false,
            Event::OpenData(ticket) => {
                assert!(ticket.is_protected() || !self.needs_protection);
                assert!(self.begun.is_some());
                if ticket.open() == Open::Accept {
                    assert!(self.listener, "accept without a listener");
                    self.listener = false;
                }
                self.ticket = Some(ticket);
            }
            Event::Transferred { transfer, .. } => {
                assert_eq!(
                    self.begun.take(),
                    Some(transfer),
                    "over, and never asked for"
                );
                self.transfer = None;
                self.ticket = None;
                self.data = None;
                self.commit = None;
            }
            Event::LoggedOut => {
                assert!(!self.listener, "a listener survives the login");
                assert_eq!(self.begun, None);
            }
            _ => {}
        }
    }

    /// After the last event.
    pub(super) fn assert_over(&self) {
        assert!(!self.listener, "a listener survives the connection");
        assert_eq!(self.begun, None, "a transfer survives the connection");
    }

    pub(super) fn answer(&mut self, server: &mut Connection, now: Instant, operand: u8) {
        const ERRORS: [FileError; 4] = [
            FileError::NotFound,
            FileError::Exists,
            FileError::NoSpace,
            FileError::Failed,
        ];
        let error = ERRORS[usize::from(operand >> 2) % ERRORS.len()];
        let refuses = operand % 4 == 3;
        if let Some(request) = self.file.take() {
            let answer = match operand % 4 {
                0 => request.done(),
                2 if operand & 4 != 0 => request.hash(&[operand; 32], 5),
                2 if operand & 8 != 0 => request.space(operand.into()),
                3 => request.refused(error),
                _ => request.facts(&Entry::new(b"notes", Kind::File)),
            };
            let _ = server.answer(now, answer);
        }
        if let Some(request) = self.transfer.take() {
            let answer = match operand % 4 {
                3 => request.refused(error),
                2 => request.begin_named("notes.1"),
                _ => request.begin(Some(operand.into())),
            };
            let _ = server.answer(now, answer);
        }
        if let Some(request) = self.commit.take() {
            let answer = match refuses {
                true => request.refused(error),
                false => request.committed(),
            };
            let _ = server.answer(now, answer);
        }
        if let Some(request) = self.listen.take() {
            let address = match operand % 4 {
                0 | 1 => SocketAddr::from(([192, 0, 2, 7], 6446)),
                _ => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7], 6446)),
            };
            let answer = match refuses {
                true => request.not_listening(),
                false => request.listening(address),
            };
            let listens = server.answer(now, answer).is_ok() && !refuses;
            self.listener |= listens;
        }
    }

    /// Makes the data connection, or not.
    pub(super) fn open(&mut self, server: &mut Connection, now: Instant, operand: u8) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        match operand % 4 {
            0 | 1 => self.data = server.data_opened(now, ticket).ok(),
            2 => {
                let _ = server.data_failed(now, ticket);
            }
            _ => drop(ticket),
        }
    }

    /// Moves bytes over the data connection, and ends it.
    pub(super) fn end(&mut self, server: &mut Connection, now: Instant, operand: u8) {
        if operand % 8 == 7 {
            if let Some(id) = self.begun {
                let _ = server.abort(now, id, FileError::NoSpace);
            }
            return;
        }
        let Some(mut data) = self.data.take() else {
            return;
        };
        let _ = data.poll();
        match operand % 8 {
            0 | 1 => {
                let _ = data.received(now, b"notes");
                data.received_eof(now);
            }
            2 => data.cut_off(now),
            3 => data.finish(now),
            4 => {
                let _ = data.received(now, b"notes");
                self.data = Some(data);
                return;
            }
            5 => return,
            _ => {}
        }
        let _ = data.poll();
        data.shut_down(now);
        let _ = server.data_ended(now, data.into_end());
    }
}
