use ftp_proto::wire::{
    Code, Command, Passive, Reply, ReplyRef, announced_length, parse_eprt, parse_epsv, parse_path,
    parse_port, parse_size, parse_store_unique_name, parse_time, quote_path,
};

/// Numbers that are read out of a reply stand in it; what was read is read again once it is written; and
/// no file's name is taken for a length. The first byte chooses the code, each line of the rest is one
/// of the reply; the rest is also an argument, a path and a name.
pub fn transfer_texts(data: &[u8]) {
    const CODES: [u16; 9] = [125, 150, 213, 226, 227, 229, 250, 257, 550];
    let [code, text @ ..] = data else {
        return;
    };
    arguments(text);
    let text: Vec<u8> = text
        .iter()
        .map(|byte| if b"\r\0".contains(byte) { b' ' } else { *byte })
        .collect();
    let number = CODES[usize::from(*code) % CODES.len()];
    let code = Code::new(number).expect("a code");
    let lines = text.split(|byte| *byte == b'\n');
    let reply = Reply::multiline(code, lines.clone()).expect("cleaned");
    numbers(reply.borrow());
    names(reply.borrow());
    for line in lines {
        path(line);
        length(line);
    }
}

fn numbers(reply: ReplyRef<'_>) {
    if let Some(passive) = Passive::parse(reply) {
        assert_ne!(passive.port(), 0);
        let again = Passive::parse(passive.reply().borrow());
        assert_eq!(again, Some(passive));
        if let Passive::Port(port) = passive {
            assert_says(reply, port.into());
        }
    }
    let numbers = [parse_size(reply), announced_length(reply, b"")];
    for number in numbers.into_iter().flatten() {
        assert_says(reply, number);
    }
    if let Some(time) = parse_time(reply) {
        let sent = Reply::new(Code::FILE_STATUS, time.compact().to_string()).expect("digits");
        assert_eq!(parse_time(sent.borrow()), Some(time));
    }
}

/// The digits of the number follow each other on a line, with nothing but separators between them.
fn assert_says(reply: ReplyRef<'_>, number: u64) {
    let digits = number.to_string();
    let is_there = reply.lines().any(|line| {
        let plain: Vec<u8> = line
            .iter()
            .copied()
            .filter(|byte| !b",. ".contains(byte))
            .collect();
        super::contains(&plain, digits.as_bytes())
    });
    assert!(is_there, "{number} is not in {reply}");
}

fn names(reply: ReplyRef<'_>) {
    if let Some(name) = parse_store_unique_name(reply) {
        assert!(!name.is_empty() && !reply.code().is_negative());
        assert!(name.len() < reply.raw().len());
    }
    if let Some(path) = parse_path(reply) {
        assert_eq!(reply.code().get() / 100, 2);
        assert!(path.len() < reply.raw().len());
    }
}

/// A quoted path is read as it was, with text behind it or without.
fn path(path: &[u8]) {
    let quoted = quote_path(path);
    for text in [&b""[..], b" is the \"current\" directory"] {
        let reply = Reply::new(Code::PATH_CREATED, [&quoted, text].concat()).expect("cleaned");
        assert_eq!(parse_path(reply.borrow()).as_deref(), Some(path));
    }
}

/// A name at the end of the text is no length; what stands behind the name is.
fn length(name: &[u8]) {
    const LENGTH: &[u8] = b" (9876543210 bytes)";
    for end in [&b""[..], b".", b" using SSL/TLS."] {
        let opening = |text: &[u8]| {
            let text = [b"Opening BINARY mode data connection for ", text, end].concat();
            Reply::new(Code::OPENING_DATA_CONNECTION, text).expect("cleaned")
        };
        let reply = opening(name);
        assert_eq!(announced_length(reply.borrow(), name), None, "{reply}");
        let directory = [b"/pub/", name].concat();
        assert_eq!(
            announced_length(reply.borrow(), &directory),
            None,
            "{reply}"
        );
        if !super::contains(name, b"9876543210") {
            let reply = opening(&[name, LENGTH].concat());
            let length = announced_length(reply.borrow(), name);
            assert_eq!(length, Some(9_876_543_210), "{reply}");
        }
    }
}

fn arguments(argument: &[u8]) {
    let _ = parse_epsv(Some(argument));
    if let Ok(address) = parse_port(argument) {
        let command = Command::port(address);
        assert_eq!(parse_port(command.argument().expect("one")), Ok(address));
    }
    if let Ok(address) = parse_eprt(argument) {
        let command = Command::eprt(address);
        let again = parse_eprt(command.argument().expect("one")).expect("an address");
        assert_eq!(again.ip(), address.ip().to_canonical());
        assert_eq!(again.port(), address.port());
        assert_ne!(again.port(), 0);
    }
}
