//! The variables by which Polars learns what it may use: it reads them when it is first used, and asks nobody else.

use std::path::Path;

/// The variable of the number of threads.
const THREADS: &str = "POLARS_MAX_THREADS";

/// The number of threads that the environment asks for.
pub fn threads_told() -> Option<usize> {
    std::env::var(THREADS).ok().and_then(|threads| threads.parse().ok()).filter(|threads| *threads > 0)
}

/// The variables that hold Polars to so much memory, disk and so many threads; what it spills goes to that folder.
///
/// - Polars begins to spill when five eighths of the memory are allocated; what the run holds itself is part of it. It gets half of
///   the disk; the other half is for what the run spills itself.
/// - A scan of Parquet has as many row groups in work as there are 2 GiB. Polars would fetch ahead whatever fits 64 MiB as it stands
///   in the file, and a wide table of texts takes twenty times that much when it is decoded.
/// - Pipelines hand on what they have to a place where one piece waits, more where there is much memory; so does a file that is written.
/// - The allocator's counts are exact to 64 KiB a thread instead of 4 MiB.
pub fn environment(memory: u64, threads: usize, disk: u64, spill: &Path) -> Vec<(&'static str, String)> {
    let threads = threads.max(1);
    let waiting = usize::try_from((memory >> 30) / threads as u64).unwrap_or(usize::MAX).clamp(1, 4);
    vec![
        (THREADS, threads.to_string()),
        ("POLARS_OOC_MEMORY_BUDGET_MB", (memory / 8 * 5 / 1_000_000).max(1).to_string()),
        ("POLARS_OOC_DISK_BUDGET_MB", (disk / 2_000_000).to_string()),
        ("POLARS_OOC_SPILL_DIR", spill.display().to_string()),
        ("POLARS_OOC_DRIFT_THRESHOLD", (64 << 10).to_string()),
        ("POLARS_ROW_GROUP_PREFETCH_SIZE", (memory >> 31).clamp(1, 512).to_string()),
        ("POLARS_DEFAULT_LINEARIZER_BUFFER_SIZE", waiting.to_string()),
        ("POLARS_DEFAULT_DISTRIBUTOR_BUFFER_SIZE", waiting.to_string()),
        ("POLARS_INFLIGHT_SINK_MORSEL_LIMIT", (threads + waiting).to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(memory: u64, threads: usize, name: &str) -> Option<String> {
        let variables = environment(memory, threads, 1 << 40, Path::new("/spill"));
        variables.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    #[test]
    fn polars_may_use_a_part_of_the_memory() {
        assert_eq!(value(8_000_000_000, 2, "POLARS_OOC_MEMORY_BUDGET_MB").as_deref(), Some("5000"));
        assert_eq!(value(8_000_000_000, 0, THREADS).as_deref(), Some("1"));
    }

    #[test]
    fn little_memory_has_little_under_way() {
        for (memory, row_groups, waiting, written) in
            [(256 << 20, "1", "1", "3"), (2 << 30, "1", "1", "3"), (64 << 30, "32", "4", "6")]
        {
            assert_eq!(value(memory, 2, "POLARS_ROW_GROUP_PREFETCH_SIZE").as_deref(), Some(row_groups));
            assert_eq!(value(memory, 2, "POLARS_DEFAULT_LINEARIZER_BUFFER_SIZE").as_deref(), Some(waiting));
            assert_eq!(value(memory, 2, "POLARS_INFLIGHT_SINK_MORSEL_LIMIT").as_deref(), Some(written));
        }
    }
}
