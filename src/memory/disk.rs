//! How much temporary files may take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use crate::diagnostic::{Class, Diagnostic};
use crate::digits;

/// Bytes that temporary files may take together.
#[derive(Debug)]
pub struct DiskBudget {
    limit: AtomicU64,
    used: AtomicU64,
    peak: AtomicU64,
}

impl DiskBudget {
    /// A budget of that many bytes.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit: AtomicU64::new(limit), used: AtomicU64::new(0), peak: AtomicU64::new(0) })
    }

    /// A budget that refuses nothing.
    pub fn unlimited() -> Arc<Self> {
        Self::new(u64::MAX)
    }

    /// The budget of the process. It refuses nothing until a run has set its limit.
    pub fn process() -> &'static Arc<Self> {
        static PROCESS: LazyLock<Arc<DiskBudget>> = LazyLock::new(DiskBudget::unlimited);
        &PROCESS
    }

    /// Bytes that may be taken.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets how much may be taken.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The most that was taken at a time.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Takes bytes for a file; they are given back when the share is dropped.
    ///
    /// Errors: the budget does not hold them.
    pub fn take(self: &Arc<Self>, what: &str, bytes: u64) -> Result<DiskShare, DiskFull> {
        let mut share = DiskShare { budget: Arc::clone(self), what: what.to_owned(), bytes: 0 };
        share.grow(bytes)?;
        Ok(share)
    }
}

/// What a temporary file takes.
#[derive(Debug)]
pub struct DiskShare {
    budget: Arc<DiskBudget>,
    what: String,
    bytes: u64,
}

impl DiskShare {
    /// Takes more, before it is written.
    ///
    /// Errors: the budget does not hold it.
    pub fn grow(&mut self, bytes: u64) -> Result<(), DiskFull> {
        let limit = self.budget.limit();
        let taken = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|wanted| *wanted <= limit)
        });
        match taken {
            Ok(before) => {
                self.budget.peak.fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
                self.bytes = self.bytes.saturating_add(bytes);
                Ok(())
            }
            Err(used) => Err(DiskFull { what: self.what.clone(), asked: used.saturating_add(bytes), limit }),
        }
    }

    /// Bytes taken.
    pub fn size(&self) -> u64 {
        self.bytes
    }
}

impl Drop for DiskShare {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Temporary files would take more than they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFull {
    /// What was being written.
    pub what: String,
    /// Bytes that all temporary files would then have taken.
    pub asked: u64,
    /// Bytes that they may take.
    pub limit: u64,
}

impl DiskFull {
    /// What to do about it.
    pub const HELP: &'static str = "allow temporary files more with `--disk`, or the run more memory with `--memory`";
}

impl std::fmt::Display for DiskFull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (asked, limit) = (digits::bytes(self.asked), digits::bytes(self.limit));
        write!(f, "temporary files would take {asked}, and may take {limit}: {} has to go to disk", self.what)
    }
}

impl std::error::Error for DiskFull {}

impl From<DiskFull> for Diagnostic {
    fn from(full: DiskFull) -> Self {
        Diagnostic::error(Class::Limit, full.to_string()).help(DiskFull::HELP)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_while_they_live() {
        let budget = DiskBudget::new(100);
        let mut share = budget.take("a sort", 60).unwrap();
        assert!(share.grow(41).is_err());
        share.grow(40).unwrap();
        assert_eq!((budget.used(), share.size()), (100, 100));
        drop(share);
        assert_eq!((budget.used(), budget.peak()), (0, 100));
    }

    #[test]
    fn a_full_budget_is_a_limit_with_the_name_of_who_wanted_more() {
        let full = DiskBudget::new(1 << 20).take("a sort", 1 << 30).unwrap_err();
        assert_eq!(
            full.to_string(),
            "temporary files would take 1.0 GiB, and may take 1.0 MiB: a sort has to go to disk"
        );
        assert_eq!(Diagnostic::from(full).class.exit_code(), 4);
    }
}
