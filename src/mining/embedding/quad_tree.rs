//! A tree of squares over places in the plane, for forces of far groups.

/// Squares within squares at most: places that are nearer than this are one.
const DEEPEST: usize = 48;

/// The tree: nodes in depth-first order, each with the node that comes after everything in it.
#[derive(Debug)]
pub(super) struct QuadTree {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The mean of its places.
    center: [f64; 2],
    count: f64,
    /// The square of its side.
    side_squared: f64,
    /// The node after it and everything in it.
    after: u32,
    is_leaf: bool,
}

impl QuadTree {
    /// Over finite places.
    pub(super) fn new(places: &[[f64; 2]]) -> Self {
        let mut low = [f64::INFINITY; 2];
        let mut high = [f64::NEG_INFINITY; 2];
        for place in places {
            for axis in 0..2 {
                low[axis] = low[axis].min(place[axis]);
                high[axis] = high[axis].max(place[axis]);
            }
        }
        let side = (high[0] - low[0]).max(high[1] - low[1]).max(0.0);
        let middle = [low[0] + side / 2.0, low[1] + side / 2.0];
        let mut tree = Self { nodes: Vec::with_capacity(2 * places.len()) };
        let mut order = places.to_vec();
        if !order.is_empty() {
            tree.build(&mut order, middle, side, 0);
        }
        tree
    }

    fn build(&mut self, places: &mut [[f64; 2]], middle: [f64; 2], side: f64, depth: usize) {
        let count = places.len() as f64;
        let mut center = [0.0; 2];
        for place in places.iter() {
            center[0] += place[0];
            center[1] += place[1];
        }
        let is_leaf = places.len() == 1 || depth >= DEEPEST || places.iter().all(|place| place == &places[0]);
        // The mean of equal places is that place to the last digit.
        let center = if is_leaf && places.len() == 1 || places.iter().all(|place| place == &places[0]) {
            places[0]
        } else {
            center.map(|sum| sum / count)
        };
        let node = self.nodes.len();
        self.nodes.push(Node { center, count, side_squared: side * side, after: 0, is_leaf });
        if !is_leaf {
            let rows = partition(places, |place| place[1] < middle[1]);
            let (below, above) = places.split_at_mut(rows);
            for (half, up) in [(below, -1.0), (above, 1.0)] {
                let columns = partition(half, |place| place[0] < middle[0]);
                let (left, right) = half.split_at_mut(columns);
                for (quarter, aside) in [(left, -1.0), (right, 1.0)] {
                    if !quarter.is_empty() {
                        let step = side / 4.0;
                        self.build(quarter, [middle[0] + aside * step, middle[1] + up * step], side / 2.0, depth + 1);
                    }
                }
            }
        }
        self.nodes[node].after = self.nodes.len() as u32;
    }

    /// The sum of `(y - y_j) / (1 + d^2)^2` over all other places, and that of `1 / (1 + d^2)`. Nodes that look smaller than
    /// `angle` count as one place.
    pub(super) fn repulsion(&self, place: [f64; 2], angle: f64) -> ([f64; 2], f64) {
        let limit = angle * angle;
        let (mut force, mut normal) = ([0.0; 2], 0.0);
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let (x, y) = (place[0] - node.center[0], place[1] - node.center[1]);
            let squared = x * x + y * y;
            if !node.is_leaf && node.side_squared >= limit * squared {
                at += 1;
                continue;
            }
            let near = 1.0 / (1.0 + squared);
            // At its own place a row meets itself, which is not counted.
            let count = if squared == 0.0 { node.count - 1.0 } else { node.count };
            normal += count * near;
            let weight = count * near * near;
            force[0] += weight * x;
            force[1] += weight * y;
            at = node.after as usize;
        }
        (force, normal)
    }
}

/// Those for which it is true come first; how many.
fn partition(places: &mut [[f64; 2]], is_first: impl Fn(&[f64; 2]) -> bool) -> usize {
    let mut first = 0;
    for at in 0..places.len() {
        if is_first(&places[at]) {
            places.swap(at, first);
            first += 1;
        }
    }
    first
}
