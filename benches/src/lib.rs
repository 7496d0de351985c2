//! What the benchmarks share: inputs, and the work that is measured on them. Each piece of work is a function of
//! its input alone and returns a number that depends on all of it, so that criterion, callgrind and the counting
//! allocator measure the same thing.
#![forbid(unsafe_code)]

pub mod blocking;
pub mod commands;
pub mod inputs;
pub mod listings;
pub mod login;
pub mod replies;
pub mod suppaftp;
pub mod tls;
pub mod transfers;

/// The least that a reader of lines must do: find each end with `memchr_iter`, and touch the line.
pub fn split_lines(bytes: &[u8]) -> usize {
    let mut start = 0;
    let mut sum = 0;
    for newline in memchr::memchr_iter(b'\n', bytes) {
        let line = &bytes[start..newline];
        sum += usize::from(line.first().copied().unwrap_or_default()) + line.len();
        start = newline + 1;
    }
    sum
}

/// [`split_lines`] for bytes that arrive in chunks: each is searched once, a line may reach over several.
pub fn split_lines_in_chunks(bytes: &[u8], size: usize) -> usize {
    let mut start = 0;
    let mut offset = 0;
    let mut sum = 0;
    for chunk in bytes.chunks(size) {
        for newline in memchr::memchr_iter(b'\n', chunk) {
            let line = &bytes[start..offset + newline];
            sum += usize::from(line.first().copied().unwrap_or_default()) + line.len();
            start = offset + newline + 1;
        }
        offset += chunk.len();
    }
    sum
}
