//! The corners of lines and areas: what can be seen of many points.

use std::collections::HashSet;

use super::super::Positions;
use super::{Band, MOST_DOTS};
use crate::chart::figure::Scale;
use crate::chart::scene::{Area, Point, Shape};
use crate::chart::theme::Ink;

/// The indices of the drawable positions from left to right. O(n log n).
pub(super) fn order(x: &Positions, scale: Scale) -> Vec<usize> {
    let mut placed: Vec<(usize, f64)> =
        (0..x.len()).filter_map(|index| Some((index, x.place(index, scale)?))).collect();
    placed.sort_by(|a, b| a.1.total_cmp(&b.1));
    placed.into_iter().map(|(index, _)| index).collect()
}

/// The pieces of a line between its gaps. A gap that is narrower than a column of pixels cannot be seen and does not divide.
pub(super) fn runs(points: &[Option<Point>], area: Area, columns: usize) -> Vec<Vec<Point>> {
    let narrow = if points.len() > 4 * columns { area.width() / columns as f64 } else { 0.0 };
    let mut runs: Vec<Vec<Point>> = Vec::new();
    for piece in points.split(Option::is_none) {
        let mut piece = piece.iter().flatten().copied().peekable();
        let Some(next) = piece.peek() else { continue };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| next.0 - last.0 < narrow) => run.extend(piece),
            _ => runs.push(piece.collect()),
        }
    }
    runs
}

/// At most four corners for each column of pixels: the first, the lowest, the highest and the last point in it. A line drawn through them looks the same
/// (Jugel, Jerzak, Hackenbroich, Markl 2014, "M4: a visualization-oriented time series data aggregation").
pub(super) fn merged(points: &[Point], area: Area, columns: usize) -> Vec<Point> {
    let column = |point: &Point| ((point.0 - area.left) / area.width() * columns as f64) as i64;
    let mut kept = Vec::with_capacity(4 * columns);
    for chunk in points.chunk_by(|a, b| column(a) == column(b)) {
        let by_height = |a: &(usize, &Point), b: &(usize, &Point)| a.1.1.total_cmp(&b.1.1);
        let lowest = chunk.iter().enumerate().min_by(by_height).map(|found| found.0);
        let highest = chunk.iter().enumerate().max_by(by_height).map(|found| found.0);
        let mut corners: Vec<usize> =
            [Some(0), lowest, highest, chunk.len().checked_sub(1)].into_iter().flatten().collect();
        corners.sort_unstable();
        corners.dedup();
        kept.extend(corners.into_iter().filter_map(|index| chunk.get(index)));
    }
    kept
}

/// The pieces of a band between its gaps, each as a ring: along the lower values and back along the upper ones. Positions
/// that share a column of pixels are merged, so that a long band stays small.
pub(super) fn rings(
    band: &Band,
    order: &[usize],
    place: impl Fn(usize, Option<f64>) -> Option<Point>,
) -> Vec<Vec<Point>> {
    let edge = |values: &[Option<f64>], at: usize| place(at, values.get(at).copied().flatten());
    let both: Vec<Option<(Point, Point)>> =
        order.iter().map(|&at| edge(&band.low, at).zip(edge(&band.high, at))).collect();
    let mut rings = Vec::new();
    for piece in both.split(Option::is_none) {
        let mut merged: Vec<(Point, Point)> = Vec::new();
        for (low, high) in piece.iter().flatten() {
            match merged.last_mut() {
                // Heights grow downwards.
                Some(last) if low.0 - last.0.0 < 0.5 => {
                    last.0.1 = last.0.1.max(low.1);
                    last.1.1 = last.1.1.min(high.1);
                }
                _ => merged.push((*low, *high)),
            }
        }
        if merged.len() > 1 {
            let back = merged.iter().rev().map(|(_, high)| *high);
            rings.push(merged.iter().map(|(low, _)| *low).chain(back).collect());
        }
    }
    rings
}

/// The pale area between a line and zero.
pub(super) fn under(run: &[Point], floor: f64, fill: Ink) -> Shape {
    let ends = run.first().zip(run.last()).map(|(first, last)| [(last.0, floor), (first.0, floor)]);
    let ring: Vec<Point> = run.iter().copied().chain(ends.into_iter().flatten()).collect();
    Shape::Polygons { rings: vec![ring], fill, opacity: 0.10, tooltip: None }
}

/// The points without those that fall onto the place of an earlier one: a pixel, or more where they are many.
pub(super) fn apart(mut points: Vec<Point>) -> Vec<Point> {
    let mut width = 1.0;
    loop {
        let mut taken = HashSet::new();
        points.retain(|(x, y)| taken.insert(((x / width).floor() as i64, (y / width).floor() as i64)));
        if points.len() <= MOST_DOTS {
            return points;
        }
        width *= 2.0;
    }
}
