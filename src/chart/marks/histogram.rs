//! Histograms: how many values fall into each bin.

use serde::{Deserialize, Serialize};

use super::{Series, Stack, bar_scale, check_lengths, colour, distinct, key, tooltip};
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, ReferenceAxis, Scale};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::Swatch;
use crate::chart::position::{Domain, Extent, admitted, exact};
use crate::chart::scene::{Scene, Shape, bar, ring};

/// The most bins that are drawn: more are finer than pixels.
const MOST_BINS: usize = 1_000;
/// Up to this many bars each have a tooltip.
const TOOLTIPS: usize = 400;

/// Bins between rising edges and how many values each holds. The height of a bar is the count itself: where bins differ in width, give densities instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The edges of the bins, rising; one more than there are bins. On a time axis they are microseconds since 1970-01-01T00:00:00Z.
    pub edges: Vec<f64>,
    /// One colour each, with a count for each bin.
    pub series: Vec<Series>,
    /// The series stand on top of each other instead of in front of each other.
    #[serde(default)]
    pub stacked: bool,
}

impl Histogram {
    /// Counts of one series.
    pub fn new(edges: Vec<f64>, counts: impl IntoIterator<Item = Option<f64>>) -> Histogram {
        Histogram { edges, series: vec![Series::new("", counts)], stacked: false }
    }
}

