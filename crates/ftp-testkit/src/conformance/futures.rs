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
use super::{
    Adapter, ClientPlan, ClientRun, ClientStep, DriveMode, FileSettings, ServerSettings, Serving,
    TestHandler, Tls, serving_files,
};
use crate::misbehaving::{
    ACCOUNT, ClientUnderTest, Outcome, PASSWORD, Record, ServerEnd, ServerSetup, ServerUnderTest,
    Setup, USER,
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

    fn run(&self, mode: DriveMode, address: &str, plan: &ClientPlan) -> ClientRun {
        P::block_on(async {
            match mode {
                DriveMode::Plain => run::<P::Runtime>(address, plan).await,
                DriveMode::InBytes => run::<Awkward<P::Runtime, false>>(address, plan).await,
                DriveMode::Stuck => run::<Awkward<P::Runtime, true>>(address, plan).await,
                DriveMode::GivingUp => talk_giving_up::<P::Runtime>(address, plan).await,
                DriveMode::Retrying => talk_retrying::<P::Runtime>(address, plan).await,
                DriveMode::Moving => talk_moving::<P::Runtime>(address, plan).await,
            }
        })
    }

    fn run_at_once(&self, count: usize, address: &str, plan: &ClientPlan) -> Vec<ClientRun> {
        P::block_on(join_all(
            (0..count).map(|_| run::<P::Runtime>(address, plan)),
        ))
    }

    fn run_twice(&self, address: &str, plan: &ClientPlan) -> [ClientRun; 2] {
        let both = join(
            run::<P::Runtime>(address, plan),
            run::<P::Runtime>(address, plan),
        );
        P::block_on(both).into()
    }

    fn serve(&self, settings: &ServerSettings) -> Serving {
        let listener = listener().expect("a free port");
        let address = listener.local_addr().expect("an address");
        let handler = Arc::new(TestHandler::new(settings));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn({
            let (settings, handler) = (settings.clone(), Arc::clone(&handler));
            move || {
                P::block_on(async {
                    let listener = P::listener(listener);
                    let stopped = async {
                        let _told_or_gone = stopped.await;
                    };
                    if settings.in_bytes {
                        let server = server::<Awkward<P::Runtime, false>>(&settings);
                        server.serve(listener, handler, stopped).await;
                    } else {
                        server::<P::Runtime>(&settings)
                            .serve(listener, handler, stopped)
                            .await;
                    }
                });
            }
        });
        Serving {
            address,
            handler,
            stop: Some(Box::new(move || {
                let _gone_already = stop.send(());
            })),
            thread: Some(thread),
        }
    }
}

fn server<R: Runtime>(settings: &ServerSettings) -> Server<R> {
    let server = Server::new(Arc::clone(&settings.config), settings.tls.clone());
    let server = server.expect("TLS where it is wanted");
    let server = server
        .max_sessions(settings.max_sessions)
        .drain_time(settings.drain_time());
    let server = serving_files!(server, settings.files.clone());
    match settings.guard() {
        Some(guard) => server.guard(SharedGuard::new(guard)),
        None => server,
    }
}

pub(super) fn connector<R: Runtime>(plan: &ClientPlan) -> Connector<R> {
    let connector = Connector::new(plan.config.clone());
    match &plan.tls {
        Some(tls) => connector.tls(Arc::clone(tls)),
        None => connector,
    }
}

