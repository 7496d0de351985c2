//! Data connections over sockets: how they end.

use std::io;
use std::time::Duration;

use ftp_proto::data::{Connection, Detached, Direction, End, Error, Event};
use ftp_tokio::{Driver, DriverError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LINE: &[u8] = b"Of a length that is no power of two.\n";
/// More than sockets hold.
const SIZE: usize = LINE.len() * 500_000;

fn bytes() -> Vec<u8> {
    LINE.repeat(SIZE / LINE.len())
}

async fn connected(direction: Direction) -> (Driver<Connection, TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap());
    let (near, far) = tokio::join!(near, listener.accept());
    let machine = Detached::new(direction).connect(ftp_proto::Instant::START);
    (Driver::for_data(machine, near.unwrap()), far.unwrap().0)
}

type Ended = (Result<(), DriverError<Error>>, End);

/// Sends these and the end.
async fn upload(mut driver: Driver<Connection, TcpStream>, mut bytes: &[u8]) -> Ended {
    let result = loop {
        let now = driver.now();
        let taken = driver.machine_mut().write(now, bytes);
        bytes = &bytes[taken..];
        if bytes.is_empty() {
            driver.machine_mut().finish(now);
        }
        match driver.next().await {
            Ok(Some(event)) => assert!(matches!(event, Event::Writable)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (result, driver.into_parts().machine.into_end())
}

/// Receives to the end.
async fn download(mut driver: Driver<Connection, TcpStream>) -> (Vec<u8>, Ended) {
    let mut came = Vec::new();
    let result = loop {
        let next = driver.next().await;
        let now = driver.now();
        let machine = driver.machine_mut();
        came.extend_from_slice(machine.readable());
        machine.consume(now, usize::MAX);
        match next {
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (came, (result, driver.into_parts().machine.into_end()))
}

fn assert_cut_off((result, end): &Ended) {
    assert_eq!(end.result(), Err(Error::CutOff));
    assert!(matches!(
        result,
        Err(DriverError::Io {
            consequence: Some(Error::CutOff),
            ..
        })
    ));
}

/// Closes it with a reset.
fn reset(socket: TcpStream) {
    socket.set_zero_linger().unwrap();
}

#[tokio::test]
async fn an_upload_is_shut_down_and_its_peer_may_go_on_and_then_reset() {
    let (driver, mut far) = connected(Direction::Send).await;
    let bytes = bytes();
    let peer = async {
        let mut came = Vec::new();
        far.read_to_end(&mut came).await.unwrap();
        // The driver closed its sending side only.
        far.write_all(b"nobody asked").await.unwrap();
        far.write_all(b"nobody asked").await.unwrap();
        reset(far);
        came
    };
    let ((result, end), came) = tokio::join!(upload(driver, &bytes), peer);
    assert!(came == bytes);
    assert!(matches!(result, Ok(())), "{result:?}");
    assert_eq!((end.result(), end.bytes()), (Ok(()), SIZE as u64));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_close_does_not_hold_an_upload_up() {
    let (near, _far) = tokio::io::duplex(4096);
    let machine = Detached::new(Direction::Send).connect(ftp_proto::Instant::START);
    let mut driver: Driver<_, _> = Driver::for_data(machine, near);
    let now = driver.now();
    driver.machine_mut().finish(now);
    let begun = tokio::time::Instant::now();
    assert!(matches!(driver.next().await, Ok(None)));
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
}

#[tokio::test]
async fn an_upload_that_is_reset_is_cut_off() {
    let (driver, mut far) = connected(Direction::Send).await;
    let bytes = bytes();
    let peer = async {
        let mut some = [0; 1000];
        far.read_exact(&mut some).await.unwrap();
        reset(far);
    };
    let (ended, ()) = tokio::join!(upload(driver, &bytes), peer);
    assert_cut_off(&ended);
}

#[tokio::test]
async fn a_download_ends_whole_with_its_peers_end_and_cut_off_with_a_reset() {
    for is_reset in [false, true] {
        let (driver, mut far) = connected(Direction::Receive).await;
        let bytes = bytes();
        let peer = async {
            far.write_all(&bytes).await?;
            if is_reset {
                reset(far);
            }
            io::Result::Ok(())
        };
        let ((came, ended), sent) = tokio::join!(download(driver), peer);
        sent.unwrap();
        assert!(bytes.starts_with(&came));
        if is_reset {
            assert_cut_off(&ended);
        } else {
            assert!(matches!(ended.0, Ok(())));
            assert_eq!(ended.1.result(), Ok(()));
            assert_eq!(came.len(), SIZE);
        }
    }
}
