use std::collections::BTreeMap;

use super::coded::Coded;
use super::database::Sequences;
use super::options::{Limits, SequenceError, SequenceOptions};
use super::prefixspan::{Growth, Projection};
use super::search::Search;

/// How many of `sequences` hold each of the patterns, under the same limits: the support of patterns in other sequences than those
/// in which they were found. Patterns are lists of elements.
///
/// Patterns with a common beginning share the search for it. Errors: [`SequenceError::TooManyEvents`].
pub fn supports(sequences: &Sequences, patterns: &[Vec<Vec<u32>>], limits: &Limits) -> Result<Vec<u64>, SequenceError> {
    let coded = Coded::new(sequences, 1, limits)?;
    let ranks: BTreeMap<u32, u32> = coded.names.iter().copied().zip(0..).collect();
    let number = coded.names.len() as u32;
    let mut tree = Node::default();
    for (at, pattern) in patterns.iter().enumerate() {
        let mut node = Some(&mut tree);
        for element in pattern {
            // A pattern with an event that is nowhere occurs nowhere.
            let mut events: Vec<Option<u32>> = element.iter().map(|event| ranks.get(event).copied()).collect();
            events.sort_unstable();
            for (within, event) in events.into_iter().enumerate() {
                let step = event.map(|event| if within == 0 { event } else { event + number });
                node = match (node, step) {
                    (Some(node), Some(step)) => Some(node.children.entry(step).or_default()),
                    _ => None,
                };
            }
        }
        if let Some(node) = node {
            node.patterns.push(at);
        }
    }
    let options = SequenceOptions::default();
    let search = Search::new(&options, 1);
    let growth = Growth::new(&coded, &search);
    let mut counts = vec![0; patterns.len()];
    let wanted: Vec<u32> = tree.children.keys().copied().filter(|step| *step < number).collect();
    for (step, root) in (0..).zip(growth.roots()) {
        if let Some(node) = wanted.binary_search(&step).ok().and_then(|_| tree.children.get(&step)) {
            count(&growth, node, &root, &mut counts);
        }
    }
    Ok(counts)
}

/// Patterns by their events.
#[derive(Default)]
struct Node {
    children: BTreeMap<u32, Node>,
    /// Those that end here.
    patterns: Vec<usize>,
}

fn count(growth: &Growth<'_, '_>, node: &Node, projection: &Projection, counts: &mut [u64]) {
    for pattern in &node.patterns {
        if let Some(count) = counts.get_mut(*pattern) {
            *count = projection.support();
        }
    }
    let steps: Vec<u32> = node.children.keys().copied().collect();
    for (step, child) in growth.children(projection, &steps) {
        if let Some(node) = node.children.get(&step) {
            count(growth, node, &child, counts);
        }
    }
}
