//! The seeds of the fuzz targets, without a fuzzer.

use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use ftp_testkit::laws::{self, PairOps};

/// Passes every seed of a target to its law.
fn replay(target: &str, law: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut seeds = 0;
    for entry in fs::read_dir(corpus.join(target)).expect("a corpus") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        law(&fs::read(path).expect("a seed"));
        seeds += 1;
    }
    assert!(seeds > 0, "no seed");
}

fn pair_ops(bytes: &[u8]) {
    let ops = PairOps::arbitrary_take_rest(Unstructured::new(bytes));
    laws::pair_ops(&ops.expect("enough to choose from"));
}

#[test]
fn the_seeds_of_the_parsers_keep_the_laws() {
    replay("reply", laws::reply);
    replay("command", laws::command);
    replay("telnet", laws::telnet);
    replay("roundtrip", laws::roundtrip);
    replay("listing", laws::listing);
    replay("transfer_texts", laws::transfer_texts);
    replay("features", laws::features);
    replay("ascii", laws::ascii);
    replay("virtual_path", laws::virtual_path);
}

#[test]
fn the_seeds_of_the_machines_keep_the_laws() {
    replay("client_bytes", laws::client_bytes);
    replay("client_transfer", laws::client_transfer);
    replay("server_bytes", laws::server_bytes);
    replay("server_transfer", laws::server_transfer);
    replay("time", laws::time);
    replay("data_machine", laws::data);
    replay("pair_ops", pair_ops);
}

#[cfg(feature = "tls")]
#[test]
fn the_seeds_of_the_machines_under_tls_keep_the_laws() {
    replay("secured", laws::secured);
}
