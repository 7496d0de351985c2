//! `ftp-blocking`, as the suite wants an adapter.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ftp_adapter::{Error, SessionEvent, SessionInfo, SharedGuard};
use ftp_blocking::{Client, Connecting, Connector, Handler, Server, Shutdown, Transport};
use ftp_proto::client::{Challenge, CommandId, Event, Login};
use ftp_proto::server::{Attempt, Request, Verdict};
use ftp_proto::wire::{Class, Reply};
use ftp_proto::{Account, Password};

use super::awkward::AwkwardStream;
use super::futures::{finish, tell};
use super::under_load::listener;
use super::{
    Adapter, ClientPlan, ClientRun, ClientStep, DriveMode, FileSettings, ServerSettings, Serving,
    TestHandler, Tls, serving_files,
};
use crate::misbehaving::{
    ACCOUNT, ClientUnderTest, Outcome, PASSWORD, Record, ServerSetup, ServerUnderTest, Setup, USER,
};

/// The adapter for blocking sockets.
pub struct Blocking;

/// How long a call waits that is to be given up.
const MOMENT: Duration = Duration::from_millis(1);

impl Adapter for Blocking {
    fn name(&self) -> &'static str {
        "blocking"
    }

    fn run(&self, mode: DriveMode, address: &str, plan: &ClientPlan) -> ClientRun {
        match mode {
            DriveMode::Plain => converse(plan, || connector(plan).dial(address)),
            DriveMode::InBytes => converse(plan, || awkwardly(address, plan, false)),
            DriveMode::Stuck => converse(plan, || awkwardly(address, plan, true)),
            DriveMode::GivingUp => {
                let [run] = in_turns(address, plan);
                run
            }
            DriveMode::Retrying => {
                let mut run = ClientRun::ended(Outcome::Other("nothing happened".to_owned()));
                let client = connector(plan).connect_with_retry(address, DriveMode::retry());
                let outcome = client.and_then(|client| step(client, plan, &mut run));
                finish(run, outcome)
            }
            DriveMode::Moving => thread::scope(|scope| {
                let login = scope.spawn(|| connector(plan).dial(address));
                let connecting = login.join().expect("no panic");
                let rest = scope.spawn(move || converse(plan, || connecting));
                rest.join().expect("no panic")
            }),
        }
    }

    fn run_at_once(&self, count: usize, address: &str, plan: &ClientPlan) -> Vec<ClientRun> {
        thread::scope(|scope| {
            let run = || self.run(DriveMode::Plain, address, plan);
            let all: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, ClientRun>| thread.join();
            all.into_iter().map(join).map(Result::unwrap).collect()
        })
    }

    fn run_twice(&self, address: &str, plan: &ClientPlan) -> [ClientRun; 2] {
        in_turns(address, plan)
    }

    fn serve(&self, settings: &ServerSettings) -> Serving {
        let listener = listener().expect("a free port");
        let address = listener.local_addr().expect("an address");
        let handler = Arc::new(TestHandler::new(settings));
        let shutdown = Shutdown::new();
        let thread = thread::spawn({
            let (settings, handler, shutdown) =
                (settings.clone(), Arc::clone(&handler), shutdown.clone());
            move || {
                let server = Server::new(Arc::clone(&settings.config), settings.tls.clone());
                let server = server.expect("TLS where it is wanted");
                let mut server = server
                    .max_sessions(settings.max_sessions)
                    .drain_time(settings.drain_time());
                if let Some(guard) = settings.guard() {
                    server = server.guard(SharedGuard::new(guard));
                }
                let server = serving_files!(server, settings.files.clone());
                if settings.in_bytes {
                    serve_in_bytes(&server, &listener, &handler, &shutdown);
                } else {
                    let served = server.serve(listener, handler, &shutdown);
                    served.expect("the listener has an address");
                }
            }
        });
        Serving {
            address,
            handler,
            stop: Some(Box::new(move || shutdown.stop())),
            thread: Some(thread),
        }
    }
}

