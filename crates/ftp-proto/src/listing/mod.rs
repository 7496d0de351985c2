//! Directory listings: parses and writes the answers to `MLSD`, `MLST` and `LIST`.
//!
//! It needs no machine, connection or clock. Pass each line to a [`Parser`], or the bytes of a data
//! connection, in pieces of any size, to a [`Reader`]:
//!
//! ```
//! use ftp_proto::DateTime;
//! use ftp_proto::listing::{Kind, Line, Reader};
//!
//! // Lists leave out the year of what is new, so the parser must know the time.
//! let now = DateTime::date(2024, 5, 1).expect("a day");
//! let mut reader = Reader::new(now);
//! let mut names = Vec::new();
//! for mut piece in [
//!     &b"total 8\r\n-rw-r--r--  1 anna staff 1234 Apr 30 18:20 report 2.t"[..],
//!     b"xt\r\ntype=dir;modify=20240102030405; photos\r\n",
//!     b"04-27-00  12:09PM       <DIR>          old\r\n",
//! ] {
//!     while let Some(line) = reader.next(&mut piece) {
//!         if let Line::Entry(entry) = line {
//!             names.push((entry.name_text().into_owned(), entry.kind));
//!         }
//!     }
//! }
//! assert_eq!(names[0], ("report 2.txt".to_owned(), Kind::File));
//! assert_eq!(names[1], ("photos".to_owned(), Kind::Directory));
//! assert_eq!(names[2], ("old".to_owned(), Kind::Directory));
//! ```
//!
//! # Formats
//!
//! RFC 3659 defines one format, for `MLSD`. `LIST` has as many formats as there are servers. The
//! parser recognises the format line by line. It knows:
//!
//! * facts (RFC 3659 §7), and EPLF;
//! * `ls -l` of all Unix systems, with and without group, link count, inode and blocks, with names
//!   of months in some thirty languages, numeric and ISO dates; and similar formats of servers for
//!   Windows, OS/2, NetWare, the Mac, and devices;
//! * Windows and DOS (IIS and others), OS/2, VxWorks, and TCP/IP packages for DOS;
//! * OpenVMS, on one line or two;
//! * z/OS data sets, members of partitioned data sets, load modules, jobs; VSE; VM/CMS; IBM i (OS/400);
//! * HP NonStop, MPE/iX, Stratus VOS, GCOS, Unisys ClearPath, OS-9, TOPS-20, MUSIC/SP, TSX-Plus, and
//!   the gateways of Sterling and GXS.
//!
//! A line with only a name is not an entry, since any message would be one: such lines are the
//! answer to `NLST`. (Members of a partitioned data set, after the header of such a list, are an
//! exception.)
//!
//! # What it promises
//!
//! * Entries borrow from the line, without allocations. (Two kinds use a buffer of the parser:
//!   entries over two lines, and names in two columns.)
//! * Any bytes are accepted. The work is linear, and the line limit bounds the memory.
//! * A field that the server did not send is `None`. Only a missing year is guessed.
//! * Names are bytes, with all their blanks. They are not trusted: use only [`Entry::local_name`]
//!   as the name of a local file.

mod clock;
mod dos;
mod entry;
mod eplf;
mod facts;
mod format;
mod gateways;
mod gcos;
mod hosts;
mod ibm;
mod lsdate;
mod mode;
mod month;
mod mvs;
mod name;
mod named;
mod noise;
mod owned;
mod parser;
mod reader;
pub(crate) mod text;
mod unix;
mod usual;
mod vms;
mod write;

pub use entry::{Entry, Kind, Modified, Precision};
pub use facts::Facts;
pub use owned::OwnedEntry;
pub use parser::{DEFAULT_LINE_LIMIT, Line, Parser, Reason};
pub use reader::Reader;
pub use write::{FactNames, WriteError, write_facts, write_list};

use clock::{NumericDate, Order};
use format::Reading;

use crate::datetime::DateTime;

/// What earlier lines showed.
#[derive(Debug, Clone, Copy)]
struct Context {
    /// No time may be after this one: a day from now, since clocks and time zones differ.
    limit: DateTime,
    /// How to read ambiguous dates.
    order: Order,
    /// The last header.
    header: Header,
}

impl Context {
    /// An unambiguous date shows how to read the others.
    const fn learn(&mut self, found: NumericDate) {
        if let Some(order) = found.proves {
            self.order = order;
        }
    }
}

/// Headers that change the meaning of the lines after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    None,
    DataSets,
    Members,
    Jobs,
    Vms,
    Tops20,
    /// No effect on the lines after it.
    Other,
}
