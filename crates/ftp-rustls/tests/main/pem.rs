//! PEM as files have it: cut, put together wrongly, encrypted, from Windows.

use ftp_rustls::{
    ConfigError, Identity, PemError, PemProblem, certificates_from_pem, private_key_from_pem,
    roots_from_pem,
};
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};
use std::sync::LazyLock;

/// Three certificates with comments between them, and the key of the first.
static FILES: LazyLock<(String, String)> = LazyLock::new(|| {
    let keys = [(); 3].map(|()| KeyPair::generate().unwrap());
    let certificates = keys.each_ref().map(|key| {
        let params = CertificateParams::new(vec!["ftp.example.com".to_owned()]).unwrap();
        params.self_signed(key).unwrap().pem()
    });
    let text = certificates.join("\nIssuer: somebody\n--- the next ---\n");
    (text, keys[0].serialize_pem())
});

fn chain() -> &'static str {
    &FILES.0
}

fn key() -> &'static str {
    &FILES.1
}

/// Where a text may be cut without a trace: where nothing of a section is lost.
fn is_clean_cut(text: &str) -> bool {
    let open = text.matches("-----BEGIN CERTIFICATE-----").count();
    let closed = text.matches("-----END CERTIFICATE-----").count();
    let last = text.rsplit(['\r', '\n']).next().unwrap().trim();
    open == closed && (last.is_empty() || !"-----BEGIN CERTIFICATE-----".starts_with(last))
}

