//! Lloyd's iterations in which bounds spare most distances (Hamerly 2010).
//!
//! For each point the distance to its own centre is at most `upper`, and to every other one at least `lower`. While
//! `upper <= lower`, or `upper` is at most half the way from the own centre to the next one, the point keeps its centre. When
//! centres move, `upper` grows by the movement of the own centre and `lower` shrinks by the largest movement of another one.
//! Points that are not spared are measured against all centres, together: many columns by a matrix product, few against eight
//! centres at a time, whose sums stay in registers. Bounds grow and shrink when they are next looked at, not in a pass of their own.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

use super::super::CHUNK;
use crate::similarity::neighbours::squared_distance;
use crate::statistics::clusters::centres::Centres;

/// Columns from which distances are matrix products.
const PRODUCT_WIDTH: usize = 16;
/// Centres that are measured together.
const LANES: usize = 8;
/// Points that are measured together.
const TOGETHER: usize = 256;
/// The label of a point before it has one.
const NONE: u32 = u32::MAX;

pub(super) struct State<'a> {
    points: &'a [f64],
    pub(super) centres: Centres,
    labels: Vec<u32>,
    upper: Vec<f64>,
    lower: Vec<f64>,
    /// The sum of the points of each centre, and how many they are.
    sums: Vec<f64>,
    counts: Vec<i64>,
    /// By how much the bounds of each centre's points have changed since they were last looked at.
    grown: Vec<f64>,
    shrunk: Vec<f64>,
}

/// What a chunk of points adds to the sums.
struct Delta {
    sums: Vec<f64>,
    counts: Vec<i64>,
    changed: usize,
}

/// What is the same for all points of an iteration.
struct Round<'a> {
    centres: &'a Centres,
    /// Blocks of centres, column by column: `[k / 8, width, 8]`; what is left of the last block is infinitely far. For few columns.
    blocks: Vec<[f64; LANES]>,
    /// The centres, column by column: `[width, k]`. For many columns.
    columns: Vec<f64>,
    norms: Vec<f64>,
    grown: &'a [f64],
    shrunk: &'a [f64],
    /// Half the distance from each centre to the next one.
    half: Vec<f64>,
}

impl<'a> State<'a> {
    pub(super) fn new(points: &'a [f64], centres: Centres) -> Self {
        let count = points.len() / centres.width;
        Self {
            points,
            labels: vec![NONE; count],
            upper: vec![f64::INFINITY; count],
            lower: vec![0.0; count],
            sums: vec![0.0; centres.values.len()],
            counts: vec![0; centres.len()],
            grown: vec![0.0; centres.len()],
            shrunk: vec![0.0; centres.len()],
            centres,
        }
    }

    /// Gives each point its nearest centre and says how many points have changed theirs.
    pub(super) fn assign(&mut self) -> usize {
        let (width, k) = (self.centres.width, self.centres.len());
        let round = Round::new(&self.centres, &self.grown, &self.shrunk);
        let chunk = CHUNK.max(8 * k);
        let deltas: Vec<Option<Delta>> = self
            .labels
            .par_chunks_mut(chunk)
            .zip(self.upper.par_chunks_mut(chunk))
            .zip(self.lower.par_chunks_mut(chunk))
            .zip(self.points.par_chunks(chunk * width))
            .map(|(((labels, upper), lower), points)| round.assign(points, labels, upper, lower))
            .collect();
        let mut changed = 0;
        for delta in deltas.into_iter().flatten() {
            changed += delta.changed;
            self.sums.iter_mut().zip(&delta.sums).for_each(|(sum, part)| *sum += part);
            self.counts.iter_mut().zip(&delta.counts).for_each(|(count, part)| *count += part);
        }
        changed
    }

