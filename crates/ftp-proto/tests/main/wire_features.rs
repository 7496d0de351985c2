//! Replies to `FEAT`, as real servers send them.

use ftp_proto::wire::{Features, ReplyParser, Status};
use ftp_testkit::laws;
use proptest::prelude::*;

fn parse(text: &str) -> Features {
    let bytes = [text.as_bytes(), b"\n"].concat();
    let Ok(Status::Complete(reply, length)) = ReplyParser::default().parse(&bytes) else {
        panic!("{text}");
    };
    assert_eq!(length, bytes.len());
    Features::parse(reply)
}

/// What is listed, and all that is read out of it.
fn show(features: &Features) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let names: Vec<_> = features.iter().map(|(name, _)| text(name)).collect();
    let typed = [
        ("mlst", features.has_mlst()),
        ("size", features.size()),
        ("modified", features.modified()),
        ("set modified", features.set_modified()),
        ("rest", features.rest_stream()),
        ("utf8", features.utf8()),
        ("epsv", features.epsv()),
        ("tvfs", features.tvfs()),
        ("tls", features.auth_tls()),
        ("pret", features.pret()),
    ];
    let typed: Vec<_> = typed
        .iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| *name)
        .collect();
    let choices = |(name, is_on): (&[u8], bool)| text(name) + if is_on { "*" } else { "" };
    let facts: Vec<_> = features.mlst_facts().map(choices).collect();
    let hashes: Vec<_> = features.hash_algorithms().map(choices).collect();
    [
        names.join(" "),
        typed.join(" "),
        facts.join(" "),
        hashes.join(" "),
    ]
    .join(" | ")
}