pub(super) fn draw(figure: &Figure, mark: &Histogram) -> Result<Scene, ChartError> {
    let bins = mark.edges.len().saturating_sub(1);
    check_lengths(&mark.series, bins)?;
    if bins > MOST_BINS {
        return Err(ChartError::TooMany { what: "bins", found: bins, limit: MOST_BINS, advice: "choose wider ones" });
    }
    let x_scale = figure.x.scale;
    for (index, edge) in mark.edges.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| mark.edges.get(before));
        if admitted(Scale::Linear, Some(*edge)).is_none() || before.is_some_and(|before| before >= edge) {
            return Err(ChartError::Edges { index: index + 1, edge: *edge });
        }
    }
    let (series, note) = distinct(&mark.series);
    let mut notes: Vec<String> = note.into_iter().collect();
    let mut x_extent = Extent::new(x_scale);
    mark.edges.iter().for_each(|edge| x_extent.add(Some(*edge)));
    x_extent.reach_references(figure, ReferenceAxis::X);
    notes.extend(x_extent.notes(&figure.x));

    let (scale, note) = bar_scale(figure, mark.stacked);
    notes.extend(note);
    let mut extent = Extent::new(scale);
    let mut bars: Vec<(usize, usize, f64, f64, f64)> = Vec::new();
    for bin in 0..bins {
        let mut stack = Stack::default();
        for (index, one) in series.iter().enumerate() {
            // An empty bin has no bar; on a logarithmic axis that is what zero means, not a fault of the data.
            let raw = one.values.get(bin).copied().flatten().filter(|count| scale != Scale::Log || *count != 0.0);
            extent.add(raw);
            let Some(count) = admitted(scale, raw) else { continue };
            let (from, to) = if mark.stacked { stack.put(count) } else { (0.0, count) };
            if mark.stacked {
                extent.reach(to);
            }
            bars.push((bin, index, from, to, count));
        }
    }
    notes.extend(extent.notes(&figure.y));
    if extent.shown > 0 {
        extent.reach(if scale == Scale::Log { (extent.low() / 2.0).max(f64::MIN_POSITIVE) } else { 0.0 });
    }
    let spans = (x_extent.span(&figure.x, 0.0, false), extent.span(&figure.y, 0.0, true));
    let (Some(x_span), Some(y_span)) = spans else {
        return Ok(empty(figure, "No rows to show", &notes));
    };

    let mut plan = Plan::new(
        Side::new(Domain::Values(x_span), &figure.x.label),
        Side::new(Domain::Values(y_span.clone()), &figure.y.label),
    );
    plan.bottom.grid = false;
    plan.height = if figure.width < 420 { 190.0 } else { 240.0 };
    plan.key = key(figure, series, Swatch::Square, false);
    plan.notes = notes;
    let mut frame = Frame::new(figure, plan);
    let floor = if scale == Scale::Log { frame.y.start() } else { frame.y.at(0.0) };
    let place = |frame: &Frame, value: f64| if scale == Scale::Log && value <= 0.0 { floor } else { frame.y.at(value) };
    let strength = if series.len() > 1 && !mark.stacked { 0.55 } else { 1.0 };
    let side = |frame: &Frame, edge: usize| {
        let edge = mark.edges.get(edge).copied().and_then(|edge| admitted(x_scale, Some(edge)));
        edge.map_or(frame.area.left, |edge| frame.x.at(edge))
    };
    let mut merged: Vec<Vec<_>> = vec![Vec::new(); series.len()];
    for (bin, index, from, to, count) in &bars {
        let (left, right) = (side(&frame, *bin), side(&frame, bin + 1));
        // A hair of paper between bins, where there is room for one.
        let gap = if right - left > 5.0 { 1.0 } else { 0.0 };
        let (from, to) = (place(&frame, *from), place(&frame, *to));
        if right <= left || from == to {
            continue;
        }
        if bars.len() > TOOLTIPS {
            if let Some(rings) = merged.get_mut(*index) {
                rings.push(ring(left + gap / 2.0, from.min(to), right - left - gap, (from - to).abs()));
            }
            continue;
        }
        let edge =
            |at: usize| mark.edges.get(at).map(|edge| exact(*edge, x_scale, figure.x.format)).unwrap_or_default();
        let name = series.get(*index).map_or("", |one| one.name.as_str());
        let hint = tooltip(&format!("{} to {}", edge(*bin), edge(bin + 1)), name, &y_span.exact(*count));
        let (ink, opacity) = colour(*index);
        let mut shape = bar((from, to), (left + gap / 2.0, right - left - gap), false, ink, Some(hint));
        if let Shape::Rectangle { opacity: paint, radius, .. } = &mut shape {
            *paint = opacity * strength;
            *radius = if mark.stacked { 0.0 } else { radius.min(1.5) };
        }
        frame.push(shape);
    }
    for (index, rings) in merged.into_iter().enumerate().filter(|(_, rings)| !rings.is_empty()) {
        let (fill, opacity) = colour(index);
        frame.push(Shape::Polygons { rings, fill, opacity: opacity * strength, tooltip: None });
    }
    frame.floor(floor);
    frame.references(figure, false);
    Ok(frame.scene)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn figure(mark: &Histogram) -> Figure {
        Figure::new("t", Mark::Histogram(mark.clone()))
    }

    #[test]
    fn bars_stand_between_their_edges() {
        let mark = Histogram::new(vec![0.0, 1.0, 3.0, 4.0], [Some(2.0), Some(4.0), Some(0.0)]);
        let scene = draw(&figure(&mark), &mark).unwrap();
        let bars: Vec<(f64, f64)> = scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Rectangle { width, height, tooltip: Some(_), .. } => Some((*width, *height)),
                _ => None,
            })
            .collect();
        assert_eq!(bars.len(), 2, "an empty bin has no bar");
        assert!(
            ((bars[1].0 + 1.0) / (bars[0].0 + 1.0) - 2.0).abs() < 1e-6 && (bars[1].1 / bars[0].1 - 2.0).abs() < 1e-6
        );
    }

    #[test]
    fn edges_must_rise_and_match_the_counts() {
        let falling = Histogram::new(vec![0.0, 2.0, 1.0], [Some(1.0), Some(1.0)]);
        assert_eq!(
            draw(&figure(&falling), &falling).unwrap_err().to_string(),
            "the edges of a histogram must be finite and rise: edge 3 is 1"
        );
        let short = Histogram::new(vec![0.0, 2.0], [Some(1.0), Some(1.0)]);
        assert!(matches!(draw(&figure(&short), &short), Err(ChartError::Length { expected: 1, found: 2, .. })));
        let many = Histogram::new((0..5_000).map(f64::from).collect(), (0..4_999).map(|_| Some(1.0)));
        assert_eq!(
            draw(&figure(&many), &many).unwrap_err().to_string(),
            "4999 bins are more than the 1000 that a figure can show; choose wider ones"
        );
    }
}
