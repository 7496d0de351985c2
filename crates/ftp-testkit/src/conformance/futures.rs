//! Every runtime of `ftp-futures`, as the suite wants an adapter.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;

use ftp_adapter::{Error, SessionError, SessionEvent, SessionInfo, SharedGuard};
use ftp_futures::{Client, Connecting, Connector, Handler, Runtime, Server};
use ftp_proto::client::{Challenge, Event};
use ftp_proto::server::{Attempt, Request, Verdict};
use ftp_proto::wire::{Class, Reply};
use ftp_proto::{Account, Password};
use futures_channel::oneshot;
use futures_util::future::{join, join_all};

use super::awkward::Awkward;
use super::under_load::listener;
use super::{Act, Adapter, Clerk, Guest, House, Serving, Talk, Tls, Way};
use crate::liar::{
    ACCOUNT, ClientUnderTest, Outcome, PASSWORD, Record, ServerEnd, ServerSetup, ServerUnderTest,
    Setup, Then, USER,
};

/// A runtime, and what the suite needs besides.
pub trait Platform: 'static {
    /// The runtime.
    type Runtime: Runtime;
    /// The adapter's name: the crate's, without `ftp-`.
    const NAME: &'static str;

    /// Runs a future to its end.
    fn block_on<F: Future>(future: F) -> F::Output;

    /// Takes over a listener. Called within [`block_on`](Self::block_on).
    fn listener(listener: TcpListener) -> <Self::Runtime as Runtime>::TcpListener;
}

/// The adapter of this runtime.
pub struct Async<P>(PhantomData<fn() -> P>);

impl<P> Async<P> {
    /// There is only one.
    #[expect(clippy::new_without_default, reason = "nothing to choose")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Polls what the expression makes anew each time: whatever waits is dropped and made again.
macro_rules! giving_up {
    ($future:expr) => {
        poll_fn(|cx| pin!($future).poll(cx)).await
    };
}

impl<P: Platform> Adapter for Async<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn talk(&self, way: Way, address: &str, guest: &Guest) -> Talk {
        P::block_on(async {
            match way {
                Way::Plain => talk::<P::Runtime>(address, guest).await,
                Way::InBytes => talk::<Awkward<P::Runtime, false>>(address, guest).await,
                Way::Stuck => talk::<Awkward<P::Runtime, true>>(address, guest).await,
                Way::GivingUp => talk_giving_up::<P::Runtime>(address, guest).await,
                Way::Retrying => talk_retrying::<P::Runtime>(address, guest).await,
                Way::Moving => talk_moving::<P::Runtime>(address, guest).await,
            }
        })
    }

    fn talk_at_once(&self, count: usize, address: &str, guest: &Guest) -> Vec<Talk> {
        P::block_on(join_all(
            (0..count).map(|_| talk::<P::Runtime>(address, guest)),
        ))
    }

    fn talk_twice(&self, address: &str, guest: &Guest) -> [Talk; 2] {
        let both = join(
            talk::<P::Runtime>(address, guest),
            talk::<P::Runtime>(address, guest),
        );
        P::block_on(both).into()
    }

    fn serve(&self, house: &House) -> Serving {
        let listener = listener().expect("a free port");
        let address = listener.local_addr().expect("an address");
        let clerk = Arc::new(Clerk::new(house));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn({
            let (house, clerk) = (house.clone(), Arc::clone(&clerk));
            move || {
                P::block_on(async {
                    let listener = P::listener(listener);
                    let stopped = async {
                        let _told_or_gone = stopped.await;
                    };
                    if house.in_bytes {
                        let server = server::<Awkward<P::Runtime, false>>(&house);
                        server.serve(listener, clerk, stopped).await;
                    } else {
                        server::<P::Runtime>(&house)
                            .serve(listener, clerk, stopped)
                            .await;
                    }
                });
            }
        });
        Serving {
            address,
            clerk,
            stop: Some(Box::new(move || {
                let _gone_already = stop.send(());
            })),
            thread: Some(thread),
        }
    }
}