    /// Moves the centres to the middle of their points and gives the sum of the squared movements.
    pub(super) fn update(&mut self) -> f64 {
        let width = self.centres.width;
        let relocated = self.fill_empty();
        let before = self.centres.clone();
        for ((centre, sum), count) in
            self.centres.values.chunks_exact_mut(width).zip(self.sums.chunks_exact(width)).zip(&self.counts)
        {
            if *count > 0 {
                centre.iter_mut().zip(sum).for_each(|(value, sum)| *value = sum / *count as f64);
            }
        }
        let moved: Vec<f64> =
            before.iter().zip(self.centres.iter()).map(|(a, b)| squared_distance(a, b).sqrt()).collect();
        let (farthest, most) =
            moved.iter().enumerate().fold((0, 0.0), |best, (at, by)| if *by > best.1 { (at, *by) } else { best });
        let second = moved.iter().enumerate().filter(|(at, _)| *at != farthest).fold(0.0, |most, (_, by)| by.max(most));
        self.shrunk = (0..moved.len()).map(|at| if at == farthest { second } else { most }).collect();
        if relocated {
            self.upper.fill(f64::INFINITY);
            self.lower.fill(0.0);
        }
        let sum = moved.iter().map(|by| by * by).sum();
        self.grown = moved;
        sum
    }

    /// Gives each centre without points the point that is farthest from its own centre.
    fn fill_empty(&mut self) -> bool {
        let empty: Vec<usize> =
            self.counts.iter().enumerate().filter(|(_, count)| **count <= 0).map(|(at, _)| at).collect();
        if empty.is_empty() {
            return false;
        }
        let width = self.centres.width;
        let centres: Vec<&[f64]> = self.centres.iter().collect();
        let mut far: Vec<(f64, usize)> = self
            .points
            .par_chunks_exact(width)
            .zip(&self.labels)
            .enumerate()
            .map(|(at, (point, label))| {
                (centres.get(*label as usize).map_or(0.0, |own| squared_distance(point, own)), at)
            })
            .collect();
        far.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut moved = false;
        for (centre, (squared, point)) in empty.into_iter().zip(far) {
            let Some(label) = self.labels.get_mut(point) else { continue };
            // Where no point is away from its centre there is nothing to win; a cluster must not become empty itself.
            if squared <= 0.0 || self.counts.get(*label as usize).is_none_or(|count| *count <= 1) {
                continue;
            }
            let own = std::mem::replace(label, centre as u32) as usize;
            for column in 0..width {
                let value = self.points[point * width + column];
                self.sums[own * width + column] -= value;
                self.sums[centre * width + column] = value;
            }
            self.counts[own] -= 1;
            self.counts[centre] = 1;
            moved = true;
        }
        moved
    }
}

impl<'a> Round<'a> {
    fn new(centres: &'a Centres, grown: &'a [f64], shrunk: &'a [f64]) -> Self {
        let (width, k) = (centres.width, centres.len());
        let is_wide = width >= PRODUCT_WIDTH;
        let mut blocks = vec![[f64::INFINITY; LANES]; if is_wide { 0 } else { k.div_ceil(LANES) * width }];
        let mut columns = vec![0.0; if is_wide { width * k } else { 0 }];
        let mut half = vec![f64::INFINITY; k];
        for (at, centre) in centres.iter().enumerate() {
            for (column, value) in centre.iter().enumerate() {
                if is_wide {
                    columns[column * k + at] = *value;
                } else {
                    blocks[at / LANES * width + column][at % LANES] = *value;
                }
            }
            for (other, to) in centres.iter().enumerate() {
                if other != at {
                    half[at] = half[at].min(squared_distance(centre, to));
                }
            }
            half[at] = half[at].sqrt() / 2.0;
        }
        let norms = centres.iter().map(|centre| centre.iter().map(|value| value * value).sum()).collect();
        Self { centres, blocks, columns, norms, grown, shrunk, half }
    }

