//! Directory listings: what `MLSD`, `MLST` and `LIST` answer, parsed and written.
//!
//! This needs no machine, no connection and no clock, and can be used alone. Give each line to a
//! [`Parser`], or the bytes of the data connection, however they are cut, to a [`Reader`]:
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
//! RFC 3659 defines one format, that of `MLSD`. `LIST` has as many as there are servers, and the
//! parser finds out by itself which one it reads, line by line. It knows:
//!
//! * facts (RFC 3659 §7), and EPLF;
//! * `ls -l` of all Unix systems, with and without group, link count, inode and blocks, with names of
//!   months in some thirty languages, numeric and ISO dates; and its imitations by servers for
//!   Windows, OS/2, NetWare, the Mac, and devices;
//! * Windows and DOS (IIS and others), OS/2, VxWorks, and TCP/IP packages for DOS;
//! * OpenVMS, on one line or two;
//! * z/OS data sets, members of partitioned data sets, load modules, jobs; VSE; VM/CMS; IBM i (OS/400);
//! * HP NonStop, MPE/iX, Stratus VOS, GCOS, Unisys ClearPath, OS-9, TOPS-20, MUSIC/SP, TSX-Plus, and
//!   the gateways of Sterling and GXS.
//!
//! A line with nothing but a name is no entry, since any message would be one: names alone are what
//! `NLST` answers. (A member of a partitioned data set, below the header of such a list, is one.)
//!
//! # What it promises
//!
//! * Entries are borrowed from the line: nothing is allocated for them. (Two kinds of entries use a
//!   buffer of the parser: those over two lines, and names that are in two columns.)
//! * Any bytes may come. Work is linear in them, and memory bounded by the line limit.
//! * A field that the server did not say is `None`; nothing is made up but the year.
//! * Names are bytes, with all their blanks. They come from a stranger: only
//!   [`Entry::local_name`] is fit to name a local file.

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
mod parser;
mod reader;
pub(crate) mod text;
mod unix;
mod usual;
mod vms;
mod write;

pub use entry::{Entry, Kind, Modified, Precision};
pub use facts::Facts;
pub use parser::{DEFAULT_LINE_LIMIT, Line, Parser, Reason};
pub use reader::Reader;
pub use write::{FactNames, WriteError, write_facts, write_list};

use clock::{NumericDate, Order};
use format::Reading;

use crate::datetime::DateTime;

/// What lines before this one told.
#[derive(Debug, Clone, Copy)]
struct Context {
    /// No time is after this one: a day from now, since clocks and time zones differ.
    limit: DateTime,
    /// How dates that can be read in two ways are read.
    order: Order,
    /// Which header was seen last.
    header: Header,
}

impl Context {
    /// A date that could be read in one way only shows how the others are meant.
    const fn learn(&mut self, found: NumericDate) {
        if let Some(order) = found.proves {
            self.order = order;
        }
    }
}

/// Headers after which lines mean what they would not without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    None,
    DataSets,
    Members,
    Jobs,
    Vms,
    Tops20,
    /// It does not matter.
    Other,
}