fn problem(outcome: Result<impl Sized, ConfigError>) -> PemProblem {
    match outcome.map(|_| ()) {
        Err(ConfigError::Pem(PemError { problem, .. })) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_that_was_cut_is_refused_wherever_it_was_cut() {
    for ending in ["\n", "\r\n", "\r"] {
        let text = chain().replace("\r\n", "\n").replace('\n', ending);
        for length in 0..text.len() {
            let cut = &text[..length];
            let outcome = certificates_from_pem(cut.as_bytes());
            if is_clean_cut(cut) {
                let count = cut.matches("-----END CERTIFICATE-----").count();
                match outcome {
                    Ok(certificates) => assert_eq!(certificates.len(), count),
                    Err(error) => {
                        assert!(matches!(error, ConfigError::NoCertificate));
                        assert_eq!(count, 0, "{cut}");
                    }
                }
            } else {
                assert!(matches!(outcome, Err(ConfigError::Pem(_))), "{cut}");
                assert!(roots_from_pem(cut.as_bytes()).is_err());
            }
        }
    }
}

#[test]
fn a_file_whose_beginning_is_missing_is_refused() {
    for start in 0..chain().len() {
        let rest = &chain()[start..];
        let begun = rest.matches("-----BEGIN CERTIFICATE-----").count();
        let ended = rest.matches("-----END CERTIFICATE-----").count();
        match certificates_from_pem(rest.as_bytes()) {
            Ok(certificates) => assert_eq!((begun, ended), (certificates.len(), begun), "{rest}"),
            Err(ConfigError::NoCertificate) => assert_eq!((begun, ended), (0, 0), "{rest}"),
            Err(_) => assert_ne!(begun, ended, "{rest}"),
        }
    }
}

#[test]
fn a_line_that_is_missing_anywhere_is_noticed() {
    let lines: Vec<&str> = chain().lines().collect();
    for (missing, line) in lines.iter().enumerate() {
        let mut rest = lines.clone();
        rest.remove(missing);
        let outcome = certificates_from_pem(rest.join("\n").as_bytes());
        let matters = !line.is_empty() && !line.contains(' ') || line.starts_with("-----");
        assert_eq!(outcome.is_err(), matters, "{line}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let text = chain();
    let broken = text.replacen("MII", "M!I", 1);
    let ConfigError::Pem(error) = roots_from_pem(broken.as_bytes()).unwrap_err() else {
        panic!("not PEM");
    };
    assert_eq!(error.line, 1);
    assert_eq!(
        error.problem,
        PemProblem::NotBase64 {
            label: "CERTIFICATE".into()
        }
    );
    let last = text.rfind("-----END").unwrap();
    let said = roots_from_pem(&text.as_bytes()[..last])
        .unwrap_err()
        .to_string();
    let line = text[..text.rfind("-----BEGIN").unwrap()].lines().count() + 1;
    assert!(said.contains(&format!("line {line}:")), "{said}");
    assert!(said.contains("was the file cut?"), "{said}");
    let trusted = text.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    assert_eq!(
        problem(roots_from_pem(trusted.as_bytes())),
        PemProblem::TrustedCertificate
    );
}

#[test]
fn what_other_programs_write_is_read() {
    let indented: String = chain().lines().map(|line| format!("  {line} \n")).collect();
    for text in [
        format!("\u{feff}{}", chain()),
        chain().replace('\n', "\r\n"),
        chain().replace("CERTIFICATE", "X509 CERTIFICATE"),
        indented,
        format!("{}{}", key(), chain()),
        chain().trim_end().to_owned(),
    ] {
        assert_eq!(certificates_from_pem(text.as_bytes()).unwrap().len(), 3);
        assert_eq!(roots_from_pem(text.as_bytes()).unwrap().len(), 3);
    }
    let utf16: Vec<u8> = format!("\u{feff}{}", chain())
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(problem(roots_from_pem(&utf16)), PemProblem::Utf16);
    let der = &certificates_from_pem(chain().as_bytes()).unwrap()[0];
    assert_eq!(problem(roots_from_pem(der)), PemProblem::Binary);
}

#[test]
fn an_encrypted_key_is_called_encrypted_in_every_form() {
    let old = |kind: &str, ending: &str| {
        let body = key().lines().collect::<Vec<_>>();
        let body = body[1..body.len() - 1].join(ending);
        [
            &format!("-----BEGIN {kind}PRIVATE KEY-----"),
            "Proc-Type: 4,ENCRYPTED",
            "DEK-Info: AES-256-CBC,A6A2A7C1D5D2A0A6",
            "",
            &body,
            &format!("-----END {kind}PRIVATE KEY-----"),
            "",
        ]
        .join(ending)
    };
    for text in [
        key().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
        old("RSA ", "\n"),
        old("EC ", "\r\n"),
        old("", "\n"),
        old("RSA ", "\n").replace("Proc-Type: 4", "Proc-Type:4"),
        format!("{}{}", chain(), old("RSA ", "\n")),
    ] {
        let error = Identity::from_pem(chain().as_bytes(), text.as_bytes()).unwrap_err();
        assert!(matches!(error, ConfigError::EncryptedPrivateKey), "{error}");
        assert!(error.to_string().contains("decrypt it first"), "{error}");
        // A key in clear beside it will do.
        let both = format!("{text}{}", key());
        assert!(private_key_from_pem(both.as_bytes()).is_ok());
    }
    assert!(matches!(
        private_key_from_pem(
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
        ),
        Err(ConfigError::NoPrivateKey)
    ));
}

#[test]
fn a_key_that_was_cut_is_called_cut_and_not_shown() {
    let lines: Vec<&str> = key().lines().collect();
    for (missing, line) in lines.iter().enumerate() {
        let mut rest = lines.clone();
        rest.remove(missing);
        let error = private_key_from_pem(rest.join("\n").as_bytes()).unwrap_err();
        assert!(matches!(error, ConfigError::Pem(_)), "{line}: {error}");
        let shown = format!("{error} {error:?}");
        for body in &lines[1..lines.len() - 1] {
            assert!(!shown.contains(body), "{shown}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, cut in any::<prop::sample::Index>()) {
        let _ = certificates_from_pem(&bytes);
        let _ = private_key_from_pem(&bytes);
        let mut text = chain().as_bytes().to_vec();
        let at = cut.index(text.len());
        text.splice(at..at, bytes);
        let _ = roots_from_pem(&text);
    }
}
