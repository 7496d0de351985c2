//! A password goes over the wire once: whatever ends the login behind it, a client that tries again
//! does not send it a second time, unless the server said 421.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ftp_proto::client::{self, Security, Timeouts};

use super::DriveMode;
use super::fixture::Fixture;

/// What a server does behind `PASS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Say(&'static str),
    Close,
    Reset,
    Silence,
}

/// How often the password arrives for each end of the login.
const ENDS: [(Then, usize); 8] = [
    (Then::Say("430 Invalid username or password.\r\n"), 1),
    (Then::Say("450 Later.\r\n"), 1),
    (Then::Say("530 No.\r\n"), 1),
    (Then::Say("530-No\r\n"), 1),
    (Then::Close, 1),
    (Then::Reset, 1),
    (Then::Silence, 1),
    (Then::Say("421 Later.\r\n"), 3),
];

pub(super) fn sent_once(fixture: &Fixture<'_>) -> Result<(), String> {
    for (then, times) in ENDS {
        let came = count(fixture, then).map_err(|error| error.to_string())?;
        if came != times {
            return Err(format!("{then:?}: the password came {came} times"));
        }
    }
    Ok(())
}

/// How often the password comes, at most three times.
fn count(fixture: &Fixture<'_>, then: Then) -> std::io::Result<usize> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (passwords, over) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let server = thread::spawn({
        let (passwords, over) = (Arc::clone(&passwords), Arc::clone(&over));
        move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                // However it ends: only the passwords count.
                drop(serve(&stream, then, &passwords));
            }
        }
    });
    let mut timeouts = Timeouts::default();
    if then == Then::Silence {
        timeouts.reply = Duration::from_millis(200);
    }
    let config = client::Config::new(fixture.login()).timeouts(timeouts);
    let mut plan = fixture.client_plan_with(config, &[]);
    plan.config = plan.config.security(Security::DangerousPlaintext);
    drop(
        fixture
            .client
            .run(DriveMode::Retrying, &address.to_string(), &plan),
    );
    over.store(true, Ordering::SeqCst);
    drop(TcpStream::connect(address)?);
    server.join().expect("the server does not panic");
    Ok(passwords.load(Ordering::SeqCst))
}

fn serve(mut stream: &TcpStream, then: Then, passwords: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    stream.write_all(b"220 Ready.\r\n")?;
    lines.read_line(&mut line)?;
    stream.write_all(b"331 Password.\r\n")?;
    line.clear();
    lines.read_line(&mut line)?;
    if !line.starts_with("PASS ") {
        return Ok(());
    }
    let times = passwords.fetch_add(1, Ordering::SeqCst) + 1;
    match then {
        Then::Say(_) if times >= 3 => stream.write_all(b"530 Enough.\r\n")?,
        Then::Say(text) => stream.write_all(text.as_bytes())?,
        Then::Close => {}
        Then::Reset => return socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)),
        Then::Silence => {
            lines.read_to_end(&mut Vec::new())?;
        }
    }
    Ok(())
}