async fn run<R: Runtime>(address: &str, plan: &ClientPlan) -> ClientRun {
    let mut run = ClientRun::ended(Outcome::Other("nothing happened".to_owned()));
    let login = async {
        let connecting = connector::<R>(plan).dial(address).await?;
        match plan.answer {
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
        Ok(client) => step(client, plan, &mut run).await,
        Err(error) => Err(error),
    };
    finish(run, outcome)
}

async fn talk_retrying<R: Runtime>(address: &str, plan: &ClientPlan) -> ClientRun {
    let mut run = ClientRun::ended(Outcome::Other("nothing happened".to_owned()));
    let connector = connector::<R>(plan);
    let outcome = match connector
        .connect_with_retry(address, DriveMode::retry())
        .await
    {
        Ok(client) => step(client, plan, &mut run).await,
        Err(error) => Err(error),
    };
    finish(run, outcome)
}

async fn step<R: Runtime>(
    mut client: Client<R, R::TcpStream>,
    plan: &ClientPlan,
    run: &mut ClientRun,
) -> Result<Outcome, Error> {
    let outcome = logged_in(&client, run);
    for &step in &plan.steps {
        match step {
            ClientStep::Command(line) => run.replies.push(client.command(line).await?.code().get()),
            ClientStep::Pipeline(lines) => {
                let mut sent = Vec::new();
                for &line in lines {
                    sent.push(client.send(line)?);
                }
                for command in sent {
                    let reply = client.next_reply(command).await?;
                    run.replies.push(reply.code().get());
                    let again = client.next_reply(command).await;
                    assert!(matches!(again, Err(Error::AlreadyAnswered)), "{again:?}");
                }
            }
            ClientStep::Account => {
                let reply = client.account(Account::new(ACCOUNT)?).await?;
                run.replies.push(reply.code().get());
            }
            ClientStep::Reinitialize => {
                let login = ftp_proto::client::Login::new(USER, PASSWORD)?;
                client.reinitialize(login).await?;
            }
            ClientStep::ClearCommandChannel => client.clear_command_channel().await?,
            ClientStep::Listen => while client.next_event().await?.is_some() {},
            ClientStep::Quit => {
                client.quit().await?;
                break;
            }
        }
    }
    Ok(outcome)
}

/// Only commands: what takes the client by value cannot be begun again.
async fn talk_giving_up<R: Runtime>(address: &str, plan: &ClientPlan) -> ClientRun {
    let mut run = ClientRun::ended(Outcome::Other("nothing happened".to_owned()));
    let outcome = async {
        let mut connecting: Connecting<R, R::TcpStream> =
            connector::<R>(plan).dial(address).await?;
        while !matches!(giving_up!(connecting.next_event())?, Event::LoggedIn(_)) {}
        let mut client = connecting.await?;
        let outcome = logged_in(&client, &mut run);
        for &step in &plan.steps {
            let ClientStep::Command(line) = step else {
                return Ok(Outcome::Other(format!("{step:?} cannot be given up")));
            };
            let command = client.send(line)?;
            loop {
                let reply = giving_up!(client.next_reply(command))?;
                if reply.code().class() != Class::Preliminary {
                    run.replies.push(reply.code().get());
                    break;
                }
            }
        }
        Ok(outcome)
    }
    .await;
    finish(run, outcome)
}

/// Logs in in one task, and does the rest in another.
async fn talk_moving<R: Runtime>(address: &str, plan: &ClientPlan) -> ClientRun {
    let (come, came) = oneshot::channel();
    let login = R::spawn({
        let (address, plan) = (address.to_owned(), plan.clone());
        async move {
            let connecting = connector::<R>(&plan).dial(&address).await;
            // Begun here, gone on with there.
            drop(come.send(connecting));
        }
    });
    login.await;
    let (go, gone) = oneshot::channel();
    let rest = R::spawn({
        let plan = plan.clone();
        async move {
            let mut run = ClientRun::ended(Outcome::Other("nothing happened".to_owned()));
            let outcome = match came.await {
                Ok(Ok(connecting)) => match connecting.await {
                    Ok(client) => step(client, &plan, &mut run).await,
                    Err(error) => Err(error),
                },
                Ok(Err(error)) => Err(error),
                Err(_) => Ok(Outcome::Other("the task ended".to_owned())),
            };
            drop(go.send(finish(run, outcome)));
        }
    });
    rest.await;
    gone.await
        .unwrap_or_else(|_| ClientRun::ended(Outcome::Other("the task ended".to_owned())))
}

fn logged_in<R: Runtime>(client: &Client<R, R::TcpStream>, run: &mut ClientRun) -> Outcome {
    let session = client.session().expect("logged in");
    run.tls = session.tls.as_ref().map(|tls| Tls {
        resumed: tls.resumed,
    });
    Outcome::LoggedIn {
        by: session.logged_in_by,
        then: None,
    }
}

pub(super) fn finish(mut run: ClientRun, outcome: Result<Outcome, Error>) -> ClientRun {
    run.outcome = outcome.unwrap_or_else(|error| Outcome::of_adapter(&error));
    run
}

impl<P: Platform> ClientUnderTest for Async<P> {
    fn log_in(&self, server: SocketAddr, setup: &Setup) -> Outcome {
        let outcome = P::block_on(async {
            let plan = ClientPlan {
                config: setup.config.clone(),
                tls: setup.tls.clone(),
                answer: None,
                steps: Vec::new(),
            };
            let connector = connector::<P::Runtime>(&plan);
            let mut client = connector.connect(&server.to_string()).await?;
            let by = client.session().expect("logged in").logged_in_by;
            let mut then = None;
            match setup.then.as_deref() {
                None => {}
                Some("QUIT") => client.quit().await?,
                Some("CCC") => client.clear_command_channel().await?,
                Some("REIN") => {
                    let login = ftp_proto::client::Login::new(USER, PASSWORD)?;
                    client.reinitialize(login).await?;
                }
                Some(command) => then = Some(client.command(command).await?.code().get()),
            }
            Ok(Outcome::LoggedIn { by, then })
        });
        outcome.unwrap_or_else(|error: Error| Outcome::of_adapter(&error))
    }
}

/// Records what a server reports of a misbehaving client.
pub(super) fn tell(record: &Record, event: &SessionEvent) {
    match event {
        SessionEvent::LoggedIn(_) => record.logged_in(),
        SessionEvent::Closed(why) => record.ended(ServerEnd::Closed(why.clone())),
        SessionEvent::Failed(SessionError::Io(_)) => record.ended(ServerEnd::Lost),
        SessionEvent::Failed(_) => record.ended(ServerEnd::TlsFailed),
        _ => {}
    }
}

struct RecordingHandler(Arc<Record>);

impl Handler for RecordingHandler {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
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
            let handler = RecordingHandler(Arc::clone(record));
            server
                .run_session(stream, peer, &handler, std::future::pending())
                .await;
        });
    }
}
