//! The guard across connections, asked by the server, on paused time.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use ftp_tokio::ftp_guard::{Guard, GuardConfig, Lockout, Rule, Seed};
use ftp_tokio::{Server, SharedGuard};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::Instant;

fn shared(config: GuardConfig) -> SharedGuard {
    SharedGuard::new(Guard::new(config, Seed::new([7; 16])))
}

/// Two failures of a name at an address lock it.
fn locks_after_two() -> GuardConfig {
    let quarter = Duration::from_secs(15 * 60);
    GuardConfig::new().user_at_address(Rule::within(quarter).lockout(Lockout::after(2)))
}

fn server(guard: &SharedGuard) -> Server {
    Server::new(Arc::new(plain_server()), None)
        .unwrap()
        .guard(guard.clone())
}

fn handler(milliseconds: u64, log: &Log) -> OneUser {
    OneUser {
        check_time: Duration::from_millis(milliseconds),
        log: log.clone(),
        ..OneUser::default()
    }
}

/// A client by hand, and what it heard, with the time since it connected.
struct Caller {
    wire: BufReader<DuplexStream>,
    start: Instant,
    heard: Vec<(Duration, String)>,
}

impl Caller {
    fn connect(server: &Server, handler: OneUser, last: u8) -> Self {
        let (near, far) = tokio::io::duplex(1024);
        let server = server.clone();
        let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, last), 50_000));
        tokio::spawn(async move {
            server
                .run_session(far, peer, &handler, std::future::pending())
                .await;
        });
        Self {
            wire: BufReader::new(near),
            start: Instant::now(),
            heard: Vec::new(),
        }
    }

    async fn hear(&mut self) -> String {
        let mut line = String::new();
        self.wire.read_line(&mut line).await.unwrap();
        self.heard.push((self.start.elapsed(), line.clone()));
        line
    }

    async fn ask(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        self.wire
            .get_mut()
            .write_all(line.as_bytes())
            .await
            .unwrap();
        self.hear().await
    }

    async fn try_password(&mut self, user: &str, password: &str) -> String {
        self.ask(&format!("USER {user}")).await;
        self.ask(&format!("PASS {password}")).await
    }
}

/// Two failures for `earlier`, then one attempt from the same address: all that is heard of it.
async fn heard(
    earlier: &str,
    user: &str,
    password: &str,
    check_time: u64,
) -> Vec<(Duration, String)> {
    let (guard, log) = (shared(locks_after_two()), Log::default());
    let server = server(&guard);
    let mut before = Caller::connect(&server, handler(3, &log), 1);
    before.hear().await;
    for _ in 0..2 {
        before.try_password(earlier, "wrong").await;
    }
    let mut caller = Caller::connect(&server, handler(check_time, &log), 1);
    caller.hear().await;
    caller.try_password(user, password).await;
    caller.ask("NOOP").await;
    caller.heard
}

#[tokio::test(start_paused = true)]
async fn unknown_wrong_locked_and_locked_but_right_look_the_same_in_text_and_time() {
    // A check of an unknown name may be fast, one of a known name slow, one under load slower.
    let wrong = heard("somebody", USER, "wrong", 180).await;
    assert!(wrong[2].1.starts_with("530 "), "{wrong:?}");
    assert_eq!(heard("somebody", "unknown", "wrong", 0).await, wrong);
    assert_eq!(heard(USER, USER, "wrong", 7).await, wrong);
    assert_eq!(heard(USER, USER, PASSWORD, 490).await, wrong);
    // And it is the lock that refuses the right password.
    let right = heard("somebody", USER, PASSWORD, 180).await;
    assert!(right[2].1.starts_with("230 "), "{right:?}");
}

#[tokio::test(start_paused = true)]
async fn checks_beyond_the_floor_are_answered_at_the_same_step() {
    let wrong = heard("somebody", USER, "wrong", 1_010).await;
    assert_eq!(heard("somebody", "unknown", "wrong", 1_200).await, wrong);
    assert_eq!(heard(USER, USER, PASSWORD, 1_100).await, wrong);
    assert!(wrong[2].0 >= Duration::from_millis(1_250), "{wrong:?}");
}

