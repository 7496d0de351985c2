//! A program of its own, because the subscriber is the whole process's: with the feature `tracing`
//! both machines log the dialogue and no secret. The subscriber panics as soon as one appears.

#[allow(dead_code, reason = "the tests in `main` use the rest")]
#[path = "main/common/mod.rs"]
mod common;
#[allow(dead_code, reason = "the tests in `main` use the rest")]
#[path = "main/server_machine/harness.rs"]
mod harness;

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Once;

use common::{ACCOUNT, Dialogue, PASSWORD, known};
use ftp_proto::server::{Config, Security};
use harness::{Server, seconds};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

const SENTINEL: &str = "sentinel-77ab";

thread_local! {
    /// What was logged in this thread, which is what one test did.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on everything is logged, in every thread.
fn log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Watch).unwrap());
}

fn logged() -> String {
    LINES.with_borrow(|lines| lines.join("\n"))
}

struct Watch;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl Subscriber for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        for secret in [PASSWORD, ACCOUNT, SENTINEL] {
            assert!(!line.0.contains(secret), "a secret is in a log line");
        }
        LINES.with_borrow_mut(|lines| lines.push(line.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_client_logs_phases_and_masked_lines() {
    log();
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331 Password for developer.\r\n");
    // What a server was told it may repeat, in the reply or in a later one.
    dialogue.hear(format!("332-{PASSWORD} is right.\r\n332 Account.\r\n"));
    dialogue.hear(format!("230 Welcome to {ACCOUNT}.\r\n"));
    dialogue.send("STAT");
    dialogue.hear(format!("211-Who\r\n {PASSWORD}\r\n211 End\r\n"));
    dialogue.send("SITE PSWD correct horse research");
    dialogue.hear(format!("530 {PASSWORD}\r\n"));
    let lines = logged();
    for expected in [
        "TRACE side=\"client\" command=USER developer",
        "TRACE side=\"client\" command=PASS ****",
        "TRACE side=\"client\" command=ACCT ****",
        "TRACE side=\"client\" reply=331 Password for developer.",
        "TRACE side=\"client\" reply=332 ****",
        "TRACE side=\"client\" reply=230 ****",
        "TRACE side=\"client\" command=STAT",
        "TRACE side=\"client\" reply=211 ****",
        "TRACE side=\"client\" command=SITE PSWD ****",
        "DEBUG side=\"client\" phase=ready",
    ] {
        assert!(lines.contains(expected), "{expected} in\n{lines}");
    }
}

#[test]
fn a_server_logs_the_dialogue_and_no_secret() {
    log();
    let config = Config::new().security(Security::DangerousPlaintext);
    let mut server = Server::new(config.takes_accounts(true));
    server.said();
    server.send("USER logged-name");
    server.send(&format!("PASS {SENTINEL}"));
    server.sleep(seconds(1));
    server.send("USER logged-name");
    server.send("PASS account");
    server.send("ACCT main");
    server.send(&format!("ACCT {SENTINEL}"));
    let lines = logged();
    for expected in [
        "side=\"server\" command=USER logged-name",
        "side=\"server\" command=PASS ****",
        "side=\"server\" command=ACCT ****",
        "side=\"server\" phase=logged in",
    ] {
        assert!(lines.contains(expected), "{expected} in\n{lines}");
    }
}
