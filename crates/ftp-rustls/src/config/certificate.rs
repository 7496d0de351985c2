//! Reads the parts of a certificate that rustls does not give (RFC 5280 §4.1).
//!
//! webpki, which rustls uses, accepts only X.509 version 3, and no certificate with an unknown
//! critical extension. This reader accepts the others, too: for a pin, for example, only the key
//! matters.

use rustls::pki_types::{SignatureVerificationAlgorithm, UnixTime, alg_id};

use super::der::{
    BIT_STRING, BOOLEAN, GENERALIZED_TIME, INTEGER, Item, OCTET_STRING, OID, Reader, SEQUENCE,
    UTC_TIME, context,
};

/// What a certificate may be used for: the OIDs of RFC 5280 §4.2.1.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Server,
    Client,
}

impl Purpose {
    fn oid(self) -> &'static [u8] {
        match self {
            Self::Server => &[0x2b, 6, 1, 5, 5, 7, 3, 1],
            Self::Client => &[0x2b, 6, 1, 5, 5, 7, 3, 2],
        }
    }
}

// The last number of the extensions in the arc 2.5.29.
const KEY_USAGE: u8 = 15;
const ALTERNATIVE_NAMES: u8 = 17;
const BASIC_CONSTRAINTS: u8 = 19;
const NAME_CONSTRAINTS: u8 = 30;
const CRL_DISTRIBUTION_POINTS: u8 = 31;
const EXTENDED_KEY_USAGE: u8 = 37;
/// 2.5.29.37.0
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
/// 1.3.6.1.4.1.11129.2.4.2
const TRANSPARENCY_TIMESTAMPS: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
/// 1.2.840.113549.1.1.1, with tag and length.
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/// A certificate of any version. Only the outline is checked, not its signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Certificate<'a> {
    /// 1, 2 or 3.
    pub(crate) version: u16,
    pub(crate) issuer: &'a [u8],
    /// The content of the name's sequence.
    pub(crate) subject: &'a [u8],
    pub(crate) key: PublicKey<'a>,
    validity: Reader<'a>,
    extensions: Reader<'a>,
}

impl<'a> Certificate<'a> {
    /// Reads up to the extensions. Bytes after the certificate, and unreadable parts after the key,
    /// are ignored.
    pub(crate) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut whole = Reader(der).expect(SEQUENCE)?.reader();
        let mut fields = whole.expect(SEQUENCE)?.reader();
        let version = match fields.optional(context(0)) {
            Some(version) => match version.reader().expect(INTEGER)?.content {
                [number] => u16::from(*number).saturating_add(1),
                _ => return None,
            },
            None => 1,
        };
        let _serial = fields.expect(INTEGER)?;
        let _signature = fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?.content;
        let validity = fields.expect(SEQUENCE)?.reader();
        let subject = fields.expect(SEQUENCE)?.content;
        let key = PublicKey::parse(fields.expect(SEQUENCE)?.whole)?;
        let extensions = fields
            .find(|field| field.tag == context(3))
            .and_then(|field| field.reader().expect(SEQUENCE))
            .map_or(Reader(&[]), Item::reader);
        Some(Self {
            version,
            issuer,
            subject,
            key,
            validity,
            extensions,
        })
    }

    /// The first and the last second at which it is valid.
    pub(crate) fn validity(&self) -> Option<(UnixTime, UnixTime)> {
        let mut times = self.validity;
        Some((time(&mut times)?, time(&mut times)?))
    }

    /// Whether it is an authority's certificate (CA:TRUE).
    pub(crate) fn is_authority(&self) -> bool {
        self.extension(BASIC_CONSTRAINTS).is_some_and(is_true_first)
    }

    /// Whether its key may sign other certificates, by the rules of OpenSSL, which accepts
    /// authorities older than version 3, too.
    pub(crate) fn may_issue(&self) -> bool {
        let signs = self.extension(KEY_USAGE).map(may_sign_certificates);
        match (signs, self.extension(BASIC_CONSTRAINTS)) {
            (Some(false), _) => false,
            (_, Some(constraints)) => is_true_first(constraints),
            (Some(true), None) => true,
            (None, None) => self.version < 3,
        }
    }

    /// Whether a peer may use it for this purpose: it names the purpose, or none.
    pub(crate) fn is_for(&self, purpose: Purpose) -> bool {
        self.purposes()
            .is_none_or(|mut purposes| purposes.any(|item| item.content == purpose.oid()))
    }

    /// Whether it may vouch for certificates of this purpose.
    pub(crate) fn vouches_for(&self, purpose: Purpose) -> bool {
        self.is_for(purpose)
            || self
                .purposes()
                .is_some_and(|mut purposes| purposes.any(|item| item.content == ANY_PURPOSE))
    }

    fn purposes(&self) -> Option<Reader<'a>> {
        let content = self.extension(EXTENDED_KEY_USAGE)?;
        // An unreadable list has no purpose.
        let list = Reader(content).expect(SEQUENCE);
        Some(list.map_or(Reader(&[]), Item::reader))
    }

    /// A critical extension that webpki does not know, in dotted form.
    pub(crate) fn unknown_critical_extension(&self) -> Option<String> {
        const KNOWN: [u8; 6] = [
            KEY_USAGE,
            ALTERNATIVE_NAMES,
            BASIC_CONSTRAINTS,
            NAME_CONSTRAINTS,
            CRL_DISTRIBUTION_POINTS,
            EXTENDED_KEY_USAGE,
        ];
        self.extensions().find_map(|extension| {
            let known = matches!(extension.oid, [0x55, 0x1d, id] if KNOWN.contains(id))
                || extension.oid == TRANSPARENCY_TIMESTAMPS;
            (extension.critical && !known).then(|| dotted(extension.oid))
        })
    }

    fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions()
            .find(|extension| extension.oid == [0x55, 0x1d, id])
            .map(|extension| extension.value)
    }

    fn extensions(&self) -> impl Iterator<Item = Extension<'a>> {
        self.extensions.filter_map(|item| {
            let mut fields = item.reader();
            let oid = fields.expect(OID)?.content;
            let critical = fields
                .optional(BOOLEAN)
                .is_some_and(|flag| flag.content != [0]);
            let value = fields.expect(OCTET_STRING)?.content;
            Some(Extension {
                oid,
                critical,
                value,
            })
        })
    }
}

