//! With the feature `tracing`: the dialogue is logged, secrets are not. The subscriber panics as
//! soon as one appears.
#![cfg(feature = "tracing")]

mod common;

use std::fmt::Debug;
use std::sync::Mutex;

use common::{ACCOUNT, Dialogue, PASSWORD, known};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

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
        for secret in [PASSWORD, ACCOUNT] {
            assert!(!line.0.contains(secret), "a secret is in a log line");
        }
        LINES.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn phases_and_masked_lines_are_logged() {
    tracing::subscriber::set_global_default(Watch).unwrap();
    let mut dialogue = Dialogue::plain(known());
    dialogue.hear("331 Password for developer.\r\n");
    // What a server was told it may repeat, in the reply or in a later one.
    dialogue.hear(format!("332-{PASSWORD} is right.\r\n332 Account.\r\n"));
    dialogue.hear(format!("230 Welcome to {ACCOUNT}.\r\n"));
    dialogue.send("STAT");
    dialogue.hear(format!("211-Who\r\n {PASSWORD}\r\n211 End\r\n"));
    dialogue.send("SITE PSWD correct horse research");
    dialogue.hear(format!("530 {PASSWORD}\r\n"));
    let lines = LINES.lock().unwrap().join("\n");
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
