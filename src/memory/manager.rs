//! Who may hold how much.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use super::allocated;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;

/// Memory that a run may use, and who reserved how much of it.
///
/// Half of the limit can be reserved; the other half is for what flows: decoded row groups, frames between operators, the
/// program itself. The pool is shared fairly: each of `n` holders may have an `n`th of it, so that a stage that came first
/// cannot starve the second one. A holder that is refused goes to disk.
#[derive(Debug)]
pub struct MemoryManager {
    limit: AtomicU64,
    /// Whether the use of the whole process counts, beside what is reserved. Only then are both about the same memory.
    measured: bool,
    state: Mutex<State>,
    /// Set by the watch when the process is over its limit.
    exceeded: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    reserved: u64,
    /// Reservations that hold something or have asked for something.
    holders: u64,
}

/// Share of the limit that can be reserved, in eighths.
const POOL_EIGHTHS: u64 = 4;
/// Share of the limit up to which the process may be filled by reservations that grow, in eighths.
const FULL_EIGHTHS: u64 = 7;

impl MemoryManager {
    /// A manager of that many bytes, which looks at reservations only.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self::with(limit, false))
    }

    fn with(limit: u64, measured: bool) -> Self {
        Self { limit: AtomicU64::new(limit), measured, state: Mutex::default(), exceeded: AtomicBool::new(false) }
    }

    /// A manager that refuses nothing.
    pub fn unlimited() -> Arc<Self> {
        Self::new(u64::MAX)
    }

    /// The manager of the process, which also looks at what is allocated. It refuses nothing until a run has set its limit.
    pub fn process() -> &'static Arc<Self> {
        static PROCESS: LazyLock<Arc<MemoryManager>> = LazyLock::new(|| Arc::new(MemoryManager::with(u64::MAX, true)));
        &PROCESS
    }

    /// Bytes that the process may use.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets how much the process may use.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that the process has allocated.
    pub fn used(&self) -> u64 {
        allocated()
    }

    /// Bytes that are reserved.
    pub fn reserved(&self) -> u64 {
        self.state().reserved
    }

    /// Bytes that reservations may have together.
    pub fn pool(&self) -> u64 {
        self.limit() / 8 * POOL_EIGHTHS
    }

    /// An empty reservation under a name that people understand: `sort`, `held tables`.
    pub fn reserve(self: &Arc<Self>, name: &str) -> Reservation {
        Reservation { manager: Arc::clone(self), name: name.to_owned(), bytes: 0, counted: false }
    }

    /// An error when the process has passed its limit.
    pub fn check(&self) -> Result<(), Exhausted> {
        if !self.exceeded.load(Ordering::Relaxed) {
            return Ok(());
        }
        // What was computed may have ended since the watch looked.
        if self.measured && self.used() <= self.limit() {
            self.set_exceeded(false);
            return Ok(());
        }
        Err(Exhausted { name: "the rows of this stage".to_owned(), asked: self.used(), limit: self.limit() })
    }

    /// Says whether the process is over its limit, which ends what is being computed.
    pub fn set_exceeded(&self, exceeded: bool) {
        self.exceeded.store(exceeded, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that somebody holds. It is given back when the reservation is dropped.
#[derive(Debug)]
pub struct Reservation {
    manager: Arc<MemoryManager>,
    name: String,
    bytes: u64,
    /// Whether it counts as one of those who share the pool.
    counted: bool,
}

impl Reservation {
    /// Bytes that are reserved.
    pub fn size(&self) -> u64 {
        self.bytes
    }

    /// Asks for more.
    ///
    /// Errors: the pool is full, others have a right to the rest, or the process already uses nearly all it may.
    pub fn try_grow(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let refused =
            Exhausted { name: self.name.clone(), asked: self.bytes.saturating_add(bytes), limit: self.manager.limit() };
        if self.manager.limit() == u64::MAX {
            self.grow(bytes);
            return Ok(());
        }
        let used = if self.manager.measured { self.manager.used() } else { 0 };
        let mut state = self.manager.state();
        if !self.counted {
            self.counted = true;
            state.holders += 1;
        }
        let share = self.manager.pool() / state.holders.max(1);
        let fits = state.reserved.saturating_add(bytes) <= self.manager.pool();
        let full = self.manager.limit() / 8 * FULL_EIGHTHS;
        if self.bytes.saturating_add(bytes) > share || !fits || used >= full {
            return Err(refused);
        }
        state.reserved += bytes;
        self.bytes += bytes;
        Ok(())
    }

    /// Takes more without asking, for what exists already.
    pub fn grow(&mut self, bytes: u64) {
        let mut state = self.manager.state();
        if !self.counted {
            self.counted = true;
            state.holders += 1;
        }
        state.reserved = state.reserved.saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Gives a part back.
    pub fn shrink(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        let mut state = self.manager.state();
        state.reserved = state.reserved.saturating_sub(bytes);
    }

    /// Gives everything back; the holder still counts as one who will want memory again.
    pub fn free(&mut self) {
        self.shrink(self.bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.free();
        if self.counted {
            let mut state = self.manager.state();
            state.holders = state.holders.saturating_sub(1);
        }
    }
}

/// Memory was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    /// Who wanted it.
    pub name: String,
    /// Bytes it would then have had.
    pub asked: u64,
    /// Bytes that the process may use.
    pub limit: u64,
}

impl Exhausted {
    /// What to do about it.
    pub const HELP: &'static str = "give the run more with `--memory`, or let it work on fewer rows or columns";
}

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "not enough memory: {} needs {} of {}",
            self.name,
            digits::bytes(self.asked),
            digits::bytes(self.limit)
        )
    }
}

