//! What a client does with files besides moving bytes: one command, or a few.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use ftp_adapter::files::{Exchange, Return, Turn};
use ftp_adapter::{Error, Operation, SendCommand};

use crate::{Client, Io, Timer};

impl<R: Timer + Io<T>, T: Unpin> Client<R, T> {
    ftp_adapter::client_operations!([async] [.await]);

    pub(crate) async fn converse<E: Exchange>(&mut self, exchange: E) -> Result<E::Output, Error> {
        self.settle().await?;
        let mut conversation = Conversation::new(exchange);
        poll_fn(|cx| self.poll_conversation(cx, &mut conversation)).await
    }

    pub(crate) fn poll_conversation<E: Exchange>(
        &mut self,
        cx: &mut Context<'_>,
        conversation: &mut Conversation<E>,
    ) -> Poll<Result<E::Output, Error>> {
        loop {
            let reply = match &mut conversation.sending {
                Some(sending) => {
                    let reply = ready!(self.poll_operation(cx, sending));
                    conversation.sending = None;
                    Some(reply?)
                }
                None => None,
            };
            let machine = self.driver.machine().machine();
            let turn = self
                .pending
                .turn(&mut conversation.exchange, machine, reply);
            match turn? {
                Turn::Done(output) => return Poll::Ready(Ok(output)),
                Turn::Send(command) => {
                    let operation = SendCommand::new(command)?;
                    conversation.sending = Some(RunningOperation::new(operation));
                }
            }
        }
    }

    /// Runs an operation to its end; events that are not its own are kept for
    /// [`next_event`](Self::next_event).
    pub(crate) fn poll_operation<O: Operation>(
        &mut self,
        cx: &mut Context<'_>,
        running: &mut RunningOperation<O>,
    ) -> Poll<Result<O::Output, Error>> {
        if !running.is_started {
            running.is_started = true;
            let now = self.driver.now();
            let machine = self.driver.machine_mut();
            let output = running.operation.start(now, machine, &mut self.pending)?;
            if let Some(output) = output {
                return Poll::Ready(Ok(output));
            }
        }
        loop {
            let event = ready!(self.poll_event(cx))?;
            if let Some(output) = self.pending.go_on(&mut running.operation, event)? {
                return Poll::Ready(Ok(output));
            }
        }
    }

    /// A transfer that was dropped is settled with the server, and the current directory is where it was,
    /// before anything else is said.
    pub(crate) fn poll_settle(
        &mut self,
        cx: &mut Context<'_>,
        back: &mut Conversation<Return>,
    ) -> Poll<Result<(), Error>> {
        let now = self.driver.now();
        if self.machine().abort(now).is_ok() {
            while self.machine().transferring().is_some() {
                match ready!(self.poll_event(cx))? {
                    Some(event) => self.keep(event)?,
                    None => return Poll::Ready(Err(Error::Closed)),
                }
            }
        }
        if !self.pending.known().is_away() {
            return Poll::Ready(Ok(()));
        }
        self.poll_conversation(cx, back)
    }
}

/// An [`Exchange`] under way.
#[derive(Debug)]
pub(crate) struct Conversation<E> {
    pub(crate) exchange: E,
    sending: Option<RunningOperation<SendCommand>>,
}

impl<E> Conversation<E> {
    pub(crate) fn new(exchange: E) -> Self {
        Self {
            exchange,
            sending: None,
        }
    }
}

/// An [`Operation`] under way.
#[derive(Debug)]
pub(crate) struct RunningOperation<O> {
    operation: O,
    is_started: bool,
}

impl<O> RunningOperation<O> {
    pub(crate) fn new(operation: O) -> Self {
        Self {
            operation,
            is_started: false,
        }
    }
}
