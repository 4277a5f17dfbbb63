//! Where cards and edges stand.
//!
//! Stages get layers ([`super::layers`]), edges that pass layers get a bend in each, things in a layer get an order ([`super::order`]) and
//! places ([`super::position`]). Edges from one stage share their bends, so that a table with many readers is one line that branches.

use std::collections::BTreeMap;

use super::layers::layers;
use super::order::order;
use super::position::{Pull, Thing, positions};

/// The width of a card in CSS pixels.
pub(crate) const CARD_WIDTH: f64 = 200.0;
/// The height of a card.
pub(crate) const CARD_HEIGHT: f64 = 50.0;
/// The least distance between two things in a layer.
const BESIDE: f64 = 14.0;
/// The distance between two layers.
const BETWEEN: f64 = 30.0;
/// The room that a passing edge takes.
const BEND: f64 = 4.0;
/// Around the whole picture.
const MARGIN: f64 = 4.0;

/// The picture, in CSS pixels.
#[derive(Debug, PartialEq)]
pub(crate) struct Layout {
    /// Width of everything.
    pub(crate) width: f64,
    /// Height of everything.
    pub(crate) height: f64,
    /// One card for each stage, in their order.
    pub(crate) cards: Vec<Card>,
    /// One route for each edge; those of the main flow come last and lie on top.
    pub(crate) routes: Vec<Route>,
}

/// The upper left corner of a card.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Card {
    /// From the left.
    pub(crate) left: f64,
    /// From the top.
    pub(crate) top: f64,
}

/// An edge from the bottom of one card to the top of another.
#[derive(Debug, PartialEq)]
pub(crate) struct Route {
    /// The position of the stage where it begins.
    pub(crate) from: usize,
    /// The position of the stage where it ends.
    pub(crate) to: usize,
    /// Whether it belongs to the main flow.
    pub(crate) main: bool,
    /// Where it begins.
    pub(crate) start: (f64, f64),
    /// The layers that it passes, from the top.
    pub(crate) bends: Vec<Bend>,
    /// Where it ends.
    pub(crate) end: (f64, f64),
}

/// Where an edge passes a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bend {
    /// From the left.
    pub(crate) x: f64,
    /// Where it enters the layer.
    pub(crate) top: f64,
    /// Where it leaves the layer.
    pub(crate) bottom: f64,
}