impl std::error::Error for Exhausted {}

impl From<Exhausted> for Diagnostic {
    fn from(exhausted: Exhausted) -> Self {
        Diagnostic::error(Class::Limit, exhausted.to_string()).help(Exhausted::HELP)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// More than any test of this program has allocated.
    const LIMIT: u64 = 1 << 50;

    #[test]
    fn what_is_reserved_is_given_back_when_the_holder_goes() {
        let manager = MemoryManager::new(LIMIT);
        let mut first = manager.reserve("first");
        first.try_grow(1000).unwrap();
        first.shrink(400);
        assert_eq!((first.size(), manager.reserved()), (600, 600));
        drop(first);
        assert_eq!(manager.reserved(), 0);
    }

    #[test]
    fn half_of_the_limit_can_be_reserved() {
        let manager = MemoryManager::new(LIMIT);
        let mut only = manager.reserve("only");
        only.try_grow(LIMIT / 2).unwrap();
        let refused = only.try_grow(1).unwrap_err();
        assert_eq!(refused.name, "only");
        assert_eq!(Diagnostic::from(refused).class.exit_code(), 4);
    }

    #[test]
    fn the_second_holder_has_a_right_to_its_share() {
        let manager = MemoryManager::new(LIMIT);
        let (mut first, mut second) = (manager.reserve("first"), manager.reserve("second"));
        first.try_grow(LIMIT / 4).unwrap();
        second.try_grow(LIMIT / 4).unwrap();
        assert!(first.try_grow(1).is_err() && second.try_grow(1).is_err());
        drop(second);
        first.try_grow(LIMIT / 4).unwrap();
    }

    #[test]
    fn a_process_that_uses_nearly_all_it_may_is_refused_more() {
        let manager = Arc::new(MemoryManager::with(1, true));
        assert!(manager.reserve("any").try_grow(0).is_err());
    }

    #[test]
    fn without_a_limit_nothing_is_refused() {
        let manager = MemoryManager::unlimited();
        manager.reserve("any").try_grow(1 << 60).unwrap();
    }

    #[test]
    fn the_alarm_of_the_watch_is_an_error() {
        let manager = MemoryManager::new(LIMIT);
        assert!(manager.check().is_ok());
        manager.set_exceeded(true);
        assert!(manager.check().is_err());
    }
}
