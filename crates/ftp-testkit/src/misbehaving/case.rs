//! A misbehaving peer: what it does, and what must come of it. `misbehaving/README.md` documents
//! the files.

use std::collections::HashSet;
use std::path::Path;

use super::script::{Side, Step};
use super::{try_client, try_server};
use crate::lines::{Line, lines};

/// A misbehaving peer.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What it does that it should not.
    pub about: String,
    /// What it does, step by step.
    pub script: Vec<Step>,
    /// How the connection is to be protected.
    pub security: Protected,
    /// What a client does after the login: a command, `QUIT`, `CCC` or `REIN`.
    pub then: Option<String>,
    /// What must come of it, in words: one of these. More than one only where that is a matter of
    /// timing.
    pub expects: Vec<String>,
    /// The codes that a client must hear, in order. `None` where it cannot hear them all.
    pub hears: Option<String>,
    /// How many passwords a server must have checked.
    pub checked: usize,
    /// How many logins a server must have seen.
    pub logins: usize,
    /// What else of the configuration of the other side matters, as in the file.
    pub(super) settings: Vec<String>,
}

/// How a connection is to be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protected {
    /// Not at all.
    #[default]
    Clear,
    /// By `AUTH TLS`.
    ExplicitTls,
    /// From the first byte.
    ImplicitTls,
}

/// All misbehaving servers.
///
/// # Panics
/// If a file cannot be read, or has a line that is none.
pub fn servers() -> Vec<Case> {
    load(Side::Server, "servers")
}

/// All misbehaving clients.
///
/// # Panics
/// As [`servers`].
pub fn clients() -> Vec<Case> {
    load(Side::Client, "clients")
}

fn load(side: Side, folder: &str) -> Vec<Case> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = manifest.join("misbehaving").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder of the cases");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a file of cases");
        let cases = Case::parse(&text, side);
        cases.unwrap_or_else(|(line, what)| panic!("{}:{line}: {what}", path.display()))
    };
    paths.iter().flat_map(read).collect()
}

impl Case {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// The number of the first line that cannot stand where it does, and why.
    pub fn parse(text: &str, side: Side) -> Result<Vec<Self>, (usize, &'static str)> {
        let mut cases: Vec<Self> = Vec::new();
        for (number, line) in lines(text) {
            if let Line::Word(word) = line
                && let Some(title) = word.strip_prefix("CASE ")
            {
                let (name, about) = title.split_once(": ").ok_or((number, "no name"))?;
                cases.push(Self {
                    name: name.to_owned(),
                    about: about.to_owned(),
                    ..Self::default()
                });
                continue;
            }
            let case = cases.last_mut().ok_or((number, "no CASE before it"))?;
            let taken = case.setting(line, side).or_else(|| case.step(line, side));
            taken.ok_or((number, "not a line of a case"))?;
        }
        let is_open = |case: &Self| case.expects.is_empty();
        match cases.iter().any(is_open) {
            true => Err((text.lines().count(), "a case without EXPECT")),
            false => Ok(cases),
        }
    }

    fn step(&mut self, line: Line<'_>, side: Side) -> Option<()> {
        let step = Step::parse(line, side)?;
        match (self.script.last_mut(), &step) {
            (Some(Step::Say(before)), Step::Say(more)) => before.extend_from_slice(more),
            _ => self.script.push(step),
        }
        Some(())
    }

    /// What is no step.
    fn setting(&mut self, line: Line<'_>, side: Side) -> Option<()> {
        let Line::Word(line) = line else {
            return None;
        };
        let (word, rest) = line.split_once(' ')?;
        match (word, side) {
            ("EXPECT", _) => self.expects.push(rest.to_owned()),
            ("SECURITY", _) => {
                self.security = match rest {
                    "explicit TLS" => Protected::ExplicitTls,
                    "implicit TLS" => Protected::ImplicitTls,
                    _ => return None,
                }
            }
            ("THEN", Side::Server) => self.then = Some(rest.to_owned()),
            ("HEARS", Side::Client) => self.hears = Some(rest.to_owned()),
            ("CHECKED", Side::Client) => self.checked = rest.parse().ok()?,
            ("LOGINS", Side::Client) => self.logins = rest.parse().ok()?,
            ("DEADLINE" | "WITH", _) => {
                match side {
                    Side::Server => try_client::setting(line).map(drop)?,
                    Side::Client => try_server::setting(line).map(drop)?,
                }
                self.settings.push(line.to_owned());
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn has(&self, setting: &str) -> bool {
        self.settings.iter().any(|found| found == setting)
    }

    /// Whether a client is to trust its certificate.
    pub fn is_trusted(&self) -> bool {
        !self.has(try_client::ANOTHER_CA)
    }

    /// Whether it is about more than what is said: about time, the transport, TLS, or what the methods
    /// of an adapter make of it after the login.
    pub fn needs_sockets(&self) -> bool {
        let is_transport = |step: &Step| !matches!(step, Step::Say(_) | Step::Hear(_));
        let is_timed = |setting: &String| {
            setting.starts_with("DEADLINE") || setting == try_client::FOREIGN_ENDS
        };
        let is_switch =
            |expect: &String| expect.contains("TLS failed") || expect.contains("before tls switch");
        self.script.iter().any(is_transport)
            || self.settings.iter().any(is_timed)
            || self.expects.iter().any(is_switch)
            || self.then.is_some()
    }

    /// What must come of it without code and phase: "refused".
    fn kind(&self) -> String {
        let expects = &self.expects[0];
        let what = expects
            .split_once(" in ")
            .map_or(&**expects, |(what, _)| what);
        what.chars().filter(|sign| sign.is_alphabetic()).collect()
    }
}

/// Those to be played over sockets: all that need them, and of the others the first that leads to
/// each end, because each adapter reports it in a type of its own.
pub(super) fn over_sockets(cases: Vec<Case>) -> Vec<Case> {
    let mut kinds = HashSet::new();
    let is_chosen = |case: &Case| {
        let is_first = kinds.insert((case.kind(), case.then.is_some()));
        is_first || case.needs_sockets()
    };
    cases.into_iter().filter(is_chosen).collect()
}
