//! Faults on order: the n-th operation on the database fails.
//!
//! Every statement, and the begin, the commit and the answer of every transaction, passes through [`Faults::step`]. A test lets
//! the first one fail, then the second, and so on until a scenario ends without a fault; after each it looks at what is there.
//! In production nothing is armed, and a step costs one relaxed load.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::error::{Result, StoreError};

/// What fails, and when.
#[derive(Debug, Default)]
pub struct Faults {
    armed: AtomicBool,
    passed: AtomicU64,
    at: AtomicU64,
    lasting: AtomicBool,
    full: AtomicBool,
}

impl Faults {
    /// None.
    pub const fn none() -> Self {
        Self {
            armed: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            at: AtomicU64::new(0),
            lasting: AtomicBool::new(false),
            full: AtomicBool::new(false),
        }
    }

    /// Lets the n-th operation from now fail (from 1); with `lasting` all after it too, as when the disk is gone.
    pub fn fail_at(&self, n: u64, lasting: bool) {
        self.arm(n, lasting, false);
    }

    /// Lets the disk be full from the n-th operation from now on (from 1).
    pub fn fill_at(&self, n: u64) {
        self.arm(n, true, true);
    }

    fn arm(&self, n: u64, lasting: bool, full: bool) {
        self.passed.store(0, Relaxed);
        self.at.store(n, Relaxed);
        self.lasting.store(lasting, Relaxed);
        self.full.store(full, Relaxed);
        self.armed.store(true, Relaxed);
    }

    /// Ends the faults; whether one has happened.
    pub fn end(&self) -> bool {
        self.armed.store(false, Relaxed);
        self.passed.load(Relaxed) >= self.at.load(Relaxed)
    }

    /// Passes one operation. `what` is told in the error.
    #[inline]
    pub(super) fn step(&self, what: &str) -> Result<()> {
        if !self.armed.load(Relaxed) {
            return Ok(());
        }
        let number = self.passed.fetch_add(1, Relaxed) + 1;
        let at = self.at.load(Relaxed);
        if number == at || (self.lasting.load(Relaxed) && number > at) {
            if self.full.load(Relaxed) {
                return Err(StoreError::Full { path: PathBuf::new() });
            }
            let what = what.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
            return Err(StoreError::Io { path: PathBuf::new(), detail: format!("fault {number} on order: {what}") });
        }
        Ok(())
    }
}
