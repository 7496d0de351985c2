//! Instructions of each piece of work, counted by callgrind. `./instructions` makes a table of them and holds it
//! against `instructions.tsv`.
//!
//! Everything that is done once in a program, such as looking which instructions the processor knows, is done in the
//! set-up, which is not counted; nor is dropping what is handed back.
#![forbid(unsafe_code)]

use std::hint::black_box;

use ftp_benches::blocking::Stream;
use ftp_benches::inputs::{
    FEAT, SESSION, SHORT, SMTP_SESSION, as_http, banner, banner_of_lines, http_session, long_path,
};
use ftp_benches::listings::{DOS, LIST, MLSD, listing};
use ftp_benches::login::{Setup, Way, Wire};
use ftp_benches::{
    blocking, commands, listings, replies, split_lines, split_lines_in_chunks, suppaftp, tls,
    transfers,
};
use ftp_blocking::Client;
use ftp_proto::data::Direction;
use ftp_proto::{client, server};
use gungraun::{library_benchmark, library_benchmark_group, main};

/// The input, once everything has run once.
fn warm(bytes: Vec<u8>) -> Vec<u8> {
    black_box(split_lines(&bytes));
    black_box(replies::ftp_proto(SHORT));
    black_box(replies::ftp_proto(FEAT));
    black_box(commands::ftp_proto(SESSION));
    black_box(commands::ftp_proto(&long_path()));
    bytes
}