    fn assign(&self, points: &[f64], labels: &mut [u32], upper: &mut [f64], lower: &mut [f64]) -> Option<Delta> {
        let (width, k) = (self.centres.width, self.centres.len());
        let mut delta: Option<Delta> = None;
        let mut waiting: Vec<usize> = Vec::with_capacity(TOGETHER);
        // A line for each waiting point: the distances to the centres, and to those that fill the last block.
        let line = if self.blocks.is_empty() { k } else { k.next_multiple_of(LANES) };
        let mut squares = vec![0.0; TOGETHER * line];
        let mut gathered = Vec::new();
        let count = labels.len();
        for at in 0..count {
            let label = labels[at] as usize;
            if let (Some(grown), Some(shrunk)) = (self.grown.get(label), self.shrunk.get(label)) {
                upper[at] += grown;
                lower[at] -= shrunk;
            }
            let safe = lower[at].max(self.half.get(label).copied().unwrap_or(f64::NEG_INFINITY));
            if upper[at] > safe {
                if let Some(own) =
                    self.centres.values.get(label.wrapping_mul(width)..).and_then(|rest| rest.get(..width))
                {
                    upper[at] = squared_distance(&points[at * width..(at + 1) * width], own).sqrt();
                }
                if upper[at] > safe {
                    waiting.push(at);
                }
            }
            if waiting.len() < TOGETHER && (at + 1 < count || waiting.is_empty()) {
                continue;
            }
            self.measure(points, &waiting, &mut gathered, &mut squares);
            for (row, &at) in waiting.iter().enumerate() {
                let (nearest, first, second) = two_least(&squares[row * line..(row + 1) * line]);
                let point = &points[at * width..(at + 1) * width];
                upper[at] = first.max(0.0).sqrt();
                lower[at] = second.max(0.0).sqrt();
                let before = labels[at];
                if before != nearest {
                    labels[at] = nearest;
                    let delta = delta.get_or_insert_with(|| Delta {
                        sums: vec![0.0; k * width],
                        counts: vec![0; k],
                        changed: 0,
                    });
                    delta.moves(point, before, nearest);
                }
            }
            waiting.clear();
        }
        delta
    }

    /// The squared distances of the waiting points to all centres: `[waiting, line]`.
    fn measure(&self, points: &[f64], waiting: &[usize], gathered: &mut Vec<f64>, squares: &mut [f64]) {
        let (width, k) = (self.centres.width, self.centres.len());
        if width < PRODUCT_WIDTH {
            let lines = squares.chunks_exact_mut(k.next_multiple_of(LANES));
            for (squares, &at) in lines.zip(waiting) {
                let point = &points[at * width..(at + 1) * width];
                for (squares, block) in squares.chunks_exact_mut(LANES).zip(self.blocks.chunks_exact(width)) {
                    let mut sums = [0.0; LANES];
                    for (value, centres) in point.iter().zip(block) {
                        for (sum, centre) in sums.iter_mut().zip(centres) {
                            *sum += (value - centre) * (value - centre);
                        }
                    }
                    squares.copy_from_slice(&sums);
                }
            }
            return;
        }
        gathered.clear();
        waiting.iter().for_each(|&at| gathered.extend_from_slice(&points[at * width..(at + 1) * width]));
        let Some(squares) = squares.get_mut(..waiting.len() * k) else { return };
        let shapes = (
            ArrayView2::from_shape((waiting.len(), width), gathered),
            ArrayView2::from_shape((width, k), &self.columns),
            ArrayViewMut2::from_shape((waiting.len(), k), &mut *squares),
        );
        if let (Ok(points), Ok(centres), Ok(mut products)) = shapes {
            general_mat_mul(-2.0, &points, &centres, 0.0, &mut products);
        }
        for (squares, point) in squares.chunks_exact_mut(k).zip(gathered.chunks_exact(width)) {
            let own: f64 = point.iter().map(|value| value * value).sum();
            squares.iter_mut().zip(&self.norms).for_each(|(square, norm)| *square = (*square + norm + own).max(0.0));
        }
    }
}

impl Delta {
    fn moves(&mut self, point: &[f64], from: u32, to: u32) {
        let width = point.len();
        self.changed += 1;
        for (label, by) in [(from, -1), (to, 1)] {
            let at = label as usize;
            if let (Some(count), Some(sums)) = (self.counts.get_mut(at), self.sums.chunks_exact_mut(width).nth(at)) {
                *count += by;
                sums.iter_mut().zip(point).for_each(|(sum, value)| *sum += by as f64 * value);
            }
        }
    }
}

/// The place of the least value, the least value, and the second least.
fn two_least(values: &[f64]) -> (u32, f64, f64) {
    let (mut place, mut first, mut second) = (0, f64::INFINITY, f64::INFINITY);
    for (at, &value) in values.iter().enumerate() {
        // Without branches, which could not be foretold.
        let is_first = value < first;
        let larger = if is_first { first } else { value };
        second = if larger < second { larger } else { second };
        first = if is_first { value } else { first };
        place = if is_first { at as u32 } else { place };
    }
    (place, first, second)
}
