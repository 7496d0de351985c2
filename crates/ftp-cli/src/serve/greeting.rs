//! The greeting from a file.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use ftp_proto::server::Config;
use ftp_proto::wire::{Code, Reply, ReplyParser, Status};

use crate::encoding;
use crate::exit::Failure;

/// Greets with the lines of a file, if clients accept them.
pub(super) fn greet(config: Config, path: &Path) -> Result<Config, Failure> {
    let source = format!("the greeting {}", path.display());
    let bytes =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {source}: {error}")))?;
    let text = encoding::plain(&source, &bytes)?;
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines = || {
        let lines = text.split(|byte| *byte == b'\n');
        lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    };
    let unusable = |why: &dyn Display| Failure::usage(format!("{source} {why}"));
    let greeting = Reply::multiline(Code::READY, lines()).map_err(|why| unusable(&why.problem))?;
    // What our client refuses, others refuse, too.
    match ReplyParser::default().parse(greeting.raw()) {
        Ok(Status::Complete(read, _)) if read.lines().eq(lines()) => {}
        Ok(_) => return Err(unusable(&"is not a reply")),
        Err(why) => {
            let line = greeting.raw().get(..why.at).unwrap_or_default();
            let line = line.split(|byte| *byte == b'\n').count();
            return Err(unusable(&format!(
                "is refused by clients at line {line}: {why}"
            )));
        }
    }
    config
        .greeting(lines())
        .map_err(|why| unusable(&why.problem))
}
