//! Groups made of pairs: connected components by union and find.
//!
//! Source: Tarjan, "Efficiency of a good but not linear set union algorithm", JACM 22 (1975), with path halving (Tarjan &
//! van Leeuwen 1984) and the smaller index as the root, so that the groups do not depend on the order of the pairs.
//! Cost: four bytes an element; a pair costs amortized O(log n).
//!
//! ```
//! use gristmill::similarity::clusters::Clusters;
//! let mut clusters = Clusters::new(4);
//! clusters.join(3, 1);
//! assert_eq!((0..4).map(|at| clusters.root(at)).collect::<Vec<_>>(), [0, 1, 2, 1]);
//! ```

/// Elements in groups; at first each is a group of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    parents: Vec<u32>,
}

impl Clusters {
    /// `elements` groups of one element each.
    pub fn new(elements: u32) -> Self {
        Self { parents: (0..elements).collect() }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// The smallest element of the group of `element`; an element that is not there stands for itself.
    pub fn root(&mut self, element: u32) -> u32 {
        let mut at = element;
        while let Some(parent) = self.parent(at).filter(|parent| *parent != at) {
            // Each visited element is hung one step nearer to the root.
            let above = self.parent(parent).unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at as usize) {
                *slot = above;
            }
            at = above;
        }
        at
    }

    /// Puts the groups of two elements together; false when they are one group already.
    pub fn join(&mut self, left: u32, right: u32) -> bool {
        let (left, right) = (self.root(left), self.root(right));
        if left == right {
            return false;
        }
        if let Some(slot) = self.parents.get_mut(left.max(right) as usize) {
            *slot = left.min(right);
        }
        true
    }

    /// For each element the smallest element of its group.
    pub fn roots(&mut self) -> Vec<u32> {
        // Roots are smaller than what hangs on them, so one pass upwards flattens every path.
        for at in 0..self.parents.len() {
            let parent = self.parents.get(at).copied().unwrap_or_default();
            let root = self.parents.get(parent as usize).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at) {
                *slot = root;
            }
        }
        self.parents.clone()
    }

    fn parent(&self, at: u32) -> Option<u32> {
        self.parents.get(at as usize).copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The slower truth: labels spread along the pairs until nothing changes.
    fn spread(elements: usize, pairs: &[(u32, u32)]) -> Vec<u32> {
        let mut labels: Vec<u32> = (0..elements as u32).collect();
        loop {
            let before = labels.clone();
            for &(left, right) in pairs {
                let least = labels[left as usize].min(labels[right as usize]);
                labels[left as usize] = least;
                labels[right as usize] = least;
            }
            if labels == before {
                return labels;
            }
        }
    }

    proptest! {
        #[test]
        fn groups_are_what_pairs_connect_in_whatever_order(
            pairs in prop::collection::vec((0_u32..40, 0_u32..40), 0..60), turn in 0_usize..60,
        ) {
            let mut clusters = Clusters::new(40);
            let turn = turn.min(pairs.len());
            for &(left, right) in pairs[turn..].iter().chain(&pairs[..turn]) {
                clusters.join(left, right);
            }
            prop_assert_eq!(clusters.roots(), spread(40, &pairs));
            let found: Vec<u32> = (0..40).map(|at| clusters.root(at)).collect();
            prop_assert_eq!(found, spread(40, &pairs));
        }
    }

    #[test]
    fn an_element_that_is_not_there_is_alone() {
        let mut clusters = Clusters::new(2);
        assert_eq!(clusters.root(9), 9);
        assert!(clusters.join(0, 1));
        assert!(!clusters.join(1, 0));
    }
}