fn server<R: Runtime>(house: &House) -> Server<R> {
    let server = Server::new(Arc::clone(&house.config), house.tls.clone());
    let server = server.expect("TLS where it is wanted");
    let server = server
        .max_sessions(house.max_sessions)
        .drain_time(house.drain_time());
    match house.guard() {
        Some(guard) => server.guard(SharedGuard::new(guard)),
        None => server,
    }
}

fn connector<R: Runtime>(guest: &Guest) -> Connector<R> {
    let connector = Connector::new(guest.config.clone());
    match &guest.tls {
        Some(tls) => connector.tls(Arc::clone(tls)),
        None => connector,
    }
}

async fn talk<R: Runtime>(address: &str, guest: &Guest) -> Talk {
    let mut talk = Talk::ended(Outcome::Other("nothing happened".to_owned()));
    let login = async {
        let connecting = connector::<R>(guest).dial(address).await?;
        match guest.answer {
            None => connecting.await,
            Some(password) => {
                let password = Password::new(password)?;
                let ask = |challenge: Challenge| {
                    let answer = challenge.password(password.clone());
                    async { Some(answer) }
                };
                connecting.answered_by(ask).await
            }
        }
    };
    let outcome = match login.await {
        Ok(client) => act(client, guest, &mut talk).await,
        Err(error) => Err(error),
    };
    finish(talk, outcome)
}

async fn talk_retrying<R: Runtime>(address: &str, guest: &Guest) -> Talk {
    let mut talk = Talk::ended(Outcome::Other("nothing happened".to_owned()));
    let connector = connector::<R>(guest);
    let outcome = match connector.connect_with_retry(address, Way::retry()).await {
        Ok(client) => act(client, guest, &mut talk).await,
        Err(error) => Err(error),
    };
    finish(talk, outcome)
}

async fn act<R: Runtime>(
    mut client: Client<R, R::TcpStream>,
    guest: &Guest,
    talk: &mut Talk,
) -> Result<Outcome, Error> {
    let outcome = logged_in(&client, talk);
    for &act in &guest.acts {
        match act {
            Act::Command(line) => talk.replies.push(client.command(line).await?.code().get()),
            Act::Pipeline(lines) => {
                let mut sent = Vec::new();
                for &line in lines {
                    sent.push(client.send(line)?);
                }
                for command in sent {
                    talk.replies
                        .push(client.next_reply(command).await?.code().get());
                }
            }
            Act::Account => {
                let reply = client.account(Account::new(ACCOUNT)?).await?;
                talk.replies.push(reply.code().get());
            }
            Act::Reinitialize => {
                let login = ftp_proto::client::Login::new(USER, PASSWORD)?;
                client.reinitialize(login).await?;
            }
            Act::ClearCommandChannel => client.clear_command_channel().await?,
            Act::Listen => while client.next_event().await?.is_some() {},
            Act::Quit => {
                client.quit().await?;
                break;
            }
        }
    }
    Ok(outcome)
}

/// Only commands: what takes the client by value cannot be begun again.
async fn talk_giving_up<R: Runtime>(address: &str, guest: &Guest) -> Talk {
    let mut talk = Talk::ended(Outcome::Other("nothing happened".to_owned()));
    let outcome = async {
        let mut connecting: Connecting<R, R::TcpStream> =
            connector::<R>(guest).dial(address).await?;
        while !matches!(giving_up!(connecting.next_event())?, Event::LoggedIn(_)) {}
        let mut client = connecting.await?;
        let outcome = logged_in(&client, &mut talk);
        for &act in &guest.acts {
            let Act::Command(line) = act else {
                return Ok(Outcome::Other(format!("{act:?} cannot be given up")));
            };
            let command = client.send(line)?;
            loop {
                let reply = giving_up!(client.next_reply(command))?;
                if reply.code().class() != Class::Preliminary {
                    talk.replies.push(reply.code().get());
                    break;
                }
            }
        }
        Ok(outcome)
    }
    .await;
    finish(talk, outcome)
}