#[test]
fn features_are_read_as_servers_list_them() {
    for (text, expected) in [
        // vsftpd.
        (
            "211-Features:\n AUTH TLS\n EPRT\n EPSV\n MDTM\n PASV\n PBSZ\n PROT\n REST STREAM\n SIZE\n \
             TVFS\n UTF8\n211 End",
            "AUTH EPRT EPSV MDTM PASV PBSZ PROT REST SIZE TVFS UTF8 \
             | size modified rest utf8 epsv tvfs tls |  | ",
        ),
        // ProFTPD.
        (
            "211-Features:\n AUTH TLS\n CCC\n CLNT\n EPRT\n EPSV\n HOST\n LANG bg-BG;en-US*;fr-FR\n MDTM\n \
             MFF modify;UNIX.group;UNIX.mode;\n MFMT\n MLST \
             modify*;perm*;size*;type*;unique*;UNIX.group*;UNIX.mode*;UNIX.owner*;\n PBSZ\n PROT\n REST \
             STREAM\n SIZE\n SSCN\n TVFS\n UTF8\n211 End",
            "AUTH CCC CLNT EPRT EPSV HOST LANG MDTM MFF MFMT MLST PBSZ PROT REST SIZE SSCN TVFS UTF8 \
             | mlst size modified set modified rest utf8 epsv tvfs tls \
             | modify* perm* size* type* unique* UNIX.group* UNIX.mode* UNIX.owner* | ",
        ),
        // ProFTPD with mod_digest; the draft's example.
        (
            "211-Features:\n HASH CRC32;MD5;SHA-1;SHA-256*;SHA-512\n211 End",
            "HASH |  |  | CRC32 MD5 SHA-1 SHA-256* SHA-512",
        ),
        // Pure-FTPd.
        (
            "211-Extensions supported:\n UTF8\n EPRT\n IDLE\n MDTM\n SIZE\n MFMT\n REST STREAM\n MLST \
             type*;size*;sizd*;modify*;UNIX.mode*;UNIX.uid*;UNIX.gid*;unique*;\n MLSD\n PRET\n AUTH TLS\n \
             PBSZ\n PROT\n TVFS\n ESTA\n PASV\n EPSV\n SPSV\n ESTP\n211 End.",
            "UTF8 EPRT IDLE MDTM SIZE MFMT REST MLST MLSD PRET AUTH PBSZ PROT TVFS ESTA PASV EPSV SPSV ESTP \
             | mlst size modified set modified rest utf8 epsv tvfs tls pret \
             | type* size* sizd* modify* UNIX.mode* UNIX.uid* UNIX.gid* unique* | ",
        ),
        // IIS.
        (
            "211-Extended features supported:\n LANG EN*\n UTF8\n AUTH TLS;TLS-C;SSL;TLS-P;\n PBSZ\n PROT \
             C;P;\n CCC\n HOST\n SIZE\n MDTM\n REST STREAM\n211 END",
            "LANG UTF8 AUTH PBSZ PROT CCC HOST SIZE MDTM REST | size modified rest utf8 tls |  | ",
        ),
        // FileZilla Server.
        (
            "211-Features:\n MDTM\n REST STREAM\n SIZE\n MLST \
             type*;size*;modify*;perm*;\n MLSD\n AUTH SSL\n AUTH TLS\n PROT\n PBSZ\n UTF8\n TVFS\n EPSV\n \
             EPRT\n MFMT\n211 End",
            "MDTM REST SIZE MLST MLSD AUTH AUTH PROT PBSZ UTF8 TVFS EPSV EPRT MFMT \
             | mlst size modified set modified rest utf8 epsv tvfs tls | type* size* modify* perm* | ",
        ),
        // Serv-U.
        (
            "211-Extensions supported\n CLNT\n MDTM\n MDTM YYYYMMDDHHMMSS[+-TZ];filename\n SIZE\n SITE \
             PSWD;EXEC;SET;INDEX;ZONE;CHMOD;MSG\n REST STREAM\n XCRC filename;start;end\n MODE Z\n MLST \
             Type*;Size*;Create;Modify*;Win32.ea*;\n211 End (for details use \"HELP command\" where command \
             is the command of interest)",
            "CLNT MDTM MDTM SIZE SITE REST XCRC MODE MLST \
             | mlst size modified rest | Type* Size* Create Modify* Win32.ea* | ",
        ),
        // The code in front of each line, lower case, blanks and tabs, no indentation.
        (
            "211-Features supported:\n211-SIZE\n211-MDTM\n211-UTF8\n211 End",
            "SIZE MDTM UTF8 | size modified utf8 |  | ",
        ),
        (
            "211-features:\n  size \n\trest\tstream\n mlst type* ; size ;\n utf-8\n auth ssl, tls\n211 end",
            "size rest mlst utf-8 auth | mlst size rest utf8 tls | type* size | ",
        ),
        (
            "211-Features\nSIZE\nREST\n\n  \n211 End",
            "SIZE REST | size rest |  | ",
        ),
        // The list begins in the first line, or ends in the last.
        (
            "211-SIZE\n211-MDTM\n211 UTF8",
            "SIZE MDTM UTF8 | size modified utf8 |  | ",
        ),
        ("211 SIZE", "SIZE | size |  | "),
        // What is there is not what is asked for.
        (
            "211-Features:\n AUTH SSL\n REST DIRECTORY\n MLSX\n211 End",
            "AUTH REST MLSX |  |  | ",
        ),
        ("211-Features:\n MLSD\n211 End", "MLSD | mlst |  | "),
        // None.
        ("211 no-features", " |  |  | "),
        ("211-Features:\n211 End", " |  |  | "),
        ("211 End", " |  |  | "),
        ("500-Unknown\n SIZE\n500 command", " |  |  | "),
        ("502 UTF8", " |  |  | "),
    ] {
        assert_eq!(show(&parse(text)), expected, "{text}");
    }
}

#[test]
fn parameters_are_given_as_they_stand() {
    let features = parse("211-Features:\n PROT  C;P; \n AUTH SSL\n AUTH TLS\n SIZE\n211 End");
    assert_eq!(features.get("prot"), Some(&b"C;P;"[..]));
    assert_eq!(features.get("Auth"), Some(&b"SSL"[..]), "the first");
    assert_eq!(features.get("SIZE"), Some(&b""[..]));
    assert_eq!(features.get("PRO"), None);
    assert_eq!(features.get(""), None);
    assert!(!features.is_empty());
    assert!(Features::NONE.is_empty() && Features::NONE == Features::default());
}

proptest! {
    #[test]
    fn what_is_listed_is_found(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    &b"\n"[..], b" ", b"\t", b"UTF8", b"utf-8", b"AUTH TLS", b"TLS", b"REST STREAM", b"MLST",
                    b"type*", b";", b",", b"*", b"HASH", b"SHA-1", b"211 ", b"211-", b"End",
                ])
                .prop_map(<[u8]>::to_vec),
                prop::collection::vec(any::<u8>(), 0..4),
            ],
            0..20,
        ),
    ) {
        laws::features(&pieces.concat());
    }
}
