//! Any sequence of operations has the same results on disk and in memory; and a quota counts right.

use std::io::{Read, Write};

use ftp_files::{Files, Memory, Quota, Usage, WriteFile};
use ftp_proto::DateTime;
use ftp_proto::listing::{FactNames, Kind};
use ftp_proto::server::{FileError, StoreMode};
use proptest::prelude::*;

use crate::common::*;

/// Few names, so that they meet; some that cannot be.
const PATHS: [&str; 12] = [
    "/",
    "/a",
    "/b",
    "/d",
    "/d/a",
    "/d/b",
    "/d/e",
    "/d/e/a",
    "/c/a",
    "/a/b",
    "/x\n",
    "/.ftp-upload-",
];

#[derive(Debug, Clone)]
enum Operation {
    Enter(usize),
    Facts(usize),
    List(usize),
    Read(usize, u64),
    Store(usize, StoreMode),
    Write(usize, Vec<u8>),
    Commit(usize),
    Discard(usize),
    Drop(usize),
    Remove(usize),
    MakeDirectory(usize),
    RemoveDirectory(usize),
    Rename(usize, usize, bool),
    SetModified(usize, i64),
    SetPermissions(usize, u16),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let path = || 0..PATHS.len();
    let upload = || any::<prop::sample::Index>().prop_map(|index| index.index(4));
    let mode = prop_oneof![
        Just(StoreMode::Replace),
        Just(StoreMode::New),
        (0..5_u64).prop_map(StoreMode::At),
        Just(StoreMode::Append),
        Just(StoreMode::Unique),
    ];
    prop_oneof![
        1 => path().prop_map(Enter),
        2 => path().prop_map(Facts),
        2 => path().prop_map(List),
        2 => (path(), 0..5_u64).prop_map(|(path, offset)| Read(path, offset)),
        6 => (path(), mode).prop_map(|(path, mode)| Store(path, mode)),
        5 => (upload(), prop::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(upload, bytes)| Write(upload, bytes)),
        4 => upload().prop_map(Commit),
        2 => upload().prop_map(Discard),
        1 => upload().prop_map(Drop),
        2 => path().prop_map(Remove),
        4 => path().prop_map(MakeDirectory),
        2 => path().prop_map(RemoveDirectory),
        4 => (path(), path(), any::<bool>()).prop_map(|(from, to, may)| Rename(from, to, may)),
        1 => (path(), -1_000_000_000..900_000_000_i64)
            .prop_map(|(path, time)| SetModified(path, time)),
        1 => (path(), prop::sample::select(vec![0o604, 0o705, 0o4755]))
            .prop_map(|(path, mode)| SetPermissions(path, mode)),
    ]
}

/// Somebody who does all that.
struct Session<'a, F> {
    files: &'a F,
    /// The oldest first.
    uploads: Vec<Box<dyn WriteFile>>,
}

