//! The client of each adapter with the server of each other, and the table in docs/ADAPTERS.md.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Mutex;

use ftp_testkit::conformance::{
    Adapter, Async, Blocking, Platform, play_light, scenarios, serve_files,
};
use tokio::runtime::Handle;

pub(crate) struct OnTokio;

/// Those of the servers on these ports.
static RUNTIMES: Mutex<BTreeMap<u16, Handle>> = Mutex::new(BTreeMap::new());

/// How many tasks the server on this port has, if it runs on tokio.
pub(crate) fn tasks_of(port: u16) -> Option<usize> {
    let runtimes = RUNTIMES.lock().unwrap();
    Some(runtimes.get(&port)?.metrics().num_alive_tasks())
}

/// The server on this port is over. Its runtime would be kept, with what that has open.
pub(crate) fn forget_tasks_of(port: u16) {
    RUNTIMES.lock().unwrap().remove(&port);
}

impl Platform for OnTokio {
    type Runtime = ftp_tokio::Tokio;
    const NAME: &'static str = "tokio";

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(future)
    }

    fn listener(listener: TcpListener) -> tokio::net::TcpListener {
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let runtimes = RUNTIMES.lock();
        runtimes.unwrap().insert(port, Handle::current());
        tokio::net::TcpListener::from_std(listener).unwrap()
    }
}

pub(crate) struct OnSmol;

impl Platform for OnSmol {
    type Runtime = ftp_smol::Smol;
    const NAME: &'static str = "smol";

    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn listener(listener: TcpListener) -> smol::net::TcpListener {
        smol::Async::new(listener).unwrap().into()
    }
}

pub(crate) struct OnAsyncStd;

impl Platform for OnAsyncStd {
    type Runtime = ftp_async_std::AsyncStd;
    const NAME: &'static str = "async-std";

    fn block_on<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn listener(listener: TcpListener) -> async_std::net::TcpListener {
        listener.into()
    }
}

fn adapters() -> [Box<dyn Adapter>; 4] {
    [
        Box::new(Async::<OnTokio>::new()),
        Box::new(Async::<OnSmol>::new()),
        Box::new(Async::<OnAsyncStd>::new()),
        Box::new(Blocking),
    ]
}

/// With itself each adapter is tested in its own crate.
fn meets_the_others(client: usize) {
    let adapters = adapters();
    for (index, server) in adapters.iter().enumerate() {
        if index != client {
            play_light(&*adapters[client], &**server);
        }
    }
}

#[test]
fn the_client_of_tokio_meets_the_servers_of_the_others() {
    meets_the_others(0);
}

#[test]
fn the_client_of_smol_meets_the_servers_of_the_others() {
    meets_the_others(1);
}

#[test]
fn the_client_of_async_std_meets_the_servers_of_the_others() {
    meets_the_others(2);
}

#[test]
fn the_client_of_blocking_meets_the_servers_of_the_others() {
    meets_the_others(3);
}

#[test]
fn the_client_of_tokio_uses_the_files_of_each_server() {
    for server in &adapters()[1..] {
        serve_files::<OnTokio>(&**server);
    }
}

const BEGINS: &str = "<!-- The scenes: made by the tests of ftp-testkit -->\n";
const ENDS: &str = "<!-- End of the scenes -->\n";

/// A scene that one of them did not play to its end fails the tests above, or those of its crate; so
/// what can be wrong here is the list. `UPDATE_DOCS=1 cargo test -p ftp-testkit --test main adapters`
/// writes it anew.
#[test]
fn the_table_in_the_docs_names_every_scene() {
    let names = adapters().map(|adapter| adapter.name());
    let mut table = format!("| scene | security | {} |\n|---|---|", names.join(" | "));
    table.push_str(&"---|".repeat(names.len()));
    for scenario in scenarios() {
        let row = format!("\n| {} | {} |", scenario.name, scenario.securities());
        table.push_str(&row);
        table.push_str(&" yes |".repeat(names.len()));
    }
    table.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ADAPTERS.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = docs.split_once(BEGINS).expect("a place for the table");
    let (found, after) = rest.split_once(ENDS).expect("its end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGINS}{table}{ENDS}{after}")).unwrap();
    } else {
        assert_eq!(found, table, "docs/ADAPTERS.md is not what is tested");
    }
}
