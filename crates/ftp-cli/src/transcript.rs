//! The dialogue as it happens: shown to the user, and kept for the report. Secrets are masked
//! before a line is stored or printed.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Style;
use ftp_adapter::Error;
use ftp_proto::client::Protection;
use ftp_proto::wire::{Class, CommandRef, Reply, ReplyRef, Verb, escape};
use ftp_proto::{Dialogue, Observer, TlsSession};
use serde::Serialize;

use crate::mask::Mask;
use crate::notice::Notice;
use crate::output::{Output, complain};

/// Which way a line went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// From us to the server.
    Sent,
    /// From the server to us.
    Received,
    /// Not a line: TLS starts or ends here.
    Tls,
}

impl Direction {
    fn arrow(self) -> char {
        match self {
            Self::Sent => '→',
            Self::Received => '←',
            Self::Tls => '⇄',
        }
    }
}

/// One line of the dialogue, without secrets.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) dir: Direction,
    pub(crate) line: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dir.arrow(), self.line)
    }
}

/// Where lines are shown while the dialogue runs.
pub(crate) struct Live {
    /// `None`: standard error, because something else goes to standard output.
    pub(crate) output: Option<Arc<Output>>,
    /// Printed before each line.
    pub(crate) indent: &'static str,
    /// How the lines are laid out.
    pub(crate) layout: Layout,
}

/// How a dialogue is laid out.
pub(crate) enum Layout {
    /// As it came, a line each.
    Lines,
    /// The same, with the time since the start.
    Timed,
    /// A command and its reply beside each other. Of a reply of many lines, the first.
    Beside {
        /// A command that has no reply yet.
        unanswered: Mutex<Option<Entry>>,
    },
}

/// The width of a command with its reply beside it.
const COMMAND_WIDTH: usize = 20;

/// Watches one connection.
pub(crate) struct Recorder {
    start: Instant,
    live: Option<Live>,
    /// How many lines are kept: the last ones.
    kept: usize,
    recording: Mutex<Recording>,
    /// A notice, while the server has sent nothing.
    waiting: Mutex<Option<Notice>>,
}

/// How long a server may be silent before the user gets a notice.
const SILENCE: Duration = Duration::from_secs(1);

/// How many lines are kept of a dialogue that may last. A login has fewer.
const LAST_LINES: usize = 64;

/// What was recorded so far.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
    /// Whether any reply was irregular.
    pub(crate) irregular: bool,
    /// The TLS session in force.
    pub(crate) tls: Option<TlsSession>,
    pub(crate) protection: ProtectionSeen,
    pub(crate) times: Times,
    /// The secrets to hide.
    pub(crate) mask: Mask,
}

