//! The first message of TLS 1.0 and 1.1 (RFC 2246 §7.4.1, RFC 4346 §7.4.1), which rustls does not speak.
//! It is only said to see whether the server answers in kind.

/// Cipher suites that servers of that time have: ECDHE and RSA with AES and 3DES, in CBC.
const SUITES: [u16; 8] = [
    0xc014, 0xc013, 0xc00a, 0xc009, 0x0035, 0x002f, 0xc012, 0x000a,
];
/// Signatures with SHA-256 and SHA-1. TLS 1.0 and 1.1 know no such list (RFC 5246 §7.4.1.4.1), and servers
/// read it if it is there.
const SIGNATURES: [u16; 4] = [0x0403, 0x0401, 0x0203, 0x0201];
/// secp256r1, secp384r1, x25519.
const GROUPS: [u16; 3] = [23, 24, 29];

/// A `ClientHello` of TLS 1.0 (`1`) or 1.1 (`2`) for this host, in a record.
pub(super) fn of_version(minor: u8, host: &str) -> Vec<u8> {
    let mut extensions = Vec::new();
    if host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[') {
        let name = [vec![0], with_length16(host.as_bytes())].concat();
        extensions.extend(extension(0, &with_length16(&name)));
    }
    extensions.extend(extension(10, &with_length16(&numbers(&GROUPS))));
    extensions.extend(extension(11, &[1, 0]));
    extensions.extend(extension(13, &with_length16(&numbers(&SIGNATURES))));
    let mut body = vec![3, minor];
    // The random bytes: the handshake goes no further.
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend(with_length16(&numbers(&SUITES)));
    body.extend([1, 0]);
    body.extend(with_length16(&extensions));
    let [_, length @ ..] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let message = [vec![1], length.to_vec(), body].concat();
    [vec![22, 3, 1], with_length16(&message)].concat()
}

/// Whether the first eleven bytes of the answer are a `ServerHello` of this version. Otherwise they are an
/// alert, or the beginning of another version.
pub(super) fn is_answer_of_version(record: &[u8; 11], minor: u8) -> bool {
    matches!(record, [22, 3, _, _, _, 2, _, _, _, 3, version] if *version == minor)
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [number.to_be_bytes().to_vec(), with_length16(content)].concat()
}

fn with_length16(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    [length.to_be_bytes().to_vec(), content.to_vec()].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use ftp_rustls::rustls::server::Acceptor;

    use super::*;

    /// rustls reads the hello as far as its version, which it refuses.
    #[test]
    fn a_hello_is_well_formed() {
        for minor in [1, 2] {
            for host in ["ftp.example.com", "127.0.0.1"] {
                let bytes = of_version(minor, host);
                let mut acceptor = Acceptor::default();
                acceptor.read_tls(&mut bytes.as_slice()).unwrap();
                let accepted = acceptor
                    .accept()
                    .map_err(|(error, _)| error)
                    .unwrap()
                    .unwrap();
                let hello = accepted.client_hello();
                let name = hello.server_name();
                assert_eq!(name, (host != "127.0.0.1").then_some(host));
                assert_eq!(hello.cipher_suites().len(), SUITES.len());
            }
        }
    }

    #[test]
    fn an_alert_is_no_answer() {
        assert!(!is_answer_of_version(
            &[21, 3, 1, 0, 2, 2, 70, 0, 0, 0, 0],
            1
        ));
        assert!(is_answer_of_version(
            &[22, 3, 1, 0, 90, 2, 0, 0, 86, 3, 1],
            1
        ));
        assert!(!is_answer_of_version(
            &[22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3],
            1
        ));
    }
}
