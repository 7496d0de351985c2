//! Files over the machines of a client, and ends of lines. The server is a script.

use ftp_proto::client::{Connection, Event, Transfer};
use ftp_proto::data::{self, Direction, ascii};
use ftp_proto::{Action, Instant, Machine};

const NOW: Instant = Instant::START;

/// What a driver reads from a socket at once.
const CHUNK: usize = 64 * 1024;

/// The replies to what the first transfer of a connection sends: `TYPE`, `EPSV` and the transfer itself.
/// `TYPE` is not sent again.
const REPLIES: [&[u8]; 3] = [
    b"200 Type set.\r\n",
    b"229 Entering Extended Passive Mode (|||49152|)\r\n",
    b"150 Here it comes.\r\n226 Transfer complete.\r\n",
];

/// Fetches a file of these bytes with a client that is logged in. How many it got.
pub fn download(client: &mut Connection, file: &[u8]) -> usize {
    transfer(client, Transfer::retrieve("file").expect("a path"), file)
}

/// Stores them.
pub fn upload(client: &mut Connection, file: &[u8]) -> usize {
    transfer(client, Transfer::store("file").expect("a path"), file)
}

fn transfer(client: &mut Connection, transfer: Transfer, file: &[u8]) -> usize {
    let skipped = usize::from(client.data_type().is_some());
    let mut replies = REPLIES.iter().skip(skipped);
    let mut moved = 0;
    client
        .transfer(NOW, transfer)
        .expect("nothing is under way");
    loop {
        match client.poll().expect("no error") {
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                client.wrote(NOW, count);
            }
            Action::Read { .. } => {
                let reply = replies.next().expect("all was said");
                assert_eq!(client.received(NOW, reply), reply.len());
            }
            Action::Event(Event::OpenData(ticket)) => {
                let mut data = client.data_opened(NOW, ticket).expect("the ticket fits");
                moved = move_bytes(&mut data, file);
                let end = data.into_end();
                client.data_ended(NOW, end).expect("it is under way");
            }
            Action::Event(Event::Transferred { outcome, .. }) => {
                assert_eq!(outcome.expect("it is whole").bytes, file.len() as u64);
                return moved;
            }
            Action::Event(_) => {}
            Action::Wait { .. } | Action::Shutdown { .. } | Action::Closed => panic!("it stopped"),
        }
    }
}

/// The file over one data connection, through the machine's own buffer. How many bytes came out.
pub fn move_bytes(data: &mut data::Connection, file: &[u8]) -> usize {
    let mut rest = file;
    let mut moved = 0;
    loop {
        if data.direction() == Direction::Send {
            let taken = data.write(NOW, rest);
            rest = &rest[taken..];
            if rest.is_empty() {
                data.finish(NOW);
            }
        }
        match data.poll().expect("no error") {
            Action::Event(data::Event::Readable) => {
                moved += data.readable().len();
                data.consume(NOW, usize::MAX);
            }
            Action::Event(_) => {}
            Action::Write { bytes, .. } => {
                let count = bytes.len();
                moved += count;
                data.wrote(NOW, count);
            }
            Action::Read { .. } if data_is_over(rest, moved) => data.received_eof(NOW),
            Action::Read { .. } => {
                let taken = data.received(NOW, &rest[..rest.len().min(CHUNK)]);
                rest = &rest[taken..];
            }
            Action::Shutdown { .. } => data.shut_down(NOW),
            Action::Closed => return moved,
            Action::Wait { .. } => panic!("it stopped"),
        }
    }
}

fn data_is_over(rest: &[u8], _: usize) -> bool {
    rest.is_empty()
}

/// A text of about this length in lines of 60 bytes; with the ends of lines that it has on the wire, or in a file.
pub fn text(length: usize, end: &str) -> Vec<u8> {
    let line = format!(
        "{}{end}",
        "The quick brown fox jumps over the lazy dog. ".repeat(2)
    );
    line.repeat(length / line.len()).into_bytes()
}

/// From the wire to a file, in pieces as they come from a socket.
pub fn decode(wire: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut decoder = ascii::Decoder::new();
    for piece in wire.chunks(CHUNK) {
        decoder.decode(piece, out);
    }
    decoder.finish(out);
    out.len()
}

/// From a file to the wire.
pub fn encode(text: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut encoder = ascii::Encoder::new();
    for piece in text.chunks(CHUNK) {
        encoder.encode(piece, out);
    }
    out.len()
}
