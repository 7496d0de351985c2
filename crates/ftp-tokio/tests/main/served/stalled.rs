//! Clients that take a file in bursts.

use std::time::Duration;

use ftp_proto::data::DataType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

/// Longer than a server keeps what a client does not take.
const STALL: Duration = Duration::from_millis(1500);

/// What was given back meanwhile is read again, in clear and under TLS.
#[tokio::test]
async fn a_client_that_stalls_again_and_again_gets_the_file() {
    let [active, plain, tls] = worlds().await;
    tokio::join!(bursts(&active), bursts(&plain), bursts(&tls));
}

async fn bursts(world: &World) {
    let file = content(5 * SIZE);
    put(&world.files, "file", &file);
    let mut ftp = world.client().await;
    let mut download = ftp.retrieve("file").await.unwrap();
    let mut got = Vec::new();
    for burst in [1, 300_000, 4_000_000, 70_000] {
        tokio::time::sleep(STALL).await;
        let mut bytes = vec![0; burst];
        download.read_exact(&mut bytes).await.unwrap();
        got.append(&mut bytes);
    }
    download.read_to_end(&mut got).await.unwrap();
    download.finish().await.unwrap();
    assert!(got == file);
    ftp.quit().await.unwrap();
}

/// How much the client reads at once, and whether it waits before.
type Read = (usize, bool);

/// However large the file is and however it is read, as bytes and as text, in clear and under TLS.
#[test]
fn a_client_gets_the_file_however_it_reads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [plain, tls, _] = runtime.block_on(worlds());
    let size = prop_oneof![0..100_000_usize, 0..12_000_000_usize];
    let reads = vec((1..2_000_000_usize, any::<bool>()), 1..20);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(12));
    runner
        .run(&(size, reads), |(size, reads)| {
            runtime.block_on(async {
                for world in [&plain, &tls] {
                    read(world, &content(size), DataType::Image, &reads).await;
                }
                let text = b"a line\n".repeat(size / 7);
                read(&plain, &text, DataType::Ascii, &reads).await;
            });
            Ok(())
        })
        .unwrap();
}

async fn read(world: &World, file: &[u8], data_type: DataType, reads: &[Read]) {
    put(&world.files, "file", file);
    let mut ftp = world.client().await;
    let transfer = Transfer::retrieve("file").unwrap().data_type(data_type);
    let mut download = ftp.download(transfer).await.unwrap();
    let mut got = Vec::new();
    for &(count, waits) in reads.iter().cycle() {
        if waits {
            // Long enough for all buffers to fill.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let before = got.len();
        let count = count as u64;
        (&mut download)
            .take(count)
            .read_to_end(&mut got)
            .await
            .unwrap();
        if got.len() == before {
            break;
        }
    }
    download.finish().await.unwrap();
    assert!(got == file, "{} of {}", got.len(), file.len());
    ftp.quit().await.unwrap();
}
