//! Memory for what is found, before it is held.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::diagnostic::{Class, Diagnostic};
use crate::memory::{Exhausted, MemoryManager, Reservation};
use crate::stages::work::WorkContext;

/// What the results of a stage take.
pub(super) struct Held<'a> {
    cancelled: &'a AtomicBool,
    state: Mutex<(Reservation, Option<Exhausted>)>,
}

impl<'a> Held<'a> {
    pub(super) fn new(context: &'a WorkContext<'_>) -> Self {
        let reservation = MemoryManager::process().reserve("itemsets");
        Self { cancelled: &context.cancelled, state: Mutex::new((reservation, None)) }
    }

    /// Whether the work may go on and hold so many more bytes, asked by any thread. They count twice until [`Held::settle`]: what was
    /// found is put in order in another place.
    pub(super) fn grow(&self, bytes: u64) -> bool {
        if self.cancelled.load(Ordering::Relaxed) {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.0.try_grow(bytes.saturating_mul(2)) {
            Ok(()) => true,
            Err(refused) => {
                state.1.get_or_insert(refused);
                false
            }
        }
    }

    /// Lets go of what was counted twice since the reservation had `before` bytes.
    pub(super) fn settle(&self, before: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let added = state.0.size().saturating_sub(before);
        state.0.shrink(added / 2);
    }

    /// Bytes that are held.
    pub(super) fn size(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0.size()
    }

    /// Why the work ended early.
    pub(super) fn refusal(&self, message: &str) -> Diagnostic {
        if self.cancelled.load(Ordering::Relaxed) {
            return Diagnostic::error(Class::Interrupted, "interrupted");
        }
        let exhausted = self.state.lock().unwrap_or_else(PoisonError::into_inner).1.take();
        let message = exhausted.map_or(message.to_owned(), |exhausted| format!("{message}: {exhausted}"));
        Diagnostic::error(Class::Limit, message)
            .help("raise `min_support`, lower `max_length`, or give the run more with `--memory`")
    }
}
