//! Whether bytes that were given back are still the same when they are read again.

use std::collections::VecDeque;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// What was given back and has not been handed on since, as hashes of its parts, one behind the other.
/// Only so the bytes themselves need not be kept.
#[derive(Debug, Default)]
pub(super) struct Recheck {
    parts: VecDeque<Part>,
    /// Of what was handed on of the first part.
    hasher: SipHasher13,
    /// How much that is.
    seen: usize,
}

#[derive(Debug)]
struct Part {
    length: usize,
    hash: u64,
}

impl Recheck {
    /// These are given back: all that was read and not handed on.
    pub(super) fn give_back(&mut self, pieces: [&[u8]; 2]) {
        // The first of them may have been given back before.
        let mut known = self.left();
        let (mut length, mut hasher) = (0, SipHasher13::new());
        for piece in pieces {
            let new = &piece[known.min(piece.len())..];
            known = known.saturating_sub(piece.len());
            hasher.write(new);
            length += new.len();
        }
        if length > 0 {
            let hash = hasher.finish();
            self.parts.push_back(Part { length, hash });
        }
    }

    /// These are handed on. `false` if they are not what was given back.
    #[must_use]
    pub(super) fn hand_on(&mut self, mut bytes: &[u8]) -> bool {
        while let Some(part) = self.parts.front()
            && !bytes.is_empty()
        {
            let count = bytes.len().min(part.length - self.seen);
            let (these, rest) = bytes.split_at(count);
            self.hasher.write(these);
            self.seen += count;
            bytes = rest;
            if self.seen == part.length {
                if self.hasher.finish() != part.hash {
                    return false;
                }
                self.parts.pop_front();
                (self.hasher, self.seen) = (SipHasher13::new(), 0);
            }
        }
        true
    }

    /// How many bytes of those given back were not handed on.
    pub(super) fn left(&self) -> usize {
        let length: usize = self.parts.iter().map(|part| part.length).sum();
        length - self.seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Reads ahead, hands on, and gives back, as much as it is told; `false` if it notices a difference.
    /// After `change_after` steps the file is `changed`.
    fn sends(
        file: &[u8],
        changed: &[u8],
        change_after: usize,
        steps: &[(usize, usize)],
    ) -> (bool, Vec<u8>) {
        let mut recheck = Recheck::default();
        let mut sent = Vec::new();
        let all = [(file.len(), file.len())];
        for (number, (read, most)) in steps.iter().chain(&all).enumerate() {
            let file = if number < change_after { file } else { changed };
            let rest = file.get(sent.len()..).unwrap_or_default();
            let ahead = &rest[..rest.len().min(*read)];
            let (now, unsent) = ahead.split_at(ahead.len().min(*most));
            let is_same = recheck.hand_on(now);
            sent.extend_from_slice(now);
            if !is_same {
                return (false, sent);
            }
            recheck.give_back(unsent.split_at(unsent.len() / 3).into());
        }
        (recheck.left() == 0, sent)
    }

    fn steps() -> impl Strategy<Value = Vec<(usize, usize)>> {
        vec((0..80_usize, 0..80_usize), 0..20)
    }

    proptest! {
        #[test]
        fn a_file_that_stays_the_same_is_taken(file in vec(any::<u8>(), 0..500), steps in steps()) {
            prop_assert_eq!(sends(&file, &file, 0, &steps), (true, file));
        }

        /// A byte that was read, given back and not handed on before the change.
        #[test]
        fn a_byte_that_changed_after_it_was_given_back_is_noticed(
            file in vec(any::<u8>(), 1..500),
            steps in steps(),
            at in any::<prop::sample::Index>(),
            change_after in 0..20_usize,
        ) {
            let at = at.index(file.len());
            let change_after = change_after.min(steps.len());
            let (mut read, mut sent) = (0, 0);
            for (ahead, most) in steps.iter().take(change_after) {
                let until = file.len().min(sent + ahead);
                read = read.max(until);
                sent = until.min(sent + most);
            }
            let mut changed = file.clone();
            changed[at] ^= 1;
            let (is_taken, _) = sends(&file, &changed, change_after, &steps);
            prop_assert_eq!(is_taken, !(sent..read).contains(&at));
            // Or it ends before.
            let (is_taken, _) = sends(&file, &file[..at], change_after, &steps);
            prop_assert_eq!(is_taken, read <= at || sent >= read);
        }
    }
}