/// Lays out stages by their inputs (positions; only inputs above a stage count). `main` is the main flow, which is kept straight.
pub(crate) fn layout(inputs: &[Vec<usize>], main: &[usize]) -> Layout {
    let (layer_of, depth) = layers(inputs, main);
    let stages = inputs.len();
    let mut grid: Vec<Vec<usize>> = vec![Vec::new(); depth];
    let card = |stage: usize| Thing { width: CARD_WIDTH + BESIDE, spine: main.contains(&stage) };
    let mut things: Vec<Thing> = (0..stages).map(card).collect();
    for (stage, &layer) in layer_of.iter().enumerate() {
        if let Some(row) = grid.get_mut(layer) {
            row.push(stage);
        }
    }
    let layer = |stage: usize| layer_of.get(stage).copied().unwrap_or(0);
    let is_main = |from: usize, to: usize| main.windows(2).any(|pair| pair == [from, to]);

    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (to, from) in inputs.iter().enumerate() {
        for &from in from {
            if from < to && !edges.contains(&(from, to)) {
                edges.push((from, to));
            }
        }
    }
    // The bend of edges from one stage in one layer.
    let mut bends: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut links: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for &(from, to) in &edges {
        let mut upper = from;
        for passed in layer(from) + 1..layer(to) {
            let bend = *bends.entry((from, passed)).or_insert_with(|| {
                let bend = things.len();
                things.push(Thing { width: BEND + BESIDE, spine: false });
                if let Some(row) = grid.get_mut(passed) {
                    row.push(bend);
                }
                bend
            });
            if let (true, Some(thing)) = (is_main(from, to), things.get_mut(bend)) {
                thing.spine = true;
            }
            *links.entry((upper, bend)).or_insert(0.0) += 2.0;
            upper = bend;
        }
        *links.entry((upper, to)).or_insert(0.0) += 1.0;
    }
    // The main flow stands at the left, where reading begins and where a narrow window begins; long edges stay near it.
    let is_spine = |thing: usize| things.get(thing).is_some_and(|thing| thing.spine);
    grid.iter_mut().for_each(|row| row.sort_by_key(|&thing| (!is_spine(thing), thing < stages)));

    let pairs: Vec<(usize, usize)> = links.keys().copied().collect();
    order(&mut grid, &pairs, things.len());
    let pulls: Vec<Pull> = links.iter().map(|(&(upper, lower), &weight)| Pull { upper, lower, weight }).collect();
    let middles = positions(&grid, &things, &pulls);

    let half = |thing: usize| if thing < stages { CARD_WIDTH / 2.0 } else { BEND / 2.0 };
    let ends = || middles.iter().enumerate();
    let leftmost = ends().map(|(thing, middle)| middle - half(thing)).fold(f64::INFINITY, f64::min);
    let rightmost = ends().map(|(thing, middle)| middle + half(thing)).fold(f64::NEG_INFINITY, f64::max);
    let x = |thing: usize| middles.get(thing).map_or(0.0, |middle| middle - leftmost + MARGIN);
    let y = |layer: usize| MARGIN + count(layer) * (CARD_HEIGHT + BETWEEN);

    let route = |&(from, to): &(usize, usize)| Route {
        from,
        to,
        main: is_main(from, to),
        start: (x(from), y(layer(from)) + CARD_HEIGHT),
        bends: (layer(from) + 1..layer(to))
            .filter_map(|passed| Some((passed, *bends.get(&(from, passed))?)))
            .map(|(passed, bend)| Bend { x: x(bend), top: y(passed), bottom: y(passed) + CARD_HEIGHT })
            .collect(),
        end: (x(to), y(layer(to))),
    };
    let mut routes: Vec<Route> = edges.iter().map(route).collect();
    routes.sort_by_key(|route| route.main);
    Layout {
        width: if stages == 0 { 0.0 } else { rightmost - leftmost + 2.0 * MARGIN },
        height: if depth == 0 { 0.0 } else { y(depth) - BETWEEN + MARGIN },
        cards: (0..stages).map(|stage| Card { left: x(stage) - CARD_WIDTH / 2.0, top: y(layer(stage)) }).collect(),
        routes,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of layers")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn overlap(one: &Card, other: &Card) -> bool {
        (one.left - other.left).abs() < CARD_WIDTH + 1.0 && (one.top - other.top).abs() < CARD_HEIGHT + 1.0
    }

    #[test]
    fn the_main_flow_is_a_straight_line() {
        // Three files, two of them joined to the first, then two more steps and two branches.
        let inputs = [vec![], vec![], vec![], vec![0, 1], vec![3, 2], vec![4], vec![5], vec![5]];
        let layout = layout(&inputs, &[0, 3, 4, 5, 6]);
        let main: Vec<f64> = [0, 3, 4, 5].iter().map(|&at: &usize| layout.cards[at].left).collect();
        let spread = main.iter().fold(0.0_f64, |most, x| most.max((x - main[0]).abs()));
        assert!(spread < 2.0, "{main:?}");
    }

    #[test]
    fn nothing_and_one_stage_can_be_laid_out() {
        assert_eq!(layout(&[], &[]).cards.len(), 0);
        let one = layout(&[vec![]], &[0]);
        assert_eq!((one.width, one.height), (CARD_WIDTH + 2.0 * MARGIN, CARD_HEIGHT + 2.0 * MARGIN));
    }

    proptest! {
        #[test]
        fn cards_never_overlap_and_edges_go_down(
            inputs in prop::collection::vec(prop::collection::vec(0_usize..60, 0..4), 1..60),
        ) {
            let layout = layout(&inputs, &[0, 1, 2]);
            for (index, one) in layout.cards.iter().enumerate() {
                prop_assert!(one.left >= 0.0 && one.left + CARD_WIDTH <= layout.width + 0.01);
                prop_assert!(one.top >= 0.0 && one.top + CARD_HEIGHT <= layout.height);
                prop_assert!(layout.cards.iter().skip(index + 1).all(|other| !overlap(one, other)));
            }
            for route in &layout.routes {
                prop_assert!(route.start.1 < route.end.1);
                let passes: Vec<f64> = route.bends.iter().flat_map(|bend| [bend.top, bend.bottom]).collect();
                prop_assert!(passes.windows(2).all(|pair| pair[0] < pair[1]));
                // An edge that passes a layer stays clear of its cards.
                for bend in &route.bends {
                    let beside = |card: &&Card| (card.top - bend.top).abs() < 1.0;
                    prop_assert!(layout.cards.iter().filter(beside).all(|c| bend.x < c.left || bend.x > c.left + CARD_WIDTH));
                }
            }
            let edges = inputs.iter().enumerate().flat_map(|(to, from)| from.iter().map(move |&from| (from, to)));
            let mut edges: Vec<_> = edges.filter(|(from, to)| from < to).collect();
            edges.sort_unstable();
            edges.dedup();
            let mut drawn: Vec<_> = layout.routes.iter().map(|route| (route.from, route.to)).collect();
            drawn.sort_unstable();
            prop_assert_eq!(edges, drawn);
        }
    }
}
