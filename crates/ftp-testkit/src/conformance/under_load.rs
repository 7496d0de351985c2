//! Many at once.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use ftp_proto::client::LoggedInBy;
use socket2::{Domain, Socket, Type};

use super::{Adapter, ClientPlan, ClientRun};
use crate::misbehaving::Outcome;

/// Files that a process needs for five hundred logins of a client and a server of its own.
const OPEN_FILES: u64 = 4096;

/// Lets this process open as many files as the suite needs, if the system allows it.
pub fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < OPEN_FILES) {
        limit.current = Some(
            limit
                .maximum
                .map_or(OPEN_FILES, |most| most.min(OPEN_FILES)),
        );
        // If it does not, the suite says what could not be opened.
        let _refused = setrlimit(Resource::Nofile, limit);
    }
}

/// How many connections may wait to be accepted: five hundred come at once.
const BACKLOG: i32 = 1024;

/// A listener on a free port of 127.0.0.1.
pub(super) fn listener() -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// So many logins at once; says what came of those that failed.
pub fn many_at_once(
    client: &dyn Adapter,
    count: usize,
    address: &str,
    plan: &ClientPlan,
) -> Result<(), String> {
    let wanted = |run: &ClientRun| {
        let by = LoggedInBy::Password;
        run.outcome == (Outcome::LoggedIn { by, then: None })
    };
    let talks = client.run_at_once(count, address, plan);
    let failed: Vec<&ClientRun> = talks.iter().filter(|run| !wanted(run)).collect();
    match failed.first() {
        None if talks.len() == count => Ok(()),
        None => Err(format!("{} of {count} talks took place", talks.len())),
        Some(first) => Err(format!(
            "{} of {count} failed, the first with {:?}",
            failed.len(),
            first.outcome
        )),
    }
}
