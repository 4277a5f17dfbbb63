use serde::{Deserialize, Serialize};

/// What may stand on one side of a rule. Items are numbers of the itemsets; lists of them ascend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Only these items; all when absent.
    pub only: Option<Vec<u32>>,
    /// None of these items.
    pub without: Vec<u32>,
    /// At least one of each of these groups.
    pub with: Vec<Vec<u32>>,
    /// Fewest items, at least 1.
    pub min: usize,
    /// Most items.
    pub max: usize,
}

impl Default for Side {
    fn default() -> Self {
        Self { only: None, without: Vec::new(), with: Vec::new(), min: 1, max: usize::MAX }
    }
}

impl Side {
    /// Any items, so many of them at most.
    #[must_use]
    pub fn at_most(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// Whether the item may stand there.
    pub(super) fn allows(&self, item: u32) -> bool {
        let listed = |list: &Vec<u32>| list.binary_search(&item).is_ok();
        self.only.as_ref().is_none_or(listed) && !listed(&self.without)
    }

    /// Whether these items may stand there together.
    pub(super) fn accepts(&self, items: &[u32]) -> bool {
        (self.min..=self.max).contains(&items.len())
            && items.iter().all(|item| self.allows(*item))
            && self.with.iter().all(|group| items.iter().any(|item| group.binary_search(item).is_ok()))
    }
}
