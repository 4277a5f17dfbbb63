//! Where everything of a pass lies in one block of memory.
//!
//! All that a pass needs is worked out before the first one: values, what layers keep, gradients, working space. On the
//! way back, values are all needed once more; but a gradient is needed only from the layer that gives it first to the
//! layer that takes it, so gradients share memory, and so do values where there is no way back. Offsets are in numbers
//! by row; a block for `capacity` rows is that much longer.

use super::Plan;
use std::ops::Range;

/// What passes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Forward only.
    Prediction,
    /// Forward and back to the parameters.
    Training,
    /// Forward and back to the inputs, without random layers: what an input would change.
    Explanation,
}

/// What becomes of the gradient that a layer gives by one of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// Nobody needs it.
    Skip,
    /// It is the first that is known for this value.
    First,
    /// It is added to what other readers of the value gave.
    Add,
}

/// A place by row: numbers from `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Region {
    start: usize,
    size: usize,
}

impl Region {
    /// Where the first `rows` rows lie in a block for `capacity` rows.
    pub(crate) fn of(self, capacity: usize, rows: usize) -> Range<usize> {
        // An empty place lies nowhere, so that it overlaps nothing.
        if self.size == 0 { 0..0 } else { self.start * capacity..self.start * capacity + self.size * rows }
    }
}

/// The places of everything in a pass.
#[derive(Debug)]
pub(crate) struct Layout {
    /// For each value that is a root; that of others is their root's.
    pub(crate) values: Vec<Region>,
    /// For each step.
    pub(crate) kept: Vec<Region>,
    /// For each root; of no size where no gradient is needed.
    pub(crate) gradients: Vec<Region>,
    /// For each step and each of its inputs.
    pub(crate) writes: Vec<Vec<Write>>,
    /// For gradients that are added to others.
    pub(crate) spare: Region,
    /// Numbers by row.
    pub(crate) per_row: usize,
    /// Numbers of working space, whatever the rows.
    pub(crate) scratch: usize,
}

/// Something that needs `size` numbers from the time `from` to the time `to`, both included.
#[derive(Debug, Clone, Copy)]
struct Need {
    from: usize,
    to: usize,
    size: usize,
}

impl Layout {
    pub(crate) fn new(plan: &Plan, way: Way) -> Self {
        let count = plan.values.len();
        let needs_gradient = needs_gradient(plan, way);
        let mut layout = Self {
            values: vec![Region::default(); count],
            kept: vec![Region::default(); plan.steps.len()],
            gradients: vec![Region::default(); count],
            writes: plan.steps.iter().map(|step| vec![Write::Skip; step.inputs.len()]).collect(),
            spare: Region::default(),
            per_row: 0,
            scratch: plan.steps.iter().map(|step| step.layer.scratch()).max().unwrap_or(0),
        };
        layout.place_values(plan, way);
        layout.place_kept(plan, way);
        if way != Way::Prediction {
            layout.place_gradients(plan, &needs_gradient, way);
        }
        layout
    }

    /// How long a block for `capacity` rows is.
    pub(crate) fn block(&self, capacity: usize) -> usize {
        self.per_row * capacity + self.scratch
    }

    /// The working space in a block for `capacity` rows.
    pub(crate) fn scratch_of(&self, capacity: usize) -> Range<usize> {
        if self.scratch == 0 { 0..0 } else { self.per_row * capacity..self.block(capacity) }
    }

    /// Values: the inputs at time 0, the output of step `s` at time `s + 1`.
    fn place_values(&mut self, plan: &Plan, way: Way) {
        let end = plan.steps.len() + 1;
        let roots = (0..plan.values.len()).filter(|&v| plan.values[v].root == v && plan.is_stored(v));
        let roots: Vec<usize> = roots.collect();
        let needs: Vec<Need> = roots
            .iter()
            .map(|&root| {
                let given = plan.steps.iter().position(|step| step.output == root).map_or(0, |step| step + 1);
                let read = plan.steps.iter().rposition(|step| reads(plan, step, root)).map_or(given, |step| step + 1);
                let asked = plan.outputs.iter().any(|output| output.value == root);
                let forever = asked || way != Way::Prediction;
                Need { from: given, to: if forever { end } else { read }, size: plan.values[root].size }
            })
            .collect();
        let (starts, total) = pack(&needs);
        for ((root, need), start) in roots.into_iter().zip(needs).zip(starts) {
            self.values[root] = Region { start, size: need.size };
        }
        self.per_row = total;
    }

    /// What layers keep, until the end or, where there is no way back, while they work.
    fn place_kept(&mut self, plan: &Plan, way: Way) {
        let end = plan.steps.len() + 1;
        let need = |(index, step): (usize, &super::Step)| match way {
            Way::Prediction if step.layer.works_in_kept() => {
                Need { from: index, to: index, size: step.layer.kept_per_row() }
            }
            Way::Prediction => Need { from: 0, to: end, size: 0 },
            _ => Need { from: 0, to: end, size: step.layer.kept_per_row() },
        };
        let needs: Vec<Need> = plan.steps.iter().enumerate().map(need).collect();
        let (starts, total) = pack(&needs);
        for ((kept, need), start) in self.kept.iter_mut().zip(needs).zip(starts) {
            *kept = Region { start: self.per_row + start, size: need.size };
        }
        self.per_row += total;
    }

