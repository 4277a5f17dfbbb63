//! Which layer each stage stands in: always below all of its inputs.

use std::collections::BTreeMap;

/// The most stages side by side. More of them go into the layers below, so that the picture grows downwards rather than out of sight.
pub(super) const MOST_BESIDE: usize = 4;

/// The layer of each stage, and how many layers there are.
///
/// `inputs` are the inputs of each stage; only those with a lower position count, since stages are recorded in the order in which
/// they ran. `main` is the main flow, from its first stage down: it keeps its place when there are too many beside it. Stages that
/// prepare something for the main flow stand right above the first that reads them rather than all at the top.
///
/// O(stages x (stages + layers)).
pub(super) fn layers(inputs: &[Vec<usize>], main: &[usize]) -> (Vec<usize>, usize) {
    let mut board = Board { taken: Vec::new(), kept: kept_for(inputs, main) };
    let mut layers: Vec<usize> = Vec::with_capacity(inputs.len());
    for (stage, from) in inputs.iter().enumerate() {
        let lowest = below(stage, from, &layers);
        let layer = (lowest..).find(|&layer| board.has_room(layer, stage)).unwrap_or(lowest);
        board.put(stage, layer);
        layers.push(layer);
    }
    for stage in (0..inputs.len()).rev().filter(|stage| !main.contains(stage)) {
        let readers = inputs.iter().enumerate().skip(stage + 1).filter(|(_, from)| from.contains(&stage));
        let nearest = readers.filter_map(|(reader, _)| layers.get(reader)).min().copied();
        let (Some(nearest), Some(layer)) = (nearest, layers.get_mut(stage)) else { continue };
        if let Some(lower) = (*layer + 1..nearest).rev().find(|&lower| board.has_room(lower, stage)) {
            board.leave(*layer);
            board.put(stage, lower);
            *layer = lower;
        }
    }
    close_gaps(&mut layers);
    let depth = layers.iter().max().map_or(0, |deepest| deepest + 1);
    (layers, depth)
}

/// The layer right below all inputs that have one.
fn below(stage: usize, inputs: &[usize], layers: &[usize]) -> usize {
    let above = inputs.iter().filter(|&&input| input < stage).filter_map(|&input| layers.get(input)).max();
    above.map_or(0, |layer| layer + 1)
}

/// The layers in which the stages of the main flow would stand if there were room for everything.
fn kept_for(inputs: &[Vec<usize>], main: &[usize]) -> BTreeMap<usize, usize> {
    let mut layers: Vec<usize> = Vec::with_capacity(inputs.len());
    for (stage, from) in inputs.iter().enumerate() {
        layers.push(below(stage, from, &layers));
    }
    main.iter().filter_map(|&stage| Some((stage, *layers.get(stage)?))).collect()
}

/// How many stages each layer has, and where places are kept for the main flow.
struct Board {
    taken: Vec<usize>,
    kept: BTreeMap<usize, usize>,
}

impl Board {
    fn has_room(&self, layer: usize, stage: usize) -> bool {
        let kept = self.kept.iter().filter(|(other, at)| **other != stage && **at == layer).count();
        self.taken.get(layer).copied().unwrap_or(0) + kept < MOST_BESIDE
    }

    fn put(&mut self, stage: usize, layer: usize) {
        if self.taken.len() <= layer {
            self.taken.resize(layer + 1, 0);
        }
        if let Some(taken) = self.taken.get_mut(layer) {
            *taken += 1;
        }
        // When the main flow is pushed down, all that is to come of it is.
        if let Some(lower) = self.kept.remove(&stage).and_then(|kept| layer.checked_sub(kept)) {
            self.kept.values_mut().for_each(|kept| *kept += lower);
        }
    }

    fn leave(&mut self, layer: usize) {
        if let Some(taken) = self.taken.get_mut(layer) {
            *taken = taken.saturating_sub(1);
        }
    }
}

/// A layer that all its stages have left goes away.
fn close_gaps(layers: &mut [usize]) {
    let mut used: Vec<usize> = layers.to_vec();
    used.sort_unstable();
    used.dedup();
    for layer in layers {
        *layer = used.partition_point(|known| known < layer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_stands_below_all_of_its_inputs() {
        assert_eq!(layers(&[vec![], vec![0], vec![1, 0], vec![2]], &[]), (vec![0, 1, 2, 3], 4));
    }

    #[test]
    fn a_file_stands_right_above_its_reader() {
        // 0 -> 2 -> 3 -> 4 with 1 read by 4 only.
        assert_eq!(layers(&[vec![], vec![], vec![0], vec![2], vec![3, 1]], &[]).0, [0, 2, 1, 2, 3]);
    }

    #[test]
    fn what_is_prepared_for_the_main_flow_stands_beside_it() {
        // 0 -> 1 is joined to 2 -> 3 -> 4 at 5.
        assert_eq!(
            layers(&[vec![], vec![0], vec![], vec![2], vec![3], vec![4, 1]], &[2, 3, 4, 5]).0,
            [1, 2, 0, 1, 2, 3]
        );
    }

    #[test]
    fn many_stages_beside_each_other_go_into_further_layers() {
        let mut inputs = vec![vec![]];
        inputs.extend(std::iter::repeat_n(vec![0], 12));
        assert_eq!(layers(&inputs, &[]).0, [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn the_main_flow_keeps_its_place_beside_many() {
        let mut inputs = vec![vec![]];
        inputs.extend(std::iter::repeat_n(vec![0], 6));
        assert_eq!(layers(&inputs, &[0, 6]).0, [0, 1, 1, 1, 2, 2, 1]);
    }

    #[test]
    fn cycles_and_inputs_below_are_ignored() {
        assert_eq!(layers(&[vec![0, 1], vec![0, 7]], &[]), (vec![0, 1], 2));
        assert_eq!(layers(&[], &[]), (vec![], 0));
    }
}
