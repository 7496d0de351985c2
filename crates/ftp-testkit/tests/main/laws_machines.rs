//! The laws of whole machines, on dialogues put together at random.

use arbitrary::{Arbitrary, Unstructured};
use ftp_testkit::laws::{self, PairOps};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const OF_A_SERVER: &[&[u8]] = &[
    b"220 Ready.\r\n",
    b"120 Soon.\r\n",
    b"230 In.\r\n",
    b"202 Superfluous.\r\n",
    b"331 Password?\r\n",
    b"331 otp-md5 99 ke1234\r\n",
    b"332 Account?\r\n",
    b"234 Go.\r\n",
    b"234 Go.\r\n\0s",
    b"200 Done.\r\n",
    b"503 Not now.\r\n",
    b"530 No.\r\n",
    b"421 Bye.\r\n",
    b"221 Bye.\r\n",
    b"230-Many\r\n 230 lines\r\n230 In.\r\n",
    b"230-Foreign\r\n200 end\r\n",
    b"\r\n",
    b"\xff\xfd\x18",
    b"\xff\xf1",
    b"2",
];

const OF_A_CLIENT: &[&[u8]] = &[
    b"\r\nPASS sentinel-5f3a\r\n",
    b"\r\nACCT sentinel-5f3a\r\n",
    b"USER anna\r\n",
    b"USER open\r\n",
    b"USER member\r\n",
    b"AUTH TLS\r\n",
    b"AUTH TLS\r\n\0s",
    b"PBSZ 0\r\nPROT P\r\n",
    b"CCC\r\n",
    b"CCC\r\n\0S",
    b"REIN\r\n",
    b"PWD\r\n",
    b"RETR a\r\n",
    b"FEAT\n",
    b"HOST ftp.example.com\r\n",
    b"XYZZY\r\n",
    b"QUIT\r\n",
    b"\xff\xfd\x18",
    b"\xff\xf1",
    b"0123456789012345678901234567890123456789",
    b"GET / HTTP/1.1\r\n",
];

const CALLS: &[&[u8]] = &[
    b"\0T", b"\0t\x02", b"\0e", b"\0s", b"\0S", b"\0a\0", b"\0a\x01", b"\0a\x02", b"\0c\0",
    b"\0c\x01", b"\0c\x04", b"\0r", b"\0x", b"\0q", b"\0w", b"\0d\0", b"\0d\0", b"\0d\x02",
    b"\0d\x04", b"\0k\0", b"\0k\x01", b"\0y\x32", b"\0n", b"\0g", b"\0z",
];

/// Replies of a server to the commands of a transfer.
const OF_A_TRANSFER: &[&[u8]] = &[
    b"200 Done.\r\n",
    b"227 (10,0,0,1,25,46)\r\n",
    b"229 (|||6446|)\r\n",
    b"150 Opening notes (8 bytes).\r\n",
    b"125 x\r\n",
    b"226 Done.\r\n",
    b"226 Done.\r\n225 Done.\r\n",
    b"250 Done.\r\n",
    b"350 x\r\n",
    b"421 Bye.\r\n",
    b"425 x\r\n",
    b"426 x\r\n226 x\r\n",
    b"500 What?\r\n",
    b"522 x\r\n",
    b"552-Full\r\n552 x\r\n",
    b"\0c\0",
    b"\0c\x01",
    b"\0c\x04",
    b"\0c\x40",
    b"\0c\x38",
    b"\0d\0",
    b"\0d\0",
    b"\0d\x01",
    b"\0d\x02",
    b"\0d\x03",
    b"\0d\x04",
    b"\0d\x05",
    b"\0d\x06",
    b"\0d\x07",
    b"\0a\x08",
    b"\0k\0",
    b"\0k\x01",
    b"\0T",
    b"\0t\x01",
    b"\0s",
    b"\0x",
    b"\0q",
    b"\0y\0",
    b"\0r",
    b"\0e",
    b"\0w",
];

