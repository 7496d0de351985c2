//! The lines of a dialogue in a file, as transcripts and misbehaving peers share them.

/// A line that is neither empty nor a remark (`#`).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Line<'a> {
    /// `S: `: what the server says.
    Server(&'a str),
    /// `C: `: what the client says.
    Client(&'a str),
    /// Anything else.
    Word(&'a str),
}

/// The lines of a text, each with its number.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, Line<'_>)> {
    let numbered = text.lines().zip(1..);
    numbered
        .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
        .map(
            |(line, number)| match (line.strip_prefix("S: "), line.strip_prefix("C: ")) {
                (Some(said), _) => (number, Line::Server(said)),
                (_, Some(said)) => (number, Line::Client(said)),
                _ => (number, Line::Word(line)),
            },
        )
}
