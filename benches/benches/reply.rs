//! Replies: short ones, a banner, FEAT, and a banner of 64 KiB, whole and in chunks of 4 KiB.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::{banner, http_head, split_lines};
use ftp_proto::wire::{ReplyParser, Status};
use smtp_proto::response::parser::ResponseReceiver;

/// The replies of a login over explicit TLS.
const SHORT: &[u8] = b"220 FTP server ready.\r\n\
    234 Proceed with negotiation.\r\n\
    200 PBSZ set to 0.\r\n\
    200 PROT now Private.\r\n\
    331 Please specify the password.\r\n\
    230 Login successful.\r\n\
    257 \"/\" is the current directory\r\n\
    200 Switching to Binary mode.\r\n\
    250 Directory successfully changed.\r\n\
    221 Goodbye.\r\n";

/// As many HTTP responses of one line, for httparse.
const HTTP_SHORT: &[u8] = b"HTTP/1.1 220 FTP server ready.\r\n\r\n\
    HTTP/1.1 234 Proceed with negotiation.\r\n\r\n\
    HTTP/1.1 200 PBSZ set to 0.\r\n\r\n\
    HTTP/1.1 200 PROT now Private.\r\n\r\n\
    HTTP/1.1 331 Please specify the password.\r\n\r\n\
    HTTP/1.1 230 Login successful.\r\n\r\n\
    HTTP/1.1 257 \"/\" is the current directory\r\n\r\n\
    HTTP/1.1 200 Switching to Binary mode.\r\n\r\n\
    HTTP/1.1 250 Directory successfully changed.\r\n\r\n\
    HTTP/1.1 221 Goodbye.\r\n\r\n";

const FEAT: &[u8] =
    b"211-Features:\r\n AUTH SSL\r\n AUTH TLS\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n \
    PBSZ\r\n PROT\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n211 End\r\n";

fn ftp_proto(mut bytes: &[u8]) -> usize {
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

fn ftp_proto_in_chunks(bytes: &[u8], size: usize) -> usize {
    let mut parser = ReplyParser::default();
    let mut end = 0;
    loop {
        end = bytes.len().min(end + size);
        match parser.parse(&bytes[..end]) {
            Ok(Status::Complete(reply, length)) => return reply.raw().len() + length,
            Ok(Status::Partial) => assert!(end < bytes.len()),
            Err(error) => panic!("{error}"),
        }
    }
}

fn smtp_proto(bytes: &[u8]) -> usize {
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

fn httparse(mut bytes: &[u8]) -> usize {
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

fn replies(criterion: &mut Criterion) {
    let (small, large) = (banner(1500), banner(64 * 1024));
    for (name, bytes, http) in [
        ("short", SHORT, Some(HTTP_SHORT.to_vec())),
        ("banner", &small, Some(http_head(1500))),
        ("feat", FEAT, None),
        ("banner_64k", &large, Some(http_head(64 * 1024))),
    ] {
        let mut group = criterion.benchmark_group(format!("reply/{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("floor", |b| b.iter(|| split_lines(black_box(bytes))));
        group.bench_function("ftp_proto", |b| b.iter(|| ftp_proto(black_box(bytes))));
        if name == "short" || name == "banner" {
            group.bench_function("smtp_proto", |b| b.iter(|| smtp_proto(black_box(bytes))));
        }
        if let Some(http) = http {
            group.throughput(Throughput::Bytes(http.len() as u64));
            group.bench_function("httparse", |b| b.iter(|| httparse(black_box(&http))));
        }
        group.finish();
    }

    let mut group = criterion.benchmark_group("reply/banner_64k_in_4k_chunks");
    group.throughput(Throughput::Bytes(large.len() as u64));
    group.bench_function("floor", |b| {
        b.iter(|| {
            black_box(&large)
                .chunks(4096)
                .map(split_lines)
                .sum::<usize>()
        });
    });
    group.bench_function("ftp_proto", |b| {
        b.iter(|| ftp_proto_in_chunks(black_box(&large), 4096));
    });
    group.finish();
}

criterion_group!(benches, replies);
criterion_main!(benches);
