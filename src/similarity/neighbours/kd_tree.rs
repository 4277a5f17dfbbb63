//! A k-d tree whose leaves hold their points side by side.
//!
//! Each node keeps the box of its points, so that a query skips whole nodes by the distance to the box. The points are
//! copied in the order of the leaves. Building is O(n log n), memory 8 n width + 4 n bytes and 16 width bytes for a node, of
//! which there is one for about eight points. Points that cannot be divided, because all are equal, make one leaf of any size.

use rayon::prelude::*;

use super::{Near, Nearest, TOGETHER, squared_distance};

/// Points of a leaf at most, unless they are all equal.
const LEAF: usize = 16;
/// Nodes with more points are built as tasks of their own.
const ALONE: usize = 16_384;

/// The tree. See the [module](self).
#[derive(Debug, Clone)]
pub struct KdTree {
    width: usize,
    /// Points in the order of the leaves.
    points: Vec<f64>,
    /// The number of each of them.
    order: Vec<u32>,
    /// In depth-first order; the root is the first.
    nodes: Vec<Node>,
    /// For each node the lowest, then the highest value in each column.
    boxes: Vec<f64>,
}

/// A part of the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Its first point, in the order of the tree.
    pub start: u32,
    /// One after its last point.
    pub end: u32,
    /// The second child; the first one is the next node. None for a leaf.
    pub second: Option<u32>,
}

/// What was built of a part of the points, with numbers of nodes from 0.
struct Built {
    nodes: Vec<Node>,
    boxes: Vec<f64>,
}

