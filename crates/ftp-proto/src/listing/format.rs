//! The formats, and the order in which they are tried.

use super::entry::Entry;
use super::text::{Columns, skip_blanks};
use super::{Context, dos, eplf, facts, gateways, gcos, hosts, ibm, mvs, named, unix, vms};

/// A line as read by a format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) entry: Entry<'a>,
    /// The extension of the name, which follows a dot.
    pub(super) extension: &'a [u8],
}

impl<'a> From<Entry<'a>> for Reading<'a> {
    #[inline]
    fn from(entry: Entry<'a>) -> Self {
        Self {
            entry,
            extension: b"",
        }
    }
}

impl Reading<'_> {
    /// A line without a name is no entry, even if all else fits: `/` alone is a mark, for example.
    #[inline]
    pub(super) const fn has_name(&self) -> bool {
        !self.entry.name.is_empty()
    }
}

/// A format of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Facts,
    Unix,
    Eplf,
    UnixNumeric,
    Vms,
    VmBfs,
    Dos,
    Os2,
    Os400,
    NonStop,
    DataSet,
    Member,
    LoadModule,
    Job,
    VmCms,
    VmReader,
    Vse,
    StratusVos,
    Os9,
    Mailbox,
    Gcos,
    Melcom,
    Msp,
    Music,
    Mpe,
    MicroRtos,
    Tops20,
    AttributesFirst,
    SizeFirst,
    NameFirst,
    NameFirstInWords,
    TsxPlus,
    InformationExchange,
    ConnectExpress,
}

/// Formats that are recognised by their columns. Those with more distinctive marks come first, so
/// that none reads the lines of another.
const BY_COLUMNS: [Format; 30] = [
    Format::VmBfs,
    Format::Dos,
    Format::Os2,
    Format::Os400,
    Format::NonStop,
    Format::DataSet,
    Format::Member,
    Format::LoadModule,
    Format::Job,
    Format::VmCms,
    Format::VmReader,
    Format::StratusVos,
    Format::Os9,
    Format::Mailbox,
    Format::InformationExchange,
    Format::ConnectExpress,
    Format::Gcos,
    Format::Melcom,
    Format::Msp,
    Format::Music,
    Format::Mpe,
    Format::MicroRtos,
    Format::Tops20,
    Format::AttributesFirst,
    Format::SizeFirst,
    // After those with a name first and more columns.
    Format::Vse,
    Format::NameFirst,
    Format::NameFirstInWords,
    Format::UnixNumeric,
    Format::TsxPlus,
];

impl Format {
    /// Finds the format of a line.
    pub(super) fn guess<'a>(line: &'a [u8], context: &mut Context) -> Option<(Self, Reading<'a>)> {
        let direct = [Self::Facts, Self::Unix, Self::Eplf, Self::Vms];
        for format in direct {
            let entry = match format {
                Self::Unix => unix::parse(line, context),
                _ => format.read_line(line),
            };
            if let Some(reading) = entry.map(Reading::from).filter(Reading::has_name) {
                return Some((format, reading));
            }
        }
        if skip_blanks(line).is_empty() {
            return None;
        }
        let columns = Columns::of(line);
        BY_COLUMNS.iter().find_map(|format| {
            let reading = format.read_columns(&columns, context)?;
            reading.has_name().then_some((*format, reading))
        })
    }

    /// Reads a line in this format, once the format is known.
    #[inline]
    pub(super) fn read<'a>(self, line: &'a [u8], context: &mut Context) -> Option<Reading<'a>> {
        match self {
            Self::Unix => Some(Reading::from(unix::parse(line, context)?)),
            Self::Facts => match facts::parse(line) {
                Some(entry) => Some(Reading::from(entry)),
                None => facts::parse_without_facts(line).map(Reading::from),
            },
            Self::Eplf | Self::Vms => self.read_line(line).map(Reading::from),
            _ => self.read_columns(&Columns::of(line), context),
        }
    }

    /// Formats that need no context.
    fn read_line(self, line: &[u8]) -> Option<Entry<'_>> {
        match self {
            Self::Facts => facts::parse(line),
            Self::Eplf => eplf::parse(line),
            Self::Vms => vms::parse(line),
            _ => None,
        }
    }

    fn read_columns<'a>(self, columns: &Columns<'a>, context: &mut Context) -> Option<Reading<'a>> {
        match self {
            Self::Facts | Self::Unix | Self::Eplf | Self::Vms => None,
            Self::UnixNumeric => unix::parse_numeric(columns.line()).map(Reading::from),
            Self::VmBfs => ibm::vm_bfs(columns, context),
            Self::Dos => dos::parse(columns, context),
            Self::Os2 => ibm::os_2(columns, context),
            Self::Os400 => ibm::os_400(columns, context),
            Self::NonStop => hosts::nonstop(columns, context),
            Self::DataSet => mvs::data_set(columns, context),
            Self::Member => mvs::member(columns, context),
            Self::LoadModule => mvs::load_module(columns, context),
            Self::Job => mvs::job(columns, context),
            Self::VmCms => ibm::vm_cms(columns, context),
            Self::VmReader => ibm::vm_reader(columns, context),
            Self::Vse => ibm::vse(columns, context),
            Self::StratusVos => hosts::stratus_vos(columns, context),
            Self::Os9 => hosts::os_9(columns, context),
            Self::Mailbox => gateways::mailbox(columns, context),
            Self::Gcos => gcos::gcos(columns, context),
            Self::Melcom => gcos::melcom(columns, context),
            Self::Msp => gcos::msp(columns, context),
            Self::Music => hosts::music(columns, context),
            Self::Mpe => hosts::mpe(columns, context),
            Self::MicroRtos => hosts::micro_rtos(columns, context),
            Self::Tops20 => hosts::tops_20(columns, context),
            Self::AttributesFirst => named::attributes_first(columns, context),
            Self::SizeFirst => named::size_first(columns, context),
            Self::NameFirst => named::name_first(columns, context),
            Self::InformationExchange => gateways::information_exchange(columns, context),
            Self::ConnectExpress => gateways::connect_express(columns, context),
            Self::TsxPlus => hosts::tsx_plus(columns, context),
            Self::NameFirstInWords => named::name_first_in_words(columns, context),
        }
    }
}
