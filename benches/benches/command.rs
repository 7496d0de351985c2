//! Commands: what a client sends in a session, and one with a long path.
#![forbid(unsafe_code)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_benches::split_lines;
use ftp_proto::wire::{CommandParser, Status};
use smtp_proto::Request;

const SESSION: &[u8] = b"AUTH TLS\r\nPBSZ 0\r\nPROT P\r\nUSER developer\r\nPASS a pass phrase\r\n\
    SYST\r\nFEAT\r\nOPTS UTF8 ON\r\nPWD\r\nTYPE I\r\nCWD /pub/releases\r\nEPSV\r\n\
    RETR ftp-proto-0.1.0.tar.gz\r\nSIZE README.md\r\nMDTM README.md\r\nNOOP\r\nQUIT\r\n";

/// A session of as many lines in SMTP, for smtp-proto.
const SMTP_SESSION: &[u8] = b"EHLO client.example.com\r\nSTARTTLS\r\nEHLO client.example.com\r\n\
    MAIL FROM:<anna@example.com>\r\nRCPT TO:<bert@example.org>\r\nRCPT TO:<carl@example.org>\r\n\
    RCPT TO:<dora@example.org>\r\nRSET\r\nNOOP\r\nMAIL FROM:<anna@example.com>\r\n\
    RCPT TO:<bert@example.org>\r\nDATA\r\nRSET\r\nVRFY anna\r\nHELP\r\nNOOP\r\nQUIT\r\n";

fn ftp_proto(mut bytes: &[u8]) -> usize {
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

fn smtp_proto(bytes: &[u8]) -> usize {
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

fn httparse(mut bytes: &[u8]) -> usize {
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

fn commands(criterion: &mut Criterion) {
    let path = "/directory".repeat(400);
    let long = format!("RETR {path}\r\n").into_bytes();
    let http_long = format!("GET {path} HTTP/1.1\r\n\r\n").into_bytes();
    let http_session = b"GET /pub/releases HTTP/1.1\r\n\r\n".repeat(17);
    for (name, bytes, smtp, http) in [
        ("session", SESSION, Some(SMTP_SESSION), http_session),
        ("long_path", &long, None, http_long),
    ] {
        let mut group = criterion.benchmark_group(format!("command/{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("floor", |b| b.iter(|| split_lines(black_box(bytes))));
        group.bench_function("ftp_proto", |b| b.iter(|| ftp_proto(black_box(bytes))));
        if let Some(smtp) = smtp {
            group.throughput(Throughput::Bytes(smtp.len() as u64));
            group.bench_function("smtp_proto", |b| b.iter(|| smtp_proto(black_box(smtp))));
        }
        group.throughput(Throughput::Bytes(http.len() as u64));
        group.bench_function("httparse", |b| b.iter(|| httparse(black_box(&http))));
        group.finish();
    }
}

criterion_group!(benches, commands);
criterion_main!(benches);