impl Recorder {
    /// Starts the clock with the phase `connect`.
    pub(crate) fn new(live: Option<Live>) -> Self {
        Self {
            start: Instant::now(),
            live,
            kept: usize::MAX,
            recording: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// The same for dialogues that may last: keeps only the last lines.
    pub(crate) fn of_last_lines(live: Option<Live>) -> Self {
        Self {
            kept: LAST_LINES,
            ..Self::new(live)
        }
    }

    /// Looks at what was recorded so far.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Recording) -> T) -> T {
        look(&self.recording())
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection is made. The time from here is the greeting's.
    pub(crate) fn connected(&self) {
        self.recording()
            .times
            .enter(TimedPhase::Greeting, self.start.elapsed());
        if self.is_live() && io::stderr().is_terminal() {
            let say = || complain("waiting for the greeting…");
            self.wait(Some(Notice::after(SILENCE, say)));
        }
    }

    fn wait(&self, notice: Option<Notice>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = notice;
    }

    /// Whether each line is shown as it comes.
    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// A reply as it may be shown by now.
    pub(crate) fn shown(&self, reply: &Reply) -> Reply {
        self.recording().mask.reply(reply)
    }

    /// An error in words that may be shown.
    pub(crate) fn shown_error(&self, error: &Error) -> String {
        self.recording().mask.error(error)
    }

    /// Stops the clock and hands over what was recorded. If the dialogue ended in a phase before
    /// its first command, `phase` says in which.
    pub(crate) fn take(&self, phase: TimedPhase) -> Recording {
        self.wait(None);
        let mut recording = self.recording();
        recording.times.end(phase, self.start.elapsed());
        std::mem::take(&mut *recording)
    }
}

impl Observer for Recorder {
    fn observe(&self, _now: ftp_proto::Instant, dialogue: Dialogue<'_>) {
        let elapsed = self.start.elapsed();
        self.wait(None);
        let mut recording = self.recording();
        recording.times.observe(&dialogue, elapsed);
        let (dir, lines) = match dialogue {
            Dialogue::Command(command) => {
                recording.mask.sent(command);
                recording.protection.sent(command);
                (Direction::Sent, vec![command.to_string()])
            }
            Dialogue::Reply(reply) => {
                recording.irregular |= reply.is_irregular();
                recording.protection.received(reply);
                let shown = recording.mask.received(reply);
                (Direction::Received, lines_of(shown.borrow()))
            }
            Dialogue::TlsStarted(session) => {
                recording.tls = Some(session.clone());
                (Direction::Tls, vec![describe(session)])
            }
            Dialogue::TlsStopped => {
                recording.tls = None;
                (
                    Direction::Tls,
                    vec!["TLS is closed; clear text from here".to_owned()],
                )
            }
            // Steps that this program does not know are not shown.
            _ => return,
        };
        if let Some(live) = &self.live {
            live.show(dir, &lines, elapsed);
        }
        for line in lines {
            let entry = Entry { dir, line };
            if recording.entries.len() >= self.kept {
                recording.entries.remove(0);
            }
            recording.entries.push(entry);
        }
    }
}

impl Live {
    fn show(&self, dir: Direction, lines: &[String], elapsed: Duration) {
        if let Layout::Beside { unanswered } = &self.layout {
            let mut unanswered = unanswered.lock().unwrap_or_else(PoisonError::into_inner);
            return self.show_beside(&mut unanswered, dir, lines);
        }
        for line in lines {
            let shown = self.painted(dir, line);
            self.line(&match self.layout {
                Layout::Timed => format!("{:>9.3} {shown}", elapsed.as_secs_f64()),
                _ => shown,
            });
        }
    }

    fn show_beside(&self, unanswered: &mut Option<Entry>, dir: Direction, lines: &[String]) {
        let line = match lines {
            [] => return,
            [line] => line.clone(),
            [first, ..] => format!("{first} … ({} lines)", lines.len()),
        };
        let before = unanswered.take();
        let before = before.map(|entry| entry.to_string()).unwrap_or_default();
        if dir == Direction::Received {
            let blanks = " ".repeat(COMMAND_WIDTH.saturating_sub(before.chars().count()));
            let reply = self.painted(dir, &line);
            return self.line(&format!("{before}{blanks}  {reply}"));
        }
        if !before.is_empty() {
            self.line(&before);
        }
        match dir {
            Direction::Sent => *unanswered = Some(Entry { dir, line }),
            _ => self.line(&self.painted(dir, &line)),
        }
    }

    /// The line as it is shown, in colours if standard output is a terminal that has them.
    fn painted(&self, dir: Direction, line: &str) -> String {
        let entry = Entry {
            dir,
            line: line.to_owned(),
        };
        let style = match (dir, line.as_bytes().first()) {
            (Direction::Received, Some(b'4' | b'5')) => Style::new().red(),
            (Direction::Received, Some(b'2')) => Style::new().green(),
            (Direction::Tls, _) => Style::new().cyan(),
            _ => Style::new(),
        };
        match self.output {
            Some(_) => style.apply_to(entry).to_string(),
            None => entry.to_string(),
        }
    }

    fn line(&self, line: &str) {
        let line = format!("{}{line}", self.indent);
        match &self.output {
            Some(output) => output.line(&line),
            None => complain(line),
        }
    }
}

/// `TLS 1.3 TLS13_AES_256_GCM_SHA384`, and whether it was resumed.
fn describe(session: &TlsSession) -> String {
    let resumed = if session.resumed { ", resumed" } else { "" };
    format!("{} {}{resumed}", session.version, session.cipher_suite)
}

/// The lines of a reply as they came over the wire.
fn lines_of(reply: ReplyRef<'_>) -> Vec<String> {
    let raw = reply.raw();
    raw.strip_suffix(b"\n")
        .unwrap_or(raw)
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .map(|line| escape(line).to_string())
        .collect()
}

/// The protection of data connections, found from the dialogue: a failed login has no session to
/// ask.
#[derive(Default)]
pub(crate) struct ProtectionSeen {
    /// For each unanswered command, whether it asked for protection.
    unanswered: VecDeque<bool>,
    is_private: bool,
}

impl ProtectionSeen {
    pub(crate) fn agreed(&self) -> Protection {
        match self.is_private {
            true => Protection::Private,
            false => Protection::Clear,
        }
    }

    fn sent(&mut self, command: CommandRef<'_>) {
        let asks = command.verb() == Verb::Prot && command.argument() == Some(b"P");
        self.unanswered.push_back(asks);
    }

    fn received(&mut self, reply: ReplyRef<'_>) {
        // Without a command before it, it is the greeting.
        if reply.code().class() != Class::Preliminary && self.unanswered.pop_front() == Some(true) {
            self.is_private = reply.code().class() == Class::Completion;
        }
    }
}

/// A phase whose time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimedPhase {
    Connect,
    Greeting,
    Security,
    User,
    Password,
    Account,
    Ready,
}

impl TimedPhase {
    pub(crate) const ALL: [Self; 7] = [
        Self::Connect,
        Self::Greeting,
        Self::Security,
        Self::User,
        Self::Password,
        Self::Account,
        Self::Ready,
    ];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Security => "security",
            Self::User => "user",
            Self::Password => "password",
            Self::Account => "account",
            Self::Ready => "ready",
        }
    }

    /// The phase with this name; others than a login's count as `ready`.
    pub(crate) fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|phase| phase.name() == name)
            .unwrap_or(Self::Ready)
    }

    /// The phase that a command belongs to.
    fn of_command(command: CommandRef<'_>) -> Self {
        match command.verb() {
            Verb::Auth | Verb::Pbsz | Verb::Prot => Self::Security,
            Verb::Host | Verb::User => Self::User,
            Verb::Pass => Self::Password,
            Verb::Acct => Self::Account,
            _ => Self::Ready,
        }
    }
}

