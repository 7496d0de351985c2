//! Any sequence of whole operations has the same results as on files in memory.

use ftp_files::{Files, Memory};
use ftp_proto::listing::FactNames;
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
    Store(usize, StoreMode, Vec<u8>),
    Remove(usize),
    MakeDirectory(usize),
    RemoveDirectory(usize),
    Rename(usize, usize, bool),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let path = || 0..PATHS.len();
    let mode = prop_oneof![
        Just(StoreMode::Replace),
        Just(StoreMode::New),
        (0..5_u64).prop_map(StoreMode::At),
        Just(StoreMode::Append),
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..4);
    prop_oneof![
        1 => path().prop_map(Enter),
        2 => path().prop_map(Facts),
        2 => path().prop_map(List),
        2 => (path(), 0..5_u64).prop_map(|(path, offset)| Read(path, offset)),
        7 => (path(), mode, bytes).prop_map(|(path, mode, bytes)| Store(path, mode, bytes)),
        2 => path().prop_map(Remove),
        4 => path().prop_map(MakeDirectory),
        2 => path().prop_map(RemoveDirectory),
        4 => (path(), path(), any::<bool>()).prop_map(|(from, to, may)| Rename(from, to, may)),
    ]
}

/// What comes of it, as text.
fn run(files: &dyn Files, operation: &Operation) -> String {
    let of = |index: &usize| path(PATHS[*index]);
    let done = |result: Result<(), FileError>| format!("{result:?}");
    match operation {
        Operation::Enter(at) => done(files.enter(&of(at))),
        Operation::Facts(at) => {
            let found = files.facts(&of(at), FactNames::ALL);
            format!("{:?}", found.map(|it| (it.name, it.kind, it.size)))
        }
        Operation::List(at) => format!("{:?}", names(files, PATHS[*at])),
        Operation::Read(at, offset) => match files.open(&of(at), *offset) {
            Ok(mut opened) => {
                let mut bytes = Vec::new();
                opened.reader.read_to_end(&mut bytes).unwrap();
                format!("{bytes:?} of {:?}", opened.size)
            }
            Err(error) => format!("{error:?}"),
        },
        Operation::Store(at, mode, bytes) => {
            format!("{:?}", store(files, PATHS[*at], *mode, bytes))
        }
        Operation::Remove(at) => done(files.remove(&of(at))),
        Operation::MakeDirectory(at) => done(files.make_directory(&of(at))),
        Operation::RemoveDirectory(at) => done(files.remove_directory(&of(at))),
        Operation::Rename(from, to, may) => done(files.rename(&of(from), &of(to), *may)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_and_memory_do_the_same(
        operations in prop::collection::vec(operation(), 1..40),
        is_simple: bool,
    ) {
        let mut kept = Kept::new();
        kept.is_simple = is_simple;
        let (bucket, memory) = (kept.bucket(), Memory::new());
        // In the end all is looked at.
        let looks = (0..PATHS.len()).flat_map(|path| {
            [Operation::List(path), Operation::Facts(path), Operation::Read(path, 0)]
        });
        for (at, operation) in operations.into_iter().chain(looks).enumerate() {
            let (stored, in_memory) = (run(&bucket, &operation), run(&memory, &operation));
            prop_assert_eq!(stored, in_memory, "{}: {:?}", at, operation);
        }
    }
}