/// A transfer that gets far, and then anything.
fn transfer() -> impl Strategy<Value = Vec<u8>> {
    const BEGIN: &[u8] = b"200 x\r\n229 (|||6446|)\r\n\0d\0";
    let starts: [&'static [u8]; 4] = [b"\0c\0", b"\0c\x01", b"\0c\x04", b"\0c\x40"];
    let start = select(starts.to_vec()).prop_map(|start| [start, BEGIN].concat());
    let part = select(OF_A_TRANSFER).prop_map(<[u8]>::to_vec);
    let step = prop_oneof![1 => start, 8 => part, 1 => vec(any::<u8>(), 0..6)];
    let choices = any::<[u8; 2]>().prop_map(|[mode, bits]| [mode & 0x7f, bits]);
    (choices, vec(step, 0..24))
        .prop_map(|(choices, parts)| [&choices[..], &parts.concat()].concat())
}

/// Of one who is served files, and what the application and the driver do.
const OF_A_USER: &[&[u8]] = &[
    b"USER open\r\n",
    b"USER open\r\nEPSV\r\n\0f\0",
    b"AUTH TLS\r\n\0sPBSZ 0\r\nPROT P\r\nUSER open\r\n",
    b"PROT C\r\n",
    b"CCC\r\n\0S",
    b"REIN\r\n",
    b"EPSV\r\n",
    b"EPSV\r\n\0f\0",
    b"PASV\r\n\0f\x02",
    b"EPSV ALL\r\n",
    b"PORT 192,0,2,1,24,131\r\n",
    b"TYPE I\r\n",
    b"REST 7\r\n",
    b"RETR notes\r\n",
    b"RETR notes\r\n\0f\0",
    b"RETR notes\r\n\0f\0\0o\0",
    b"STOR notes\r\n\0f\0\0o\0",
    b"STOR notes\r\n\0f\0\0o\0\0b\0",
    b"MLSD\r\n\0f\x03",
    b"ABOR\r\n",
    b"STAT\r\n",
    b"NOOP\r\n",
    b"QUIT\r\n",
    b"CWD pub\r\n",
    b"RNFR a\r\n\0f\x01RNTO b\r\n",
    b"SITE HELP\r\n",
    b"XYZZY\r\n",
    b"?\r\n",
    b"\xff\xfd\x18",
    b"\0f\0",
    b"\0f\x03",
    b"\0o\0",
    b"\0o\x02",
    b"\0o\x03",
    b"\0b\0",
    b"\0b\x02",
    b"\0b\x03",
    b"\0b\x04",
    b"\0b\x05",
    b"\0b\x07",
];

/// A transfer that gets far, or anything, as `laws::server_transfer` reads it.
fn acts() -> impl Strategy<Value = Vec<u8>> {
    let starts: [&'static [u8]; 7] = [
        &[0, 16, 2, 18, 22, 25],
        &[0, 16, 3, 18, 22, 25],
        &[1, 16, 4, 18, 22],
        &[9, 0, 16, 2, 18, 22, 26],
        &[11, 6, 18, 22, 26, 31, 28],
        // Under TLS.
        &[0, 16, 3, 18, 22, 255, 25],
        &[0, 16, 2, 18, 22, 255, 25, 26, 31],
    ];
    let start = select(starts.to_vec()).prop_map(<[u8]>::to_vec);
    let part = prop_oneof![1 => start, 4 => vec(any::<u8>(), 1..8)];
    vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// What happens to a client whose server answers in order (`laws::client_transfer`): mostly a transfer that
/// begins at once and gets a 150, whose bytes move, or none for a while.
fn in_order() -> impl Strategy<Value = Vec<u8>> {
    // The replies to TYPE and EPSV, the data connection, and the reply to REST where there is one.
    let begins = (0_u8..32).prop_map(|transfer| {
        let restarts = transfer >= 16 && !(4..7).contains(&(transfer % 8));
        [
            &[6 + 8 * transfer, 0, 0, 2][..],
            if restarts { &[0, 7] } else { &[7] },
        ]
        .concat()
    });
    let moves: [&'static [u8]; 4] = [&[27], &[252, 252], &[26, 0], &[0, 26]];
    let moves = select(moves.to_vec()).prop_map(<[u8]>::to_vec);
    let part = prop_oneof![1 => begins.clone(), 4 => moves, 4 => vec(any::<u8>(), 1..8)];
    (proptest::option::of(begins), vec(part, 0..10))
        .prop_map(|(begin, parts)| [begin.unwrap_or_default(), parts.concat()].concat())
}

/// Parts of paths, with NULs in between.
fn paths() -> impl Strategy<Value = Vec<u8>> {
    let parts: [&'static [u8]; 11] = [
        b"/", b"/", b"..", b".", b"a", b"b c", b"...", b"\"", b"\xff", b"\0", b"-l",
    ];
    vec(select(parts.to_vec()), 0..24).prop_map(|parts| parts.concat())
}

fn script(said: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        10 => select(said).prop_map(<[u8]>::to_vec),
        8 => select(CALLS).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..12),
    ];
    (any::<[u8; 3]>(), vec(part, 0..24))
        .prop_map(|(choices, parts)| [choices.as_slice(), &parts.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_client_keeps_the_laws_of_transfers(script in transfer()) {
        laws::client_transfer(&script);
    }

    #[test]
    fn transfers_with_a_server_in_order_end_as_rfc_959_sees_it(
        choices in any::<[u8; 2]>(),
        actions in in_order(),
    ) {
        laws::client_transfer(&[&[choices[0] | 0x80, choices[1]], &actions[..]].concat());
    }

    #[test]
    fn a_server_keeps_the_laws_of_transfers(acts in acts()) {
        laws::server_transfer(&acts);
    }

    #[test]
    fn a_server_keeps_the_laws_of_transfers_under_tls(acts in acts()) {
        laws::server_transfer(&[&[255], &acts[..]].concat());
    }

    #[test]
    fn paths_are_resolved_and_told(paths in paths()) {
        laws::virtual_path(&paths);
    }

    #[test]
    fn a_client_keeps_the_laws(script in script(OF_A_SERVER)) {
        laws::client_bytes(&script);
    }

    #[test]
    fn a_server_keeps_the_laws(script in script(OF_A_CLIENT)) {
        laws::server_bytes(&script);
    }

    #[test]
    fn a_server_that_serves_files_keeps_the_laws(script in script(OF_A_USER)) {
        let mut script = script;
        // Serving files; mostly in clear, so that more comes of it.
        script[0] |= 8;
        if script[0] & 64 != 0 {
            script[0] &= !3;
            script[1] &= !16;
        }
        laws::server_bytes(&script);
    }

    #[test]
    fn no_input_moves_a_deadline(
        choices in any::<[u8; 4]>(),
        said in vec(prop_oneof![
            select(OF_A_SERVER).prop_map(<[u8]>::to_vec),
            select(OF_A_CLIENT).prop_map(<[u8]>::to_vec),
            vec(any::<u8>(), 1..40),
        ], 1..12),
    ) {
        laws::time(&[choices.as_slice(), &said.concat()].concat());
    }

    #[test]
    fn what_is_built_survives_the_wire(
        text in vec(prop_oneof![any::<u8>(), select(b"\n 123-\xff".to_vec())], 3..24),
    ) {
        laws::roundtrip(&text);
    }

    #[test]
    fn a_pair_keeps_the_laws_and_agrees(choice in vec(any::<u8>(), 40..400)) {
        let mut choice = Unstructured::new(&choice);
        laws::pair_ops(&PairOps::arbitrary(&mut choice).expect("enough to choose from"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_pair_under_tls_keeps_the_laws(script in vec(any::<u8>(), 1..60)) {
        laws::secured(&script);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_honest_transport_leads_to_a_login_under_tls(
        choices in any::<u8>(),
        script in vec((0..5_u8, any::<u8>()), 0..30),
    ) {
        let operations = script.iter().flat_map(|(operation, operand)| [*operation, *operand]);
        laws::secured(&[choices].into_iter().chain(operations).collect::<Vec<_>>());
    }
}
