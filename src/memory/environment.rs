//! What has to stand in the environment of the process before it starts.

/// The variables that hold Polars, rayon and the C library to so much memory and so many threads.
///
/// Polars reads its variables when it is first used and the C library its own before `main`, so a process that wants them is
/// started with them. Where Polars puts what it spills (`POLARS_OOC_SPILL_DIR`), and how much of it, is not said here.
///
/// - Polars begins to spill when five eighths of the memory are allocated; what the run holds itself is part of it.
/// - The allocator's counts are exact to 64 KiB a thread instead of 4 MiB.
/// - The C library keeps as many arenas as there are threads, gives free pages back early, and takes blocks from 4 MiB on
///   from the system one by one, so that they go back when they are freed: else freed memory stays resident between pieces
///   that still live.
pub fn environment(memory: u64, threads: usize) -> Vec<(&'static str, String)> {
    let threads = threads.max(1);
    vec![
        ("POLARS_MAX_THREADS", threads.to_string()),
        ("RAYON_NUM_THREADS", threads.to_string()),
        ("POLARS_OOC_MEMORY_BUDGET_MB", (memory / 8 * 5 / 1_000_000).max(1).to_string()),
        ("POLARS_OOC_DRIFT_THRESHOLD", (64 << 10).to_string()),
        ("MALLOC_ARENA_MAX", threads.clamp(2, 8).to_string()),
        ("MALLOC_TRIM_THRESHOLD_", (16 << 20).to_string()),
        ("MALLOC_MMAP_THRESHOLD_", (4 << 20).to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::environment;

    #[test]
    fn polars_may_use_a_part_of_the_memory() {
        let variables = environment(8_000_000_000, 2);
        assert!(variables.contains(&("POLARS_OOC_MEMORY_BUDGET_MB", "5000".to_owned())));
        assert!(variables.contains(&("RAYON_NUM_THREADS", "2".to_owned())));
    }
}
