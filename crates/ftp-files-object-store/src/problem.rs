//! What goes wrong with a store: for the client, and for those who run the server.

use std::fmt;

use ftp_proto::server::FileError;
use object_store::Error;

/// What went wrong with the store itself, for the log of those who run the server: see
/// [`Bucket::on_failure`](crate::Bucket::on_failure). Clients get a
/// [`FileError`] and no more.
///
/// The text has the keys of objects, but no credentials: the query of a URL and what the store answered are
/// left out, since they may have signatures; only the code of the answer stays.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(error: &Error) -> Self {
        Self::text(&error.to_string())
    }

    pub(crate) fn text(text: &str) -> Self {
        Self(plain(text))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failure").field(&self.0).finish()
    }
}

impl std::error::Error for Failure {}

/// In the order in which an operation meets them.
#[derive(Debug)]
pub(crate) enum Problem {
    /// It cannot be done.
    Files(FileError),
    /// The store says so.
    Store(Error),
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        Self::Files(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Problem {
    /// The server's error.
    pub(crate) fn kind(&self) -> FileError {
        match self {
            Self::Files(error) => *error,
            Self::Store(error) => match error {
                Error::NotFound { .. } => FileError::NotFound,
                Error::AlreadyExists { .. } => FileError::Exists,
                Error::PermissionDenied { .. }
                | Error::Unauthenticated { .. }
                | Error::InvalidPath { .. } => FileError::NotAllowed,
                Error::NotSupported { .. } | Error::NotImplemented { .. } => {
                    FileError::NotSupported
                }
                error if is_below_a_file(error) => FileError::NotFound,
                _ => FileError::Failed,
            },
        }
    }

    /// What those who run the server should know.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Store(Error::NotFound { .. } | Error::AlreadyExists { .. }) | Self::Files(_) => {
                None
            }
            Self::Store(error) => Some(Failure::new(error)),
        }
    }
}

/// On disk, a file has nothing below it.
fn is_below_a_file(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let kind = error.downcast_ref().map(std::io::Error::kind);
        if kind == Some(std::io::ErrorKind::NotADirectory) {
            return true;
        }
        source = error.source();
    }
    false
}

/// Whether the store cannot do "only if there is nothing".
pub(crate) fn is_not_offered(error: &Error) -> bool {
    matches!(
        error,
        Error::NotImplemented { .. } | Error::NotSupported { .. }
    )
}

/// Where the answer of a server begins in the text of an error, and how it is said.
const ANSWERS: [&str; 2] = ["status code: ", "error response: "];
const LONGEST: usize = 500;

/// Without the queries of URLs, and without what a server answered but for its code.
fn plain(text: &str) -> String {
    let (text, code) = match ANSWERS.iter().find_map(|start| text.split_once(start)) {
        Some((before, answer)) => {
            // "403 Forbidden: <?xml …"
            let status = answer
                .split(['<', '{', ':', '\n'])
                .next()
                .unwrap_or_default();
            let code = between(answer, "<Code>", "</Code>");
            (
                before,
                [Some(status.trim()), code]
                    .map(Option::unwrap_or_default)
                    .join(" "),
            )
        }
        None => (text, String::new()),
    };
    let mut plain = without_queries(text);
    plain.push_str(&code);
    let end = (0..=LONGEST.min(plain.len())).rfind(|at| plain.is_char_boundary(*at));
    plain.truncate(end.unwrap_or_default());
    plain.retain(|char| !char.is_control());
    plain.trim_end().to_owned()
}

fn without_queries(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut is_query = false;
    for char in text.chars() {
        match char {
            '?' => is_query = true,
            ' ' | ')' | '"' | '\'' | '>' => is_query = false,
            _ => {}
        }
        if !is_query {
            plain.push(char);
        }
    }
    plain
}

/// A word between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    let (word, _) = rest.split_once(end)?;
    let is_word = word.len() <= 64 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(word).filter(|_| is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signature_and_no_answer_is_in_the_text() {
        let text = "Generic S3 error: Error performing GET http://host/b/k?X-Amz-Signature=SECRET \
                    in 1s, after 5 retries - Server returned non-2xx status code: 403 Forbidden: \
                    <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code>\
                    <AWSAccessKeyId>SECRET</AWSAccessKeyId></Error>";
        assert_eq!(
            plain(text),
            "Generic S3 error: Error performing GET http://host/b/k in 1s, after 5 retries - \
             Server returned non-2xx 403 Forbidden SignatureDoesNotMatch"
        );
        let text =
            "x (https://a/b?sig=SECRET): Server returned error response: <Code>a b</Code>SECRET";
        assert_eq!(plain(text), "x (https://a/b): Server returned");
        assert!(plain(&"ü".repeat(1000)).len() <= LONGEST);
    }
}
