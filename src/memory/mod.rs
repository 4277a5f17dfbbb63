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
