//! What real servers and clients said when `interop/record` last ran, without the programs: our
//! client must say the same to those servers and come to the same end, our server must answer those
//! clients with the same codes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ftp_proto::client::{Error, Phase};
use ftp_testkit::{ClientReplay, Transcript, replay_client, replay_server};

/// All transcripts of one side, each with its path for messages.
fn recorded(side: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("transcripts")
        .join(side);
    let mut files: Vec<PathBuf> = entries(&folder)
        .iter()
        .flat_map(|peer| entries(peer))
        .collect();
    files.sort();
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// What the run that was recorded came to: its second line says so.
fn came_to(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().nth(1).unwrap_or_default();
    line.strip_prefix("# came to: ").unwrap().to_owned()
}

/// The same words for a replay.
fn comes_to(replay: &ClientReplay) -> String {
    let error = match &replay.outcome {
        None | Some(Ok(())) => {
            let code = replay.logins[0].logged_in_with.code();
            return format!("logged_in {} {code}", Phase::Ready);
        }
        Some(Err(error)) => error,
    };
    let name = match error {
        Error::Refused { .. } => "refused",
        Error::ServiceUnavailable { .. } => "unavailable",
        other => panic!("{other}"),
    };
    format!("{name} {} {}", error.phase(), error.code().unwrap())
}

/// Names every transcript that is not as it was, not only the first.
fn all(side: &str, check: impl Fn(&Path) -> Result<(), String>) {
    let files = recorded(side);
    assert!(files.len() >= 50, "{side}: the recordings are gone");
    let mut failures = Vec::new();
    for path in &files {
        let checked = catch_unwind(AssertUnwindSafe(|| check(path)));
        match checked {
            Ok(Ok(())) => {}
            Ok(Err(what)) => failures.push(format!("{}: {what}", path.display())),
            Err(_) => failures.push(format!("{}: see above", path.display())),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn our_client_says_to_real_servers_what_it_said_and_comes_to_the_same_end() {
    all("servers", |path| {
        let replay = replay_client(&Transcript::load(path));
        let (came, comes) = (came_to(path), comes_to(&replay));
        (came == comes)
            .then_some(())
            .ok_or(format!("{comes}, not {came}"))
    });
}

#[test]
fn our_server_answers_real_clients_as_it_did() {
    all("clients", |path| {
        replay_server(&Transcript::load(path));
        Ok(())
    });
}

#[test]
fn no_recording_holds_a_name_or_password_of_the_run() {
    for path in [recorded("servers"), recorded("clients")].concat() {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let told = line.split_once("PASS ").map(|(_, told)| told);
            let is_known = told.is_none_or(|told| told.ends_with("correct horse"));
            assert!(is_known && !line.contains("interop-"), "{}", path.display());
        }
    }
}
