//! How bytes are cut on their way.

/// The sizes of the next pieces, for ever. Zero counts as one.
pub type Chunks = Box<dyn Iterator<Item = usize> + Send>;

/// Everything at once.
pub fn whole() -> Chunks {
    Box::new(std::iter::repeat(usize::MAX))
}

/// Pieces of one size; 1 is byte by byte.
pub fn of_size(size: usize) -> Chunks {
    Box::new(std::iter::repeat(size))
}

/// These sizes over and over. No size at all means one byte.
pub fn in_turn(sizes: impl Into<Vec<usize>>) -> Chunks {
    let mut sizes: Vec<usize> = sizes.into();
    if sizes.is_empty() {
        sizes.push(1);
    }
    Box::new(sizes.into_iter().cycle())
}

/// One cut after `first` bytes, the rest at once.
pub fn cut_at(first: usize) -> Chunks {
    Box::new(std::iter::once(first).chain(std::iter::repeat(usize::MAX)))
}

/// Sizes from 1 to `most` that look random and are the same for the same seed.
pub fn scattered(seed: u64, most: usize) -> Chunks {
    let most = u64::try_from(most.max(1)).unwrap_or(u64::MAX);
    let mut state = seed;
    Box::new(std::iter::repeat_with(move || {
        // The generator of Steele, Lea and Flood, "Fast splittable pseudorandom number
        // generators" (SplitMix64): small, and good enough to scatter cuts.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % most).unwrap_or_default() + 1
    }))
}