/// How long each phase took, measured from the dialogue: a failed login has no session to ask.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    spent: [Duration; TimedPhase::ALL.len()],
    /// The phase that the time from `since` on belongs to.
    phase: Option<TimedPhase>,
    since: Duration,
}

impl Times {
    pub(crate) fn of(&self, phase: TimedPhase) -> Duration {
        self.spent.get(phase as usize).copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, phase: TimedPhase, time: Duration) {
        if let Some(spent) = self.spent.get_mut(phase as usize) {
            *spent = time;
        }
    }

    /// Ends the phase before, and starts `phase`.
    fn enter(&mut self, phase: TimedPhase, elapsed: Duration) {
        let before = self.phase.replace(phase).unwrap_or(TimedPhase::Connect);
        let spent = self.of(before) + elapsed.saturating_sub(self.since);
        self.set(before, spent);
        self.since = elapsed;
    }

    /// The dialogue ended in `phase`. Under implicit TLS the handshake comes before the first line,
    /// so only this shows that it was the handshake.
    fn end(&mut self, phase: TimedPhase, elapsed: Duration) {
        if self.phase == Some(TimedPhase::Greeting) {
            self.phase = Some(phase);
        }
        self.enter(phase, elapsed);
    }

    fn observe(&mut self, dialogue: &Dialogue<'_>, elapsed: Duration) {
        match dialogue {
            Dialogue::Command(command) => {
                let phase = match (TimedPhase::of_command(*command), self.phase) {
                    // `FEAT` and `OPTS UTF8 ON`, which may come before `USER`.
                    (
                        TimedPhase::Ready,
                        Some(TimedPhase::Greeting | TimedPhase::Security | TimedPhase::User),
                    ) if matches!(command.verb(), Verb::Feat | Verb::Opts) => TimedPhase::User,
                    (phase, _) => phase,
                };
                self.enter(phase, elapsed);
            }
            // Under implicit TLS the handshake comes first, then the greeting.
            Dialogue::TlsStarted(_) if self.phase == Some(TimedPhase::Greeting) => {
                self.phase = Some(TimedPhase::Security);
                self.enter(TimedPhase::Greeting, elapsed);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftp_proto::TlsVersion;
    use ftp_proto::wire::Command;

    const SECOND: Duration = Duration::from_secs(1);

    fn times(steps: &[&str], end: TimedPhase) -> [u64; TimedPhase::ALL.len()] {
        let tls = TlsSession::new(TlsVersion::Tls13, "suite");
        let mut times = Times::default();
        let mut now = SECOND;
        times.enter(TimedPhase::Greeting, now);
        for step in steps {
            now += SECOND;
            match Command::from_line(step) {
                Ok(command) => times.observe(&Dialogue::Command(command.borrow()), now),
                Err(_) => times.observe(&Dialogue::TlsStarted(&tls), now),
            }
        }
        times.end(end, now + SECOND);
        TimedPhase::ALL.map(|phase| times.of(phase).as_secs())
    }

    #[test]
    fn time_is_counted_to_the_phase_it_was_spent_in() {
        // connect, greeting, security, user, password, account, ready
        let explicit = [
            "AUTH TLS", "", "PBSZ 0", "PROT P", "USER a", "PASS b", "ACCT c", "QUIT",
        ];
        assert_eq!(times(&explicit, TimedPhase::Ready), [1, 1, 4, 1, 1, 1, 1]);
        let utf8 = ["FEAT", "OPTS UTF8 ON", "USER a", "PASS b", "FEAT"];
        assert_eq!(times(&utf8, TimedPhase::Ready), [1, 1, 0, 3, 1, 0, 1]);
        let implicit = ["", "PBSZ 0", "PROT P", "USER a"];
        assert_eq!(times(&implicit, TimedPhase::User), [1, 1, 3, 1, 0, 0, 0]);
        assert_eq!(times(&[], TimedPhase::Greeting), [1, 1, 0, 0, 0, 0, 0]);
        assert_eq!(times(&[], TimedPhase::Security), [1, 0, 1, 0, 0, 0, 0]);
    }
}
