//! Hashes: which command, and what the reply says.

use ftp_adapter::files::Hashing;

use crate::common::*;

const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";
const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

fn feat(line: &str) -> String {
    format!("211-Features:\n {line}\n211 End")
}

/// The algorithm and the hash, if they are given.
fn hash(features: &str, table: &[(&str, &str)]) -> Result<(String, String), ftp_adapter::Error> {
    let features = feat(features);
    let mut whole = vec![("FEAT", features.as_str())];
    whole.extend(table);
    let hash = play(Hashing::new("a b"), &whole)?;
    Ok((hash.algorithm.to_owned(), hash.hex))
}

#[test]
fn the_best_algorithm_is_chosen_if_it_is_not_in_force() {
    let said = format!("213 SHA-1 0-49 {SHA1} a b");
    let found = hash("HASH MD5;SHA-1*", &[("HASH a b", &said)]).unwrap();
    assert_eq!(found, ("SHA-1".to_owned(), SHA1.to_owned()));

    let choice = ("OPTS HASH SHA-1", "200 SHA-1");
    let found = hash("HASH MD5*;SHA-1", &[choice, ("HASH a b", &said)]).unwrap();
    assert_eq!(found.0, "SHA-1");

    // The reply says which algorithm it was.
    let refused = ("OPTS HASH SHA-1", "504 no");
    let said = format!("213 MD5 {} a b", MD5.to_uppercase());
    let found = hash("HASH MD5*;SHA-1", &[refused, ("HASH a b", &said)]).unwrap();
    assert_eq!(found, ("MD5".to_owned(), MD5.to_owned()));

    // None that is known here: the reply decides.
    let said = ("HASH a b", "213 WHIRLPOOL 0-1 00 a b");
    assert_eq!(kind(hash("HASH WHIRLPOOL*", &[said])), "unusable");
}

#[test]
fn a_command_of_its_own_serves_without_hash() {
    for (features, command, said, algorithm, hex) in [
        ("XMD5", "XMD5 a b", format!("250 {MD5}"), "MD5", MD5),
        ("XCRC\n XMD5", "XMD5 a b", format!("213 {MD5}"), "MD5", MD5),
        (
            "XSHA1\n XCRC",
            "XSHA1 a b",
            format!("250 a b {SHA1}"),
            "SHA-1",
            SHA1,
        ),
        (
            "XCRC",
            "XCRC a b",
            "250 00ABCDEF".to_owned(),
            "CRC32",
            "00abcdef",
        ),
    ] {
        let found = hash(features, &[(command, &said)]).unwrap();
        assert_eq!((found.0.as_str(), found.1.as_str()), (algorithm, hex));
    }
}

#[test]
fn what_is_no_hash_or_more_than_one_is_an_error() {
    let two = format!("250 {MD5} {}", MD5.replace('d', "0"));
    for said in ["250 done", "250 d41d8cd98f00b204", &two] {
        assert_eq!(kind(hash("XMD5", &[("XMD5 a b", said)])), "unusable");
    }
    let short = format!("213 SHA-1 0-49 {MD5} a b");
    let result = hash("HASH SHA-1*", &[("HASH a b", &short)]);
    assert_eq!(kind(result), "unusable");
    assert_eq!(kind(hash("XMD5", &[("XMD5 a b", "550 x")])), "refused");
    assert_eq!(kind(hash("SIZE", &[])), "not supported");
}
