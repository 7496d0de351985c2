//! Reading commands: ours, and the peers' nearest thing.

use std::hint::black_box;

use ftp_proto::wire::{CommandParser, Status};
use smtp_proto::Request;

/// Every command in `bytes`, which are all there.
pub fn ftp_proto(mut bytes: &[u8]) -> usize {
    let mut parser = CommandParser::default();
    let mut sum = 0;
    while !bytes.is_empty() {
        let Ok(Status::Complete(command, length)) = parser.parse(bytes) else {
            panic!("not a command");
        };
        sum += command.verb() as usize + command.argument().map_or(0, <[u8]>::len);
        bytes = &bytes[length..];
    }
    sum
}

/// Every command in `bytes`, which arrive in chunks of `size`.
pub fn ftp_proto_in_chunks(bytes: &[u8], size: usize) -> usize {
    let mut parser = CommandParser::default();
    let (mut start, mut end, mut sum) = (0, 0, 0);
    while end < bytes.len() {
        end = bytes.len().min(end + size);
        while start < end {
            match parser.parse(&bytes[start..end]) {
                Ok(Status::Complete(command, length)) => {
                    sum += command.verb() as usize + command.argument().map_or(0, <[u8]>::len);
                    start += length;
                }
                Ok(Status::Partial) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(start, bytes.len(), "the input ends with a whole command");
    sum
}

/// smtp-proto's requests, which own what they hold.
pub fn smtp_proto(bytes: &[u8]) -> usize {
    let mut rest = bytes.iter();
    let mut count = 0;
    while !rest.as_slice().is_empty() {
        let Ok(request) = Request::parse(&mut rest) else {
            panic!("not a request")
        };
        black_box(request);
        count += 1;
    }
    count
}

/// httparse on HTTP requests.
pub fn httparse(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 1];
        let mut request = httparse::Request::new(&mut fields);
        let Ok(httparse::Status::Complete(length)) = request.parse(bytes) else {
            panic!("not a request");
        };
        black_box(request.path);
        bytes = &bytes[length..];
        count += 1;
    }
    count
}
