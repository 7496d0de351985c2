//! Reading replies: ours, and the peers' nearest thing.

use ftp_proto::wire::{ReplyParser, Status};
use smtp_proto::response::parser::ResponseReceiver;

/// Every reply in `bytes`, which are all there.
pub fn ftp_proto(mut bytes: &[u8]) -> usize {
    let mut parser = ReplyParser::default();
    let mut sum = 0;
    while !bytes.is_empty() {
        let Ok(Status::Complete(reply, length)) = parser.parse(bytes) else {
            panic!("not a reply");
        };
        sum += usize::from(reply.code().get()) + reply.raw().len();
        bytes = &bytes[length..];
    }
    sum
}

/// Every reply in `bytes`, which arrive in chunks of `size`: the parser is called once for each chunk, and once
/// more for each reply that ends in it.
pub fn ftp_proto_in_chunks(bytes: &[u8], size: usize) -> usize {
    let mut parser = ReplyParser::default();
    let (mut start, mut end, mut sum) = (0, 0, 0);
    while end < bytes.len() {
        end = bytes.len().min(end + size);
        while start < end {
            match parser.parse(&bytes[start..end]) {
                Ok(Status::Complete(reply, length)) => {
                    sum += usize::from(reply.code().get()) + reply.raw().len();
                    start += length;
                }
                Ok(Status::Partial) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(start, bytes.len(), "the input ends with a whole reply");
    sum
}

/// smtp-proto's receiver, which knows SMTP's lines only: every line has a code.
pub fn smtp_proto(bytes: &[u8]) -> usize {
    let mut rest = bytes.iter();
    let mut sum = 0;
    while !rest.as_slice().is_empty() {
        let Ok(reply) = ResponseReceiver::default().parse(&mut rest) else {
            panic!("not a reply");
        };
        sum += usize::from(reply.code) + reply.message.len();
    }
    sum
}

/// httparse on HTTP responses.
pub fn httparse(mut bytes: &[u8]) -> usize {
    let mut sum = 0;
    while !bytes.is_empty() {
        // Initialised only as far as it is used, so that its size costs nothing.
        let mut fields = [const { std::mem::MaybeUninit::uninit() }; 1024];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields);
        let Ok(httparse::Status::Complete(length)) = parsed else {
            panic!("not a response");
        };
        sum += usize::from(response.code.unwrap_or_default()) + length;
        bytes = &bytes[length..];
    }
    sum
}
