//! Hashes of files: `HASH` (draft-bryan-ftpext-hash), and `XSHA256` and its like.

use ftp_proto::wire::{Command, Reply, Verb};

use super::exchange::completed;
use super::{Exchange, Known, Turn};
use crate::Error;

/// The hash of a file, as the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hash {
    /// The algorithm by the name that `HASH` has for it: `SHA-512`, `SHA-256`, `SHA-1`, `MD5`, `CRC32`.
    pub algorithm: &'static str,
    /// The hash in small hexadecimal digits, as many as the algorithm has.
    pub hex: String,
    /// What the server said.
    pub reply: Reply,
}

/// An algorithm.
#[derive(Debug, Clone, Copy)]
struct Algorithm {
    name: &'static str,
    /// Its own command.
    verb: &'static str,
    /// How many digits.
    digits: usize,
}

/// The best first.
const ALGORITHMS: [Algorithm; 5] = [
    algorithm("SHA-512", "XSHA512", 128),
    algorithm("SHA-256", "XSHA256", 64),
    algorithm("SHA-1", "XSHA1", 40),
    algorithm("MD5", "XMD5", 32),
    algorithm("CRC32", "XCRC", 8),
];

const fn algorithm(name: &'static str, verb: &'static str, digits: usize) -> Algorithm {
    Algorithm { name, verb, digits }
}

/// Asks for the hash of a file: with `HASH` if `FEAT` lists it, else with the command of the best
/// algorithm that it lists.
#[derive(Debug)]
#[must_use = "nothing is sent before a client runs it"]
pub struct Hashing {
    path: Vec<u8>,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Begin,
    /// The reply to `OPTS HASH`.
    Chosen,
    /// The reply to `HASH`.
    Hash,
    /// The reply to the command of one algorithm.
    Own(Algorithm),
}

impl Hashing {
    /// Of this file.
    ///
    /// # Errors
    /// [`Error::InvalidCommand`] if the path is empty or holds CR, LF or NUL.
    pub fn new(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        let path = path.as_ref().to_vec();
        Command::with_path(Verb::Hash, &path)?;
        Ok(Self {
            path,
            step: Step::Begin,
        })
    }

    fn begin(&mut self, known: &Known) -> Result<Command, Error> {
        let offered = |name: &str| {
            let mut choices = known
                .features()
                .into_iter()
                .flat_map(|it| it.hash_algorithms());
            choices.find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
        };
        if known.lists("HASH") {
            let best = ALGORITHMS.iter().find(|best| offered(best.name).is_some());
            return match best {
                Some(best) if offered(best.name).is_some_and(|(_, is_chosen)| !is_chosen) => {
                    self.step = Step::Chosen;
                    let arguments = format!("HASH {}", best.name);
                    Ok(Command::with_argument(Verb::Opts, arguments)?)
                }
                _ => self.hash(),
            };
        }
        let own = ALGORITHMS.iter().find(|best| known.lists(best.verb));
        let own = *own.ok_or(Error::NotSupported("HASH"))?;
        self.step = Step::Own(own);
        Ok(Command::from_line(
            [own.verb.as_bytes(), b" ", &self.path].concat(),
        )?)
    }

    fn hash(&mut self) -> Result<Command, Error> {
        self.step = Step::Hash;
        Ok(Command::with_path(Verb::Hash, &self.path)?)
    }
}

impl Exchange for Hashing {
    type Output = Hash;

    fn needs_features(&self) -> bool {
        true
    }

    fn next(&mut self, known: &mut Known, reply: Option<Reply>) -> Result<Turn<Hash>, Error> {
        let Some(reply) = reply else {
            return self.begin(known).map(Turn::Send);
        };
        let (verb, read) = match self.step {
            // If it was refused, another algorithm is in force, and the reply to `HASH` names it.
            Step::Begin | Step::Chosen => return self.hash().map(Turn::Send),
            Step::Hash => {
                let reply = completed(Verb::Hash, reply)?;
                (Verb::Hash, read_hash(reply))
            }
            Step::Own(algorithm) => {
                let verb = Verb::from_name(algorithm.verb.as_bytes());
                let reply = completed(verb, reply)?;
                (verb, read_own(algorithm, reply))
            }
        };
        read.map(Turn::Done)
            .map_err(|reply| Error::UnusableReply { verb, reply })
    }
}

/// `213 SHA-256 0-49 169cd22282da7f147cb491e559e9dd filename`.
fn read_hash(reply: Reply) -> Result<Hash, Reply> {
    let found = reply.lines().find_map(|line| {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let name = words.next()?;
        let algorithm = ALGORITHMS
            .iter()
            .find(|known| known.name.as_bytes().eq_ignore_ascii_case(name))?;
        // The range may be left out; the name of the file comes last.
        let hex = words.take(2).find_map(|word| digits(word, *algorithm))?;
        Some((algorithm.name, hex))
    });
    match found {
        Some((algorithm, hex)) => Ok(Hash {
            algorithm,
            hex,
            reply,
        }),
        None => Err(reply),
    }
}

/// `250 169CD222…`, with other words around it.
fn read_own(algorithm: Algorithm, reply: Reply) -> Result<Hash, Reply> {
    let mut found: Vec<_> = reply
        .lines()
        .flat_map(|line| line.split(u8::is_ascii_whitespace))
        .filter_map(|word| digits(word, algorithm))
        .collect();
    found.dedup();
    match (found.pop(), found.is_empty()) {
        (Some(hex), true) => Ok(Hash {
            algorithm: algorithm.name,
            hex,
            reply,
        }),
        // More than one: a file may have a hash for its name.
        _ => Err(reply),
    }
}

/// The word in small letters, if it has the digits of the algorithm.
fn digits(word: &[u8], algorithm: Algorithm) -> Option<String> {
    let is_hash = word.len() == algorithm.digits && word.iter().all(u8::is_ascii_hexdigit);
    is_hash.then(|| String::from_utf8_lossy(word).to_ascii_lowercase())
}
