//! Stores by their URL.

use ftp_files_object_store::{Bucket, OpenError};
use ftp_proto::server::StoreMode;

use crate::common::*;

fn open(url: &str) -> Result<Bucket, OpenError> {
    // So many names, and a secret.
    let options = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "SECRET"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT", "http://127.0.0.1:1"),
        ("AWS_ALLOW_HTTP", "true"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("AZURE_STORAGE_ACCOUNT_KEY", "U0VDUkVU"),
        ("GOOGLE_SKIP_SIGNATURE", "true"),
        ("HOME", "/"),
    ];
    Bucket::open(url, options)
}

#[test]
fn the_path_is_the_prefix() {
    let bucket = open("memory:///a%20b/c").unwrap();
    store(&bucket, "f", StoreMode::New, "x").unwrap();
    assert!(format!("{bucket:?}").contains("a b/c"));
}

#[test]
fn what_is_no_store_is_refused_and_nothing_of_it_is_repeated() {
    for url in [
        "",
        "/srv/ftp",
        "s3:",
        "ftp://host/SECRET",
        "http://host/SECRET",
        "s3://user:SECRET@bucket/",
        "s3://SECRET@bucket/",
        "s3://bucket/?key=SECRET",
        "s3://bucket/#SECRET",
        "s3://bucket/a//SECRET",
        "s3://bucket/SECRET/%2e%2e%2fx%00",
    ] {
        let error = open(url).err().unwrap_or_else(|| panic!("{url}"));
        assert!(
            !format!("{error} {error:?}").contains("SECRET"),
            "{url}: {error:?}"
        );
    }
}

#[test]
fn a_store_whose_feature_is_off_says_which() {
    let stores = [
        ("s3://bucket/x", "aws", cfg!(feature = "aws")),
        ("gs://bucket/x", "gcp", cfg!(feature = "gcp")),
        ("az://container/x", "azure", cfg!(feature = "azure")),
        ("file:///", "fs", cfg!(feature = "fs")),
    ];
    for (url, feature, is_on) in stores {
        match open(url) {
            Ok(bucket) => {
                assert!(is_on, "{url}");
                assert!(!format!("{bucket:?}").contains("SECRET"));
            }
            Err(OpenError::FeatureOff(name)) => assert!(!is_on && name == feature, "{url}"),
            Err(error) => panic!("{url}: {error}"),
        }
    }
}
