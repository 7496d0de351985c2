//! Patterns of names, as in a shell: `*` is any bytes, `?` is any one.

/// Whether it is more than a name.
pub(crate) fn is_one(name: &[u8]) -> bool {
    name.iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// Whether the name fits. One with a dot in front fits only a pattern that begins with a dot.
pub(crate) fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let dot = |text: &[u8]| text.first() == Some(&b'.');
    if dot(name) && !dot(pattern) {
        return false;
    }
    let (mut at, mut of) = (0, 0);
    // The last `*`, and the byte behind what it stands for. If a byte does not fit, it stands for one more: those
    // before it need not.
    let mut star = None;
    while of < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, of));
            }
            Some(&byte) if byte == b'?' || byte == name[of] => (at, of) = (at + 1, of + 1),
            _ => {
                let Some((behind, end)) = star else {
                    return false;
                };
                star = Some((behind, end + 1));
                (at, of) = (behind, end + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}
