//! What a connection offers, and what it refuses until data connections are protected.

use ftp_proto::server::{Config, DataProtectionPolicy, Security};
use ftp_proto::wire::Verb;

use super::dialogue::plain;
use super::harness::Server;

#[test]
fn feat_lists_what_this_connection_offers_now() {
    let config = Config::new().hosts(["ftp.example.com"]);
    let config = config.features(["MLST size*;"]).unwrap();
    let mut server = Server::new(config.clear_command_channel(true));
    server.said();
    assert_eq!(
        server.send("FEAT"),
        "211-Features:\r\n AUTH TLS\r\n AUTH SSL\r\n CLNT\r\n HOST\r\n LANG EN*\r\n PBSZ\r\n PROT\r\n \
         UTF8\r\n MLST size*;\r\n211 End\r\n"
    );
    server.send("AUTH TLS");
    assert_eq!(
        server.send("FEAT"),
        "211-Features:\r\n CCC\r\n CLNT\r\n HOST\r\n LANG EN*\r\n PBSZ\r\n PROT\r\n \
         UTF8\r\n MLST size*;\r\n211 End\r\n"
    );
    let mut server = Server::new(plain());
    server.said();
    assert_eq!(
        server.send("FEAT"),
        "211-Features:\r\n CLNT\r\n LANG EN*\r\n UTF8\r\n211 End\r\n"
    );
    let mut server = Server::new(Config::new().auth_ssl(false));
    server.said();
    assert!(server.send("FEAT").contains("\r\n AUTH TLS\r\n"));
}

#[test]
fn stat_tells_what_is_protected_and_whether_somebody_is_logged_in() {
    let status = |control: &str, data: &str, login: &str| {
        format!(
            "211-Status:\r\n Control connection: {control}\r\n Data connections: {data}\r\n \
             {login}\r\n211 End\r\n"
        )
    };
    let tls = "TLS 1.3, TLS13_AES_256_GCM_SHA384";
    let mut server = Server::new(Config::new());
    server.said();
    assert_eq!(
        server.send("STAT"),
        status("clear", "clear", "Not logged in")
    );
    server.send("AUTH TLS");
    assert_eq!(server.send("STAT"), status(tls, "clear", "Not logged in"));
    server.send("PBSZ 0");
    server.send("PROT P");
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(server.send("STAT"), status(tls, "private", "Logged in"));
}

#[test]
fn utf_8_cannot_be_switched_off() {
    let mut server = Server::new(plain());
    server.said();
    for option in ["UTF8", "utf8 on", "UTF-8 ON"] {
        assert_eq!(server.code(&format!("OPTS {option}")), "200", "{option}");
    }
    for option in ["UTF8 OFF", "UTF8 ON NOW", "UTF16 ON", ""] {
        let mut server = Server::new(plain());
        server.said();
        assert_eq!(server.code(&format!("OPTS {option}")), "501", "{option}");
    }
    assert_eq!(server.code("OPTS"), "501");
}

#[test]
fn a_feature_that_would_break_its_line_cannot_be_configured() {
    assert!(Config::new().features(["TVFS", "BAD\r\nLINE"]).is_err());
    assert!(Config::new().features(["TVFS", ""]).is_err());
}

#[test]
fn the_application_learns_the_chosen_host() {
    let mut server = Server::new(plain().hosts(["ftp.example.com"]));
    server.answers = false;
    server.said();
    assert_eq!(server.code("HOST FTP.Example.COM"), "220");
    server.send("USER anna");
    server.send("PASS right");
    assert_eq!(
        server.held.attempt.take().unwrap().host(),
        Some("ftp.example.com")
    );
}

/// Verbs that keep to the control connection, written down a second time on purpose.
const HARMLESS: &str = "USER PASS ACCT REIN QUIT HOST AUTH ADAT PBSZ PROT CCC MIC CONF ENC FEAT \
    OPTS LANG CLNT CSID HELP NOOP SYST STAT CWD CDUP PWD XCWD XCUP XPWD SMNT MKD XMKD RMD XRMD \
    DELE RNFR RNTO TYPE STRU MODE ALLO REST RANG ABOR MDTM MFMT MFCT MFF SIZE MLST AVBL DSIZ \
    HASH XCRC XMD5 XSHA";

#[test]
fn nothing_opens_a_data_connection_before_prot_p_where_it_is_required() {
    for verb in Verb::ALL {
        let name = verb.name().unwrap();
        let config = Config::new()
            .security(Security::DangerousOptionalTls)
            .data_protection(DataProtectionPolicy::Required);
        for tls in [false, true] {
            let mut server = Server::new(config.clone());
            server.said();
            if tls {
                assert_eq!(server.code("AUTH TLS"), "234");
            }
            server.send("USER anna");
            assert_eq!(server.code("PASS right"), "230");
            let code = server.code(&format!("{name} x"));
            let refused = matches!(code.as_str(), "521" | "522");
            assert_eq!(
                refused,
                !HARMLESS.split(' ').any(|known| known == name),
                "{name} {code}"
            );
            if refused && tls {
                server.send("PBSZ 0");
                assert_eq!(server.code("PROT C"), "534");
                assert_eq!(server.code("PROT P"), "200");
                assert_eq!(server.code(&format!("{name} x")), "250");
                assert_eq!(server.code("REIN"), "220");
                assert!(!server.connection.is_data_protected());
            }
        }
    }
}

#[test]
fn transfers_are_refused_with_521_and_the_ways_to_open_with_522() {
    let config = plain().data_protection(DataProtectionPolicy::Required);
    let mut server = Server::new(config);
    server.said();
    server.send("USER anna");
    server.send("PASS right");
    for name in ["PASV", "EPSV", "PORT", "EPRT", "LPSV", "LPRT", "SITE"] {
        assert_eq!(server.code(&format!("{name} x")), "522", "{name}");
    }
    for name in [
        "RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD", "THMB",
    ] {
        assert_eq!(server.code(&format!("{name} x")), "521", "{name}");
    }
}
