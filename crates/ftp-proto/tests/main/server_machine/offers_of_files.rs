//! What `FEAT` lists where files are served.

use std::net::IpAddr;

use ftp_proto::listing::FactNames;
use ftp_proto::server::{FileAction, FilesConfig, HashAlgorithm, Rights};
use ftp_proto::wire::{Code, Features, Reply};

use super::dialogue::plain;
use super::file_service::{logged_in, serving};
use super::harness::Server;

const PEER: &str = "192.0.2.1";

#[test]
fn feat_lists_what_the_user_may_use() {
    let config = plain().files(FilesConfig::new());
    let mut server = Server::new(config);
    server.said();
    let before = server.send("FEAT");
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(server.send("FEAT"), before);
    assert_eq!(
        before,
        "211-Features:\r\n CLNT\r\n LANG EN*\r\n UTF8\r\n EPSV\r\n MDTM\r\n \
         MLST type*;size*;modify*;perm*;unique*;UNIX.mode*;\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n\
         211 End\r\n"
    );
    let mut server = logged_in(plain().files(FilesConfig::new().rights(Rights::NONE)));
    let said = server.send("FEAT");
    for feature in ["MLST", "MDTM", "SIZE", "MFMT", "REST", "EPRT"] {
        assert!(!said.contains(feature), "{feature}");
    }
}

#[test]
fn feat_tells_which_facts_are_chosen() {
    let files = FilesConfig::new()
        .rights(Rights::ALL)
        .facts(FactNames::TYPE | FactNames::SIZE);
    let mut server = logged_in(plain().files(files).clone());
    assert_eq!(
        server.send("OPTS MLST size;perm;"),
        "200 MLST OPTS size;\r\n"
    );
    let said = server.send("FEAT");
    assert!(said.contains("\r\n MLST type;size*;\r\n"), "{said}");
    assert!(said.contains("\r\n MFMT\r\n"), "{said}");
    let lines = said.lines().filter_map(|line| line.strip_prefix(' '));
    let reply = Reply::listing(Code::SYSTEM_STATUS, "x", lines, "End").unwrap();
    let features = Features::parse(reply.borrow());
    assert!(features.size() && features.rest_stream() && features.tvfs());
}

#[test]
fn feat_tells_which_hash_is_chosen() {
    let mut server = logged_in(serving());
    let said = server.send("FEAT");
    assert!(said.contains("\r\n HASH SHA-256*;SHA-512\r\n"), "{said}");
    assert!(said.contains("\r\n AVBL\r\n"), "{said}");
    assert_eq!(server.send("OPTS HASH SHA-512"), "200 SHA-512\r\n");
    assert_eq!(server.send("OPTS HASH MD5"), "501 Hash not known.\r\n");
    assert_eq!(server.send("OPTS HASH"), "200 SHA-512\r\n");
    let said = server.send("FEAT");
    assert!(said.contains("\r\n HASH SHA-256;SHA-512*\r\n"), "{said}");
    server.send("HASH notes");
    let request = server.held.file.take().expect("a question");
    assert!(matches!(
        request.action(),
        FileAction::Hash { path, algorithm: HashAlgorithm::Sha512 } if path.as_bytes() == b"/notes"
    ));
    let answer = request.hash(&[0, 0xab, 0xff], 7);
    server.connection.answer(server.now, answer).unwrap();
    assert_eq!(server.said(), "213 SHA-512 0-7 00abff /notes\r\n");
}

#[test]
fn a_hash_needs_the_right_to_read_and_space_that_to_store() {
    let mut rights = Rights::ALL;
    rights.read = false;
    let files = FilesConfig::new()
        .hashes([HashAlgorithm::Sha256])
        .space(true);
    let mut server = logged_in(plain().files(files.clone().rights(rights)));
    assert!(!server.send("FEAT").contains("HASH"));
    assert_eq!(server.code("HASH notes"), "550");
    let mut server = logged_in(plain().files(files.rights(Rights::READ_ONLY)));
    assert!(!server.send("FEAT").contains("AVBL"));
    assert_eq!(server.code("AVBL"), "550");
}

#[test]
fn eprt_is_offered_where_it_works() {
    let config = serving().files(FilesConfig::new().active(true));
    let mut server = logged_in(config.clone());
    assert!(
        !server.send("FEAT").contains("EPRT"),
        "the peer is not known"
    );
    let peer: IpAddr = PEER.parse().unwrap();
    server.connection.set_peer(peer);
    assert!(server.send("FEAT").contains("\r\n EPRT\r\n EPSV\r\n"));
    server.send("EPSV ALL");
    assert!(!server.send("FEAT").contains("EPRT"));
}

#[test]
fn mfmt_is_offered_where_times_can_be_set() {
    let files = FilesConfig::new().rights(Rights::ALL).sets_times(false);
    let mut server = logged_in(plain().files(files));
    assert!(!server.send("FEAT").contains("MFMT"));
    assert_eq!(
        server.send("MFMT 20240501123400 x"),
        "502 Command not implemented.\r\n"
    );
}