#[library_benchmark]
#[bench::short(args = (SHORT.to_vec()), setup = warm)]
#[bench::banner_5(args = (banner_of_lines(5)), setup = warm)]
#[bench::banner_10(args = (banner_of_lines(10)), setup = warm)]
#[bench::banner_20(args = (banner_of_lines(20)), setup = warm)]
#[bench::feat(args = (FEAT.to_vec()), setup = warm)]
#[bench::banner_64k(args = (banner(64 * 1024)), setup = warm)]
fn reply_floor(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (split_lines(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::short(args = (SHORT.to_vec()), setup = warm)]
#[bench::banner_5(args = (banner_of_lines(5)), setup = warm)]
#[bench::banner_10(args = (banner_of_lines(10)), setup = warm)]
#[bench::banner_20(args = (banner_of_lines(20)), setup = warm)]
#[bench::feat(args = (FEAT.to_vec()), setup = warm)]
#[bench::banner_64k(args = (banner(64 * 1024)), setup = warm)]
fn reply_ftp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (replies::ftp_proto(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::short(args = (SHORT.to_vec()), setup = warm)]
#[bench::banner_20(args = (banner_of_lines(20)), setup = warm)]
fn reply_smtp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (replies::smtp_proto(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::short(args = (as_http(SHORT)), setup = warm)]
#[bench::banner_20(args = (as_http(&banner_of_lines(20))), setup = warm)]
fn reply_httparse(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (replies::httparse(black_box(&bytes)), bytes)
}

fn peer(reply: &[u8]) -> suppaftp::Memory {
    let mut memory = suppaftp::Memory::new(reply);
    memory.round();
    memory
}

#[library_benchmark]
#[bench::short(args = (b"331 Please specify the password.\r\n"), setup = peer)]
#[bench::banner_20(args = (&banner_of_lines(20)), setup = peer)]
fn reply_suppaftp_with_command(mut memory: suppaftp::Memory) -> (usize, suppaftp::Memory) {
    (memory.round(), memory)
}

#[library_benchmark]
#[bench::command_alone(args = (b"200 Done.\r\n"), setup = peer)]
fn reply_suppaftp(mut memory: suppaftp::Memory) -> (usize, suppaftp::Memory) {
    (memory.command_alone(), memory)
}

#[library_benchmark]
#[bench::in_4k(args = (banner(64 * 1024)), setup = warm)]
fn reply_chunks_floor(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (split_lines_in_chunks(black_box(&bytes), 4096), bytes)
}

#[library_benchmark]
#[bench::in_4k(args = (banner(64 * 1024)), setup = warm)]
fn reply_chunks_ftp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (replies::ftp_proto_in_chunks(black_box(&bytes), 4096), bytes)
}

#[library_benchmark]
#[bench::of_4k(args = (banner(4 * 1024)), setup = warm)]
#[bench::of_64k(args = (banner(64 * 1024)), setup = warm)]
fn reply_bytewise_floor(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (split_lines_in_chunks(black_box(&bytes), 1), bytes)
}

#[library_benchmark]
#[bench::of_4k(args = (banner(4 * 1024)), setup = warm)]
#[bench::of_64k(args = (banner(64 * 1024)), setup = warm)]
fn reply_bytewise_ftp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (replies::ftp_proto_in_chunks(black_box(&bytes), 1), bytes)
}

#[library_benchmark]
#[bench::session(args = (SESSION.to_vec()), setup = warm)]
#[bench::long_path(args = (long_path()), setup = warm)]
fn command_floor(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (split_lines(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::session(args = (SESSION.to_vec()), setup = warm)]
#[bench::long_path(args = (long_path()), setup = warm)]
fn command_ftp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (commands::ftp_proto(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::session(args = (SMTP_SESSION.to_vec()), setup = warm)]
fn command_smtp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (commands::smtp_proto(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::session(args = (http_session()), setup = warm)]
fn command_httparse(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (commands::httparse(black_box(&bytes)), bytes)
}

fn listed(entry: &str) -> Vec<u8> {
    let bytes = listing(entry);
    black_box(listings::ftp_proto_in_chunks(&bytes, bytes.len()));
    black_box(listings::suppaftp(&bytes));
    bytes
}

#[library_benchmark]
#[bench::list(args = (LIST), setup = listed)]
#[bench::mlsd(args = (MLSD), setup = listed)]
#[bench::dos(args = (DOS), setup = listed)]
fn listing_floor(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (split_lines(black_box(&bytes)), bytes)
}

#[library_benchmark]
#[bench::list(args = (LIST), setup = listed)]
#[bench::mlsd(args = (MLSD), setup = listed)]
#[bench::dos(args = (DOS), setup = listed)]
fn listing_ftp_proto(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    let chunk = 4096;
    (
        listings::ftp_proto_in_chunks(black_box(&bytes), chunk),
        bytes,
    )
}

#[library_benchmark]
#[bench::list(args = (LIST), setup = listed)]
#[bench::mlsd(args = (MLSD), setup = listed)]
#[bench::dos(args = (DOS), setup = listed)]
fn listing_suppaftp(bytes: Vec<u8>) -> (usize, Vec<u8>) {
    (listings::suppaftp(black_box(&bytes)), bytes)
}

/// A client that is logged in and has moved a file already.
fn ready_client(bytes: usize) -> (Setup, client::Connection, Vec<u8>) {
    let (setup, _) = prepared(Way::Plain);
    let mut client = setup.client_alone(setup.client());
    let file = vec![b'.'; bytes];
    black_box(transfers::download(&mut client, &file));
    black_box(transfers::upload(&mut client, &file));
    (setup, client, file)
}

#[library_benchmark]
#[bench::of_1k(args = (1024), setup = ready_client)]
#[bench::of_1m(args = (1024 * 1024), setup = ready_client)]
fn download_ftp_proto(
    (setup, mut client, file): (Setup, client::Connection, Vec<u8>),
) -> impl Sized {
    let moved = transfers::download(&mut client, &file);
    (moved, client, setup, file)
}

#[library_benchmark]
#[bench::of_1k(args = (1024), setup = ready_client)]
#[bench::of_1m(args = (1024 * 1024), setup = ready_client)]
fn upload_ftp_proto((setup, mut client, file): (Setup, client::Connection, Vec<u8>)) -> impl Sized {
    let moved = transfers::upload(&mut client, &file);
    (moved, client, setup, file)
}

/// A blocking client that has moved files of this size before.
fn blocking_client(bytes: usize) -> (Client<Stream>, Vec<u8>, usize) {
    let mut client = blocking::client(bytes);
    let mut piece = blocking::piece();
    black_box(blocking::download(&mut client, &mut piece));
    black_box(blocking::upload(&mut client, &piece, bytes));
    (client, piece, bytes)
}

#[library_benchmark]
#[bench::of_1k(args = (1024), setup = blocking_client)]
#[bench::of_1m(args = (1024 * 1024), setup = blocking_client)]
fn blocking_download_ftp_proto(
    (mut client, mut piece, _): (Client<Stream>, Vec<u8>, usize),
) -> impl Sized {
    (blocking::download(&mut client, &mut piece), client, piece)
}

#[library_benchmark]
#[bench::of_1k(args = (1024), setup = blocking_client)]
#[bench::of_1m(args = (1024 * 1024), setup = blocking_client)]
fn blocking_upload_ftp_proto(
    (mut client, piece, bytes): (Client<Stream>, Vec<u8>, usize),
) -> impl Sized {
    (blocking::upload(&mut client, &piece, bytes), client, piece)
}

/// A data connection under TLS that has moved a file of this size before.
fn sealed((direction, bytes): (Direction, usize)) -> (tls::Ours, Vec<u8>) {
    let setup = Setup::new(Way::Tls);
    let mut out = vec![b'.'; bytes];
    let new = || tls::Ours::new(&setup, direction, bytes);
    let mut before = new();
    match direction {
        Direction::Receive => black_box(before.download(&mut out)),
        Direction::Send => black_box(before.upload(&out)),
    };
    (new(), out)
}

fn bare_sealed(bytes: usize) -> (tls::Bare, Vec<u8>, Vec<u8>) {
    let setup = Setup::new(Way::Tls);
    let new = || tls::Bare::new(&setup, bytes);
    let mut sealed = vec![0; bytes + bytes / 16];
    let mut before = new();
    black_box(before.upload(&vec![b'.'; bytes], &mut sealed));
    black_box(before.download());
    (new(), vec![b'.'; bytes], sealed)
}

#[library_benchmark]
#[bench::of_1m(args = ((Direction::Receive, 1024 * 1024)), setup = sealed)]
fn tls_download_ftp_proto((mut data, mut out): (tls::Ours, Vec<u8>)) -> impl Sized {
    (data.download(&mut out), data, out)
}

#[library_benchmark]
#[bench::of_1m(args = ((Direction::Send, 1024 * 1024)), setup = sealed)]
fn tls_upload_ftp_proto((mut data, file): (tls::Ours, Vec<u8>)) -> impl Sized {
    (data.upload(&file), data, file)
}

#[library_benchmark]
#[bench::of_1m(args = (1024 * 1024), setup = bare_sealed)]
fn tls_download_floor((mut bare, file, sealed): (tls::Bare, Vec<u8>, Vec<u8>)) -> impl Sized {
    (bare.download(), bare, file, sealed)
}

#[library_benchmark]
#[bench::of_1m(args = (1024 * 1024), setup = bare_sealed)]
fn tls_upload_floor((mut bare, file, mut sealed): (tls::Bare, Vec<u8>, Vec<u8>)) -> impl Sized {
    (bare.upload(&file, &mut sealed), bare, file, sealed)
}

/// Ready to log in, once somebody has.
fn prepared(way: Way) -> (Setup, Wire) {
    let (mut setup, mut wire) = (Setup::new(way), Wire::default());
    setup.log_in(&mut wire);
    if matches!(way, Way::Tls | Way::TlsResumed) {
        setup.bare_handshake(&mut wire);
    }
    setup.forget_sessions();
    (setup, wire)
}

fn a_client() -> (Setup, client::Connection) {
    let (setup, _) = prepared(Way::Plain);
    let client = setup.client();
    (setup, client)
}

fn a_server() -> (Setup, server::Connection) {
    let (setup, _) = prepared(Way::Plain);
    let server = setup.server();
    (setup, server)
}

#[library_benchmark]
#[bench::plain(setup = a_client)]
fn login_client((setup, client): (Setup, client::Connection)) -> impl Sized {
    (setup.client_alone(client), setup)
}

#[library_benchmark]
#[bench::plain(setup = a_server)]
fn login_server((setup, server): (Setup, server::Connection)) -> impl Sized {
    (setup.server_alone(server), setup)
}

#[library_benchmark]
#[bench::plain(args = (Way::Plain), setup = prepared)]
#[bench::account(args = (Way::Account), setup = prepared)]
#[bench::tls13(args = (Way::Tls), setup = prepared)]
#[bench::tls13_resumed(args = (Way::TlsResumed), setup = prepared)]
fn login_both((setup, mut wire): (Setup, Wire)) -> impl Sized {
    (setup.log_in(&mut wire), setup, wire)
}

#[library_benchmark]
#[bench::tls13(args = (Way::Tls), setup = prepared)]
#[bench::tls13_resumed(args = (Way::TlsResumed), setup = prepared)]
fn login_bare_handshake((setup, mut wire): (Setup, Wire)) -> impl Sized {
    (setup.bare_handshake(&mut wire), setup, wire)
}

library_benchmark_group!(
    name = counted,
    benchmarks = [
        reply_floor,
        reply_ftp_proto,
        reply_smtp_proto,
        reply_httparse,
        reply_suppaftp_with_command,
        reply_suppaftp,
        reply_chunks_floor,
        reply_chunks_ftp_proto,
        reply_bytewise_floor,
        reply_bytewise_ftp_proto,
        command_floor,
        command_ftp_proto,
        command_smtp_proto,
        command_httparse,
        listing_floor,
        listing_ftp_proto,
        listing_suppaftp,
        download_ftp_proto,
        upload_ftp_proto,
        blocking_download_ftp_proto,
        blocking_upload_ftp_proto,
        tls_download_floor,
        tls_download_ftp_proto,
        tls_upload_floor,
        tls_upload_ftp_proto,
        login_client,
        login_server,
        login_both,
        login_bare_handshake
    ]
);
main!(library_benchmark_groups = counted);
