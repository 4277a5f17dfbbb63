//! Memory and disk as budgets: how much the process may use, who holds how much of it, and how much is used in fact.
//!
//! - [`process`]: what the system says of the process and of the machine.
//! - [`MemoryManager`]: one for a run. Operators reserve what they are about to hold under a name; a reservation that is
//!   refused is the sign to go to disk. What is used in fact is counted by the allocator.
//! - [`DiskBudget`]: the same for temporary files.
//! - [`Watch`]: keeps an eye on the process while it works, gives pages of mapped files back to the system, and raises the
//!   alarm when the limit is passed in spite of all reservations.

mod allocator;
mod disk;
mod environment;
mod manager;
mod mapped;
pub mod process;
mod watch;

pub use allocator::allocated;
pub use disk::{DiskBudget, DiskFull, DiskShare};
pub use environment::environment;
pub use manager::{Exhausted, MemoryManager, Reservation};
pub use process::{available, peak, resident};
pub use watch::{Alarm, Watch};

/// Bytes as people read them: `1.5 GiB`.
fn readable(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let size = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{:.1} KiB", size / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", size / 1_048_576.0),
        _ => format!("{:.1} GiB", size / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_written_in_the_unit_that_fits() {
        assert_eq!(super::readable(512), "512 B");
        assert_eq!(super::readable(1536), "1.5 KiB");
        assert_eq!(super::readable(3 << 20), "3.0 MiB");
        assert_eq!(super::readable(5 << 29), "2.5 GiB");
    }
}
