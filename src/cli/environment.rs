//! What the process may use: threads and memory.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::diagnostic::{Class, Diagnostic};
use crate::engine::polars::{PolarsEngine, PolarsOptions};
use crate::memory;

use super::Failure;

/// Tells the engine how many threads to start; it reads this once, before anything else of it is used.
const THREADS: &str = "POLARS_MAX_THREADS";

/// The number of threads to use: what was asked for, what the environment says, or what the machine has.
pub(super) fn threads(asked: Option<usize>) -> usize {
    let told = std::env::var(THREADS).ok().and_then(|text| text.parse().ok());
    let machine = std::thread::available_parallelism().map_or(1, usize::from);
    asked.or(told).unwrap_or(machine).max(1)
}

/// Starts the program again with the number of threads in its environment, when it is another one there.
///
/// The environment of a running process cannot be changed safely, and the engine takes the number from nowhere else.
pub(super) fn apply_threads(asked: Option<usize>) -> Result<(), Failure> {
    let Some(asked) = asked else { return Ok(()) };
    if std::env::var(THREADS).is_ok_and(|text| text == asked.to_string()) {
        return Ok(());
    }
    let failed =
        |error: std::io::Error| Diagnostic::error(Class::Stage, format!("cannot start with {asked} threads: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let error = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(THREADS, asked.to_string())
        .env("RAYON_NUM_THREADS", asked.to_string())
        .exec();
    Err(failed(error).into())
}

/// Bytes of memory to use: what was asked for, or half of what there is.
pub(super) fn memory(asked: Option<u64>) -> u64 {
    asked.unwrap_or_else(|| memory::available() / 2)
}

/// The engine.
pub(super) fn engine(threads: usize, memory: u64) -> PolarsEngine {
    PolarsEngine::new(PolarsOptions { threads: Some(threads), memory_budget: Some(memory) })
}

/// `4GiB`, `500MB`, `1000000`
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
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
    let bytes = (number * factor as f64) as u64;
    if bytes < 64 << 20 { Err("at least 64MiB are needed".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(parse_bytes("4GiB"), Ok(4 << 30));
        assert_eq!(parse_bytes("1.5 GB"), Ok(1_500_000_000));
        assert_eq!(parse_bytes("100000000"), Ok(100_000_000));
        assert!(parse_bytes("10").is_err() && parse_bytes("lots").is_err() && parse_bytes("4 apples").is_err());
    }
}
