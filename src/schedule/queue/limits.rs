//! How much may run at the same time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much may run at the same time, of all jobs together or of one job.
///
/// What is absent is not limited. Memory is in bytes.
///
/// ```yaml
/// limits: {runs: 4, memory: 17179869184, cores: 8}
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Runs.
    pub runs: Option<u32>,
    /// What the runs say they need together, in bytes.
    pub memory: Option<u64>,
    /// Cores that the runs use together.
    pub cores: Option<u32>,
}

/// What runs take, one or several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Memory in bytes.
    pub memory: u64,
    /// Cores.
    pub cores: u32,
}

/// What is at work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) runs: u32,
    memory: u64,
    cores: u32,
}

impl Load {
    pub(super) fn add(&mut self, needs: Needs, counts: bool) {
        self.runs = self.runs.saturating_add(u32::from(counts));
        self.memory = self.memory.saturating_add(needs.memory);
        self.cores = self.cores.saturating_add(needs.cores);
    }

    pub(super) fn remove(&mut self, needs: Needs, counts: bool) {
        self.runs = self.runs.saturating_sub(u32::from(counts));
        self.memory = self.memory.saturating_sub(needs.memory);
        self.cores = self.cores.saturating_sub(needs.cores);
    }
}

impl Limits {
    /// Whether a further run fits beside what is at work.
    pub(super) fn allow(&self, load: &Load, needs: Needs) -> bool {
        let mut with = *load;
        with.add(needs, true);
        self.runs.is_none_or(|limit| with.runs <= limit)
            && self.memory.is_none_or(|limit| with.memory <= limit)
            && self.cores.is_none_or(|limit| with.cores <= limit)
    }

    /// What a run needs beyond what it could ever get: in words, or `None` where it fits when nothing else is at work.
    pub fn lacking(&self, needs: Needs) -> Option<String> {
        if self.runs == Some(0) {
            return Some("no run is allowed (`runs: 0`)".to_owned());
        }
        if let Some(limit) = self.memory.filter(|limit| needs.memory > *limit) {
            return Some(format!("it needs {} bytes of memory, {limit} are allowed", needs.memory));
        }
        let limit = self.cores.filter(|limit| needs.cores > *limit)?;
        Some(format!("it needs {} cores, {limit} are allowed", needs.cores))
    }
}