/// One connection after the other, over an awkward stream.
fn serve_in_bytes(
    server: &Server,
    listener: &TcpListener,
    handler: &Arc<TestHandler>,
    shutdown: &Shutdown,
) {
    listener.set_nonblocking(true).expect("a listener");
    while !shutdown.is_stopped() {
        let Ok((stream, peer)) = listener.accept() else {
            thread::sleep(MOMENT);
            continue;
        };
        stream.set_nonblocking(false).expect("a stream");
        let stream = AwkwardStream {
            stream,
            stuck: false,
        };
        server.run_session(stream, peer, &**handler, shutdown);
    }
}

fn connector(plan: &ClientPlan) -> Connector {
    let connector = Connector::new(plan.config.clone());
    match &plan.tls {
        Some(tls) => connector.tls(Arc::clone(tls)),
        None => connector,
    }
}

fn awkwardly(
    address: &str,
    plan: &ClientPlan,
    stuck: bool,
) -> Result<Connecting<AwkwardStream<TcpStream>>, Error> {
    let stream = TcpStream::connect(address).expect("a server");
    let (host, _) = address.rsplit_once(':').expect("a port");
    connector(plan).start(AwkwardStream { stream, stuck }, host)
}

fn converse<T: Transport>(
    plan: &ClientPlan,
    connect: impl FnOnce() -> Result<Connecting<T>, Error>,
) -> ClientRun {
    let mut run = ClientRun::ended(Outcome::Other("nothing happened".to_owned()));
    let login = || {
        let connecting = connect()?;
        match plan.answer {
            None => connecting.wait(),
            Some(password) => {
                let password = Password::new(password)?;
                let ask = |challenge: Challenge| challenge.password(password.clone());
                connecting.answered_by(ask)
            }
        }
    };
    let outcome = login().and_then(|client| step(client, plan, &mut run));
    finish(run, outcome)
}

fn step<T: Transport>(
    mut client: Client<T>,
    plan: &ClientPlan,
    run: &mut ClientRun,
) -> Result<Outcome, Error> {
    let outcome = logged_in(&client, run);
    for &step in &plan.steps {
        match step {
            ClientStep::Command(line) => run.replies.push(client.command(line)?.code().get()),
            ClientStep::Pipeline(lines) => {
                let mut sent = Vec::new();
                for &line in lines {
                    sent.push(client.send(line)?);
                }
                for command in sent {
                    run.replies.push(client.next_reply(command)?.code().get());
                    let again = client.next_reply(command);
                    assert!(matches!(again, Err(Error::AlreadyAnswered)), "{again:?}");
                }
            }
            ClientStep::Account => {
                let reply = client.account(Account::new(ACCOUNT)?)?;
                run.replies.push(reply.code().get());
            }
            ClientStep::Reinitialize => client.reinitialize(Login::new(USER, PASSWORD)?)?,
            ClientStep::ClearCommandChannel => client.clear_command_channel()?,
            ClientStep::Listen => while client.next_event()?.is_some() {},
            ClientStep::Quit => {
                client.quit()?;
                break;
            }
        }
    }
    Ok(outcome)
}

/// A run that is driven a moment at a time, by one who has other things to do. Only commands, as in
/// the async adapters.
struct Hesitant<'a> {
    connecting: Option<Connecting>,
    client: Option<Client>,
    open: Option<CommandId>,
    steps: std::slice::Iter<'a, ClientStep>,
    run: ClientRun,
}

impl<'a> Hesitant<'a> {
    fn new(address: &str, plan: &'a ClientPlan) -> Result<Self, Error> {
        Ok(Self {
            connecting: Some(connector(plan).dial(address)?),
            client: None,
            open: None,
            steps: plan.steps.iter(),
            run: ClientRun::ended(Outcome::Other("nothing happened".to_owned())),
        })
    }