struct Extension<'a> {
    oid: &'a [u8],
    critical: bool,
    value: &'a [u8],
}

/// A SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicKey<'a> {
    /// In DER, with tag and length. Pins of keys are hashes of it.
    pub(crate) whole: &'a [u8],
    /// The content of its AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    /// The key itself.
    pub(crate) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    fn parse(whole: &'a [u8]) -> Option<Self> {
        let mut fields = Reader(whole).expect(SEQUENCE)?.reader();
        let algorithm = fields.expect(SEQUENCE)?.content;
        // The first byte counts the bits at the end that are not used.
        let (&0, bits) = fields.expect(BIT_STRING)?.content.split_first()? else {
            return None;
        };
        // What follows would be hashed into a pin, and is no part of the key.
        if !fields.0.is_empty() {
            return None;
        }
        Some(Self {
            whole,
            algorithm,
            bits,
        })
    }

    fn is_rsa(&self) -> bool {
        self.algorithm.starts_with(RSA_ENCRYPTION)
    }

    /// Whether the algorithm is for keys of this kind. The parameters of RSA are NULL (RFC 3279
    /// §2.3.1); some certificates omit them.
    pub(crate) fn fits(&self, algorithm: &dyn SignatureVerificationAlgorithm) -> bool {
        let wanted = algorithm.public_key_alg_id();
        wanted.as_ref() == self.algorithm || self.is_rsa() && wanted == alg_id::RSA_ENCRYPTION
    }

    /// The length of an RSA key: the bits of its modulus. `None` for any other kind of key.
    pub(crate) fn rsa_bits(&self) -> Option<usize> {
        if !self.is_rsa() {
            return None;
        }
        let mut numbers = Reader(self.bits).expect(SEQUENCE)?.reader();
        let modulus = numbers.expect(INTEGER)?.content;
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let significant = modulus.get(zeros..)?;
        let unused = usize::try_from(significant.first()?.leading_zeros()).ok()?;
        significant.len().checked_mul(8)?.checked_sub(unused)
    }
}

/// Whether a sequence begins with TRUE, as basic constraints do for an authority.
fn is_true_first(constraints: &[u8]) -> bool {
    let mut fields = Reader(constraints)
        .expect(SEQUENCE)
        .map_or(Reader(&[]), Item::reader);
    fields
        .optional(BOOLEAN)
        .is_some_and(|flag| flag.content != [0])
}

/// Bit 5 of a key usage (RFC 5280 §4.2.1.3): keyCertSign.
fn may_sign_certificates(usage: &[u8]) -> bool {
    let bits = Reader(usage).expect(BIT_STRING);
    bits.and_then(|bits| bits.content.get(1).copied())
        .is_some_and(|bits| bits & 0b0000_0100 != 0)
}

/// An object identifier as people write it.
fn dotted(oid: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number: u64 = 0;
    for byte in oid {
        number = number.saturating_mul(128) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                // The first two numbers are in one: 40 times the first, which is 2 at most.
                let first = number.checked_div(40).unwrap_or_default().min(2);
                numbers.push(first.to_string());
                number = number.saturating_sub(first.saturating_mul(40));
            }
            numbers.push(number.to_string());
            number = 0;
        }
    }
    numbers.join(".")
}

/// A time in UTC (RFC 5280 §4.1.2.5). Times before 1970 count as its beginning.
fn time(times: &mut Reader<'_>) -> Option<UnixTime> {
    let item = times.next()?;
    let digits = core::str::from_utf8(item.content.strip_suffix(b"Z")?).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match item.tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (year.checked_add(if year < 50 { 2000 } else { 1900 })?, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let mut parts = [0_i64; 5];
    if rest.len() != 10 {
        return None;
    }
    for (part, at) in parts.iter_mut().zip((0_usize..10).step_by(2)) {
        *part = rest.get(at..at.checked_add(2)?)?.parse().ok()?;
    }
    let [month, day, hour, minute, second] = parts;
    let in_range = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let hours = days(year, month, day)?.checked_mul(24)?.checked_add(hour)?;
    let minutes = hours.checked_mul(60)?.checked_add(minute)?;
    let seconds = minutes.checked_mul(60)?.checked_add(second)?;
    let since = u64::try_from(seconds).unwrap_or_default();
    Some(UnixTime::since_unix_epoch(core::time::Duration::from_secs(
        since,
    )))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // Years that begin in March have their leap day at the end.
    let (year, month) = match month {
        1 | 2 => (year.checked_sub(1)?, month.checked_add(9)?),
        _ => (year, month.checked_sub(3)?),
    };
    let leap_days = year
        .checked_div_euclid(4)?
        .checked_sub(year.checked_div_euclid(100)?)?
        .checked_add(year.checked_div_euclid(400)?)?;
    let of_months = month.checked_mul(153)?.checked_add(2)?.checked_div(5)?;
    year.checked_mul(365)?
        .checked_add(leap_days)?
        .checked_add(of_months)?
        .checked_add(day)?
        // From 0000-03-01 to 1970-01-01, and the day that `day` counts from.
        .checked_sub(719_469)
}

#[cfg(test)]
mod tests;
