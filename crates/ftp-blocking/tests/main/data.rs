//! Data connections over sockets: how they end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ftp_blocking::{Driver, DriverError};
use ftp_proto::Instant;
use ftp_proto::data::{Connection, Detached, Direction, Error};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, Secured, client_config, roots_from_pem,
    server_config,
};
use ftp_testkit::SelfMade;

/// More than sockets hold.
const SIZE: usize = 20_000_000;

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

fn connected(direction: Direction) -> (Driver<Connection, TcpStream>, TcpStream) {
    let (near, far) = sockets();
    let machine = Detached::new(direction).connect(Instant::START);
    (Driver::for_data(machine, near), far)
}

/// Sends so many bytes and the end.
fn upload(
    driver: &mut Driver<Connection, TcpStream>,
    mut left: usize,
) -> Result<(), DriverError<Error>> {
    let bytes = vec![b'x'; left];
    loop {
        let now = driver.now();
        left -= driver.machine_mut().write(now, &bytes[..left]);
        if left == 0 {
            driver.machine_mut().finish(now);
        }
        if driver.next()?.is_none() {
            return Ok(());
        }
    }
}

#[test]
fn an_upload_is_shut_down_and_its_peer_may_go_on() {
    let (mut driver, mut far) = connected(Direction::Send);
    let peer = thread::spawn(move || {
        let mut came = Vec::new();
        far.read_to_end(&mut came).unwrap();
        far.write_all(b"nobody asked").unwrap();
        came.len()
    });
    upload(&mut driver, SIZE).unwrap();
    assert_eq!(peer.join().unwrap(), SIZE);
    let end = driver.into_parts().machine.into_end();
    assert_eq!((end.result(), end.bytes()), (Ok(()), SIZE as u64));
}

#[test]
fn an_upload_that_nobody_reads_to_its_end_is_cut_off() {
    let (mut driver, mut far) = connected(Direction::Send);
    let peer = thread::spawn(move || {
        far.read_exact(&mut [0; 1000]).unwrap();
        // It is closed with unread bytes, which is a reset.
    });
    let error = upload(&mut driver, SIZE).unwrap_err();
    peer.join().unwrap();
    let DriverError::Io { consequence, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(consequence, Some(Error::CutOff));
    let end = driver.into_parts().machine.into_end();
    assert_eq!(end.result(), Err(Error::CutOff));
}

#[test]
fn a_download_ends_with_its_peers_end() {
    let (mut driver, mut far) = connected(Direction::Receive);
    let peer = thread::spawn(move || far.write_all(&vec![b'x'; SIZE]).unwrap());
    let mut came = 0;
    while let Some(_event) = driver.next().unwrap() {
        let now = driver.now();
        let machine = driver.machine_mut();
        came += machine.readable().len();
        machine.consume(now, usize::MAX);
    }
    peer.join().unwrap();
    assert_eq!(came, SIZE);
    let end = driver.into_parts().machine.into_end();
    assert_eq!((end.result(), end.bytes()), (Ok(()), SIZE as u64));
}

#[test]
fn an_upload_under_tls_is_whole_at_both_ends() {
    let made = SelfMade::for_names(["ftp.example.com"]);
    let pem = made.certificate_pem.as_bytes();
    let config = client_config(Roots::Store(roots_from_pem(pem).unwrap()), None).unwrap();
    let tls = ClientTls::for_host(config, "ftp.example.com").unwrap();
    let identity = Identity::from_pem(pem, made.key_pem.as_bytes()).unwrap();
    let config = server_config(identity, ClientCertificates::NotAsked).unwrap();
    for _ in 0..5 {
        let (near, far) = sockets();
        let machine = |direction| {
            Detached::new(direction)
                .protected(true)
                .connect(Instant::START)
        };
        let receiver = Secured::server(machine(Direction::Receive), config.clone());
        let peer = thread::spawn(move || {
            let mut driver = Driver::for_data(receiver, far);
            let mut came = 0;
            while let Some(_event) = driver.next().unwrap() {
                let now = driver.now();
                let machine = driver.machine_mut().machine_mut();
                came += machine.readable().len();
                machine.consume(now, usize::MAX);
            }
            let end = driver.into_parts().machine.into_machine().into_end();
            (came, end.result())
        });
        let sender = Secured::client(machine(Direction::Send), tls.clone());
        let mut driver = Driver::for_data(sender, near);
        let bytes = vec![b'x'; SIZE];
        let mut left = &bytes[..];
        loop {
            let now = driver.now();
            let machine = driver.machine_mut().machine_mut();
            let taken = machine.write(now, left);
            left = &left[taken..];
            if left.is_empty() {
                machine.finish(now);
            }
            if driver.next().unwrap().is_none() {
                break;
            }
        }
        let end = driver.into_parts().machine.into_machine().into_end();
        assert_eq!((end.result(), end.bytes()), (Ok(()), SIZE as u64));
        assert_eq!(peer.join().unwrap(), (SIZE, Ok(())));
    }
}
