//! The order within each layer, chosen so that few edges cross.
//!
//! Layer by layer, things are sorted by the mean position of their neighbours in the layer before (the barycentre method of Sugiyama, Tagawa and
//! Toda 1981), downwards and upwards in turn; the order with the fewest crossings is kept.

/// Sweeps down and up.
const SWEEPS: usize = 12;

/// Orders `layers` (each lists things) so that few of the `links` (upper thing, lower thing, of neighbouring layers) cross.
///
/// O(sweeps x links^2 per layer); ties keep the order that was there, so the result is the same for the same input.
pub(super) fn order(layers: &mut Vec<Vec<usize>>, links: &[(usize, usize)], things: usize) {
    let mut above = vec![Vec::new(); things];
    let mut below = vec![Vec::new(); things];
    for &(upper, lower) in links {
        if let (Some(list), Some(other)) = (above.get_mut(lower), below.get_mut(upper)) {
            list.push(upper);
            other.push(lower);
        }
    }
    let mut best = layers.clone();
    let mut fewest = crossings(layers, &below, things);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let mut places = places(layers, things);
        let down = sweep % 2 == 0;
        let neighbours = if down { &above } else { &below };
        let mut visit = |layer: &mut Vec<usize>| {
            let mut keyed: Vec<(f64, usize)> =
                layer.iter().map(|&thing| (barycentre(thing, neighbours, &places), thing)).collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            *layer = keyed.into_iter().map(|(_, thing)| thing).collect();
            set_places(layer, &mut places);
        };
        if down {
            layers.iter_mut().for_each(&mut visit);
        } else {
            layers.iter_mut().rev().for_each(&mut visit);
        }
        let found = crossings(layers, &below, things);
        if found < fewest {
            fewest = found;
            best.clone_from(layers);
        }
    }
    *layers = best;
}

/// The mean place of the neighbours; a thing without any stays where it is.
fn barycentre(thing: usize, neighbours: &[Vec<usize>], places: &[f64]) -> f64 {
    let own = places.get(thing).copied().unwrap_or(0.0);
    let found: Vec<f64> =
        neighbours.get(thing).into_iter().flatten().filter_map(|&other| places.get(other).copied()).collect();
    if found.is_empty() { own } else { found.iter().sum::<f64>() / count(found.len()) }
}

/// Places count from the middle of each layer, so that narrow and wide layers compare.
fn places(layers: &[Vec<usize>], things: usize) -> Vec<f64> {
    let mut places = vec![0.0; things];
    layers.iter().for_each(|layer| set_places(layer, &mut places));
    places
}

fn set_places(layer: &[usize], places: &mut [f64]) {
    let middle = (count(layer.len()) - 1.0) / 2.0;
    for (at, &thing) in layer.iter().enumerate() {
        if let Some(place) = places.get_mut(thing) {
            *place = count(at) - middle;
        }
    }
}

fn crossings(layers: &[Vec<usize>], below: &[Vec<usize>], things: usize) -> usize {
    let places = places(layers, things);
    let place = |thing: usize| places.get(thing).copied().unwrap_or(0.0);
    let mut found = 0;
    for layer in layers {
        let ends: Vec<(f64, f64)> = layer
            .iter()
            .flat_map(|&upper| below.get(upper).into_iter().flatten().map(move |&lower| (upper, lower)))
            .map(|(upper, lower)| (place(upper), place(lower)))
            .collect();
        for (index, one) in ends.iter().enumerate() {
            let crossed = ends.iter().skip(index + 1).filter(|other| (one.0 - other.0) * (one.1 - other.1) < 0.0);
            found += crossed.count();
        }
    }
    found
}

#[expect(clippy::cast_precision_loss, reason = "a handful of things")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_that_need_not_cross_do_not() {
        // 0 and 1 above, 2 and 3 below, crosswise.
        let mut layers = vec![vec![0, 1], vec![2, 3]];
        order(&mut layers, &[(0, 3), (1, 2)], 4);
        assert_eq!(layers, [vec![0, 1], vec![3, 2]]);
    }

    #[test]
    fn an_order_without_crossings_stays() {
        let mut layers = vec![vec![0, 1], vec![2, 3]];
        order(&mut layers, &[(0, 2), (1, 3)], 4);
        assert_eq!(layers, [vec![0, 1], vec![2, 3]]);
    }
}