    /// Gradients: those by the logits at time 0, those that step `s` gives at time `steps - s`.
    fn place_gradients(&mut self, plan: &Plan, needed: &[bool], way: Way) {
        let steps = plan.steps.len();
        let mut first: Vec<Option<usize>> = vec![None; plan.values.len()];
        for output in &plan.outputs {
            first[output.value] = Some(0);
        }
        for (index, step) in plan.steps.iter().enumerate().rev() {
            if !needed[step.output] {
                continue;
            }
            for (port, &input) in step.inputs.iter().enumerate() {
                let root = plan.values[input].root;
                if !needed[root] {
                    continue;
                }
                let write = if first[root].is_none() { Write::First } else { Write::Add };
                first[root].get_or_insert(steps - index);
                self.writes[index][port] = write;
                if write == Write::Add {
                    self.spare.size = self.spare.size.max(plan.values[root].size);
                }
            }
        }
        let mut roots = Vec::new();
        let mut needs = Vec::new();
        for (root, first) in first.iter().enumerate() {
            let Some(from) = *first else { continue };
            let taken = plan.steps.iter().position(|step| step.output == root);
            // The gradients by tables are made after the way back, and those by inputs are what was asked for.
            let late = taken.is_none_or(|step| plan.steps[step].layer.table().is_some());
            let to = if late { steps + 1 } else { taken.map_or(0, |step| steps - step) };
            if way == Way::Training || needed[root] || from == 0 {
                roots.push(root);
                needs.push(Need { from, to, size: plan.values[root].size });
            }
        }
        let (starts, total) = pack(&needs);
        for ((root, need), start) in roots.into_iter().zip(needs).zip(starts) {
            self.gradients[root] = Region { start: self.per_row + start, size: need.size };
        }
        self.per_row += total;
        self.spare.start = self.per_row;
        self.per_row += self.spare.size;
    }
}

/// Whether a step reads a root, under whatever shape, or looks up in it what is padding.
fn reads(plan: &Plan, step: &super::Step, root: usize) -> bool {
    step.mask == Some(root) || step.inputs.iter().any(|&input| plan.values[input].root == root)
}

/// For each root whether a gradient by it leads to something that was asked for.
fn needs_gradient(plan: &Plan, way: Way) -> Vec<bool> {
    let mut needed = vec![false; plan.values.len()];
    if way == Way::Explanation {
        for (needed, input) in needed.iter_mut().zip(&plan.inputs) {
            *needed = input.tokens.is_none();
        }
    }
    for step in &plan.steps {
        let learns = step.layer.parameters().iter().any(|parameter| parameter.learned);
        // What is learned is not asked for in an explanation, but vectors of tokens are explained instead of tokens.
        let asked = if way == Way::Training { learns } else { step.layer.table().is_some() };
        needed[step.output] = asked || step.inputs.iter().any(|&input| needed[plan.values[input].root]);
    }
    needed
}

/// Places things so that no two overlap which are needed at the same time: the largest first, each as low as it fits.
/// Returns where each starts, and the end of the last.
fn pack(needs: &[Need]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(needs[i].size));
    let mut starts = vec![0; needs.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut end = 0;
    for i in order {
        let need = needs[i];
        let mut rivals: Vec<usize> =
            placed.iter().copied().filter(|&j| needs[j].from <= need.to && need.from <= needs[j].to).collect();
        rivals.sort_by_key(|&j| starts[j]);
        let mut start = 0;
        for j in rivals {
            if starts[j] >= start + need.size {
                break;
            }
            start = start.max(starts[j] + needs[j].size);
        }
        starts[i] = start;
        end = end.max(start + need.size);
        placed.push(i);
    }
    (starts, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_needed_at_the_same_time_never_overlaps(needs in prop::collection::vec((0usize..20, 0usize..20, 1usize..50), 0..30)) {
            let needs: Vec<Need> =
                needs.into_iter().map(|(a, b, size)| Need { from: a.min(b), to: a.max(b), size }).collect();
            let (starts, end) = pack(&needs);
            for i in 0..needs.len() {
                prop_assert!(starts[i] + needs[i].size <= end);
                for j in 0..i {
                    let together = needs[i].from <= needs[j].to && needs[j].from <= needs[i].to;
                    let overlap = starts[i] < starts[j] + needs[j].size && starts[j] < starts[i] + needs[i].size;
                    prop_assert!(!(together && overlap));
                }
            }
        }
    }

    #[test]
    fn a_chain_needs_room_for_two() {
        let chain: Vec<Need> = (0..10).map(|i| Need { from: i, to: i + 1, size: 7 }).collect();
        assert_eq!(pack(&chain).1, 14);
    }
}