impl<F: Files> Session<'_, F> {
    /// What comes of it, as text.
    fn run(&mut self, operation: &Operation) -> String {
        let of = |index: &usize| path(PATHS[*index]);
        let files = self.files;
        let done = |result: Result<(), FileError>| format!("{result:?}");
        match operation {
            Operation::Enter(path) => done(files.enter(&of(path))),
            Operation::Facts(path) => match facts(files, PATHS[*path]) {
                Ok(facts) => shown(&facts),
                Err(error) => format!("{error:?}"),
            },
            Operation::List(path) => match files.list(&of(path), FactNames::ALL) {
                Ok(entries) => {
                    let mut entries: Vec<_> = entries.map(|entry| shown(&entry.unwrap())).collect();
                    entries.sort();
                    format!("{entries:?}")
                }
                Err(error) => format!("{error:?}"),
            },
            Operation::Read(path, offset) => match files.open(&of(path), *offset) {
                Ok(mut opened) => {
                    let mut bytes = Vec::new();
                    opened.reader.read_to_end(&mut bytes).unwrap();
                    format!("{bytes:?} of {:?}", opened.size)
                }
                Err(error) => format!("{error:?}"),
            },
            Operation::Store(path, mode) => {
                if self.uploads.len() >= 4 {
                    return String::new();
                }
                match files.store(&of(path), *mode) {
                    Ok(upload) => {
                        let name = without_digits(upload.name());
                        self.uploads.push(upload);
                        name
                    }
                    Err(error) => format!("{error:?}"),
                }
            }
            Operation::Write(upload, bytes) => match self.uploads.get_mut(*upload) {
                Some(upload) => format!("{:?}", upload.write(bytes).map_err(|it| it.kind())),
                None => String::new(),
            },
            Operation::Commit(upload) => done(self.take(*upload).map_or(Ok(()), |it| it.commit())),
            Operation::Discard(upload) => {
                done(self.take(*upload).map_or(Ok(()), |it| it.discard()))
            }
            Operation::Drop(upload) => {
                drop(self.take(*upload));
                String::new()
            }
            Operation::Remove(path) => done(files.remove(&of(path))),
            Operation::MakeDirectory(path) => done(files.make_directory(&of(path))),
            Operation::RemoveDirectory(path) => done(files.remove_directory(&of(path))),
            Operation::Rename(from, to, may) => done(files.rename(&of(from), &of(to), *may)),
            Operation::SetModified(path, time) => {
                done(files.set_modified(&of(path), DateTime::from_unix(*time)))
            }
            Operation::SetPermissions(path, mode) => done(files.set_permissions(&of(path), *mode)),
        }
    }

    fn take(&mut self, upload: usize) -> Option<Box<dyn WriteFile>> {
        (upload < self.uploads.len()).then(|| self.uploads.remove(upload))
    }
}

/// Without what differs: digits that were made up, the time now, and the permissions that the system
/// gives to what is new.
fn shown(facts: &ftp_files::Facts) -> String {
    let is_file = facts.kind == Kind::File;
    let modified = facts.modified.filter(|time| is_file && time.year() < 2000);
    let permissions = facts
        .permissions
        .filter(|mode| matches!(mode, 0o604 | 0o705));
    let name = without_digits(&facts.name);
    let (kind, size) = (facts.kind, facts.size);
    format!("{name} {kind} {size:?} {modified:?} {permissions:?}")
}

fn without_digits(name: &[u8]) -> String {
    let name = name.escape_ascii().to_string();
    match name.rsplit_once('.') {
        Some((stem, digits)) if digits.len() == 16 => format!("{stem}.#"),
        _ => name,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn disk_and_memory_do_the_same(operations in prop::collection::vec(operation(), 1..60)) {
        let scratch = Scratch::new();
        let (disk, memory) = (scratch.files(), Memory::new());
        let mut on_disk = Session { files: &disk, uploads: Vec::new() };
        let mut in_memory = Session { files: &memory, uploads: Vec::new() };
        // In the end all is looked at.
        let looks = (0..PATHS.len()).flat_map(|path| {
            [Operation::List(path), Operation::Facts(path), Operation::Read(path, 0)]
        });
        for (at, operation) in operations.into_iter().chain(looks).enumerate() {
            let (disk, memory) = (on_disk.run(&operation), in_memory.run(&operation));
            prop_assert_eq!(disk, memory, "{}: {:?}", at, operation);
        }
    }

    #[test]
    fn a_quota_counts_what_is_there(
        operations in prop::collection::vec(operation(), 1..120),
        bytes in 0..20_u64,
        limit in 0..8_u64,
    ) {
        let limit = Usage { bytes, files: limit };
        let memory = Memory::new();
        let files = Quota::measure(memory.clone(), limit).unwrap();
        let counted = || Quota::measure(memory.clone(), limit).unwrap().used();
        let mut session = Session { files: &files, uploads: Vec::new() };
        for operation in &operations {
            session.run(operation);
            let (used, counted) = (files.used(), counted());
            prop_assert!(used.bytes <= limit.bytes && used.files <= limit.files, "{:?}", used);
            prop_assert!(counted.bytes <= used.bytes && counted.files <= used.files, "{:?}", used);
            if session.uploads.is_empty() {
                prop_assert_eq!(used, counted, "{:?}", operation);
            }
        }
        session.uploads.clear();
        prop_assert_eq!(files.used(), counted());
    }
}
