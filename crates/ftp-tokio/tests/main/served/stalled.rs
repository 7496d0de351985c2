//! Clients that take a file in bursts.

use std::time::Duration;

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
    let file = bytes(5 * SIZE);
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
