use ftp_proto::wire::{Code, Features, Reply};

/// A list of features is the same however its lines are marked; what is listed is found under its name, in
/// any case; and a reply that says no lists none. Each line is a feature.
pub fn features(text: &[u8]) {
    let text: Vec<u8> = text
        .iter()
        .map(|byte| if b"\r\0".contains(byte) { b' ' } else { *byte })
        .collect();
    let lines = || text.split(|byte| *byte == b'\n');
    let indented = Reply::listing(Code::SYSTEM_STATUS, "Features:", lines(), "End");
    let indented = Features::parse(indented.expect("cleaned").borrow());
    let framed = || {
        [&b"Features:"[..]]
            .into_iter()
            .chain(lines())
            .chain([&b"End"[..]])
    };
    let marked = Reply::multiline(Code::SYSTEM_STATUS, framed()).expect("cleaned");
    let features = Features::parse(marked.borrow());
    assert_eq!(features, indented);
    let refused = Reply::multiline(Code::UNRECOGNIZED, framed()).expect("cleaned");
    assert!(Features::parse(refused.borrow()).is_empty());

    let listed = lines()
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    assert_eq!(features.iter().count(), listed.clone().count());
    for ((name, parameters), line) in features.iter().zip(listed) {
        assert!(!name.is_empty() && !name.iter().any(u8::is_ascii_whitespace));
        assert!(line.starts_with(name) && line.ends_with(parameters));
        assert_eq!(parameters, line[name.len()..].trim_ascii());
        let Ok(name) = str::from_utf8(name) else {
            continue;
        };
        assert!(features.contains(name));
        let first = features.get(name);
        assert_eq!(features.get(&name.to_ascii_lowercase()), first);
        assert_eq!(features.get(&name.to_ascii_uppercase()), first);
    }
    for (name, _) in features.mlst_facts().chain(features.hash_algorithms()) {
        assert!(!name.is_empty() && !name.iter().any(|byte| b";,".contains(byte)));
    }
    let has = |name| features.contains(name);
    assert_eq!(features.utf8(), has("UTF8") || has("UTF-8"));
    assert!(has("REST") || !features.rest_stream());
    assert!(has("AUTH") || !features.auth_tls());
    assert!(has("MLST") || features.mlst_facts().next().is_none());
    assert!(has("HASH") || features.hash_algorithms().next().is_none());
}
