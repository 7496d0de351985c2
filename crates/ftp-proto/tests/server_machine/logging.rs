//! What the machine logs with the `tracing` feature on.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::dialogue::plain;
use crate::harness::{Server, seconds};

const SENTINEL: &str = "sentinel-77ab";

/// Keeps every line, and fails at once if one shows the secret.
struct Watch(Arc<Mutex<Vec<String>>>);

impl Visit for Watch {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let line = format!("{}={value:?}", field.name());
        assert!(!line.contains(SENTINEL), "{line}");
        self.0.lock().unwrap().push(line);
    }
}

impl Subscriber for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Watch(Arc::clone(&self.0)));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn the_log_shows_the_dialogue_and_no_secret() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    tracing::subscriber::set_global_default(Watch(Arc::clone(&lines))).unwrap();
    let mut server = Server::new(plain().takes_accounts(true));
    server.said();
    server.send("USER logged-name");
    server.send(&format!("PASS {SENTINEL}"));
    server.sleep(seconds(1));
    server.send("USER logged-name");
    server.send("PASS account");
    server.send("ACCT main");
    server.send(&format!("ACCT {SENTINEL}"));
    let lines = lines.lock().unwrap();
    for expected in [
        "command=USER logged-name",
        "command=PASS ****",
        "command=ACCT ****",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}");
    }
    assert!(lines.iter().any(|line| line == "phase=logged in"));
}
