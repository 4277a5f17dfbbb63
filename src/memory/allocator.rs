//! The allocator of the process, which counts.
//!
//! It is the one that Polars' out-of-core machinery asks how much is in use, so both look at the same number. It stands in the
//! library, so that tests count as well.

#[global_allocator]
static COUNTING: polars_ooc::Allocator = polars_ooc::Allocator;

/// Bytes allocated now, to within the threads' drift (64 KiB each, with the environment that the program gives itself).
pub fn allocated() -> u64 {
    polars_ooc::estimate_memory_usage()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_large_vector_is_counted_as_long_as_it_lives() {
        const SIZE: u64 = 512 << 20;
        let before = super::allocated();
        // Zeroed pages are not touched, so this costs no memory.
        let large = vec![0_u8; usize::try_from(SIZE).unwrap_or(0)];
        let with = super::allocated();
        assert!(with >= before.saturating_sub(SIZE / 2) + SIZE / 4, "{before} {with}");
        drop(large);
    }
}
