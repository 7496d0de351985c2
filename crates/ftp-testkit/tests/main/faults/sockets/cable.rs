//! One connection of a proxy, and what befalls it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ftp_futures::socket2::SockRef;

use super::super::Where;
use super::super::line::Way;
use super::proxy::{Fault, Kind, PATIENCE, Running, Shared, Target, local};

/// How often one that waits for a socket looks whether it still needs to.
const LOOK_ABOUT: Duration = Duration::from_millis(500);

pub(super) struct Cable {
    shared: Arc<Shared>,
    place: Where,
    client: TcpStream,
    server: TcpStream,
    is_silent: AtomicBool,
    is_over: AtomicBool,
}

/// What goes one way.
struct Lane {
    cable: Arc<Cable>,
    way: Way,
    /// The faults to come, the next one last.
    faults: Vec<Fault>,
    carried: usize,
    /// No more goes on this way.
    is_closed: bool,
    goes_singly: bool,
    /// The begin of a line, if lines are changed.
    line: Vec<u8>,
}

impl Cable {
    /// From a connection that one side has made to the other side.
    pub(super) fn lay(
        shared: &Arc<Shared>,
        place: Where,
        from: TcpStream,
        to: Target,
        running: &Running,
    ) {
        let (Target::Server(address) | Target::Client(address)) = to;
        let Ok(onward) = TcpStream::connect_timeout(&address, PATIENCE) else {
            // Nobody listens there any more.
            return reset_on_close(&from);
        };
        let (client, server) = match to {
            Target::Server(_) => (from, onward),
            Target::Client(_) => (onward, from),
        };
        for stream in [&client, &server] {
            let port = |address: std::io::Result<SocketAddr>| address.map_or(0, |at| at.port());
            let ports = (port(stream.peer_addr()), port(stream.local_addr()));
            shared.carried().ports.push(ports);
            let set = |stream: &TcpStream| {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(LOOK_ABOUT))?;
                stream.set_write_timeout(Some(LOOK_ABOUT))
            };
            // Only if it is over already.
            let _set = set(stream);
        }
        let cable = Arc::new(Self {
            shared: Arc::clone(shared),
            place,
            client,
            server,
            is_silent: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        for way in [Way::ToClient, Way::ToServer] {
            let (lane, running) = (Lane::new(&cable, way), running.clone());
            thread::spawn(move || {
                // The sockets are closed before anybody learns that it is over.
                lane.run();
                drop(running);
            });
        }
    }

    fn is(&self, what: &AtomicBool) -> bool {
        what.load(Ordering::SeqCst)
    }

    /// No more is carried: both sides see what `reset` says once both lanes have noticed.
    fn break_off(&self, reset: bool) {
        for stream in [&self.client, &self.server] {
            if reset {
                reset_on_close(stream);
            } else {
                // It may be over already.
                let _over = stream.shutdown(Shutdown::Write);
            }
        }
        self.is_over.store(true, Ordering::SeqCst);
        for stream in [&self.client, &self.server] {
            // Wakes who reads.
            let _over = stream.shutdown(Shutdown::Read);
        }
    }
}

impl Lane {
    fn new(cable: &Arc<Cable>, way: Way) -> Self {
        let faults = &cable.shared.faults;
        let mut faults: Vec<Fault> = faults
            .iter()
            .filter(|(place, fault)| (*place, fault.way) == (cable.place, way))
            .map(|(_, fault)| *fault)
            .collect();
        faults.sort_by_key(|fault| std::cmp::Reverse(fault.after));
        Self {
            cable: Arc::clone(cable),
            way,
            faults,
            carried: 0,
            is_closed: false,
            goes_singly: false,
            line: Vec::new(),
        }
    }

    fn ends(&self) -> [&TcpStream; 2] {
        match self.way {
            Way::ToClient => [&self.cable.server, &self.cable.client],
            Way::ToServer => [&self.cable.client, &self.cable.server],
        }
    }