#[tokio::test(start_paused = true)]
async fn a_right_password_is_answered_no_earlier_than_the_floor() {
    let heard = heard("somebody", USER, PASSWORD, 0).await;
    assert_eq!(heard[2].0, Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn failures_count_across_connections_and_elsewhere_the_owner_gets_in() {
    let (guard, log) = (shared(locks_after_two()), Log::default());
    let server = server(&guard);
    for _ in 0..2 {
        let mut caller = Caller::connect(&server, handler(0, &log), 1);
        caller.hear().await;
        assert!(caller.try_password(USER, "wrong").await.starts_with("530 "));
    }
    let mut locked = Caller::connect(&server, handler(0, &log), 1);
    locked.hear().await;
    let reply = locked.try_password(USER, PASSWORD).await;
    assert!(reply.starts_with("530 "), "{reply}");
    assert!(log.contains("checked: Success"), "{:?}", log.lines());
    assert!(log.contains("CheckAndReject"), "{:?}", log.lines());
    let mut owner = Caller::connect(&server, handler(0, &log), 2);
    owner.hear().await;
    let reply = owner.try_password(USER, PASSWORD).await;
    assert!(reply.starts_with("230 "), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn a_guess_is_counted_though_the_client_leaves_before_the_answer() {
    let (guard, log) = (shared(locks_after_two()), Log::default());
    let server = server(&guard);
    for _ in 0..2 {
        let mut caller = Caller::connect(&server, handler(300, &log), 1);
        caller.hear().await;
        caller.ask(&format!("USER {USER}")).await;
        let guess = b"PASS wrong\r\n";
        caller.wire.get_mut().write_all(guess).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(caller);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(guard.with(|guard, _| guard.statistics().failures), 2);
    let mut caller = Caller::connect(&server, handler(0, &log), 1);
    caller.hear().await;
    let reply = caller.try_password(USER, PASSWORD).await;
    assert!(reply.starts_with("530 "), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn accounts_guessed_after_login_are_counted_and_answered_as_passwords_are() {
    let (guard, log) = (shared(locks_after_two()), Log::default());
    let config = plain_server().takes_accounts(true).max_attempts(10);
    let server = Server::new(Arc::new(config), None)
        .unwrap()
        .guard(guard.clone());
    let mut caller = Caller::connect(&server, handler(0, &log), 1);
    caller.hear().await;
    assert!(
        caller
            .try_password(USER, PASSWORD)
            .await
            .starts_with("230 ")
    );
    let mut answered = Vec::new();
    for account in ["wrong", ACCOUNT, "wrong", "wrong", ACCOUNT] {
        let asked = Instant::now();
        let reply = caller.ask(&format!("ACCT {account}")).await;
        answered.push((reply[..3].to_owned(), asked.elapsed().as_millis()));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // The right account is answered no earlier than the guard's floor; a locked one like a wrong one.
    let (codes, times): (Vec<_>, Vec<_>) = answered.into_iter().unzip();
    assert_eq!(codes, ["530", "230", "530", "530", "530"]);
    assert!(times.iter().all(|time| *time >= 500), "{times:?}");
    let statistics = guard.with(|guard, _| guard.statistics());
    assert_eq!((statistics.failures, statistics.lockouts), (4, 1));
    assert!(log.contains("AccountAttempted"), "{:?}", log.lines());
    // The login itself stays, and still counts as one session.
    assert!(caller.ask("PWD").await.starts_with("257 "));
    let mut locked = Caller::connect(&server, handler(0, &log), 1);
    locked.hear().await;
    let reply = locked.try_password(USER, PASSWORD).await;
    assert!(reply.starts_with("530 "), "{reply}");
    let mut owner = Caller::connect(&server, handler(0, &log), 2);
    owner.hear().await;
    assert!(owner.try_password(USER, PASSWORD).await.starts_with("230 "));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_ends_counts_as_failed_and_gives_its_place_back() {
    let (guard, log) = (shared(locks_after_two()), Log::default());
    let server = server(&guard);
    for _ in 0..2 {
        let mut caller = Caller::connect(&server, handler(u64::MAX, &log), 1);
        caller.hear().await;
        let reply = caller.try_password(USER, PASSWORD).await;
        assert!(reply.starts_with("421 Not logged in in time"), "{reply}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(guard.with(|guard, _| guard.connections()), 0);
    }
    assert_eq!(guard.with(|guard, _| guard.statistics().failures), 2);
    assert!(log.contains("closed: not logged in"), "{:?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn too_many_connections_of_an_address_are_refused_and_each_end_makes_room() {
    let (guard, log) = (
        shared(GuardConfig::new().connections_per_address(1)),
        Log::default(),
    );
    let server = server(&guard);
    let mut first = Caller::connect(&server, handler(0, &log), 1);
    assert!(first.hear().await.starts_with("220 "));
    let mut second = Caller::connect(&server, handler(0, &log), 1);
    let reply = second.hear().await;
    assert!(reply.starts_with("421 Service not available"), "{reply}");
    assert!(log.contains("TooManyFromAddress"), "{:?}", log.lines());
    let mut elsewhere = Caller::connect(&server, handler(0, &log), 2);
    assert!(elsewhere.hear().await.starts_with("220 "));
    drop((first, elsewhere));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(guard.with(|guard, _| guard.connections()), 0);
    let mut third = Caller::connect(&server, handler(0, &log), 1);
    assert!(third.hear().await.starts_with("220 "));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_cut_off_gives_its_place_back() {
    let guard = shared(GuardConfig::new());
    let server = server(&guard);
    let (near, far) = tokio::io::duplex(64);
    let handler = OneUser::default();
    let session = server.run_session(far, peer(), &handler, std::future::pending());
    let cut_off = tokio::time::timeout(Duration::from_secs(1), session).await;
    assert!(cut_off.is_err());
    assert_eq!(guard.with(|guard, _| guard.connections()), 0);
    drop(near);
}
