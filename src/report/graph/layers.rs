//! Which layer each stage stands in: always below all of its inputs.

/// The most stages side by side. More of them go into the layers below, so that the picture grows downwards rather than out of sight.
pub(super) const MOST_BESIDE: usize = 4;

/// The layer of each stage, and how many layers there are.
///
/// `main` is the main flow, from its first stage down; it keeps its place when there are too many beside it.
///
/// `inputs` are the inputs of each stage; only those with a lower position count, since stages are recorded in the order in which they ran. Stages that
/// read files stand right above the first stage that reads them rather than all at the top. O(stages x layers).
pub(super) fn layers(inputs: &[Vec<usize>], main: &[usize]) -> (Vec<usize>, usize) {
    let mut beside: Vec<usize> = Vec::new();
    let mut layers: Vec<usize> = Vec::with_capacity(inputs.len());
    for (at, from) in inputs.iter().enumerate() {
        let layer = below(at, from, &layers);
        let is_main = main.contains(&at);
        let next_of_main = |input: &usize| main.iter().skip_while(|stage| *stage != input).nth(1);
        // Beside the next stage of the main flow there is room for one less.
        let kept = usize::from(!is_main && from.iter().filter_map(next_of_main).any(|&next| next > at));
        let free = |layer: usize, kept: usize| beside.get(layer).is_none_or(|&taken| taken + kept < MOST_BESIDE);
        let layer = if free(layer, kept) { layer } else { (layer + 1..).find(|&layer| free(layer, 0)).unwrap_or(layer) };
        occupy(&mut beside, layer);
        layers.push(layer);
    }
    for source in 0..inputs.len() {
        if inputs.get(source).is_some_and(|from| from.iter().any(|&input| input < source)) {
            continue;
        }
        let readers = inputs.iter().enumerate().filter(|(at, from)| *at > source && from.contains(&source));
        let nearest = readers.filter_map(|(at, _)| layers.get(at)).min().copied();
        let (Some(nearest), Some(layer)) = (nearest, layers.get_mut(source)) else { continue };
        let lower = (*layer + 1..nearest).rev().find(|&lower| beside.get(lower).is_none_or(|&taken| taken < MOST_BESIDE));
        if let Some(lower) = lower {
            if let Some(count) = beside.get_mut(*layer) {
                *count -= 1;
            }
            occupy(&mut beside, lower);
            *layer = lower;
        }
    }
    close_gaps(&mut layers);
    let depth = layers.iter().max().map_or(0, |deepest| deepest + 1);
    (layers, depth)
}

fn below(stage: usize, inputs: &[usize], layers: &[usize]) -> usize {
    let above = inputs.iter().filter(|&&input| input < stage).filter_map(|&input| layers.get(input)).max();
    above.map_or(0, |layer| layer + 1)
}

fn occupy(beside: &mut Vec<usize>, layer: usize) {
    if beside.len() <= layer {
        beside.resize(layer + 1, 0);
    }
    if let Some(count) = beside.get_mut(layer) {
        *count += 1;
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