impl KdTree {
    /// Builds it over the rows of `points`, `[n, width]`; fewer than 2^32 rows. In parallel.
    #[must_use]
    pub fn new(points: &[f64], width: usize) -> Self {
        let count = points.len().checked_div(width).unwrap_or(0);
        let mut order: Vec<u32> = (0..count).map(|at| at as u32).collect();
        let built = build(points, width, &mut order, 0);
        let points = order.iter().flat_map(|&at| row(points, width, at as usize)).copied().collect();
        Self { width, points, order, nodes: built.nodes, boxes: built.boxes }
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Columns of a point.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The nodes in depth-first order; children come after their parent.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The numbers of the points in the order of the tree.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The point at a place in the order of the tree.
    #[must_use]
    pub fn at(&self, place: usize) -> &[f64] {
        row(&self.points, self.width, place)
    }

    /// The squared distance from a point to the box of a node: 0 inside.
    #[must_use]
    pub fn least(&self, node: usize, query: &[f64]) -> f64 {
        let (low, high) = self.bounds(node);
        let mut sum = 0.0;
        for ((value, low), high) in query.iter().zip(low).zip(high) {
            let outside = (low - value).max(value - high).max(0.0);
            sum += outside * outside;
        }
        // The sum of the distance itself is rounded in another order: a node must never look farther than its points.
        sum * (1.0 - 1e-14)
    }

    /// The squared distance from a point to the farthest corner of the box of a node.
    #[must_use]
    pub fn most(&self, node: usize, query: &[f64]) -> f64 {
        let (low, high) = self.bounds(node);
        let mut sum = 0.0;
        for ((value, low), high) in query.iter().zip(low).zip(high) {
            let far = (value - low).abs().max((value - high).abs());
            sum += far * far;
        }
        sum * (1.0 + 1e-14)
    }

    /// The squared diagonal of the box of a node: no two of its points are farther apart.
    #[must_use]
    pub fn diagonal(&self, node: usize) -> f64 {
        let (low, high) = self.bounds(node);
        low.iter().zip(high).map(|(low, high)| (high - low) * (high - low)).sum::<f64>() * (1.0 + 1e-14)
    }

    fn bounds(&self, node: usize) -> (&[f64], &[f64]) {
        let start = node * 2 * self.width;
        let both = self.boxes.get(start..start + 2 * self.width).unwrap_or_default();
        both.split_at(both.len() / 2)
    }

    /// The children of a node, the one nearer to the query first, with their least squared distances.
    #[must_use]
    pub fn children(&self, node: usize, query: &[f64]) -> Option<[(usize, f64); 2]> {
        let second = self.nodes.get(node)?.second? as usize;
        let [a, b] = [node + 1, second].map(|child| (child, self.least(child, query)));
        Some(if b.1 < a.1 { [b, a] } else { [a, b] })
    }

    /// The `k` nearest points, nearest first, without the point of the number `except`.
    #[must_use]
    pub fn nearest(&self, query: &[f64], k: usize, except: Option<u32>) -> Vec<Near> {
        let mut nearest = Nearest::new(k.min(self.len()));
        if k > 0 && !self.is_empty() {
            self.search(0, query, except, &mut nearest);
        }
        nearest.into_sorted()
    }

    fn search(&self, node: usize, query: &[f64], except: Option<u32>, nearest: &mut Nearest) {
        if let Some(children) = self.children(node, query) {
            for (child, least) in children {
                if least <= nearest.bound() {
                    self.search(child, query, except, nearest);
                }
            }
            return;
        }
        // A leaf that is too large holds equal points by ascending number: the first that is too far ends it.
        let equal = self.nodes.get(node).is_some_and(|node| (node.end - node.start) as usize > LEAF);
        for (place, point) in self.leaf(node) {
            if Some(point) != except {
                let squared = squared_distance(query, self.at(place));
                if squared <= nearest.bound() && nearest.offer(Near { squared, point }) {
                    continue;
                }
                if equal {
                    return;
                }
            }
        }
    }

    /// Places and numbers of the points of a node.
    pub fn leaf(&self, node: usize) -> impl Iterator<Item = (usize, u32)> {
        let range = self.nodes.get(node).map_or(0..0, |node| node.start as usize..node.end as usize);
        range.clone().zip(self.order.get(range).unwrap_or_default().iter().copied())
    }

    /// The `k` nearest other points of every point: rows of `min(k, n - 1)`. In parallel.
    #[must_use]
    pub fn all_nearest(&self, k: usize) -> Vec<Vec<Near>> {
        let k = k.min(self.len().saturating_sub(1));
        // Queries in the order of the tree meet the same nodes one after the other.
        let mut found: Vec<(u32, Vec<Near>)> = self
            .order
            .par_iter()
            .enumerate()
            .with_min_len(TOGETHER)
            .map(|(place, &point)| (point, self.nearest(self.at(place), k, Some(point))))
            .collect();
        found.par_sort_unstable_by_key(|(point, _)| *point);
        found.into_iter().map(|(_, near)| near).collect()
    }

    /// The points at most `radius` away, nearest first.
    #[must_use]
    pub fn within(&self, query: &[f64], radius: f64) -> Vec<Near> {
        let mut found = Vec::new();
        self.visit_within(query, radius, &mut |near| found.push(near));
        found.sort_unstable_by(|a: &Near, b| a.squared.total_cmp(&b.squared).then(a.point.cmp(&b.point)));
        found
    }

    /// Calls `visit` for each point at most `radius` away, in the order of the tree.
    pub fn visit_within(&self, query: &[f64], radius: f64, visit: &mut impl FnMut(Near)) {
        if !self.is_empty() {
            self.visit(0, query, radius * radius, visit);
        }
    }

    fn visit(&self, node: usize, query: &[f64], limit: f64, visit: &mut impl FnMut(Near)) {
        if self.least(node, query) > limit {
            return;
        }
        if let Some(second) = self.nodes.get(node).and_then(|node| node.second) {
            self.visit(node + 1, query, limit, visit);
            self.visit(second as usize, query, limit, visit);
            return;
        }
        for (place, point) in self.leaf(node) {
            let squared = squared_distance(query, self.at(place));
            if squared <= limit {
                visit(Near { squared, point });
            }
        }
    }

    /// How many points are at most `radius` away; counting ends at `enough`. Nodes inside the radius are not opened.
    #[must_use]
    pub fn count_within(&self, query: &[f64], radius: f64, enough: usize) -> usize {
        if self.is_empty() { 0 } else { self.count(0, query, radius * radius, enough) }
    }

    fn count(&self, node: usize, query: &[f64], limit: f64, enough: usize) -> usize {
        if self.least(node, query) > limit {
            return 0;
        }
        let Some(found) = self.nodes.get(node) else { return 0 };
        if self.most(node, query) <= limit {
            return (found.end - found.start) as usize;
        }
        if let Some(second) = found.second {
            let first = self.count(node + 1, query, limit, enough);
            return if first >= enough {
                first
            } else {
                first + self.count(second as usize, query, limit, enough - first)
            };
        }
        let is_near = |place: &usize| squared_distance(query, self.at(*place)) <= limit;
        (found.start as usize..found.end as usize).filter(is_near).count()
    }
}

fn row(points: &[f64], width: usize, at: usize) -> &[f64] {
    points.get(at * width..(at + 1) * width).unwrap_or_default()
}

/// Builds the nodes of the points in `order`, which are put in the order of the leaves.
fn build(points: &[f64], width: usize, order: &mut [u32], start: u32) -> Built {
    let mut boxes = vec![f64::INFINITY; width];
    boxes.resize(2 * width, f64::NEG_INFINITY);
    for &at in order.iter() {
        for (column, value) in row(points, width, at as usize).iter().enumerate() {
            boxes[column] = boxes[column].min(*value);
            boxes[width + column] = boxes[width + column].max(*value);
        }
    }
    let end = start + order.len() as u32;
    let mut nodes = vec![Node { start, end, second: None }];
    // The widest column: boxes stay as round as they can.
    let widest = (0..width)
        .map(|column| (column, boxes[width + column] - boxes[column]))
        .fold((0, 0.0), |best, next| if next.1 > best.1 { next } else { best });
    if order.len() <= LEAF || widest.1 <= 0.0 {
        order.sort_unstable();
        return Built { nodes, boxes };
    }
    let value = |at: u32| points[at as usize * width + widest.0];
    let middle = order.len() / 2;
    order.select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    let (left, right) = order.split_at_mut(middle);
    let (left_start, right_start) = (start, start + middle as u32);
    let (left, right) = if left.len() > ALONE {
        rayon::join(|| build(points, width, left, left_start), || build(points, width, right, right_start))
    } else {
        (build(points, width, left, left_start), build(points, width, right, right_start))
    };
    let second = 1 + left.nodes.len() as u32;
    nodes[0].second = Some(second);
    let moved = |node: &Node, by: u32| Node { second: node.second.map(|second| second + by), ..*node };
    nodes.extend(left.nodes.iter().map(|node| moved(node, 1)));
    nodes.extend(right.nodes.iter().map(|node| moved(node, second)));
    boxes.extend(left.boxes);
    boxes.extend(right.boxes);
    Built { nodes, boxes }
}