    /// For a moment. Says whether all is done.
    fn go_on(&mut self) -> Result<bool, Error> {
        if let Some(connecting) = &mut self.connecting {
            if let Poll::Ready(Event::LoggedIn(_)) = connecting.next_event_within(MOMENT)? {
                let connecting = self.connecting.take().ok_or(Error::Closed)?;
                self.client = Some(connecting.wait()?);
            }
            return Ok(false);
        }
        let client = self.client.as_mut().ok_or(Error::Closed)?;
        if self.open.is_none() {
            self.open = match self.steps.next() {
                None => {
                    self.run.outcome = logged_in(client, &mut self.run);
                    return Ok(true);
                }
                Some(ClientStep::Command(line)) => Some(client.send(*line)?),
                Some(step) => panic!("{step:?} cannot be given up"),
            };
        }
        if let Poll::Ready(Some(Event::Reply { command, reply })) =
            client.next_event_within(MOMENT)?
            && Some(command) == self.open
            && reply.code().class() != Class::Preliminary
        {
            self.run.replies.push(reply.code().get());
            self.open = None;
        }
        Ok(false)
    }
}

/// Talks by turns, a moment each, until all are done.
fn in_turns<const N: usize>(address: &str, plan: &ClientPlan) -> [ClientRun; N] {
    let mut talks = [(); N].map(|()| Hesitant::new(address, plan));
    let mut done = [false; N];
    while !done.iter().all(|done| *done) {
        for (run, done) in talks.iter_mut().zip(&mut done) {
            if let (Ok(hesitant), false) = (&mut *run, *done) {
                match hesitant.go_on() {
                    Ok(over) => *done = over,
                    Err(error) => *run = Err(error),
                }
            } else {
                *done = true;
            }
        }
    }
    talks.map(|run| match run {
        Ok(hesitant) => hesitant.run,
        Err(error) => ClientRun::ended(Outcome::of_adapter(&error)),
    })
}

fn logged_in<T: Transport>(client: &Client<T>, run: &mut ClientRun) -> Outcome {
    let session = client.session().expect("logged in");
    run.tls = session.tls.as_ref().map(|tls| Tls {
        resumed: tls.resumed,
    });
    Outcome::LoggedIn {
        by: session.logged_in_by,
        then: None,
    }
}

impl ClientUnderTest for Blocking {
    fn log_in(&self, server: SocketAddr, setup: &Setup) -> Outcome {
        let plan = ClientPlan {
            config: setup.config.clone(),
            tls: setup.tls.clone(),
            answer: None,
            steps: Vec::new(),
        };
        let log_in = || {
            let mut client = connector(&plan).connect(&server.to_string())?;
            let by = client.session().expect("logged in").logged_in_by;
            let mut then = None;
            match setup.then.as_deref() {
                None => {}
                Some("QUIT") => client.quit()?,
                Some("CCC") => client.clear_command_channel()?,
                Some("REIN") => {
                    let login = Login::new(USER, PASSWORD)?;
                    client.reinitialize(login)?;
                }
                Some(command) => then = Some(client.command(command)?.code().get()),
            }
            Ok(Outcome::LoggedIn { by, then })
        };
        log_in().unwrap_or_else(|error: Error| Outcome::of_adapter(&error))
    }
}

struct RecordingHandler(Arc<Record>);

impl Handler for RecordingHandler {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        self.0.check(attempt)
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }

    fn event(&self, _: &SessionInfo, event: &SessionEvent) {
        tell(&self.0, event);
    }
}

impl ServerUnderTest for Blocking {
    fn serve_one(&self, listener: TcpListener, setup: &ServerSetup, record: &Arc<Record>) {
        let server = Server::new(Arc::clone(&setup.config), setup.tls.clone());
        let server = server.expect("TLS where it is wanted");
        let (stream, peer) = listener.accept().expect("a connection");
        let handler = RecordingHandler(Arc::clone(record));
        server.run_session(stream, peer, &handler, &Shutdown::new());
    }
}
