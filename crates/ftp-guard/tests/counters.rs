//! The table of what is open, which the crate does not export.

use proptest::prelude::*;
use std::collections::HashMap;

#[path = "../src/counters.rs"]
#[allow(dead_code)] // The guard uses it all.
mod table;

use table::Counters;

const KEYS: u64 = 24;

proptest! {
    #[test]
    fn counts_are_exact_whatever_comes_and_goes(
        steps in prop::collection::vec((0_u64..KEYS, any::<bool>()), 0..400),
    ) {
        let mut counters = Counters::new(KEYS as usize);
        let mut model = HashMap::<u64, u32>::new();
        for (key, add) in steps {
            // Keys that collide in their low bits, so that runs form.
            let key = (key % 5) | (key << 40) | 1 << 60;
            if add {
                prop_assert!(counters.add(key));
                *model.entry(key).or_default() += 1;
            } else {
                counters.remove(key);
                let count = model.entry(key).or_default();
                *count = count.saturating_sub(1);
            }
            for (key, count) in &model {
                prop_assert_eq!(counters.get(*key), *count);
            }
        }
        // What was removed leaves its room to others: as many as there always are, and no more.
        for (key, count) in model {
            (0..count).for_each(|_| counters.remove(key));
        }
        let others = (1..1000).take_while(|key| counters.add(*key)).count();
        let room = (1..1000).scan(Counters::new(KEYS as usize), |fresh, key| Some(fresh.add(key)));
        prop_assert_eq!(others, room.take_while(|added| *added).count());
    }
}

#[test]
fn a_full_table_says_so_and_still_answers() {
    let mut counters = Counters::new(1);
    let added = (1..100).filter(|key| counters.add(*key)).count();
    assert_eq!(added, 7);
    assert_eq!(counters.get(99), 0);
    assert_eq!(counters.get(1), 1);
}
