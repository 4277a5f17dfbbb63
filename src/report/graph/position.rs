//! Where things stand along their layers: near their neighbours, never closer than they are wide.

/// Sweeps down and up.
const SWEEPS: usize = 150;
/// How strongly a thing without neighbours on one side stays where it is.
const INERTIA: f64 = 0.02;
/// How strongly the spine stays where it is.
const RIGID: f64 = 1e9;

/// Something with a place in a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thing {
    /// Its width with the space around it.
    pub(super) width: f64,
    /// Whether it belongs to the straight line around which everything is arranged.
    pub(super) spine: bool,
}

/// A pull between a thing and one in the layer below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    /// The upper thing.
    pub(super) upper: usize,
    /// The lower thing.
    pub(super) lower: usize,
    /// How strongly the two want to stand below each other.
    pub(super) weight: f64,
}

/// The middle of each thing along its layer, where the things of the spine (at most one in a layer) stand at 0. O(sweeps x (things + pulls)).
pub(super) fn positions(layers: &[Vec<usize>], things: &[Thing], pulls: &[Pull]) -> Vec<f64> {
    let mut above = vec![Vec::new(); things.len()];
    let mut below = vec![Vec::new(); things.len()];
    for pull in pulls {
        if let (Some(up), Some(down)) = (above.get_mut(pull.lower), below.get_mut(pull.upper)) {
            up.push((pull.upper, pull.weight));
            down.push((pull.lower, pull.weight));
        }
    }
    let nobody: Vec<Vec<(usize, f64)>> = vec![Vec::new(); things.len()];
    let mut middles = vec![0.0; things.len()];
    let mut bounds = None;
    layers.iter().for_each(|layer| settle(layer, things, &[&nobody], None, &mut middles));
    for sweep in 0..SWEEPS {
        // At first each side in turn, so that shifts travel through the whole picture; in the end both at once, so that it comes to rest.
        let calm = sweep >= 20;
        let down: Vec<&[Vec<(usize, f64)>]> = if calm { vec![&above, &below] } else { vec![&above] };
        let up: Vec<&[Vec<(usize, f64)>]> = if calm { vec![&above, &below] } else { vec![&below] };
        layers.iter().for_each(|layer| settle(layer, things, &down, bounds, &mut middles));
        layers.iter().rev().for_each(|layer| settle(layer, things, &up, bounds, &mut middles));
        if calm {
            bounds = bounds.or_else(|| widest(layers, things, &middles));
        }
    }
    middles
}

/// From where to where the widest layer reaches: the picture need not be wider.
fn widest(layers: &[Vec<usize>], things: &[Thing], middles: &[f64]) -> Option<(f64, f64)> {
    let end = |thing: usize, side: f64| Some(middles.get(thing)? + things.get(thing)?.width / 2.0 * side);
    let ends = |layer: &Vec<usize>| Some((end(*layer.first()?, -1.0)?, end(*layer.last()?, 1.0)?));
    let width =
        |layer: &Vec<usize>| layer.iter().filter_map(|&thing| things.get(thing)).map(|thing| thing.width).sum::<f64>();
    let widest = layers.iter().max_by(|one, other| width(one).total_cmp(&width(other)))?;
    ends(widest)
}

/// Moves the things of a layer to where their neighbours pull them, in the least squares sense, without changing their order.
///
/// With the space between neighbours taken off, that is isotonic regression: pool adjacent violators (Ayer et al. 1955). Bounds cut its solution off, which
/// is the solution within bounds; layers with a part of the spine have none.
fn settle(
    layer: &[usize],
    things: &[Thing],
    sides: &[&[Vec<(usize, f64)>]],
    bounds: Option<(f64, f64)>,
    middles: &mut [f64],
) {
    struct Pool {
        sum: f64,
        weight: f64,
        size: usize,
    }
    let mut offsets = Vec::with_capacity(layer.len());
    let mut pools: Vec<Pool> = Vec::new();
    let mut offset = 0.0;
    let mut before = 0.0;
    for (at, &thing) in layer.iter().enumerate() {
        let (width, spine) = things.get(thing).map_or((0.0, false), |thing| (thing.width, thing.spine));
        offset += if at == 0 { 0.0 } else { f64::midpoint(before, width) };
        before = width;
        offsets.push(offset);
        let own = middles.get(thing).copied().unwrap_or(0.0);
        let (mut sum, mut weight) = if spine { (0.0, RIGID) } else { (own * INERTIA, INERTIA) };
        let pulled = sides.iter().filter(|_| !spine).filter_map(|side| side.get(thing)).flatten();
        for (other, strength) in pulled {
            sum += middles.get(*other).copied().unwrap_or(0.0) * strength;
            weight += strength;
        }
        let mut pool = Pool { sum: sum - offset * weight, weight, size: 1 };
        while let Some(last) = pools.pop_if(|last| last.sum / last.weight > pool.sum / pool.weight) {
            pool = Pool { sum: last.sum + pool.sum, weight: last.weight + pool.weight, size: last.size + pool.size };
        }
        pools.push(pool);
    }
    let width = |thing: Option<&usize>| thing.and_then(|&thing| things.get(thing)).map_or(0.0, |thing| thing.width);
    let rigid = layer.iter().any(|&thing| things.get(thing).is_some_and(|thing| thing.spine));
    let (least, most) = match bounds {
        Some((left, right)) if !rigid => {
            (left + width(layer.first()) / 2.0, right - width(layer.last()) / 2.0 - offset)
        }
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let means = pools.iter().flat_map(|pool| std::iter::repeat_n(pool.sum / pool.weight, pool.size));
    for ((&thing, offset), mean) in layer.iter().zip(offsets).zip(means) {
        if let Some(middle) = middles.get_mut(thing) {
            *middle = mean.min(most).max(least) + offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Thing = Thing { width: 10.0, spine: false };

    #[test]
    fn a_chain_is_straight() {
        let pulls = [Pull { upper: 0, lower: 1, weight: 1.0 }, Pull { upper: 1, lower: 2, weight: 1.0 }];
        let middles = positions(&[vec![0], vec![1], vec![2]], &[WIDE; 3], &pulls);
        assert!(middles.windows(2).all(|pair| pair.first() == pair.last()), "{middles:?}");
    }

    #[test]
    fn the_spine_is_straight_whatever_hangs_on_it() {
        let mut things = [WIDE; 5];
        things[0].spine = true;
        things[3].spine = true;
        let pulls = [1, 2, 3, 4].map(|lower| Pull { upper: 0, lower, weight: 1.0 });
        let middles = positions(&[vec![0], vec![1, 2, 3, 4]], &things, &pulls);
        assert!(middles[0].abs() < 1e-6 && middles[3].abs() < 1e-6, "{middles:?}");
        assert!((middles[1] + 20.0).abs() < 1e-6 && (middles[4] - 10.0).abs() < 1e-6, "{middles:?}");
    }

    #[test]
    fn two_children_stand_evenly_below_their_parent() {
        let pulls = [Pull { upper: 0, lower: 1, weight: 1.0 }, Pull { upper: 0, lower: 2, weight: 1.0 }];
        let middles = positions(&[vec![0], vec![1, 2]], &[WIDE; 3], &pulls);
        let [parent, left, right] = middles[..] else { unreachable!() };
        assert!(
            (right - left - 10.0).abs() < 1e-9 && (parent - f64::midpoint(left, right)).abs() < 0.01,
            "{middles:?}"
        );
    }
}
