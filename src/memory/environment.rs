//! What has to stand in the environment of the process before it starts.

/// The variables that hold Polars, rayon and the C library to so much memory and so many threads.
///
/// Polars reads its variables when it is first used and the C library its own before `main`, so a process that wants them is
/// started with them. Where Polars puts what it spills (`POLARS_OOC_SPILL_DIR`), and how much of it, is not said here.
///
/// - Polars begins to spill when five eighths of the memory are allocated; what the run holds itself is part of it.
/// - A scan of Parquet has as many row groups in work as there are 2 GiB. Polars would fetch ahead whatever fits 64 MiB as it stands
///   in the file, and a wide table of texts takes twenty times that much when it is decoded.
/// - Pipelines hand on what they have to a place where one piece waits, more where there is much memory; so does a file that is written.
/// - The allocator's counts are exact to 64 KiB a thread instead of 4 MiB.
/// - The C library keeps as many arenas as there are threads, gives free pages back early, and takes blocks from 4 MiB on
///   from the system one by one, so that they go back when they are freed: else freed memory stays resident between pieces
///   that still live.
pub fn environment(memory: u64, threads: usize) -> Vec<(&'static str, String)> {
    let threads = threads.max(1);
    let waiting = usize::try_from((memory >> 30) / threads as u64).unwrap_or(usize::MAX).clamp(1, 4);
    vec![
        ("POLARS_MAX_THREADS", threads.to_string()),
        ("RAYON_NUM_THREADS", threads.to_string()),
        ("POLARS_OOC_MEMORY_BUDGET_MB", (memory / 8 * 5 / 1_000_000).max(1).to_string()),
        ("POLARS_ROW_GROUP_PREFETCH_SIZE", (memory >> 31).clamp(1, 512).to_string()),
        ("POLARS_DEFAULT_LINEARIZER_BUFFER_SIZE", waiting.to_string()),
        ("POLARS_DEFAULT_DISTRIBUTOR_BUFFER_SIZE", waiting.to_string()),
        ("POLARS_INFLIGHT_SINK_MORSEL_LIMIT", (threads + waiting).to_string()),
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
