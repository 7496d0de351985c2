//! The suite that all adapters pass, and the misbehaving peers of `ftp-testkit`, on smol.

use std::net::TcpListener;

use ftp_smol::Smol;
use ftp_testkit::conformance::{Async, Platform, play_all, serve_files, use_files};
use ftp_testkit::misbehaving::{try_client, try_server};

struct OnSmol;

impl Platform for OnSmol {
    type Runtime = Smol;
    const NAME: &'static str = "smol";

    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn listener(listener: TcpListener) -> smol::net::TcpListener {
        smol::Async::new(listener).unwrap().into()
    }
}

#[test]
fn every_scenario_comes_to_what_it_must() {
    let adapter = Async::<OnSmol>::new();
    play_all(&adapter, &adapter);
}

#[test]
fn whatever_clients_do_with_files_comes_to_what_it_must() {
    use_files(&Async::<OnSmol>::new());
}

#[test]
fn files_are_served() {
    serve_files::<OnSmol>(&Async::<OnSmol>::new());
}

#[test]
fn misbehaving_servers_are_logged_in_to_rightly_or_not_at_all() {
    try_client(Async::<OnSmol>::new());
}

#[test]
fn misbehaving_clients_are_told_what_is_due_and_nothing_more() {
    try_server(Async::<OnSmol>::new());
}

/// The traits of files are those of `futures-io` here.
#[test]
fn transfers_that_are_cut_go_on() {
    use ftp_smol::ftp_proto::client::{Config, Security};
    use ftp_smol::{Connector, Login, Pool, ResumeOptions};
    use ftp_testkit::flaky::{Cut, FlakyServer};
    use smol::io::Cursor;

    let server = FlakyServer::start(2);
    let login = Login::new("developer", "correct horse sentinel").unwrap();
    let plain = Config::new(login).security(Security::DangerousPlaintext);
    let pool = Pool::new(Connector::new(plain), server.address().to_string(), 2);
    let bytes = vec![b'x'; 100_000];
    smol::block_on(async {
        let options = ResumeOptions::new();
        server.state().cuts.push_back(Cut::Ended(60_000));
        let mut source = Cursor::new(&bytes);
        let report = pool
            .upload_from("/f", &mut source, options.clone())
            .await
            .unwrap();
        assert_eq!(report.offsets, [0, 60_000]);
        server.state().cuts.push_back(Cut::Ended(50_000));
        let mut sink = Cursor::new(Vec::new());
        let report = pool.download_into("/f", &mut sink, options).await.unwrap();
        assert_eq!(report.offsets, [0, 50_000]);
        assert!(sink.into_inner() == bytes);
        pool.close().await;
    });
}