    fn run(mut self) {
        self.befall();
        let mut space = vec![0; 64 * 1024];
        while !self.cable.is(&self.cable.is_over) {
            let [mut from, _] = self.ends();
            match from.read(&mut space) {
                // That is no end of what was sent: it was broken off meanwhile.
                Ok(0) if self.cable.is(&self.cable.is_over) => break,
                Ok(0) => {
                    // What is no whole line goes, too.
                    let rest = std::mem::take(&mut self.line);
                    self.carry(&rest);
                    if !self.is_closed && !self.cable.is(&self.cable.is_silent) {
                        let [_, to] = self.ends();
                        let _over = to.shutdown(Shutdown::Write);
                        self.cable.shared.note(self.cable.place);
                    }
                    break;
                }
                Ok(count) => {
                    for piece in self.changed(&space[..count]) {
                        self.carry(&piece);
                    }
                }
                Err(error) if is_timeout(&error) => {}
                Err(_) => {
                    // What resets a connection resets the other half, unless nobody is to learn of it.
                    if !self.cable.is(&self.cable.is_silent) {
                        self.cable.break_off(true);
                    }
                    break;
                }
            }
        }
        let mut carried = self.cable.shared.carried();
        let place = self.cable.place;
        let index = self.way as usize;
        match carried.bytes.iter_mut().find(|(other, _)| *other == place) {
            Some((_, bytes)) => bytes[index] = self.carried,
            None => {
                let mut bytes = [0; 2];
                bytes[index] = self.carried;
                carried.bytes.push((place, bytes));
            }
        }
    }

    /// Lets what is due happen.
    fn befall(&mut self) {
        while let Some(fault) = self.faults.pop_if(|fault| fault.after <= self.carried) {
            if self.is_closed || self.cable.is(&self.cable.is_over) {
                return;
            }
            self.cable.shared.carried().faults += 1;
            match fault.kind {
                Kind::End => {
                    self.is_closed = true;
                    let [_, to] = self.ends();
                    let _over = to.shutdown(Shutdown::Write);
                }
                Kind::Close => self.cable.break_off(false),
                Kind::Reset => self.cable.break_off(true),
                Kind::Silence => self.cable.is_silent.store(true, Ordering::SeqCst),
                Kind::Late => self.cable.shared.await_quiet(self.cable.place),
                Kind::Singly => self.goes_singly = true,
            }
        }
    }

    fn carry(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let next = self.faults.last();
            let most = next.map_or(usize::MAX, |fault| fault.after - self.carried);
            let most = if self.goes_singly { 1 } else { most };
            let (piece, rest) = bytes.split_at(most.min(bytes.len()));
            if !self.is_closed && !self.cable.is(&self.cable.is_silent) {
                self.write(piece);
            }
            self.carried += piece.len();
            bytes = rest;
            self.befall();
        }
    }

    fn write(&self, mut bytes: &[u8]) {
        let [_, mut to] = self.ends();
        while !bytes.is_empty() && !self.cable.is(&self.cable.is_over) {
            match to.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if is_timeout(&error) => {}
                // The other side is gone, as this one is to learn.
                Err(_) => return self.cable.break_off(true),
            }
            self.cable.shared.note(self.cable.place);
        }
    }

    /// In lines whose ports lead here, if these bytes are of a control connection in clear.
    fn changed(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.cable.place != Where::Control || self.cable.shared.is_protected {
            return vec![bytes.to_vec()];
        }
        self.line.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            let changed = std::str::from_utf8(&line).ok().and_then(|text| {
                let (before, target, after) = port_of(text, self.way)?;
                let port = self.cable.shared.lead_to(target);
                Some(match text.contains('|') {
                    true => format!("{before}{port}{after}"),
                    false => format!("{before}{},{}{after}", port >> 8, port & 255),
                })
            });
            lines.push(changed.map_or(line, String::into_bytes));
        }
        lines
    }
}

/// The port in a line that says one, and what stands before and after it.
fn port_of(line: &str, way: Way) -> Option<(&str, Target, &str)> {
    let (before, port, after) = match line.get(..4)? {
        "229 " | "EPRT" => {
            let (rest, _) = line.rsplit_once('|')?;
            let (before, port) = rest.rsplit_once('|')?;
            let before = &line[..=before.len()];
            (before, port.parse().ok()?, &line[rest.len()..])
        }
        "227 " | "PORT" => {
            let begin = line.find("127,0,0,1,")? + "127,0,0,1,".len();
            let digits = |byte: &u8| byte.is_ascii_digit() || *byte == b',';
            let length = line[begin..]
                .bytes()
                .take_while(|byte| digits(byte))
                .count();
            let (high, low) = line[begin..begin + length].split_once(',')?;
            let port = high.parse::<u16>().ok()? << 8 | low.parse::<u16>().ok()?;
            (&line[..begin], port, &line[begin + length..])
        }
        _ => return None,
    };
    let target = match way {
        Way::ToClient => Target::Server(local(port)),
        Way::ToServer => Target::Client(local(port)),
    };
    Some((before, target, after))
}

fn is_timeout(error: &std::io::Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Resets it when it is closed.
pub(super) fn reset_on_close(stream: &TcpStream) {
    let set = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    set.expect("a socket can be reset");
}
