//! The names of months, in the languages and character sets of servers.

/// 1 to 12, for an English name of three letters or a name in [`NAMES`]. A `.` or `,` at the end
/// does not matter.
#[inline]
pub(super) fn number(word: &[u8]) -> Option<u8> {
    if let [first, second, third] = word
        && let Some(month) = english([*first, *second, *third])
    {
        return Some(month);
    }
    foreign(word)
}

/// The same for English names only.
pub(super) fn english(letters: [u8; 3]) -> Option<u8> {
    Some(match &letters.map(|letter| letter | 0x20) {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// The names of each month, in lower case, separated by blanks. If a name has different months in
/// two languages (`lis`, `srp`, `lip`), it has that of the language with more servers.
const NAMES: [&str; 12] = [
    "jan january janv janvier januar jän jänner januari janeiro janeir ene enero gen gennaio gener ian ianuarie \
     styczeń stycznia sty leden ledna led január tammi tammikuu tam jaan saus oca ocak янв января январь яну січ \
     січня ιαν ιανουαρίου",
    "feb february fév févr février fev fevr fevereiro febr februar februari februarie febrero fbro febbraio lut \
     luty lutego úno únor února helmi helmikuu hel veebr vas şub şubat фев февр февраля февраль лют лютого φεβ \
     φεβρουαρίου",
    "mar march mars mär märz mrz maerz marzo mzo março mrt maa maart marts marca marzec mart martie márc március bře březen \
     března maalis maaliskuu märts kov мар март марта бер березня μαρ μάρ μαρτίου març",
    "apr april avr avril abr abril ab aprile aprilie ápr április kwi kwiecień kwietnia dub duben dubna huhti huhtikuu \
     bal nis nisan апр апрель апреля кві квітня απρ απριλίου",
    "may mai maj mei mag mayo maio maggio máj május maig maí kwiet kvě květen května touko toukokuu geg mayıs май мая тра \
     травня μαΐ μαϊ μάι μαι μαΐου",
    "jun june juin juni junio junho jún június giu giugno iun iunie cze czerwiec czerwca čen červen června kesä \
     kesäkuu juuni birž haz haziran июн июнь июня юни чер червня ιουν ιούν ιον ιουνίου juny jūn",
    "jul july juil juillet jui juli julio julho júl július lug luglio iul iulie lip lipiec lipca čec červenec července \
     heinä heinäkuu juuli liep tem temmuz июл июль июля юли лип липня ιουλ ιούλ ιολ ιουλίου juliol jūl",
    "aug august aoû août aout ago agosto agto augusti augustus augusztus sie sierpień sierpnia srp srpen srpna elo elokuu rugp ağu \
     ağustos ágú avg авг август августа сер серпня αυγ αύγ αυγούστου agost ag",
    "sep sept september septembre septiembre setiembre set settembre setembro sbre septembrie szept szeptember wrz wrzesień \
     września zář září syys syyskuu rugs eyl eylül сен сент сентябрь сентября сеп вер вересня σεπ σεπτ \
     σεπτεμβρίου setembre",
    "oct october octobre octubre ott ottobre out outubro okt oktober október obre octombrie paź paz październik października říj říjen \
     října loka lokakuu spal eki ekim окт октябрь октября жов жовтня οκτ οκτωβρίου október",
    "nov november novembre noviembre novembro nbre noiembrie noi lis listopad listopada marras marraskuu lapkr nóv kas kasım \
     ноя нояб ноябрь ноября ное листопада νοε νοέ νοεμβρίου",
    "dec december déc décembre dic diciembre dicembre dez dezember dezembro des desember desembre decembrie dbre gru grudzień \
     grudnia pro prosinec prosince joulu joulukuu dets gruod ara aralık дек декабрь декабря гру грудня δεκ \
     δεκεμβρίου",
];

fn foreign(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b",").unwrap_or(word);
    let word = word.strip_suffix(b".").unwrap_or(word);
    // The longest name has 13 letters of two bytes at most.
    if word.len() < 2 || word.len() > 26 {
        return None;
    }
    match core::str::from_utf8(word) {
        Ok(text) => find(text.chars()),
        Err(_) => CHARSETS.iter().find_map(|charset| {
            find(word.iter().map(|byte| match byte {
                0x80.. => charset(*byte),
                ascii => char::from(*ascii),
            }))
        }),
    }
}

fn find(word: impl Iterator<Item = char> + Clone) -> Option<u8> {
    let lower = word.flat_map(char::to_lowercase);
    let named = |names: &&str| {
        let mut names = names.split(' ');
        names.any(|name| lower.clone().eq(name.chars()))
    };
    (1..)
        .zip(&NAMES)
        .find(|(_, names)| named(names))
        .map(|(month, _)| month)
}

/// The character of a byte from 0x80 on.
type Charset = fn(u8) -> char;

const UNKNOWN: char = char::REPLACEMENT_CHARACTER;

/// Tried in this order, up to the first in which the word is a month.
const CHARSETS: [Charset; 9] = [
    latin_1,
    latin_2,
    code_page_850,
    code_page_852,
    windows_1251,
    koi8,
    iso_8859_5,
    greek,
    turkish,
];

fn latin_1(byte: u8) -> char {
    char::from(byte)
}

/// ISO 8859-2 and, where it differs, Windows-1250.
fn latin_2(byte: u8) -> char {
    match byte {
        0xbc | 0x9f => 'ź',
        0xe8 | 0xc8 => 'č',
        0xec => 'ě',
        0xf8 | 0xd8 => 'ř',
        0xf1 => 'ń',
        0xb6 | 0x9c => 'ś',
        0xe1 => 'á',
        0xe9 => 'é',
        0xed => 'í',
        0xfa => 'ú',
        _ => UNKNOWN,
    }
}

fn code_page_850(byte: u8) -> char {
    match byte {
        0x82 => 'é',
        0x84 => 'ä',
        0x87 => 'ç',
        0x93 => 'ô',
        0x96 => 'û',
        0x81 => 'ü',
        0xa0 => 'á',
        0xa1 => 'í',
        0xa3 => 'ú',
        _ => UNKNOWN,
    }
}

fn code_page_852(byte: u8) -> char {
    match byte {
        0xab => 'ź',
        0x9f => 'č',
        0xd8 => 'ě',
        0xfd => 'ř',
        0xa0 => 'á',
        0xa1 => 'í',
        0xa3 => 'ú',
        _ => UNKNOWN,
    }
}

fn windows_1251(byte: u8) -> char {
    cyrillic(byte.checked_sub(0xc0))
}

fn iso_8859_5(byte: u8) -> char {
    cyrillic(byte.checked_sub(0xb0))
}

/// The letters from А to я have the same order in most sets.
fn cyrillic(letter: Option<u8>) -> char {
    letter
        .filter(|letter| *letter < 64)
        .and_then(|letter| char::from_u32(u32::from(letter).wrapping_add(0x410)))
        .unwrap_or(UNKNOWN)
}

fn koi8(byte: u8) -> char {
    const LETTERS: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";
    match byte {
        // Letter case does not matter here.
        0xc0.. => LETTERS
            .chars()
            .nth(usize::from(byte & 0x1f))
            .unwrap_or(UNKNOWN),
        _ => UNKNOWN,
    }
}

/// ISO 8859-7.
fn greek(byte: u8) -> char {
    match byte {
        0xb6..=0xfe => char::from_u32(u32::from(byte).wrapping_add(0x2d0)).unwrap_or(UNKNOWN),
        _ => UNKNOWN,
    }
}

/// ISO 8859-9: Latin-1 with six letters changed.
fn turkish(byte: u8) -> char {
    match byte {
        0xf0 => 'ğ',
        0xfe | 0xde => 'ş',
        0xfd => 'ı',
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_by_name() {
        for (word, month) in [
            ("Jan", 1),
            ("MAY", 5),
            ("sept", 9),
            ("Juli,", 7),
            ("Okt.", 10),
            ("März", 3),
            ("MÄR", 3),
            ("févr.", 2),
            ("août", 8),
            ("dic", 12),
            ("out", 10),
            ("szept", 9),
            ("źle", 0),
            ("paź", 10),
            ("říj", 10),
            ("Янв", 1),
            ("сентября", 9),
            ("Ağu", 8),
            ("Μαΐ", 5),
            ("kesä", 6),
            ("root", 0),
            ("x", 0),
            ("", 0),
        ] {
            assert_eq!(number(word.as_bytes()).unwrap_or(0), month, "{word}");
        }
    }

    #[test]
    fn legacy_character_sets_are_understood() {
        for (word, month) in [
            (&b"m\xe4r"[..], 3),
            (b"f\xe9v", 2),
            (b"ao\xfb", 8),
            (b"f\x82vr.", 2),
            (b"m\x84r", 3),
            (b"pa\x9f", 10),
            (b"pa\xbc", 10),
            (b"\xff\xed\xe2", 1),
            (b"\xd1\xce\xd7", 1),
            (b"\xdeub", 2),
            (b"\xc9\xe1\xed", 1),
        ] {
            assert_eq!(number(word), Some(month), "{}", word.escape_ascii());
        }
    }

    #[test]
    fn no_name_stands_for_two_months() {
        let all: std::vec::Vec<&str> = NAMES.iter().flat_map(|names| names.split(' ')).collect();
        for (index, name) in all.iter().enumerate() {
            let again = all.iter().skip(index + 1).find(|other| *other == name);
            // Twice for the same month is allowed.
            if again.is_some() {
                let months = NAMES
                    .iter()
                    .filter(|names| names.split(' ').any(|other| other == *name));
                assert_eq!(months.count(), 1, "{name}");
            }
        }
    }
}
