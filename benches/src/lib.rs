//! What the benchmarks share: the floor below every line parser, and inputs.
#![forbid(unsafe_code)]

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

/// A multi-line reply of at least `length` bytes, as sites send for a banner.
pub fn banner(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        bytes.extend_from_slice(
            b"230-Mirrors are updated every six hours; be kind to the others who wait.\r\n",
        );
    }
    bytes.extend_from_slice(b"230 User anonymous logged in.\r\n");
    bytes
}

/// An HTTP response head of about the same lines as [`banner`], for httparse.
pub fn http_head(length: usize) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 230 User anonymous logged in.\r\n".to_vec();
    while bytes.len() < length {
        bytes.extend_from_slice(
            b"x-banner: Mirrors are updated every six hours; be kind to the others here.\r\n",
        );
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}
