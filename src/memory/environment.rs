//! What has to stand in the environment of the process before it starts.

/// The variables that hold the C library and rayon to so many threads. What the engine reads it says itself.
///
/// The C library reads its own before `main`, so a process that wants them is started with them. It keeps as many arenas as there
/// are threads, gives free pages back early, and takes blocks from 4 MiB on from the system one by one, so that they go back when
/// they are freed: else freed memory stays resident between pieces that still live.
pub fn environment(threads: usize) -> Vec<(&'static str, String)> {
    let threads = threads.max(1);
    vec![
        ("RAYON_NUM_THREADS", threads.to_string()),
        ("MALLOC_ARENA_MAX", threads.clamp(2, 8).to_string()),
        ("MALLOC_TRIM_THRESHOLD_", (16 << 20).to_string()),
        ("MALLOC_MMAP_THRESHOLD_", (4 << 20).to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::environment;

    #[test]
    fn a_process_has_as_many_threads_as_it_may() {
        assert!(environment(3).contains(&("RAYON_NUM_THREADS", "3".to_owned())));
        assert!(environment(0).contains(&("RAYON_NUM_THREADS", "1".to_owned())));
        assert!(environment(64).contains(&("MALLOC_ARENA_MAX", "8".to_owned())));
    }
}