/// Logs in in one task, and does the rest in another.
async fn talk_moving<R: Runtime>(address: &str, guest: &Guest) -> Talk {
    let (come, came) = oneshot::channel();
    let login = R::spawn({
        let (address, guest) = (address.to_owned(), guest.clone());
        async move {
            let connecting = connector::<R>(&guest).dial(&address).await;
            // Begun here, gone on with there.
            drop(come.send(connecting));
        }
    });
    login.await;
    let (go, gone) = oneshot::channel();
    let rest = R::spawn({
        let guest = guest.clone();
        async move {
            let mut talk = Talk::ended(Outcome::Other("nothing happened".to_owned()));
            let outcome = match came.await {
                Ok(Ok(connecting)) => match connecting.await {
                    Ok(client) => act(client, &guest, &mut talk).await,
                    Err(error) => Err(error),
                },
                Ok(Err(error)) => Err(error),
                Err(_) => Ok(Outcome::Other("the task ended".to_owned())),
            };
            drop(go.send(finish(talk, outcome)));
        }
    });
    rest.await;
    gone.await
        .unwrap_or_else(|_| Talk::ended(Outcome::Other("the task ended".to_owned())))
}

fn logged_in<R: Runtime>(client: &Client<R, R::TcpStream>, talk: &mut Talk) -> Outcome {
    let session = client.session().expect("logged in");
    talk.tls = session.tls.as_ref().map(|tls| Tls {
        resumed: tls.resumed,
    });
    Outcome::LoggedIn {
        by: session.logged_in_by,
        then: None,
    }
}

pub(super) fn finish(mut talk: Talk, outcome: Result<Outcome, Error>) -> Talk {
    talk.outcome = outcome.unwrap_or_else(|error| Outcome::of_adapter(&error));
    talk
}

impl<P: Platform> ClientUnderTest for Async<P> {
    fn log_in(&self, server: SocketAddr, setup: &Setup) -> Outcome {
        let outcome = P::block_on(async {
            let guest = Guest {
                config: setup.config.clone(),
                tls: setup.tls.clone(),
                answer: None,
                acts: Vec::new(),
            };
            let connector = connector::<P::Runtime>(&guest);
            let mut client = connector.connect(&server.to_string()).await?;
            let by = client.session().expect("logged in").logged_in_by;
            let mut then = None;
            match setup.then {
                Then::Command(command) => {
                    then = Some(client.command(command).await?.code().get());
                }
                Then::ClearCommandChannel => client.clear_command_channel().await?,
                Then::Reinitialize => {
                    let login = ftp_proto::client::Login::new(USER, PASSWORD)?;
                    client.reinitialize(login).await?;
                }
                Then::Quit => client.quit().await?,
                Then::Leave => {}
            }
            Ok(Outcome::LoggedIn { by, then })
        });
        outcome.unwrap_or_else(|error: Error| Outcome::of_adapter(&error))
    }
}

/// What a server tells the record of a lying client.
pub(super) fn tell(record: &Record, event: &SessionEvent) {
    match event {
        SessionEvent::LoggedIn(_) => record.logged_in(),
        SessionEvent::Closed(why) => record.ended(ServerEnd::Closed(why.clone())),
        SessionEvent::Failed(SessionError::Io(_)) => record.ended(ServerEnd::Lost),
        SessionEvent::Failed(_) => record.ended(ServerEnd::TlsFailed),
        _ => {}
    }
}

struct Witness(Arc<Record>);

impl Handler for Witness {
    async fn authenticate(&self, attempt: Attempt, _: SocketAddr) -> Verdict {
        self.0.check(attempt)
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        tell(&self.0, event);
    }
}

impl<P: Platform> ServerUnderTest for Async<P> {
    fn serve_one(&self, listener: TcpListener, setup: &ServerSetup, record: &Arc<Record>) {
        P::block_on(async {
            let server = Server::<P::Runtime>::new(Arc::clone(&setup.config), setup.tls.clone());
            let server = server.expect("TLS where it is wanted");
            let listener = P::listener(listener);
            let (stream, peer) = P::Runtime::accept(&listener).await.expect("a connection");
            let witness = Witness(Arc::clone(record));
            server
                .run_session(stream, peer, &witness, std::future::pending())
                .await;
        });
    }
}
