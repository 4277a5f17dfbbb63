//! What wakes the loop of the server before its time.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Somebody rings, the loop wakes. A ring while it is awake is not lost.
#[derive(Debug, Default)]
pub(in crate::schedule) struct Bell {
    rung: Mutex<bool>,
    waker: Condvar,
}

impl Bell {
    /// Rings.
    pub(in crate::schedule) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.waker.notify_all();
    }

    /// Waits for a ring, at most so long. Whether there was one.
    pub(in crate::schedule) fn wait(&self, at_most: Duration) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.waker.wait_timeout_while(rung, at_most, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rung)
    }
}
