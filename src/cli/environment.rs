//! What the process may use: threads and memory.

use std::path::Path;

use crate::diagnostic::{Class, Diagnostic};
use crate::engine::polars::{self, PolarsEngine, PolarsOptions};
use crate::memory::{self, DiskBudget, MemoryManager, Watch};
use crate::run::store::Store;

/// The number of threads to use: what was asked for, what the environment says, or what the machine has.
pub(super) fn threads(asked: Option<usize>) -> usize {
    let machine = std::thread::available_parallelism().map_or(1, usize::from);
    asked.or_else(polars::threads_told).unwrap_or(machine).max(1)
}

/// The variables that tell the engine of a worker what it may use, and where it puts what does not fit the memory.
///
/// The environment of a running process cannot be changed safely, and the engine takes its limits from nowhere else, so the
/// supervisor gives them to the worker.
pub(super) fn of_worker(threads: usize, memory: u64, disk: u64, base: &Path) -> Vec<(&'static str, String)> {
    let spill = std::path::absolute(Store::spill_in(base)).unwrap_or_else(|_| Store::spill_in(base));
    let mut variables = memory::environment(threads);
    variables.extend(polars::environment(memory, threads, disk, &spill));
    variables
}

/// Bytes of memory to use: what was asked for, or half of what there is.
pub(super) fn memory(asked: Option<u64>) -> u64 {
    asked.unwrap_or_else(|| memory::available() / 2)
}

/// Bytes that temporary files may take: what was asked for, or what leaves a tenth of the file system free.
pub(super) fn disk(asked: Option<u64>, base: &std::path::Path) -> u64 {
    let base = if base.as_os_str().is_empty() { std::path::Path::new(".") } else { base };
    asked.unwrap_or_else(|| crate::disk::default_limit(base))
}

/// Bytes that kept results may take however full the disk is, when nobody says.
const ALWAYS_KEPT: u64 = 64 << 20;

/// Bytes that kept results may take: half of what temporary files may. A nearly full disk leaves nothing to those, but most
/// results are small, and to forget them all would make each run do all its work again.
pub(super) fn kept(asked: Option<u64>, base: &std::path::Path) -> u64 {
    let half = disk(asked, base) / 2;
    if asked.is_some() { half } else { half.max(ALWAYS_KEPT) }
}

/// The engine.
pub(super) fn engine(threads: usize, memory: u64) -> PolarsEngine {
    PolarsEngine::new(PolarsOptions { threads: Some(threads), memory_budget: Some(memory) })
}

/// The engine of a run: the memory is a limit of the whole process, and what goes to disk lies in the state folder of `base`.
///
/// As long as the watch lives, the process ends with exit code 4 when it is far over its limit and cannot be stopped otherwise.
pub(super) fn bounded_engine(threads: usize, memory: u64, base: &Path) -> (PolarsEngine, Watch) {
    let manager = MemoryManager::process();
    manager.set_limit(memory);
    let engine = engine(threads, memory).with_resources(manager, DiskBudget::process(), &Store::spill_in(base));
    (engine, Watch::start(manager, Box::new(move |used| give_up(used, memory))))
}

/// Ends the process before the system does.
fn give_up(used: u64, limit: u64) {
    crate::staging::remove_unfinished();
    let message = format!(
        "memory limit reached: the process holds {} MiB, may hold {} MiB, and what it computes cannot be stopped",
        used >> 20,
        limit >> 20,
    );
    super::render::print(&[Diagnostic::error(Class::Limit, message).help(memory::Exhausted::HELP)], None);
    std::process::exit(i32::from(Class::Limit.exit_code()));
}

/// A size of memory: at least 64 MiB.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bytes < 64 << 20 { Err("at least 64MiB are needed".to_owned()) } else { Ok(bytes) }
}

/// `4GiB`, `500MB`, `1000000`
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "b" => 1_u64,
        "kb" => 1_000,
        "k" | "kib" => 1 << 10,
        "mb" => 1_000_000,
        "m" | "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "g" | "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "t" | "tib" => 1 << 40,
        _ => return Err("write a size such as `4GiB`, `500MB` or `1000000`".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "write a size such as `4GiB`, `500MB` or `1000000`".to_owned())?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in bytes, not negative, needs no more precision"
    )]
    Ok((number * factor as f64) as u64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ALWAYS_KEPT, kept, parse_bytes};

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(parse_bytes("4GiB"), Ok(4 << 30));
        assert_eq!(parse_bytes("1.5 GB"), Ok(1_500_000_000));
        assert_eq!(parse_bytes("100000000"), Ok(100_000_000));
        assert!(parse_bytes("10").is_err() && parse_bytes("lots").is_err() && parse_bytes("4 apples").is_err());
    }

    #[test]
    fn results_are_kept_within_what_was_asked_for_and_never_all_forgotten_by_themselves() {
        assert_eq!(kept(Some(100), Path::new("/")), 50);
        assert!(kept(None, Path::new("/")) >= ALWAYS_KEPT);
    }
}
